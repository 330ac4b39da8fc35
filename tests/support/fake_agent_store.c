/* SPDX-License-Identifier: MIT */
/* A store for agent sessions that keeps nothing but numbers. */

#include "tests/support/fake_agent_store.h"

#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/wire_gap.h"
#include "common/wire_stamp.h"

static const uint8_t store_id[HM_ID_BYTES] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
					      0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static void check(bool is_true)
{
	if (!is_true)
		abort();
}

static struct fake_agent_epoch *find_epoch(struct fake_agent_store *fake,
					   const struct wire_hello *hello)
{
	struct fake_agent_epoch *epoch;

	for (size_t i = 0; i < fake->n_epochs; i++)
		if (memcmp(fake->epochs[i].epoch, hello->epoch, HM_ID_BYTES) == 0)
			return &fake->epochs[i];
	if (fake->n_epochs == FAKE_AGENT_EPOCHS_MAX)
		return NULL;
	epoch = &fake->epochs[fake->n_epochs++];
	memcpy(epoch->host, hello->host_id, HM_ID_BYTES);
	memcpy(epoch->epoch, hello->epoch, HM_ID_BYTES);
	return epoch;
}

static enum hm_reason on_hello(void *context, const struct wire_hello *hello,
			       const uint8_t *payload, size_t length, struct agent_mark *ret_mark)
{
	struct fake_agent_store *fake = context;
	struct fake_agent_epoch *epoch;
	struct wire_hello again;

	check(wire_hello_get(payload, length, &again) == HM_REASON_NONE);
	check(memcmp(again.epoch, hello->epoch, HM_ID_BYTES) == 0);
	if (fake->refuse != HM_REASON_NONE)
		return fake->refuse;
	pthread_mutex_lock(&fake->lock);
	epoch = find_epoch(fake, hello);
	if (epoch) {
		fake->n_hellos++;
		*ret_mark = (struct agent_mark){.sequence = epoch->durable,
						.crc = epoch->durable ? epoch->crc : 0,
						.epoch = epoch};
		memcpy(ret_mark->store_id, store_id, HM_ID_BYTES);
	}
	pthread_mutex_unlock(&fake->lock);
	return epoch ? HM_REASON_NONE : HM_REASON_TOO_MANY_EPOCHS;
}

/* The first sequence that a message is about. */
static uint64_t first_sequence(enum hm_frame_type type, const uint8_t *payload, size_t length,
			       const struct wire_stamp *stamp)
{
	struct wire_gap gap;

	if (type != HM_FRAME_GAP || wire_gap_get(payload, length, &gap) != HM_REASON_NONE)
		return stamp->sequence;
	return gap.first;
}

/* Note a message whose form was checked. Under the lock. */
static enum hm_reason note(struct fake_agent_store *fake, struct fake_agent_epoch *epoch,
			   enum hm_frame_type type, uint64_t first, uint64_t last)
{
	if (first > epoch->taken + 1)
		return HM_REASON_SEQUENCE_AHEAD;
	if (last <= epoch->taken)
		return HM_REASON_NONE;
	epoch->taken = last;
	fake->n_taken++;
	buffer_printf(&fake->log, "%d %llu %08x\n", (int)type, (unsigned long long)last,
		      epoch->crc);
	if (fake->is_fast)
		epoch->durable = epoch->taken;
	return HM_REASON_NONE;
}

static enum hm_reason on_take(void *context, void *handle, enum hm_frame_type type,
			      const uint8_t *payload, size_t length, uint32_t crc)
{
	struct fake_agent_store *fake = context;
	struct fake_agent_epoch *epoch = handle;
	struct cursor cursor = {.at = payload, .left = length};
	struct wire_stamp stamp;
	enum hm_reason reason;

	check(epoch >= fake->epochs && epoch < fake->epochs + FAKE_AGENT_EPOCHS_MAX);
	check(type == HM_FRAME_DECLARE || type == HM_FRAME_BATCH || type == HM_FRAME_GAP ||
	      type == HM_FRAME_CLOCK || type == HM_FRAME_SCHEDULE);
	check(length + HM_FRAME_HEADER_BYTES <= HM_FRAME_MAX_BYTES);
	check(crc32c(0, payload, length) == crc);
	check(wire_stamp_get(&cursor, &stamp) == HM_REASON_NONE);
	check(memcmp(stamp.host_id, epoch->host, HM_ID_BYTES) == 0 &&
	      memcmp(stamp.epoch, epoch->epoch, HM_ID_BYTES) == 0);
	if (fake->refuse != HM_REASON_NONE)
		return fake->refuse;
	pthread_mutex_lock(&fake->lock);
	if (stamp.sequence > epoch->taken)
		epoch->crc = crc;
	reason = note(fake, epoch, type, first_sequence(type, payload, length, &stamp),
		      stamp.sequence);
	pthread_mutex_unlock(&fake->lock);
	return reason;
}

static uint64_t on_durable(void *context, void *handle)
{
	struct fake_agent_store *fake = context;
	const struct fake_agent_epoch *epoch = handle;
	uint64_t durable;

	check(epoch >= fake->epochs && epoch < fake->epochs + FAKE_AGENT_EPOCHS_MAX);
	pthread_mutex_lock(&fake->lock);
	durable = epoch->durable;
	pthread_mutex_unlock(&fake->lock);
	return durable;
}

void fake_agent_store_init(struct fake_agent_store *fake)
{
	*fake = (struct fake_agent_store){
		.functions = {fake, on_hello, on_take, on_durable},
	};
	pthread_mutex_init(&fake->lock, NULL);
}

void fake_agent_store_done(struct fake_agent_store *fake)
{
	pthread_mutex_destroy(&fake->lock);
	buffer_done(&fake->log);
}

void fake_agent_store_commit(struct fake_agent_store *fake)
{
	pthread_mutex_lock(&fake->lock);
	for (size_t i = 0; i < fake->n_epochs; i++)
		fake->epochs[i].durable = fake->epochs[i].taken;
	pthread_mutex_unlock(&fake->lock);
}
