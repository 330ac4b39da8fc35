/* SPDX-License-Identifier: MIT */
/* A sender of text lines. */

#include "collector/session.h"

#include <errno.h>
#include <string.h>

#include "collector/declarations.h"
#include "hostmetrics/wire.h"

/* The longest line, with the CR that may stand before its newline. */
#define LINE_WITH_CR_MAX_BYTES ((size_t)HM_LINE_MAX_BYTES + 1)

void session_init(struct session *session, const char *default_host)
{
	*session = (struct session){.default_host = {default_host, strlen(default_host)}};
}

void session_done(struct session *session)
{
	buffer_done(&session->partial);
	declarations_free(session->declarations);
	session->declarations = NULL;
}

static enum hm_reason declare(struct session *session, const struct bundle *out)
{
	int result = 0;

	session->has_declared = true;
	if (!session->declarations)
		result = declarations_new(out->declarations, &session->declarations);
	if (result == 0)
		result = declarations_add(session->declarations, &out->key, &out->line);
	if (result == -EINVAL)
		return HM_REASON_BAD_NAME;
	/* Beyond the limits a metric's samples are stored all the same, of unknown kind. */
	if (result == -ENOSPC)
		return HM_REASON_TOO_MANY_DECLARATIONS;
	return result == -ENOMEM ? HM_REASON_NO_MEMORY : HM_REASON_NONE;
}

static enum hm_reason add_sample(struct session *session, struct bundle *out)
{
	struct bundle_meta meta = {0};

	if (session->declarations)
		meta = declarations_find(session->declarations, &out->key,
					 &out->line.series.metric);
	return bundle_add(out, &out->line, session->default_host.start, &meta);
}

/* Is a line of so many bytes too long? A CR at its end belongs to the newline. */
static bool is_too_long(const char *text, size_t length)
{
	return length > LINE_WITH_CR_MAX_BYTES ||
	       (length == LINE_WITH_CR_MAX_BYTES && text[length - 1] != '\r');
}

/* Take one whole line, without its newline. */
static void take_line(struct session *session, const char *text, size_t length, struct bundle *out)
{
	enum hm_reason reason = HM_REASON_LINE_TOO_LONG;

	/* What a session declared goes with each of its samples. */
	if (!session->declarations && bundle_add_known(out, text, length, session->default_host))
		return;
	if (!is_too_long(text, length))
		reason = line_parse(&out->line, text, length, out->now_us);
	if (reason == HM_REASON_NONE && out->line.type == LINE_SAMPLE)
		reason = add_sample(session, out);
	else if (reason == HM_REASON_NONE && out->line.type != LINE_NOTHING)
		reason = declare(session, out);
	if (reason != HM_REASON_NONE)
		rejects_add(out->rejects, reason, text, length);
}

/* Refuse the line that has begun, whatever its rest will be. */
static void discard(struct session *session, enum hm_reason reason, struct bundle *out)
{
	rejects_add(out->rejects, reason, session->partial.data, session->partial.length);
	buffer_done(&session->partial);
	session->is_discarding = true;
}

/* Keep the beginning, or some more, of a line whose end has not come yet. */
static void keep_partial(struct session *session, const char *bytes, size_t length,
			 struct bundle *out)
{
	size_t room = LINE_WITH_CR_MAX_BYTES - session->partial.length;
	bool fits = length <= room;

	if (session->is_discarding)
		return;
	buffer_append(&session->partial, bytes, fits ? length : room);
	if (buffer_failed(&session->partial))
		discard(session, HM_REASON_NO_MEMORY, out);
	else if (!fits)
		discard(session, HM_REASON_LINE_TOO_LONG, out);
}

/* The end of the line that is kept in `partial` has come. */
static void take_partial(struct session *session, struct bundle *out)
{
	struct buffer partial = session->partial;

	session->partial = (struct buffer){0};
	take_line(session, partial.data, partial.length, out);
	buffer_done(&partial);
}

/* Take a line, or what there is of it. @return its bytes, with its newline if it has one */
static size_t take_piece(struct session *session, const char *bytes, size_t length,
			 struct bundle *out)
{
	const char *newline = memchr(bytes, '\n', length);
	size_t piece = newline ? (size_t)(newline - bytes) : length;

	if (!newline) {
		keep_partial(session, bytes, length, out);
		return length;
	}
	if (session->is_discarding || session->partial.length > 0) {
		keep_partial(session, bytes, piece, out);
		if (!session->is_discarding)
			take_partial(session, out);
		session->is_discarding = false;
	} else {
		take_line(session, bytes, piece, out);
	}
	return piece + 1;
}

/* Does a line begin, and is all that there is to know of it in the line? */
static bool is_plain(const struct session *session)
{
	/* What a session declared goes with each of its samples. */
	return !session->declarations && !session->is_discarding && session->partial.length == 0;
}

void session_feed(struct session *session, const char *bytes, size_t length, struct bundle *out)
{
	while (length > 0) {
		size_t n_taken = 0;

		if (is_plain(session))
			n_taken = bundle_add_expected(out, bytes, length, session->default_host);
		if (n_taken == 0)
			n_taken = take_piece(session, bytes, length, out);
		bytes += n_taken;
		length -= n_taken;
	}
}

void session_end(struct session *session, enum session_ending ending, struct bundle *out)
{
	bool counts = ending == SESSION_ENDING_DATAGRAM ||
		      (ending == SESSION_ENDING_CLOSED && !session->has_declared);

	if (counts && session->partial.length > 0)
		take_partial(session, out);
}
