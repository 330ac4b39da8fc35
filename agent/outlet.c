/* SPDX-License-Identifier: MIT */
/* What becomes of the samples that were taken. */

#include "agent/outlet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/host_id.h"
#include "agent/outlet_agenda.h"
#include "agent/outlet_folder.h"
#include "agent/spool_folder.h"
#include "common/message.h"
#include "common/timestamp.h"

/* What is in the spool is durable after so long; a disk that fails is tried again as often. */
#define TEND_INTERVAL_MS 5000

/* Who is there anyhow does so earlier, by so much: it saves somebody else the way. */
#define TEND_EARLY_US INT64_C(500000)
#define TEND_US       (TEND_INTERVAL_MS * INT64_C(1000) - TEND_EARLY_US)

static void tend_in(struct outlet *outlet, int64_t ms)
{
	(void)timer_start(outlet->tending, ms, 0);
	outlet->is_tending_due = true;
}

static uint64_t count_dropped(const struct outlet *outlet)
{
	struct queue_stats queue;
	struct spool_status spool;

	queue_get_stats(outlet->queue, &queue);
	outlet_get_status(outlet, &spool);
	return queue.n_dropped_samples + spool.n_gone_samples;
}

/* All that was shipped is stored. */
static void on_drained(void *context)
{
	struct outlet *outlet = context;

	/* Not at once: the connection that says so is still at work. */
	if (outlet->in_memory || recorder_wants_anew(outlet->recorder))
		tend_in(outlet, 1);
	if (outlet->in_memory)
		return;
	if (outlet->is_full_told) {
		message_info("all is sent again; %" PRIu64 " samples were dropped since the start",
			     count_dropped(outlet));
		outlet->n_dropped_told = count_dropped(outlet);
	}
	outlet->is_full_told = false;
	if (outlet->is_ended)
		outlet->on_ended(outlet->context);
}

/* Say once that the spool is full; how much it costs stands in the status. */
static void tell_dropped(struct outlet *outlet)
{
	if (outlet->is_full_told || count_dropped(outlet) == outlet->n_dropped_told)
		return;
	message_warning("the spool is full: the oldest samples are dropped until the collector "
			"answers");
	outlet->is_full_told = true;
}

/* Say once that nothing can be written, and that it can be again. */
static void tell_memory(struct outlet *outlet)
{
	struct spool_status status;

	spool_get_status(outlet->spool, &status);
	if (status.is_in_memory == outlet->is_memory_told)
		return;
	outlet->is_memory_told = status.is_in_memory;
	if (!status.is_in_memory) {
		message_info("spool %s: samples wait on disk again", outlet->settings->spool);
		return;
	}
	message_warning("spool %s: cannot %s: %s; samples wait in memory", outlet->settings->spool,
			status.last_error_what, strerror(-status.last_error));
}

/* Write what the sampler has taken, of the first rounds that it pushed so many. */
static void take_rounds(struct outlet *outlet, uint64_t n_pushed)
{
	struct queue_span lost;
	struct round *round;

	while ((round = queue_take_of(outlet->queue, n_pushed))) {
		if (round->is_event)
			recorder_note(outlet->recorder, &round->event);
		else
			recorder_take(outlet->recorder, round->data, round->length);
		outlet->n_rounds += !round->is_event;
		queue_finish(outlet->queue, round);
	}
	if (queue_take_lost(outlet->queue, &lost))
		recorder_lose(outlet->recorder, &lost);
}

/* What is spent between two shipments has one of them in it. */
static void mark_cost(struct outlet *outlet)
{
	outlet->marks[0] = outlet->marks[1];
	outlet_get_cost(outlet, &outlet->marks[1]);
}

/* @return is anything to be sent? */
static bool take(struct outlet *outlet)
{
	take_rounds(outlet, UINT64_MAX);
	if (!queue_take_ship(outlet->queue))
		return false;
	outlet_agenda_look(outlet);
	outlet_agenda_write(outlet);
	recorder_ship(outlet->recorder);
	outlet->unsynced_us = 0;
	return true;
}

