/* SPDX-License-Identifier: MIT */
/* Writes what was sampled into the spool. */

#include "agent/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/recorder_part.h"
#include "agent/round.h"
#include "common/message.h"

/* However they are encoded, so many of one tick fit a batch, so no tick is ever divided. */
#define TICK_SAMPLES_MAX 4096

/* So many marks are said again for each round since the last time, at most: of series that are gone there may be many more
 * than of others, and what is lost once may be lost in each round. */
#define REPEATED_PER_ROUND 256

#define NO_ID UINT32_MAX

/* So many series that are gone are not forgotten: each takes some 200 bytes, and to declare the others again costs as well. */
#define GONE_MAX 1000

/* Memory for what is written that is kept from one shipment to the next: a tick of an average host takes less. */
#define KEEP_BYTES ((size_t)8192)

void recorder_lose(struct recorder *recorder, const struct queue_span *span)
{
	notes_lose(&recorder->notes, span);
	recorder->owes_lasting = true;
}

static void lose(struct recorder *recorder, uint64_t n_samples, int64_t time_us, int error)
{
	recorder->n_lost += n_samples;
	recorder_lose(recorder, &(struct queue_span){time_us, time_us});
	if (recorder->told != error)
		message_error("samples are lost, since they cannot be written into the spool: %s",
			      strerror(-error));
	recorder->told = error;
}

/* A mark that a sample is missing is none. */
static void lose_sample(struct recorder *recorder, const struct round_sample *sample, int error)
{
	lose(recorder, sample->reason == HM_REASON_NONE, sample->time_us, error);
}

/* -- declarations ---------------------------------------------------------------------------------- */

/* Read the series that the current epoch declares. @return 0 or -ENOMEM */
static int read_declares(struct recorder *recorder)
{
	struct dictionary declared = {.n_series = 0};
	struct spool_message message = {.sequence = 0};
	int result = 0;

	while (result == 0 && spool_next_declare(recorder->spool, recorder->epoch, message.sequence,
						 &message) == 0)
		result = dictionary_read(&declared, message.payload + HM_STAMP_BYTES,
					 message.payload_bytes - HM_STAMP_BYTES);
	recorder->n_declared = declared.n_series;
	/* At the beginning they are all that is known. */
	if (recorder->dictionary.n_series == 0)
		recorder->dictionary = declared;
	else
		dictionary_done(&declared);
	return result == -ENOMEM ? result : 0;
}

/* Another epoch may have begun; it has declared what it could take over. */
static int look_at_epoch(struct recorder *recorder)
{
	struct spool_epoch_info info;
	size_t i = 0;

	while (spool_get_epoch(recorder->spool, i, &info) == 0 && !info.is_current)
		i++;
	if (memcmp(recorder->epoch, info.id, HM_ID_BYTES) == 0)
		return 0;
	memcpy(recorder->epoch, info.id, HM_ID_BYTES);
	return read_declares(recorder);
}

int recorder_declare(struct recorder *recorder)
{
	int result = look_at_epoch(recorder);
	uint64_t sequence;

	while (result == 0 && recorder->n_declared < recorder->dictionary.n_series) {
		struct spool_draft draft = {.type = HM_FRAME_DECLARE};
		uint32_t behind;

		buffer_clear(&recorder->bytes);
		behind = dictionary_declare(&recorder->dictionary, recorder->n_declared,
					    &recorder->bytes);
		if (buffer_failed(&recorder->bytes))
			return -ENOMEM;
		draft.body = recorder->bytes.data;
		draft.body_bytes = recorder->bytes.length;
		result = spool_append_message(recorder->spool, &draft, &sequence);
		recorder->is_full |= result == -EDQUOT;
		if (result < 0)
			return result;
		recorder->n_declared = behind;
		result = look_at_epoch(recorder);
	}
	return result;
}

void recorder_note(struct recorder *recorder, const struct clock_event *event)
{
	notes_add(&recorder->notes, recorder->spool, event);
}

void recorder_repeat(struct recorder *recorder)
{
	notes_repeat(&recorder->notes);
	recorder->owes_lasting = true;
}

