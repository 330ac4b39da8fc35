/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_ASK_H
#define AGENT_CTL_ASK_H

/* Ask a daemon one question and print its answer. */

#include <stdio.h>

#include "agent/ctl/options.h"
#include "agent/ctl/target.h"

/* Most verbs: ask once. @return an enum ending */
int ask_run(const struct options *options);

/*
 * Ask a target that is open and print the answer; say what is wrong with it. The target is closed
 * unless it is good for the next question.
 * @param file  where the answer goes; flushed
 * @return an enum ending; or, unsaid, -errno: the daemon did not answer
 */
int ask_target(const struct options *options, struct target *target, FILE *file);

/*
 * Write the request of the command line; say what is wrong with it.
 * @param out  released by the caller, in any case
 * @return ENDING_FOUND, or another enum ending: there is no request
 */
int ask_format(const struct options *options, struct buffer *out);

/* Say how an answer without rows ended. @return an enum ending */
int ask_conclude(const struct options *options, const struct target *target,
		 const struct answer *answer);

/* Say why the daemon cannot be reached. @return ENDING_UNREACHABLE */
int ask_unreachable(const struct target *target, int error);

/* Say that the output cannot be written, unless its reader has gone. @return ENDING_FAILED */
int ask_unwritable(int error);

#endif
