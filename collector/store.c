/* SPDX-License-Identifier: MIT */
/* Where samples are kept. */

#include "collector/store.h"

#include <bsd/libutil.h>
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
#include "collector/retention.h"
#include "common/message.h"
#include "common/timestamp.h"

/* What came in is gathered for so long before it is logged; with the sync itself it is safe within a
 * second. So long, too, an idle log waits before it says what is durable. */
#define GATHER_US INT64_C(500000)

/* Agents wait for their ACK: what they sent is logged after so long, or when it is so much. */
#define MESSAGES_US         INT64_C(3000)
#define MESSAGES_MUCH_BYTES ((size_t)256 << 10)

/* After a failure both threads try again so often. */
#define RETRY_US INT64_C(2000000)

/* Hosts are looked for whose samples belong into files so often. */
#define CHECKPOINT_US INT64_C(10000000)

/* What is to be removed from files waits so long for the log. */
#define LOG_US INT64_C(1000000)

/* Between two groups of files the disk is left to others, unless somebody waits. */
#define PAUSE_US INT64_C(50000)

#define PID_MODE 0640

struct store {
	int folder_fd;
	struct pidfh *pid_file;
	struct hash_key key;
	struct engine *engine;
	struct wakeup *news; /* told when a checkpoint has ended; NULL = nobody is */

	/* All of these go with the engine's mutex. */
	pthread_cond_t wanted; /* the committing thread has something to do */
	pthread_cond_t done;   /* it has done something */
	pthread_cond_t moving; /* the checkpointing thread has something to do */
	int64_t due_us;        /* CLOCK_MONOTONIC: when what is gathered is to be logged */
	int64_t messages_us;   /* likewise: what agents sent; 0 = nothing new has come */
	void (*acknowledge)(void *context); /* NULL = nobody waits for that */
	void *acknowledge_context;
	uint64_t flush_wanted;
	uint64_t flush_done;
	bool is_awaited; /* somebody wants to be told when something was logged, or could not be */
	uint64_t checkpoint_wanted;
	uint64_t checkpoint_done;
	int checkpoint_result; /* of the last that was asked for */
	bool is_closing;

	size_t n_threads;
	pthread_t threads[2];
};

static struct timespec to_timespec(int64_t time_us)
{
	return (struct timespec){
		.tv_sec = time_us / TIMESTAMP_SECOND_US,
		.tv_nsec = time_us % TIMESTAMP_SECOND_US * 1000,
	};
}

/* Wait at a condition until a time. With the mutex held. @return false: it has come */
static bool wait_until(struct store *store, pthread_cond_t *condition, int64_t until_us)
{
	struct timespec until = to_timespec(until_us);

	return pthread_cond_timedwait(condition, &store->engine->mutex, &until) != ETIMEDOUT;
}

static bool wants_commit(const struct store *store)
{
	const struct engine *engine = store->engine;

	return store->is_closing || store->flush_done != store->flush_wanted ||
	       engine->controls.length > 0 || engine->wants_room || engine->wants_segment ||
	       engine->pending_bytes > STORE_PENDING_MUCH_BYTES ||
	       engine->messages.length > MESSAGES_MUCH_BYTES;
}

/* When what came in is to be logged. With the mutex held. */
static int64_t next_due(const struct store *store)
{
	const struct engine *engine = store->engine;
	int64_t due_us = engine->pending_bytes > 0 ? store->due_us : INT64_MAX;

	/* Those without a time are left of a run that failed. */
	if (engine->message_bytes > 0 && store->messages_us < due_us)
		due_us = store->messages_us;
	return due_us;
}

/* Wait until there is something to log and the time has come. With the mutex held.
 * @param not_before_us  after a failure; 0 = at once */
static void wait_for_samples(struct store *store, int64_t not_before_us)
{
	struct engine *engine = store->engine;
	int64_t mark_us = timestamp_monotonic_us() + GATHER_US;

	/* On a full disk what a checkpoint wants to have logged has room, and makes more. */
	while (!store->is_closing && engine->controls.length == 0 && !engine->wants_room &&
	       timestamp_monotonic_us() < not_before_us)
		(void)wait_until(store, &store->wanted, not_before_us);
	while (!wants_commit(store)) {
		if (engine->pending_bytes > 0 || engine->message_bytes > 0) {
			if (!wait_until(store, &store->wanted, next_due(store)))
				return;
		} else if (engine_wants_mark(engine)) {
			if (!wait_until(store, &store->wanted, mark_us))
				return;
		} else {
			pthread_cond_wait(&store->wanted, &engine->mutex);
		}
	}
}

