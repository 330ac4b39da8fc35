/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_HORIZON_H
#define COLLECTOR_HORIZON_H

/* The horizon of a host: no sample of an earlier time counts, whenever it came in. It only moves on. */

#include <stddef.h>
#include <stdint.h>

struct engine;
struct catalog_host;

/*
 * Have it logged that a host's horizon has moved; engine->controls_wanted is the caller's to count. It
 * counts once that is durable. With the mutex held.
 * @param host  has something durable in the log: before that nothing there tells who it is
 * @return 0 or -ENOMEM
 */
int horizon_put(struct engine *engine, const struct catalog_host *host, int64_t horizon_us);

/* A HORIZON record is durable. With the mutex held. */
void horizon_settle(struct engine *engine, const void *payload, size_t n_bytes);

#endif
