/* SPDX-License-Identifier: MIT */
/* The bytes of a segment of the log. */

#include "common/log_file.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/cursor.h"

#define NAME_FORMAT "%08x.log"
#define NAME_DIGITS 8

void log_file_name(uint32_t number, char name[static LOG_FILE_NAME_BYTES])
{
	(void)snprintf(name, LOG_FILE_NAME_BYTES, NAME_FORMAT, number);
}

uint32_t log_file_number(const char *name)
{
	char canonical[LOG_FILE_NAME_BYTES];
	unsigned long number = strtoul(name, NULL, 16);

	if (number == 0 || number > UINT32_MAX)
		return 0;
	log_file_name((uint32_t)number, canonical);
	return strcmp(canonical, name) == 0 ? (uint32_t)number : 0;
}

void log_file_put_header(struct buffer *out, const struct log_file_header *header)
{
	size_t start = out->length;

	buffer_append(out, HM_LOG_MAGIC, HM_LOG_MAGIC_BYTES);
	cursor_put_u32(out, HM_LOG_VERSION);
	cursor_put_u32(out, HM_LOG_HEADER_BYTES);
	cursor_put_u32(out, 0);
	cursor_put_u32(out, 0);
	buffer_append(out, header->store_id, HM_ID_BYTES);
	cursor_put_u32(out, header->number);
	cursor_put_u32(out, header->salt);
	cursor_put_u64(out, (uint64_t)header->created_us);
	cursor_put_u32(out, 0);
	if (!buffer_failed(out))
		cursor_put_u32(out, crc32c(0, out->data + start, out->length - start));
}

int log_file_get_header(const uint8_t *bytes, size_t length, struct log_file_header *ret_header)
{
	struct cursor cursor = {.at = bytes, .left = length};
	const uint8_t *magic = cursor_get_bytes(&cursor, HM_LOG_MAGIC_BYTES);
	uint32_t version = cursor_get_u32(&cursor);
	uint32_t header_bytes = cursor_get_u32(&cursor);
	uint32_t incompatible_flags;
	const uint8_t *store_id;

	if (!magic || memcmp(magic, HM_LOG_MAGIC, HM_LOG_MAGIC_BYTES) != 0)
		return -EINVAL;
	(void)cursor_get_u32(&cursor); /* compatible flags */
	incompatible_flags = cursor_get_u32(&cursor);
	store_id = cursor_get_bytes(&cursor, HM_ID_BYTES);
	if (length < HM_LOG_HEADER_BYTES || !store_id)
		return -EBADMSG;
	ret_header->number = cursor_get_u32(&cursor);
	ret_header->salt = cursor_get_u32(&cursor);
	ret_header->created_us = (int64_t)cursor_get_u64(&cursor);
	(void)cursor_get_u32(&cursor); /* reserved */
	if (cursor_get_u32(&cursor) != crc32c(0, bytes, HM_LOG_HEADER_BYTES - sizeof(uint32_t)))
		return -EBADMSG;
	if (version != HM_LOG_VERSION || incompatible_flags != 0 ||
	    header_bytes != HM_LOG_HEADER_BYTES)
		return -ENOTSUP;
	memcpy(ret_header->store_id, store_id, HM_ID_BYTES);
	return 0;
}

static size_t padded(size_t n_bytes)
{
	return (n_bytes + HM_RECORD_ALIGN - 1) / HM_RECORD_ALIGN * HM_RECORD_ALIGN;
}

size_t log_file_record_bytes(size_t payload_bytes)
{
	return padded(HM_RECORD_HEADER_BYTES + payload_bytes);
}

/* The checksum of a record's header: of what stands behind it, of where it lies and in which segment. */
static uint32_t header_crc(uint32_t salt, uint64_t position, const void *rest)
{
	uint32_t salt_le = htole32(salt);
	uint64_t position_le = htole64(position);
	uint32_t crc = crc32c(0, &salt_le, sizeof(salt_le));

	crc = crc32c(crc, &position_le, sizeof(position_le));
	return crc32c(crc, rest, HM_RECORD_HEADER_BYTES - sizeof(uint32_t));
}

void log_file_put_record(struct buffer *out, uint32_t salt, const struct log_record *record)
{
	static const char zeros[HM_RECORD_ALIGN];
	size_t start = out->length;
	uint32_t crc;

	cursor_put_u32(out, 0);
	cursor_put_u32(out, record->payload_bytes);
	cursor_put_u32(out, (uint32_t)record->type);
	cursor_put_u32(out, record->host);
	cursor_put_u64(out, record->previous);
	cursor_put_u64(out, record->durable);
	cursor_put_u64(out, (uint64_t)record->received_us);
	cursor_put_u32(out, crc32c(0, record->payload, record->payload_bytes));
	cursor_put_u32(out, 0);
	buffer_append(out, record->payload, record->payload_bytes);
	buffer_append(out, zeros, padded(out->length - start) - (out->length - start));
	if (buffer_failed(out))
		return;
	crc = htole32(header_crc(salt, record->position, out->data + start + sizeof(uint32_t)));
	memcpy(out->data + start, &crc, sizeof(crc));
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

int log_file_get_record(const uint8_t *bytes, size_t length, uint32_t salt, uint64_t position,
			struct log_record *ret_record)
{
	struct cursor cursor = {.at = bytes, .left = length};
	uint32_t payload_crc;
	uint32_t type;

	if (length < HM_RECORD_HEADER_BYTES)
		return is_zero(bytes, length) ? -ENODATA : -EBADMSG;
	/* Searching for the next record, this is what fails nearly always. */
	if (cursor_get_u32(&cursor) != header_crc(salt, position, bytes + sizeof(uint32_t)))
		return is_zero(bytes, HM_RECORD_HEADER_BYTES) ? -ENODATA : -EBADMSG;
	ret_record->payload_bytes = cursor_get_u32(&cursor);
	type = cursor_get_u32(&cursor);
	ret_record->type = (enum hm_record_type)type;
	ret_record->host = cursor_get_u32(&cursor);
	ret_record->position = position;
	ret_record->previous = cursor_get_u64(&cursor);
	ret_record->durable = cursor_get_u64(&cursor);
	ret_record->received_us = (int64_t)cursor_get_u64(&cursor);
	payload_crc = cursor_get_u32(&cursor);
	(void)cursor_get_u32(&cursor); /* reserved */
	if (ret_record->payload_bytes > HM_RECORD_MAX_BYTES)
		return -EBADMSG;
	ret_record->payload = cursor_get_bytes(&cursor, ret_record->payload_bytes);
	if (!ret_record->payload)
		return -EMSGSIZE;
	return crc32c(0, ret_record->payload, ret_record->payload_bytes) == payload_crc ? 0
											: -EILSEQ;
}
