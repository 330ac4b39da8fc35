/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the collector's half of the native protocol. The first byte says how large the pieces are, the second
 * what happens between them, and whether checksums are mended. The store must see the same however the bytes were
 * cut, and nothing that it may not see (tests/support/fake_agent_store.c); the agent must get WELCOME first, no ACK
 * of what is not durable, and nothing behind an end.
 */

#include "collector/agent_session.h"

#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "tests/fuzz/frames.h"
#include "tests/support/agent_talk.h"

/* Bits of the second byte. */
#define MENDS    1U
#define IS_FAST  2U
#define FINISHES 4U
#define BREAKS   8U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

/* What must hold at any time. */
static void check_talk(struct agent_talk *talk)
{
	const struct agent_session *session = &talk->session;

	check(session->out.length <= session->out.capacity && session->out.capacity <= 256);
	check(session->n_waiting <= AGENT_SESSION_UNACKED_MAX);
	check(session->phase != AGENT_SESSION_GREETING || talk->store.n_hellos == 0);
	check(talk->store.n_hellos <= 1 && talk->store.n_epochs == talk->store.n_hellos);
	if (talk->store.n_epochs > 0)
		check(session->acknowledged <= talk->store.epochs[0].durable);
	check(agent_session_deadline(session) > talk->now_us - AGENT_SESSION_IDLE_US);
	check(session->reader.kept.capacity == 0 ||
	      frame_reader_end(&session->reader) == HM_REASON_FRAME_CUT);
}

/* What came back, in order. */
static void check_words(struct agent_talk *talk)
{
	const char *words = agent_talk_words(talk);
	const char *end = strstr(words, "ERROR ");

	check(!strstr(words, "DAMAGED"));
	if (!end)
		end = strstr(words, "BYE ");
	check(!end || strchr(end, '\n') == end + strlen(end) - 1);
	check(!strstr(words, "ACK ") || memcmp(words, "WELCOME ", 8) == 0);
	check((talk->store.n_hellos == 0) == !strstr(words, "WELCOME "));
}

/* What goes on beside the bytes, by a number that the bytes decide. */
static void happen(struct agent_talk *talk, uint32_t number)
{
	switch (number % 8) {
	case 0:
		agent_talk_commit(talk);
		break;
	case 1:
		agent_talk_wait(talk, (int64_t)(number >> 8) * 100);
		break;
	case 2:
		agent_talk_take(talk, 1 + (number >> 8) % 30);
		break;
	case 3:
		if (number % 4096 == 3)
			agent_session_end(&talk->session, HM_REASON_REPLACED, talk->now_us);
		break;
	default:
		break;
	}
}

static void feed(struct agent_talk *talk, const uint8_t *data, size_t n_bytes, size_t piece,
		 bool is_eventful)
{
	for (size_t at = 0; at < n_bytes; at += piece) {
		size_t n = n_bytes - at < piece ? n_bytes - at : piece;

		agent_talk_feed(talk, data + at, n);
		if (is_eventful)
			happen(talk, crc32c((uint32_t)at, data + at, n));
		check_talk(talk);
	}
}

static void finish(struct agent_talk *talk, uint8_t flags)
{
	if (flags & FINISHES)
		agent_session_finish(&talk->session, flags & BREAKS, talk->now_us);
	agent_talk_commit(talk);
	check_talk(talk);
	check(!(flags & FINISHES) || talk->session.phase == AGENT_SESSION_OVER);
	check_words(talk);
	/* However it went, it comes to an end. */
	for (int i = 0; i < 3 && talk->session.phase != AGENT_SESSION_OVER; i++)
		agent_talk_wait(talk, AGENT_SESSION_IDLE_US);
	check(talk->session.phase == AGENT_SESSION_OVER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct agent_talk talks[3];
	uint8_t *copy;
	size_t n;

	if (n_bytes < 3)
		return 0;
	n = n_bytes - 2;
	copy = malloc(n);
	check(copy != NULL);
	memcpy(copy, data + 2, n);
	if (data[1] & MENDS)
		frames_mend(copy, n);
	for (int i = 0; i < 3; i++) {
		agent_talk_init(&talks[i]);
		talks[i].store.is_fast = data[1] & IS_FAST;
		feed(&talks[i], copy, n, i == 0 ? n : 1 + data[0] % 100U, i == 2);
		finish(&talks[i], data[1]);
	}
	if (!(data[1] & IS_FAST)) {
		check(talks[0].session.reason == talks[1].session.reason);
		check(strcmp(buffer_text(&talks[0].store.log), buffer_text(&talks[1].store.log)) ==
		      0);
	}
	for (int i = 0; i < 3; i++)
		agent_talk_done(&talks[i]);
	free(copy);
	return 0;
}
