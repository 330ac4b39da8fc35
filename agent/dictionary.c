/* SPDX-License-Identifier: MIT */
/* The series of an epoch and their ids. */

#include "agent/dictionary.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/crc32c.h"
#include "hostmetrics/wire.h"

/* A DECLARE goes on with another series below this, stamp included. */
#define DECLARE_MAX_BYTES HM_SEAL_MAX_BYTES

/* What tsearch(3) has: of an entry the first member, whose unit and name stand behind it. */
struct dictionary_entry {
	struct wire_series series;
	uint32_t id;
	uint32_t next_id; /* of the series that was asked for behind it the last time */
	uint32_t crc;     /* of it, and all before it */
	char texts[];
};

static int compare_texts(const struct series_text *a, const struct series_text *b)
{
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return a->length > 0 ? memcmp(a->start, b->start, a->length) : 0;
}

static int compare_series(const void *left, const void *right)
{
	const struct wire_series *a = left;
	const struct wire_series *b = right;
	int difference = compare_texts(&a->name, &b->name);

	if (difference == 0)
		difference = (int)a->kind - (int)b->kind;
	return difference ? difference : compare_texts(&a->unit, &b->unit);
}

/* The tree's nodes are its own; what they point to is in the array as well. */
static void keep_entry(void *entry)
{
	(void)entry;
}

void dictionary_done(struct dictionary *dictionary)
{
	tdestroy(dictionary->tree, keep_entry);
	for (uint32_t i = 0; i < dictionary->n_series; i++)
		free(dictionary->entries[i]);
	free((void *)dictionary->entries);
	free(dictionary->notes);
	buffer_done(&dictionary->scratch);
	*dictionary = (struct dictionary){0};
}

/* The payload of a DECLARE whose stamp does not matter, for wire_declare_open(). */
static int put_payload(struct buffer *out, const void *body, size_t length)
{
	static const struct wire_stamp any = {.host_id = {1}, .epoch = {1}, .sequence = 1};

	buffer_clear(out);
	wire_stamp_put(out, &any);
	buffer_append(out, body, length);
	return buffer_failed(out) ? -ENOMEM : 0;
}

static int error_of(enum hm_reason reason)
{
	if (reason == HM_REASON_NONE)
		return 0;
	return reason == HM_REASON_NO_MEMORY ? -ENOMEM : -EINVAL;
}

/* Would a collector take it? It is read as one would. @return 0, -EINVAL or -ENOMEM */
static int check_series(struct dictionary *dictionary, const struct wire_series *series)
{
	struct wire_declare declare;
	struct wire_series read;
	int error;

	if (series->name.length > UINT16_MAX || series->unit.length > UINT16_MAX)
		return -EINVAL;
	error = put_payload(&dictionary->scratch, NULL, 0);
	cursor_put_u32(&dictionary->scratch, 0);
	wire_declare_put_series(&dictionary->scratch, series);
	if (error < 0 || buffer_failed(&dictionary->scratch))
		return -ENOMEM;
	if (wire_declare_open(&declare, (const uint8_t *)dictionary->scratch.data,
			      dictionary->scratch.length) == HM_REASON_NONE)
		(void)wire_declare_next(&declare, &read);
	wire_declare_done(&declare);
	return error_of(declare.reason);
}

static struct dictionary_entry *new_entry(const struct wire_series *series)
{
	const size_t n_unit_bytes = series->unit.length;
	struct dictionary_entry *entry =
		malloc(sizeof(*entry) + n_unit_bytes + series->name.length);

	if (!entry)
		return NULL;
	*entry = (struct dictionary_entry){
		.series = {.kind = series->kind,
			   .unit = {entry->texts, n_unit_bytes},
			   .name = {entry->texts + n_unit_bytes, series->name.length}}};
	if (n_unit_bytes > 0)
		memcpy(entry->texts, series->unit.start, n_unit_bytes);
	memcpy(entry->texts + n_unit_bytes, series->name.start, series->name.length);
	return entry;
}

/* Each text behind its length, so that what ends one does not begin the next. */
static uint32_t add_to_crc(uint32_t crc, const struct wire_series *series)
{
	const uint32_t head[] = {(uint32_t)series->kind, (uint32_t)series->unit.length,
				 (uint32_t)series->name.length};

	crc = crc32c(crc, head, sizeof(head));
	crc = crc32c(crc, series->unit.start, series->unit.length);
	return crc32c(crc, series->name.start, series->name.length);
}

uint32_t dictionary_crc(const struct dictionary *dictionary, uint32_t n_series)
{
	return n_series > 0 ? dictionary->entries[n_series - 1]->crc : 0;
}

void dictionary_note(struct dictionary *dictionary, uint32_t id, uint32_t round,
		     enum hm_reason lasting)
{
	dictionary->notes[id] = (struct dictionary_note){round, (uint8_t)lasting};
}

uint32_t dictionary_count_gone(const struct dictionary *dictionary)
{
	uint32_t n_gone = 0;

	for (uint32_t i = 0; i < dictionary->n_series; i++)
		n_gone += dictionary->notes[i].round == 0 ||
			  dictionary->notes[i].lasting != HM_REASON_NONE;
	return n_gone;
}

uint32_t dictionary_count_lasting(const struct dictionary *dictionary)
{
	uint32_t n_lasting = 0;

	for (uint32_t i = 0; i < dictionary->n_series; i++)
		n_lasting += dictionary->notes[i].lasting != HM_REASON_NONE;
	return n_lasting;
}

