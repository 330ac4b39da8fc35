/* SPDX-License-Identifier: MIT */
/* Ask a daemon one question and print its answer. */

#include "agent/ctl/ask.h"

#include <errno.h>
#include <string.h>

#include "agent/ctl/request.h"
#include "common/message.h"
#include "common/timestamp.h"

static int take_columns(void *context, const struct answer_columns *columns)
{
	return output_begin(context, columns);
}

static int take_row(void *context, char *const words[])
{
	return output_row(context, words);
}

static int take_note(void *context, const char *text)
{
	(void)context;
	message_info("%s", text);
	return 0;
}

static const struct answer_handler handler = {
	.columns = take_columns,
	.row = take_row,
	.note = take_note,
};

int ask_unreachable(const struct target *target, int error)
{
	struct buffer text = {0};

	target_explain(target, error, &text);
	message_error("%s", buffer_text(&text));
	buffer_done(&text);
	return ENDING_UNREACHABLE;
}

int ask_unwritable(int error)
{
	if (error != -EPIPE)
		message_error("cannot write: %s", strerror(-error));
	return ENDING_FAILED;
}

/* A verb of the collector's was asked of the agent, for want of a collector. */
static void say_fallback(const struct options *options, const struct target *target)
{
	if (options->verb->scope == VERB_COLLECTOR && !options->socket &&
	    strcmp(target->path, HM_AGENT_SOCKET) == 0)
		message_info("no collector runs here: nobody listens at " HM_COLLECTOR_SOCKET);
}

int ask_conclude(const struct options *options, const struct target *target,
		 const struct answer *answer)
{
	switch (answer->status) {
	case ANSWER_OK:
		return ENDING_FOUND;
	case ANSWER_NONE:
		if (answer->text)
			message_error("%s", answer->text);
		else if (options->argument)
			message_error("nothing matches '%s'", options->argument);
		else
			message_error("there is nothing");
		return ENDING_NONE;
	case ANSWER_USAGE:
		message_error("%s", answer->text ? answer->text : "the daemon cannot do that");
		say_fallback(options, target);
		return ENDING_USAGE;
	case ANSWER_FAILED:
		break;
	}
	message_error("%s", answer->text ? answer->text : "the daemon failed");
	return ENDING_FAILED;
}

/* The answer came to its end. */
static int finish_answer(const struct options *options, const struct target *target,
			 const struct answer *answer, struct output *output)
{
	bool is_whole = answer->status == ANSWER_OK || answer->status == ANSWER_NONE;
	int error = is_whole ? output_end(output) : output_break(output);

	return error < 0 ? ask_unwritable(error) : ask_conclude(options, target, answer);
}

/* It did not. */
static int finish_broken(const struct target *target, const struct answer *answer,
			 struct output *output, int error)
{
	if (output->error < 0)
		return ask_unwritable(output->error);
	(void)output_break(output);
	if (error == -EPROTO) {
		message_error("the answer from %s makes no sense: %s", target->path,
			      answer->problem);
		return ENDING_FAILED;
	}
	if (error == -ENOMEM) {
		message_error("no memory for the answer");
		return ENDING_FAILED;
	}
	return error;
}

int ask_format(const struct options *options, struct buffer *out)
{
	int error = request_format(options, out);

	if (error == -E2BIG) {
		message_error("that is longer than a daemon takes");
		return ENDING_USAGE;
	}
	if (error < 0) {
		message_error("no memory");
		return ENDING_FAILED;
	}
	return ENDING_FOUND;
}

int ask_target(const struct options *options, struct target *target, FILE *file)
{
	struct buffer request = {0};
	struct output output;
	struct answer answer;
	int result = ask_format(options, &request);

	if (result != ENDING_FOUND) {
		buffer_done(&request);
		return result;
	}
	output_init(&output, options->format ? options->format : &output_table, file);
	output.wants_age = options->verb->shows_age;
	output.now_us = timestamp_now_us();
	answer_init(&answer, &handler, &output);
	result = client_ask(&target->client, &request, &answer, NULL);
	if (result < 0) {
		target_close(target);
		result = finish_broken(target, &answer, &output, result);
	} else {
		result = finish_answer(options, target, &answer, &output);
	}
	answer_done(&answer);
	output_done(&output);
	buffer_done(&request);
	return result;
}

int ask_run(const struct options *options)
{
	struct target target;
	int result;

	target_init(&target, options->verb->scope, options->socket);
	result = target_open(&target);
	if (result == 0)
		result = ask_target(options, &target, stdout);
	if (result < 0)
		result = ask_unreachable(&target, result);
	target_close(&target);
	return result;
}
