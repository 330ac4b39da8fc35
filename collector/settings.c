/* SPDX-License-Identifier: MIT */
/* What an administrator can set. */

#include "collector/settings.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/endpoint.h"
#include "collector/retention_rules.h"
#include "hostmetrics/control.h"

#define SECTION           "collector"
#define RETENTION_SECTION "retention"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum key {
	KEY_LISTEN,
	KEY_STORE,
	KEY_SOCKET,
	KEY_USER,
	KEY_REACTORS,
	KEY_TEXT_CLIENTS,
	KEY_TEXT_IDLE,
	KEY_LOG_SEGMENT_MIB,
	KEY_QUERIES,
	KEY_QUERY_TIME,
	KEY_QUERY_MEMORY_MIB,
};

static const struct config_key keys[] = {
	[KEY_LISTEN] = {"listen", CONFIG_ADDRESS, offsetof(struct settings, listen),
			"127.0.0.1:9999",
			"Address and port for agents and text lines, TCP and UDP.", CONFIG_APPLIES},
	[KEY_STORE] = {"store", CONFIG_TEXT, offsetof(struct settings, store),
		       "/var/lib/hostmetrics/store", "Folder in which the metrics are stored.",
		       CONFIG_NEEDS_RESTART},
	[KEY_SOCKET] = {"socket", CONFIG_TEXT, offsetof(struct settings, socket),
			HM_COLLECTOR_SOCKET, "Control socket, for agentctl.", CONFIG_NEEDS_RESTART},
	[KEY_USER] = {"user", CONFIG_TEXT, offsetof(struct settings, user), "",
		      "User to run as when started as root; empty: stay who we are.",
		      CONFIG_NEEDS_RESTART},
	[KEY_REACTORS] = {"reactors", CONFIG_COUNT, offsetof(struct settings, reactors), "1",
			  "Threads that serve the network, 1 to 64.", CONFIG_NEEDS_RESTART},
	[KEY_TEXT_CLIENTS] = {"text_clients", CONFIG_COUNT, offsetof(struct settings, text_clients),
			      "20000",
			      "Connections of text clients at once, as far as the limit of open "
			      "files goes.",
			      CONFIG_APPLIES},
	[KEY_TEXT_IDLE] = {"text_idle", CONFIG_DURATION, offsetof(struct settings, text_idle_us),
			   "10m", "A text client that sends nothing for so long is cut off.",
			   CONFIG_APPLIES},
	[KEY_LOG_SEGMENT_MIB] = {"log_segment_mib", CONFIG_COUNT,
				 offsetof(struct settings, log_segment_mib), "64",
				 "Size of the store's log files in MiB, 1 to 1024; two of them "
				 "start a checkpoint.",
				 CONFIG_NEEDS_RESTART},
	[KEY_QUERIES] = {"queries", CONFIG_COUNT, offsetof(struct settings, queries), "16",
			 "Queries that are answered at once, 1 to 64.", CONFIG_APPLIES},
	[KEY_QUERY_TIME] = {"query_time", CONFIG_DURATION, offsetof(struct settings, query_time_us),
			    "30s",
			    "A query that works for longer is ended; waiting for its reader does "
			    "not count.",
			    CONFIG_APPLIES},
	[KEY_QUERY_MEMORY_MIB] = {"query_memory_mib", CONFIG_COUNT,
				  offsetof(struct settings, query_memory_mib), "256",
				  "A query that holds more samples at once than fit into so many "
				  "MiB is ended.",
				  CONFIG_APPLIES},
};

/* All rules of a section are one setting. */
static const struct config_key retention_keys[] = {
	{"rules", CONFIG_TEXT, offsetof(struct settings, retention), "", "", CONFIG_APPLIES},
};

