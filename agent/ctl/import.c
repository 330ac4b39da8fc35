/* SPDX-License-Identifier: MIT */
/* Samples out of a file into the store of a collector. */

#include "agent/ctl/import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/ask.h"
#include "agent/ctl/import_parser.h"
#include "agent/ctl/import_source.h"
#include "agent/ctl/progress.h"
#include "common/control.h"
#include "common/decimal.h"
#include "common/message.h"
#include "common/text.h"
#include "common/timestamp.h"

/* A request is sent before it is longer than this; the rest is room for one more sample with the longest
 * name there is. */
#define REQUEST_BYTES   ((size_t)HM_CONTROL_REQUEST_MAX_BYTES)
#define SAMPLE_BYTES    48 /* s, 20 digits, 16 more, blank and newline */
#define REQUEST_SAMPLES 2048
#define SYNC_SAMPLES    20000 /* are said to be stored at once */
#define PATIENCE_MS     120000
#define SHOWN_BYTES     ((size_t)100) /* of a line that is refused */
#define LONG_US         INT64_C(3000000)

struct import {
	const struct options *options;
	struct import_source source;
	struct import_parser parser;
	struct target target;
	struct interrupt interrupt;
	struct progress progress;
	struct buffer request; /* samples that are not sent yet */
	struct buffer name;    /* the last in it */
	struct buffer name_next;
	uint64_t lines[REQUEST_SAMPLES]; /* of the samples in the request */
	size_t n_request;
	uint64_t n_sent;         /* samples, since the last sync */
	uint64_t n_refused;      /* lines, also by the collector */
	uint64_t n_refused_sent; /* of those sent since the last sync */
	uint64_t n_stored;       /* samples that are durable */
	uint64_t line_stored;    /* all lines up to here are, or were refused */
	uint64_t line_sent;      /* so much of the file may be */
	bool is_syncing;         /* what an answer has are no refusals */
	int64_t asked_us;        /* CLOCK_MONOTONIC of the last request */
	bool is_lost;            /* the connection */
};

static void refuse(struct import *import, uint64_t line, const char *why)
{
	progress_clear(&import->progress);
	message_error("%s:%" PRIu64 ": %s", import->source.name, line, why);
	import->n_refused++;
}

/* -- the collector --------------------------------------------------------------------------------- */

static int take_columns(void *context, const struct answer_columns *columns)
{
	const struct import *import = context;

	return columns->n == (import->is_syncing ? 1 : 2) ? 0 : -ENOTSUP;
}

static int take_row(void *context, char *const words[])
{
	struct import *import = context;
	uintmax_t sample;
	char *end;

	if (import->is_syncing)
		return 0;
	if (!words[0] || !words[1])
		return -ENOTSUP;
	sample = strtoumax(words[0], &end, 10);
	if (*end != '\0' || sample >= import->n_request)
		return -ENOTSUP;
	refuse(import, import->lines[sample], words[1]);
	import->n_refused_sent++;
	return 0;
}

static int take_note(void *context, const char *text)
{
	struct import *import = context;

	progress_clear(&import->progress);
	message_info("the collector waits: %s", text);
	return 0;
}

static const struct answer_handler handler = {
	.columns = take_columns,
	.row = take_row,
	.note = take_note,
};

/* The first signal waits for the answer, unless that takes long: then it is known what is stored. */
static bool take_signal(void *context)
{
	struct import *import = context;
	bool was_set = import->interrupt.is_set;

	return (interrupt_look(&import->interrupt) && was_set) ||
	       timestamp_monotonic_us() - import->asked_us > LONG_US;
}

/* Ask and look at the status. @return 0; -errno; -EREMOTEIO: the collector refused, which was said */
static int ask(struct import *import, const struct buffer *request)
{
	struct client_interrupt interrupt = {import->interrupt.fd, take_signal, import};
	struct answer answer;
	int result;

	if (buffer_failed(request))
		return -ENOMEM;
	answer_init(&answer, &handler, import);
	import->asked_us = timestamp_monotonic_us();
	result = client_ask(&import->target.client, request, &answer, &interrupt);
	import->is_lost = result < 0;
	if (result == 0 && answer.status != ANSWER_OK) {
		progress_clear(&import->progress);
		(void)ask_conclude(import->options, &import->target, &answer);
		result = -EREMOTEIO;
	}
	answer_done(&answer);
	return result;
}

