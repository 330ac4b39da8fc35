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

/* What the engine does with the samples of a bundle that it does not know. */
static void find_series(struct bundle *bundle, struct catalog *catalog)
{
	for (size_t i = 0; i < bundle->n_samples; i++) {
		struct bundle_sample *sample = &bundle->samples[i];
		struct identity identity = bundle_identity(bundle, sample);

		if (sample->series)
			continue;
		sample->series = catalog_find(catalog, &identity);
		if (!sample->series &&
		    catalog_add(catalog, &identity, CATALOG_NEXT_ID, &sample->series) < 0)
			abort();
	}
}

/* Feed it twice: the second time the names of most samples are known. */
static void feed_known(const char *text, size_t length, enum session_ending ending,
		       struct buffer *out)
{
	struct catalog catalog;
	struct session session;
	struct bundle bundle;

	sample_lines_init(&bundle);
	catalog_init(&catalog, &bundle.key);
	bundle.names = name_cache_new(&bundle.key, 8);
	for (int round = 0; round < 2; round++) {
		find_series(&bundle, &catalog);
		bundle_clear(&bundle);
		session_init(&session, SAMPLE_LINES_HOST);
		session_feed(&session, text, length, &bundle);
		session_end(&session, ending, &bundle);
		session_done(&session);
	}
	sample_lines_format(&bundle, out);
	name_cache_free(bundle.names);
	catalog_done(&catalog);
	sample_lines_done(&bundle);
}

static void check_known(const char *text, size_t length, enum session_ending ending)
{
	struct buffer first = {0};
	struct buffer known = {0};
	struct bundle bundle;
	struct session session;

	sample_lines_init(&bundle);
	session_init(&session, SAMPLE_LINES_HOST);
	session_feed(&session, text, length, &bundle);
	session_end(&session, ending, &bundle);
	sample_lines_format(&bundle, &first);
	session_done(&session);
	sample_lines_done(&bundle);
	feed_known(text, length, ending, &known);
	if (first.length != known.length ||
	    (first.length > 0 && memcmp(first.data, known.data, first.length) != 0))
		abort();
	buffer_done(&first);
	buffer_done(&known);
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
	check_known(text, size, ending);
	feed(text, size, size, ending, &whole);
	feed(text, size, 1 + data[1] % 64u, ending, &pieces);
	if (whole.length != pieces.length ||
	    (whole.length > 0 && memcmp(whole.data, pieces.data, whole.length) != 0))
		abort();
	buffer_done(&whole);
	buffer_done(&pieces);
	return 0;
}
