/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

/* What agent.conf says, with the command line's options over it. */

#include <stdbool.h>
#include <stdint.h>

#include "agent/loader.h"
#include "agent/options.h"
#include "common/buffer.h"
#include "common/config.h"

#define SETTINGS_DEFAULT_PATH "/etc/hostmetrics/agent.conf"

/* An interval is at least and at most this. */
#define SETTINGS_INTERVAL_MIN_US INT64_C(10000)
#define SETTINGS_INTERVAL_MAX_US (INT64_C(24) * 3600 * 1000000)

/* The spool has at least and at most this. */
#define SETTINGS_SPOOL_MIN_BYTES ((uint64_t)32 << 20)
#define SETTINGS_SPOOL_MAX_BYTES ((uint64_t)1 << 40)

enum settings_enabled {
	SETTINGS_AUTO,
	SETTINGS_YES,
	SETTINGS_NO,
};

/* One section [plugin NAME]. */
struct settings_plugin {
	const struct hm_plugin *table; /* borrowed from the loader */
	char *enabled_word;
	enum settings_enabled enabled;
	int64_t own_interval_us; /* 0 = not set */
	int64_t interval_us;     /* that, or the agent's */
	/* The values of table->options, then those of its filter, as filter_new() takes them. */
	char *options[];
};

/* Zeroed = not read. */
struct settings {
	/* [agent] */
	int64_t interval_us;
	int64_t ship_interval_us;
	char *collector;
	char *hostname;
	char *spool;
	char *spool_size; /* as byte_size_parse() takes it */
	int64_t spool_age_us;
	char *socket;
	char *user;
	int64_t series_max;
	struct settings_plugin **plugins; /* one for each of the loader's, in its order */
	size_t n_plugins;
};

/* What is wrong with a configuration, a line each, beginning with FILE:LINE where there is one. */
struct settings_report {
	struct buffer errors;
	struct buffer warnings; /* does not keep the agent from running */
};

/*
 * Read the configuration: defaults, the file and its folder of further files, the options.
 * @param report  zeroed by the caller, and released by settings_report_done()
 * @return 0; -EINVAL with report->errors; -ENOMEM
 */
int settings_read(struct settings *settings, const struct options *options,
		  const struct loader *loader, struct settings_report *report);

/* The file that counts; without --config it need not be there. */
const char *settings_path(const struct options *options);

/*
 * Add every key that differs between two readings with the same loader.
 * @return 0 or -ENOMEM
 */
int settings_diff(const struct settings *before, const struct settings *after,
		  struct config_changes *changes);

/* Give `after` what `before` has in every key that needs a restart. @return 0 or -ENOMEM */
int settings_keep(const struct settings *before, struct settings *after);

/* Takes zeroed ones, and those that could not be read. */
void settings_done(struct settings *settings);

/* Say all of it in the log. */
void settings_report_tell(struct settings_report *report);

void settings_report_done(struct settings_report *report);

/* Append the keys of [agent] and [plugin NAME], one line each, for --help. */
void settings_format_help(struct buffer *out);

/* Append a whole agent.conf, every key commented out at its default. @return 0 or -ENOMEM */
int settings_format_sample(const struct loader *loader, struct buffer *out);

#endif
