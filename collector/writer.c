/* SPDX-License-Identifier: MIT */
/* Appends to metric files and syncs them. */

#include "collector/writer.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/folder.h"
#include "common/file_name.h"
#include "common/store_file.h"

/* While a new file has no content that is safe, it is called so; what is left of one is no loss. */
#define NEW_FILE_ENDING ".tmp"

/* As many whole records as a block may hold. */
#define SAMPLES_BLOCK_MAX_BYTES                                                                    \
	((size_t)HM_BLOCK_MAX_BYTES / HM_SAMPLE_RECORD_BYTES * HM_SAMPLE_RECORD_BYTES)

static void put_meta(struct buffer *out, const struct catalog_file *file)
{
	struct buffer payload = {0};
	uint32_t kind = htole32((uint32_t)file->kind);

	buffer_append(&payload, &kind, sizeof(kind));
	buffer_append_text(&payload, file->unit);
	if (buffer_failed(&payload))
		out->failed = true;
	else
		store_file_put_block(out, HM_BLOCK_META, payload.data, payload.length);
	buffer_done(&payload);
}

static void put_series(struct buffer *out, const struct catalog_series *series)
{
	struct buffer payload = {0};
	uint32_t id = htole32(series->id);

	buffer_append(&payload, &id, sizeof(id));
	buffer_append(&payload, series->labels, series->labels_length);
	if (buffer_failed(&payload))
		out->failed = true;
	else
		store_file_put_block(out, HM_BLOCK_SERIES, payload.data, payload.length);
	buffer_done(&payload);
}

int writer_job_take(struct writer_job *job, struct catalog_file *file)
{
	const struct catalog_series *series;

	*job = (struct writer_job){
		.file = file,
		.length_bytes = file->length_bytes,
		.has_meta = file->has_new_meta,
		.fd = -1,
	};
	if (file->length_bytes == 0)
		store_file_put_header(&job->blocks, file->host->name, file->metric);
	if (file->has_new_meta)
		put_meta(&job->blocks, file);
	for (series = file->undeclared; series; series = STAILQ_NEXT(series, in_file)) {
		put_series(&job->blocks, series);
		job->last_series = series;
	}
	if (buffer_failed(&job->blocks)) {
		writer_job_done(job);
		return -ENOMEM;
	}
	job->samples = file->pending;
	file->pending = (struct buffer){0};
	file->has_new_meta = false;
	return 0;
}

size_t writer_job_n_samples(const struct writer_job *job)
{
	return job->samples.length / HM_SAMPLE_RECORD_BYTES;
}

void writer_job_done(struct writer_job *job)
{
	buffer_done(&job->blocks);
	buffer_done(&job->samples);
}

static int fail(struct writer_job *job, const char *call, int error)
{
	job->call = call;
	job->result = error;
	return error;
}

/* Write all bytes at `offset`. @return 0 or -errno */
static int write_all(int fd, const struct buffer *bytes, uint64_t offset)
{
	size_t done = 0;

	while (done < bytes->length) {
		ssize_t n_bytes = pwrite(fd, bytes->data + done, bytes->length - done,
					 (off_t)(offset + done));

		if (n_bytes < 0 && errno == EINTR)
			continue;
		if (n_bytes <= 0)
			return n_bytes < 0 ? -errno : -EIO;
		done += (size_t)n_bytes;
	}
	return 0;
}

static void temporary_name(const struct writer_job *job, char out[static NAME_MAX + 1])
{
	/* Cannot be cut: a file's name leaves room for endings. */
	(void)snprintf(out, NAME_MAX + 1, "%s" NEW_FILE_ENDING, job->file->name);
}

/* Take away the file that was being made. */
static void remove_temporary(int hosts_fd, const struct writer_job *job)
{
	char name[NAME_MAX + 1];
	int fd =
		folder_open_inside(hosts_fd, job->file->host->folder, NULL, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return;
	temporary_name(job, name);
	/* What cannot be removed now is when the store is opened next. */
	(void)unlinkat(fd, name, 0);
	(void)close(fd);
}

static int open_new(int hosts_fd, struct writer_job *job)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL;
	char name[NAME_MAX + 1];
	int result = folder_make_inside(hosts_fd, job->file->host->folder);

	if (result < 0)
		return fail(job, "mkdir", result);
	temporary_name(job, name);
	job->fd = folder_open_inside(hosts_fd, job->file->host->folder, name, flags);
	if (job->fd == -EEXIST) {
		remove_temporary(hosts_fd, job);
		job->fd = folder_open_inside(hosts_fd, job->file->host->folder, name, flags);
	}
	return job->fd < 0 ? fail(job, "open", job->fd) : 0;
}

/* Open a file that is there and see to it that it ends where we know it to be good. */
static int open_old(int hosts_fd, struct writer_job *job)
{
	struct stat status;

	job->fd = folder_open_inside(hosts_fd, job->file->host->folder, job->file->name, O_WRONLY);
	if (job->fd < 0) {
		job->is_gone = job->fd == -ENOENT;
		return fail(job, "open", job->fd);
	}
	if (fstat(job->fd, &status) < 0)
		return fail(job, "fstat", -errno);
	if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size < job->length_bytes) {
		/* Somebody else was at it: what we know of it is no longer true. */
		job->is_given_up = true;
		return fail(job, "check", -EBADMSG);
	}
	/* A torn end of an earlier run. */
	if ((uint64_t)status.st_size > job->length_bytes &&
	    ftruncate(job->fd, (off_t)job->length_bytes) < 0)
		return fail(job, "ftruncate", -errno);
	return 0;
}

