/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_HELP_H
#define AGENT_CTL_HELP_H

/* What agentctl says of itself. */

#include <stdio.h>

#include "agent/ctl/options.h"

/* @param verb  NULL = of all. @return an enum ending */
int help_print(const struct verb *verb, FILE *file);

/* "agentctl 0.1.0". @return an enum ending */
int help_print_version(FILE *file);

/* `agentctl help [VERB]` */
int help_run(const struct options *options);

#endif
