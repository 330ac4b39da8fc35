/* SPDX-License-Identifier: MIT */
/* An epoch of the spool. */

#include "agent/spool_epoch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/wire_stamp.h"

struct spool_epoch *spool_epoch_new(uint32_t number)
{
	struct spool_epoch *epoch = calloc(1, sizeof(*epoch));

	if (epoch)
		epoch->number = number;
	return epoch;
}

void spool_epoch_free(struct spool_epoch *epoch)
{
	if (!epoch)
		return;
	for (size_t i = 0; i < epoch->n_entries; i++)
		free(epoch->entries[i].body);
	free(epoch->entries);
	free(epoch);
}

size_t spool_epoch_find(const struct spool_epoch *epoch, uint64_t sequence)
{
	size_t low = 0;
	size_t high = epoch->n_entries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (epoch->entries[middle].sequence < sequence)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct spool_entry *make_room(struct spool_epoch *epoch)
{
	struct spool_entry *entries =
		array_grow(epoch->entries, epoch->n_entries, &epoch->capacity, sizeof(*entries));

	if (entries)
		epoch->entries = entries;
	return entries;
}

struct spool_entry *spool_epoch_push(struct spool_epoch *epoch, const struct spool_entry *entry)
{
	if (!make_room(epoch))
		return NULL;
	epoch->entries[epoch->n_entries] = *entry;
	epoch->n_undurable += !entry->is_durable;
	return &epoch->entries[epoch->n_entries++];
}

void spool_epoch_remove(struct spool_epoch *epoch, size_t at, size_t n)
{
	for (size_t i = at; i < at + n; i++) {
		epoch->n_undurable -= !epoch->entries[i].is_durable;
		free(epoch->entries[i].body);
	}
	epoch->n_entries -= n;
	if (n > 0)
		memmove(epoch->entries + at, epoch->entries + at + n,
			(epoch->n_entries - at) * sizeof(*epoch->entries));
}

int spool_epoch_put(struct spool_epoch *epoch, const struct spool_entry *entry)
{
	size_t at = spool_epoch_find(epoch, entry->first);
	size_t n = 0;

	if (!make_room(epoch))
		return -ENOMEM;
	while (at + n < epoch->n_entries && epoch->entries[at + n].sequence <= entry->sequence)
		n++;
	spool_epoch_remove(epoch, at, n);
	memmove(epoch->entries + at + 1, epoch->entries + at,
		(epoch->n_entries - at) * sizeof(*epoch->entries));
	epoch->entries[at] = *entry;
	epoch->n_entries++;
	epoch->n_undurable += !entry->is_durable;
	return 0;
}

uint64_t spool_epoch_offered(const struct spool_epoch *epoch)
{
	size_t n = 0;

	if (epoch->is_in_memory || epoch->n_undurable == 0)
		n = epoch->n_entries;
	while (n < epoch->n_entries && epoch->entries[n].is_durable)
		n++;
	return n > 0 ? epoch->entries[n - 1].sequence : 0;
}

uint64_t spool_epoch_used(const struct spool_epoch *epoch)
{
	size_t n = epoch->n_entries;

	while (n > 0 && !epoch->is_in_memory && !epoch->entries[n - 1].is_durable &&
	       !epoch->entries[n - 1].is_offered)
		n--;
	return n > 0 ? epoch->entries[n - 1].sequence : 0;
}

void spool_epoch_put_stamp(const struct spool_epoch *epoch, uint64_t sequence, struct buffer *out)
{
	struct wire_stamp stamp = {.sequence = sequence};

	memcpy(stamp.host_id, epoch->host_id, HM_ID_BYTES);
	memcpy(stamp.epoch, epoch->id, HM_ID_BYTES);
	wire_stamp_put(out, &stamp);
}

struct spool_gap spool_entry_gap(const struct spool_entry *entry)
{
	bool has_times = entry->first_us <= entry->last_us;

	return (struct spool_gap){
		.first = entry->first,
		.first_us = has_times ? entry->first_us : 0,
		.last_us = has_times ? entry->last_us : 0,
		.n_samples = entry->n_samples == SPOOL_UNKNOWN_SAMPLES ? 0 : entry->n_samples,
		.reason = entry->reason,
	};
}
