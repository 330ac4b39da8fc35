/* SPDX-License-Identifier: MIT */
/* What the store knows of the epochs of agents. */

#include "collector/epoch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/hash.h"
#include "common/array.h"
#include "common/wire_declare.h"
#include "hostmetrics/wire.h"

/* A record of names is closed when it has so many bytes. */
#define NAMES_MAX_BYTES ((size_t)128 << 10)

static bool is_epoch(const void *item, const void *key)
{
	const struct epoch *epoch = item;

	return memcmp(epoch->id, key, HM_ID_BYTES) == 0;
}

struct epoch *epoch_find(const struct catalog *catalog, const uint8_t id[static HM_ID_BYTES])
{
	return table_find(&catalog->epochs, hash_bytes(&catalog->key, id, HM_ID_BYTES), is_epoch,
			  id);
}

static size_t count_epochs(const struct catalog_host *host)
{
	size_t n = 0;

	for (const struct epoch *epoch = host->epochs; epoch; epoch = epoch->next)
		n++;
	return n;
}

int epoch_get(struct catalog *catalog, struct catalog_host *host,
	      const uint8_t id[static HM_ID_BYTES], struct epoch **ret_epoch)
{
	struct epoch *epoch = epoch_find(catalog, id);

	*ret_epoch = epoch;
	if (epoch)
		return epoch->host == host ? 0 : -EXDEV;
	if (catalog->epochs.n >= EPOCHS_MAX || count_epochs(host) >= EPOCH_HOST_MAX)
		return -E2BIG;
	epoch = calloc(1, sizeof(*epoch));
	if (!epoch ||
	    table_add(&catalog->epochs, hash_bytes(&catalog->key, id, HM_ID_BYTES), epoch) < 0) {
		free(epoch);
		return -ENOMEM;
	}
	memcpy(epoch->id, id, HM_ID_BYTES);
	epoch->host = host;
	epoch->next = host->epochs;
	host->epochs = epoch;
	*ret_epoch = epoch;
	return 0;
}

void epoch_free_all(struct catalog_host *host)
{
	while (host->epochs) {
		struct epoch *epoch = host->epochs;

		host->epochs = epoch->next;
		free(epoch->waiting);
		free(epoch->series);
		free(epoch);
	}
}

/* -- hosts ---------------------------------------------------------------------------------------- */

static bool is_host(const void *item, const void *key)
{
	const struct catalog_host *host = item;

	return memcmp(host->id, key, HM_ID_BYTES) == 0;
}

struct catalog_host *epoch_find_host(const struct catalog *catalog,
				     const uint8_t host_id[static HM_ID_BYTES])
{
	return table_find(&catalog->agents, hash_bytes(&catalog->key, host_id, HM_ID_BYTES),
			  is_host, host_id);
}

int epoch_give_host(struct catalog *catalog, struct catalog_host *host,
		    const uint8_t host_id[static HM_ID_BYTES])
{
	if (epoch_find_host(catalog, host_id) == host)
		return 0;
	if (table_add(&catalog->agents, hash_bytes(&catalog->key, host_id, HM_ID_BYTES), host) < 0)
		return -ENOMEM;
	host->has_agent = true;
	if (memcmp(host->id, host_id, HM_ID_BYTES) == 0)
		return 0;
	memcpy(host->id, host_id, HM_ID_BYTES);
	host->n_told = 0;
	return 0;
}

/* -- marks ---------------------------------------------------------------------------------------- */

