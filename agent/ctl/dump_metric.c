/* SPDX-License-Identifier: MIT */
/* `agentctl dump` of a metric file, and of a host's. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/dump_part.h"
#include "common/file_front.h"
#include "common/file_reader.h"
#include "common/log_entry.h"
#include "common/number.h"
#include "common/reason.h"
#include "common/timestamp.h"
#include "common/wire_clock.h"
#include "common/wire_gap.h"
#include "common/wire_schedule.h"

static const struct answer_columns host_columns = {
	.n = 5,
	.at =
		{
			{"time", ANSWER_TIME},
			{"host", ANSWER_TEXT},
			{"event", ANSWER_TEXT},
			{"count", ANSWER_NUMBER},
			{"detail", ANSWER_TEXT},
		},
};

struct metric {
	struct dump *dump;
	struct file_reader reader;
	enum hm_file_type type;
	char *host;
	char *name;
	struct dump_series *series; /* by id */
	size_t n_series;
};

static int take_header(struct metric *metric, const struct store_file_header *header)
{
	metric->type = header->type;
	metric->host = strndup(header->host, header->host_length);
	metric->name = strndup(header->metric, header->metric_length);
	return metric->host && metric->name ? 0 : -ENOMEM;
}

static int read_header(struct metric *metric)
{
	struct store_file_header header;
	bool has_front;
	int error = file_reader_init(&metric->reader, &disk_kernel, metric->dump->fd, UINT64_MAX,
				     &header);

	if (error == -EINVAL)
		return dump_refuse(metric->dump, 0, "this is not a store file of hostmetrics");
	if (error == -ENOTSUP)
		return dump_refuse(metric->dump, 0,
				   "this store file is of another version of hostmetrics");
	if (error == -EBADMSG)
		return dump_refuse(metric->dump, 0, "the header is damaged");
	if (error == 0)
		error = take_header(metric, &header);
	return error < 0 ? error : file_front_seek(&metric->reader, UINT64_MAX, &has_front);
}

