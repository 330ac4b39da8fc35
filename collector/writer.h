/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_WRITER_H
#define COLLECTOR_WRITER_H

/*
 * Appends to metric files and syncs them. Works on jobs that the store fills in under its lock and
 * judges afterwards; touches nothing of the catalog but what is fixed, so it needs no lock.
 */

#include <stddef.h>
#include <stdint.h>

#include "collector/catalog.h"
#include "common/buffer.h"

/* So many files are written before the first is synced: their syncs share the disk's flushes. */
#define WRITER_JOBS_MAX 64

struct writer_job {
	struct catalog_file *file;
	struct buffer
		blocks; /* header of a new file, META and SERIES blocks: filled in by the store */
	struct buffer samples; /* records, without a block around them yet */
	uint64_t length_bytes; /* of the file: before; after success: now. 0 = make it */
	const struct catalog_series *last_series; /* that `blocks` declares; NULL = none */
	bool has_meta;                            /* `blocks` has the META block */

	/* Set by writer_run(). */
	int fd;
	int result;       /* 0 = all of it is on disk; -errno = none of it counts */
	bool is_given_up; /* the file must not be written again */
	bool is_gone;     /* the file is not there any more: to be made anew */
	const char *call; /* what failed, for the message */
};

/* Put what is pending of a file into a job and clear it there. Under the store's lock. @return 0 or
 * -ENOMEM: nothing was changed */
int writer_job_take(struct writer_job *job, struct catalog_file *file);

/* Samples in the job. */
size_t writer_job_n_samples(const struct writer_job *job);

/* Release the memory. Takes a zeroed job. */
void writer_job_done(struct writer_job *job);

/*
 * Write all jobs, each after its file's length, then sync them; new files get their name when they
 * are synced, and their folder is synced after that. A failed job leaves its file as it was.
 * @param hosts_fd  the folder of the hosts' folders
 */
void writer_run(int hosts_fd, struct writer_job *jobs, size_t n_jobs);

#endif
