/* SPDX-License-Identifier: MIT */
/* All samples of some series, as text. */

#include "agent/ctl/export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/ask.h"
#include "agent/ctl/export_format.h"
#include "agent/ctl/interrupt.h"
#include "agent/ctl/progress.h"
#include "common/message.h"

/* Text is handed to the file when there is so much of it. */
#define WRITE_BYTES ((size_t)64 << 10)

/* Columns of the answer, collector/export.h. */
enum word { HOST, METRIC, LABELS, KIND, UNIT, SHARED, TIME, VALUE, BITS, N_WORDS };

static const char *const column_names[N_WORDS] = {
	"host", "metric", "labels", "kind", "unit", "shared", "time", "value", "bits",
};

struct export
{
	const struct export_format *format;
	FILE *file;
	struct export_state state;
	struct buffer names[TIME]; /* as said last */
	struct buffer text;        /* not written yet */
	struct progress progress;
	struct interrupt interrupt;
	uint64_t n_samples;
	int error; /* -errno of writing */
};

static int write_text(struct export *export)
{
	if (buffer_failed(&export->text))
		return -ENOMEM;
	if (interrupt_look(&export->interrupt))
		return -EINTR;
	/* Who reads it may never do so. */
	interrupt_permit(&export->interrupt, true);
	errno = 0;
	if (export->text.length > 0 &&
	    fwrite(export->text.data, 1, export->text.length, export->file) < export->text.length)
		export->error = errno > 0 ? -errno : -EIO;
	interrupt_permit(&export->interrupt, false);
	buffer_clear(&export->text);
	return export->error;
}

static int take_columns(void *context, const struct answer_columns *columns)
{
	struct export *export = context;
	bool is_known = columns->n == N_WORDS;

	for (size_t i = 0; is_known && i < N_WORDS; i++)
		is_known = strcmp(columns->at[i].name, column_names[i]) == 0;
	if (!is_known)
		return -ENOTSUP;
	export->format->begin(&export->text);
	return 0;
}

static int take_names(struct export *export, char *const words[])
{
	for (int i = HOST; i < TIME; i++) {
		if (!words[i])
			continue;
		buffer_clear(&export->names[i]);
		buffer_append_text(&export->names[i], words[i]);
		buffer_append_byte(&export->names[i], '\0');
		if (buffer_failed(&export->names[i]))
			return -ENOMEM;
	}
	/* The first row says all of them. */
	for (int i = HOST; i < TIME; i++) {
		if (!export->names[i].data)
			return -ENOTSUP;
	}
	return 0;
}

static bool is_bits(const char *text)
{
	return strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16;
}

static int take_row(void *context, char *const words[])
{
	struct export *export = context;
	struct export_sample sample = {.value = words[VALUE], .bits = words[BITS]};
	int result = take_names(export, words);

	if (result < 0)
		return result;
	if ((sample.value && !words[TIME]) || (sample.bits && !is_bits(sample.bits)))
		return -ENOTSUP;
	sample.host = export->names[HOST].data;
	sample.metric = export->names[METRIC].data;
	sample.labels = export->names[LABELS].data;
	sample.kind = export->names[KIND].data;
	sample.unit = export->names[UNIT].data;
	sample.is_shared = strcmp(export->names[SHARED].data, "yes") == 0;
	sample.is_new_series = words[HOST];
	if (words[TIME])
		sample.time_us = strtoimax(words[TIME], NULL, 10);
	export->format->sample(&export->state, &sample, &export->text);
	export->n_samples += sample.value != NULL;
	if (export->text.length < WRITE_BYTES)
		return 0;
	progress_show(&export->progress, export->n_samples, sample.host);
	return write_text(export);
}

static int take_note(void *context, const char *text)
{
	struct export *export = context;

	progress_clear(&export->progress);
	message_info("%s", text);
	return 0;
}

static const struct answer_handler handler = {
	.columns = take_columns,
	.row = take_row,
	.note = take_note,
};

/* The request of the command line, with the order that the format wants. */
static int format_request(const struct options *options, struct buffer *out)
{
	int result = ask_format(options, out);

	if (result != ENDING_FOUND || !options->export_format->by_metric)
		return result;
	out->length--; /* the newline */
	buffer_append_text(out, "\torder=metric\n");
	return buffer_failed(out) ? ENDING_FAILED : ENDING_FOUND;
}

static int flush(struct export *export)
{
	int result = write_text(export);

	errno = 0;
	if ((result == 0 || result == -EINTR) && fflush(export->file) != 0)
		result = export->error = errno > 0 ? -errno : -EIO;
	return result;
}

/* The answer has come to its end. */
static int finish(struct export *export, const struct options *options, const struct target *target,
		  const struct answer *answer)
{
	bool is_whole = answer->status == ANSWER_OK || answer->status == ANSWER_NONE;
	int error;

	if (is_whole && answer->has_columns)
		export->format->end(&export->text);
	error = flush(export);
	if (error < 0)
		return ask_unwritable(error);
	return ask_conclude(options, target, answer);
}

/* It did not: what was written so far ends with a whole line. */
static int finish_broken(struct export *export, const struct target *target,
			 const struct answer *answer, int result)
{
	if (export->error < 0)
		return ask_unwritable(export->error);
	if (flush(export) < 0)
		return ask_unwritable(export->error);
	if (result == -EINTR) {
		message_error("interrupted after %" PRIu64 " samples: the export is not complete",
			      export->n_samples);
	} else if (result == -EPROTO || result == -ENOTSUP) {
		message_error("the answer from %s makes no sense: %s", target->path,
			      result == -EPROTO ? answer->problem : "it is no export");
	} else if (result == -ENOMEM) {
		message_error("no memory for the answer");
	} else {
		return ask_unreachable(target, result);
	}
	return ENDING_FAILED;
}

static int export_target(struct export *export, const struct options *options,
			 struct target *target)
{
	struct client_interrupt client_interrupt = interrupt_of_client(&export->interrupt);
	struct buffer request = {0};
	struct answer answer;
	int result = format_request(options, &request);

	if (result == ENDING_FOUND) {
		answer_init(&answer, &handler, export);
		result = client_ask(&target->client, &request, &answer, &client_interrupt);
		progress_clear(&export->progress);
		result = result == 0 ? finish(export, options, target, &answer)
				     : finish_broken(export, target, &answer, result);
		answer_done(&answer);
	}
	buffer_done(&request);
	return result;
}

int export_run(const struct options *options)
{
	struct export export = {.format = options->export_format, .file = stdout};
	struct target target;
	int result;

	target_init(&target, options->verb->scope, options->socket);
	result = target_open(&target);
	if (result < 0)
		return ask_unreachable(&target, result);
	progress_init(&export.progress, "exported");
	interrupt_open(&export.interrupt);
	result = export_target(&export, options, &target);
	interrupt_close(&export.interrupt);
	target_close(&target);
	export_state_done(&export.state);
	for (int i = HOST; i < TIME; i++)
		buffer_done(&export.names[i]);
	buffer_done(&export.text);
	return result;
}
