/* SPDX-License-Identifier: MIT */
/* The store as sessions of agents know it. */

#include "collector/store_agents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/intake.h"
#include "collector/store.h"

/* So often, and so long, the answer to HELLO waits for the disk; then the agent is to try again. */
#define HELLO_TRIES   3
#define HELLO_WAIT_MS 30

struct store_agents {
	struct agent_store table;
	struct store *store;
	struct intake *intake;
};

static enum hm_reason hello(void *context, const struct wire_hello *hello, const uint8_t *payload,
			    size_t length, struct agent_mark *ret_mark)
{
	struct store_agents *agents = context;
	struct intake_mark mark;
	enum hm_reason reason = intake_hello(agents->intake, hello, &mark);

	(void)payload;
	(void)length;
	/* The session before has just ended, and what it sent is being written. */
	for (int i = 0; i < HELLO_TRIES && reason == HM_REASON_STORE_FAILED; i++) {
		if (store_wait_commit(agents->store, HELLO_WAIT_MS) < 0)
			break;
		reason = intake_hello(agents->intake, hello, &mark);
	}
	if (reason != HM_REASON_NONE)
		return reason;
	*ret_mark = (struct agent_mark){
		.sequence = mark.sequence,
		.crc = mark.crc,
		.n_series = mark.n_series,
		.epoch = mark.epoch,
	};
	memcpy(ret_mark->store_id, mark.store_id, HM_ID_BYTES);
	return HM_REASON_NONE;
}

static enum hm_reason take(void *context, void *epoch, enum hm_frame_type type,
			   const uint8_t *payload, size_t length, uint32_t crc)
{
	struct store_agents *agents = context;
	enum hm_reason reason = intake_take(agents->intake, epoch, type, payload, length, crc);

	if (reason == HM_REASON_NONE)
		store_note_messages(agents->store);
	return reason;
}

static uint64_t durable(void *context, void *epoch)
{
	struct store_agents *agents = context;

	return intake_durable(store_engine(agents->store), epoch);
}

int store_agents_new(struct store *store, struct store_agents **ret_agents)
{
	struct store_agents *agents = calloc(1, sizeof(*agents));

	if (!agents)
		return -ENOMEM;
	if (intake_new(store_engine(store), &agents->intake) < 0) {
		free(agents);
		return -ENOMEM;
	}
	agents->store = store;
	agents->table = (struct agent_store){agents, hello, take, durable};
	*ret_agents = agents;
	return 0;
}

void store_agents_free(struct store_agents *agents)
{
	if (!agents)
		return;
	intake_free(agents->intake);
	free(agents);
}

const struct agent_store *store_agents_table(const struct store_agents *agents)
{
	return &agents->table;
}
