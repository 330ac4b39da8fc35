/* SPDX-License-Identifier: MIT */
/* Where samples are kept. */

#include "collector/store.h"

#include <bsd/libutil.h>
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collector/folder.h"
#include "collector/recovery.h"
#include "collector/writer.h"
#include "common/message.h"
#include "common/timestamp.h"

/* What came in is gathered for so long before it is written; with the writing itself it is safe
 * within a second. */
#define GATHER_US INT64_C(500000)

/* Failed writes are told at most this often. */
#define SAY_AGAIN_US (60 * TIMESTAMP_SECOND_US)

#define HOSTS_FOLDER "hosts"
#define PID_MODE     0640

struct store {
	int folder_fd;
	int hosts_fd;
	struct pidfh *pid_file;
	struct rejects *rejects;
	struct hash_key key;

	pthread_mutex_t mutex; /* guards all that follows */
	pthread_cond_t wanted; /* the flusher has something to do */
	pthread_cond_t done;   /* the flusher has done something */
	struct catalog catalog;
	struct store_stats stats;
	size_t jobs_max;      /* files written at a time */
	size_t pending_bytes; /* taken and not synced yet */
	int64_t due_us;       /* CLOCK_MONOTONIC: when the dirty files are to be written */
	uint64_t flush_wanted;
	uint64_t flush_done;
	int64_t said_us; /* when a failed write was told last; 0 = never */
	bool is_closing;

	bool has_thread;
	pthread_t thread;
	struct writer_job jobs[WRITER_JOBS_MAX]; /* the flusher's own */
};

static struct timespec to_timespec(int64_t time_us)
{
	return (struct timespec){
		.tv_sec = time_us / TIMESTAMP_SECOND_US,
		.tv_nsec = time_us % TIMESTAMP_SECOND_US * 1000,
	};
}

static size_t job_bytes(const struct writer_job *job)
{
	return writer_job_n_samples(job) * HM_SAMPLE_RECORD_BYTES;
}

/* Say that something could not be written; not for each of thousands of files. */
static void say_failure(struct store *store, const struct writer_job *job)
{
	int64_t now_us = timestamp_monotonic_us();

	(void)snprintf(store->stats.last_error, sizeof(store->stats.last_error), "%s/%s: %s: %s%s",
		       job->file->host->folder, job->file->name, job->call, strerror(-job->result),
		       job->is_given_up ? "; the file is given up until the next start" : "");
	if (store->said_us != 0 && now_us - store->said_us < SAY_AGAIN_US)
		return;
	store->said_us = now_us;
	message_error("cannot store: %s (%" PRIu64 " samples lost so far; said once a minute)",
		      store->stats.last_error, store->stats.n_lost);
}

/* Judge a job that the writer has run. With the lock held. */
static void settle_job(struct store *store, struct writer_job *job)
{
	struct catalog_file *file = job->file;
	size_t n_samples = writer_job_n_samples(job);

	store->pending_bytes -= job_bytes(job);
	if (job->result == 0) {
		store->stats.n_stored += n_samples;
		store->stats.n_bytes += job->length_bytes - file->length_bytes;
		file->length_bytes = job->length_bytes;
		if (job->last_series)
			catalog_set_declared(file, job->last_series);
		return;
	}
	store->stats.n_lost += n_samples;
	file->host->n_samples -= n_samples;
	file->has_new_meta |= job->has_meta;
	if (job->is_gone) {
		store->stats.n_bytes -= file->length_bytes;
		file->length_bytes = 0;
		catalog_set_declared(file, NULL);
		file->has_new_meta = true;
	}
	if (job->is_given_up && !file->is_given_up) {
		file->is_given_up = true;
		store->stats.n_files_given_up++;
	}
	say_failure(store, job);
}

