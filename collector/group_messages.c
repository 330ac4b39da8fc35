/* SPDX-License-Identifier: MIT */
/* What a group has of hosts beside their samples. */

#include "collector/group_messages.h"

#include <errno.h>
#include <string.h>

#include "collector/engine.h"
#include "collector/host_file.h"
#include "common/array.h"
#include "common/store_file.h"
#include "common/wire_schedule.h"

/* The marks of one host that the group got last are together at the end. */
int group_add_mark(void *context, struct epoch *epoch, const struct epoch_mark *mark)
{
	struct group *group = context;
	struct group_mark *marks;

	for (size_t i = group->n_marks; i > 0 && group->marks[i - 1].epoch->host == epoch->host;
	     i--) {
		if (group->marks[i - 1].epoch != epoch)
			continue;
		if (mark->sequence > group->marks[i - 1].mark.sequence)
			group->marks[i - 1].mark = *mark;
		return 0;
	}
	marks = array_grow(group->marks, group->n_marks, &group->marks_capacity, sizeof(*marks));
	if (!marks)
		return -ENOMEM;
	group->marks = marks;
	marks[group->n_marks++] = (struct group_mark){epoch, *mark};
	return 0;
}

static int add_message(struct group *group, const struct store_file_message *message)
{
	struct group_message *messages = array_grow(group->messages, group->n_messages,
						    &group->messages_capacity, sizeof(*messages));

	if (!messages)
		return -ENOMEM;
	group->messages = messages;
	if (buffer_reserve(&group->bytes, message->n_bytes) < 0)
		return -ENOMEM;
	messages[group->n_messages++] = (struct group_message){
		.type = message->type,
		.received_us = message->received_us,
		.bytes_at = group->bytes.length,
		.n_bytes = message->n_bytes,
	};
	buffer_append(&group->bytes, message->bytes, message->n_bytes);
	return 0;
}

int group_add_message(void *context, const struct log_record *record)
{
	const struct store_file_message message = {
		.type = record->type,
		.received_us = record->received_us,
		.bytes = record->payload,
		.n_bytes = record->payload_bytes,
	};

	return add_message(context, &message);
}

static int add_hole(struct group *group, const struct tail_hole *hole)
{
	const struct store_file_event event = {
		.since_us = hole->since_us,
		.until_us = hole->until_us,
		.position = hole->position,
		.count = hole->n,
		.reason = HM_REASON_QUARANTINED,
	};
	struct store_file_message message = {.type = HM_RECORD_EVENT};
	struct buffer payload = {0};
	int result = -ENOMEM;

	store_file_put_event(&payload, &event);
	message.bytes = (const uint8_t *)payload.data;
	message.n_bytes = payload.length;
	if (!buffer_failed(&payload))
		result = add_message(group, &message);
	buffer_done(&payload);
	return result;
}

int group_add_holes(struct group *group, struct tail *tail)
{
	const struct tail_hole *holes;
	size_t n_holes;
	int result = tail_find_holes(tail, &holes, &n_holes);

	for (size_t i = 0; i < n_holes && result == 0; i++)
		result = add_hole(group, &holes[i]);
	return result;
}

int group_add_undecodable(struct group *group, struct tail *tail, uint64_t position)
{
	struct tail_hole hole;
	int result = tail_get_hole(tail, position, &hole);

	/* Damage in its header takes its link, too: tail_find_holes() knows of that. */
	if (result < 0)
		return result == -ENOMEM ? result : 0;
	return add_hole(group, &hole);
}

void group_publish_marks(const struct group *group, const struct group_host *of)
{
	for (size_t i = 0; i < of->n_marks; i++) {
		const struct group_mark *mark = &group->marks[of->first_mark + i];

		mark->epoch->filed = mark->mark;
	}
	of->host->schedule = of->schedule;
}

static int put_mark(const struct group_file *file, const struct epoch *epoch,
		    const struct epoch_mark *mark, struct buffer *out)
{
	struct store_file_epoch entry = {epoch->id, mark->sequence, mark->crc};
	size_t start = store_file_begin_block(out, HM_BLOCK_EPOCH, file->of->position);

	store_file_put_epoch(out, &entry);
	return store_file_end_block(out, start, file->after.salt,
				    file->before.length_bytes + start);
}