static const char usage[] =
	"Usage: hostmetrics-collector [OPTION]...\n"
	"Receive metrics from agents and as text lines, store them, answer agentctl.\n"
	"\n"
	"  --config FILE     read FILE instead of " SETTINGS_FILE "\n"
	"  --listen ADDRESS  HOST:PORT, instead of the file's\n"
	"  --store DIR       folder of the store, instead of the file's\n"
	"  --socket PATH     control socket, instead of the file's\n"
	"  --check-config    say whether the configuration is good, and exit\n"
	"  --sample-config   print a configuration file with all keys, and exit\n"
	"  --version         print the version, and exit\n"
	"  --help            print this, and exit\n"
	"\n"
	"Keys of the section [" SECTION "] of the file:\n";

static const char retention_help[] =
	"\n"
	"Section [" RETENTION_SECTION
	"]: HOST GLOB = AGE or SIZE, or both. Samples that are older are\n"
	"deleted, for good, those of before as well; so are the oldest ones while the files of\n"
	"these hosts take more of the disk together. The first line that takes a host counts, for\n"
	"all others '" RETENTION_DEFAULT "'; without that they keep all. '" RETENTION_MAX_SIZE
	"' is the size for all hosts.\n";

static const char retention_sample[] =
	"\n[" RETENTION_SECTION "]\n"
	"# Samples that are older are deleted, for good; so are the oldest ones while the files of these\n"
	"# hosts take more of the disk together. The first line whose glob takes a host counts, for all\n"
	"# others '" RETENTION_DEFAULT "'; without that they keep all. '" RETENTION_MAX_SIZE
	"' is for all hosts.\n"
	"#web* = 30d\n"
	"#lab* = 7d 2G\n"
	"#" RETENTION_DEFAULT " = 400d\n"
	"#" RETENTION_MAX_SIZE " = 50G\n";

enum option_code {
	OPTION_CONFIG = 256,
	OPTION_LISTEN,
	OPTION_STORE,
	OPTION_SOCKET,
	OPTION_CHECK_CONFIG,
	OPTION_SAMPLE_CONFIG,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"listen", required_argument, NULL, OPTION_LISTEN},
	{"store", required_argument, NULL, OPTION_STORE},
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"check-config", no_argument, NULL, OPTION_CHECK_CONFIG},
	{"sample-config", no_argument, NULL, OPTION_SAMPLE_CONFIG},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static int take_option(struct settings_options *options, int code, const char *value)
{
	switch (code) {
	case OPTION_CONFIG:
		options->config = value;
		return 0;
	case OPTION_LISTEN:
		options->listen = value;
		return 0;
	case OPTION_STORE:
		options->store = value;
		return 0;
	case OPTION_SOCKET:
		options->socket = value;
		return 0;
	case OPTION_CHECK_CONFIG:
		options->check_config = true;
		return 0;
	case OPTION_SAMPLE_CONFIG:
		options->sample_config = true;
		return 0;
	case OPTION_VERSION:
		options->version = true;
		return 0;
	case OPTION_HELP:
		options->help = true;
		return 0;
	default:
		return -EINVAL;
	}
}

