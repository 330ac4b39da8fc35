/* SPDX-License-Identifier: MIT */
/* `agentctl dump` of a segment of the log: the samples of its batches. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/ctl/dump_part.h"
#include "common/batch.h"
#include "common/log_segment.h"

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

static int print_batch(struct dump *dump, const struct log_record *record)
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

static int print_records(struct dump *dump, struct log_segment *segment)
{
	uint64_t offset = HM_LOG_HEADER_BYTES;

	for (;;) {
		struct log_record record;
		uint64_t begin;
		int result = log_segment_find(segment, offset, &record);
		bool is_whole = result == 0;

		if (result == -ENODATA)
			return 0;
		if (result < 0 && result != -EILSEQ)
			return result;
		begin = log_position_offset(record.position);
		if (begin > offset)
			dump_pass_over(dump, offset, begin - offset);
		offset = log_segment_behind(&record);
		result = is_whole ? 0 : -EBADMSG;
		if (is_whole && record.type == HM_RECORD_BATCH)
			result = print_batch(dump, &record);
		if (result == -EBADMSG)
			dump_pass_over(dump, begin, offset - begin);
		else if (result < 0)
			return result;
	}
}

/* Open the segment by its folder and name, which says its number. */
static int open_segment(struct dump *dump, struct log_segment *segment)
{
	const char *slash = strrchr(dump->path, '/');
	const char *name = slash ? slash + 1 : dump->path;
	uint32_t number = log_file_number(name);
	char *folder_path;
	int folder;
	int result;

	if (number == 0)
		return dump_refuse(dump, 0, "a segment of the log needs its own name");
	folder_path = slash ? strndup(dump->path, (size_t)(slash - dump->path) + 1) : strdup(".");
	if (!folder_path)
		return -ENOMEM;
	folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	result = folder < 0 ? -errno : log_segment_open(segment, &disk_kernel, folder, number);
	if (folder >= 0)
		(void)close(folder);
	free(folder_path);
	if (result == -EINVAL || result == -EBADMSG || result == -EXDEV)
		return dump_refuse(dump, 0, "the header is damaged");
	if (result == -ENOTSUP)
		return dump_refuse(dump, 0, "this segment is of another version of hostmetrics");
	return result;
}

int dump_print_log(struct dump *dump)
{
	struct log_segment segment = {.fd = -1};
	int error = open_segment(dump, &segment);

	if (error == 0)
		error = dump_begin_samples(dump);
	if (error == 0)
		error = print_records(dump, &segment);
	log_segment_close(&segment);
	return error;
}
