/* SPDX-License-Identifier: MIT */
/* Tests of what agentctl can ask of a collector. */

#include "collector/verbs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/message.h"
#include "tests/support/asked.h"
#include "tests/support/sample_lines.h"
#include "tests/support/scratch.h"

static const char *scratch;
static char path[4096];
static struct rejects *rejects;
static struct rejects *closed;
static struct store *store;
static struct traffic traffic;
static struct endpoint endpoint;
static struct verbs verbs;
static struct workers *workers;
static struct buffer answer;

static void setup(void)
{
	message_init("test");
	scratch = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/store", scratch);
	cr_assert_eq(rejects_new(&rejects), 0);
	cr_assert_eq(rejects_new(&closed), 0);
	traffic.closed = closed;
	cr_assert_eq(store_open(path, 0, &store), 0);
	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", 1), 0);
	cr_assert_eq(workers_new(&workers), 0);
	verbs = (struct verbs){
		.workers = workers,
		.answer_limits = {.time_us = 60000000, .memory_mib = 64},
		.hostname = "here",
		.store_path = path,
		.store = store,
		.rejects = rejects,
		.traffic = &traffic,
		.endpoint = &endpoint,
	};
}

static void teardown(void)
{
	workers_free(workers);
	buffer_done(&answer);
	endpoint_close(&endpoint);
	store_close(store);
	rejects_free(rejects);
	rejects_free(closed);
	scratch_remove(scratch);
}

TestSuite(verbs, .init = setup, .fini = teardown);

static const char *ask(const char *request)
{
	return asked_verb(&verbs, request, &answer);
}

Test(verbs, list_metrics_shows_every_series_with_its_last_value)
{
	sample_lines_store(
		store, "# TYPE m counter\n# UNIT m bytes\n1 m{host=\"b\"} 1\n2 m{host=\"b\"} 0.1\n"
		       "3 n{host=\"a\",l=\"x\ty\"} 5\n");
	sample_lines_store(store, "3 n{host=\"a\",l=\"x y\"} 5\n");

	cr_assert_str_eq(
		ask("list-metrics"),
		"columns\trows\thost:text\tseries:text\tkind:text\tunit:text\tvalue:number\t"
		"time:time\n"
		"row\ta\tn{l=\"x y\"}\tunknown\t\t5\t3000000\n"
		"row\tb\tm\tcounter\tbytes\t0.1\t2000000\n"
		"end\tok\n");
}

Test(verbs, list_metrics_takes_a_glob)
{
	sample_lines_store(store, "1 aa 1\n1 ab 1\n1 b 1\n");

	cr_assert_not_null(strstr(ask("list-metrics\tglob=a*"), "\tab\t"));
	cr_assert_null(strstr(ask("list-metrics\tglob=a*"), "\tb\t"));
	cr_assert_not_null(strstr(ask("list-metrics\tglob=z*"), "\nend\tnone\t"));
}

Test(verbs, list_metrics_gives_thousands_of_series_each_once)
{
	struct buffer text = {0};
	const char *at;
	int n_rows = 0;

	for (int i = 0; i < 3000; i++)
		buffer_printf(&text, "1 m{l=\"%d\"} 1\n", i);
	sample_lines_store(store, buffer_text(&text));
	buffer_done(&text);

	at = ask("list-metrics");
	while ((at = strstr(at, "\nrow\t"))) {
		n_rows++;
		at++;
	}
	cr_assert_eq(n_rows, 3000);
}

Test(verbs, get_gives_last_values)
{
	sample_lines_store(store, "1 m{x=\"1\"} 1\n2 m{x=\"1\"} 7\n");

	cr_assert_str_eq(ask("get\tseries=m{x=\"1\"}"),
			 "columns\trows\ttime:time\thost:text\tseries:text\tvalue:number\n"
			 "row\t2000000\there\tm{x=\"1\"}\t7\n"
			 "end\tok\n");
	cr_assert_not_null(strstr(ask("get\tseries=m\thost=other"), "end\tnone\t"));
	cr_assert_not_null(strstr(ask("get"), "end\tusage\t"));
}

Test(verbs, query_gives_what_has_just_arrived)
{
	sample_lines_store(store, "1 m 1\n2 m 2\n3 m 3\n");

	cr_assert_str_eq(ask("query\tseries=m\tsince=2000000"),
			 "columns\trows\ttime:time\thost:text\tseries:text\tvalue:number\n"
			 "row\t2000000\there\tm\t2\n"
			 "row\t3000000\there\tm\t3\n"
			 "end\tok\n");
	cr_assert_not_null(strstr(ask("query\tseries=m\tuntil=5"), "end\tnone\tno sample"));
	cr_assert_not_null(strstr(ask("query\tseries=x"), "end\tnone\tno series"));
}

