/* SPDX-License-Identifier: MIT */
/* What the committer is to log: samples in batches, and records of the checkpoint. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/committer_part.h"
#include "collector/controls.h"
#include "collector/intake.h"
#include "common/array.h"
#include "common/cursor.h"

/* Room for one more entry. @return it, not counted yet, or NULL */
static struct entry *make_entry(struct committer *committer)
{
	struct entry *grown;

	grown = array_grow(committer->entries, committer->n_entries, &committer->entries_capacity,
			   sizeof(*grown));
	if (!grown)
		return NULL;
	committer->entries = grown;
	return &committer->entries[committer->n_entries];
}

/* Seal some of the samples that were taken over from a host. */
static int seal_some(struct committer *committer)
{
	struct engine *engine = committer->engine;
	struct catalog_host *host = committer->gathered_of;
	struct entry *entry = make_entry(committer);
	struct sealer_batch batch = {
		.host = host,
		.epoch = engine->epoch,
		.sequence = host->sealed + 1,
		.samples = committer->gathered + committer->n_sealed,
		.n_samples = committer->n_gathered - committer->n_sealed,
	};
	size_t offset = committer->payloads.length;
	size_t n_sealed;
	int result;

	if (!entry)
		return -ENOMEM;
	result = sealer_seal(committer->sealer, &batch, &engine->mutex, &committer->payloads,
			     &n_sealed);
	if (result < 0)
		return result;
	*entry = (struct entry){
		.type = HM_RECORD_BATCH,
		.host = host,
		.offset = offset,
		.n_bytes = committer->payloads.length - offset,
		.n_samples = n_sealed,
		.received_us = engine->options.disk->now_us(engine->options.disk->context),
	};
	committer->n_entries++;
	committer->n_sealed += n_sealed;
	host->sealed++;
	return 0;
}

/* Take over what a host has gathered. With the mutex held. */
static void take_samples(struct committer *committer, struct catalog_host *host)
{
	const struct disk *disk = committer->engine->options.disk;

	TAILQ_REMOVE(&committer->engine->gathering, host, gathering);
	host->is_gathering = false;
	rate_add(&host->rate, host->n_gathered, disk->monotonic_us(disk->context));
	free(committer->gathered);
	committer->gathered = catalog_take_gathered(host, &committer->n_gathered);
	committer->n_sealed = 0;
	committer->gathered_of = host;
}

/* Take over what the next host has gathered. @return false: none has anything */
static bool take_host(struct committer *committer)
{
	struct engine *engine = committer->engine;
	struct catalog_host *host;

	pthread_mutex_lock(&engine->mutex);
	host = TAILQ_FIRST(&engine->gathering);
	if (host)
		take_samples(committer, host);
	pthread_mutex_unlock(&engine->mutex);
	return host != NULL;
}

int committer_seal_all(struct committer *committer)
{
	struct engine *engine = committer->engine;
	size_t n_hosts;
	int result = 0;

	pthread_mutex_lock(&engine->mutex);
	n_hosts = engine->catalog.n_hosts;
	pthread_mutex_unlock(&engine->mutex);
	while (result == 0) {
		while (result == 0 && committer->n_sealed < committer->n_gathered)
			result = seal_some(committer);
		if (result < 0 || n_hosts-- == 0 || !take_host(committer))
			break;
	}
	return result;
}

/* Have the messages that wait, but for those that are still here from a run without memory for them. */
static void fetch_messages(struct committer *committer)
{
	struct engine *engine = committer->engine;

	if (committer->messages.length > 0)
		return;
	pthread_mutex_lock(&engine->mutex);
	buffer_done(&committer->messages);
	committer->messages = engine->messages;
	engine->messages = (struct buffer){0};
	pthread_mutex_unlock(&engine->mutex);
}

