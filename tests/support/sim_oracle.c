/* SPDX-License-Identifier: MIT */
/* What is known of a simulation. */

#include "tests/support/sim_oracle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/batch.h"
#include "common/wire_batch.h"
#include "tests/support/sim_oracle_part.h"

#define MANTISSA_MASK ((UINT64_C(1) << 52) - 1)
#define ODD           UINT64_C(0x9e3779b97f4a7)
#define ODD_INVERSE   (inverse(ODD))

/* -- memory ------------------------------------------------------------------------------------ */

/* Room for `n` more. Ends the program without memory. */
static void *reserve(void *array, size_t n, size_t more, size_t *capacity, size_t size)
{
	void *grown;

	if (n + more <= *capacity)
		return array;
	while (*capacity < n + more)
		*capacity = *capacity ? 2 * *capacity : 256;
	grown = reallocarray(array, *capacity, size);
	if (!grown)
		abort();
	return grown;
}

void sim_oracle_init(struct sim_oracle *oracle)
{
	*oracle = (struct sim_oracle){.decoder = block_decoder_new()};
	if (!oracle->decoder)
		abort();
	for (unsigned i = 0; i < SIM_ORACLE_BUCKETS; i++)
		oracle->buckets[i] = -1;
}

void sim_oracle_done(struct sim_oracle *oracle)
{
	free(oracle->samples);
	free(oracle->ticks);
	free(oracle->contents);
	free(oracle->items);
	free(oracle->epochs);
	block_decoder_free(oracle->decoder);
}

void sim_oracle_complain(struct sim_oracle *oracle, const char *format, ...)
{
	va_list arguments;

	if (oracle->problem[0])
		return;
	va_start(arguments, format);
	(void)vsnprintf(oracle->problem, sizeof(oracle->problem), format, arguments);
	va_end(arguments);
}

/* -- names and values -------------------------------------------------------------------------- */

void sim_oracle_name_metric(unsigned series, char name[static SIM_NAME_BYTES])
{
	(void)snprintf(name, SIM_NAME_BYTES, "m%u", series / SIM_INSTANCES);
}

void sim_oracle_name_series(unsigned series, char name[static SIM_NAME_BYTES])
{
	(void)snprintf(name, SIM_NAME_BYTES, "m%u{x=\"%u\"}", series / SIM_INSTANCES,
		       series % SIM_INSTANCES);
}

void sim_oracle_name_host(unsigned host, char name[static SIM_NAME_BYTES])
{
	(void)snprintf(name, SIM_NAME_BYTES, "host%u", host);
}

/* Of an odd number, modulo 2^64 and so of any lower power of 2. */
static uint64_t inverse(uint64_t odd)
{
	uint64_t x = odd;

	for (unsigned i = 0; i < 6; i++)
		x *= 2 - odd * x;
	return x;
}

/* Numbers that compress, fractions, and those of which no bit can be foretold. */
static double make_value(unsigned series, size_t serial)
{
	uint64_t bits;
	double value;

	switch (series % 3) {
	case 0:
		return (double)(serial + 1);
	case 1:
		return -(double)(serial + 1) / 64;
	default:
		bits = UINT64_C(1023) << 52 | ((serial * ODD) & MANTISSA_MASK);
		memcpy(&value, &bits, sizeof(value));
		return value;
	}
}

static size_t find_serial(unsigned series, double value)
{
	uint64_t bits;

	switch (series % 3) {
	case 0:
		return value >= 1 && value < 1e9 ? (size_t)value - 1 : SIZE_MAX;
	case 1:
		return value < 0 && value > -1e9 ? (size_t)(-value * 64) - 1 : SIZE_MAX;
	default:
		memcpy(&bits, &value, sizeof(bits));
		return ((bits & MANTISSA_MASK) * ODD_INVERSE) & MANTISSA_MASK;
	}
}

/* The sample of a value. @return its number; SIZE_MAX: there was none */
static size_t find_sample(const struct sim_oracle *oracle, unsigned series, double value)
{
	size_t serial = find_serial(series, value);
	uint64_t same_bits;
	uint64_t bits;
	double same;

	if (serial >= oracle->n_samples || oracle->samples[serial].series != series)
		return SIZE_MAX;
	same = make_value(series, serial);
	/* All bits of it. */
	memcpy(&same_bits, &same, sizeof(same));
	memcpy(&bits, &value, sizeof(value));
	return same_bits == bits ? serial : SIZE_MAX;
}

