/* SPDX-License-Identifier: MIT */
/* Reading and writing the bytes of a metric file. */

#include "common/store_file.h"

#include <errno.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/cursor.h"
#include "common/store_mask.h"
#include "common/varint.h"

#define ID_MAGIC   "hmstore" /* with its NUL */
#define ID_VERSION 1

_Static_assert(sizeof(ID_MAGIC) + 4 + HM_ID_BYTES + 4 == STORE_FILE_ID_BYTES,
	       "as in docs/format.md");

#define CRC_BYTES        sizeof(uint32_t)
#define MAGIC_BYTES      (sizeof(HM_FILE_MAGIC) - 1)
#define HEADER_FIX_BYTES sizeof(struct hm_file_header)
#define FIELD_AT(field)  offsetof(struct hm_file_header, field)
#define BLOCK_AT(field)  offsetof(struct hm_block_header, field)
#define DATA_AT(field)   offsetof(struct hm_data_header, field)

#define META_FIX_BYTES    9
#define HOST_FIX_BYTES    (4 + HM_ID_BYTES + 8)
#define EPOCH_BYTES       (HM_ID_BYTES + 12)
#define MESSAGE_FIX_BYTES ((size_t)9)
#define EVENT_FIX_BYTES   36

static void set_le16(uint8_t *out, uint16_t value)
{
	out[0] = (uint8_t)value;
	out[1] = (uint8_t)(value >> 8);
}

