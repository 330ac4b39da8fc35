/* SPDX-License-Identifier: MIT */
/* What the programs of tests/fault/ share. */

#include "tests/support/torture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t now_s(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Nobody reads thousands of messages on damage that was made on purpose. */
static void silence(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		abort();
	(void)close(fd);
}

void torture_begin(struct torture *torture, int argc, char **argv)
{
	const char *seconds = getenv("TORTURE_SECONDS");

	*torture = (struct torture){.program = argv[0]};
	if (seconds && *seconds) {
		torture->ends_s = now_s() + strtoll(seconds, NULL, 10);
		if (getentropy(&torture->seed, sizeof(torture->seed)) < 0)
			abort();
		torture->seed >>= 16;
	}
	if (argc > 1) {
		torture->seed = strtoull(argv[1], NULL, 10) - 1;
		torture->is_one_seed = true;
	}
	torture->goes_on = getenv("FAULT_ALL") != NULL;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (!getenv("FAULT_VERBOSE"))
		silence();
	(void)printf("# seeds from %llu\n", (unsigned long long)torture->seed + 1);
}

bool torture_next(struct torture *torture, bool is_enough)
{
	bool is_first = torture->n_states == 0;

	if (torture_is_bad(torture))
		return false;
	if (!is_first && torture->is_one_seed)
		return false;
	if (torture->ends_s ? now_s() >= torture->ends_s : is_enough)
		return false;
	torture->seed++;
	return true;
}

bool torture_is_bad(const struct torture *torture)
{
	return torture->n_bad > 0 && !torture->goes_on;
}

bool torture_is_over(const struct torture *torture)
{
	return torture_is_bad(torture) || (torture->ends_s && now_s() >= torture->ends_s);
}

bool torture_judge(struct torture *torture, const struct trial *trial, const char *where)
{
	torture->n_states++;
	if (!trial_is_bad(trial))
		return true;
	/* One is enough to look at. */
	if (torture->n_bad == 0 || torture->goes_on) {
		(void)printf("# %s: %s\n# see it again: FAULT_VERBOSE=1 %s %llu\n", where,
			     trial->ledger.problem, torture->program,
			     (unsigned long long)torture->seed);
		if (getenv("FAULT_VERBOSE"))
			sim_disk_dump(trial->sim, stderr);
	}
	torture->n_bad++;
	return false;
}

void torture_tell(struct torture *torture, bool is_good, const char *name)
{
	(void)printf("%sok %u - %s\n", is_good ? "" : "not ", ++torture->n_tests, name);
	torture->n_bad += !is_good;
}

void torture_want(struct torture *torture, uint64_t n, const char *name)
{
	if (n > 0 || TORTURE_SHARE == 1) {
		torture_tell(torture, n > 0, name);
		return;
	}
	(void)printf("ok %u - %s # SKIP a share of the seeds need not show it: the build without a "
		     "sanitizer does\n",
		     ++torture->n_tests, name);
}

void torture_want_events(struct torture *torture, const enum sim_event *events, unsigned n)
{
	char name[64];

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "there were %s", sim_event_name(events[i]));
		torture_want(torture, torture->counts.disk.events[events[i]], name);
	}
}

void torture_want_trial_events(struct torture *torture, const enum trial_event *events, unsigned n)
{
	char name[64];

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "there were %s", trial_event_name(events[i]));
		torture_want(torture, torture->counts.events[events[i]], name);
	}
}

void torture_want_failed(struct torture *torture, const enum sim_call *calls, unsigned n)
{
	char name[64];

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "%s was made to fail", sim_call_name(calls[i]));
		torture_want(torture, torture->counts.disk.failed[calls[i]], name);
	}
}

int torture_end(struct torture *torture)
{
	sim_counts_print(&torture->counts.disk, stdout);
	for (unsigned i = 0; i < TRIAL_EVENTS; i++)
		(void)printf("%s %s %llu", i ? "," : "#", trial_event_name(i),
			     (unsigned long long)torture->counts.events[i]);
	(void)putchar('\n');
	(void)printf("# %llu states, the last seed was %llu\n1..%u\n",
		     (unsigned long long)torture->n_states, (unsigned long long)torture->seed,
		     torture->n_tests);
	return torture->n_bad ? 1 : 0;
}
