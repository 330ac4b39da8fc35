/* SPDX-License-Identifier: MIT */
/* Makes batches of the samples that a host's text lines brought. */

#include "collector/sealer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/batch.h"
#include "common/block.h"

/* Names of series are added until a batch has so many bytes of them. */
#define NAMES_MAX_BYTES ((size_t)64 << 10)

/* A sample with its place in the batch. */
struct place {
	int64_t time_us;
	double value;
	uint32_t series; /* of the batch */
	uint32_t row;
};

/* Which series have a number in the batch being sealed: an open hash table by address. */
#define SLOTS (BATCH_SERIES_MAX * 2)

struct slot {
	const struct catalog_series *series;
	uint64_t batch; /* the slot is free unless this is the present one's number */
	uint32_t number;
};

struct sealer {
	struct block_encoder *encoder;
	struct buffer block;
	uint64_t batch;
	struct slot slots[SLOTS];
	const struct catalog_series *series[BATCH_SERIES_MAX];
	size_t n_series;
	struct place places[BATCH_SAMPLES_MAX];
	struct place sorted[BATCH_SAMPLES_MAX];
	size_t n_places;
	uint32_t last_row[BATCH_SERIES_MAX]; /* of each series, + 1; then where its column begins */
	int64_t times_us[BATCH_SAMPLES_MAX];
	size_t n_rows;
	double values[BATCH_SAMPLES_MAX];
	struct block_run runs[BATCH_SAMPLES_MAX * 2];
	struct block_column columns[BATCH_SERIES_MAX];
};

struct sealer *sealer_new(void)
{
	struct sealer *sealer = calloc(1, sizeof(*sealer));

	if (!sealer)
		return NULL;
	sealer->encoder = block_encoder_new();
	if (!sealer->encoder) {
		sealer_free(sealer);
		return NULL;
	}
	return sealer;
}

void sealer_free(struct sealer *sealer)
{
	if (!sealer)
		return;
	block_encoder_free(sealer->encoder);
	buffer_done(&sealer->block);
	free(sealer);
}

static struct slot *find_slot(struct sealer *sealer, const struct catalog_series *series)
{
	size_t i = (size_t)(((uintptr_t)series >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32) % SLOTS;

	while (sealer->slots[i].batch == sealer->batch && sealer->slots[i].series != series)
		i = (i + 1) % SLOTS;
	return &sealer->slots[i];
}

/* Number the series of as many samples as fit, at most so many. */
static void take_samples(struct sealer *sealer, const struct sealer_batch *batch, size_t n_max)
{
	size_t names_bytes = 0;
	size_t n = 0;

	sealer->batch++;
	sealer->n_series = 0;
	for (; n < n_max; n++) {
		const struct catalog_sample *sample = &batch->samples[n];
		struct slot *slot = find_slot(sealer, sample->series);

		if (slot->batch != sealer->batch) {
			if (sealer->n_series == BATCH_SERIES_MAX || names_bytes > NAMES_MAX_BYTES)
				break;
			*slot = (struct slot){sample->series, sealer->batch,
					      (uint32_t)sealer->n_series};
			sealer->series[sealer->n_series++] = sample->series;
			names_bytes += strlen(sample->series->file->metric) +
				       sample->series->labels_length;
		}
		sealer->places[n] = (struct place){sample->time_us, sample->value, slot->number, 0};
	}
	sealer->n_places = n;
}

static int compare_times(const void *a, const void *b)
{
	const struct place *place_a = a;
	const struct place *place_b = b;

	if (place_a->time_us != place_b->time_us)
		return place_a->time_us < place_b->time_us ? -1 : 1;
	/* Here `row` is the order of arrival. */
	return place_a->row < place_b->row ? -1 : place_a->row > place_b->row;
}

static void sort_by_time(struct sealer *sealer)
{
	bool is_sorted = true;

	for (size_t i = 0; i < sealer->n_places; i++) {
		sealer->places[i].row = (uint32_t)i;
		if (i > 0 && sealer->places[i].time_us < sealer->places[i - 1].time_us)
			is_sorted = false;
	}
	if (!is_sorted)
		qsort(sealer->places, sealer->n_places, sizeof(struct place), compare_times);
}

/* Give each sample its row: a new one with each new time, and where a series has that time twice. */
static void make_rows(struct sealer *sealer)
{
	memset(sealer->last_row, 0, sealer->n_series * sizeof(*sealer->last_row));
	sealer->n_rows = 0;
	for (size_t i = 0; i < sealer->n_places; i++) {
		struct place *place = &sealer->places[i];
		uint32_t *last_row = &sealer->last_row[place->series];

		if (sealer->n_rows == 0 || sealer->times_us[sealer->n_rows - 1] != place->time_us ||
		    *last_row == sealer->n_rows)
			sealer->times_us[sealer->n_rows++] = place->time_us;
		*last_row = (uint32_t)sealer->n_rows;
		place->row = (uint32_t)sealer->n_rows - 1;
	}
}

/* Sort the samples by series, each one's by row. */
static void sort_by_series(struct sealer *sealer)
{
	uint32_t *starts = sealer->last_row;
	uint32_t n = 0;

	memset(starts, 0, sealer->n_series * sizeof(*starts));
	for (size_t i = 0; i < sealer->n_places; i++)
		starts[sealer->places[i].series]++;
	for (size_t i = 0; i < sealer->n_series; i++) {
		uint32_t count = starts[i];

		starts[i] = n;
		n += count;
	}
	for (size_t i = 0; i < sealer->n_places; i++)
		sealer->sorted[starts[sealer->places[i].series]++] = sealer->places[i];
}

/* The runs of one column, whose samples are sorted[first .. end). @return how many */
static size_t make_runs(struct sealer *sealer, size_t first, size_t end, struct block_run *runs)
{
	size_t n_runs = 0;
	uint32_t next_row = 0;

	if (end - first == sealer->n_rows)
		return 0;
	for (size_t i = first; i < end; i++) {
		uint32_t row = sealer->sorted[i].row;

		if (row > next_row && n_runs == 0)
			runs[n_runs++] = (struct block_run){.n_missing = row};
		else if (row > next_row)
			runs[n_runs - 1].n_missing = row - next_row;
		if (n_runs == 0 || runs[n_runs - 1].n_missing > 0)
			runs[n_runs++] = (struct block_run){0};
		runs[n_runs - 1].n_present++;
		next_row = row + 1;
	}
	runs[n_runs - 1].n_missing = (uint32_t)sealer->n_rows - next_row;
	return n_runs;
}

static void make_columns(struct sealer *sealer)
{
	struct block_run *runs = sealer->runs;
	size_t first = 0;

	for (size_t i = 0; i < sealer->n_series; i++) {
		size_t end = first;
		size_t n_runs;

		while (end < sealer->n_places && sealer->sorted[end].series == i) {
			sealer->values[end] = sealer->sorted[end].value;
			end++;
		}
		n_runs = make_runs(sealer, first, end, runs);
		sealer->columns[i] = (struct block_column){
			.series_id = (uint32_t)i,
			.runs = n_runs > 0 ? runs : NULL,
			.n_runs = n_runs,
			.values = sealer->values + first,
			.n_values = end - first,
		};
		runs += n_runs;
		first = end;
	}
}

static void put_names(const struct sealer *sealer, const struct sealer_batch *batch,
		      struct buffer *out)
{
	struct batch_head head = {
		.sequence = batch->sequence,
		.host = {batch->host->name, strlen(batch->host->name)},
		.n_series = (uint32_t)sealer->n_series,
	};

