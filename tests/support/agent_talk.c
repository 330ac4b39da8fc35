/* SPDX-License-Identifier: MIT */
/* A session of an agent, without a connection. */

#include "tests/support/agent_talk.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/agent_side.h"

/* The collector's clock in the example of docs/protocol.md. */
#define CLOCK_US INT64_C(1795416400001500)

static void begin(struct agent_talk *talk)
{
	if (agent_session_init(&talk->session, &talk->store.functions, talk->now_us) < 0)
		abort();
}

void agent_talk_init(struct agent_talk *talk)
{
	*talk = (struct agent_talk){.now_us = 1000};
	fake_agent_store_init(&talk->store);
	begin(talk);
}

void agent_talk_done(struct agent_talk *talk)
{
	agent_session_done(&talk->session);
	fake_agent_store_done(&talk->store);
	buffer_done(&talk->came);
	buffer_done(&talk->words);
}

void agent_talk_again(struct agent_talk *talk)
{
	agent_session_done(&talk->session);
	buffer_clear(&talk->came);
	talk->n_read = 0;
	begin(talk);
}

void agent_talk_feed(struct agent_talk *talk, const void *bytes, size_t length)
{
	uint8_t *exact = malloc(length + !length);

	if (!exact)
		abort();
	if (length > 0)
		memcpy(exact, bytes, length);
	agent_session_feed(&talk->session, exact, length, talk->now_us, CLOCK_US);
	free(exact);
	agent_talk_take(talk, SIZE_MAX);
}

void agent_talk_feed_buffer(struct agent_talk *talk, const struct buffer *bytes)
{
	agent_talk_feed(talk, bytes->data, bytes->length);
}

void agent_talk_take(struct agent_talk *talk, size_t piece)
{
	const void *output;
	size_t length;

	while ((output = agent_session_output(&talk->session, talk->now_us, &length))) {
		if (length > piece)
			length = piece;
		buffer_append(&talk->came, output, length);
		agent_session_sent(&talk->session, length, talk->now_us);
	}
}

void agent_talk_commit(struct agent_talk *talk)
{
	fake_agent_store_commit(&talk->store);
	agent_session_acknowledge(&talk->session, talk->now_us);
	agent_talk_take(talk, SIZE_MAX);
}

void agent_talk_wait(struct agent_talk *talk, int64_t us)
{
	talk->now_us += us;
	agent_session_check(&talk->session, talk->now_us);
	agent_talk_take(talk, SIZE_MAX);
}

const char *agent_talk_words(struct agent_talk *talk)
{
	struct buffer rest = {0};

	if (talk->came.length > talk->n_read)
		buffer_append(&rest, talk->came.data + talk->n_read,
			      talk->came.length - talk->n_read);
	buffer_clear(&talk->words);
	agent_side_read(&rest, &talk->words);
	talk->n_read = talk->came.length - rest.length;
	buffer_done(&rest);
	return buffer_text(&talk->words);
}