static void *run_committer(void *context)
{
	struct store *store = context;
	struct engine *engine = store->engine;
	int64_t not_before_us = 0;
	bool is_last = false;

	pthread_mutex_lock(&engine->mutex);
	while (!is_last) {
		uint64_t flush_wanted;
		uint64_t durable;
		int result;

		wait_for_samples(store, not_before_us);
		is_last = store->is_closing;
		flush_wanted = store->flush_wanted;
		/* What comes in from now on has its own time. */
		store->due_us = timestamp_monotonic_us() + GATHER_US;
		durable = engine->durable;
		store->messages_us = 0;
		pthread_mutex_unlock(&engine->mutex);
		result = engine_commit(engine);
		pthread_mutex_lock(&engine->mutex);
		if (engine->durable != durable && store->acknowledge)
			store->acknowledge(store->acknowledge_context);
		not_before_us = result < 0 ? timestamp_monotonic_us() + RETRY_US : 0;
		if (result == 0)
			store->flush_done = flush_wanted;
		pthread_cond_broadcast(&store->done);
		if (store->is_awaited && store->news)
			wakeup_send(store->news);
		store->is_awaited = false;
	}
	pthread_mutex_unlock(&engine->mutex);
	return NULL;
}

/* The disk was full: wait until the checkpoint has been given what is kept for it. */
static void wait_for_room(struct store *store)
{
	struct engine *engine = store->engine;
	int64_t until_us = timestamp_monotonic_us() + RETRY_US;

	pthread_mutex_lock(&engine->mutex);
	pthread_cond_signal(&store->wanted);
	while (engine->wants_room && !store->is_closing &&
	       wait_until(store, &store->done, until_us))
		;
	pthread_mutex_unlock(&engine->mutex);
}

/* Move what is due, or all, into files. Without the mutex. @return 0 or -errno */
static int move_all(struct store *store, enum engine_scope scope)
{
	struct engine *engine = store->engine;
	int result = 0;

	while (result == 0 || result == -EAGAIN) {
		result = engine_checkpoint(engine, scope);
		pthread_mutex_lock(&engine->mutex);
		if (store->is_closing)
			result = -ECANCELED;
		if (result == -EAGAIN) {
			pthread_cond_signal(&store->wanted);
			if (engine->controls_durable < engine->controls_wanted)
				(void)wait_until(store, &store->done,
						 timestamp_monotonic_us() + GATHER_US);
		} else if (result == 0 && store->checkpoint_done == store->checkpoint_wanted) {
			(void)wait_until(store, &store->moving,
					 timestamp_monotonic_us() + PAUSE_US);
		}
		pthread_mutex_unlock(&engine->mutex);
	}
	return result == -ENODATA ? 0 : result;
}

/* The same; on a full disk with what is kept for that, as long as it helps. */
static int move_samples(struct store *store, enum engine_scope scope)
{
	struct engine_stats before;
	struct engine_stats after = {.n_checkpoints = UINT64_MAX};
	int result;

	do {
		before = after;
		result = move_all(store, scope);
		if (result != -ENOSPC && result != -EDQUOT)
			return result;
		wait_for_room(store);
		engine_get_stats(store->engine, &after);
	} while (after.n_checkpoints != before.n_checkpoints);
	return result;
}

/* Have logged what was put for that, and the segment begun that it waits for. */
static void wait_for_log(struct store *store)
{
	struct engine *engine = store->engine;
	int64_t until_us = timestamp_monotonic_us() + LOG_US;

	pthread_mutex_lock(&engine->mutex);
	pthread_cond_signal(&store->wanted);
	while ((engine->controls_durable < engine->controls_wanted || engine->wants_segment) &&
	       !store->is_closing && wait_until(store, &store->done, until_us))
		;
	pthread_mutex_unlock(&engine->mutex);
}

static void *run_checkpoint(void *context)
{
	struct store *store = context;
	struct engine *engine = store->engine;
	uint64_t n_before = 0;

	pthread_mutex_lock(&engine->mutex);
	while (!store->is_closing) {
		uint64_t wanted = store->checkpoint_wanted;
		bool is_asked = store->checkpoint_done != wanted;
		bool has_news = engine->stats.n_checkpoints != n_before || engine->retention_next;
		int result;

		if (!is_asked && !has_news &&
		    wait_until(store, &store->moving, timestamp_monotonic_us() + CHECKPOINT_US))
			continue;
		n_before = engine->stats.n_checkpoints;
		pthread_mutex_unlock(&engine->mutex);
		/* Without memory now, it is tried again in a while. */
		(void)retention_run(engine);
		wait_for_log(store);
		result = move_samples(store, is_asked ? ENGINE_SCOPE_ALL : ENGINE_SCOPE_DUE);
		pthread_mutex_lock(&engine->mutex);
		if (!is_asked)
			continue;
		store->checkpoint_done = wanted;
		store->checkpoint_result = result;
		if (store->news)
			wakeup_send(store->news);
	}
	pthread_mutex_unlock(&engine->mutex);
	return NULL;
}

