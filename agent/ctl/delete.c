/* SPDX-License-Identifier: MIT */
/* `agentctl delete`. */

#include "agent/ctl/delete.h"

#include <stdio.h>
#include <unistd.h>

#include "agent/ctl/ask.h"
#include "common/message.h"

/* @return was it a yes? */
static bool confirm(void)
{
	char answer[16];

	(void)fprintf(stderr, "Delete these samples, for good? [y/N] ");
	(void)fflush(stderr);
	if (!fgets(answer, sizeof(answer), stdin))
		return false;
	return answer[0] == 'y' || answer[0] == 'Y';
}

int delete_run(const struct options *options)
{
	struct options meant = *options;
	int result;

	if (options->given & OPTIONS_YES || options->given & OPTIONS_DRY_RUN)
		return ask_run(options);
	if (!isatty(STDIN_FILENO)) {
		message_error("delete asks on a terminal; without one it wants --yes or --dry-run");
		return ENDING_USAGE;
	}
	result = ask_run(options);
	if (result != ENDING_FOUND)
		return result;
	if (!confirm()) {
		message_info("nothing is deleted");
		return ENDING_FAILED;
	}
	meant.given |= OPTIONS_YES;
	return ask_run(&meant);
}