/* Forget what is pending of a file that cannot be written. With the lock held. */
static void drop_pending(struct store *store, struct catalog_file *file)
{
	size_t n_samples = file->pending.length / HM_SAMPLE_RECORD_BYTES;

	store->pending_bytes -= n_samples * HM_SAMPLE_RECORD_BYTES;
	store->stats.n_lost += n_samples;
	file->host->n_samples -= n_samples;
	buffer_done(&file->pending);
}

/* There is no memory to write a file's samples with. With the lock held. */
static void lose_pending(struct store *store, struct catalog_file *file)
{
	(void)snprintf(store->stats.last_error, sizeof(store->stats.last_error),
		       "%s/%s: no memory to write it with", file->host->folder, file->name);
	drop_pending(store, file);
}

/* Take up to `jobs_max` of the first `*n_left` dirty files. With the lock held. */
static size_t take_jobs(struct store *store, size_t *n_left)
{
	size_t n_jobs = 0;

	while (*n_left > 0 && n_jobs < store->jobs_max) {
		struct catalog_file *file = catalog_take_dirty(&store->catalog);

		(*n_left)--;
		if (file->is_given_up)
			drop_pending(store, file);
		else if (writer_job_take(&store->jobs[n_jobs], file) == 0)
			n_jobs++;
		else
			lose_pending(store, file);
	}
	return n_jobs;
}

/* Write all files that are dirty now. With the lock held, but for the writing itself. */
static void flush(struct store *store)
{
	int64_t start_us = timestamp_monotonic_us();
	uint64_t flush_wanted = store->flush_wanted;
	size_t n_left = store->catalog.n_dirty;

	while (n_left > 0) {
		size_t n_jobs = take_jobs(store, &n_left);

		pthread_mutex_unlock(&store->mutex);
		writer_run(store->hosts_fd, store->jobs, n_jobs);
		pthread_mutex_lock(&store->mutex);
		for (size_t i = 0; i < n_jobs; i++) {
			settle_job(store, &store->jobs[i]);
			writer_job_done(&store->jobs[i]);
		}
		pthread_cond_broadcast(&store->done);
	}
	/* What is dirty again may have come as soon as this began. */
	store->due_us = start_us + GATHER_US;
	store->flush_done = flush_wanted;
	pthread_cond_broadcast(&store->done);
}

/* Wait until there is something to write and the time has come. With the lock held. */
static void wait_for_work(struct store *store)
{
	while (!store->is_closing && store->flush_done == store->flush_wanted &&
	       store->pending_bytes <= STORE_PENDING_MUCH_BYTES) {
		struct timespec due = to_timespec(store->due_us);

		if (store->catalog.n_dirty == 0)
			pthread_cond_wait(&store->wanted, &store->mutex);
		else if (pthread_cond_timedwait(&store->wanted, &store->mutex, &due) == ETIMEDOUT)
			return;
	}
}

static void *run_flusher(void *context)
{
	struct store *store = context;
	bool is_last = false;

	pthread_mutex_lock(&store->mutex);
	while (!is_last) {
		wait_for_work(store);
		is_last = store->is_closing;
		flush(store);
	}
	pthread_mutex_unlock(&store->mutex);
	return NULL;
}

/* The series of a sample, added where it is new. With the lock held. */
static enum hm_reason find_or_add(struct store *store, const struct identity *identity,
				  struct catalog_series **ret_series)
{
	*ret_series = catalog_find(&store->catalog, identity);
	if (*ret_series)
		return HM_REASON_NONE;
	if (catalog_add(&store->catalog, identity, CATALOG_NEXT_ID, ret_series) < 0)
		return HM_REASON_NO_MEMORY;
	return HM_REASON_NONE;
}

