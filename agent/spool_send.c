/* SPDX-License-Identifier: MIT */
/* What the spool offers for sending, and what becomes of it. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "agent/spool_part.h"
#include "common/crc32c.h"

/* What cannot be read will be taken as lost: once is no proof. */
#define READ_TRIES 2

static bool find_salt(const struct spool *spool, uint32_t number, uint32_t *ret_salt)
{
	for (size_t i = 0; i < spool->n_places; i++) {
		if (spool->places[i].number == number) {
			*ret_salt = spool->places[i].salt;
			return true;
		}
	}
	return false;
}

/* Read so much of a segment behind what is in `out`. */
static int read_bytes(const struct spool *spool, uint64_t position, size_t n_bytes,
		      struct buffer *out)
{
	const struct disk *disk = spool->options.disk;
	char name[LOG_FILE_NAME_BYTES];
	int result;
	int fd;

	if (buffer_reserve(out, n_bytes) < 0)
		return -ENOMEM;
	log_file_name(log_position_segment(position), name);
	fd = disk->open(disk->context, spool->options.folder, name, O_RDONLY);
	if (fd < 0)
		return fd;
	result = disk_read(disk, fd, out->data + out->length, n_bytes,
			   log_position_offset(position));
	(void)disk->close(disk->context, fd);
	return result;
}

static int read_record(const struct spool *spool, const struct spool_entry *entry,
		       struct buffer *out)
{
	size_t n_bytes = log_file_record_bytes(SPOOL_META_BYTES + entry->body_bytes);
	struct log_record record;
	uint32_t salt = 0;
	int result;

	if (!find_salt(spool, log_position_segment(entry->position), &salt))
		return -ENOENT;
	result = read_bytes(spool, entry->position, n_bytes, out);
	if (result < 0)
		return result;
	if (log_file_get_record((const uint8_t *)out->data + out->length, n_bytes, salt,
				entry->position, &record) != 0 ||
	    record.previous != entry->sequence ||
	    record.payload_bytes != SPOOL_META_BYTES + entry->body_bytes)
		return -EBADMSG;
	memmove(out->data + out->length, (const char *)record.payload + SPOOL_META_BYTES,
		entry->body_bytes);
	out->length += entry->body_bytes;
	return 0;
}

int spool_read_body(struct spool *spool, const struct spool_entry *entry, struct buffer *out)
{
	struct spool_gap gap = spool_entry_gap(entry);
	int result = -EBADMSG;

	if (entry->type == HM_FRAME_GAP) {
		spool_record_put_gap(out, &gap);
		return buffer_failed(out) ? -ENOMEM : 0;
	}
	if (entry->body) {
		buffer_append(out, entry->body, entry->body_bytes);
		return buffer_failed(out) ? -ENOMEM : 0;
	}
	for (int i = 0; i < READ_TRIES && result < 0; i++) {
		result = read_record(spool, entry, out);
		if (result == -ENOENT || result == -ENODATA || disk_is_damage(result))
			result = -EBADMSG;
		if (result != -EBADMSG)
			break;
	}
	return result;
}

struct spool_epoch *spool_find_epoch(const struct spool *spool,
				     const uint8_t id[static HM_ID_BYTES])
{
	for (size_t i = 0; i < spool->n_epochs; i++) {
		if (memcmp(spool->epochs[i]->id, id, HM_ID_BYTES) == 0)
			return spool->epochs[i];
	}
	return NULL;
}

int spool_get_epoch(const struct spool *spool, size_t i, struct spool_epoch_info *ret_info)
{
	const struct spool_epoch *epoch;
	size_t at = 0;

	for (; at < spool->n_epochs; at++) {
		if (!spool_is_over(spool, at) && i-- == 0)
			break;
	}
	if (at == spool->n_epochs)
		return -ENOENT;
	epoch = spool->epochs[at];
	*ret_info = (struct spool_epoch_info){
		.host_name = {epoch->host_name, epoch->host_name_bytes},
		.last = spool_epoch_offered(epoch),
		.acked = epoch->acked,
		.is_in_memory = epoch->is_in_memory,
		.is_current = at + 1 == spool->n_epochs,
	};
	memcpy(ret_info->id, epoch->id, HM_ID_BYTES);
	memcpy(ret_info->host_id, epoch->host_id, HM_ID_BYTES);
	return 0;
}

/* Lend a message. */
static int lend(struct spool *spool, const struct spool_epoch *epoch, struct spool_entry *entry,
		struct spool_message *ret_message)
{
	int result;

	buffer_clear(&spool->message);
	spool_epoch_put_stamp(epoch, entry->sequence, &spool->message);
	result = spool_read_body(spool, entry, &spool->message);
	if (result < 0)
		return result;
	if (buffer_failed(&spool->message))
		return -ENOMEM;
	entry->crc = crc32c(0, spool->message.data, spool->message.length);
	entry->has_crc = true;
	*ret_message = (struct spool_message){
		.type = (enum hm_frame_type)entry->type,
		.sequence = entry->sequence,
		.payload = (const uint8_t *)spool->message.data,
		.payload_bytes = spool->message.length,
		.crc = entry->crc,
	};
	return 0;
}

void spool_give_up(struct spool *spool, struct spool_epoch *epoch, struct spool_entry *entry)
{
	spool->n_damaged++;
	free(entry->body);
	entry->body = NULL;
	entry->type = HM_FRAME_GAP;
	entry->reason = HM_REASON_SPOOL_DAMAGED;
	entry->body_bytes = SPOOL_GAP_BODY_BYTES;
	entry->position = 0;
	entry->has_crc = false;
	epoch->n_undurable += entry->is_durable;
	entry->is_durable = false;
}

