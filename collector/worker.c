/* SPDX-License-Identifier: MIT */
/* Threads that write answers which take long. */

#include "collector/worker.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/timestamp.h"

/* Handed over at a time; and so much may wait for the loop. */
#define PIECE_BYTES ((size_t)64 << 10)

/* A client that hears nothing gives up in the end: so often it is told to wait. */
#define WAIT_US INT64_C(5000000)

/* What an arena of malloc(3) keeps at its end, of which there are about as many as threads; and from
 * which size on memory is the kernel's each time. */
#define KEPT_BYTES  (8 << 20)
#define LARGE_BYTES (1 << 20)

/* What takes samples in comes first. */
#define NICE 10

struct worker {
	TAILQ_ENTRY(worker) link;
	struct workers *workers;
	struct worker_job job;
	int64_t start_us;
	int64_t waited_us; /* for the client; this and the next two the thread's own */
	int64_t told_us;   /* when it was given something, or told to wait */
	struct control_reply reply;
	_Atomic bool is_cancelled;

	/* With the mutex of the workers. */
	struct buffer ready;    /* for the loop */
	int64_t waits_since_us; /* for the client; 0 = does not */
	bool is_done;           /* nothing more will be ready */
	bool is_whole;          /* and there is an end */
	bool was_evicted;       /* another one needed its place */
	bool is_left;           /* the loop does not want it any more */
	pthread_cond_t has_room;
};

TAILQ_HEAD(worker_list, worker);

struct workers {
	struct wakeup *news;
	size_t n_max;
	pthread_mutex_t mutex;
	pthread_cond_t ended;
	struct worker_list all; /* whose threads run */
	size_t n_active;        /* of them: not cancelled */
	uint64_t n_evicted;     /* since start */
};

int workers_new(struct workers **ret_workers)
{
	struct workers *workers = calloc(1, sizeof(*workers));

	if (!workers)
		return -ENOMEM;
	workers->n_max = 1;
	pthread_mutex_init(&workers->mutex, NULL);
	pthread_cond_init(&workers->ended, NULL);
	TAILQ_INIT(&workers->all);
	*ret_workers = workers;
	return 0;
}

void workers_set_max(struct workers *workers, size_t n)
{
	pthread_mutex_lock(&workers->mutex);
	workers->n_max = n;
	pthread_mutex_unlock(&workers->mutex);
}

void workers_set_news(struct workers *workers, struct wakeup *news)
{
	pthread_mutex_lock(&workers->mutex);
	workers->news = news;
	pthread_mutex_unlock(&workers->mutex);
}

/* With the mutex. */
static void cancel(struct worker *worker)
{
	if (!worker->is_done && !atomic_exchange(&worker->is_cancelled, true))
		worker->workers->n_active--;
	pthread_cond_signal(&worker->has_room);
}

void workers_free(struct workers *workers)
{
	struct worker *worker;

	if (!workers)
		return;
	pthread_mutex_lock(&workers->mutex);
	TAILQ_FOREACH(worker, &workers->all, link)
		cancel(worker);
	while (!TAILQ_EMPTY(&workers->all))
		pthread_cond_wait(&workers->ended, &workers->mutex);
	pthread_mutex_unlock(&workers->mutex);
	pthread_cond_destroy(&workers->ended);
	pthread_mutex_destroy(&workers->mutex);
	free(workers);
}

/* Neither thread nor loop has it. */
static void worker_free(struct worker *worker)
{
	buffer_done(&worker->ready);
	pthread_cond_destroy(&worker->has_room);
	free(worker);
}

struct control_reply *worker_reply(struct worker *worker)
{
	return &worker->reply;
}

static void tell(struct workers *workers)
{
	if (workers->news)
		wakeup_send(workers->news);
}

/* Have the client wait. What is ready ends with a whole line. */
static void tell_wait(struct worker *worker)
{
	pthread_mutex_lock(&worker->workers->mutex);
	if (worker->ready.length == 0)
		buffer_append_text(&worker->ready, "wait\n");
	tell(worker->workers);
	pthread_mutex_unlock(&worker->workers->mutex);
}

int worker_check(void *context)
{
	struct worker *worker = context;
	int64_t now_us = timestamp_monotonic_us();
	int64_t worked_us = now_us - worker->start_us - worker->waited_us;

	if (now_us - worker->told_us > WAIT_US) {
		worker->told_us = now_us;
		tell_wait(worker);
	}
	if (atomic_load_explicit(&worker->is_cancelled, memory_order_relaxed))
		return -ECANCELED;
	return worked_us > worker->job.time_max_us ? -ETIME : 0;
}

/* Wait until the loop has taken what is there. With the mutex. */
static void wait_for_room(struct worker *worker)
{
	int64_t since_us = timestamp_monotonic_us();

	worker->waits_since_us = since_us;
	while (worker->ready.length >= PIECE_BYTES && !atomic_load(&worker->is_cancelled))
		pthread_cond_wait(&worker->has_room, &worker->workers->mutex);
	worker->waits_since_us = 0;
	worker->waited_us += timestamp_monotonic_us() - since_us;
}

