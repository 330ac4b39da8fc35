/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_LOADER_H
#define COLLECTOR_LOADER_H

/* What the metric files say at start: their series, kinds, units and last samples. */

#include <stdbool.h>
#include <stdint.h>

#include "collector/catalog.h"
#include "collector/recovery.h"

struct engine;

#define LOADER_WHAT_BYTES 112

struct loader_result {
	uint64_t n_bytes;          /* of all files, as far as they count */
	uint64_t n_files_aside;    /* that cannot be used */
	uint64_t n_damaged_ranges; /* inside of files */
	int unlisted; /* -errno: the folder cannot be listed; so there are only hosts of the log */
	int withheld; /* -errno: a file or folder of a host is not given, and is waited for: nothing is to be written yet */
	char withheld_what[LOADER_WHAT_BYTES];
	bool has_unread; /* files of some host could not be read, nor what they say of positions */
	uint64_t position; /* the highest of all blocks that count */
};

/*
 * Undo what a checkpoint did that was not completed, then read all files below hosts/ into the
 * catalog. Blocks beyond a host's checkpoint do not count; all do where the log is lost. Damage is
 * told and counted.
 * @param recovery  of the log; what becomes of its cuts is noted there
 * Where the log or the folder cannot be listed, nothing is changed on the disk.
 * @return 0; -ENOMEM; -errno: the folder cannot be read, or what is to be undone cannot be known now
 */
int loader_run(struct engine *engine, struct recovery *recovery, struct loader_result *ret_result);

#endif
