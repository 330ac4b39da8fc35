/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_CUTS_H
#define COLLECTOR_CUTS_H

/*
 * Files that a checkpoint was about to append to, as the log says it, and how long they were before. One
 * thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/catalog.h"
#include "collector/hash.h"
#include "collector/id_map.h"
#include "collector/table.h"

/* What the checkpoint wrote counts after all. */
#define CUT_NONE UINT64_MAX

struct cut {
	struct catalog_host *host;
	uint64_t length_bytes; /* before that checkpoint; 0 = it was not there; CUT_NONE */
	bool is_dropped;       /* the checkpoint was completed */
	bool is_doubtful;      /* what the disk has of it now is not known */
	uint64_t later_bytes;  /* how long it was before the last group that names it */
	uint64_t group;        /* that one's number */
	struct cut *next;      /* of the host; NULL = it is the last */
	size_t name_length;
	char name[]; /* of the file, in the host's folder */
};

struct cuts {
	struct hash_key key;
	uint64_t group;   /* whose files are being noted; set by the caller */
	struct cut **all; /* in the order of the log */
	size_t n;
	size_t capacity;
	struct table index;
	struct id_map hosts; /* the first cut of each, by its number */
};

void cuts_init(struct cuts *cuts, const struct hash_key *key);

/* Takes a zeroed one. */
void cuts_done(struct cuts *cuts);

/*
 * Note a file of the group. Of several times the first one counts: the file then was as the host's last
 * completed checkpoint left it. What the last one said is kept beside it.
 * @param host  borrowed; has a number
 * @return 0 or -ENOMEM
 */
int cuts_add(struct cuts *cuts, struct catalog_host *host, const char *name, size_t name_length,
	     uint64_t length_bytes);

/* A host's checkpoint was completed: its files are as they shall be. */
void cuts_drop(struct cuts *cuts, const struct catalog_host *host);

/* @return the file's cut that is not dropped, or NULL */
struct cut *cuts_find(const struct cuts *cuts, const struct catalog_host *host, const char *name);

/* The first of a host's cuts, dropped ones too; then cut->next. @return NULL: it has none */
struct cut *cuts_of(const struct cuts *cuts, const struct catalog_host *host);

#endif
