/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_TORTURE_H
#define TESTS_SUPPORT_TORTURE_H

/*
 * What the programs of tests/fault/ share. Each is started as
 *
 *     PROGRAM [SEED]
 *
 * and does the amount of `make check`, or, with TORTURE_SECONDS in its environment, goes on from one
 * seed to the next for so long; with SEED only that one; with FAULT_ALL it does not end at the first
 * that is bad. Results are TAP, on standard output.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/trial.h"

/* A sanitizer makes a state ten times as dear, and looks at the code that runs, which is soon all of it. The build
 * without one does the whole amount. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TORTURE_SHARE 8
#else
#define TORTURE_SHARE 1
#endif

struct torture {
	const char *program;
	struct trial_counts counts;
	uint64_t seed;     /* of the present scenario */
	bool is_one_seed;  /* no other */
	bool goes_on;      /* also where something was bad */
	int64_t ends_s;    /* CLOCK_MONOTONIC; 0 = after the amount of `make check` */
	uint64_t n_states; /* that were checked */
	unsigned n_tests;
	unsigned n_bad;
};

/* Reads the command line; what the engine tells goes to /dev/null, but with FAULT_VERBOSE. */
void torture_begin(struct torture *torture, int argc, char **argv);

/*
 * Go on to the next seed.
 * @param is_enough  the amount of `make check` is done
 * @return false: that was all
 */
bool torture_next(struct torture *torture, bool is_enough);

/* Count a checked state; when it is bad, tell why and how to see it again. @return is it good? */
bool torture_judge(struct torture *torture, const struct trial *trial, const char *where);

/* Has anything been bad, so that it is time to end? */
bool torture_is_bad(const struct torture *torture);

/* Is that so, or is the time up? For scenarios that take minutes. */
bool torture_is_over(const struct torture *torture);

/* One line of TAP. */
void torture_tell(struct torture *torture, bool is_good, const char *name);

/* Likewise: it has happened `n` times, which is to be more than none. */
void torture_want(struct torture *torture, uint64_t n, const char *name);

/* A test for each: it must have happened. */
void torture_want_events(struct torture *torture, const enum sim_event *events, unsigned n);
void torture_want_trial_events(struct torture *torture, const enum trial_event *events, unsigned n);
void torture_want_failed(struct torture *torture, const enum sim_call *calls, unsigned n);

/* Print the counts and the plan. @return the program's exit code */
int torture_end(struct torture *torture);

#endif