static void note(const struct outlet *outlet, enum hm_clock_event event)
{
	const struct clock_event now = clock_event_now(event);

	recorder_note(outlet->recorder, &now);
}

void outlet_hurry(struct outlet *outlet)
{
	uplink_hurry(outlet->uplink);
}

/* -- a folder that could not be used before -------------------------------------------------------- */

/* When all that is in memory is stored, what is on disk is sent. */
static void leave_memory(struct outlet *outlet)
{
	struct spool_status status;

	if (!outlet->in_memory)
		return;
	spool_get_status(outlet->in_memory, &status);
	if (status.n_messages > 0)
		return;
	uplink_use_spool(outlet->uplink, outlet->spool);
	spool_free(outlet->in_memory);
	outlet->in_memory = NULL;
}

/* A folder that was moved here has another id than what is in memory: that host begins now. */
static void begin_as(struct outlet *outlet, const uint8_t id_before[static HM_ID_BYTES])
{
	if (memcmp(outlet->host_id, id_before, HM_ID_BYTES) == 0)
		return;
	note(outlet, HM_CLOCK_STARTED);
	outlet_agenda_repeat(outlet);
}

static void retry_folder(struct outlet *outlet)
{
	uint8_t id_before[HM_ID_BYTES];

	/* What is in memory since the last time goes first. */
	if (outlet->folder >= 0 || outlet->is_ended || outlet->in_memory)
		return;
	memcpy(id_before, outlet->host_id, HM_ID_BYTES);
	if (outlet_folder_try(outlet) < 0)
		return;
	begin_as(outlet, id_before);
	outlet_agenda_write(outlet);
	leave_memory(outlet);
}

/* Nobody would ever read what is written into a folder that was removed. */
static void look_for_folder(struct outlet *outlet)
{
	if (outlet->folder < 0 || !spool_folder_is_removed(outlet->folder))
		return;
	if (spool_leave_folder(outlet->spool) < 0) {
		message_error("no memory to go on without the spool's folder");
		return;
	}
	message_warning("spool %s: it was removed, and what waited in it is lost; samples wait in "
			"memory until it can be used",
			outlet->settings->spool);
	outlet->is_memory_told = true;
	outlet->n_dropped_told = count_dropped(outlet);
	recorder_repeat(outlet->recorder);
	outlet_agenda_repeat(outlet);
	outlet_folder_close(outlet);
}

/* -- so that nothing is left undone ---------------------------------------------------------------- */

static void measure_rate(struct outlet *outlet)
{
	const int64_t now_us = timestamp_monotonic_us();
	const int64_t since_us = now_us - outlet->rate_us;
	struct spool_status status;

	if (since_us < TEND_US)
		return;
	outlet_get_status(outlet, &status);
	/* A spool that was opened again counts anew. */
	if (status.n_acked_samples >= outlet->n_sent_then)
		outlet->n_sent_per_second = (status.n_acked_samples - outlet->n_sent_then) *
					    TIMESTAMP_SECOND_US / (uint64_t)since_us;
	outlet->n_sent_then = status.n_acked_samples;
	outlet->rate_us = now_us;
}

/* All is synced. Where all is well, what is written next tells when to come again. */
static void plan_tending(struct outlet *outlet)
{
	struct spool_status status;

	spool_get_status(outlet->spool, &status);
	outlet->is_amiss = outlet->folder < 0 || outlet->in_memory || status.is_in_memory;
	if (outlet->is_amiss) {
		tend_in(outlet, TEND_INTERVAL_MS);
	} else if (outlet->is_tending_due) {
		timer_stop(outlet->tending);
		outlet->is_tending_due = false;
	}
}

