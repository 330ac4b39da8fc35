/* SPDX-License-Identifier: MIT */
/* `agentctl dump` of a segment of the log: the samples of its batches. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/ctl/dump_names.h"
#include "agent/ctl/dump_part.h"
#include "common/batch.h"
#include "common/log_segment.h"
#include "common/wire_batch.h"

/* A segment that is printed, and where agents' batches have their names from. */
struct log_dump {
	struct dump *dump;
	int folder; /* of the log */
	struct log_segment segment;
	struct dump_names names; /* of what was read through so far: */
	uint32_t first;          /* from this segment */
	uint32_t last;           /* to this one */
	int error;               /* why names could not be looked for */
};

/* The series of one batch, by their place. */
struct batch_names {
	char *host;
	char **names;
	uint32_t n_names;
};

static void names_done(struct batch_names *names)
{
	for (uint32_t i = 0; i < names->n_names; i++)
		free(names->names[i]);
	free(names->names);
	free(names->host);
}

static const char *find_name(void *context, uint32_t id)
{
	struct batch_names *names = context;

	return id < names->n_names ? names->names[id] : NULL;
}

static int read_names(struct batch_names *names, struct cursor *cursor)
{
	struct batch_head head;
	struct batch_series series;
	int result = batch_get_head(cursor, &head);

	if (result < 0)
		return result;
	names->host = strndup(head.host.start, head.host.length);
	names->names = calloc((size_t)head.n_series + 1, sizeof(*names->names));
	if (!names->host || !names->names)
		return -ENOMEM;
	while (names->n_names < head.n_series) {
		result = batch_get_series(cursor, &series);
		if (result < 0)
			return result;
		if (asprintf(&names->names[names->n_names], "%.*s%.*s", (int)series.metric.length,
			     series.metric.start, (int)series.labels.length,
			     series.labels.start) < 0)
			return -ENOMEM;
		names->n_names++;
	}
	return 0;
}

static int print_text_batch(struct dump *dump, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct batch_names names = {0};
	const uint8_t *bytes;
	size_t length;
	int result = read_names(&names, &cursor);

	while (result == 0) {
		result = batch_get_block(&cursor, &bytes, &length);
		if (result == 0)
			result = dump_print_block(dump, names.host, bytes, length, find_name,
						  &names);
	}
	names_done(&names);
	return result == -ENODATA ? 0 : result;
}

/* -- batches of agents ----------------------------------------------------------------------------- */

/* Take all names of a segment; what is damaged is said elsewhere. @return 0 or -errno */
static int take_names(struct dump_names *names, struct log_segment *segment)
{
	uint64_t offset = HM_LOG_HEADER_BYTES;

	for (;;) {
		struct log_record record;
		int result = log_segment_find(segment, offset, &record);

		if (result == -ENODATA)
			return 0;
		if (result < 0 && result != -EILSEQ)
			return result;
		offset = log_segment_behind(&record);
		if (result == 0)
			result = dump_names_take(names, &record);
		if (result < 0 && result != -EBADMSG && result != -EILSEQ)
			return result;
	}
}

/* @return 0, also where nothing of it can be read; -ENOENT; -ENOMEM */
static int take_names_of(struct log_dump *log, uint32_t number)
{
	struct log_segment segment;
	int result = log_segment_open(&segment, &disk_kernel, log->folder, number);

	if (result == 0 &&
	    memcmp(segment.header.store_id, log->segment.header.store_id, HM_ID_BYTES) == 0)
		result = take_names(&log->names, &segment);
	log_segment_close(&segment);
	return result == -ENOENT || result == -ENOMEM ? result : 0;
}

/* Names are told again behind each checkpoint of a host, so it is not always this segment that has them: look
 * at those before, the nearest first, then at those behind. @return false: that was all, or log->error */
static bool look_further(struct log_dump *log)
{
	int result = -ENOENT;

	if (log->first > 1) {
		result = take_names_of(log, --log->first);
		if (result == -ENOENT)
			log->first = 1;
	}
	if (result == -ENOENT && log->last < UINT32_MAX) {
		result = take_names_of(log, ++log->last);
		if (result == -ENOENT)
			log->last = UINT32_MAX;
	}
	log->error = result == -ENOMEM ? result : log->error;
	return result == 0;
}