int recorder_note_schedule(struct recorder *recorder, const void *body, size_t length)
{
	const struct spool_draft draft = {
		.type = HM_FRAME_SCHEDULE, .body = body, .body_bytes = length};
	uint64_t sequence;

	return spool_append_message(recorder->spool, &draft, &sequence);
}

static uint64_t count_gone_batches(const struct recorder *recorder)
{
	struct spool_status status;

	spool_get_status(recorder->spool, &status);
	return status.n_gone_batches;
}

/* A gap may have taken what was said of series. */
static void look_for_gaps(struct recorder *recorder)
{
	const uint64_t n_gone_batches = count_gone_batches(recorder);

	recorder->owes_lasting |= n_gone_batches != recorder->n_gone_batches;
	recorder->n_gone_batches = n_gone_batches;
}

void recorder_ship(struct recorder *recorder)
{
	int result = recorder_seal(recorder);
	int synced;

	notes_ship(&recorder->notes, recorder->spool);
	synced = spool_sync(recorder->spool);
	look_for_gaps(recorder);
	buffer_trim(&recorder->bytes, KEEP_BYTES);

	if (result < 0)
		message_error("cannot ship: %s; it is tried again", strerror(-result));
	if (synced < 0)
		message_error("cannot sync the spool: %s; it is tried again", strerror(-synced));
}

/* -- ticks ----------------------------------------------------------------------------------------- */

/* With what its ids mean in front, see read_tick(). @return as spool_append_tick() */
static int append_tick(struct recorder *recorder)
{
	struct buffer *bytes = &recorder->bytes;
	uint64_t number;

	buffer_clear(bytes);
	cursor_put_u32(bytes, recorder->n_declared);
	cursor_put_u32(bytes, dictionary_crc(&recorder->dictionary, recorder->n_declared));
	tick_encode(&recorder->tick, bytes);
	if (buffer_failed(bytes))
		return -ENOMEM;
	recorder->n_bytes += bytes->length;
	return spool_append_tick(recorder->spool, bytes->data, bytes->length, &number);
}

/* Write the tick that is being filled, and begin with the next. */
static void put_tick(struct recorder *recorder)
{
	const uint32_t n_samples = recorder->tick.n_set - recorder->tick.n_missing;
	int result;

	if (recorder->tick.n_set == 0)
		return;
	result = append_tick(recorder);
	if (result == -ENOBUFS) {
		recorder_ship(recorder);
		result = append_tick(recorder);
	}
	if (result < 0)
		lose(recorder, n_samples, recorder->tick.time_us, result);
	else
		recorder->n_unsealed += n_samples;
	tick_begin(&recorder->tick, recorder->tick.time_us);
}

/* Is that said once, and not of each sample that is missing? */
static bool is_lasting(enum hm_reason reason)
{
	return reason != HM_REASON_SOURCE_FAILED && reason != HM_REASON_SOURCE_STUCK &&
	       reason != HM_REASON_AGENT_STOPPED;
}

static int set_sample(struct tick *tick, const struct round_sample *sample, uint32_t id)
{
	return sample->reason == HM_REASON_NONE ? tick_set(tick, id, sample->value)
						: tick_set_missing(tick, id, sample->reason);
}

/* Two plugins may give one series: then there are two ticks of one time. */
static void put_sample(struct recorder *recorder, const struct round_sample *sample, uint32_t id)
{
	struct tick *tick = &recorder->tick;
	int result;

	if (tick->n_set >= TICK_SAMPLES_MAX ||
	    (tick->n_set > 0 && tick->time_us != sample->time_us))
		put_tick(recorder);
	if (tick->n_set == 0)
		tick_begin(tick, sample->time_us);
	result = set_sample(tick, sample, id);
	if (result == -EEXIST) {
		put_tick(recorder);
		result = set_sample(tick, sample, id);
	}
	if (result < 0)
		lose_sample(recorder, sample, result);
	dictionary_note(&recorder->dictionary, id, recorder->n_rounds,
			is_lasting(sample->reason) ? sample->reason : HM_REASON_NONE);
}