/* What cannot be read is a GAP from now on. */
static int give_up(struct spool *spool, struct spool_epoch *epoch, size_t i)
{
	int result;

	spool_give_up(spool, epoch, &epoch->entries[i]);
	if (spool->is_in_memory)
		return 0;
	result = spool_write_all(spool);
	return spool_recover_write(spool, result, "write a gap");
}

int spool_next(struct spool *spool, const uint8_t epoch_id[static HM_ID_BYTES], uint64_t after,
	       struct spool_message *ret_message)
{
	struct spool_epoch *epoch = spool_find_epoch(spool, epoch_id);
	int result = -EBADMSG;

	while (epoch && result == -EBADMSG) {
		size_t i = spool_epoch_find(epoch, after + 1);

		if (i == epoch->n_entries ||
		    (!epoch->entries[i].is_durable && !epoch->is_in_memory))
			return -ENOENT;
		result = lend(spool, epoch, &epoch->entries[i], ret_message);
		if (result == 0)
			epoch->entries[i].is_offered = true;
		if (result == -EBADMSG && give_up(spool, epoch, i) < 0)
			return -ENOMEM;
	}
	return epoch ? result : -ENOENT;
}

int spool_next_declare(struct spool *spool, const uint8_t epoch_id[static HM_ID_BYTES],
		       uint64_t after, struct spool_message *ret_message)
{
	struct spool_epoch *epoch = spool_find_epoch(spool, epoch_id);

	if (!epoch)
		return -ENOENT;
	for (size_t i = spool_epoch_find(epoch, after + 1); i < epoch->n_entries; i++) {
		if (epoch->entries[i].type == HM_FRAME_DECLARE)
			return lend(spool, epoch, &epoch->entries[i], ret_message);
	}
	return -ENOENT;
}

/* The entry of just this sequence, or NULL. */
static struct spool_entry *find_entry(const struct spool_epoch *epoch, uint64_t sequence)
{
	size_t i = spool_epoch_find(epoch, sequence);

	return i < epoch->n_entries && epoch->entries[i].sequence == sequence ? &epoch->entries[i]
									      : NULL;
}

static int ensure_crc(struct spool *spool, const struct spool_epoch *epoch,
		      struct spool_entry *entry)
{
	struct spool_message message;

	return entry->has_crc ? 0 : lend(spool, epoch, entry, &message);
}

/* Count the samples of what is acknowledged now, and was not. */
static void count_acked(struct spool *spool, const struct spool_epoch *epoch, uint64_t sequence)
{
	for (size_t i = spool_epoch_find(epoch, epoch->acked + 1);
	     i < epoch->n_entries && epoch->entries[i].sequence <= sequence; i++) {
		if (epoch->entries[i].type == HM_FRAME_BATCH)
			spool->n_acked_samples += epoch->entries[i].n_samples;
	}
}

void spool_acked(struct spool *spool, const uint8_t epoch_id[static HM_ID_BYTES], uint64_t sequence)
{
	struct spool_epoch *epoch = spool_find_epoch(spool, epoch_id);
	struct spool_entry *entry;
	uint64_t used;

	if (!epoch)
		return;
	used = spool_epoch_used(epoch);
	if (sequence > used)
		sequence = used;
	if (sequence <= epoch->acked)
		return;
	entry = find_entry(epoch, sequence);
	/* Before there was a GAP something else may have been sent, and that is acknowledged. */
	epoch->has_acked_crc =
		entry && entry->type != HM_FRAME_GAP && ensure_crc(spool, epoch, entry) == 0;
	if (epoch->has_acked_crc)
		epoch->acked_crc = entry->crc;
	count_acked(spool, epoch, sequence);
	epoch->acked = sequence;
	spool->is_told = false;
	buffer_trim(&spool->message, SPOOL_KEEP_BYTES);
}

/*
 * Is the collector's message our entry? Nobody can tell where a GAP took its place, or it is damaged. Then it is ours if it
 * was acknowledged. Else it may have been sent before; or the spool was restored from a copy, and it was not: who would
 * take it for stored would leave it out, without a word.
 * @return as spool_compare()
 */
static int compare_entry(struct spool *spool, const struct spool_epoch *epoch,
			 struct spool_entry *entry, uint64_t durable, uint32_t durable_crc)
{
	int untold = durable <= epoch->acked ? 0 : -ESTALE;
	int result;

	if (entry->sequence != durable || (entry->type == HM_FRAME_GAP && untold == 0))
		return untold;
	result = ensure_crc(spool, epoch, entry);
	if (result == -EBADMSG)
		return untold;
	return result == 0 && entry->crc != durable_crc ? -ESTALE : result;
}

int spool_compare(struct spool *spool, const uint8_t epoch_id[static HM_ID_BYTES], uint64_t durable,
		  uint32_t durable_crc)
{
	struct spool_epoch *epoch = spool_find_epoch(spool, epoch_id);
	size_t i;

	/* Where part of it was moved it is known to be another's, and what is left may not follow. */
	if (epoch && epoch->base > 0)
		return -ESTALE;
	if (durable == 0 || !epoch)
		return 0;
	if (durable > spool_epoch_used(epoch))
		return epoch->is_partial ? 0 : -ESTALE;
	if (durable == epoch->acked && epoch->has_acked_crc)
		return durable_crc == epoch->acked_crc ? 0 : -ESTALE;
	i = spool_epoch_find(epoch, durable);
	if (i == epoch->n_entries || epoch->entries[i].first > durable)
		return 0;
	return compare_entry(spool, epoch, &epoch->entries[i], durable, durable_crc);
}