/* Put the samples into blocks behind the other ones. */
static int finish_blocks(struct writer_job *job)
{
	for (size_t done = 0; done < job->samples.length;) {
		size_t n_bytes = job->samples.length - done;

		if (n_bytes > SAMPLES_BLOCK_MAX_BYTES)
			n_bytes = SAMPLES_BLOCK_MAX_BYTES;
		store_file_put_block(&job->blocks, HM_BLOCK_SAMPLES, job->samples.data + done,
				     n_bytes);
		done += n_bytes;
	}
	return buffer_failed(&job->blocks) ? -ENOMEM : 0;
}

/* First half: open and write. */
static int write_job(int hosts_fd, struct writer_job *job)
{
	int result = job->length_bytes == 0 ? open_new(hosts_fd, job) : open_old(hosts_fd, job);

	if (result < 0)
		return result;
	result = finish_blocks(job);
	if (result < 0)
		return fail(job, "malloc", result);
	result = write_all(job->fd, &job->blocks, job->length_bytes);
	return result < 0 ? fail(job, "write", result) : 0;
}

/* Give a new file, which is synced, its name. Never over one that is there. */
static int name_new(int hosts_fd, struct writer_job *job)
{
	char name[NAME_MAX + 1];
	int fd =
		folder_open_inside(hosts_fd, job->file->host->folder, NULL, O_RDONLY | O_DIRECTORY);
	int result = 0;

	if (fd < 0)
		return fail(job, "open", fd);
	temporary_name(job, name);
	if (renameat2(fd, name, fd, job->file->name, RENAME_NOREPLACE) < 0)
		result = fail(job, "rename", -errno);
	/* A file of another format or metric stands there, which start-up told of. */
	job->is_given_up = result == -EEXIST;
	if (close(fd) < 0 && result == 0)
		result = fail(job, "close", -errno);
	return result;
}

/* Close the file; where the job failed, cut off what it wrote. */
static void close_job(struct writer_job *job)
{
	bool is_old = job->length_bytes != 0;

	if (job->fd < 0) {
		job->fd = -1;
		return;
	}
	if (job->result < 0 && is_old && !job->is_given_up &&
	    ftruncate(job->fd, (off_t)job->length_bytes) < 0)
		job->is_given_up = true;
	if (close(job->fd) < 0 && job->result == 0) {
		job->is_given_up = is_old;
		fail(job, "close", -errno);
	}
	job->fd = -1;
}

/* Second half: sync, close, give a new file its name. */
static void finish_job(int hosts_fd, struct writer_job *job)
{
	bool is_new = job->length_bytes == 0;

	if (job->result == 0 && fdatasync(job->fd) < 0) {
		/* The kernel may have dropped what it could not write: nobody knows what the file
		 * holds, and a second sync would not tell. */
		job->is_given_up = !is_new;
		fail(job, "fdatasync", -errno);
	}
	close_job(job);
	if (is_new && job->result == 0)
		(void)name_new(hosts_fd, job);
	if (is_new && job->result < 0)
		remove_temporary(hosts_fd, job);
}

/* Sync the folders that got new files, each once where they follow each other. */
static void sync_folders(int hosts_fd, struct writer_job *jobs, size_t n_jobs)
{
	const struct catalog_host *synced = NULL;
	int result = 0;

	for (size_t i = 0; i < n_jobs; i++) {
		struct writer_job *job = &jobs[i];

		if (job->result < 0 || job->length_bytes != 0)
			continue;
		if (job->file->host != synced)
			result = folder_sync(hosts_fd, job->file->host->folder);
		synced = job->file->host;
		if (result < 0) {
			job->is_given_up = true;
			fail(job, "fsync of the folder", result);
		}
	}
}

/* Did a job fail only because the others have taken all descriptors? Nothing of it is done then. */
static bool lacks_descriptor(const struct writer_job *job)
{
	return job->fd < 0 && (job->result == -EMFILE || job->result == -ENFILE);
}

/* Write as many of the jobs as there are descriptors for. @return how many: one at least */
static size_t write_some(int hosts_fd, struct writer_job *jobs, size_t n_jobs)
{
	for (size_t i = 0; i < n_jobs; i++) {
		(void)write_job(hosts_fd, &jobs[i]);
		if (i > 0 && lacks_descriptor(&jobs[i])) {
			jobs[i].result = 0;
			return i;
		}
	}
	return n_jobs;
}

/* Sync and close jobs that are written. */
static void finish(int hosts_fd, struct writer_job *jobs, size_t n_jobs)
{
	for (size_t i = 0; i < n_jobs; i++)
		finish_job(hosts_fd, &jobs[i]);
	sync_folders(hosts_fd, jobs, n_jobs);
	for (size_t i = 0; i < n_jobs; i++) {
		if (jobs[i].result == 0)
			jobs[i].length_bytes += jobs[i].blocks.length;
	}
}

void writer_run(int hosts_fd, struct writer_job *jobs, size_t n_jobs)
{
	while (n_jobs > 0) {
		size_t n_written = write_some(hosts_fd, jobs, n_jobs);

		finish(hosts_fd, jobs, n_written);
		jobs += n_written;
		n_jobs -= n_written;
	}
}
