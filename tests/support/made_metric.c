/* SPDX-License-Identifier: MIT */
/* A file of a metric, made byte by byte. */

#include "tests/support/made_metric.h"

#include <criterion/criterion.h>

#include "common/store_file.h"

#define SECOND_US INT64_C(1000000)

void made_metric_init(struct made_metric *metric, struct made_store *store)
{
	*metric = (struct made_metric){
		.store = store, .encoder = block_encoder_new(), .salt = MADE_STORE_SALT};
	cr_assert(metric->encoder);
}

void made_metric_done(struct made_metric *metric)
{
	block_encoder_free(metric->encoder);
}

void made_metric_put_header(struct made_metric *metric)
{
	static const uint8_t store_id[HM_ID_BYTES];
	struct store_file_header header = {
		.store_id = store_id,
		.salt = metric->salt,
		.part = metric->part,
		.continues_bytes = metric->continues_bytes,
		.type = HM_FILE_METRIC,
		.host = "web01",
		.host_length = 5,
		.metric = "a",
		.metric_length = 1,
		.kind = HM_STORED_GAUGE,
		.unit = "celsius",
		.unit_length = 7,
	};

	buffer_clear(&metric->store->bytes);
	cr_assert_eq(store_file_put_header(&metric->store->bytes, &header), 0);
}

void made_metric_end_block(struct made_metric *metric, size_t start)
{
	cr_assert_eq(store_file_end_block(&metric->store->bytes, start, metric->salt, start), 0);
}

size_t made_metric_put_names(struct made_metric *metric)
{
	struct store_file_series series = {0, "", 0};
	size_t start = store_file_begin_block(&metric->store->bytes, HM_BLOCK_SERIES,
					      MADE_METRIC_CONFIRMED);

	store_file_put_names_offset(&metric->store->bytes, 0);
	store_file_put_series(&metric->store->bytes, &series);
	made_metric_end_block(metric, start);
	return start;
}

size_t made_metric_put_sample(struct made_metric *metric, int second, size_t names_offset,
			      uint64_t position)
{
	int64_t time_us = second * SECOND_US;
	double value = second;
	struct block_column column = {.values = &value, .n_values = 1};
	struct store_file_data data = {
		.first_us = time_us,
		.last_us = time_us,
		.highest_before_us = second > 0 ? time_us - SECOND_US : INT64_MIN,
		.names_offset = names_offset,
	};
	size_t start = store_file_begin_block(&metric->store->bytes, HM_BLOCK_DATA, position);

	store_file_put_data(&metric->store->bytes, &data);
	cr_assert_eq(block_encode(metric->encoder, &time_us, 1, &column, 1, BLOCK_EFFORT_FAST,
				  &metric->store->bytes),
		     0);
	made_metric_end_block(metric, start);
	return start;
}

void made_metric_put(struct made_metric *metric)
{
	made_metric_put_header(metric);
	metric->offsets[0] = made_metric_put_names(metric);
	for (int i = 0; i < 4; i++) {
		uint64_t position = i < 3 ? MADE_METRIC_CONFIRMED : MADE_METRIC_UNCONFIRMED;

		metric->offsets[1 + i] =
			made_metric_put_sample(metric, i, metric->offsets[0], position);
	}
	metric->offsets[5] = metric->store->bytes.length;
}