Test(verbs, query_says_what_it_wants)
{
	cr_assert_not_null(strstr(ask("query"), "end\tusage\t"));
	cr_assert_not_null(strstr(ask("query\tseries="), "end\tusage\t"));
	cr_assert_not_null(strstr(ask("query\tseries=m\tsince=yesterday"), "end\tusage\t"));
	cr_assert_not_null(
		strstr(ask("query\tseries=m\tuntil=99999999999999999999"), "end\tusage\t"));
}

Test(verbs, list_hosts_counts_series_and_samples)
{
	cr_assert_not_null(strstr(ask("list-hosts"), "end\tnone\t"));
	sample_lines_store(store, "1 m{host=\"b\"} 1\n9 m{host=\"b\"} 1\n1 n{host=\"a\"} 1\n");

	cr_assert_str_eq(ask("list-hosts"),
			 "columns\trows\thost:text\tseries:number\tsamples:number\trate:number\t"
			 "bytes:number\tinodes:number\toldest_time:time\tlast_time:time\n"
			 "row\ta\t1\t1\t\\N\t0\t0\t\\N\t1000000\n"
			 "row\tb\t1\t2\t\\N\t0\t0\t\\N\t9000000\n"
			 "end\tok\n");
}

/* Do the rows begin with these hosts, in this order? */
static bool are_hosts(const char *text, const char *const hosts[])
{
	char row[64];

	for (size_t i = 0; hosts[i]; i++) {
		(void)snprintf(row, sizeof(row), "\nrow\t%s\t", hosts[i]);
		text = strstr(text, row);
		if (!text)
			return false;
	}
	return true;
}

Test(verbs, list_hosts_sorts_by_any_column)
{
	static const char *const by_name[] = {"a", "b", "c", NULL};
	static const char *const by_series[] = {"b", "c", "a", NULL};
	static const char *const by_samples[] = {"b", "a", "c", NULL};
	static const char *const by_oldest[] = {"c", "a", "b", NULL};
	static const char *const by_oldest_down[] = {"a", "c", "b", NULL};
	static const char *const by_name_down[] = {"c", "b", "a", NULL};

	/* b has samples of impossible times only, so none of them is its oldest. */
	sample_lines_store(store, "1795416402 m{host=\"a\"} 1\n1795416401 m{host=\"c\"} 1\n"
				  "1795416403 m{host=\"c\"} 1\n1795416404 m{host=\"c\"} 1\n"
				  "1795416405 n{host=\"a\"} 1\n1 m{host=\"b\"} 1\n"
				  "1795416402 n{host=\"c\"} 1\n1795416402 o{host=\"a\"} 1\n");

	cr_expect(are_hosts(ask("list-hosts"), by_name));
	cr_expect(are_hosts(ask("list-hosts\tsort=host"), by_name));
	cr_expect(are_hosts(ask("list-hosts\tsort=-host"), by_name_down));
	cr_expect(are_hosts(ask("list-hosts\tsort=series"), by_series));
	cr_expect(are_hosts(ask("list-hosts\tsort=samples"), by_samples));
	cr_expect(are_hosts(ask("list-hosts\tsort=oldest_time"), by_oldest));
	cr_expect(are_hosts(ask("list-hosts\tsort=-oldest_time"), by_oldest_down));
	cr_expect(are_hosts(ask("list-hosts\tsort=-bytes"), by_name), "all have none");
	cr_expect(are_hosts(ask("list-hosts\tsort=-inodes"), by_name));
	cr_expect(are_hosts(ask("list-hosts\tsort=rate"), by_name));
	cr_expect(are_hosts(ask("list-hosts\tsort=-last_time"), by_oldest_down));
	cr_expect_not_null(
		strstr(ask("list-hosts\tsort=byte"),
		       "end\tusage\t'byte' is no column: host, series, samples, rate, "
		       "bytes, inodes, oldest_time or last_time (did you mean 'bytes'?)"));
	cr_expect_not_null(strstr(ask("list-hosts\tsort="), "end\tusage\t'' is no column"));
	cr_expect_not_null(strstr(ask("list-hosts\tsort=-"), "end\tusage\t"));
}