void store_append(struct store *store, struct bundle *bundle)
{
	struct engine *engine = store->engine;
	bool was_clean;

	if (bundle->n_samples == 0)
		return;
	pthread_mutex_lock(&engine->mutex);
	while (engine->pending_bytes > STORE_PENDING_MAX_BYTES && !store->is_closing)
		pthread_cond_wait(&store->done, &engine->mutex);
	was_clean = engine->pending_bytes == 0;
	if (was_clean)
		store->due_us = timestamp_monotonic_us() + GATHER_US;
	pthread_mutex_unlock(&engine->mutex);
	engine_append(engine, bundle);
	pthread_mutex_lock(&engine->mutex);
	if (was_clean || engine->pending_bytes > STORE_PENDING_MUCH_BYTES)
		pthread_cond_signal(&store->wanted);
	pthread_mutex_unlock(&engine->mutex);
}

void store_note_messages(struct store *store)
{
	struct engine *engine = store->engine;

	pthread_mutex_lock(&engine->mutex);
	/* They may be logged already. */
	if (engine->message_bytes > 0 && store->messages_us == 0) {
		store->messages_us = timestamp_monotonic_us() + MESSAGES_US;
		pthread_cond_signal(&store->wanted);
	} else if (engine->messages.length > MESSAGES_MUCH_BYTES) {
		pthread_cond_signal(&store->wanted);
	}
	pthread_mutex_unlock(&engine->mutex);
}

int store_wait_commit(struct store *store, int64_t timeout_ms)
{
	struct engine *engine = store->engine;
	int64_t until_us = timestamp_monotonic_us() + timeout_ms * 1000;
	int result;

	pthread_mutex_lock(&engine->mutex);
	result = engine->trouble;
	if (result == 0 && engine->message_bytes > 0)
		result = wait_until(store, &store->done, until_us) ? 0 : -ETIMEDOUT;
	pthread_mutex_unlock(&engine->mutex);
	return result;
}

void store_set_acknowledge(struct store *store, void (*acknowledge)(void *context), void *context)
{
	pthread_mutex_lock(&store->engine->mutex);
	store->acknowledge = acknowledge;
	store->acknowledge_context = context;
	pthread_mutex_unlock(&store->engine->mutex);
}

int store_flush(struct store *store, int64_t timeout_ms)
{
	struct engine *engine = store->engine;
	int64_t until_us = timestamp_monotonic_us() + timeout_ms * 1000;
	uint64_t ticket;
	int result = 0;

	pthread_mutex_lock(&engine->mutex);
	ticket = ++store->flush_wanted;
	pthread_cond_signal(&store->wanted);
	while (store->flush_done < ticket && result == 0)
		result = wait_until(store, &store->done, until_us) ? 0 : -ETIMEDOUT;
	pthread_mutex_unlock(&engine->mutex);
	return result;
}

uint64_t store_flush_begin(struct store *store)
{
	uint64_t ticket;

	pthread_mutex_lock(&store->engine->mutex);
	ticket = ++store->flush_wanted;
	store->is_awaited = true;
	pthread_cond_signal(&store->wanted);
	pthread_mutex_unlock(&store->engine->mutex);
	return ticket;
}

int store_flush_result(struct store *store, uint64_t ticket)
{
	int result = 0;

	pthread_mutex_lock(&store->engine->mutex);
	if (store->flush_done < ticket) {
		store->is_awaited = true;
		result = -EAGAIN;
	}
	pthread_mutex_unlock(&store->engine->mutex);
	return result;
}

bool store_is_busy(struct store *store)
{
	bool is_busy;

	pthread_mutex_lock(&store->engine->mutex);
	is_busy = store->engine->pending_bytes > STORE_PENDING_BUSY_BYTES;
	store->is_awaited |= is_busy;
	pthread_mutex_unlock(&store->engine->mutex);
	return is_busy;
}

uint64_t store_checkpoint(struct store *store)
{
	struct engine *engine = store->engine;
	uint64_t ticket;

	pthread_mutex_lock(&engine->mutex);
	ticket = ++store->checkpoint_wanted;
	pthread_cond_signal(&store->moving);
	pthread_mutex_unlock(&engine->mutex);
	return ticket;
}

int store_set_retention(struct store *store, const char *text)
{
	int result = retention_set(store->engine, text);

	pthread_mutex_lock(&store->engine->mutex);
	pthread_cond_signal(&store->moving);
	pthread_mutex_unlock(&store->engine->mutex);
	return result;
}