size_t sim_oracle_find(const struct sim_oracle *oracle, double value)
{
	for (unsigned kind = 0; kind < 3; kind++) {
		size_t serial = find_serial(kind, value);

		if (serial < oracle->n_samples && oracle->samples[serial].series % 3 == kind &&
		    find_sample(oracle, oracle->samples[serial].series, value) == serial)
			return serial;
	}
	return SIZE_MAX;
}

/* -- what agents make -------------------------------------------------------------------------- */

size_t sim_oracle_tick(struct sim_oracle *oracle, unsigned agent, unsigned host, int64_t time_us)
{
	oracle->ticks = reserve(oracle->ticks, oracle->n_ticks, 1, &oracle->ticks_capacity,
				sizeof(*oracle->ticks));
	oracle->ticks[oracle->n_ticks] = (struct sim_tick){
		.agent = agent,
		.host = host,
		.time_us = time_us,
		.first = (uint32_t)oracle->n_samples,
	};
	return oracle->n_ticks++;
}

double sim_oracle_sample(struct sim_oracle *oracle, unsigned series)
{
	struct sim_tick *tick = &oracle->ticks[oracle->n_ticks - 1];

	oracle->samples = reserve(oracle->samples, oracle->n_samples, 1, &oracle->samples_capacity,
				  sizeof(*oracle->samples));
	oracle->samples[oracle->n_samples] = (struct sim_sample){
		.tick = (uint32_t)(oracle->n_ticks - 1),
		.series = (uint8_t)series,
	};
	tick->n++;
	return make_value(series, oracle->n_samples++);
}

void sim_oracle_synced(struct sim_oracle *oracle, unsigned agent, size_t first)
{
	for (size_t i = oracle->n_ticks; i-- > first;) {
		struct sim_tick *tick = &oracle->ticks[i];

		if (tick->agent == agent && tick->excuse == SIM_EXCUSE_NONE)
			tick->is_taken = tick->is_safe = true;
	}
}

void sim_oracle_ended(struct sim_oracle *oracle, unsigned agent, enum sim_excuse excuse)
{
	for (size_t i = 0; i < oracle->n_ticks; i++) {
		struct sim_tick *tick = &oracle->ticks[i];
		bool is_kept = excuse == SIM_EXCUSE_POWER ? tick->is_safe : tick->is_taken;

		if (tick->agent == agent && tick->excuse == SIM_EXCUSE_NONE && !is_kept)
			tick->excuse = excuse;
	}
}

void sim_oracle_copied(struct sim_oracle *oracle, unsigned agent, size_t first, size_t end)
{
	oracle->copied_hosts |= 1U << agent % SIM_HOSTS;
	for (size_t i = first; i < end; i++)
		oracle->ticks[i].may_double |= oracle->ticks[i].agent == agent;
}

size_t sim_oracle_find_unsafe(const struct sim_oracle *oracle, unsigned agent)
{
	for (size_t i = 0; i < oracle->n_ticks; i++) {
		const struct sim_tick *tick = &oracle->ticks[i];

		if (tick->agent == agent && tick->excuse == SIM_EXCUSE_NONE && !tick->is_safe)
			return i;
	}
	return oracle->n_ticks;
}

size_t sim_oracle_find_unacked(const struct sim_oracle *oracle, unsigned agent)
{
	for (size_t i = 0; i < oracle->n_ticks; i++) {
		const struct sim_tick *tick = &oracle->ticks[i];

		if (tick->agent == agent && tick->n > 0 && !oracle->samples[tick->first].is_acked)
			return i;
	}
	return oracle->n_ticks;
}

void sim_oracle_went_back(struct sim_oracle *oracle, unsigned agent, size_t n_kept)
{
	for (size_t i = n_kept; i < oracle->n_ticks; i++) {
		struct sim_tick *tick = &oracle->ticks[i];

		if (tick->agent == agent && tick->excuse == SIM_EXCUSE_NONE)
			tick->excuse = SIM_EXCUSE_WENT_BACK;
	}
}

void sim_oracle_store_lost(struct sim_oracle *oracle)
{
	for (size_t i = 0; i < oracle->n_samples; i++) {
		oracle->samples[i].is_lost |= oracle->samples[i].is_told;
		/* With the delete, perhaps. */
		oracle->samples[i].is_deleted = false;
	}
	for (size_t i = 0; i < oracle->n_epochs; i++)
		oracle->epochs[i].is_told = false;
}

