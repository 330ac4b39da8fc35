/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_CHECK_H
#define AGENT_CTL_CHECK_H

/* `agentctl check [STORE]`: every checksum of a collector's store, whether it runs or not. Changes
 * nothing. */

#include <stdio.h>

#include "agent/ctl/options.h"

/* @return an enum ending: ENDING_FOUND whole, ENDING_FAILED damaged, ENDING_USAGE something could not
 * be read, ENDING_UNREACHABLE no collector to ask for its store */
int check_run(const struct options *options);

/* The same with the output elsewhere. @param path  of the store */
int check_store(const struct options *options, const char *path, FILE *file);

#endif
