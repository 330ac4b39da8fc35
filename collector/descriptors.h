/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_DESCRIPTORS_H
#define COLLECTOR_DESCRIPTORS_H

/*
 * Who may have how many descriptors. The store, the control socket and the text clients have a share
 * each and none can take another's, so that clients of one kind starve neither the other kind nor the
 * store.
 */

#include <stdint.h>

/* For what is open for a moment only: segments of the log and a metric file, each of the committer,
 * the checkpoint and a query; folders on the way to them. */
#define DESCRIPTORS_PASSING 24

struct descriptors {
	int64_t control_clients; /* both: 1 at least */
	int64_t connections;
};

/* How many this process has open now, of the first few thousand. */
int64_t descriptors_count(void);

/* All that are wanted beside `n_open` which stay open. */
int64_t descriptors_wanted(int64_t n_open, int64_t connections_wanted);

/* Share out what a limit leaves beside `n_open`. Where it is short, connections get what is left by
 * the others, but half of it at least. */
void descriptors_share(int64_t limit, int64_t n_open, int64_t connections_wanted,
		       struct descriptors *ret_descriptors);

#endif