/* Say of all series of the metric that the round has said nothing of why they are missing. */
static void put_rest(struct recorder *recorder, const struct round_sample *sample)
{
	struct dictionary *dictionary = &recorder->dictionary;
	uint32_t id = 0;

	while ((id = dictionary_next_silent(dictionary, id, sample->metric->name,
					    recorder->n_rounds)) < recorder->n_declared)
		put_sample(recorder, sample, id++);
}

/* Say again what is said once, that a series is gone, say: that may have been lost. */
static void repeat_lasting(struct recorder *recorder, int64_t time_us)
{
	struct round_sample mark = {.time_us = time_us};
	uint32_t n_marks = 0;
	uint32_t id = 0;

	if (!recorder->owes_lasting || recorder->n_rounds < recorder->repeat_round)
		return;
	recorder->owes_lasting = false;
	while ((id = dictionary_next_lasting(&recorder->dictionary, id, recorder->n_rounds,
					     &mark.reason)) < recorder->n_declared) {
		put_sample(recorder, &mark, id++);
		n_marks++;
	}
	recorder->repeat_round = recorder->n_rounds + n_marks / REPEATED_PER_ROUND;
}

/* @return the id of a sample's series, or NO_ID: nobody would take it, or know it */
static uint32_t find_id(struct recorder *recorder, const struct round_sample *sample)
{
	const struct wire_series series = {
		.kind = sample->metric->kind == HM_GAUGE ? HM_STORED_GAUGE : HM_STORED_COUNTER,
		.unit = {sample->metric->unit, strlen(sample->metric->unit)},
		.name = sample->name,
	};
	uint32_t id = NO_ID;
	int result;

	/* That it is left out says something only of one that has samples: no other is declared for it. */
	if (sample->reason == HM_REASON_QUOTA || sample->reason == HM_REASON_NOT_SAMPLED) {
		(void)dictionary_find(&recorder->dictionary, &series, &id);
		return id;
	}
	result = dictionary_add(&recorder->dictionary, &series, &id);
	recorder->is_full |= result == -ENOSPC;
	if (result < 0)
		lose_sample(recorder, sample, result);
	return result < 0 ? NO_ID : id;
}

/* @return false without memory */
static bool reserve_place(struct recorder *recorder, size_t i)
{
	const size_t n = i > 0 ? 2 * i : 256;
	struct recorder_place *places;

	if (i < recorder->n_places)
		return true;
	places = reallocarray(recorder->places, n, sizeof(*places));
	if (!places)
		return false;
	memset(places + recorder->n_places, 0, (n - recorder->n_places) * sizeof(*places));
	recorder->places = places;
	recorder->n_places = n;
	return true;
}

/* Find the ids of a round. @return 0 or -ENOMEM */
static int find_ids(struct recorder *recorder, const char *at, const char *end)
{
	struct round_sample sample;

	for (size_t i = 0; round_next(&at, end, &sample); i++) {
		struct recorder_place *place;

		if (!reserve_place(recorder, i))
			return -ENOMEM;
		place = &recorder->places[i];
		if (sample.order != 0 && sample.order == place->order)
			continue;
		place->id = round_is_of_rest(&sample) ? NO_ID : find_id(recorder, &sample);
		place->order = place->id == NO_ID ? 0 : sample.order;
	}
	return 0;
}

/* Ids have another meaning from now on. */
static void forget_places(struct recorder *recorder)
{
	for (size_t i = 0; i < recorder->n_places; i++)
		recorder->places[i].order = 0;
}

void recorder_take(struct recorder *recorder, const void *samples, size_t length)
{
	const char *at = samples;
	const char *end = at + length;
	struct round_sample sample = {.time_us = 0};
	int result = find_ids(recorder, at, end);
	int declared = result < 0 ? result : recorder_declare(recorder);

	recorder->n_rounds++;
	for (size_t i = 0; round_next(&at, end, &sample); i++) {
		if (result < 0 || (recorder->places[i].id != NO_ID &&
				   recorder->places[i].id >= recorder->n_declared))
			lose_sample(recorder, &sample, declared);
		else if (round_is_of_rest(&sample))
			put_rest(recorder, &sample);
		else if (recorder->places[i].id != NO_ID)
			put_sample(recorder, &sample, recorder->places[i].id);
	}
	if (length > 0)
		repeat_lasting(recorder, sample.time_us);
	put_tick(recorder);
	if (!recorder->notes.has_lost)
		recorder->told = 0;
}