static bool is_in(const struct sim_oracle *oracle, const struct sim_sample *sample,
		  const struct sim_deletion *deletion)
{
	const struct sim_tick *tick = &oracle->ticks[sample->tick];

	return sample->series == deletion->series && tick->host == deletion->host &&
	       tick->time_us >= deletion->since_us && tick->time_us <= deletion->until_us;
}

void sim_oracle_delete(struct sim_oracle *oracle, const struct sim_deletion *deletion)
{
	for (size_t i = 0; i < oracle->n_samples; i++) {
		struct sim_sample *sample = &oracle->samples[i];

		sample->is_deleting = is_in(oracle, sample, deletion) && sample->is_acked;
	}
}

void sim_oracle_deleted(struct sim_oracle *oracle, const struct sim_deletion *deletion,
			bool is_durable)
{
	for (size_t i = 0; i < oracle->n_samples; i++) {
		struct sim_sample *sample = &oracle->samples[i];

		/* What no agent has sent yet comes later, and stays. */
		sample->may_be_deleted |= is_in(oracle, sample, deletion) && sample->is_told;
		sample->is_deleted |= sample->is_deleting && is_durable && !sample->is_lost;
		sample->is_deleting = false;
	}
}

/* -- what they send ---------------------------------------------------------------------------- */

unsigned sim_oracle_find_epoch(struct sim_oracle *oracle, const uint8_t *id)
{
	for (size_t i = 0; i < oracle->n_epochs; i++) {
		if (memcmp(oracle->epochs[i].id, id, HM_ID_BYTES) == 0)
			return (unsigned)i;
	}
	oracle->epochs = reserve(oracle->epochs, oracle->n_epochs, 1, &oracle->epochs_capacity,
				 sizeof(*oracle->epochs));
	memcpy(oracle->epochs[oracle->n_epochs].id, id, HM_ID_BYTES);
	return (unsigned)oracle->n_epochs++;
}

int32_t *sim_oracle_find_bucket(struct sim_oracle *oracle, unsigned epoch, uint64_t sequence)
{
	return &oracle->buckets[(sequence * 31 + (uint64_t)epoch * 977) % SIM_ORACLE_BUCKETS];
}

static void tell(struct sim_sample *sample, unsigned epoch)
{
	sample->is_told = true;
	sample->epoch = epoch;
}

static void add_item(struct sim_oracle *oracle, struct sim_content *content, size_t sample)
{
	oracle->items = reserve(oracle->items, oracle->n_items, 1, &oracle->items_capacity,
				sizeof(*oracle->items));
	oracle->items[oracle->n_items++] = (uint32_t)sample;
	oracle->samples[sample].is_sent = true;
	tell(&oracle->samples[sample], content->epoch);
	content->n++;
}

static void read_column(struct sim_oracle *oracle, struct sim_content *content,
			const struct block_column *column)
{
	for (size_t i = 0; i < column->n_values; i++) {
		size_t sample = sim_oracle_find(oracle, column->values[i]);

		if (sample == SIZE_MAX)
			sim_oracle_complain(oracle, "a value is sent that was never made");
		else
			add_item(oracle, content, sample);
	}
}

/* The samples of a batch are all known ones. */
static void read_batch(struct sim_oracle *oracle, struct sim_content *content,
		       const uint8_t *payload, size_t length)
{
	struct wire_batch batch;
	const uint8_t *bytes;
	size_t n_bytes;

	if (wire_batch_get(payload, length, &batch) != HM_REASON_NONE) {
		sim_oracle_complain(oracle, "a BATCH is none");
		return;
	}
	while (batch_get_block(&batch.blocks, &bytes, &n_bytes) == 0 &&
	       block_decoder_open(oracle->decoder, bytes, n_bytes) == 0) {
		size_t n_columns = block_decoder_n_columns(oracle->decoder);

		for (size_t i = 0; i < n_columns; i++) {
			struct block_column column;

			if (block_decoder_column(oracle->decoder, i, &column) < 0)
				continue;
			read_column(oracle, content, &column);
		}
	}
}