static const char *find_host(struct log_dump *log, uint32_t number)
{
	const char *name;

	do {
		name = dump_names_host(&log->names, number);
	} while (!name && look_further(log));
	return name;
}

/* Whose series the ids of a batch are. */
struct message {
	struct log_dump *log;
	const uint8_t *epoch;
	bool has_no_name;
};

static const char *find_series(void *context, uint32_t id)
{
	struct message *message = context;
	const char *name;

	do {
		name = dump_names_series(&message->log->names, message->epoch, id);
	} while (!name && look_further(message->log));
	message->has_no_name |= !name;
	return name;
}

static int print_message(struct log_dump *log, const struct log_record *record)
{
	const char *host = find_host(log, record->host);
	struct message message = {.log = log, .has_no_name = !host};
	struct wire_batch batch;
	int result = 0;

	if (wire_batch_get(record->payload, record->payload_bytes, &batch) != HM_REASON_NONE)
		return -EBADMSG;
	message.epoch = batch.stamp.epoch;
	while (result == 0 && !message.has_no_name) {
		const uint8_t *bytes;
		size_t length;

		result = batch_get_block(&batch.blocks, &bytes, &length);
		if (result == 0)
			result = dump_print_block(log->dump, host, bytes, length, find_series,
						  &message);
	}
	if (log->error < 0)
		return log->error;
	if (message.has_no_name) {
		(void)dump_refuse(
			log->dump, log_position_offset(record->position),
			"passed over: no segment beside this one says what the samples of "
			"this batch are called");
		return 0;
	}
	return result == -ENODATA ? 0 : result;
}

/* -- all records ----------------------------------------------------------------------------------- */

static int print_batch(struct log_dump *log, const struct log_record *record)
{
	const uint8_t *payload = record->payload;

	/* It begins with the stamp of an agent, or says that names follow. */
	if (record->payload_bytes > 0 && payload[0] == 0)
		return print_message(log, record);
	return print_text_batch(log->dump, record);
}

static int print_records(struct log_dump *log)
{
	uint64_t offset = HM_LOG_HEADER_BYTES;

	for (;;) {
		struct log_record record;
		uint64_t begin;
		int result = log_segment_find(&log->segment, offset, &record);
		bool is_whole = result == 0;

		if (result == -ENODATA)
			return 0;
		if (result < 0 && result != -EILSEQ)
			return result;
		begin = log_position_offset(record.position);
		if (begin > offset)
			dump_pass_over(log->dump, offset, begin - offset);
		offset = log_segment_behind(&record);
		result = is_whole ? 0 : -EBADMSG;
		if (is_whole && record.type == HM_RECORD_BATCH)
			result = print_batch(log, &record);
		if (result == -EBADMSG)
			dump_pass_over(log->dump, begin, offset - begin);
		else if (result < 0)
			return result;
	}
}

/* Open the segment by its folder and name, which says its number. */
static int open_segment(struct log_dump *log)
{
	struct dump *dump = log->dump;
	const char *slash = strrchr(dump->path, '/');
	const char *name = slash ? slash + 1 : dump->path;
	char *folder_path;
	int result;

	log->first = log_file_number(name);
	log->last = log->first;
	if (log->first == 0)
		return dump_refuse(dump, 0, "a segment of the log needs its own name");
	folder_path = slash ? strndup(dump->path, (size_t)(slash - dump->path) + 1) : strdup(".");
	if (!folder_path)
		return -ENOMEM;
	log->folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	result = log->folder < 0
			 ? -errno
			 : log_segment_open(&log->segment, &disk_kernel, log->folder, log->first);
	free(folder_path);
	if (result == -EINVAL || result == -EBADMSG || result == -EXDEV)
		return dump_refuse(dump, 0, "the header is damaged");
	if (result == -ENOTSUP)
		return dump_refuse(dump, 0, "this segment is of another version of hostmetrics");
	return result;
}

int dump_print_log(struct dump *dump)
{
	struct log_dump log = {.dump = dump, .folder = -1, .segment = {.fd = -1}};
	int error = open_segment(&log);

	if (error == 0)
		error = dump_begin_samples(dump);
	if (error == 0)
		error = take_names(&log.names, &log.segment);
	if (error == 0)
		error = print_records(&log);
	log_segment_close(&log.segment);
	if (log.folder >= 0)
		(void)close(log.folder);
	dump_names_done(&log.names);
	return error;
}