static enum hm_reason append_sample(struct store *store, const struct bundle *bundle,
				    const struct bundle_sample *sample)
{
	struct identity identity = bundle_identity(bundle, sample);
	struct catalog_series *series;
	enum hm_reason reason = find_or_add(store, &identity, &series);

	if (reason != HM_REASON_NONE)
		return reason;
	if (series->file->is_given_up)
		return HM_REASON_STORE_FAILED;
	if ((sample->kind != HM_STORED_UNKNOWN || sample->unit_length > 0) &&
	    catalog_describe(&store->catalog, series->file, sample->kind,
			     bundle_unit(bundle, sample)) < 0)
		return HM_REASON_NO_MEMORY;
	if (catalog_append(&store->catalog, series, sample->time_us, sample->value) < 0)
		return HM_REASON_NO_MEMORY;
	store->pending_bytes += HM_SAMPLE_RECORD_BYTES;
	store->stats.n_accepted++;
	return HM_REASON_NONE;
}

/* Count a sample that was not taken; its text is its identity's with blanks between the words. */
static void reject_sample(struct store *store, const struct bundle *bundle,
			  const struct bundle_sample *sample, enum hm_reason reason)
{
	struct identity identity = bundle_identity(bundle, sample);
	char text[REJECTS_EXAMPLE_MAX_BYTES * 2];
	int length = snprintf(text, sizeof(text), "%s%s of %s", identity_metric(&identity),
			      identity_labels(&identity), identity_host(&identity));

	if (length >= (int)sizeof(text))
		length = (int)sizeof(text) - 1;
	rejects_add(store->rejects, reason, text, length < 0 ? 0 : (size_t)length);
}

void store_append(struct store *store, const struct bundle *bundle)
{
	bool was_clean;

	if (bundle->n_samples == 0)
		return;
	pthread_mutex_lock(&store->mutex);
	while (store->pending_bytes > STORE_PENDING_MAX_BYTES)
		pthread_cond_wait(&store->done, &store->mutex);

	was_clean = store->catalog.n_dirty == 0;
	for (size_t i = 0; i < bundle->n_samples; i++) {
		const struct bundle_sample *sample = &bundle->samples[i];
		enum hm_reason reason = append_sample(store, bundle, sample);

		if (reason != HM_REASON_NONE)
			reject_sample(store, bundle, sample, reason);
	}
	if (was_clean)
		store->due_us = timestamp_monotonic_us() + GATHER_US;
	if (was_clean || store->pending_bytes > STORE_PENDING_MUCH_BYTES)
		pthread_cond_signal(&store->wanted);
	pthread_mutex_unlock(&store->mutex);
}

int store_flush(struct store *store, int64_t timeout_ms)
{
	struct timespec until = to_timespec(timestamp_monotonic_us() + timeout_ms * 1000);
	uint64_t ticket;
	int error = 0;

	pthread_mutex_lock(&store->mutex);
	ticket = ++store->flush_wanted;
	pthread_cond_signal(&store->wanted);
	while (store->flush_done < ticket && error == 0)
		error = pthread_cond_timedwait(&store->done, &store->mutex, &until);
	pthread_mutex_unlock(&store->mutex);
	return -error;
}

void store_set_files_max(struct store *store, size_t n)
{
	pthread_mutex_lock(&store->mutex);
	store->jobs_max = n < 1 ? 1 : n > WRITER_JOBS_MAX ? WRITER_JOBS_MAX : n;
	pthread_mutex_unlock(&store->mutex);
}

const struct hash_key *store_hash_key(const struct store *store)
{
	return &store->key;
}

void store_get_stats(struct store *store, struct store_stats *ret_stats)
{
	pthread_mutex_lock(&store->mutex);
	*ret_stats = store->stats;
	ret_stats->n_hosts = store->catalog.n_hosts;
	ret_stats->n_series = store->catalog.n_series;
	ret_stats->n_files = store->catalog.n_files;
	pthread_mutex_unlock(&store->mutex);
}

int store_list_series(struct store *store, struct catalog_series ***ret_series, size_t *ret_n)
{
	struct catalog_series **copy;
	size_t n;

	pthread_mutex_lock(&store->mutex);
	n = store->catalog.n_series;
	copy = calloc(n + 1, sizeof(struct catalog_series *));
	if (copy && n > 0)
		memcpy(copy, store->catalog.all_series, n * sizeof(struct catalog_series *));
	pthread_mutex_unlock(&store->mutex);
	if (!copy)
		return -ENOMEM;
	*ret_series = copy;
	*ret_n = n;
	return 0;
}

