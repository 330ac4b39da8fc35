/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_DUMP_NAMES_H
#define AGENT_CTL_DUMP_NAMES_H

/*
 * What the log says of hosts' numbers and of the ids of agents' series. An id means the same in all of its
 * epoch, so it does not matter where in the log that is said, nor in which order it is read.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/log_file.h"
#include "hostmetrics/format.h"

struct dump_host {
	uint32_t number;
	char *name;
};

struct dump_epoch {
	uint8_t id[HM_ID_BYTES];
	char **names; /* metric and labels, by id; NULL: not known */
	size_t n_names;
	size_t capacity;
};

/* Zeroed = empty. */
struct dump_names {
	struct dump_host *hosts;
	size_t n_hosts;
	size_t hosts_capacity;
	struct dump_epoch *epochs;
	size_t n_epochs;
	size_t epochs_capacity;
};

void dump_names_done(struct dump_names *names);

/* Take what a record says; of each number and id what is taken first counts.
 * @return 0, also for one of another type; -EBADMSG: it makes no sense; -ENOMEM */
int dump_names_take(struct dump_names *names, const struct log_record *record);

/* @return borrowed up to the next dump_names_take(); NULL: not known */
const char *dump_names_host(const struct dump_names *names, uint32_t number);
const char *dump_names_series(const struct dump_names *names,
			      const uint8_t epoch[static HM_ID_BYTES], uint32_t id);

#endif
