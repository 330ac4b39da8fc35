/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_LOADER_PART_H
#define COLLECTOR_LOADER_PART_H

/* What the parts of the loader share: the folder and the file that are being read. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/engine.h"
#include "collector/id_map.h"
#include "collector/loader.h"
#include "common/file_name.h"
#include "common/store_path.h"

#define HOST_FILE ".host"

/* One metric's file in the folder being read. */
struct found {
	char *name;
	struct file_name says; /* borrows `name` */
	/* A part that an unfinished checkpoint began, and that is not there, since that was undone. */
	bool is_undone;
};

struct loader {
	struct engine *engine;
	const struct recovery *recovery;
	struct block_decoder *decoder;
	struct loader_result result;
	struct table folders; /* hosts by their folders' names */
	struct buffer names;  /* of the folders */
	/* Of the folder being read. */
	const char *folder;
	struct catalog_host *host; /* NULL: the log does not know it, and no file was read yet */
	bool is_logged;            /* the log knows the host, and its checkpoint: */
	uint64_t checkpoint;
	struct found *found;
	size_t n_found;
	size_t found_capacity;
	/* Of the file being read. */
	const struct found *reading;
	uint64_t n_damaged; /* ranges of it */
	uint64_t damaged_bytes;
	uint32_t n_sectors; /* that it takes */
	struct catalog_file *file;
	uint64_t limit_bytes;         /* so much of this part counts, says the one behind it */
	bool has_end;                 /* it is known where the file is gone on with */
	struct tombstones tombstones; /* of it and its later parts */
	bool has_front;               /* a later part says that no part before counts */
	struct store_path expected;   /* what its path says that its header says */
	struct id_map ids;
	struct id_map known; /* of all parts of the metric's files */
	struct buffer text;  /* identity of a series; begins with host and metric */
	struct identity identity;
};

/* Give a host that the log does not know its number and its id. @return 0 or -errno */
int loader_adopt_host(struct engine *engine, struct catalog_host *host);

/* For the status: what is wrong with a file or folder. @param name  of the file; "": of the folder */
void loader_note_error(struct loader *loader, const char *name, const char *why);

/* Leave it alone, and tell why. */
void loader_pass_over(struct loader *loader, const char *name, const char *why);

/* Perhaps it can be read later: in a while, where the disk does not give it, or else at the next start. Until then nothing is appended to the host's files: which
 * numbers its series have there is not known. What comes in stays in the log. */
void loader_pass_over_for_now(struct loader *loader, const char *name, int error);

/* Give what cannot be used another name, so that there can be a new file. */
void loader_set_aside(struct loader *loader, int folder, const char *name, const char *why);

/* What becomes of a metric's file that could not be read, for -errno. */
void loader_tell_unusable(struct loader *loader, int folder, const char *name, int result);

/* Which of a metric's two files is it a part of? */
enum catalog_side loader_side(const struct found *found);

/*
 * Read the parts of one of a metric's files: of a number several are there, perhaps. What is of no use
 * is told, and where the file is gone on with is noted.
 * @param found  the last part first; of one number the one that continues most
 * @return 0; -errno that stands in the way of starting at all
 */
int loader_load_parts(struct loader *loader, int folder, const struct found *found, size_t n);

/*
 * Read a metric's file, or a part of one, as far as loader->limit_bytes says. Of one file the last part
 * goes first.
 * @return 0; as metric_file_load(); -EXDEV: it is another host's, metric's or part's; -EREMOTE: another
 * store's
 */
int loader_load_metric(struct loader *loader, int folder, const struct found *found);

/* Have the room of a part given back that lies before its front; 0: all of it. @return 0 or -ENOMEM */
int loader_release(struct loader *loader, const struct found *found, uint64_t front_bytes);

/* Does it stand in the way of starting at all, and not only of this file? */
bool loader_is_fatal(int result);

/* What the host's own file says; without it nothing but a count is missing. What is none of ours goes
 * out of the way. @return 0; -errno that stands in the way of starting at all */
int loader_load_host(struct loader *loader, int folder);

/* Where a metric's file lies, all of it, and which blocks of it count. @param ret_place  borrows the
 * loader's memory until the next call */
void loader_place(struct loader *loader, int folder, const struct found *found,
		  struct metric_file_place *ret_place);

/*
 * Have the time of the host's oldest sample in files: as its own file says, or else by what the first blocks
 * of the others say. @return 0; -errno that stands in the way of starting at all
 */
int loader_find_oldest(struct loader *loader, int folder);

#endif
