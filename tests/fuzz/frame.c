/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: frames. The first byte says how large the pieces are, the second how long a frame may be.
 * The same frames and the same damage must come out as from all bytes at once, and what was a frame
 * must be one again. Checksums are mended first where the third byte says so, or nothing would get behind them.
 */

#include "common/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/frames.h"

/* What a buffer takes at least. */
#define LEAST_BYTES ((size_t)256)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

/* What came out. */
struct outcome {
	struct buffer frames;
	enum hm_reason reason;
};

static void feed(const uint8_t *data, size_t n_bytes, size_t piece, size_t max_bytes,
		 struct outcome *outcome)
{
	struct frame_reader reader = {.max_bytes = max_bytes};
	int result = -EAGAIN;

	for (size_t at = 0; at < n_bytes && result == -EAGAIN; at += piece) {
		size_t n = n_bytes - at < piece ? n_bytes - at : piece;
		uint8_t *exact = malloc(n);
		struct cursor cursor = {.at = exact, .left = n};
		struct frame frame;

		check(exact != NULL);
		memcpy(exact, data + at, n);
		while ((result = frame_reader_next(&reader, &cursor, &frame)) == 0) {
			check(frame.length + HM_FRAME_HEADER_BYTES <= max_bytes);
			frame_put(&outcome->frames, frame.type, frame.payload, frame.length);
		}
		check(result == -EAGAIN ? cursor.left == 0 : result == -EBADMSG);
		check(reader.kept.capacity <= 2 * max_bytes + LEAST_BYTES);
		free(exact);
	}
	outcome->reason = frame_reader_end(&reader);
	check(result == -EAGAIN || outcome->reason != HM_REASON_NONE);
	frame_reader_done(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct outcome whole = {.reason = HM_REASON_NONE};
	struct outcome pieces = {.reason = HM_REASON_NONE};
	size_t max_bytes, n;
	uint8_t *copy;

	if (n_bytes < 4)
		return 0;
	max_bytes = HM_FRAME_HEADER_BYTES + (size_t)data[1] * data[1] * 4;
	n = n_bytes - 3;
	copy = malloc(n);
	check(copy != NULL);
	memcpy(copy, data + 3, n);
	if (data[2] & 1)
		frames_mend(copy, n);
	feed(copy, n, n, max_bytes, &whole);
	feed(copy, n, 1 + data[0] % 100U, max_bytes, &pieces);
	check(!buffer_failed(&whole.frames) && !buffer_failed(&pieces.frames));
	check(whole.reason == pieces.reason && whole.frames.length == pieces.frames.length);
	check(whole.frames.length <= n);
	if (whole.frames.length > 0) {
		check(memcmp(whole.frames.data, pieces.frames.data, whole.frames.length) == 0);
		check(memcmp(whole.frames.data, copy, whole.frames.length) == 0);
	}
	buffer_done(&whole.frames);
	buffer_done(&pieces.frames);
	free(copy);
	return 0;
}
