/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_CHECK_PART_H
#define AGENT_CTL_CHECK_PART_H

/*
 * What the parts of `agentctl check` share. While a collector runs, its files grow: first their
 * lengths are noted, then the log is read, which says of each of them what was begun and what is
 * confirmed, then the files, no further than was noted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/ctl/output.h"
#include "common/block.h"
#include "common/file_reader.h"
#include "common/log_file.h"
#include "common/store_path.h"
#include "hostmetrics/format.h"
#include "hostmetrics/wire.h"

struct check_file {
	char *path; /* below hosts/: the host's folder, the file's name */
	size_t folder_length;
	uint64_t length_bytes;
	struct file_name says; /* of a metric's file; borrows the path */
	uint64_t limit_bytes;  /* so much of it counts, says the part behind it */
	bool has_front;        /* it says itself that of the parts before nothing does */
	int refusal;           /* why it does not count, for check_skip(); 0: it does */
};

/* What the log says of a host. */
struct check_host {
	uint32_t number;
	char folder[FILE_NAME_MAX_BYTES]; /* where its name says that its files are */
	uint64_t checkpoint;              /* up to here its samples are in files */
};

/* A file that a checkpoint was about to append to when the log ended. */
struct check_pending {
	uint32_t host;
	char name[256];
	uint64_t length_bytes; /* before */
};

/* Ids of an agent's series that a record names, or whose samples it has. */
struct check_ids {
	uint8_t epoch[HM_ID_BYTES];
	uint32_t host;
	uint32_t first; /* of a batch: 0 */
	uint32_t end;   /* behind the last one */
	bool is_batch;
	uint64_t position; /* of the record */
	uint64_t length_bytes;
	int64_t first_us; /* of a batch's samples */
	int64_t last_us;
};

struct check {
	int store;   /* its folder, open */
	bool has_id; /* of the store */
	uint8_t id[HM_ID_BYTES];
	struct output output;
	struct block_decoder *decoder;
	struct check_file *files;
	size_t n_files;
	size_t files_capacity;
	struct check_host *hosts;
	size_t n_hosts;
	struct check_pending *pending;
	size_t n_pending;
	uint64_t group;    /* of these */
	bool has_snapshot; /* of the log: hosts that it does not name are told of behind it */
	struct check_ids *ids;
	size_t n_ids;
	size_t ids_capacity;
	/* What was found. */
	uint64_t n_segments;
	uint64_t n_records;
	uint64_t n_blocks;
	uint64_t n_samples;
	uint64_t n_bytes;
	uint64_t n_damaged; /* ranges */
	uint64_t damaged_bytes;
	uint64_t unconfirmed_bytes;
	uint64_t n_unread; /* files that could not be checked, which was said */
	bool shows_progress;
	int64_t progress_us; /* when it was shown last */
};

/* A range that does not verify. */
struct check_damage {
	const char *folder; /* "log" or "hosts"; NULL: the store's own */
	const char *path;   /* below it */
	uint64_t offset;
	uint64_t length_bytes;
	int64_t since_us; /* of the samples that are lost; INT64_MIN = not known */
	int64_t until_us; /* likewise */
	const char *lost;
};

/* Print a damaged range. @return 0 or -errno of the output */
int check_tell(struct check *check, const struct check_damage *damage);

/* Say something of a file or folder that is no damage. */
void check_say(struct check *check, const char *folder, const char *path, const char *what);

/* Is this another store's id, as far as that is known? */
bool check_is_foreign(const struct check *check, const uint8_t *store_id);

/* Say that a file could not be checked. @param error  -EREMOTE: it is of another store; -EXDEV: it is not
 * what its path says; -EEXIST: another file is this part; -ERANGE: its number is far above all others */
void check_skip(struct check *check, const char *folder, const char *path, int error);

/* Show how far it is, now and then, on a terminal. */
void check_show_progress(struct check *check, const char *folder, size_t done, size_t all);

/* Note all files below hosts/ and how long they are. @return 0 or -errno */
int check_list_files(struct check *check);

/* Check the log, and have from it what is confirmed. @return 0, also without a log; -errno */
int check_log(struct check *check);

/* Verify a record's payload, and have from it what it says of hosts and files.
 * @return 0, also for a type that is not known; -EBADMSG: it makes no sense; -ENOMEM */
int check_record(struct check *check, const struct log_record *record);

/* Verify the payload of a DELETE. @return 0 or -EBADMSG */
int check_delete(const uint8_t *payload, size_t n_bytes);

/* Note what a record of an agent says. @return 0 or -ENOMEM */
int check_add_ids(struct check *check, const struct check_ids *ids);

/* @return 0, or what ends the search */
typedef int (*check_unnamed)(void *context, const struct check_ids *ids);

/*
 * Once all of the log is read: find the batches behind their hosts' checkpoints with series that are not named
 * there. @return 0 or what `tell` returned
 */
int check_find_unnamed(const struct check *check, check_unnamed tell, void *context);

/* Its name in its folder. */
const char *check_file_name(const struct check_file *file);

/* The host whose file it is, as the log knows it. @return NULL: it does not */
const struct check_host *check_find_host(const struct check *check, int hosts,
					 const struct check_file *file);

/* Find out how much of each of the files counts, and which do not. @return 0 or -ENOMEM */
int check_judge_parts(struct check *check, int hosts);

/*
 * Begin to read a file, as far as it was noted and counts.
 * @param reader           to be released in any case
 * @param ret_is_headless  its header is damaged; reader->header_bytes is where the first block begins
 * @return 0; as file_reader_init(), for a header without which no block verifies; as check_skip() takes
 * it; -errno
 */
int check_begin_file(const struct check *check, const struct check_file *file, int fd,
		     struct file_reader *reader, bool *ret_is_headless);

/* Check the files that were noted. @return 0 or -errno */
int check_files(struct check *check);

#endif
