/* SPDX-License-Identifier: MIT */
/* What is right of a spool in its world, and a collector. */

#include "tests/support/spool_oracle.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/wire_gap.h"

void oracle_complain(struct world *world, const char *format, ...)
{
	va_list arguments;

	if (world->problem[0])
		return;
	va_start(arguments, format);
	(void)vsnprintf(world->problem, sizeof(world->problem), format, arguments);
	va_end(arguments);
}

static unsigned find_epoch(struct world *world, const uint8_t *id)
{
	unsigned i = 0;

	while (i < world->n_epochs && memcmp(world->epochs[i].id, id, HM_ID_BYTES) != 0)
		i++;
	if (i == WORLD_EPOCHS_MAX) {
		oracle_complain(world, "too many epochs");
		return 0;
	}
	if (i == world->n_epochs) {
		world->epochs[i] = (struct world_stored){.mark = 0};
		memcpy(world->epochs[i].id, id, HM_ID_BYTES);
		world->n_epochs++;
	}
	return i;
}

/* -- what is in a message ---------------------------------------------------------------------- */

/* A BATCH's body: how many ticks, and their numbers. */
static uint64_t count_batch(const struct spool_message *message)
{
	return (message->payload_bytes - HM_STAMP_BYTES) / sizeof(uint64_t);
}

static uint64_t batch_tick(const struct spool_message *message, uint64_t i)
{
	uint64_t number;

	memcpy(&number, message->payload + HM_STAMP_BYTES + i * sizeof(number), sizeof(number));
	return number <= WORLD_TICKS_MAX ? number : 0;
}

static void mark_gap(struct world *world, const struct wire_gap *gap)
{
	for (uint64_t i = 1; i <= WORLD_TICKS_MAX; i++)
		world->ticks[i].is_gap |= (int64_t)i >= gap->first_us && (int64_t)i <= gap->last_us;
}

/* May a GAP stand for it? Damage takes anything. */
static void check_gone(struct world *world, unsigned epoch, const struct world_known *known)
{
	if (world->is_rotten)
		return;
	if (known->type == HM_FRAME_DECLARE)
		oracle_complain(world, "a GAP stands for a DECLARE");
	if ((known->type == HM_FRAME_CLOCK || known->type == HM_FRAME_SCHEDULE) &&
	    known->sequence > world->epochs[epoch].mark)
		oracle_complain(world, "a GAP stands for a CLOCK or SCHEDULE");
}

/* A GAP stands for batches, and acknowledged CLOCKs and SCHEDULEs, and says how many samples they had. */
static void check_gap(struct world *world, unsigned epoch, const struct wire_gap *gap)
{
	uint64_t n_samples = 0;
	uint64_t n_seen = 0;

	for (unsigned i = 0; i < world->n_known; i++) {
		const struct world_known *known = &world->known[i];

		if (known->epoch != epoch || known->sequence < gap->first ||
		    known->sequence > gap->stamp.sequence)
			continue;
		n_seen += known->type != HM_FRAME_GAP;
		for (uint64_t k = known->first_tick; k > 0 && k <= known->last_tick; k++)
			world->ticks[k].is_gap = true;
		n_samples += known->type == HM_FRAME_BATCH ? known->n_samples : 0;
		check_gone(world, epoch, known);
	}
	/* Damage takes anything, and nobody knows how much it was. */
	if (world->is_rotten && gap->n_samples == 0)
		return;
	/* Of what is stored it need not know. */
	if (gap->n_samples == 0 && gap->stamp.sequence <= world->epochs[epoch].mark)
		return;
	if (n_seen == gap->stamp.sequence - gap->first + 1 && gap->n_samples != n_samples)
		oracle_complain(world, "a GAP of %llu samples says %llu",
				(unsigned long long)n_samples, (unsigned long long)gap->n_samples);
}

