/* SPDX-License-Identifier: MIT */
#ifndef COMMON_FRAME_H
#define COMMON_FRAME_H

/*
 * Frames of the native protocol (hostmetrics/wire.h): a header with checksums, and a payload that is
 * not looked at here. Bytes in, frames out, however the bytes were cut; no descriptors, no threads.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/cursor.h"
#include "hostmetrics/format.h"
#include "hostmetrics/wire.h"

struct frame {
	enum hm_frame_type type;
	uint32_t crc; /* of the payload: what a log's record has of it, too */
	const uint8_t *payload;
	size_t length;
};

/*
 * What takes frames off a stream. Zeroed, with a limit set: nothing came yet. It holds memory only while
 * a frame is incomplete: of what really came, to the next power of two, and a longer one than the
 * limit is refused before any of it is kept.
 */
struct frame_reader {
	size_t max_bytes;      /* of a frame; may be changed at any time, for headers to come */
	enum hm_reason reason; /* HM_REASON_NONE, or why there are no frames any more */
	struct buffer kept;    /* of a frame that is not complete */
	bool is_given;         /* `kept` is the frame that was given last */
};

void frame_reader_done(struct frame_reader *reader);

/*
 * Take the next frame off the bytes. A header is checked byte by byte as it comes, in the order of its
 * fields, so that the same is found however the bytes were cut.
 * @param[in,out] bytes  what came; goes on behind what was taken
 * @param ret_frame  its payload is borrowed: from the caller's bytes where it lies in them as a whole, else
 * from the reader until the next call
 * @return 0; -EAGAIN: all bytes were taken, and there is no frame yet; -EBADMSG: `reason` tells
 * why, now and ever after; -ENOMEM (and ever after)
 */
int frame_reader_next(struct frame_reader *reader, struct cursor *bytes, struct frame *ret_frame);

/* Nothing more will come. @return HM_REASON_NONE, HM_REASON_FRAME_CUT or what `reason` was */
enum hm_reason frame_reader_end(const struct frame_reader *reader);

/* Write the header of a payload of which the checksum is known: of a spool's record, say. */
void frame_write_header(const struct frame *frame, uint8_t out[static HM_FRAME_HEADER_BYTES]);

/* Append a whole frame. @param payload  at most HM_FRAME_MAX_BYTES - HM_FRAME_HEADER_BYTES */
void frame_put(struct buffer *out, enum hm_frame_type type, const void *payload, size_t length);

#endif