/* The value of a column of a record. */
static const char *field(const char *record, const char *column)
{
	static char value[4096];
	static char text[65536];
	struct control_words names;
	struct control_words values;
	char *second_line;

	(void)snprintf(text, sizeof(text), "%s", record);
	second_line = strchr(text, '\n') + 1;
	second_line[-1] = '\0';
	*strchr(second_line, '\n') = '\0';
	cr_assert_eq(control_split(text, &names), 0);
	cr_assert_eq(control_split(second_line, &values), 0);
	cr_assert_eq(names.n, values.n + 1);
	for (size_t i = 2; i < names.n; i++) {
		if (strncmp(names.at[i], column, strlen(column)) == 0 &&
		    names.at[i][strlen(column)] == ':') {
			(void)snprintf(value, sizeof(value), "%s", values.at[i - 1]);
			return value;
		}
	}
	return NULL;
}

Test(verbs, status_counts_what_came_in)
{
	const char *status;

	traffic.connections_total = 3;
	sample_lines_store(store, "1 m 1\n1 n 1\n");
	cr_assert_eq(store_flush(store, 10000), 0);
	status = ask("status");

	cr_assert_str_eq(field(status, "program"), "hostmetrics-collector");
	cr_assert_str_eq(field(status, "hostname"), "here");
	cr_assert_str_eq(field(status, "store"), path);
	cr_assert_str_eq(field(status, "listen"), endpoint.text);
	cr_assert_str_eq(field(status, "connections_total"), "3");
	cr_assert_str_eq(field(status, "samples_stored"), "2");
	cr_assert_str_eq(field(status, "lines_accepted"), "2");
	cr_assert_str_eq(field(status, "lines_rejected"), "0");
	cr_assert_str_eq(field(status, "udp_dropped"), "0");
	cr_assert_str_eq(field(status, "last_error"), "");
	cr_assert_null(field(status, "rejected_bad_value"));
}

Test(verbs, status_shows_an_example_of_every_reason)
{
	char name[64];
	const char *status;

	for (int i = 1; i < HM_REASON_COUNT; i++)
		rejects_add(rejects, (enum hm_reason)i, "bad\tline", 8);
	for (int i = 1; i < HM_REASON_COUNT; i++)
		rejects_add(closed, (enum hm_reason)i, "192.0.2.1:5", 11);
	status = ask("status");

	(void)snprintf(name, sizeof(name), "%d", HM_REASON_COUNT - 1);
	cr_assert_str_eq(field(status, "lines_rejected"), name);
	cr_assert_str_eq(field(status, "rejected_bad_value"), "1");
	cr_assert_str_eq(field(status, "rejected_bad_value_example"), "bad\\x09line");
	cr_assert_not_null(field(status, "rejected_store_failed"));
	cr_assert_str_eq(field(status, "closed_idle"), "1");
	cr_assert_str_eq(field(status, "closed_idle_example"), "192.0.2.1:5");
	cr_assert_not_null(field(status, "last_error"));
}

Test(verbs, query_computes_windows)
{
	sample_lines_store(store, "# TYPE c counter\n10 c{x=\"1\"} 1\n20 c{x=\"1\"} 31\n"
				  "10 c{x=\"2\"} 5\n20 c{x=\"2\"} 1\n70 c{x=\"2\"} 2\n");

	cr_assert_str_eq(ask("query\tseries=c{x=\"1\"}\tstep=60000000"),
			 "columns\trows\ttime:time\thost:text\tseries:text\tvalue:number\n"
			 "row\t0\there\tc{x=\"1\"}\t3\n"
			 "end\tok\n");
	cr_assert_str_eq(ask("query\tseries=c\tstep=60000000\tfunction=increase\tby="),
			 "columns\trows\ttime:time\thost:text\tseries:text\tvalue:number\n"
			 "row\t0\t\\N\tc\t31\n"
			 "row\t60000000\t\\N\tc\t1\n"
			 "end\tok\n");
	cr_assert_str_eq(ask("query\tseries=c\tfunction=count\tby=host,x"),
			 "columns\trows\ttime:time\thost:text\tseries:text\tvalue:number\n"
			 "row\t10000000\there\tc{x=\"1\"}\t2\n"
			 "row\t10000000\there\tc{x=\"2\"}\t3\n"
			 "end\tok\n");
	cr_assert_not_null(strstr(ask("query\tseries=c\tfunction=rate\tuntil=10000000"),
				  "end\tnone\tno sample"));
}

Test(verbs, query_refuses_what_is_no_function_or_step)
{
	cr_assert_not_null(strstr(ask("query\tseries=c\tfunction=median"), "end\tusage\t"));
	cr_assert_not_null(strstr(ask("query\tseries=c\tstep=-1"), "end\tusage\t"));
	cr_assert_not_null(strstr(ask("query\tseries=c{"), "end\tusage\t"));
	sample_lines_store(store, "1 c 1\n");
	cr_assert_not_null(
		strstr(ask("query\tseries=c\tby=a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"
			   "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"
			   "a,a,a,a,a"),
		       "end\tusage\tby takes at most 64"));
}