int settings_parse_options(int argc, char *const argv[], struct settings_options *ret_options)
{
	struct settings_options options = {0};
	int code;

	optind = 1;
	while ((code = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (take_option(&options, code, optarg) < 0)
			return -EINVAL;
	}
	if (optind < argc) {
		(void)fprintf(stderr, "%s: unexpected argument '%s'\n", argv[0], argv[optind]);
		return -EINVAL;
	}
	*ret_options = options;
	return 0;
}

static int check_sections(const struct config *config, struct config_error *error)
{
	static const char *const sections[] = {SECTION, RETENTION_SECTION, NULL};

	for (size_t i = 0; i < config->n_entries; i++) {
		const struct config_entry *entry = &config->entries[i];

		if (strcmp(entry->section, SECTION) != 0 &&
		    strcmp(entry->section, RETENTION_SECTION) != 0) {
			config_unknown(entry, "section", entry->section, sections, error);
			return -EINVAL;
		}
	}
	return 0;
}

static int read_file(struct settings *settings, const char *path, struct config_error *error)
{
	struct config config = {0};
	int result = config_read(&config, path, error);

	if (result == 0)
		result = check_sections(&config, error);
	if (result == 0)
		result = config_apply(&config, SECTION, keys, COUNT(keys), settings, error);
	if (result == 0)
		result = retention_rules_read(&config, RETENTION_SECTION, &settings->retention,
					      error);
	config_done(&config);
	return result;
}

/* Set a key from an option. The error names the option, not a file. */
static int set_option(struct settings *settings, enum key key, const char *value,
		      struct config_error *error)
{
	struct config_error reason;
	int result;

	if (!value)
		return 0;
	result = config_set(&keys[key], value, settings, &reason);
	if (result == -EINVAL)
		(void)snprintf(error->text, sizeof(error->text), "--%s: %.400s", keys[key].name,
			       reason.text);
	return result;
}

static int check_values(const struct settings *settings, struct config_error *error)
{
	if (settings->reactors > ENDPOINT_REACTORS_MAX) {
		(void)snprintf(error->text, sizeof(error->text), "reactors: at most %d",
			       ENDPOINT_REACTORS_MAX);
		return -EINVAL;
	}
	if (settings->log_segment_mib > SETTINGS_LOG_SEGMENT_MAX_MIB) {
		(void)snprintf(error->text, sizeof(error->text), "log_segment_mib: at most %d",
			       SETTINGS_LOG_SEGMENT_MAX_MIB);
		return -EINVAL;
	}
	if (settings->queries > SETTINGS_QUERIES_MAX) {
		(void)snprintf(error->text, sizeof(error->text), "queries: at most %d",
			       SETTINGS_QUERIES_MAX);
		return -EINVAL;
	}
	if (settings->query_memory_mib > SETTINGS_QUERY_MEMORY_MAX_MIB) {
		(void)snprintf(error->text, sizeof(error->text), "query_memory_mib: at most %d",
			       SETTINGS_QUERY_MEMORY_MAX_MIB);
		return -EINVAL;
	}
	if (!settings->store[0] || !settings->socket[0]) {
		(void)snprintf(error->text, sizeof(error->text), "%s: a path is wanted here",
			       settings->store[0] ? "socket" : "store");
		return -EINVAL;
	}
	return 0;
}

int settings_read(struct settings *settings, const struct settings_options *options,
		  struct config_error *error)
{
	const char *path = options->config ? options->config : SETTINGS_FILE;
	int result;

	*settings = (struct settings){0};
	(void)snprintf(error->text, sizeof(error->text), "no memory");
	result = config_defaults(keys, COUNT(keys), settings);
	if (result == 0)
		result = config_defaults(retention_keys, COUNT(retention_keys), settings);
	if (result == 0 && (options->config || access(path, F_OK) == 0 || errno != ENOENT))
		result = read_file(settings, path, error);
	if (result == 0)
		result = set_option(settings, KEY_LISTEN, options->listen, error);
	if (result == 0)
		result = set_option(settings, KEY_STORE, options->store, error);
	if (result == 0)
		result = set_option(settings, KEY_SOCKET, options->socket, error);
	return result == 0 ? check_values(settings, error) : result;
}

int settings_diff(const struct settings *before, const struct settings *after,
		  struct config_changes *changes)
{
	int result = config_diff(SECTION, keys, COUNT(keys), before, after, changes);

	return result < 0 ? result
			  : config_diff(RETENTION_SECTION, retention_keys, COUNT(retention_keys),
					before, after, changes);
}

int settings_keep(const struct settings *before, struct settings *after)
{
	return config_keep(keys, COUNT(keys), before, after);
}

void settings_done(struct settings *settings)
{
	config_free_settings(keys, COUNT(keys), settings);
	config_free_settings(retention_keys, COUNT(retention_keys), settings);
}

void settings_format_help(struct buffer *out)
{
	buffer_append_text(out, usage);
	config_format_help(keys, COUNT(keys), out);
	buffer_append_text(out, retention_help);
}

void settings_format_sample(struct buffer *out)
{
	config_format_sample(SECTION, keys, COUNT(keys), out);
	buffer_append_text(out, retention_sample);
}
