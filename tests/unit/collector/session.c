/* SPDX-License-Identifier: MIT */
/* Tests of a sender's session. */

#include "collector/session.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostmetrics/wire.h"
#include "tests/support/sample_lines.h"

static const char everything[] = "# TYPE node_load1 gauge\n"
				 "# UNIT node_load1 processes\r\n"
				 "1795416401.25 node_load1{host=\"web\"} 0.5\n"
				 "\n"
				 "# a comment\n"
				 "a.b.c 3.53 1795416401\r\n"
				 "x{l=\"a \\\" \\\\ b\"}\t7 -1\n"
				 "one bad line too many\n"
				 "y nan\n"
				 "z;host=other;k=v 1e3\n"
				 "last 9";

static struct bundle bundle;
static struct session session;

static void setup(void)
{
	sample_lines_init(&bundle);
	session_init(&session, SAMPLE_LINES_HOST);
}

static void teardown(void)
{
	session_done(&session);
	sample_lines_done(&bundle);
}

TestSuite(session, .init = setup, .fini = teardown);

static void feed(const char *text)
{
	session_feed(&session, text, strlen(text), &bundle);
}

static uint64_t rejected(enum hm_reason reason)
{
	struct reject reject;

	rejects_get(bundle.rejects, reason, &reject);
	return reject.n;
}

/* What comes out of `text` in pieces that end at `first`, `second` and its end. */
static void run(const char *text, size_t length, size_t first, size_t second, struct buffer *out)
{
	struct bundle mine;
	struct session pieces;

	sample_lines_init(&mine);
	session_init(&pieces, SAMPLE_LINES_HOST);
	session_feed(&pieces, text, first, &mine);
	session_feed(&pieces, text + first, second - first, &mine);
	session_feed(&pieces, text + second, length - second, &mine);
	session_end(&pieces, SESSION_ENDING_DATAGRAM, &mine);
	sample_lines_format(&mine, out);
	buffer_printf(out, "%d rejected\n", (int)rejects_total(mine.rejects));
	session_done(&pieces);
	sample_lines_done(&mine);
}

Test(session, takes_lines_of_every_form)
{
	struct buffer out = {0};

	run(everything, strlen(everything), 0, 0, &out);

	cr_assert_str_eq(buffer_text(&out), "1795416401250000 web node_load1 0.5 1 processes\n"
					    "1795416401000000 here a.b.c 3.53 0 \n"
					    "1795416401000000 here x{l=\"a \\\" \\\\ b\"} 7 0 \n"
					    "1795416401000000 other z{k=\"v\"} 1000 0 \n"
					    "1795416401000000 here last 9 0 \n"
					    "2 rejected\n");
	buffer_done(&out);
}

Test(session, gives_the_same_lines_at_every_split)
{
	size_t length = strlen(everything);
	struct buffer whole = {0};

	run(everything, length, 0, 0, &whole);
	for (size_t first = 0; first <= length; first++) {
		for (size_t second = first; second <= length; second += 1 + first % 5) {
			struct buffer pieces = {0};

			run(everything, length, first, second, &pieces);
			cr_assert_str_eq(buffer_text(&pieces), buffer_text(&whole), "%zu, %zu",
					 first, second);
			buffer_done(&pieces);
		}
	}
	buffer_done(&whole);
}

Test(session, gives_the_same_lines_byte_by_byte)
{
	struct buffer whole = {0};
	struct buffer bytes = {0};

	run(everything, strlen(everything), 0, 0, &whole);
	for (const char *at = everything; *at; at++)
		session_feed(&session, at, 1, &bundle);
	session_end(&session, SESSION_ENDING_DATAGRAM, &bundle);
	sample_lines_format(&bundle, &bytes);
	buffer_append_text(&bytes, "2 rejected\n");

	cr_assert_str_eq(buffer_text(&bytes), buffer_text(&whole));
	buffer_done(&whole);
	buffer_done(&bytes);
}