/* @return its number */
static uint32_t add_content(struct sim_oracle *oracle, const struct frame *frame,
			    const struct wire_stamp *stamp)
{
	unsigned epoch = sim_oracle_find_epoch(oracle, stamp->epoch);
	int32_t *bucket = sim_oracle_find_bucket(oracle, epoch, stamp->sequence);
	struct sim_content content = {
		.epoch = epoch,
		.sequence = stamp->sequence,
		.crc = frame->crc,
		.type = frame->type,
		.first = (uint32_t)oracle->n_items,
		.next = *bucket,
	};

	oracle->epochs[epoch].host = stamp->host_id[0] - 1U;
	for (int32_t i = *bucket; i >= 0; i = oracle->contents[i].next) {
		const struct sim_content *known = &oracle->contents[i];

		if (known->epoch == epoch && known->sequence == content.sequence &&
		    known->crc == content.crc)
			return (uint32_t)i;
	}
	if (frame->type == HM_FRAME_BATCH)
		read_batch(oracle, &content, frame->payload, frame->length);
	else if (frame->type == HM_FRAME_GAP &&
		 wire_gap_get(frame->payload, frame->length, &content.gap) == HM_REASON_NONE &&
		 !sim_oracle_walk_sequences(oracle, &content.gap, tell))
		sim_oracle_walk_times(oracle, &content.gap, tell);
	oracle->contents = reserve(oracle->contents, oracle->n_contents, 1,
				   &oracle->contents_capacity, sizeof(*oracle->contents));
	oracle->contents[oracle->n_contents] = content;
	*bucket = (int32_t)oracle->n_contents;
	return (uint32_t)oracle->n_contents++;
}

void sim_oracle_sent(struct sim_oracle *oracle, struct sim_sent *sent, const struct frame *frame)
{
	struct cursor cursor = {.at = frame->payload, .left = frame->length};
	struct wire_stamp stamp;
	uint32_t content;

	if (frame->type < HM_FRAME_DECLARE || frame->type == HM_FRAME_ACK ||
	    frame->type == HM_FRAME_ERROR || frame->type == HM_FRAME_BYE)
		return;
	if (wire_stamp_get(&cursor, &stamp) != HM_REASON_NONE) {
		sim_oracle_complain(oracle, "a message has no stamp");
		return;
	}
	content = add_content(oracle, frame, &stamp);
	for (size_t i = 0; i < sent->n; i++) {
		if (sent->contents[i] == content)
			return;
	}
	sent->contents =
		reserve(sent->contents, sent->n, 1, &sent->capacity, sizeof(*sent->contents));
	sent->contents[sent->n++] = content;
}

static void acknowledge(struct sim_oracle *oracle, const struct sim_content *content)
{
	for (uint32_t i = 0; i < content->n; i++) {
		struct sim_sample *sample = &oracle->samples[oracle->items[content->first + i]];

		oracle->n_acked += !sample->is_acked;
		sample->is_acked = true;
	}
}

/* Those up to a sequence wait no more. */
static void settle(struct sim_oracle *oracle, struct sim_sent *sent, unsigned epoch,
		   uint64_t sequence, bool is_acked)
{
	size_t n = 0;

	for (size_t i = 0; i < sent->n; i++) {
		const struct sim_content *content = &oracle->contents[sent->contents[i]];

		if (content->epoch != epoch || content->sequence > sequence)
			sent->contents[n++] = sent->contents[i];
		else if (is_acked)
			acknowledge(oracle, content);
	}
	sent->n = n;
}

void sim_oracle_acked(struct sim_oracle *oracle, struct sim_sent *sent,
		      const uint8_t epoch[static HM_ID_BYTES], uint64_t sequence)
{
	settle(oracle, sent, sim_oracle_find_epoch(oracle, epoch), sequence, true);
}

void sim_oracle_welcome(struct sim_oracle *oracle, struct sim_sent *sent,
			const uint8_t epoch[static HM_ID_BYTES], uint64_t sequence, uint32_t crc)
{
	unsigned number = sim_oracle_find_epoch(oracle, epoch);
	bool is_ours = false;

	for (size_t i = 0; i < sent->n && !is_ours; i++) {
		const struct sim_content *content = &oracle->contents[sent->contents[i]];

		is_ours = content->epoch == number && content->sequence == sequence &&
			  content->crc == crc;
	}
	oracle->epochs[number].is_told = true;
	settle(oracle, sent, number, sequence, is_ours);
}

void sim_sent_copy(struct sim_sent *to, const struct sim_sent *from)
{
	to->n = 0;
	to->contents = reserve(to->contents, 0, from->n + 1, &to->capacity, sizeof(*to->contents));
	memcpy(to->contents, from->contents, from->n * sizeof(*to->contents));
	to->n = from->n;
}

void sim_sent_done(struct sim_sent *sent)
{
	free(sent->contents);
	*sent = (struct sim_sent){.n = 0};
}