/* Have the samples taken that are gathered. They are not durable yet. */
static int send_request(struct import *import)
{
	int result;

	if (import->n_request == 0)
		return 0;
	buffer_append_byte(&import->request, '\n');
	import->line_sent = import->source.number;
	result = ask(import, &import->request);
	import->n_sent += import->n_request;
	import->n_request = 0;
	buffer_clear(&import->request);
	buffer_clear(&import->name);
	return result;
}

/* Have all that was sent made durable. */
static int sync_sent(struct import *import)
{
	struct buffer request = {0};
	int result = send_request(import);

	if (result == 0 && import->n_sent > 0) {
		buffer_append_text(&request, "sync\n");
		import->is_syncing = true;
		result = ask(import, &request);
		import->is_syncing = false;
		buffer_done(&request);
	}
	if (result < 0)
		return result;
	import->n_stored += import->n_sent - import->n_refused_sent;
	import->n_sent = 0;
	import->n_refused_sent = 0;
	import->line_stored = import->source.number;
	return 0;
}

/* -- samples --------------------------------------------------------------------------------------- */

static const char *kind_word(enum hm_stored_kind kind)
{
	if (kind == HM_STORED_GAUGE)
		return "gauge";
	return kind == HM_STORED_COUNTER ? "counter" : "";
}

/* The line that names the series of the samples behind it. */
static void format_name(struct import *import)
{
	struct import_sample *sample = &import->parser.sample;
	struct buffer *name = &import->name_next;
	const char *host = buffer_text(&sample->host);
	struct buffer text = {0};

	if (sample->host.length == 0 && import->options->host)
		host = import->options->host;
	buffer_printf(&text, "n%s\t%s\t", host, kind_word(sample->kind));
	buffer_append_text(&text, buffer_text(&sample->unit));
	buffer_append_byte(&text, '\t');
	buffer_append_text(&text, buffer_text(&sample->series));
	buffer_append_byte(&text, '\n');
	buffer_clear(name);
	control_append_word(name, buffer_text(&text));
	name->failed |= buffer_failed(&text);
	buffer_done(&text);
}

static bool is_named(const struct import *import)
{
	return import->name.length == import->name_next.length &&
	       memcmp(import->name.data, import->name_next.data, import->name.length) == 0;
}

static void put_name(struct import *import)
{
	struct buffer swap = import->name;

	if (import->request.length == 0)
		buffer_append_text(&import->request, "import\tsamples=");
	buffer_append(&import->request, import->name_next.data, import->name_next.length);
	import->name = import->name_next;
	import->name_next = swap;
}

static void put_sample(struct import *import)
{
	const struct import_sample *sample = &import->parser.sample;

	buffer_printf(&import->request, "s%" PRId64 " %" PRIx64 "\\n", sample->time_us,
		      decimal_double_bits(sample->value));
	import->lines[import->n_request++] = import->source.number;
}

static int add_sample(struct import *import)
{
	size_t more = SAMPLE_BYTES;
	int result = 0;

	format_name(import);
	if (buffer_failed(&import->name_next))
		return -ENOMEM;
	if (!is_named(import))
		more += import->name_next.length;
	if (import->n_request == REQUEST_SAMPLES || import->request.length + more > REQUEST_BYTES) {
		/* The sample's own line is not among what is sent. */
		import->source.number--;
		result = send_request(import);
		if (result == 0 && import->n_sent >= SYNC_SAMPLES)
			result = sync_sent(import);
		import->source.number++;
	}
	if (result < 0)
		return result;
	if (import->name_next.length + sizeof("import\tsamples=") + SAMPLE_BYTES > REQUEST_BYTES) {
		refuse(import, import->source.number, "the names are too long together");
		return 0;
	}
	if (!is_named(import))
		put_name(import);
	put_sample(import);
	return buffer_failed(&import->request) ? -ENOMEM : 0;
}

/* Take a line. @return 0 or -errno */
static int take_line(struct import *import, const char *line, size_t length)
{
	enum import_verdict verdict = import_parser_take(&import->parser, line, length);
	bool is_skipped = import->source.number <= (uint64_t)import->options->skip;
	struct buffer why = {0};

	/* What was declared there still holds. */
	if (is_skipped && verdict != IMPORT_FAILED)
		return 0;
	switch (verdict) {
	case IMPORT_NOTHING:
		return 0;
	case IMPORT_SAMPLE:
		return add_sample(import);
	case IMPORT_REFUSED:
		buffer_printf(&why, "%s: '", import->parser.problem);
		text_append_printable(&why, line, length < SHOWN_BYTES ? length : SHOWN_BYTES);
		buffer_append_text(&why, length < SHOWN_BYTES ? "'" : "...'");
		refuse(import, import->source.number, buffer_text(&why));
		buffer_done(&why);
		return 0;
	case IMPORT_FAILED:
	default:
		return -ENOMEM;
	}
}