/* What the file before said of all epochs. */
static int put_filed(const struct group_file *file, pthread_mutex_t *mutex, struct buffer *out)
{
	int result = 0;

	pthread_mutex_lock(mutex);
	for (const struct epoch *epoch = file->of->host->epochs; epoch && result == 0;
	     epoch = epoch->next) {
		if (epoch->filed.sequence > 0)
			result = put_mark(file, epoch, &epoch->filed, out);
	}
	pthread_mutex_unlock(mutex);
	return result;
}

struct catalog_schedule group_get_schedule(const struct hash_key *key,
					   const struct store_file_message *message)
{
	struct wire_schedule schedule;
	uint64_t hash;

	if (message->type != HM_RECORD_SCHEDULE ||
	    wire_schedule_get(message->bytes, message->n_bytes, &schedule) != HM_REASON_NONE)
		return (struct catalog_schedule){0};
	hash = hash_bytes(key, schedule.entries, schedule.n_bytes) ^
	       hash_bytes(key, &schedule.ship_interval_us, sizeof(schedule.ship_interval_us));
	return (struct catalog_schedule){hash ? hash : 1, schedule.since_us};
}

/* Does it hold already? Where the clock was set back, it does not in the time up to the one before. */
static bool holds_already(const struct catalog_schedule *before,
			  const struct catalog_schedule *schedule)
{
	return schedule->hash == before->hash && schedule->since_us >= before->since_us;
}

static struct store_file_message get_message(const struct group *group, size_t i)
{
	const struct group_message *message = &group->messages[i];

	return (struct store_file_message){
		.type = message->type,
		.received_us = message->received_us,
		.bytes = (const uint8_t *)group->bytes.data + message->bytes_at,
		.n_bytes = message->n_bytes,
	};
}

/* A DELETE is logged twice. Does the same come later? */
static bool comes_again(const struct group *group, const struct group_host *of, size_t i)
{
	struct store_file_message message = get_message(group, i);

	if (message.type != HM_RECORD_DELETE)
		return false;
	for (size_t k = i + 1; k < of->first_message + of->n_messages; k++) {
		struct store_file_message other = get_message(group, k);

		if (other.type == HM_RECORD_DELETE && other.n_bytes == message.n_bytes &&
		    memcmp(other.bytes, message.bytes, message.n_bytes) == 0)
			return true;
	}
	return false;
}

/* Put what is lost of what the group goes beyond. */
static int put_event(const struct group_file *file, const struct store_file_message *message,
		     struct buffer *out)
{
	const struct store_file_block whole = {.type = HM_BLOCK_EVENT,
					       .payload = message->bytes,
					       .payload_bytes = (uint32_t)message->n_bytes};
	struct store_file_event event;
	size_t start;

	/* The rest is found again. */
	if (store_file_get_event(&whole, &event) < 0 || event.position > file->of->position)
		return 0;
	start = store_file_begin_block(out, HM_BLOCK_EVENT, file->of->position);
	store_file_put_event(out, &event);
	return store_file_end_block(out, start, file->after.salt,
				    file->before.length_bytes + start);
}

/* Put a message, where it says something new. */
static int put_message(const struct group *group, const struct group_file *file, size_t i,
		       const struct hash_key *key, struct buffer *out)
{
	struct store_file_message message = get_message(group, i);
	struct catalog_schedule schedule = group_get_schedule(key, &message);
	size_t start;

	if (message.type == HM_RECORD_EVENT)
		return put_event(file, &message, out);
	if (comes_again(group, file->of, i))
		return 0;
	if (schedule.hash && holds_already(&file->of->schedule, &schedule))
		return 0;
	if (schedule.hash)
		file->of->schedule = schedule;
	start = store_file_begin_block(out, HM_BLOCK_MESSAGE, file->of->position);
	store_file_put_message(out, &message);
	return store_file_end_block(out, start, file->after.salt,
				    file->before.length_bytes + start);
}

int group_put_messages(const struct group *group, const struct group_file *file, bool is_first,
		       struct engine *engine, struct buffer *out)
{
	struct group_host *of = file->of;
	int result = is_first ? put_filed(file, &engine->mutex, out) : 0;

	of->schedule = of->host->schedule;
	if (is_first) {
		of->schedule.hash = 0;
		result = result == 0 ? host_file_keep(engine, file, out) : result;
	}

	for (size_t i = 0; i < of->n_marks && result == 0; i++) {
		const struct group_mark *mark = &group->marks[of->first_mark + i];

		result = put_mark(file, mark->epoch, &mark->mark, out);
	}
	for (size_t i = 0; i < of->n_messages && result == 0; i++)
		result = put_message(group, file, of->first_message + i, &engine->catalog.key, out);
	return result;
}
