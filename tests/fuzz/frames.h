/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_FRAMES_H
#define TESTS_FUZZ_FRAMES_H

/* What the fuzz targets of the native protocol share: bytes of chance pass no checksum. */

#include <stddef.h>
#include <stdint.h>

#include "common/crc32c.h"
#include "hostmetrics/wire.h"

static inline void frames_put_u32(uint8_t *bytes, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(number >> 8 * i);
}

/* Give all headers and payloads the checksums that they should have. */
static inline void frames_mend(uint8_t *data, size_t n_bytes)
{
	for (size_t at = 0; n_bytes - at >= HM_FRAME_HEADER_BYTES;) {
		uint8_t *header = data + at;
		size_t left = n_bytes - at - HM_FRAME_HEADER_BYTES;
		size_t length = header[8] | (size_t)header[9] << 8 | (size_t)header[10] << 16 |
				(size_t)header[11] << 24;

		if (length <= left) {
			frames_put_u32(header + 12,
				       crc32c(0, header + HM_FRAME_HEADER_BYTES, length));
		}
		frames_put_u32(header + 16, crc32c(0, header, 16));
		if (length > left)
			return;
		at += HM_FRAME_HEADER_BYTES + length;
	}
}

#endif
