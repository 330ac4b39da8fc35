/* SPDX-License-Identifier: MIT */
/* What is asked of a daemon, from the command line. */

#include "agent/ctl/request.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/control.h"
#include "hostmetrics/control.h"

static void append_text(struct buffer *out, const char *name, const char *value)
{
	if (!value)
		return;
	buffer_printf(out, "\t%s=", name);
	control_append_word(out, value);
}

static void append_time(struct buffer *out, const char *name, int64_t time_us)
{
	buffer_printf(out, "\t%s=%" PRId64, name, time_us);
}

int request_format(const struct options *options, struct buffer *out)
{
	const struct verb *verb = options->verb;

	buffer_append_text(out, verb->request);
	if (verb->argument)
		append_text(out, verb->argument, options->argument);
	append_text(out, "host", options->host);
	if (options->given & OPTIONS_AT)
		append_time(out, "at", options->at_us);
	if (options->given & OPTIONS_SINCE)
		append_time(out, "since", options->since_us);
	if (options->given & OPTIONS_UNTIL)
		append_time(out, "until", options->until_us);
	append_text(out, "function", options->function);
	if (options->given & OPTIONS_STEP)
		append_time(out, "step", options->step_us);
	append_text(out, "by", options->by);
	if (verb->options & OPTIONS_HOST_SORT)
		append_text(out, "sort", options->sort);
	if (options->given & OPTIONS_ALL)
		append_text(out, "all", "yes");
	if (options->given & OPTIONS_DRY_RUN)
		append_text(out, "dry", "yes");
	else if (options->given & OPTIONS_YES)
		append_text(out, "yes", "yes");
	buffer_append_byte(out, '\n');
	if (buffer_failed(out))
		return -ENOMEM;
	return out->length > HM_CONTROL_REQUEST_MAX_BYTES ? -E2BIG : 0;
}