int epoch_take(struct epoch *epoch, const struct epoch_mark *mark)
{
	struct epoch_mark *grown = array_grow(epoch->waiting, epoch->n_waiting,
					      &epoch->waiting_capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	epoch->waiting = grown;
	grown[epoch->n_waiting++] = *mark;
	epoch->taken = *mark;
	return 0;
}

void epoch_settle(struct epoch *epoch, const struct epoch_mark *mark)
{
	size_t n_gone = 0;

	epoch->durable = *mark;
	while (n_gone < epoch->n_waiting && epoch->waiting[n_gone].sequence <= mark->sequence)
		n_gone++;
	epoch->n_waiting -= n_gone;
	if (epoch->n_waiting > 0) {
		memmove(epoch->waiting, epoch->waiting + n_gone,
			epoch->n_waiting * sizeof(*epoch->waiting));
		return;
	}
	free(epoch->waiting);
	epoch->waiting = NULL;
	epoch->waiting_capacity = 0;
}

void epoch_recover(struct epoch *epoch, const struct epoch_mark *mark)
{
	if (mark->sequence <= epoch->durable.sequence)
		return;
	epoch->durable = *mark;
	epoch->taken = *mark;
}

bool epoch_get_taken(const struct epoch *epoch, uint64_t sequence, uint32_t *ret_crc)
{
	if (sequence == epoch->durable.sequence) {
		*ret_crc = epoch->durable.crc;
		return true;
	}
	for (size_t i = 0; i < epoch->n_waiting; i++) {
		if (epoch->waiting[i].sequence == sequence) {
			*ret_crc = epoch->waiting[i].crc;
			return true;
		}
	}
	return false;
}

/* -- series --------------------------------------------------------------------------------------- */

/* Find or add what a declaration names, in the catalog. */
static enum hm_reason find_series(struct catalog *catalog, const struct epoch *epoch,
				  const struct wire_series *named, struct buffer *text,
				  struct catalog_series **ret_series)
{
	struct identity identity = {
		.host_length = strlen(epoch->host->name),
		.metric_length = named->metric.length,
		.labels_length = named->labels.length,
	};
	int result = 0;

	buffer_clear(text);
	buffer_append(text, epoch->host->name, identity.host_length + 1);
	buffer_append(text, named->metric.start, named->metric.length);
	buffer_append_byte(text, '\0');
	buffer_append(text, named->labels.start, named->labels.length);
	buffer_append_byte(text, '\0');
	if (buffer_failed(text))
		return HM_REASON_NO_MEMORY;
	identity.text = text->data;
	identity.hash = hash_bytes(&catalog->key, text->data, identity_text_bytes(&identity));
	*ret_series = catalog_find(catalog, &identity);
	if (!*ret_series)
		result = catalog_add(catalog, &identity, CATALOG_NEXT_ID, ret_series);
	if (result == 0)
		result = catalog_describe(catalog, (*ret_series)->file, named->kind,
					  named->unit.start, named->unit.length);
	if (result == -ENOSPC)
		return HM_REASON_TOO_MANY_SERIES;
	return result < 0 ? HM_REASON_NO_MEMORY : HM_REASON_NONE;
}

static enum hm_reason set_series(struct epoch *epoch, size_t id, struct catalog_series *series)
{
	struct catalog_series **grown;

	if (id < epoch->n_series)
		return epoch->series[id] == series ? HM_REASON_NONE : HM_REASON_DECLARED_OTHERWISE;
	grown = array_grow(epoch->series, epoch->n_series, &epoch->series_capacity,
			   sizeof(struct catalog_series *));
	if (!grown)
		return HM_REASON_NO_MEMORY;
	epoch->series = grown;
	grown[epoch->n_series++] = series;
	return HM_REASON_NONE;
}

static bool is_text(const struct series_text *text, const char *other, size_t length)
{
	return text->length == length && memcmp(text->start, other, length) == 0;
}

static bool is_named_so(const struct catalog_series *series, const struct wire_series *named)
{
	const struct catalog_file *file = series->file;

	return file->kind == named->kind && is_text(&named->unit, file->unit, strlen(file->unit)) &&
	       is_text(&named->metric, file->metric, strlen(file->metric)) &&
	       is_text(&named->labels, series->labels, series->labels_length);
}

enum hm_reason epoch_check_declare(const struct epoch *epoch, const uint8_t *payload, size_t length)
{
	struct wire_declare declare;
	struct wire_series named;
	enum hm_reason reason = wire_declare_open(&declare, payload, length);

	if (reason == HM_REASON_NONE && declare.first_id > epoch->n_series)
		reason = HM_REASON_NOT_DECLARED;
	while (reason == HM_REASON_NONE && wire_declare_next(&declare, &named)) {
		size_t id = declare.first_id + declare.n_series - 1;

		if (id < epoch->n_series && !is_named_so(epoch->series[id], &named))
			reason = HM_REASON_DECLARED_OTHERWISE;
	}
	if (reason == HM_REASON_NONE)
		reason = declare.reason;
	wire_declare_done(&declare);
	return reason;
}

enum hm_reason epoch_declare(struct catalog *catalog, struct epoch *epoch, const uint8_t *payload,
			     size_t length)
{
	size_t n_before = epoch->n_series;
	struct wire_declare declare;
	struct wire_series named;
	struct buffer text = {0};
	enum hm_reason reason = wire_declare_open(&declare, payload, length);

	if (reason == HM_REASON_NONE && declare.first_id > epoch->n_series)
		reason = HM_REASON_NOT_DECLARED;
	while (reason == HM_REASON_NONE && wire_declare_next(&declare, &named)) {
		struct catalog_series *series = NULL;

		reason = find_series(catalog, epoch, &named, &text, &series);
		if (reason == HM_REASON_NONE) {
			reason = set_series(epoch, declare.first_id + declare.n_series - 1, series);
		}
	}
	if (reason == HM_REASON_NONE)
		reason = declare.reason;
	if (reason != HM_REASON_NONE)
		epoch->n_series = n_before;
	wire_declare_done(&declare);
	buffer_done(&text);
	return reason;
}

static void put_name(const struct catalog_series *series, struct buffer *name, struct buffer *out)
{
	const struct catalog_file *file = series->file;
	struct wire_series named = {
		.kind = file->kind,
		.unit = {file->unit, strlen(file->unit)},
	};

	buffer_clear(name);
	buffer_append_text(name, file->metric);
	buffer_append(name, series->labels, series->labels_length);
	named.name = (struct series_text){name->data, name->length};
	wire_declare_put_series(out, &named);
}

size_t epoch_put_names(const struct epoch *epoch, size_t first_id, struct buffer *out)
{
	struct wire_stamp stamp = {
		.sequence = epoch->taken.sequence > 0 ? epoch->taken.sequence : 1,
	};
	struct buffer name = {0};
	size_t id = first_id;

	memcpy(stamp.host_id, epoch->host->id, HM_ID_BYTES);
	memcpy(stamp.epoch, epoch->id, HM_ID_BYTES);
	wire_declare_put(out, &stamp, (uint32_t)first_id);
	while (id < epoch->n_series && out->length < NAMES_MAX_BYTES)
		put_name(epoch->series[id++], &name, out);
	out->failed |= buffer_failed(&name);
	buffer_done(&name);
	return id;
}