/* -- the rest -------------------------------------------------------------------------------------- */

int recorder_new(struct spool *spool, const uint8_t boot_id[static HM_ID_BYTES],
		 struct recorder **ret_recorder)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	int result;

	if (!recorder)
		return -ENOMEM;
	recorder->spool = spool;
	memcpy(recorder->notes.boot_id, boot_id, HM_ID_BYTES);
	recorder->encoder = encoder_new();
	result = recorder->encoder ? look_at_epoch(recorder) : -ENOMEM;
	if (result < 0) {
		recorder_free(recorder);
		return result;
	}
	recorder_ship(recorder);
	*ret_recorder = recorder;
	return 0;
}

/*
 * Mostly it declares what this has declared, and all that is known of the series is kept. A disk may give now what it did
 * not give when that began: then the same ids are those of other series.
 */
static int take_series_over(struct recorder *recorder)
{
	struct dictionary known = recorder->dictionary;
	struct dictionary *declared = &recorder->dictionary;
	int result;

	*declared = (struct dictionary){.n_series = 0};
	result = look_at_epoch(recorder);
	if (result == 0 && declared->n_series <= known.n_series &&
	    dictionary_crc(declared, declared->n_series) ==
		    dictionary_crc(&known, declared->n_series)) {
		dictionary_done(declared);
		*declared = known;
		return 0;
	}
	dictionary_done(&known);
	forget_places(recorder);
	return result;
}

int recorder_use_spool(struct recorder *recorder, struct spool *spool)
{
	recorder->spool = spool;
	recorder->last_lost_tick = 0;
	recorder->n_gone_batches = count_gone_batches(recorder);
	memset(recorder->epoch, 0, HM_ID_BYTES);
	return take_series_over(recorder);
}

bool recorder_is_full(const struct recorder *recorder)
{
	return recorder->is_full;
}

bool recorder_wants_anew(const struct recorder *recorder)
{
	const struct dictionary *dictionary = &recorder->dictionary;
	uint32_t n_lasting;

	/* Where it is full of what is sampled it would be so again. */
	if (recorder->is_full && dictionary_count_gone(dictionary) >= dictionary->n_series / 2)
		return true;
	n_lasting = dictionary_count_lasting(dictionary);
	return !recorder->owes_lasting && n_lasting > GONE_MAX &&
	       n_lasting >= dictionary->n_series / 2;
}

/* The disk is to know that all is acknowledged: one sync says so, and the next makes that durable. */
static int begin_epoch(struct recorder *recorder)
{
	struct spool_status status;
	int result;

	spool_get_status(recorder->spool, &status);
	if (status.n_messages > 0 || status.n_ticks > 0)
		return -EAGAIN;
	result = spool_begin_anew(recorder->spool);
	for (int i = 0; i < 2 && result == -EAGAIN; i++) {
		result = spool_sync(recorder->spool);
		if (result == 0)
			result = spool_begin_anew(recorder->spool);
	}
	return result;
}

void recorder_begin_anew(struct recorder *recorder)
{
	int result;

	if (!recorder_wants_anew(recorder))
		return;
	result = begin_epoch(recorder);
	if (result == -EAGAIN)
		return;
	if (result == 0) {
		dictionary_done(&recorder->dictionary);
		forget_places(recorder);
		result = look_at_epoch(recorder);
		recorder->is_full = false;
	}
	if (result < 0)
		message_error("cannot forget series that are gone: %s; it is tried again",
			      strerror(-result));
}

void recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return;
	dictionary_done(&recorder->dictionary);
	encoder_free(recorder->encoder);
	tick_done(&recorder->tick);
	tick_done(&recorder->sealed_tick);
	free(recorder->places);
	notes_done(&recorder->notes);
	buffer_done(&recorder->bytes);
	free(recorder);
}

uint64_t recorder_n_lost(const struct recorder *recorder)
{
	return recorder->n_lost;
}

uint64_t recorder_n_bytes(const struct recorder *recorder)
{
	return recorder->n_bytes;
}

uint64_t recorder_n_unsealed(const struct recorder *recorder)
{
	return recorder->n_unsealed;
}
