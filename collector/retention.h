/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_RETENTION_H
#define COLLECTOR_RETENTION_H

/* How long samples are kept: rules by host, from which the horizons follow. */

#include <stddef.h>
#include <stdint.h>

#include "common/config.h"

struct engine;

/* The key whose age counts for hosts that no pattern takes. */
#define RETENTION_DEFAULT "default"

/*
 * Read a section of `PATTERN = AGE`, a glob of hosts and a duration each, into one text: rules in the order
 * of the file, as retention_set() takes them.
 * @param ret_text  owned by the caller; unchanged on failure
 * @return 0; -ENOMEM; -EINVAL with *error set
 */
int retention_read(const struct config *config, const char *section, char **ret_text,
		   struct config_error *error);

/* From now on these rules count, for what is there as well. Takes the engine's mutex.
 * @param text  of retention_read(); copied; NULL: no rules. @return 0 or -ENOMEM */
int retention_set(struct engine *engine, const char *text);

/* How long rules keep the samples of a host. @return microseconds; 0: for ever */
int64_t retention_age(const char *rules, const char *host);

/*
 * Have the horizons logged that have moved. For the thread of the checkpoint. Takes the engine's mutex.
 * @return 0 or -ENOMEM
 */
int retention_run(struct engine *engine);

#endif