static void tend(struct outlet *outlet)
{
	int64_t begin_ns;

	measure_rate(outlet);
	look_for_folder(outlet);
	retry_folder(outlet);
	if (outlet->folder >= 0)
		(void)spool_retry(outlet->spool);
	leave_memory(outlet);
	begin_ns = cost_thread_ns();
	if (spool_sync(outlet->spool) < 0)
		message_error("no memory to sync the spool");
	recorder_begin_anew(outlet->recorder);
	outlet->recorder_ns += cost_thread_ns() - begin_ns;
	outlet->unsynced_us = 0;
	outlet->wants_tending = false;
	outlet->tended_us = timestamp_monotonic_us();
	tell_memory(outlet);
	uplink_wake(outlet->uplink);
	/* Nothing takes as much as starting did; later, it is done once the intervals are sealed. */
	if (outlet->footprint.next_us == 0)
		footprint_trim(&outlet->footprint, outlet->tended_us);
	plan_tending(outlet);
}

static void on_tending_due(void *context)
{
	tend(context);
}

/*
 * What was written is to be durable soon. Who writes has that done, when it would be too late the next time; should nobody write
 * any more, the timer has.
 */
static void note_written(struct outlet *outlet)
{
	const int64_t now_us = timestamp_monotonic_us();
	const int64_t next_us = now_us + (now_us - outlet->written_us);

	outlet->written_us = now_us;
	if (outlet->unsynced_us == 0)
		outlet->unsynced_us = now_us;
	/* Then the timer runs, and there is nothing to sync. */
	if (outlet->is_amiss)
		return;
	outlet->wants_tending |= next_us - outlet->unsynced_us > TEND_US;
	if (!outlet->wants_tending && !outlet->is_tending_due)
		tend_in(outlet, TEND_INTERVAL_MS);
}

void outlet_take(struct outlet *outlet)
{
	const uint64_t n_rounds = outlet->n_rounds;
	const int64_t begin_ns = cost_thread_ns();
	const bool is_shipped = take(outlet);

	outlet->recorder_ns += cost_thread_ns() - begin_ns;
	if (is_shipped) {
		mark_cost(outlet);
		tell_dropped(outlet);
		tell_memory(outlet);
		uplink_wake(outlet->uplink);
		footprint_trim(&outlet->footprint, timestamp_monotonic_us());
		plan_tending(outlet);
	} else if (outlet->n_rounds != n_rounds) {
		note_written(outlet);
	}
	if (outlet->wants_tending || timestamp_monotonic_us() - outlet->tended_us >= TEND_US)
		tend(outlet);
}

bool outlet_write(struct outlet *outlet, uint64_t n_pushed, const void *samples, size_t length)
{
	const bool is_measured = cost_is_turn(outlet->n_written);
	const int64_t begin_ns = is_measured ? cost_thread_ns() : 0;

	take_rounds(outlet, n_pushed);
	recorder_take(outlet->recorder, samples, length);
	outlet->n_rounds++;
	outlet->n_written++;
	if (is_measured)
		cost_mean_add(&outlet->writing, cost_thread_ns() - begin_ns);
	note_written(outlet);
	return outlet->wants_tending;
}

void outlet_end(struct outlet *outlet)
{
	if (outlet->is_ended)
		return;
	take_rounds(outlet, UINT64_MAX);
	note(outlet, HM_CLOCK_STOPPED);
	queue_ship(outlet->queue);
	outlet_take(outlet);
	outlet->is_ended = true;
	outlet_hurry(outlet);
}

/* -- from beginning to end ------------------------------------------------------------------------- */

static int open_parts(struct outlet *outlet, struct loop *loop)
{
	int result = host_id_read_boot(outlet->boot_id);

	if (result == 0)
		result = outlet_folder_begin(outlet);
	if (result == 0)
		result = recorder_new(outlet->spool, outlet->boot_id, &outlet->recorder);
	if (result == 0)
		result = uplink_new(loop, outlet->spool, outlet->boot_id,
				    outlet->settings->collector, &outlet->uplink);
	if (result == 0)
		result = timer_new(loop, on_tending_due, outlet, &outlet->tending);
	return result;
}