static int take_lines(struct import *import)
{
	for (;;) {
		const char *line;
		size_t length;
		int result =
			import_source_next(&import->source, &import->interrupt, &line, &length);

		if (result == 0)
			return 0;
		if (result == -EMSGSIZE) {
			refuse(import, import->source.number, "the line is too long");
			continue;
		}
		if (result > 0)
			result = take_line(import, line, length);
		if (result < 0)
			return result;
		progress_show(&import->progress, import->n_stored + import->n_sent,
			      import->source.name);
	}
}

/* -- the end --------------------------------------------------------------------------------------- */

static void say_counts(const struct import *import)
{
	(void)printf("%" PRIu64 " samples stored, %" PRIu64 " lines refused\n", import->n_stored,
		     import->n_refused);
	(void)fflush(stdout);
}

/* What is stored for sure, and how to go on. */
static void say_rest(const struct import *import)
{
	message_error("%s: all lines up to %" PRIu64 " are stored, or were refused; go on with "
		      "--skip %" PRIu64,
		      import->source.name, import->line_stored, import->line_stored);
	if (import->n_sent + import->n_request > 0) {
		message_error("of the lines from %" PRIu64 " to %" PRIu64
			      " it is not known: those that are stored would be so twice. "
			      "`agentctl query --all` shows",
			      import->line_stored + 1, import->line_sent);
	}
}

static void say_failure(const struct import *import, int result)
{
	if (result == -EINTR)
		message_error("interrupted");
	else if (result == -ENOMEM)
		message_error("no memory");
	else if (result == -EPROTO || result == -ENOTSUP)
		message_error("the answer from %s makes no sense", import->target.path);
	else if (result != -EREMOTEIO)
		(void)ask_unreachable(&import->target, result);
}

/* Have what was read stored whatever ended the reading, so that nobody has to wonder. */
static int finish(struct import *import, int result)
{
	int synced = import->is_lost || result == -EREMOTEIO ? result : sync_sent(import);

	progress_clear(&import->progress);
	if (import->source.error)
		message_error("cannot read %s: %s", import->source.name,
			      strerror(-import->source.error));
	if (synced < 0)
		result = synced;
	if (result < 0 && result != import->source.error)
		say_failure(import, result);
	if (result == 0 && import->parser.format == &import_openmetrics &&
	    !import->parser.has_ended && !import->parser.is_in_ms)
		message_warning("%s does not end in '# EOF': it may have been cut short",
				import->source.name);
	say_counts(import);
	if (result < 0)
		say_rest(import);
	if (import->is_lost && result != -EINTR)
		return ENDING_UNREACHABLE;
	return result < 0 || import->n_refused > 0 ? ENDING_FAILED : ENDING_FOUND;
}

static int import_target(struct import *import)
{
	int result;

	progress_init(&import->progress, "taken");
	interrupt_open(&import->interrupt);
	import->target.client.patience_ms = PATIENCE_MS;
	result = finish(import, take_lines(import));
	interrupt_close(&import->interrupt);
	return result;
}

static void import_free(struct import *import)
{
	import_source_close(&import->source);
	import_parser_done(&import->parser);
	target_close(&import->target);
	buffer_done(&import->request);
	buffer_done(&import->name);
	buffer_done(&import->name_next);
	free(import);
}

int import_run(const struct options *options)
{
	struct import *import = calloc(1, sizeof(*import));
	int result;

	if (!import) {
		message_error("no memory");
		return ENDING_FAILED;
	}
	import->options = options;
	import_parser_init(&import->parser, options->import_format);
	target_init(&import->target, options->verb->scope, options->socket);
	result = import_source_open(&import->source, options->argument);
	if (result < 0) {
		message_error("cannot read '%s': %s", options->argument, strerror(-result));
		result = ENDING_FAILED;
	} else {
		result = target_open(&import->target);
		result = result < 0 ? ask_unreachable(&import->target, result)
				    : import_target(import);
	}
	import_free(import);
	return result;
}
