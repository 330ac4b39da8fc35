/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_PRINTED_H
#define TESTS_SUPPORT_PRINTED_H

/* What agentctl prints for an answer, for the tests of its formats. */

#include <stdint.h>

#include "agent/ctl/output.h"

/* Not an age but the time itself. */
#define PRINTED_NO_AGE INT64_MIN

/*
 * Ends the program when the answer is not a whole one.
 * @param now_us  from when the table counts ages, or PRINTED_NO_AGE
 * @return owned by the caller
 */
char *printed_answer(const struct output_format *format, const char *answer, int64_t now_us);

#endif
