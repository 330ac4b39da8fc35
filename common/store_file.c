/* SPDX-License-Identifier: MIT */
/* Reading and writing the bytes of a metric file. */

#include "common/store_file.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/crc32c.h"
#include "hostmetrics/wire.h"

#define CRC_BYTES        sizeof(uint32_t)
#define MAGIC_BYTES      (sizeof(HM_FILE_MAGIC) - 1)
#define HEADER_FIX_BYTES sizeof(struct hm_file_header)
#define FIELD_AT(field)  offsetof(struct hm_file_header, field)
#define BLOCK_LENGTH_AT  4
#define BLOCK_CRC_AT     8
#define SAMPLE_TIME_AT   4
#define SAMPLE_VALUE_AT  12

_Static_assert(sizeof(double) == sizeof(uint64_t), "values are IEEE doubles");

static void put_le32(uint8_t *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

static void put_le64(uint8_t *out, uint64_t value)
{
	put_le32(out, (uint32_t)value);
	put_le32(out + 4, (uint32_t)(value >> 32));
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

void store_file_put_header(struct buffer *out, const char *host, const char *metric)
{
	uint32_t host_bytes = (uint32_t)strlen(host);
	uint32_t metric_bytes = (uint32_t)strlen(metric);
	uint32_t names_end = (uint32_t)HEADER_FIX_BYTES + host_bytes + metric_bytes;
	uint8_t header[HEADER_FIX_BYTES] = {0};
	uint8_t checksum[CRC_BYTES];
	uint32_t crc;

	memcpy(header, HM_FILE_MAGIC, MAGIC_BYTES);
	put_le32(header + FIELD_AT(version), HM_FILE_VERSION);
	put_le32(header + FIELD_AT(header_bytes), names_end + (uint32_t)CRC_BYTES);
	put_le32(header + FIELD_AT(host_bytes), host_bytes);
	put_le32(header + FIELD_AT(metric_bytes), metric_bytes);
	crc = crc32c(0, header, sizeof(header));
	crc = crc32c(crc, host, host_bytes);
	crc = crc32c(crc, metric, metric_bytes);
	put_le32(checksum, crc);

	buffer_append(out, header, sizeof(header));
	buffer_append(out, host, host_bytes);
	buffer_append(out, metric, metric_bytes);
	buffer_append(out, checksum, sizeof(checksum));
}

void store_file_put_block(struct buffer *out, enum hm_block_type type, const void *payload,
			  size_t payload_bytes)
{
	uint8_t header[HM_BLOCK_HEADER_BYTES];

	assert(payload_bytes <= HM_BLOCK_MAX_BYTES);
	put_le32(header, type);
	put_le32(header + BLOCK_LENGTH_AT, (uint32_t)payload_bytes);
	put_le32(header + BLOCK_CRC_AT,
		 crc32c(crc32c(0, header, BLOCK_CRC_AT), payload, payload_bytes));
	buffer_append(out, header, sizeof(header));
	buffer_append(out, payload, payload_bytes);
}

void store_file_put_sample(struct buffer *out, const struct store_file_sample *sample)
{
	uint8_t record[HM_SAMPLE_RECORD_BYTES];
	uint64_t value;

	memcpy(&value, &sample->value, sizeof(value));
	put_le32(record, sample->series_id);
	put_le64(record + SAMPLE_TIME_AT, (uint64_t)sample->time_us);
	put_le64(record + SAMPLE_VALUE_AT, value);
	buffer_append(out, record, sizeof(record));
}

int store_file_get_header(const uint8_t *bytes, size_t length, struct store_file_header *ret_header)
{
	uint32_t host_bytes;
	uint32_t metric_bytes;
	uint32_t header_bytes;
	size_t names_end;

	if (length < HEADER_FIX_BYTES || memcmp(bytes, HM_FILE_MAGIC, MAGIC_BYTES) != 0)
		return -EINVAL;
	/* Where another version keeps its checksum is not known. */
	if (get_le32(bytes + FIELD_AT(version)) != HM_FILE_VERSION)
		return -ENOTSUP;
	header_bytes = get_le32(bytes + FIELD_AT(header_bytes));
	host_bytes = get_le32(bytes + FIELD_AT(host_bytes));
	metric_bytes = get_le32(bytes + FIELD_AT(metric_bytes));
	if (host_bytes > HM_HOST_NAME_MAX_BYTES || metric_bytes > HM_METRIC_NAME_MAX_BYTES)
		return -EBADMSG;
	names_end = HEADER_FIX_BYTES + host_bytes + metric_bytes;
	if (header_bytes != names_end + CRC_BYTES || header_bytes > length ||
	    crc32c(0, bytes, names_end) != get_le32(bytes + names_end))
		return -EBADMSG;
	if (get_le32(bytes + FIELD_AT(incompatible_flags)) != 0)
		return -ENOTSUP;

	*ret_header = (struct store_file_header){
		.host = (const char *)bytes + HEADER_FIX_BYTES,
		.host_length = host_bytes,
		.metric = (const char *)bytes + HEADER_FIX_BYTES + host_bytes,
		.metric_length = metric_bytes,
		.header_bytes = header_bytes,
	};
	return 0;
}

int store_file_get_block(const uint8_t *bytes, size_t length, size_t offset,
			 struct store_file_block *ret_block)
{
	struct store_file_block block;
	const uint8_t *header;
	uint32_t crc;

	if (offset == length)
		return -ENODATA;
	if (offset > length || length - offset < HM_BLOCK_HEADER_BYTES)
		return -EBADMSG;
	header = bytes + offset;
	offset += HM_BLOCK_HEADER_BYTES;
	block.type = get_le32(header);
	block.payload = header + HM_BLOCK_HEADER_BYTES;
	block.payload_bytes = get_le32(header + BLOCK_LENGTH_AT);
	block.end = offset + block.payload_bytes;
	if (block.payload_bytes > HM_BLOCK_MAX_BYTES || block.payload_bytes > length - offset)
		return -EBADMSG;
	crc = crc32c(crc32c(0, header, BLOCK_CRC_AT), block.payload, block.payload_bytes);
	if (crc != get_le32(header + BLOCK_CRC_AT))
		return -EBADMSG;
	/* Only whole records: what is declared is what is consumed. */
	if (block.type == HM_BLOCK_SAMPLES && block.payload_bytes % HM_SAMPLE_RECORD_BYTES != 0)
		return -EBADMSG;
	*ret_block = block;
	return 0;
}

struct store_file_sample store_file_get_sample(const struct store_file_block *block, size_t index)
{
	const uint8_t *record = block->payload + index * HM_SAMPLE_RECORD_BYTES;
	uint64_t value = get_le64(record + SAMPLE_VALUE_AT);
	struct store_file_sample sample = {
		.series_id = get_le32(record),
		.time_us = (int64_t)get_le64(record + SAMPLE_TIME_AT),
	};

	memcpy(&sample.value, &value, sizeof(value));
	return sample;
}

size_t store_file_n_samples(const struct store_file_block *block)
{
	return block->payload_bytes / HM_SAMPLE_RECORD_BYTES;
}