int outlet_new(struct loop *loop, const struct settings *settings, struct queue *queue,
	       void (*on_ended)(void *context), void *context, struct outlet **ret_outlet)
{
	struct outlet *outlet = calloc(1, sizeof(*outlet));
	int result;

	if (!outlet)
		return -ENOMEM;
	*outlet = (struct outlet){
		.settings = settings,
		.queue = queue,
		.folder = -1,
		.lock = -1,
		.on_ended = on_ended,
		.context = context,
	};
	result = open_parts(outlet, loop);
	if (result < 0) {
		outlet_free(outlet);
		return result;
	}
	tell_memory(outlet);
	uplink_on_drained(outlet->uplink, on_drained, outlet);
	outlet->tended_us = timestamp_monotonic_us();
	outlet->rate_us = outlet->tended_us;
	tend_in(outlet, TEND_INTERVAL_MS);
	*ret_outlet = outlet;
	return 0;
}

void outlet_free(struct outlet *outlet)
{
	if (!outlet)
		return;
	timer_free(outlet->tending);
	uplink_free(outlet->uplink);
	recorder_free(outlet->recorder);
	spool_free(outlet->in_memory);
	spool_free(outlet->spool);
	outlet_folder_close(outlet);
	agenda_done(&outlet->agenda);
	free(outlet);
}

void outlet_start(struct outlet *outlet, const struct plugin_set *set)
{
	mark_cost(outlet);
	note(outlet, HM_CLOCK_STARTED);
	outlet_agenda_begin(outlet, set, timestamp_now_us());
	uplink_start(outlet->uplink);
}

void outlet_configure(struct outlet *outlet, const struct plugin_set *set, int64_t since_us)
{
	outlet_folder_rename_host(outlet);
	outlet_agenda_begin(outlet, set, since_us);
}

void outlet_get_status(const struct outlet *outlet, struct spool_status *ret_status)
{
	struct spool_status memory;

	spool_get_status(outlet->spool, ret_status);
	if (!outlet->in_memory)
		return;
	spool_get_status(outlet->in_memory, &memory);
	ret_status->n_memory_bytes += memory.n_memory_bytes;
	ret_status->n_messages += memory.n_messages;
	ret_status->n_samples += memory.n_samples;
	ret_status->n_waiting_bytes += memory.n_waiting_bytes;
	ret_status->n_acked_samples += memory.n_acked_samples;
	ret_status->n_epochs += memory.n_epochs;
	ret_status->n_gone_batches += memory.n_gone_batches;
	ret_status->n_gone_samples += memory.n_gone_samples;
	if (memory.oldest_us != INT64_MIN)
		ret_status->oldest_us = memory.oldest_us;
}

void outlet_get_cost(const struct outlet *outlet, struct cost_mark *ret_mark)
{
	struct uplink_stats uplink;

	uplink_get_stats(outlet->uplink, &uplink);
	*ret_mark = (struct cost_mark){
		.n_rounds = outlet->n_rounds,
		.n_written = outlet->n_written,
		.process_ns = cost_process_ns(),
		.main_ns = cost_thread_ns(),
		.recorder_ns = outlet->recorder_ns,
		.n_spool_bytes = recorder_n_bytes(outlet->recorder),
		.n_wire_bytes = uplink.n_sent_bytes,
	};
}

static void tell_unsent(const struct outlet *outlet, const struct spool *spool)
{
	struct spool_status status;

	spool_get_status(spool, &status);
	if (status.n_samples == 0)
		return;
	message_warning("%" PRIu64 " samples were not sent to collector %s; %s", status.n_samples,
			outlet->settings->collector,
			status.is_in_memory ? "they were in memory, and are lost"
					    : "they wait in the spool");
}

void outlet_tell_unsent(const struct outlet *outlet)
{
	if (outlet->in_memory)
		tell_unsent(outlet, outlet->in_memory);
	tell_unsent(outlet, outlet->spool);
}
