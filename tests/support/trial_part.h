/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_TRIAL_PART_H
#define TESTS_SUPPORT_TRIAL_PART_H

/* What the parts of a trial share. */

#include "tests/support/ledger.h"
#include "tests/support/trial.h"

/* "host0" and those that follow. */
#define TRIAL_HOSTS 3

/* What is deleted, or too old, begins or ends within so much of the time before. */
#define TRIAL_PAST_US INT64_C(18000000000)

/* The test itself cannot go on. */
void trial_give_up(const char *what) __attribute__((noreturn));

/* An error is a problem where nothing was made to fail. */
void trial_judge(struct trial *trial, const char *what, int result);

/* As the ledger calls a series. */
void trial_name_row(const char *host, const char *metric, const char *labels,
		    char name[static LEDGER_NAME_MAX_BYTES]);

/* Likewise its absences, which the ledger has as another series with the reasons for values. @param name  its own */
void trial_name_absences(const char *name, char absences[static LEDGER_NAME_MAX_BYTES]);

/*
 * Append samples of one series, a microsecond apart, from a time on backwards.
 * @param name  as a line has it, with some value
 */
void trial_give_many(struct trial *trial, const char *host, const char *name, int64_t time_us,
		     int n);

/* Have files trimmed, and what that leaves given back: after a while a segment is begun for it. */
void trial_give_back(struct trial *trial);

#endif