/* @return how many bytes of those that were fetched it was; 0: without memory */
static size_t add_message(struct committer *committer, size_t offset)
{
	struct entry *entry = make_entry(committer);
	const char *bytes = committer->messages.data + offset;
	struct intake_message message;

	memcpy(&message, bytes, sizeof(message));
	if (!entry || buffer_reserve(&committer->payloads, message.n_bytes) < 0)
		return 0;
	*entry = (struct entry){
		.type = message.type,
		.host = message.epoch->host,
		.epoch = message.epoch,
		.mark = {message.sequence, message.crc},
		.offset = committer->payloads.length,
		.n_bytes = message.n_bytes,
		.n_samples = message.n_samples,
		.received_us = message.received_us,
	};
	buffer_append(&committer->payloads, bytes + sizeof(message), message.n_bytes);
	committer->n_entries++;
	return sizeof(message) + message.n_bytes;
}

int committer_take_messages(struct committer *committer)
{
	size_t n_before = committer->n_entries;
	size_t length = committer->payloads.length;
	size_t offset = 0;

	fetch_messages(committer);
	while (offset < committer->messages.length) {
		size_t n_bytes = add_message(committer, offset);

		if (n_bytes == 0) {
			committer->n_entries = n_before;
			committer->payloads.length = length;
			committer->payloads.failed = false;
			return -ENOMEM;
		}
		offset += n_bytes;
	}
	buffer_done(&committer->messages);
	return 0;
}

static void reverse(struct entry *entries, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct entry entry = entries[i];

		entries[i] = entries[n - 1 - i];
		entries[n - 1 - i] = entry;
	}
}

/* Have the entries from `index` on before all others that are not durable yet. */
static void put_first(struct committer *committer, size_t index)
{
	struct entry *entries = committer->entries;
	size_t n_moved = committer->n_entries - index;

	if (n_moved == 0 || index == committer->n_done)
		return;
	reverse(entries + committer->n_done, index - committer->n_done);
	reverse(entries + index, n_moved);
	reverse(entries + committer->n_done, committer->n_entries - committer->n_done);
}

/* Add one of the records that were taken over. @return 0 or -ENOMEM */
static int add_control(struct committer *committer, struct cursor *cursor)
{
	struct engine *engine = committer->engine;
	struct entry *entry = make_entry(committer);
	struct control control;

	controls_get(cursor, &control);
	if (!entry || buffer_reserve(&committer->payloads, control.payload_bytes) < 0)
		return -ENOMEM;
	*entry = (struct entry){
		.type = control.type,
		.offset = committer->payloads.length,
		.n_bytes = control.payload_bytes,
		.received_us = engine->options.disk->now_us(engine->options.disk->context),
	};
	if (control.host != 0) {
		pthread_mutex_lock(&engine->mutex);
		entry->host = id_map_get(&engine->hosts, control.host);
		pthread_mutex_unlock(&engine->mutex);
	}
	buffer_append(&committer->payloads, control.payload, control.payload_bytes);
	committer->n_entries++;
	return 0;
}

/* Have the records that the checkpoint wants to have logged, but for those that are still here from a
 * run that had no memory for them. */
static void fetch_controls(struct committer *committer)
{
	struct engine *engine = committer->engine;

	if (committer->fetched.length > 0)
		return;
	pthread_mutex_lock(&engine->mutex);
	buffer_done(&committer->fetched);
	committer->fetched = engine->controls;
	engine->controls = (struct buffer){0};
	committer->n_fetched = engine->controls_wanted;
	pthread_mutex_unlock(&engine->mutex);
}

int committer_take_controls(struct committer *committer)
{
	size_t n_before = committer->n_entries;
	size_t length = committer->payloads.length;
	struct cursor cursor;

	fetch_controls(committer);
	cursor = (struct cursor){
		.at = (const uint8_t *)committer->fetched.data,
		.left = committer->fetched.length,
	};
	while (!cursor_is_done(&cursor)) {
		if (add_control(committer, &cursor) < 0) {
			committer->n_entries = n_before;
			committer->payloads.length = length;
			committer->payloads.failed = false;
			return -ENOMEM;
		}
	}
	buffer_done(&committer->fetched);
	committer->controls = committer->n_fetched;
	put_first(committer, n_before);
	return 0;
}