static void check_known(struct world *world, unsigned epoch, const struct spool_message *message)
{
	uint64_t n = message->type == HM_FRAME_BATCH ? count_batch(message) : 0;

	for (uint64_t i = 0; i < n; i++)
		world->ticks[batch_tick(message, i)].is_batched = true;
	for (unsigned i = 0; i < world->n_known; i++) {
		const struct world_known *known = &world->known[i];

		if (known->epoch != epoch || known->sequence != message->sequence)
			continue;
		if (message->type != HM_FRAME_GAP && message->crc != known->crc)
			oracle_complain(world, "sequence %llu has another content",
					(unsigned long long)message->sequence);
		return;
	}
	if (world->n_known == WORLD_KNOWN_MAX)
		return;
	world->known[world->n_known++] = (struct world_known){
		.epoch = epoch,
		.sequence = message->sequence,
		.crc = message->crc,
		.type = message->type,
		.n_samples = n,
		.first_tick = n > 0 ? batch_tick(message, 0) : 0,
		.last_tick = n > 0 ? batch_tick(message, n - 1) : 0,
	};
}

/* -- the collector ----------------------------------------------------------------------------- */

static void store_message(struct world *world, unsigned epoch, const struct spool_message *message)
{
	struct world_stored *stored = &world->epochs[epoch];
	struct wire_gap gap = {.first = message->sequence};

	if (message->type == HM_FRAME_GAP) {
		if (wire_gap_get(message->payload, message->payload_bytes, &gap) != HM_REASON_NONE)
			oracle_complain(world, "a GAP is none");
		check_gap(world, epoch, &gap);
		mark_gap(world, &gap);
	}
	if (gap.first > stored->mark + 1)
		oracle_complain(world, "sequence %llu comes after %llu",
				(unsigned long long)gap.first, (unsigned long long)stored->mark);
	if (message->type == HM_FRAME_BATCH) {
		for (uint64_t i = 0; i < count_batch(message); i++)
			world->ticks[batch_tick(message, i)].n_stored++;
	}
	stored->mark = message->sequence;
	stored->crc = message->crc;
}

/* The collector has something else: what it may have of the epoch must not come again. */
static void move_epoch(struct world *world, const uint8_t *id, struct world_stored *stored)
{
	int result = spool_new_epoch(world->spool, id, stored->mark);

	if (result < 0 && result != -EAGAIN)
		oracle_complain(world, "no new epoch: %d", result);
}

void oracle_collide(struct world *world)
{
	struct spool_epoch_info info;

	if (spool_get_epoch(world->spool, 0, &info) < 0)
		return;
	world->epochs[find_epoch(world, info.id)].is_other = true;
	move_epoch(world, info.id, &world->epochs[find_epoch(world, info.id)]);
}

/* Has a GAP taken the place of the collector's last message? */
static bool is_mark_in_gap(struct world *world, const struct spool_epoch_info *info, uint64_t mark)
{
	struct spool_message message;

	return mark > info->acked && spool_next(world->spool, info->id, mark - 1, &message) == 0 &&
	       message.type == HM_FRAME_GAP;
}

/* The spool is told what the collector has. @return false: the epoch is not what it was any more */
static bool tell_mark(struct world *world, size_t i, struct spool_epoch_info *info, bool is_acked)
{
	struct world_stored *stored = &world->epochs[find_epoch(world, info->id)];

	if (spool_compare(world->spool, info->id, stored->mark, stored->crc) == -ESTALE) {
		/* Damage may take what was used last; and what a GAP hides may be another's. */
		if (world->is_rotten || is_mark_in_gap(world, info, stored->mark)) {
			stored->is_other = true;
			move_epoch(world, info->id, stored);
			return false;
		}
		oracle_complain(world, "the collector's %llu is said to be other",
				(unsigned long long)stored->mark);
	}
	if (stored->mark <= info->acked || !is_acked)
		return true;
	spool_acked(world->spool, info->id, stored->mark);
	/* It may be the next one now. */
	return spool_get_epoch(world->spool, i, info) == 0 &&
	       !world->epochs[find_epoch(world, info->id)].is_other;
}

static void deliver_some(struct world *world, const struct spool_epoch_info *info,
			 unsigned n_messages, bool is_acked)
{
	unsigned epoch = find_epoch(world, info->id);
	struct world_stored *stored = &world->epochs[epoch];
	struct spool_message message;

	for (unsigned i = 0; i < n_messages; i++) {
		if (spool_next(world->spool, info->id, stored->mark, &message) < 0)
			break;
		check_known(world, epoch, &message);
		store_message(world, epoch, &message);
	}
	if (is_acked)
		spool_acked(world->spool, info->id, stored->mark);
}

