/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_DUMP_H
#define AGENT_CTL_DUMP_H

/* `agentctl dump FILE`: the samples of a store file (hostmetrics/format.h), in the order of the
 * file. */

#include <stdio.h>

#include "agent/ctl/options.h"

/* @return an enum ending; ENDING_FAILED also where the file is damaged, after all that verifies */
int dump_run(const struct options *options);

/* The same with the output elsewhere. */
int dump_file(const struct options *options, FILE *file);

#endif