/* The first series whose id is not below this one. */
static size_t find_place(const struct metric *metric, uint32_t id)
{
	size_t low = 0;
	size_t high = metric->n_series;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (metric->series[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const char *find_name(void *context, uint32_t id)
{
	struct metric *metric = context;
	size_t at = find_place(metric, id);

	return at < metric->n_series && metric->series[at].id == id ? metric->series[at].name
								    : NULL;
}

/* The first declaration of an id counts. */
static int add_series(struct metric *metric, const struct store_file_series *series)
{
	size_t at = find_place(metric, series->id);
	struct dump_series *all;
	char *name;

	if (at < metric->n_series && metric->series[at].id == series->id)
		return 0;
	all = reallocarray(metric->series, metric->n_series + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	metric->series = all;
	if (series->labels_length > INT32_MAX ||
	    asprintf(&name, "%s%.*s", metric->name, (int)series->labels_length, series->labels) < 0)
		return -ENOMEM;
	memmove(all + at + 1, all + at, (metric->n_series - at) * sizeof(*all));
	all[at] = (struct dump_series){series->id, name};
	metric->n_series++;
	return 0;
}

static int take_series(struct metric *metric, const struct store_file_block *block)
{
	struct store_file_series_list list;
	struct store_file_series series;
	int result = store_file_get_series_list(block, &list);

	while (result == 0 && store_file_next_series(&list, &series))
		result = add_series(metric, &series);
	return result;
}

static int take_data(struct metric *metric, const struct store_file_block *block)
{
	struct store_file_data data;
	int result = store_file_get_data(block, &data);

	if (result < 0)
		return result;
	return dump_print_block(metric->dump, metric->host, data.bytes, data.n_bytes, find_name,
				metric);
}

/* -- a host's file --------------------------------------------------------------------------------- */

static int print_row(struct metric *metric, const char *time, const char *event, const char *count,
		     struct buffer *detail)
{
	const char *words[] = {time, metric->host, event, count, buffer_text(detail)};
	int result = output_row(&metric->dump->output, (char **)(uintptr_t)words);

	metric->dump->n_rows++;
	buffer_done(detail);
	return result;
}

static void append_id(struct buffer *out, const uint8_t *id)
{
	for (size_t i = 0; i < HM_ID_BYTES; i++)
		buffer_printf(out, "%02x", id[i]);
}

static int print_host(struct metric *metric, const struct store_file_block *block)
{
	struct buffer detail = {0};
	struct store_file_host host;
	char number[NUMBER_TEXT_MAX_BYTES];
	int result = store_file_get_host(block, &host);

	if (result < 0)
		return result;
	(void)snprintf(number, sizeof(number), "%" PRIu32, host.number);
	buffer_append_text(&detail, "id ");
	append_id(&detail, host.id);
	buffer_append_text(&detail, ", name ");
	buffer_append(&detail, host.name, host.name_length);
	return print_row(metric, NULL, "host", number, &detail);
}

static int print_epoch(struct metric *metric, const struct store_file_block *block)
{
	struct buffer detail = {0};
	struct store_file_epoch epoch;
	char number[NUMBER_TEXT_MAX_BYTES];
	int result = store_file_get_epoch(block, &epoch);

	if (result < 0)
		return result;
	(void)snprintf(number, sizeof(number), "%" PRIu64, epoch.sequence);
	buffer_append_text(&detail, "epoch ");
	append_id(&detail, epoch.epoch);
	buffer_printf(&detail, ", CRC32C %08" PRIx32, epoch.crc);
	return print_row(metric, NULL, "epoch", number, &detail);
}

/* The word for a reason; one of a later version has none. */
static const char *key_of(uint32_t reason)
{
	return reason < HM_REASON_COUNT ? reason_key((enum hm_reason)reason) : "unknown";
}

/* What an agent had no room for. */
static int print_gap(struct metric *metric, const struct store_file_message *message)
{
	struct buffer detail = {0};
	struct wire_gap gap;
	char time[NUMBER_TEXT_MAX_BYTES];
	char number[NUMBER_TEXT_MAX_BYTES];
	char until[TIMESTAMP_TEXT_MAX_BYTES];

	if (wire_gap_get(message->bytes, message->n_bytes, &gap) != HM_REASON_NONE)
		return -EBADMSG;
	(void)snprintf(time, sizeof(time), "%" PRId64, gap.first_us);
	(void)snprintf(number, sizeof(number), "%" PRIu64, gap.n_samples);
	(void)timestamp_format(gap.last_us, until);
	buffer_printf(&detail, "until %s, reason %s, sequence %" PRIu64 " to %" PRIu64 " of epoch ",
		      until, key_of(gap.reason), gap.first, gap.stamp.sequence);
	append_id(&detail, gap.stamp.epoch);
	return print_row(metric, time, "gap", gap.n_samples > 0 ? number : NULL, &detail);
}

static const char *event_of(enum hm_clock_event event)
{
	switch (event) {
	case HM_CLOCK_STARTED:
		return "agent_started";
	case HM_CLOCK_STOPPED:
		return "agent_stopped";
	case HM_CLOCK_STEPPED:
		return "clock_set";
	case HM_CLOCK_HELD_UP:
		return "agent_held_up";
	case HM_CLOCK_LOST:
		return "agent_lost";
	default:
		return "host_slept";
	}
}

static int print_clock(struct metric *metric, const struct store_file_message *message)
{
	struct buffer detail = {0};
	struct wire_clock clock;
	char time[NUMBER_TEXT_MAX_BYTES];
	char seconds[TIMESTAMP_TEXT_MAX_BYTES];

	if (wire_clock_get(message->bytes, message->n_bytes, &clock) != HM_REASON_NONE)
		return -EBADMSG;
	(void)snprintf(time, sizeof(time), "%" PRId64, clock.now_us);
	if (clock.change_us != 0) {
		(void)timestamp_format(clock.change_us, seconds);
		buffer_printf(&detail, "by %s s, ", seconds);
	}
	(void)timestamp_format(clock.since_boot_us, seconds);
	buffer_printf(&detail, "%s s since boot ", seconds);
	append_id(&detail, clock.boot_id);
	return print_row(metric, time, event_of(clock.event), NULL, &detail);
}

static void append_interval(struct buffer *out, const struct series_text *what,
			    uint64_t interval_us)
{
	char seconds[TIMESTAMP_TEXT_MAX_BYTES];

	(void)timestamp_format((int64_t)interval_us, seconds);
	buffer_printf(out, "%s%.*s every %s s", out->length > 0 ? ", " : "", (int)what->length,
		      what->start, seconds);
}

/* What is sampled, and every how many seconds; and how often that is sent. */
static int print_schedule(struct metric *metric, const struct store_file_message *message)
{
	struct buffer detail = {0};
	struct wire_schedule schedule;
	struct wire_schedule_entry entry;
	char time[NUMBER_TEXT_MAX_BYTES];
	char number[NUMBER_TEXT_MAX_BYTES];
	uint64_t n_metrics = 0;

	if (wire_schedule_get(message->bytes, message->n_bytes, &schedule) != HM_REASON_NONE)
		return -EBADMSG;
	if (schedule.ship_interval_us > 0)
		append_interval(&detail, &(struct series_text){"sent", 4},
				schedule.ship_interval_us);
	while (wire_schedule_next(&schedule, &entry)) {
		append_interval(&detail, &entry.metric, entry.interval_us);
		n_metrics++;
	}
	(void)snprintf(time, sizeof(time), "%" PRId64, schedule.since_us);
	(void)snprintf(number, sizeof(number), "%" PRIu64, n_metrics);
	return print_row(metric, time, "schedule", number, &detail);
}

/* Which series were deleted, and when. */
static int print_delete(struct metric *metric, const struct store_file_message *message)
{
	struct cursor cursor = {.at = message->bytes, .left = message->n_bytes};
	struct buffer detail = {0};
	struct series_text name;
	struct series_text labels;
	struct log_delete entry;
	char time[NUMBER_TEXT_MAX_BYTES];
	char number[NUMBER_TEXT_MAX_BYTES];
	char seconds[TIMESTAMP_TEXT_MAX_BYTES];
	uint64_t n_series = 0;
	int result = log_entry_get_delete(&cursor, &entry);

	if (result < 0)
		return result;
	(void)timestamp_format(message->received_us, seconds);
	buffer_printf(&detail, "at %s", seconds);
	if (entry.until_us < INT64_MAX) {
		(void)timestamp_format(entry.until_us, seconds);
		buffer_printf(&detail, ", until %s", seconds);
	}
	while ((result = log_entry_get_delete_series(&cursor, &name, &labels)) == 0) {
		buffer_printf(&detail, ", %.*s%.*s", (int)name.length, name.start,
			      (int)labels.length, labels.start);
		n_series++;
	}
	if (result != -ENODATA) {
		buffer_done(&detail);
		return result;
	}
	(void)snprintf(time, sizeof(time), "%" PRId64, entry.since_us);
	(void)snprintf(number, sizeof(number), "%" PRIu64, n_series);
	return print_row(metric, entry.since_us > INT64_MIN ? time : NULL, "deleted", number,
			 &detail);
}

/* @return 0, also for a type that is not known; -EBADMSG; -errno */
static int print_message(struct metric *metric, const struct store_file_block *block)
{
	struct store_file_message message;
	int result = store_file_get_message(block, &message);

	if (result < 0)
		return result;
	if (message.type == HM_RECORD_GAP)
		return print_gap(metric, &message);
	if (message.type == HM_RECORD_SCHEDULE)
		return print_schedule(metric, &message);
	if (message.type == HM_RECORD_DELETE)
		return print_delete(metric, &message);
	return message.type == HM_RECORD_CLOCK ? print_clock(metric, &message) : 0;
}

static int print_event(struct metric *metric, const struct store_file_block *block)
{
	struct buffer detail = {0};
	struct store_file_event event;
	char time[NUMBER_TEXT_MAX_BYTES];
	char number[NUMBER_TEXT_MAX_BYTES];
	char until[TIMESTAMP_TEXT_MAX_BYTES];
	int result = store_file_get_event(block, &event);

	if (result < 0)
		return result;
	(void)snprintf(time, sizeof(time), "%" PRId64, event.since_us);
	(void)snprintf(number, sizeof(number), "%" PRIu64, event.count);
	(void)timestamp_format(event.until_us, until);
	buffer_printf(&detail, "until %s%s%.*s", until, event.text_length > 0 ? ", " : "",
		      (int)event.text_length, event.text);
	return print_row(metric, time, key_of(event.reason), event.count > 0 ? number : NULL,
			 &detail);
}

static int print_oldest(struct metric *metric, const struct store_file_block *block)
{
	struct buffer detail = {0};
	char time[NUMBER_TEXT_MAX_BYTES];
	int64_t oldest_us;
	int result = store_file_get_oldest(block, &oldest_us);

	if (result < 0)
		return result;
	(void)snprintf(time, sizeof(time), "%" PRId64, oldest_us);
	return print_row(metric, time, "oldest", NULL, &detail);
}

/* -- both ------------------------------------------------------------------------------------------ */

/* @return 0, also for a type that is not known; -EBADMSG; -errno */
static int take_block(struct metric *metric, const struct store_file_block *block)
{
	bool is_host = metric->type == HM_FILE_HOST;

	switch (block->type) {
	case HM_BLOCK_SERIES:
		return is_host ? 0 : take_series(metric, block);
	case HM_BLOCK_DATA:
		return is_host ? 0 : take_data(metric, block);
	case HM_BLOCK_HOST:
		return is_host ? print_host(metric, block) : 0;
	case HM_BLOCK_EPOCH:
		return is_host ? print_epoch(metric, block) : 0;
	case HM_BLOCK_EVENT:
		return is_host ? print_event(metric, block) : 0;
	case HM_BLOCK_MESSAGE:
		return is_host ? print_message(metric, block) : 0;
	case HM_BLOCK_OLDEST:
		return is_host ? print_oldest(metric, block) : 0;
	default:
		return 0;
	}
}

static int print_blocks(struct metric *metric)
{
	struct file_reader *reader = &metric->reader;

	for (;;) {
		struct file_reader_block block;
		int result = file_reader_next(reader, &block);

		if (result < 0 && result != -ENODATA)
			return result;
		if (reader->damage_bytes > 0)
			dump_pass_over(metric->dump, reader->damage_offset, reader->damage_bytes);
		if (result == -ENODATA)
			return 0;
		result = take_block(metric, &block.block);
		if (result == -EBADMSG)
			dump_pass_over(metric->dump, block.offset, block.block.length_bytes);
		else if (result < 0)
			return result;
	}
}

static void metric_done(struct metric *metric)
{
	file_reader_done(&metric->reader);
	for (size_t i = 0; i < metric->n_series; i++)
		free(metric->series[i].name);
	free(metric->series);
	free(metric->host);
	free(metric->name);
}

int dump_print_metric(struct dump *dump)
{
	struct metric metric = {.dump = dump, .reader = {.passes_bad_sectors = true}};
	int error = read_header(&metric);

	if (error == 0)
		error = metric.type == HM_FILE_HOST ? output_begin(&dump->output, &host_columns)
						    : dump_begin_samples(dump);
	if (error == 0)
		error = print_blocks(&metric);
	metric_done(&metric);
	return error;
}
