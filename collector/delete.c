/* SPDX-License-Identifier: MIT */
/* Deletes samples of series. */

#include "collector/delete.h"

#include <errno.h>
#include <string.h>

#include "collector/controls.h"
#include "collector/last_sample.h"
#include "common/log_entry.h"

/* A record is closed when it has so many bytes; it must fit into a segment. */
#define RECORD_BYTES ((size_t)200 << 10)

static size_t record_bytes(const struct engine *engine)
{
	uint64_t quarter = engine->options.segment_bytes / 4;

	return quarter < RECORD_BYTES ? (size_t)quarter : RECORD_BYTES;
}

/* Begin a record of a host. */
static void put_head(const struct catalog_host *host, const struct delete_range *range,
		     struct buffer *payload)
{
	struct log_delete entry = {
		.name = {host->name, strlen(host->name)},
		.since_us = range->since_us,
		.until_us = range->until_us,
	};

	memcpy(entry.id, host->id, HM_ID_BYTES);
	log_entry_put_delete(payload, &entry);
}

/* Put the records of some series, which are those of one host as far as they go. With the mutex held.
 * @return how many, or -ENOMEM */
static int64_t put_some(struct engine *engine, struct catalog_series *const *series, size_t n,
			const struct delete_range *range)
{
	const struct catalog_host *host = series[0]->file->host;
	struct buffer payload = {0};
	size_t done = 0;
	int result = 0;

	put_head(host, range, &payload);
	for (;
	     done < n && series[done]->file->host == host && payload.length < record_bytes(engine);
	     done++) {
		const struct catalog_file *file = series[done]->file;
		struct series_text metric = {file->metric, strlen(file->metric)};
		struct series_text labels = {series[done]->labels, series[done]->labels_length};

		log_entry_put_delete_series(&payload, &metric, &labels);
	}
	/* Twice, so that no single damage brings back what is deleted: each says so in the files, too. One
	 * without a number has nothing in the log, and nothing in files. */
	for (int i = 0; i < 2 && host->number != 0 && result == 0; i++)
		result = controls_put(engine, HM_RECORD_DELETE, host->number, &payload);
	buffer_done(&payload);
	return result < 0 ? result : (int64_t)done;
}

int delete_log(struct engine *engine, struct catalog_series *const *series, size_t n,
	       const struct delete_range *range, uint64_t *ret_ticket)
{
	size_t n_waiting;
	int64_t result = 0;

	pthread_mutex_lock(&engine->mutex);
	n_waiting = engine->controls.length;
	/* Which hosts there are is not known well enough. */
	result = engine->trouble;
	for (size_t done = 0; done < n && result >= 0; done += (size_t)result) {
		result = put_some(engine, series + done, n - done, range);
		if (result < 0)
			break;
	}
	if (result < 0)
		controls_cut(engine, n_waiting);
	else if (engine->controls.length > n_waiting)
		engine->controls_wanted++;
	*ret_ticket = engine->controls_wanted;
	pthread_mutex_unlock(&engine->mutex);
	return result < 0 ? (int)result : 0;
}

bool delete_is_durable(struct engine *engine, uint64_t ticket)
{
	bool is_durable;

	pthread_mutex_lock(&engine->mutex);
	is_durable = engine->controls_durable >= ticket;
	pthread_mutex_unlock(&engine->mutex);
	return is_durable;
}

int delete_settle(struct engine *engine, struct catalog_series *const *series, size_t n,
		  const struct delete_range *range)
{
	struct last_samples wanted = {0};
	int result = 0;

	pthread_mutex_lock(&engine->mutex);
	for (size_t i = 0; i < n && result == 0; i++)
		result = last_samples_forget(&wanted, series[i], range->since_us, range->until_us);
	pthread_mutex_unlock(&engine->mutex);
	if (result == 0)
		result = last_samples_find(&wanted, engine);
	last_samples_done(&wanted);
	return result;
}