int store_checkpoint_result(struct store *store, uint64_t ticket)
{
	struct engine *engine = store->engine;
	int result = -EAGAIN;

	pthread_mutex_lock(&engine->mutex);
	if (store->checkpoint_done >= ticket)
		result = store->checkpoint_result;
	pthread_mutex_unlock(&engine->mutex);
	return result;
}

void store_set_news(struct store *store, struct wakeup *news)
{
	pthread_mutex_lock(&store->engine->mutex);
	store->news = news;
	pthread_mutex_unlock(&store->engine->mutex);
}

const struct hash_key *store_hash_key(const struct store *store)
{
	return &store->key;
}

struct engine *store_engine(struct store *store)
{
	return store->engine;
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

/*
 * Write our number into the pid file. Not by pidfile_write(): when that fails, as on a full disk, it
 * gives the lock up too. So only the content is missing.
 */
static void write_pid(const struct store *store, const char *path)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%ld", (long)getpid());

	errno = 0;
	if (pwrite(pidfile_fileno(store->pid_file), text, (size_t)length, 0) != length)
		message_warning("cannot write '%s': %s", path, strerror(errno ? errno : ENOSPC));
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
		if (result == -EEXIST && pid > 0)
			message_error("the store '%s' is in use by process %ld", path, (long)pid);
		else if (result == -EEXIST || result == -EAGAIN)
			message_error("the store '%s' is in use by another process", path);
		else
			message_error("cannot lock the store '%s': %s", path, strerror(errno));
	} else {
		write_pid(store, pid_path);
	}
	free(pid_path);
	return result;
}

/* Conditions by the monotonic clock. */
static int init_conditions(struct store *store)
{
	pthread_condattr_t attributes;
	int error = pthread_condattr_init(&attributes);

	if (error)
		return -error;
	error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (!error)
		error = pthread_cond_init(&store->wanted, &attributes);
	if (!error)
		error = pthread_cond_init(&store->done, &attributes);
	if (!error)
		error = pthread_cond_init(&store->moving, &attributes);
	pthread_condattr_destroy(&attributes);
	return -error;
}

static int start_thread(struct store *store, void *(*run)(void *context))
{
	int error = pthread_create(&store->threads[store->n_threads], NULL, run, store);

	if (error) {
		message_error("cannot start the store's thread: %s", strerror(error));
		return -error;
	}
	store->n_threads++;
	return 0;
}

static int open_engine(struct store *store, const char *path, uint64_t segment_bytes)
{
	struct engine_options options = {
		.disk = &disk_kernel,
		.folder = store->folder_fd,
		.segment_bytes = segment_bytes,
		.key = store->key,
	};
	int result = engine_open(&options, &store->engine);

	if (result < 0)
		message_error("cannot use the store '%s': %s", path, strerror(-result));
	return result;
}

int store_open(const char *path, uint64_t segment_bytes, struct store **ret_store)
{
	struct store *store = calloc(1, sizeof(*store));
	int result;

	if (!store)
		return -ENOMEM;
	store->folder_fd = -1;
	result = init_conditions(store);
	if (result < 0) {
		free(store);
		return result;
	}
	result = hash_key_new(&store->key);
	if (result == 0)
		result = open_folder(store, path);
	if (result == 0)
		result = lock_folder(store, path);
	if (result == 0)
		result = open_engine(store, path, segment_bytes);
	if (result == 0)
		result = start_thread(store, run_committer);
	if (result == 0)
		result = start_thread(store, run_checkpoint);
	if (result < 0)
		store_close(store);
	else
		*ret_store = store;
	return result;
}

static void stop_threads(struct store *store)
{
	struct engine_stats stats;

	if (!store->engine)
		return;
	pthread_mutex_lock(&store->engine->mutex);
	store->is_closing = true;
	pthread_cond_broadcast(&store->wanted);
	pthread_cond_broadcast(&store->done);
	pthread_cond_broadcast(&store->moving);
	pthread_mutex_unlock(&store->engine->mutex);
	for (size_t i = 0; i < store->n_threads; i++)
		(void)pthread_join(store->threads[i], NULL);
	/* With nothing to log, the log says that all of it is durable. */
	if (store->n_threads > 0)
		(void)engine_commit(store->engine);
	engine_get_stats(store->engine, &stats);
	if (stats.n_waiting > 0)
		message_warning("%" PRIu64 " samples could not be stored: %s", stats.n_waiting,
				stats.last_error);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	stop_threads(store);
	engine_close(store->engine);
	if (store->pid_file)
		(void)pidfile_remove(store->pid_file);
	if (store->folder_fd >= 0)
		(void)close(store->folder_fd);
	pthread_cond_destroy(&store->moving);
	pthread_cond_destroy(&store->done);
	pthread_cond_destroy(&store->wanted);
	free(store);
}