/* A session: of the oldest epoch that has something to be sent. */
void oracle_deliver(struct world *world, unsigned n_messages, bool is_acked)
{
	struct spool_epoch_info info;

	for (size_t i = 0; spool_get_epoch(world->spool, i, &info) == 0; i++) {
		struct world_stored *stored = &world->epochs[find_epoch(world, info.id)];

		if (stored->is_other) {
			move_epoch(world, info.id, stored);
			return;
		}
		if (!tell_mark(world, i, &info, is_acked))
			return;
		stored = &world->epochs[find_epoch(world, info.id)];
		if (stored->mark >= info.last)
			continue;
		deliver_some(world, &info, n_messages, is_acked);
		return;
	}
}

/* -- looking at the spool ---------------------------------------------------------------------- */

/* A message follows the one before. */
static void check_next(struct world *world, unsigned epoch, uint64_t after,
		       const struct spool_message *message)
{
	struct wire_gap gap = {.first = message->sequence};

	check_known(world, epoch, message);
	if (message->type == HM_FRAME_GAP &&
	    wire_gap_get(message->payload, message->payload_bytes, &gap) == 0) {
		check_gap(world, epoch, &gap);
		mark_gap(world, &gap);
	}
	if (gap.first != after + 1 && !world->epochs[epoch].is_other)
		oracle_complain(world, "a hole before %llu", (unsigned long long)gap.first);
}

/* Count what an epoch has of each tick that the collector has not. */
static void count_epoch(struct world *world, const struct spool_epoch_info *info, uint8_t *held)
{
	unsigned epoch = find_epoch(world, info->id);
	struct spool_message message;
	uint64_t after = 0;

	while (spool_next(world->spool, info->id, after, &message) == 0) {
		check_next(world, epoch, after, &message);
		after = message.sequence;
		if (message.type != HM_FRAME_BATCH || after <= world->epochs[epoch].mark)
			continue;
		for (uint64_t k = 0; k < count_batch(&message); k++)
			held[batch_tick(&message, k)]++;
	}
	if (after != info->last)
		oracle_complain(world, "the last is %llu, not %llu", (unsigned long long)after,
				(unsigned long long)info->last);
}

static void count_held(struct world *world, uint8_t *held)
{
	struct spool_epoch_info info;
	struct spool_tick tick;
	uint64_t number;

	for (size_t i = 0; spool_get_tick(world->spool, i, &tick) == 0; i++) {
		memcpy(&number, tick.payload, sizeof(number));
		held[number <= WORLD_TICKS_MAX ? number : 0]++;
	}
	for (size_t i = 0; spool_get_epoch(world->spool, i, &info) == 0; i++)
		count_epoch(world, &info, held);
}

void oracle_check_limits(struct world *world)
{
	struct spool_status status;

	spool_get_status(world->spool, &status);
	if (status.n_bytes > world->options.max_bytes ||
	    sim_disk_used_bytes(world->sim) > world->options.max_bytes)
		oracle_complain(world, "%llu bytes are too many",
				(unsigned long long)sim_disk_used_bytes(world->sim));
	if (status.n_memory_bytes > world->options.max_memory_bytes + WORLD_SEGMENT_BYTES)
		oracle_complain(world, "%zu bytes of memory are too many", status.n_memory_bytes);
}

/* After the process has ended. @param is_power  only what was synced is sure */
void oracle_check(struct world *world, bool is_power)
{
	uint8_t held[WORLD_TICKS_MAX + 1] = {0};
	struct spool_status status;

	spool_get_status(world->spool, &status);
	count_held(world, held);
	for (uint64_t i = 1; i <= world->n_ticks; i++) {
		const struct world_tick *of = &world->ticks[i];
		bool must = is_power ? of->is_safe : of->is_taken;

		if (of->n_stored + held[i] > 1)
			oracle_complain(world, "tick %llu is there twice: %u stored, %u held",
					(unsigned long long)i, of->n_stored, held[i]);
		/* Without a disk some of it waits. */
		if (status.is_in_memory)
			continue;
		/* Of ticks that are in no message only the count of damages tells. */
		if (world->is_rotten && !of->is_batched && status.n_damaged > 0)
			must = false;
		if (must && of->n_stored + held[i] == 0 && !of->is_gap)
			oracle_complain(world, "tick %llu is missing", (unsigned long long)i);
		/* From now on it is known. */
		world->ticks[i].is_taken = world->ticks[i].is_safe = held[i] > 0;
	}
	oracle_check_limits(world);
}
