/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_NODE_H
#define TESTS_SUPPORT_SIM_NODE_H

/*
 * A file or folder of the simulated disk: what processes see, what the platter has, and the changes
 * between the two, in the order in which they were made. For sim_disk.c only.
 */

#include "tests/support/sim_disk.h"

enum sim_change_kind {
	SIM_CHANGE_WRITE,
	SIM_CHANGE_SIZE,
	SIM_CHANGE_LINK,   /* `name` becomes `node` */
	SIM_CHANGE_UNLINK, /* `name` is no more */
	SIM_CHANGE_RENAME, /* `name`, which is `node`, becomes `to` */
	SIM_CHANGE_PUNCH,  /* from `offset` on `length` bytes are zeroes */
};

struct sim_change {
	enum sim_change_kind kind;
	uint64_t sequence; /* of the disk */
	uint64_t offset;
	uint64_t size; /* that the file has by it; of a write: at least */
	uint8_t *bytes;
	size_t length;
	char *name;
	char *to;
	unsigned node;
};

struct sim_content {
	uint8_t *bytes;
	uint64_t size;
	uint64_t capacity; /* zeroes from the size on */
};

struct sim_entry {
	char *name;
	unsigned node;
};

struct sim_entries {
	struct sim_entry *at;
	size_t n;
	size_t capacity;
};

struct sim_node {
	bool is_folder;
	bool is_marked;
	unsigned n_names; /* that processes see */
	unsigned n_open;
	uint64_t n_errors; /* of writing back */
	uint64_t bad_from; /* up to bad_until: not to be read */
	uint64_t bad_until;
	int list_error; /* of a folder: an errno; 0 = it can be listed */
	struct sim_content now;
	struct sim_content durable;
	uint8_t *blocks; /* of SIM_DISK_BLOCK_BYTES: 1 = has its place on the platter */
	uint64_t n_blocks;
	uint64_t n_used_blocks;
	struct sim_entries entries;
	struct sim_entries durable_entries;
	struct sim_change *changes;
	size_t n_changes;
	size_t changes_capacity;
};

/* How the changes of a crash end. */
enum sim_mode {
	SIM_MODE_ALL,
	SIM_MODE_NONE,
	SIM_MODE_PREFIX, /* of the whole disk, the change at the cut in part */
	SIM_MODE_WHOLE,  /* each change or not */
	SIM_MODE_CHAOS,  /* each sector for itself */
	SIM_MODES,
};

struct sim_fate {
	enum sim_mode mode;
	uint64_t cut; /* the sequence of the first change that is not wholly done */
	struct sim_random *random;
	struct sim_counts *counts;
};

void *sim_node_allocate(void *memory, size_t n, size_t size);

struct sim_node *sim_node_new(bool is_folder);
void sim_node_free(struct sim_node *node);
struct sim_node *sim_node_clone(const struct sim_node *node);

/* Set a size; what is new is zeroes. */
void sim_content_resize(struct sim_content *content, uint64_t size);

/* @return the entry of a name, or NULL */
struct sim_entry *sim_entries_find(const struct sim_entries *entries, const char *name);

/* Remember a change that the caller has filled in but for what is copied here. */
void sim_node_change(struct sim_node *node, const struct sim_change *change);

/* Do to what processes see what a change says. */
void sim_node_do(struct sim_node *node, const struct sim_change *change);

/* All changes are on the platter. */
void sim_node_sync(struct sim_node *node);

/* Of the changes each is done or not as a fate says; then none is pending. */
void sim_node_meet(struct sim_node *node, const struct sim_fate *fate);

/* What processes see becomes what the platter has; no changes, no descriptors. */
void sim_node_reset(struct sim_node *node);

/* What processes see becomes what the platter will have once the changes are written. */
void sim_node_evict(struct sim_node *node);

/* Blocks that a range needs and that are not there. */
uint64_t sim_node_count_missing(const struct sim_node *node, uint64_t offset, uint64_t length);
void sim_node_take_blocks(struct sim_node *node, uint64_t offset, uint64_t length);

/* Give back the whole blocks of a range. */
void sim_node_give_blocks(struct sim_node *node, uint64_t offset, uint64_t length);

/* Give back the blocks behind the size that processes see. */
void sim_node_cut_blocks(struct sim_node *node);

#endif
