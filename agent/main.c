/* SPDX-License-Identifier: MIT */
/* hostmetrics-agent: the program. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/daemon.h"
#include "agent/exposition.h"
#include "agent/footprint.h"
#include "agent/host.h"
#include "agent/loader.h"
#include "agent/once.h"
#include "agent/options.h"
#include "agent/settings.h"
#include "common/descriptor_limit.h"
#include "common/message.h"

#define EXIT_USAGE 2

/*
 * What may be open at once. Plugins keep what they read open: nine files for each CPU, two for each network interface. A
 * shell and systemd allow 1024 at first, and whoever comes last would have none, as the connection to the collector.
 */
#define DESCRIPTORS_WANTED 65536

static int print(struct buffer *text)
{
	const char *all = buffer_text(text);
	bool is_printed = !buffer_failed(text) && fputs(all, stdout) >= 0 && fflush(stdout) == 0;

	buffer_done(text);
	return is_printed ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int print_help(void)
{
	struct buffer text = {0};

	buffer_append_text(&text,
			   "Usage: hostmetrics-agent [OPTION...]\n"
			   "Watch this host and ship what its plugins see to a collector.\n\n");
	options_format_help(&text);
	settings_format_help(&text);
	return print(&text);
}

/*
 * Where plugins lie: beside the program in a build folder, else where they were installed.
 * @param out  PATH_MAX bytes
 */
static const char *find_plugins_folder(const struct options *options, char *out)
{
	static const char name[] = "/plugins";
	ssize_t length = readlink("/proc/self/exe", out, PATH_MAX - sizeof(name));
	struct stat status;
	char *slash;

	if (options->plugins)
		return options->plugins;
	if (length < 0)
		return HM_PLUGIN_FOLDER;
	out[length] = '\0';
	slash = strrchr(out, '/');
	if (!slash)
		return HM_PLUGIN_FOLDER;
	memcpy(slash, name, sizeof(name));
	return stat(out, &status) == 0 && S_ISDIR(status.st_mode) ? out : HM_PLUGIN_FOLDER;
}

/* @return 0 or -errno, told already */
static int load_plugins(struct loader *loader, const struct options *options)
{
	char path[PATH_MAX];
	const char *folder = find_plugins_folder(options, path);
	const char *reason;
	int result = loader_open(loader, folder, geteuid() == 0, &reason);

	if (result < 0) {
		message_error("cannot load plugins from '%s': %s", folder, reason);
		return result;
	}
	for (size_t i = 0; i < loader->n_refusals; i++)
		message_warning("plugin %s is refused: %s", loader->refusals[i].name,
				loader->refusals[i].reason);
	if (loader->n_plugins == 0)
		message_warning("there is no plugin in '%s'", folder);
	return 0;
}

/* @return 0 or -errno, told already */
static int read_settings(struct settings *settings, const struct options *options,
			 const struct loader *loader)
{
	struct settings_report report = {0};
	int result = settings_read(settings, options, loader, &report);

	settings_report_tell(&report);
	if (result == -ENOMEM)
		message_error("cannot read the configuration: %s", strerror(ENOMEM));
	settings_report_done(&report);
	return result;
}

static int run_on_host(const struct options *options, struct settings *settings,
		       const struct loader *loader)
{
	const char *root = options->root ? options->root : "";
	struct hm_host host;
	int result;

	(void)descriptor_limit_raise(DESCRIPTORS_WANTED);
	result = host_init(&host, root);

	if (result < 0) {
		message_error("cannot open the root '%s': %s", root, strerror(-result));
		return result;
	}
	result = options->wants_once ? once_run(settings, &host, options->output)
				     : daemon_run(options, settings, loader, &host);
	host_done(&host);
	return result;
}

static int run(const struct options *options, const struct loader *loader)
{
	struct settings settings;
	int result = read_settings(&settings, options, loader);

	if (result == 0 && options->wants_check)
		result = printf("%s: ok\n", settings_path(options)) < 0 ? -EIO : 0;
	else if (result == 0)
		result = run_on_host(options, &settings, loader);
	settings_done(&settings);
	return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int print_metrics(const struct loader *loader)
{
	struct buffer text = {0};

	buffer_append_text(&text, "plugin\tmetric\tkind\tunit\tlabels\tsource\thelp\n");
	for (size_t i = 0; i < loader->n_plugins; i++)
		exposition_list(loader->plugins[i], &text);
	return print(&text);
}

static int run_with_plugins(const struct options *options)
{
	struct loader loader;
	struct buffer sample = {0};
	int status = EXIT_FAILURE;

	if (load_plugins(&loader, options) < 0)
		return EXIT_FAILURE;
	if (options->wants_metrics)
		status = print_metrics(&loader);
	else if (!options->wants_sample)
		status = run(options, &loader);
	else if (settings_format_sample(&loader, &sample) == 0)
		status = print(&sample);
	loader_close(&loader);
	return status;
}

int main(int argc, char *argv[])
{
	struct options options;

	footprint_init();
	message_init("hostmetrics-agent");
	if (options_parse(&options, argc, argv) < 0) {
		(void)fputs("Try 'hostmetrics-agent --help'.\n", stderr);
		return EXIT_USAGE;
	}
	if (options.wants_help)
		return print_help();
	if (options.wants_version)
		return puts("hostmetrics-agent " HM_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	return run_with_plugins(&options);
}
