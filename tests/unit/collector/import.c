/* SPDX-License-Identifier: MIT */
/* Tests of the verbs import, sync and export. */

#include "collector/import.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "collector/verbs.h"
#include "common/message.h"
#include "tests/support/asked.h"
#include "tests/support/scratch.h"

static const char *scratch;
static char path[4096];
static struct rejects *rejects;
static struct store *store;
static struct verbs verbs;
static struct workers *workers;
static struct buffer answer;

static void setup(void)
{
	message_init("test");
	scratch = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/store", scratch);
	cr_assert_eq(rejects_new(&rejects), 0);
	cr_assert_eq(store_open(path, 0, &store), 0);
	cr_assert_eq(workers_new(&workers), 0);
	verbs = (struct verbs){
		.workers = workers,
		.answer_limits = {.memory_mib = 64},
		.hostname = "here",
		.store = store,
		.store_path = path,
		.rejects = rejects,
	};
}

static void teardown(void)
{
	workers_free(workers);
	buffer_done(&answer);
	store_close(store);
	rejects_free(rejects);
	scratch_remove(scratch);
}

TestSuite(import, .init = setup, .fini = teardown);

static const char *ask(const char *request)
{
	return asked_verb(&verbs, request, &answer);
}

#define TAKEN "columns\trows\tsample:number\treason:text\nend\tok\n"
#define EXPORTED                                                                                   \
	"columns\trows\thost:text\tmetric:text\tlabels:text\tkind:text\tunit:text\tshared:text\t"  \
	"time:time\tvalue:number\tbits:text\n"

Test(import, samples_come_out_as_they_were_brought)
{
	cr_expect_str_eq(
		ask("import\tsamples="
		    "nh\\tgauge\\ts\\tb{c=\"d\"}\\ns2 7ff8000000000001\\ns1 8000000000000000\\n"
		    "n\\tcounter\\t\\ta\\ns-5 3ff0000000000000\\ns-5 4000000000000000\\n"),
		TAKEN);
	cr_expect_str_eq(ask("sync"), "columns\trecord\tsynced:number\nrow\t1\nend\tok\n");
	cr_expect_str_eq(ask("export"),
			 EXPORTED "row\th\tb\t{c=\"d\"}\tgauge\ts\tyes\t1\t-0\t\\N\n"
				  "row\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t2\tNaN\t7ff8000000000001\n"
				  "row\there\ta\t\tcounter\t\tyes\t-5\t1\t\\N\n"
				  "row\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t-5\t2\t\\N\n"
				  "end\tok\n");
}

Test(import, each_refused_sample_is_named)
{
	const char *got = ask("import\tsamples=s1 0\\n"
			      "nh\\t\\t\\ta\\ns1 0\\nsx 0\\ns1 x\\ns1 3FF\\ns1 00000000000000000\\n"
			      "s9223372036854775808 0\\ns-9223372036854775808 0\\n"
			      "nh\\t\\t\\ta{\\ns1 0\\nnh\\t\\t\\ta{host=\"x\"}\\ns1 0\\ns2 0\\n");
	int last = -1;

	for (const char *row = strstr(got, "\nrow\t"); row; row = strstr(row + 1, "\nrow\t")) {
		int sample = (int)strtol(row + 5, NULL, 10);

		cr_expect_gt(sample, last);
		cr_expect_neq(sample, 1);
		last = sample;
	}
	cr_expect_eq(last, 10);
	cr_expect_not_null(strstr(got, "\nend\tok\n"));
	(void)ask("sync");
	cr_expect_not_null(strstr(ask("export"), "\t1\t0\t\\N\nend\tok\n"));
}

Test(import, what_is_no_such_text_is_refused_whole)
{
	cr_expect_not_null(strstr(ask("import"), "\nend\tusage\t"));
	cr_expect_not_null(strstr(ask("import\tsamples=x\\n"), "\nend\tusage\t"));
	cr_expect_not_null(strstr(ask("import\tsamples=nh\\t\\t\\ta\\ns1 0"), "\nend\tusage\t"));
	(void)ask("sync");
	cr_expect_not_null(strstr(ask("export"), "\nend\tnone\t"));
}