void store_get_states(struct store *store, struct catalog_series *const *series, size_t n,
		      struct store_series_state *ret_states)
{
	pthread_mutex_lock(&store->mutex);
	for (size_t i = 0; i < n; i++) {
		struct store_series_state *state = &ret_states[i];

		state->kind = series[i]->file->kind;
		(void)strlcpy(state->unit, series[i]->file->unit, sizeof(state->unit));
		state->has_sample = series[i]->last_time_us != CATALOG_NO_TIME;
		state->last_time_us = series[i]->last_time_us;
		state->last_value = series[i]->last_value;
	}
	pthread_mutex_unlock(&store->mutex);
}

int store_list_hosts(struct store *store, struct store_host_state **ret_hosts, size_t *ret_n)
{
	struct store_host_state *hosts;
	size_t n;

	pthread_mutex_lock(&store->mutex);
	n = store->catalog.n_hosts;
	hosts = calloc(n + 1, sizeof(*hosts));
	for (size_t i = 0; hosts && i < n; i++) {
		const struct catalog_host *host = store->catalog.all_hosts[i];

		hosts[i] = (struct store_host_state){
			.name = host->name,
			.n_series = host->n_series,
			.n_samples = host->n_samples,
			.has_sample = host->last_time_us != CATALOG_NO_TIME,
			.last_time_us = host->last_time_us,
		};
	}
	pthread_mutex_unlock(&store->mutex);
	if (!hosts)
		return -ENOMEM;
	*ret_hosts = hosts;
	*ret_n = n;
	return 0;
}

int store_open_file(struct store *store, const struct catalog_file *file,
		    uint64_t *ret_length_bytes)
{
	uint64_t length_bytes;
	int fd;

	pthread_mutex_lock(&store->mutex);
	length_bytes = file->length_bytes;
	pthread_mutex_unlock(&store->mutex);
	if (length_bytes == 0)
		return -ENOENT;
	fd = folder_open_inside(store->hosts_fd, file->host->folder, file->name, O_RDONLY);
	if (fd >= 0)
		*ret_length_bytes = length_bytes;
	return fd;
}

/* Open the folder; say why where it is refused. */
static int open_folder(struct store *store, const char *path)
{
	int result = folder_make(path, (uid_t)-1, (gid_t)-1);
	const char *why;

	if (result == 0)
		result = store->folder_fd = folder_open(path);
	if (result >= 0)
		return 0;
	switch (result) {
	case -ELOOP:
		why = "it is a symbolic link";
		break;
	case -EPERM:
		why = "it belongs to another user";
		break;
	case -EACCES:
		why = "everybody may write to it, or this user may not";
		break;
	default:
		why = strerror(-result);
	}
	message_error("cannot use the store '%s': %s", path, why);
	return result;
}

/*
 * pidfile_open() follows a link, and empties what it finds there: nothing but a file of this folder
 * may bear the name. @return 0, also where there is none, or -errno
 */
