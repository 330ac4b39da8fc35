/* SPDX-License-Identifier: MIT */
/* agentctl: how a person talks to the agent and the collector of a machine. */

#include <locale.h>
#include <stdio.h>
#include <time.h>

#include "agent/ctl/help.h"
#include "agent/ctl/options.h"
#include "common/message.h"
#include "common/timestamp.h"

int main(int argc, char *argv[])
{
	struct options options;

	message_init("agentctl");
	tzset();
	/* Only how wide characters are; numbers stay as every program reads them. */
	if (!setlocale(LC_CTYPE, ""))
		(void)setlocale(LC_CTYPE, "C.UTF-8");
	if (options_parse(&options, argc, argv, timestamp_now_us()) < 0)
		return ENDING_USAGE;
	if (options.wants_version)
		return help_print_version(stdout);
	if (options.wants_help)
		return help_print(options.verb, stdout);
	if (!options.verb) {
		(void)help_print(NULL, stderr);
		return ENDING_USAGE;
	}
	return options.verb->run(&options);
}