Test(import, an_export_by_metric_tells_metrics_first_and_which_are_not_the_same_everywhere)
{
	(void)ask("import\tsamples=nb\\tgauge\\t\\tm\\ns1 0\\nna\\tgauge\\t\\tm\\ns1 0\\n"
		  "na\\tcounter\\t\\tx_total\\ns1 0\\nna\\tgauge\\t\\tx\\ns1 0\\n"
		  "nb\\tcounter\\t\\tz\\ns1 0\\nna\\tgauge\\t\\tz\\ns1 0\\n");
	(void)ask("sync");
	cr_expect_str_eq(ask("export\torder=metric"),
			 EXPORTED "row\ta\tm\t\tgauge\t\tyes\t\\N\t\\N\t\\N\n"
				  "row\tb\tm\t\tgauge\t\tyes\t\\N\t\\N\t\\N\n"
				  "row\ta\tx\t\tgauge\t\tyes\t\\N\t\\N\t\\N\n"
				  "row\ta\tx_total\t\tcounter\t\tno\t\\N\t\\N\t\\N\n"
				  "row\ta\tz\t\tgauge\t\tno\t\\N\t\\N\t\\N\n"
				  "row\tb\tz\t\tcounter\t\tno\t\\N\t\\N\t\\N\n"
				  "row\ta\tm\t\tgauge\t\tyes\t1\t0\t\\N\n"
				  "row\tb\tm\t\tgauge\t\tyes\t1\t0\t\\N\n"
				  "row\ta\tx\t\tgauge\t\tyes\t1\t0\t\\N\n"
				  "row\ta\tx_total\t\tcounter\t\tno\t1\t0\t\\N\n"
				  "row\ta\tz\t\tgauge\t\tno\t1\t0\t\\N\n"
				  "row\tb\tz\t\tcounter\t\tno\t1\t0\t\\N\n"
				  "end\tok\n");
}

/* Bring so many samples of one series, one a microsecond or all of one. */
static void bring(const char *series, int n, bool is_one_time)
{
	struct buffer request = {0};

	for (int i = 0; i < n;) {
		buffer_clear(&request);
		buffer_printf(&request, "import\tsamples=nh\\t\\t\\t%s\\n", series);
		for (; i < n && request.length < HM_CONTROL_REQUEST_MAX_BYTES - 64; i++) {
			/* Bits that no encoding makes shorter. */
			buffer_printf(&request, "s%d %" PRIx64 "\\n", is_one_time ? 7 : i,
				      (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) >> 2);
		}
		cr_assert_str_eq(ask(buffer_text(&request)), TAKEN);
	}
	buffer_done(&request);
}

/* Rows of the answer. */
static int count_rows(const char *rows)
{
	int n = 0;

	for (const char *row = strstr(rows, "\nrow\t"); row; row = strstr(row + 1, "\nrow\t"))
		n++;
	return n;
}

Test(import, an_export_reads_in_parts_what_does_not_fit_into_its_memory)
{
	/* 4 MiB hold some 87 000 samples. */
	bring("long", 200000, false);
	bring("short", 100, false);
	(void)ask("sync");
	verbs.answer_limits.memory_mib = 1;
	cr_expect_eq(count_rows(ask("export")), 200100);
	cr_expect_not_null(strstr(buffer_text(&answer), "\t199999\t"));
	cr_expect_not_null(strstr(buffer_text(&answer), "\nend\tok\n"));
	cr_expect_eq(count_rows(ask("export\tsince=20000\tuntil=59999\tseries=long")), 40000);
}

Test(import, an_export_takes_more_memory_for_many_samples_of_one_time)
{
	bring("long", 600000, true);
	(void)ask("sync");
	cr_expect_eq(count_rows(ask("export")), 600000);
	verbs.answer_limits.memory_mib = 4;
	cr_expect_not_null(
		strstr(ask("export"), "\nend\tfailed\ta series has more samples of one"));
}

Test(import, an_export_by_metric_does_not_wait_for_a_store_that_cannot_be_written, .timeout = 30)
{
	const struct rlimit none = {.rlim_cur = 0, .rlim_max = RLIM_INFINITY};
	const struct rlimit all = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

	(void)ask("import\tsamples=nh\\t\\t\\ta\\ns1 0\\nni\\t\\t\\ta\\ns1 0\\n");
	(void)ask("sync");
	cr_assert_neq(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	(void)ask("export\torder=metric");
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	/* The metric of either host, and its sample. */
	cr_expect_eq(count_rows(buffer_text(&answer)), 4);
	cr_expect_not_null(strstr(buffer_text(&answer), "\nend\tok\n"));
}
