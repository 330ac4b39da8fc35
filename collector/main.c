/* SPDX-License-Identifier: MIT */
/* hostmetrics-collector: the program. */

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/daemon.h"
#include "collector/settings.h"
#include "collector/worker.h"
#include "common/message.h"

#define EXIT_USAGE  2
#define LARGE_BYTES (1 << 20)

static int print(void (*format)(struct buffer *out))
{
	struct buffer text = {0};
	int status = EXIT_FAILURE;

	format(&text);
	if (!buffer_failed(&text) && fputs(buffer_text(&text), stdout) >= 0 && fflush(stdout) == 0)
		status = EXIT_SUCCESS;
	buffer_done(&text);
	return status;
}

static int run_daemon(const struct settings_options *options, struct settings *settings)
{
	workers_keep_memory();
	return daemon_run(options, settings) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(const struct settings_options *options)
{
	struct settings settings;
	struct config_error error = {0};
	int status = EXIT_FAILURE;

	if (settings_read(&settings, options, &error) < 0)
		message_error("%s", error.text);
	else if (options->check_config)
		status = EXIT_SUCCESS;
	else
		status = run_daemon(options, &settings);
	settings_done(&settings);
	return status;
}

int main(int argc, char *argv[])
{
	struct settings_options options;

	/* What is large comes from the kernel and goes back to it, as a checkpoint's memory. Left to itself
	 * the library keeps it after the first time: as much again as all series take. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	message_init("hostmetrics-collector");
	if (settings_parse_options(argc, argv, &options) < 0) {
		(void)fputs("Try 'hostmetrics-collector --help'.\n", stderr);
		return EXIT_USAGE;
	}
	if (options.help)
		return print(settings_format_help);
	if (options.sample_config)
		return print(settings_format_sample);
	if (options.version)
		return puts("hostmetrics-collector " HM_VERSION) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	return run(&options);
}