uint32_t dictionary_next_lasting(const struct dictionary *dictionary, uint32_t id, uint32_t round,
				 enum hm_reason *ret_lasting)
{
	while (id < dictionary->n_series && (dictionary->notes[id].lasting == HM_REASON_NONE ||
					     dictionary->notes[id].round == round))
		id++;
	if (id < dictionary->n_series)
		*ret_lasting = (enum hm_reason)dictionary->notes[id].lasting;
	return id;
}

static bool has_metric(const struct dictionary_entry *entry, const char *metric, size_t length)
{
	const struct series_text *name = &entry->series.name;

	return name->length >= length && memcmp(name->start, metric, length) == 0 &&
	       (name->length == length || name->start[length] == '{');
}

uint32_t dictionary_next_silent(const struct dictionary *dictionary, uint32_t id,
				const char *metric, uint32_t round)
{
	const size_t length = strlen(metric);

	while (id < dictionary->n_series && (dictionary->notes[id].round == round ||
					     !has_metric(dictionary->entries[id], metric, length)))
		id++;
	return id;
}

/* Give a series the next id. */
static int add_entry(struct dictionary *dictionary, const struct wire_series *series)
{
	struct dictionary_entry **entries;
	struct dictionary_entry *entry;
	struct dictionary_note *notes;

	if (dictionary->n_series == HM_EPOCH_SERIES_MAX)
		return -ENOSPC;
	notes = array_grow(dictionary->notes, dictionary->n_series, &dictionary->notes_capacity,
			   sizeof(*notes));
	if (!notes)
		return -ENOMEM;
	dictionary->notes = notes;
	entries = array_grow((void *)dictionary->entries, dictionary->n_series,
			     &dictionary->capacity, sizeof(struct dictionary_entry *));
	if (!entries)
		return -ENOMEM;
	dictionary->entries = entries;
	entry = new_entry(series);
	if (!entry || !tsearch(entry, &dictionary->tree, compare_series)) {
		free(entry);
		return -ENOMEM;
	}
	entry->id = dictionary->n_series;
	entry->next_id = entry->id + 1;
	entry->crc = add_to_crc(dictionary_crc(dictionary, entry->id), series);
	notes[dictionary->n_series] = (struct dictionary_note){0};
	entries[dictionary->n_series++] = entry;
	return 0;
}

/* The series that came behind the one asked for last, or NULL. */
static const struct dictionary_entry *guess_entry(const struct dictionary *dictionary)
{
	uint32_t id;

	if (dictionary->n_series == 0)
		return NULL;
	id = dictionary->entries[dictionary->last_id]->next_id;
	return id < dictionary->n_series ? dictionary->entries[id] : NULL;
}

static const struct dictionary_entry *find_entry(const struct dictionary *dictionary,
						 const struct wire_series *series)
{
	const struct dictionary_entry *guess = guess_entry(dictionary);
	struct dictionary_entry *const *node;

	if (guess && compare_series(series, &guess->series) == 0)
		return guess;
	node = tfind(series, &dictionary->tree, compare_series);
	return node ? *node : NULL;
}

int dictionary_add(struct dictionary *dictionary, const struct wire_series *series,
		   uint32_t *ret_id)
{
	const struct dictionary_entry *known = find_entry(dictionary, series);
	const uint32_t last_id = dictionary->last_id;

	dictionary->last_id = known ? known->id : dictionary->n_series;
	if (!known) {
		int error = check_series(dictionary, series);

		if (error == 0)
			error = add_entry(dictionary, series);
		if (error < 0) {
			dictionary->last_id = last_id;
			return error;
		}
	}
	dictionary->entries[last_id]->next_id = dictionary->last_id;
	*ret_id = dictionary->last_id;
	return 0;
}

int dictionary_find(const struct dictionary *dictionary, const struct wire_series *series,
		    uint32_t *ret_id)
{
	const struct dictionary_entry *known = find_entry(dictionary, series);

	if (!known)
		return -ENOENT;
	*ret_id = known->id;
	return 0;
}

/* @param id  that it is to have */
static int read_series(struct dictionary *dictionary, uint32_t id, const struct wire_series *series)
{
	if (id < dictionary->n_series)
		return compare_series(series, &dictionary->entries[id]->series) == 0 ? 0 : -EBADMSG;
	/* Known, but under another id. */
	if (id > dictionary->n_series || find_entry(dictionary, series))
		return -EBADMSG;
	return add_entry(dictionary, series);
}

int dictionary_read(struct dictionary *dictionary, const void *body, size_t length)
{
	struct wire_declare declare;
	struct wire_series series;
	int error = put_payload(&dictionary->scratch, body, length);

	if (error < 0)
		return error;
	(void)wire_declare_open(&declare, (const uint8_t *)dictionary->scratch.data,
				dictionary->scratch.length);
	while (error == 0 && wire_declare_next(&declare, &series))
		error = read_series(dictionary, declare.first_id + declare.n_series - 1, &series);
	if (error == 0 && declare.reason != HM_REASON_NONE)
		error = declare.reason == HM_REASON_NO_MEMORY ? -ENOMEM : -EBADMSG;
	wire_declare_done(&declare);
	return error;
}

uint32_t dictionary_declare(const struct dictionary *dictionary, uint32_t first_id,
			    struct buffer *out)
{
	const size_t max_bytes = out->length + DECLARE_MAX_BYTES - HM_STAMP_BYTES;
	uint32_t id = first_id;

	cursor_put_u32(out, first_id);
	for (; id < dictionary->n_series; id++) {
		const struct wire_series *series = &dictionary->entries[id]->series;
		const size_t n_bytes = 5 + series->unit.length + series->name.length;

		/* One always fits. */
		if (out->length + n_bytes > max_bytes)
			break;
		wire_declare_put_series(out, series);
	}
	return id;
}
