/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_SNAPSHOT_STATE_H
#define COLLECTOR_SNAPSHOT_STATE_H

/* What the store is at one moment: how much of each metric file counts, and of the log. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/engine.h"

/* A file below hosts/. */
struct snapshot_file {
	const struct catalog_host *host; /* borrowed from the engine; so is the next */
	const struct catalog_file *file; /* NULL: the host's own */
	enum catalog_side side;
	uint32_t part;
	uint64_t continues_bytes; /* so much of the part before counts */
	uint64_t length_bytes;    /* that count */
};

/* A segment of the log, open: nobody can remove it from here on. */
struct snapshot_segment {
	uint32_t number;
	int fd;
};

struct snapshot_state {
	struct engine *engine;
	struct snapshot_file *files;
	size_t n_files;
	const struct catalog_host **unread; /* hosts whose files could not be read at start */
	size_t n_unread;
	size_t n_hosts;
	struct snapshot_segment *segments;
	size_t n_segments;
	uint64_t durable; /* the end of what counts of the log */
};

/*
 * Note the present state. Until snapshot_state_done() no file becomes shorter.
 * @return 0; -EAGAIN: a checkpoint ends just now, try again in some ms; -ENOMEM; -EMFILE;
 * -errno, also of what keeps the engine from writing
 */
int snapshot_state_take(struct engine *engine, struct snapshot_state *ret_state);

/* Takes a zeroed state. */
void snapshot_state_done(struct snapshot_state *state);

/* The path of a file below hosts/. */
#define SNAPSHOT_PATH_BYTES (CATALOG_FOLDER_BYTES + CATALOG_FILE_NAME_BYTES)
void snapshot_file_path(const struct snapshot_file *file, char path[static SNAPSHOT_PATH_BYTES]);

#endif
