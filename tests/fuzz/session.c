/* SPDX-License-Identifier: MIT */
/* A sender's bytes: the same samples and rejects come out however they are cut into pieces. */

#include "collector/session.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sample_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Feed `text` in pieces of `piece` bytes. */
static void feed(const char *text, size_t length, size_t piece, enum session_ending ending,
		 struct buffer *out)
{
	struct session session;
	struct bundle bundle;

	sample_lines_init(&bundle);
	session_init(&session, SAMPLE_LINES_HOST);
	for (size_t done = 0; done < length; done += piece)
		session_feed(&session, text + done, length - done < piece ? length - done : piece,
			     &bundle);
	session_end(&session, ending, &bundle);
	sample_lines_format(&bundle, out);
	for (int i = 1; i < HM_REASON_COUNT; i++) {
		struct reject reject;

		rejects_get(bundle.rejects, (enum hm_reason)i, &reject);
		buffer_printf(out, "%d: %d\n", i, (int)reject.n);
	}
	session_done(&session);
	sample_lines_done(&bundle);
}

/* The first byte says how the session ends, the second how large the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer whole = {0};
	struct buffer pieces = {0};
	const char *text = (const char *)data + 2;
	enum session_ending ending;

	if (size < 3)
		return 0;
	ending = (enum session_ending)(data[0] % 3);
	size -= 2;
	feed(text, size, size, ending, &whole);
	feed(text, size, 1 + data[1] % 64u, ending, &pieces);
	if (whole.length != pieces.length ||
	    (whole.length > 0 && memcmp(whole.data, pieces.data, whole.length) != 0))
		abort();
	buffer_done(&whole);
	buffer_done(&pieces);
	return 0;
}