	memcpy(head.host_id, batch->host->id, HM_ID_BYTES);
	memcpy(head.epoch, batch->epoch, HM_ID_BYTES);
	batch_put_head(out, &head);
	for (size_t i = 0; i < sealer->n_series; i++) {
		const struct catalog_series *series = sealer->series[i];
		const struct catalog_file *file = series->file;
		struct batch_series named = {
			.kind = file->kind,
			.unit = {file->unit, strlen(file->unit)},
			.metric = {file->metric, strlen(file->metric)},
			.labels = {series->labels, series->labels_length},
		};

		batch_put_series(out, &named);
	}
}

/* Append the payload of a batch of at most so many samples. @return as sealer_seal() */
static int seal(struct sealer *sealer, const struct sealer_batch *batch, size_t n_max,
		pthread_mutex_t *mutex, struct buffer *out)
{
	size_t length = out->length;
	int result;

	take_samples(sealer, batch, n_max);
	sort_by_time(sealer);
	make_rows(sealer);
	sort_by_series(sealer);
	make_columns(sealer);
	buffer_clear(&sealer->block);
	result = block_encode(sealer->encoder, sealer->times_us, sealer->n_rows, sealer->columns,
			      sealer->n_series, BLOCK_EFFORT_FAST, &sealer->block);
	if (result < 0)
		return result;
	pthread_mutex_lock(mutex);
	put_names(sealer, batch, out);
	pthread_mutex_unlock(mutex);
	batch_put_block(out, sealer->block.data, sealer->block.length);
	if (buffer_failed(out)) {
		out->length = length;
		out->failed = false;
		return -ENOMEM;
	}
	return 0;
}

int sealer_seal(struct sealer *sealer, const struct sealer_batch *batch, pthread_mutex_t *mutex,
		struct buffer *out, size_t *ret_n_sealed)
{
	size_t n_max = batch->n_samples < BATCH_SAMPLES_MAX ? batch->n_samples : BATCH_SAMPLES_MAX;
	size_t length = out->length;
	int result = seal(sealer, batch, n_max, mutex, out);

	/* Units are not counted with the names; and nobody knows before what the samples take. */
	while (result == 0 && out->length - length > HM_RECORD_MAX_BYTES && sealer->n_places > 1) {
		n_max = sealer->n_places / 2;
		out->length = length;
		result = seal(sealer, batch, n_max, mutex, out);
	}
	if (result == 0)
		*ret_n_sealed = sealer->n_places;
	return result;
}