/* What the engine does with the samples of a bundle that it does not know. */
static void find_series(struct bundle *mine, struct catalog *catalog)
{
	for (size_t i = 0; i < mine->n_samples; i++) {
		struct bundle_sample *sample = &mine->samples[i];
		struct identity identity = bundle_identity(mine, sample);

		if (sample->series)
			continue;
		sample->series = catalog_find(catalog, &identity);
		if (!sample->series) {
			cr_assert_eq(
				catalog_add(catalog, &identity, CATALOG_NEXT_ID, &sample->series),
				0);
		}
	}
}

/* What comes out of `text` in pieces that end at `cut` and its end, three times in turn. */
static void run_again(const char *text, bool has_names, size_t cut, struct buffer *out)
{
	struct catalog catalog;
	struct bundle mine;
	struct session pieces;

	sample_lines_init(&mine);
	catalog_init(&catalog, &mine.key);
	mine.names = has_names ? name_cache_new(&mine.key, 8) : NULL;
	for (int round = 0; round < 3; round++) {
		session_init(&pieces, SAMPLE_LINES_HOST);
		session_feed(&pieces, text, cut, &mine);
		session_feed(&pieces, text + cut, strlen(text) - cut, &mine);
		session_end(&pieces, SESSION_ENDING_CLOSED, &mine);
		session_done(&pieces);
		sample_lines_format(&mine, out);
		find_series(&mine, &catalog);
		bundle_clear(&mine);
	}
	buffer_printf(out, "%d rejected\n", (int)rejects_total(mine.rejects));
	name_cache_free(mine.names);
	catalog_done(&catalog);
	sample_lines_done(&mine);
}

Test(session, gives_the_same_lines_at_every_split_where_their_names_are_known)
{
	static const char text[] =
		"1795416401 a{b=\"c d\"} 5\n1795416401 a{b=\"c e\"} 6\r\n1795416401 a 7\n"
		"1795416401 a 7.5 \n1795416402 a{b=\"c d\"} 8\na{b=\"c d\"} 9 1795416402\r\n"
		"a{b=\"c e\"} 10 1795416403\na{b=\"c e\"} 11 17954164031\na 12\na 1e3 1795416403\n"
		"a 9007199254740993 1795416403\na nan 1795416403\na 1 2 1795416403\na  1 -1\n\na 13";
	struct buffer all = {0};

	run_again(text, false, 0, &all);
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		struct buffer pieces = {0};

		run_again(text, true, cut, &pieces);
		cr_assert_str_eq(buffer_text(&pieces), buffer_text(&all), "%zu", cut);
		buffer_done(&pieces);
	}
	buffer_done(&all);
}

Test(session, takes_an_unterminated_last_line_when_a_person_closes)
{
	feed("a 1\nb 2");
	session_end(&session, SESSION_ENDING_CLOSED, &bundle);

	cr_assert_eq(bundle.n_samples, 2);
}

Test(session, drops_an_unterminated_last_line_after_a_reset)
{
	feed("a 1\nb 2");
	session_end(&session, SESSION_ENDING_BROKEN, &bundle);

	cr_assert_eq(bundle.n_samples, 1);
	cr_assert_eq(rejects_total(bundle.rejects), 0);
}

Test(session, drops_an_unterminated_last_line_of_a_sender_that_declares)
{
	feed("# TYPE a counter\na 1\na 12");
	session_end(&session, SESSION_ENDING_CLOSED, &bundle);

	cr_assert_eq(bundle.n_samples, 1);
	cr_assert_eq(rejects_total(bundle.rejects), 0);
}

Test(session, takes_the_last_line_of_a_datagram_that_declares)
{
	feed("# UNIT a bytes\na 1");
	session_end(&session, SESSION_ENDING_DATAGRAM, &bundle);

	cr_assert_eq(bundle.n_samples, 1);
	cr_assert_str_eq(bundle_unit(&bundle, &bundle.samples[0]), "bytes");
}

