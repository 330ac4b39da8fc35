/* SPDX-License-Identifier: MIT */
/* What the ids of one epoch mean. */

#include "tests/support/wire_dictionary.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

/* Unit, metric and labels stand one after the other in the texts. */
struct wire_dictionary_entry {
	size_t offset;
	uint16_t unit_bytes;
	uint16_t metric_bytes;
	uint16_t labels_bytes;
	uint8_t kind;
};

void wire_dictionary_done(struct wire_dictionary *dictionary)
{
	buffer_done(&dictionary->texts);
	free(dictionary->entries);
	*dictionary = (struct wire_dictionary){0};
}

int wire_dictionary_get(const struct wire_dictionary *dictionary, uint32_t id,
			struct wire_series *ret_series)
{
	const struct wire_dictionary_entry *entry;
	const char *unit, *name;

	if (id >= dictionary->n_series)
		return -ENOENT;
	entry = &dictionary->entries[id];
	unit = dictionary->texts.data + entry->offset;
	name = unit + entry->unit_bytes;
	*ret_series = (struct wire_series){
		.kind = (enum hm_stored_kind)entry->kind,
		.unit = {unit, entry->unit_bytes},
		.name = {name, (size_t)entry->metric_bytes + entry->labels_bytes},
		.metric = {name, entry->metric_bytes},
		.labels = {name + entry->metric_bytes, entry->labels_bytes},
	};
	return 0;
}

static bool is_same_text(const struct series_text *a, const struct series_text *b)
{
	return a->length == b->length && memcmp(a->start, b->start, a->length) == 0;
}

static enum hm_reason add_series(struct wire_dictionary *dictionary,
				 const struct wire_series *series)
{
	struct wire_dictionary_entry *entries = array_grow(
		dictionary->entries, dictionary->n_series, &dictionary->capacity, sizeof(*entries));

	if (!entries)
		return HM_REASON_NO_MEMORY;
	dictionary->entries = entries;
	entries[dictionary->n_series] = (struct wire_dictionary_entry){
		.offset = dictionary->texts.length,
		.unit_bytes = (uint16_t)series->unit.length,
		.metric_bytes = (uint16_t)series->metric.length,
		.labels_bytes = (uint16_t)series->labels.length,
		.kind = (uint8_t)series->kind,
	};
	buffer_append(&dictionary->texts, series->unit.start, series->unit.length);
	buffer_append(&dictionary->texts, series->name.start, series->name.length);
	if (buffer_failed(&dictionary->texts))
		return HM_REASON_NO_MEMORY;
	dictionary->n_series++;
	return HM_REASON_NONE;
}

static enum hm_reason take_series(struct wire_dictionary *dictionary, uint32_t id,
				  const struct wire_series *series)
{
	struct wire_series known;

	if (wire_dictionary_get(dictionary, id, &known) < 0)
		return add_series(dictionary, series);
	if (known.kind != series->kind || !is_same_text(&known.unit, &series->unit) ||
	    !is_same_text(&known.name, &series->name))
		return HM_REASON_DECLARED_OTHERWISE;
	return HM_REASON_NONE;
}

static enum hm_reason take_all(struct wire_dictionary *dictionary, struct wire_declare *declare)
{
	enum hm_reason reason = HM_REASON_NONE;
	struct wire_series series;

	if (declare->first_id > dictionary->n_series)
		return HM_REASON_NOT_DECLARED;
	while (reason == HM_REASON_NONE && wire_declare_next(declare, &series))
		reason =
			take_series(dictionary, declare->first_id + declare->n_series - 1, &series);
	return reason == HM_REASON_NONE ? declare->reason : reason;
}

enum hm_reason wire_dictionary_add(struct wire_dictionary *dictionary, const uint8_t *payload,
				   size_t length)
{
	const size_t n_series = dictionary->n_series;
	const size_t n_bytes = dictionary->texts.length;
	struct wire_declare declare;
	enum hm_reason reason = wire_declare_open(&declare, payload, length);

	if (reason == HM_REASON_NONE)
		reason = take_all(dictionary, &declare);
	wire_declare_done(&declare);
	if (reason != HM_REASON_NONE) {
		dictionary->n_series = n_series;
		dictionary->texts.length = n_bytes;
		dictionary->texts.failed = false;
	}
	return reason;
}