int worker_deliver(struct worker *worker)
{
	struct workers *workers = worker->workers;
	struct buffer *out = &worker->reply.out;

	if (out->length < PIECE_BYTES)
		return 0;
	if (buffer_failed(out))
		return -ENOMEM;
	pthread_mutex_lock(&workers->mutex);
	wait_for_room(worker);
	buffer_append(&worker->ready, out->data, out->length);
	worker->told_us = timestamp_monotonic_us();
	tell(workers);
	pthread_mutex_unlock(&workers->mutex);
	buffer_clear(out);
	return atomic_load(&worker->is_cancelled) ? -ECANCELED : 0;
}

static void *run(void *context)
{
	struct worker *worker = context;
	struct workers *workers = worker->workers;
	struct buffer *out = &worker->reply.out;
	bool is_left;

	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	worker->job.run(worker, worker->job.state);
	worker->job.free_state(worker->job.state);

	pthread_mutex_lock(&workers->mutex);
	worker->is_whole = worker->reply.ended && !buffer_failed(out);
	if (out->length > 0)
		buffer_append(&worker->ready, out->data, out->length);
	buffer_done(out);
	if (!atomic_load(&worker->is_cancelled))
		workers->n_active--;
	worker->is_done = true;
	is_left = worker->is_left;
	tell(workers);
	TAILQ_REMOVE(&workers->all, worker, link);
	pthread_cond_signal(&workers->ended);
	pthread_mutex_unlock(&workers->mutex);
	if (is_left)
		worker_free(worker);
	return NULL;
}

/* Take what is ready. With the mutex. */
static int take_ready(struct worker *worker, struct control_reply *reply)
{
	if (worker->was_evicted) {
		control_end(reply, HM_CONTROL_FAILED,
			    "ended in the middle: other queries wanted its place, and nobody "
			    "read its answer; read it faster, or into a file");
		return 0;
	}
	if (worker->ready.length > 0) {
		buffer_append(&reply->out, worker->ready.data, worker->ready.length);
		reply->out.failed |= buffer_failed(&worker->ready);
		buffer_clear(&worker->ready);
		pthread_cond_signal(&worker->has_room);
		return 1;
	}
	if (!worker->is_done)
		return -EAGAIN;
	if (!worker->is_whole)
		return -ENOMEM;
	reply->ended = true;
	return 0;
}

static int produce(void *state, struct control_reply *reply)
{
	struct worker *worker = state;
	struct workers *workers = worker->workers;
	int result;

	pthread_mutex_lock(&workers->mutex);
	result = take_ready(worker, reply);
	pthread_mutex_unlock(&workers->mutex);
	return result;
}

/* The client is gone, or has all of it. */
static void leave(void *state)
{
	struct worker *worker = state;
	struct workers *workers = worker->workers;
	bool is_done;

	pthread_mutex_lock(&workers->mutex);
	cancel(worker);
	worker->is_left = true;
	is_done = worker->is_done;
	pthread_mutex_unlock(&workers->mutex);
	if (is_done)
		worker_free(worker);
}

uint64_t workers_n_evicted(struct workers *workers)
{
	uint64_t n_evicted;

	pthread_mutex_lock(&workers->mutex);
	n_evicted = workers->n_evicted;
	pthread_mutex_unlock(&workers->mutex);
	return n_evicted;
}

size_t workers_n_running(struct workers *workers)
{
	struct worker *worker;
	size_t n = 0;

	pthread_mutex_lock(&workers->mutex);
	TAILQ_FOREACH(worker, &workers->all, link)
		n++;
	pthread_mutex_unlock(&workers->mutex);
	return n;
}

void workers_keep_memory(void)
{
	(void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}

/* Is there a place, or one that can be had? With the mutex. */
static bool find_place(struct workers *workers)
{
	int64_t limit_us = timestamp_monotonic_us() - WORKER_PATIENCE_US;
	struct worker *longest = NULL;
	struct worker *worker;

	if (workers->n_active < workers->n_max)
		return true;
	TAILQ_FOREACH(worker, &workers->all, link) {
		int64_t since_us = worker->waits_since_us;

		if (since_us == 0 || since_us > limit_us || atomic_load(&worker->is_cancelled))
			continue;
		if (!longest || since_us < longest->waits_since_us)
			longest = worker;
	}
	if (!longest)
		return false;
	longest->was_evicted = true;
	workers->n_evicted++;
	cancel(longest);
	return true;
}

static int start_thread(struct worker *worker)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error = pthread_attr_init(&attributes);

	if (error)
		return -error;
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &attributes, run, worker);
	(void)pthread_attr_destroy(&attributes);
	return -error;
}

int workers_start(struct workers *workers, const struct worker_job *job,
		  struct control_reply *reply)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int result = -EAGAIN;

	if (!worker)
		return -ENOMEM;
	worker->workers = workers;
	worker->job = *job;
	worker->start_us = timestamp_monotonic_us();
	worker->told_us = worker->start_us;
	pthread_cond_init(&worker->has_room, NULL);
	pthread_mutex_lock(&workers->mutex);
	if (find_place(workers))
		result = start_thread(worker);
	if (result == 0) {
		workers->n_active++;
		TAILQ_INSERT_HEAD(&workers->all, worker, link);
	}
	pthread_mutex_unlock(&workers->mutex);
	if (result < 0)
		worker_free(worker);
	else
		control_stream(reply, produce, leave, worker);
	return result;
}