Test(session, keeps_no_memory_without_a_line_that_has_begun)
{
	feed("a 1\nb");
	cr_assert_not_null(session.partial.data);

	feed(" 2\n");

	cr_assert_null(session.partial.data);
	cr_assert_eq(bundle.n_samples, 2);
}

/* A line of `length` bytes that would be good if it were not for that. */
static char *long_line(size_t length, const char *ending)
{
	char *text;

	cr_assert_gt(asprintf(&text, "a%*s%s", (int)length - 1, "1", ending), 0);
	return text;
}

static void feed_long_line(size_t length, const char *ending)
{
	char *text = long_line(length, ending);

	feed(text);
	free(text);
}

Test(session, takes_the_longest_line_with_either_ending)
{
	feed_long_line(HM_LINE_MAX_BYTES, "\n");
	feed_long_line(HM_LINE_MAX_BYTES, "\r\n");
	feed_long_line(HM_LINE_MAX_BYTES, "\r");
	feed("\n");

	cr_assert_eq(bundle.n_samples, 3);
	cr_assert_eq(rejects_total(bundle.rejects), 0);
}

Test(session, counts_a_line_over_the_limit_once_and_goes_on)
{
	feed_long_line(HM_LINE_MAX_BYTES + 1, "\nb 2\n");
	feed_long_line(HM_LINE_MAX_BYTES + 1, "\r\nb 2\n");
	feed_long_line((size_t)20 * HM_LINE_MAX_BYTES, "");
	cr_assert_null(session.partial.data, "a line that is refused takes no memory");
	feed_long_line((size_t)20 * HM_LINE_MAX_BYTES, "");
	feed(" c 5\nb 2\n");

	cr_assert_eq(bundle.n_samples, 3);
	cr_assert_eq(rejected(HM_REASON_LINE_TOO_LONG), 3);
	cr_assert_eq(rejects_total(bundle.rejects), 3);
}

Test(session, counts_a_line_over_the_limit_the_same_at_every_split)
{
	char *text = long_line(HM_LINE_MAX_BYTES + 1, "\nb 2\n");
	size_t length = strlen(text);

	for (size_t first = 0; first <= length;
	     first += first < 4 || first > length - 16 ? 1 : 61) {
		struct buffer out = {0};

		run(text, length, first, length - 7 > first ? length - 7 : first, &out);
		cr_assert_str_eq(buffer_text(&out), "1795416401000000 here b 2 0 \n1 rejected\n",
				 "%zu", first);
		buffer_done(&out);
	}
	free(text);
}

Test(session, counts_an_unterminated_last_line_over_the_limit)
{
	feed_long_line(HM_LINE_MAX_BYTES + 1, "");
	session_end(&session, SESSION_ENDING_CLOSED, &bundle);

	cr_assert_eq(bundle.n_samples, 0);
	cr_assert_eq(rejected(HM_REASON_LINE_TOO_LONG), 1);
}

Test(session, counts_declarations_beyond_the_limit_and_takes_the_samples)
{
	char text[64];

	for (int i = 0; i < 5000; i++) {
		(void)snprintf(text, sizeof(text), "# TYPE m%d counter\n", i);
		feed(text);
	}
	feed("m1 1\nm4999 1\n");

	cr_assert_eq(rejected(HM_REASON_TOO_MANY_DECLARATIONS), 5000 - 4096);
	cr_assert_eq(bundle.samples[0].kind, HM_STORED_COUNTER);
	cr_assert_eq(bundle.samples[1].kind, HM_STORED_UNKNOWN);
}

Test(session, survives_bytes_of_every_kind)
{
	char bytes[256 * 4];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i % 3 ? i * 7 : i / 3);
	session_feed(&session, bytes, sizeof(bytes), &bundle);
	feed("\nb 2\n");

	cr_assert_eq(bundle.n_samples, 1);
}
