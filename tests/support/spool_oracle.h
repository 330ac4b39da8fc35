/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SPOOL_ORACLE_H
#define TESTS_SUPPORT_SPOOL_ORACLE_H

/* What is right of a spool in its world, and a collector that takes from it. See tests/support/spool_world.h. */

#include "tests/support/spool_world.h"

#define WORLD_SEGMENT_BYTES ((uint64_t)16 << 10)

/* Keep what is wrong; the first counts. */
void oracle_complain(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A session: of the oldest epoch that has something to be sent. */
void oracle_deliver(struct world *world, unsigned n_messages, bool is_acked);

/* The collector says of the oldest epoch that it has something else. */
void oracle_collide(struct world *world);

/* Is the spool within its limits? */
void oracle_check_limits(struct world *world);

/* After a process has ended: is all there? @param is_power  only what was synced is sure */
void oracle_check(struct world *world, bool is_power);

#endif