static void set_le32(uint8_t *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

static void set_le64(uint8_t *out, uint64_t value)
{
	set_le32(out, (uint32_t)value);
	set_le32(out + 4, (uint32_t)(value >> 32));
}

static uint16_t get_le16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t get_le32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static uint64_t get_le64(const uint8_t *bytes)
{
	return get_le32(bytes) | (uint64_t)get_le32(bytes + 4) << 32;
}

static void put_varint(struct buffer *out, uint32_t value)
{
	uint8_t bytes[VARINT_MAX_BYTES];

	buffer_append(out, bytes, varint_put(bytes, value));
}

/* Take a number off the front. @return false: there is none */
static bool take_varint(const uint8_t **bytes, size_t *length, uint32_t *ret_value)
{
	struct varint_reader reader = {*bytes, *bytes + *length};
	uint64_t value;

	if (varint_get_limited(&reader, UINT32_MAX, &value) < 0)
		return false;
	*length = varint_left(&reader);
	*bytes = reader.at;
	*ret_value = (uint32_t)value;
	return true;
}

static enum hm_stored_kind kind_of(uint8_t byte)
{
	return byte <= HM_STORED_COUNTER ? (enum hm_stored_kind)byte : HM_STORED_UNKNOWN;
}

static bool is_file_type(unsigned int type)
{
	return type == HM_FILE_METRIC || type == HM_FILE_ODD || type == HM_FILE_HOST;
}

static bool are_lengths_good(size_t host, size_t metric, size_t unit)
{
	return host <= HM_HOST_NAME_MAX_BYTES && metric <= HM_METRIC_NAME_MAX_BYTES &&
	       unit <= HM_UNIT_MAX_BYTES;
}

void store_file_put_id(struct buffer *out, const uint8_t *store_id)
{
	size_t start = out->length;

	buffer_append(out, ID_MAGIC, sizeof(ID_MAGIC));
	cursor_put_u32(out, ID_VERSION);
	buffer_append(out, store_id, HM_ID_BYTES);
	if (!buffer_failed(out))
		cursor_put_u32(out, crc32c(0, out->data + start, out->length - start));
}

int store_file_get_id(const uint8_t *bytes, size_t length, uint8_t ret_store_id[static HM_ID_BYTES])
{
	struct cursor cursor = {.at = bytes, .left = length};
	const uint8_t *magic = cursor_get_bytes(&cursor, sizeof(ID_MAGIC));
	const uint8_t *store_id;

	(void)cursor_get_u32(&cursor); /* version */
	store_id = cursor_get_bytes(&cursor, HM_ID_BYTES);
	if (!store_id || memcmp(magic, ID_MAGIC, sizeof(ID_MAGIC)) != 0 ||
	    cursor_get_u32(&cursor) != crc32c(0, bytes, STORE_FILE_ID_BYTES - sizeof(uint32_t)) ||
	    !cursor_is_done(&cursor))
		return -EBADMSG;
	memcpy(ret_store_id, store_id, HM_ID_BYTES);
	return 0;
}

int store_file_put_header(struct buffer *out, const struct store_file_header *header)
{
	uint8_t bytes[HEADER_FIX_BYTES] = {0};
	size_t start = out->length;
	size_t names_bytes = header->host_length + header->metric_length + header->unit_length;

	if (!are_lengths_good(header->host_length, header->metric_length, header->unit_length) ||
	    !is_file_type(header->type))
		return -EINVAL;
	memcpy(bytes, HM_FILE_MAGIC, MAGIC_BYTES);
	set_le32(bytes + FIELD_AT(version), HM_FILE_VERSION);
	set_le32(bytes + FIELD_AT(header_bytes),
		 (uint32_t)(HEADER_FIX_BYTES + names_bytes + CRC_BYTES));
	memcpy(bytes + FIELD_AT(store_id), header->store_id, HM_ID_BYTES);
	set_le32(bytes + FIELD_AT(salt), header->salt);
	set_le32(bytes + FIELD_AT(part), header->part);
	set_le64(bytes + FIELD_AT(continues_bytes), header->continues_bytes);
	bytes[FIELD_AT(type)] = (uint8_t)header->type;
	bytes[FIELD_AT(kind)] = (uint8_t)header->kind;
	bytes[FIELD_AT(host_bytes)] = (uint8_t)header->host_length;
	bytes[FIELD_AT(metric_bytes)] = (uint8_t)header->metric_length;
	set_le16(bytes + FIELD_AT(unit_bytes), (uint16_t)header->unit_length);

	if (buffer_reserve(out, sizeof(bytes) + names_bytes + CRC_BYTES) < 0)
		return -ENOMEM;
	buffer_append(out, bytes, sizeof(bytes));
	buffer_append(out, header->host, header->host_length);
	buffer_append(out, header->metric, header->metric_length);
	buffer_append(out, header->unit, header->unit_length);
	cursor_put_u32(out, crc32c(0, out->data + start, out->length - start));
	return 0;
}

/* The lengths agree with each other, with what there is and with the checksum. */
static bool is_header_whole(const uint8_t *bytes, size_t length)
{
	size_t host_bytes = bytes[FIELD_AT(host_bytes)];
	size_t metric_bytes = bytes[FIELD_AT(metric_bytes)];
	size_t unit_bytes = get_le16(bytes + FIELD_AT(unit_bytes));
	size_t names_end = HEADER_FIX_BYTES + host_bytes + metric_bytes + unit_bytes;
	size_t header_bytes = get_le32(bytes + FIELD_AT(header_bytes));

	return are_lengths_good(host_bytes, metric_bytes, unit_bytes) &&
	       header_bytes == names_end + CRC_BYTES && header_bytes <= length &&
	       crc32c(0, bytes, names_end) == get_le32(bytes + names_end) &&
	       get_le16(bytes + FIELD_AT(reserved)) == 0;
}

/* Is a header ours but for the version that it says? */
static bool is_version_damaged(const uint8_t *bytes, size_t length)
{
	uint8_t copy[STORE_FILE_HEADER_MAX_BYTES];

	if (length > sizeof(copy))
		length = sizeof(copy);
	memcpy(copy, bytes, length);
	set_le32(copy + FIELD_AT(version), HM_FILE_VERSION);
	return is_header_whole(copy, length);
}

int store_file_get_header(const uint8_t *bytes, size_t length, struct store_file_header *ret_header)
{
	struct store_file_header header;

	if (length < HEADER_FIX_BYTES || memcmp(bytes, HM_FILE_MAGIC, MAGIC_BYTES) != 0)
		return -EINVAL;
	/* Where another version keeps its checksum is not known. */
	if (get_le32(bytes + FIELD_AT(version)) != HM_FILE_VERSION)
		return is_version_damaged(bytes, length) ? -EBADMSG : -ENOTSUP;
	if (!is_header_whole(bytes, length))
		return -EBADMSG;
	if (get_le32(bytes + FIELD_AT(incompatible_flags)) != 0 ||
	    !is_file_type(bytes[FIELD_AT(type)]))
		return -ENOTSUP;

	header = (struct store_file_header){
		.store_id = bytes + FIELD_AT(store_id),
		.salt = get_le32(bytes + FIELD_AT(salt)),
		.part = get_le32(bytes + FIELD_AT(part)),
		.continues_bytes = get_le64(bytes + FIELD_AT(continues_bytes)),
		.type = (enum hm_file_type)bytes[FIELD_AT(type)],
		.kind = kind_of(bytes[FIELD_AT(kind)]),
		.host = (const char *)bytes + HEADER_FIX_BYTES,
		.host_length = bytes[FIELD_AT(host_bytes)],
		.metric_length = bytes[FIELD_AT(metric_bytes)],
		.unit_length = get_le16(bytes + FIELD_AT(unit_bytes)),
		.header_bytes = get_le32(bytes + FIELD_AT(header_bytes)),
	};
	header.metric = header.host + header.host_length;
	header.unit = header.metric + header.metric_length;
	*ret_header = header;
	return 0;
}

/* The checksum of a block whose length is known to be right. */
static uint32_t block_crc(const uint8_t *block, size_t length_bytes, uint32_t salt, uint64_t offset)
{
	uint8_t seed[12];

	set_le32(seed, salt);
	set_le64(seed + 4, offset);
	return crc32c(crc32c(0, seed, sizeof(seed)), block + CRC_BYTES, length_bytes - CRC_BYTES);
}

size_t store_file_begin_block(struct buffer *out, enum hm_block_type type, uint64_t position)
{
	uint8_t header[HM_BLOCK_HEADER_BYTES] = {0};
	size_t start = out->length;

	header[BLOCK_AT(type)] = (uint8_t)type;
	set_le64(header + BLOCK_AT(position), position);
	buffer_append(out, header, sizeof(header));
	return start;
}

int store_file_end_block(struct buffer *out, size_t start, uint32_t salt, uint64_t offset)
{
	size_t length_bytes = out->length - start + HM_BLOCK_TRAILER_BYTES;
	uint8_t *block;

	if (!buffer_failed(out) && length_bytes > HM_BLOCK_MAX_BYTES) {
		out->length = start;
		return -EMSGSIZE;
	}
	cursor_put_u32(out, (uint32_t)length_bytes);
	if (buffer_failed(out)) {
		if (out->length > start)
			out->length = start;
		return -ENOMEM;
	}
	block = (uint8_t *)out->data + start;
	set_le32(block + BLOCK_AT(length_bytes), (uint32_t)length_bytes);
	set_le32(block, block_crc(block, length_bytes, salt, offset));
	return 0;
}

void store_file_put_names_offset(struct buffer *out, uint64_t names_offset)
{
	cursor_put_u64(out, names_offset);
}

void store_file_put_series(struct buffer *out, const struct store_file_series *series)
{
	put_varint(out, series->id);
	put_varint(out, (uint32_t)series->labels_length);
	buffer_append(out, series->labels, series->labels_length);
}

void store_file_put_meta(struct buffer *out, const struct store_file_meta *meta)
{
	cursor_put_u64(out, meta->names_offset);
	buffer_append_byte(out, (char)meta->kind);
	buffer_append(out, meta->unit, meta->unit_length);
}

void store_file_put_data(struct buffer *out, const struct store_file_data *data)
{
	uint8_t bytes[sizeof(struct hm_data_header)];

	set_le64(bytes + DATA_AT(first_us), (uint64_t)data->first_us);
	set_le64(bytes + DATA_AT(last_us), (uint64_t)data->last_us);
	set_le64(bytes + DATA_AT(highest_before_us), (uint64_t)data->highest_before_us);
	set_le64(bytes + DATA_AT(names_offset), data->names_offset);
	buffer_append(out, bytes, sizeof(bytes));
}

void store_file_put_host(struct buffer *out, const struct store_file_host *host)
{
	cursor_put_u32(out, host->number);
	buffer_append(out, host->id, HM_ID_BYTES);
	cursor_put_u64(out, host->n_samples);
	buffer_append(out, host->name, host->name_length);
}

void store_file_put_epoch(struct buffer *out, const struct store_file_epoch *epoch)
{
	buffer_append(out, epoch->epoch, HM_ID_BYTES);
	cursor_put_u64(out, epoch->sequence);
	cursor_put_u32(out, epoch->crc);
}

void store_file_put_message(struct buffer *out, const struct store_file_message *message)
{
	buffer_append_byte(out, (char)message->type);
	cursor_put_u64(out, (uint64_t)message->received_us);
	buffer_append(out, message->bytes, message->n_bytes);
}

void store_file_put_event(struct buffer *out, const struct store_file_event *event)
{
	cursor_put_u64(out, (uint64_t)event->since_us);
	cursor_put_u64(out, (uint64_t)event->until_us);
	cursor_put_u64(out, event->position);
	cursor_put_u64(out, event->count);
	cursor_put_u32(out, event->reason);
	buffer_append(out, event->text, event->text_length);
}

void store_file_put_oldest(struct buffer *out, int64_t oldest_us)
{
	cursor_put_u64(out, (uint64_t)oldest_us);
}

/* The length, where a block can have it. */
static uint32_t possible_length(uint32_t length_bytes)
{
	return length_bytes >= HM_BLOCK_MIN_BYTES && length_bytes <= HM_BLOCK_MAX_BYTES
		       ? length_bytes
		       : 0;
}

uint32_t store_file_peek_length(const uint8_t *header)
{
	/* Type and zeros in one number. */
	uint32_t type = get_le32(header + BLOCK_AT(type));

	if (type == 0 || type > UINT8_MAX)
		return 0;
	return possible_length(get_le32(header + BLOCK_AT(length_bytes)));
}

uint32_t store_file_peek_trailer(const uint8_t *trailer)
{
	return possible_length(get_le32(trailer));
}

int store_file_get_block(const uint8_t *bytes, size_t length, uint32_t salt, uint64_t offset,
			 struct store_file_block *ret_block)
{
	uint32_t length_bytes;

	if (length == 0)
		return -ENODATA;
	if (length < HM_BLOCK_MIN_BYTES)
		return -EBADMSG;
	length_bytes = store_file_peek_length(bytes);
	if (length_bytes == 0 || length_bytes > length ||
	    get_le32(bytes + length_bytes - HM_BLOCK_TRAILER_BYTES) != length_bytes ||
	    get_le32(bytes) != block_crc(bytes, length_bytes, salt, offset))
		return -EBADMSG;
	*ret_block = (struct store_file_block){
		.type = bytes[BLOCK_AT(type)],
		.position = get_le64(bytes + BLOCK_AT(position)),
		.payload = bytes + HM_BLOCK_HEADER_BYTES,
		.payload_bytes = length_bytes - HM_BLOCK_MIN_BYTES,
		.length_bytes = length_bytes,
	};
	return 0;
}

bool store_file_next_series(struct store_file_series_list *list,
			    struct store_file_series *ret_series)
{
	struct store_file_series_list rest = *list;
	uint32_t id;
	uint32_t labels_bytes;

	if (!take_varint(&rest.rest, &rest.rest_bytes, &id) ||
	    !take_varint(&rest.rest, &rest.rest_bytes, &labels_bytes) ||
	    labels_bytes > rest.rest_bytes)
		return false;
	*ret_series = (struct store_file_series){
		.id = id,
		.labels = (const char *)rest.rest,
		.labels_length = labels_bytes,
	};
	rest.rest += labels_bytes;
	rest.rest_bytes -= labels_bytes;
	*list = rest;
	return true;
}

int store_file_get_series_list(const struct store_file_block *block,
			       struct store_file_series_list *ret_list)
{
	struct store_file_series_list list;
	struct store_file_series_list rest;
	struct store_file_series series;

	if (block->type != HM_BLOCK_SERIES || block->payload_bytes < sizeof(uint64_t))
		return -EBADMSG;
	list = (struct store_file_series_list){
		.names_offset = get_le64(block->payload),
		.rest = block->payload + sizeof(uint64_t),
		.rest_bytes = block->payload_bytes - sizeof(uint64_t),
	};
	rest = list;
	while (store_file_next_series(&rest, &series))
		;
	if (rest.rest_bytes != 0)
		return -EBADMSG;
	*ret_list = list;
	return 0;
}

int store_file_get_meta(const struct store_file_block *block, struct store_file_meta *ret_meta)
{
	if (block->type != HM_BLOCK_META || block->payload_bytes < META_FIX_BYTES ||
	    block->payload_bytes - META_FIX_BYTES > HM_UNIT_MAX_BYTES)
		return -EBADMSG;
	*ret_meta = (struct store_file_meta){
		.names_offset = get_le64(block->payload),
		.kind = kind_of(block->payload[sizeof(uint64_t)]),
		.unit = (const char *)block->payload + META_FIX_BYTES,
		.unit_length = block->payload_bytes - META_FIX_BYTES,
	};
	return 0;
}

int store_file_get_data(const struct store_file_block *block, struct store_file_data *ret_data)
{
	struct store_file_data data;

	if (block->type != HM_BLOCK_DATA || block->payload_bytes <= sizeof(struct hm_data_header))
		return -EBADMSG;
	data = (struct store_file_data){
		.first_us = (int64_t)get_le64(block->payload + DATA_AT(first_us)),
		.last_us = (int64_t)get_le64(block->payload + DATA_AT(last_us)),
		.highest_before_us = (int64_t)get_le64(block->payload + DATA_AT(highest_before_us)),
		.names_offset = get_le64(block->payload + DATA_AT(names_offset)),
		.bytes = block->payload + sizeof(struct hm_data_header),
		.n_bytes = block->payload_bytes - sizeof(struct hm_data_header),
	};
	if (data.first_us > data.last_us)
		return -EBADMSG;
	*ret_data = data;
	return 0;
}

int store_file_get_host(const struct store_file_block *block, struct store_file_host *ret_host)
{
	if (block->type != HM_BLOCK_HOST || block->payload_bytes < HOST_FIX_BYTES ||
	    block->payload_bytes - HOST_FIX_BYTES > HM_HOST_NAME_MAX_BYTES)
		return -EBADMSG;
	*ret_host = (struct store_file_host){
		.number = get_le32(block->payload),
		.id = block->payload + sizeof(uint32_t),
		.n_samples = get_le64(block->payload + sizeof(uint32_t) + HM_ID_BYTES),
		.name = (const char *)block->payload + HOST_FIX_BYTES,
		.name_length = block->payload_bytes - HOST_FIX_BYTES,
	};
	return 0;
}

int store_file_get_epoch(const struct store_file_block *block, struct store_file_epoch *ret_epoch)
{
	if (block->type != HM_BLOCK_EPOCH || block->payload_bytes != EPOCH_BYTES)
		return -EBADMSG;
	*ret_epoch = (struct store_file_epoch){
		.epoch = block->payload,
		.sequence = get_le64(block->payload + HM_ID_BYTES),
		.crc = get_le32(block->payload + HM_ID_BYTES + 8),
	};
	return 0;
}

int store_file_get_message(const struct store_file_block *block,
			   struct store_file_message *ret_message)
{
	if (block->type != HM_BLOCK_MESSAGE || block->payload_bytes < MESSAGE_FIX_BYTES)
		return -EBADMSG;
	*ret_message = (struct store_file_message){
		.type = (enum hm_record_type)block->payload[0],
		.received_us = (int64_t)get_le64(block->payload + 1),
		.bytes = block->payload + MESSAGE_FIX_BYTES,
		.n_bytes = block->payload_bytes - MESSAGE_FIX_BYTES,
	};
	return 0;
}

int store_file_get_event(const struct store_file_block *block, struct store_file_event *ret_event)
{
	struct store_file_event event;

	if (block->type != HM_BLOCK_EVENT || block->payload_bytes < EVENT_FIX_BYTES)
		return -EBADMSG;
	event = (struct store_file_event){
		.since_us = (int64_t)get_le64(block->payload),
		.until_us = (int64_t)get_le64(block->payload + 8),
		.position = get_le64(block->payload + 16),
		.count = get_le64(block->payload + 24),
		.reason = get_le32(block->payload + 32),
		.text = (const char *)block->payload + EVENT_FIX_BYTES,
		.text_length = block->payload_bytes - EVENT_FIX_BYTES,
	};
	if (event.since_us > event.until_us)
		return -EBADMSG;
	*ret_event = event;
	return 0;
}

int store_file_get_oldest(const struct store_file_block *block, int64_t *ret_oldest_us)
{
	if (block->type != HM_BLOCK_OLDEST || block->payload_bytes != sizeof(int64_t))
		return -EBADMSG;
	*ret_oldest_us = (int64_t)get_le64(block->payload);
	return 0;
}

int store_file_get_names_offset(const struct store_file_block *block, uint64_t *ret_offset)
{
	struct store_file_series_list list = {0};
	struct store_file_meta meta = {0};
	struct store_file_data data = {0};
	int result = -ENOENT;

	if (block->type == HM_BLOCK_SERIES)
		result = store_file_get_series_list(block, &list);
	else if (block->type == HM_BLOCK_META)
		result = store_file_get_meta(block, &meta);
	else if (block->type == HM_BLOCK_DATA)
		result = store_file_get_data(block, &data);
	else if (block->type == HM_BLOCK_TOMBSTONE || block->type == HM_BLOCK_FRONT)
		result = store_mask_get_names_offset(block, &list.names_offset);
	if (result == 0)
		*ret_offset = list.names_offset | meta.names_offset | data.names_offset;
	return result;
}
