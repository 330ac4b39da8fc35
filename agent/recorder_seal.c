/* SPDX-License-Identifier: MIT */
/* Seals the ticks of the spool in batches. */

#include <errno.h>

#include "agent/recorder_part.h"
#include "common/cursor.h"
#include "common/message.h"

static int append_batch(struct recorder *recorder, const struct encoder_sealed *sealed)
{
	const struct spool_draft draft = {
		.type = HM_FRAME_BATCH,
		.body = recorder->bytes.data,
		.body_bytes = recorder->bytes.length,
		.ticks = sealed->last_tick,
		.first_us = sealed->first_us,
		.last_us = sealed->last_us,
		.n_samples = sealed->n_samples,
	};
	uint64_t sequence;

	recorder->n_bytes += draft.body_bytes;
	return spool_append_message(recorder->spool, &draft, &sequence);
}

/* Seal what the encoder has; after a failure it has nothing, and the ticks stay. @return 0 or -errno */
static int seal_batches(struct recorder *recorder)
{
	struct encoder_sealed sealed;
	int error = 0;
	int result;

	do {
		buffer_clear(&recorder->bytes);
		result = encoder_seal(recorder->encoder, &recorder->bytes, &sealed);
		if (result == 0 && error == 0)
			error = append_batch(recorder, &sealed);
	} while (result == 0);
	return result == -ENODATA ? error : result;
}

/* Say once that a tick of the spool is lost: it will be superseded by what comes behind. */
static void lose_tick(struct recorder *recorder, const struct spool_tick *tick)
{
	const int64_t time_us = recorder->sealed_tick.time_us;

	if (tick->number <= recorder->last_lost_tick)
		return;
	recorder->last_lost_tick = tick->number;
	if (time_us != INT64_MIN)
		recorder_lose(recorder, &(struct queue_span){time_us, time_us});
	message_error(
		"spool: what was sampled at one time is lost: it is damaged, or of series that are "
		"not known any more");
}

/*
 * Read a tick. Its ids are those of the series that were declared when it was written; where a crash or damage took
 * their declarations, others may have the ids by now.
 * @return 0; -EBADMSG; -EAGAIN: its series are to be declared first; -ENOMEM
 */
static int read_tick(struct recorder *recorder, const struct spool_tick *tick)
{
	struct tick *read = &recorder->sealed_tick;
	struct cursor cursor = {.at = tick->payload, .left = tick->payload_bytes};
	uint32_t n_series = cursor_get_u32(&cursor);
	uint32_t crc = cursor_get_u32(&cursor);
	int result = -EBADMSG;

	if (!cursor_failed(&cursor))
		result = tick_decode(read, cursor.at, cursor.left, n_series);
	/* Then its time is not known either. */
	if (result < 0) {
		tick_begin(read, INT64_MIN);
		return result;
	}
	/* We write none without samples. */
	if (read->n_set == 0 || n_series > recorder->dictionary.n_series ||
	    dictionary_crc(&recorder->dictionary, n_series) != crc)
		return -EBADMSG;
	return n_series > recorder->n_declared ? -EAGAIN : 0;
}

/*
 * Give the encoder as many ticks as it takes. One that cannot be read is passed over: what comes behind supersedes it.
 * @return their number, or -ENOMEM
 */
static int add_ticks(struct recorder *recorder)
{
	struct spool_tick tick;
	int n_added = 0;

	for (size_t i = 0; spool_get_tick(recorder->spool, i, &tick) == 0; i++) {
		int result = read_tick(recorder, &tick);

		if (result == -EBADMSG)
			lose_tick(recorder, &tick);
		if (result == 0)
			result =
				encoder_add(recorder->encoder, &recorder->sealed_tick, tick.number);
		if (result == -ENOSPC)
			break;
		if (result == -EBADMSG)
			continue;
		/* Those behind it wait with it: a batch supersedes all that came before. */
		if (result == -EAGAIN)
			break;
		if (result < 0)
			return result;
		n_added++;
	}
	return n_added;
}

int recorder_seal(struct recorder *recorder)
{
	/* Ticks have only series that were declared; what is not stays so. */
	int declared = recorder_declare(recorder);
	int result = 0;
	int n_added = 0;

	while (result == 0 && (n_added = add_ticks(recorder)) > 0)
		result = seal_batches(recorder);
	if (result == 0 && n_added < 0) {
		/* What it has already is sealed later. */
		(void)seal_batches(recorder);
		result = n_added;
	}
	if (result == 0)
		recorder->n_unsealed = 0;
	return result == 0 ? declared : result;
}
