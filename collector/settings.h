/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_SETTINGS_H
#define COLLECTOR_SETTINGS_H

/* What an administrator can set: the file collector.conf, over it the command line. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/config.h"

/* Read when --config is not given; need not exist. */
#define SETTINGS_FILE "/etc/hostmetrics/collector.conf"

/* A segment that could not be written is read into memory as a whole, to be verified. */
#define SETTINGS_LOG_SEGMENT_MAX_MIB 1024

/* As many threads may answer at once, and take this much memory each. */
#define SETTINGS_QUERIES_MAX          64
#define SETTINGS_QUERY_MEMORY_MAX_MIB 65536

struct settings {
	char *listen;
	char *store;
	char *socket;
	char *user;
	int64_t reactors;
	int64_t text_clients;
	int64_t text_idle_us;
	int64_t log_segment_mib;
	int64_t queries;
	int64_t query_time_us;
	int64_t query_memory_mib;
	char *retention; /* rules of the section [retention], as retention_rules_read() has them */
};

/* What the command line says. Texts are borrowed from it. */
struct settings_options {
	const char *config; /* NULL = SETTINGS_FILE, if it exists */
	const char *listen; /* NULL = as the file says; so with the others */
	const char *store;
	const char *socket;
	bool check_config;  /* say whether the configuration is good, and exit */
	bool sample_config; /* print a sample file, and exit */
	bool version;
	bool help;
};

/*
 * Parse the command line. getopt(3) says itself on standard error what is wrong with it.
 * @return 0 or -EINVAL
 */
int settings_parse_options(int argc, char *const argv[], struct settings_options *ret_options);

/*
 * Fallbacks, then the file, then the options.
 * @return 0; -errno with *error set; then *settings is to be released all the same
 */
int settings_read(struct settings *settings, const struct settings_options *options,
		  struct config_error *error);

/* Add every key that differs. @return 0 or -ENOMEM */
int settings_diff(const struct settings *before, const struct settings *after,
		  struct config_changes *changes);

/* Give `after` what `before` has in every key that needs a restart. @return 0 or -ENOMEM */
int settings_keep(const struct settings *before, struct settings *after);

/* Takes zeroed settings. */
void settings_done(struct settings *settings);

/* Append the text for --help, and a sample of collector.conf. */
void settings_format_help(struct buffer *out);
void settings_format_sample(struct buffer *out);

#endif
