/* SPDX-License-Identifier: MIT */
/* Has the collector make a copy of its store. */

#include "agent/ctl/snapshot.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "agent/ctl/ask.h"
#include "common/message.h"

int snapshot_run(const struct options *options)
{
	struct options absolute = *options;
	struct buffer path = {0};
	int result;

	/* The collector runs in a folder of its own. */
	if (options->argument[0] != '/') {
		char here[PATH_MAX];

		if (!getcwd(here, sizeof(here))) {
			message_error("where are we: %s", strerror(errno));
			return ENDING_FAILED;
		}
		buffer_printf(&path, "%s/", here);
	}
	buffer_append_text(&path, options->argument);
	absolute.argument = buffer_text(&path);
	result = ask_run(&absolute);
	buffer_done(&path);
	return result;
}