static int check_pid_file(const struct store *store)
{
	struct stat status;

	if (fstatat(store->folder_fd, STORE_PID_FILE, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISLNK(status.st_mode))
		return -ELOOP;
	return S_ISREG(status.st_mode) && status.st_nlink == 1 ? 0 : -EINVAL;
}

/* Keep a second daemon out. */
static int lock_folder(struct store *store, const char *path)
{
	char *pid_path;
	pid_t pid = -1;
	int result = check_pid_file(store);

	if (result < 0) {
		message_error("cannot lock the store '%s': its %s is no plain file of its own",
			      path, STORE_PID_FILE);
		return result;
	}
	if (asprintf(&pid_path, "%s/%s", path, STORE_PID_FILE) < 0)
		return -ENOMEM;
	store->pid_file = pidfile_open(pid_path, PID_MODE, &pid);
	if (!store->pid_file) {
		result = -errno;
		if (result == -EEXIST)
			message_error("the store '%s' is in use by process %ld", path, (long)pid);
		else
			message_error("cannot lock the store '%s': %s", path, strerror(errno));
	} else if (pidfile_write(store->pid_file) < 0) {
		/* Locked it is; on a full disk only its content is missing. */
		message_warning("cannot write '%s': %s", pid_path, strerror(errno));
	}
	free(pid_path);
	return result;
}

static int open_hosts(struct store *store, const char *path)
{
	struct recovery_result found;
	int result = folder_make_inside(store->folder_fd, HOSTS_FOLDER);

	if (result == 0)
		result = store->hosts_fd = folder_open_inside(store->folder_fd, HOSTS_FOLDER, NULL,
							      O_RDONLY | O_DIRECTORY);
	if (result >= 0)
		result = recovery_run(store->hosts_fd, &store->catalog, &found);
	if (result < 0) {
		message_error("cannot read the store '%s': %s", path, strerror(-result));
		return result;
	}
	store->stats.n_bytes = found.n_bytes;
	store->stats.n_files_aside = found.n_files_aside;
	store->stats.n_damaged_ranges = found.n_damaged_ranges;
	return 0;
}

/* Mutex and conditions, the latter by the monotonic clock. */
static int init_locks(struct store *store)
{
	pthread_condattr_t attributes;
	int error = pthread_condattr_init(&attributes);

	if (error)
		return -error;
	error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (!error)
		error = pthread_mutex_init(&store->mutex, NULL);
	if (!error)
		error = pthread_cond_init(&store->wanted, &attributes);
	if (!error)
		error = pthread_cond_init(&store->done, &attributes);
	pthread_condattr_destroy(&attributes);
	return -error;
}

static int start_thread(struct store *store)
{
	int error = pthread_create(&store->thread, NULL, run_flusher, store);

	if (error) {
		message_error("cannot start the store's thread: %s", strerror(error));
		return -error;
	}
	store->has_thread = true;
	return 0;
}

int store_open(const char *path, struct rejects *rejects, struct store **ret_store)
{
	struct store *store = calloc(1, sizeof(*store));
	int result;

	if (!store)
		return -ENOMEM;
	store->folder_fd = -1;
	store->hosts_fd = -1;
	store->jobs_max = WRITER_JOBS_MAX;
	store->rejects = rejects;
	result = init_locks(store);
	if (result < 0) {
		free(store);
		return result;
	}
	result = hash_key_new(&store->key);
	catalog_init(&store->catalog, &store->key);
	if (result == 0)
		result = open_folder(store, path);
	if (result == 0)
		result = lock_folder(store, path);
	if (result == 0)
		result = open_hosts(store, path);
	if (result == 0)
		result = start_thread(store);
	if (result < 0)
		store_close(store);
	else
		*ret_store = store;
	return result;
}

static void stop_thread(struct store *store)
{
	if (!store->has_thread)
		return;
	pthread_mutex_lock(&store->mutex);
	store->is_closing = true;
	pthread_cond_signal(&store->wanted);
	pthread_mutex_unlock(&store->mutex);
	(void)pthread_join(store->thread, NULL);
	if (store->stats.n_lost > 0)
		message_warning("%" PRIu64 " samples could not be stored since start",
				store->stats.n_lost);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	stop_thread(store);
	catalog_done(&store->catalog);
	if (store->hosts_fd >= 0)
		(void)close(store->hosts_fd);
	if (store->pid_file)
		(void)pidfile_remove(store->pid_file);
	if (store->folder_fd >= 0)
		(void)close(store->folder_fd);
	pthread_cond_destroy(&store->done);
	pthread_cond_destroy(&store->wanted);
	pthread_mutex_destroy(&store->mutex);
	free(store);
}
