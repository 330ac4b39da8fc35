/* SPDX-License-Identifier: MIT */
#ifndef COMMON_CONFIG_H
#define COMMON_CONFIG_H

/*
 * Configuration files (INI, read by inih) and the tables that say what may stand in them. From one
 * table come the types, --help, the manual page and the sample file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"

/* Types of a key. The setting is stored at `offset` of the settings struct. */
enum config_type {
	CONFIG_TEXT,     /* char *, owned by the settings; "" when not set */
	CONFIG_DURATION, /* int64_t microseconds, above 0 */
	CONFIG_ADDRESS,  /* char *, HOST:PORT checked for form */
	CONFIG_COUNT,    /* int64_t, 1 to 1 000 000 */
};

/* What it means for a running process that a setting has changed. */
enum config_effect {
	CONFIG_NEEDS_RESTART,    /* it goes on with what it has */
	CONFIG_APPLIES,          /* a reload takes it over */
	CONFIG_RESTARTS_SECTION, /* a reload takes it over and restarts what the section is about */
};

/* One key of a section. */
struct config_key {
	const char *name;
	enum config_type type;
	size_t offset;
	const char *fallback; /* as one would write it in the file */
	const char *help;     /* one sentence */
	enum config_effect effect;
};

/* One `key = value` of a file. */
struct config_entry {
	char *file;
	int line_number;
	char *section; /* "agent", "plugin cpu" */
	char *key;
	char *value;
};

/* All entries of all files that were read, in order; a later one wins. Zeroed = empty. */
struct config {
	struct config_entry *entries;
	size_t n_entries;
	size_t capacity;
};

/* The first thing that was wrong, as a sentence that begins with FILE:LINE where there is one. */
struct config_error {
	char text[512];
};

/* Say in *error what is wrong, cut to its size. */
void config_error_printf(struct config_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Read a file, then FILE's folder FILE.d (agent.conf.d/...conf in the order of names) where it
 * exists. A line is one entry: indentation means nothing, a value never goes on in the next line.
 * @return 0; -errno with *error set: cannot be read, line too long (inih holds 198 bytes; comments
 * may be longer), not INI, not UTF-8, a NUL byte, larger than 1 MiB. Entries read before stay.
 */
int config_read(struct config *config, const char *path, struct config_error *error);

/* The same from memory, for one file; `path` is only for messages. */
int config_read_text(struct config *config, const char *path, const char *text, size_t length,
		     struct config_error *error);

void config_done(struct config *config);

/*
 * Set every key to its fallback. `settings` may hold anything before: no text there is freed.
 * @return 0, -ENOMEM; -EINVAL is a defect in the table
 */
int config_defaults(const struct config_key *keys, size_t n_keys, void *settings);

/* Set one key. @return 0; -ENOMEM; -EINVAL with *error saying what it should be (without FILE:LINE)
 */
int config_set(const struct config_key *key, const char *value, void *settings,
	       struct config_error *error);

/*
 * Set every key of [section]. @return 0; -EINVAL: unknown key ("did you mean") or a value that does
 * not fit, with FILE:LINE in *error
 */
int config_apply(const struct config *config, const char *section, const struct config_key *keys,
		 size_t n_keys, void *settings, struct config_error *error);

/* Free the texts among the settings. */
void config_free_settings(const struct config_key *keys, size_t n_keys, void *settings);

/* A key whose setting differs. All of it is owned. */
struct config_change {
	char *section;
	char *key;
	char *before; /* as one would write it in the file; "" when not set */
	char *after;
	enum config_effect effect;
};

/* Zeroed = none. */
struct config_changes {
	struct config_change *at;
	size_t n;
};

/*
 * Add every key whose setting in `after` is not the one in `before`.
 * @param section  as in the file: "plugin cpu"
 * @return 0 or -ENOMEM
 */
int config_diff(const char *section, const struct config_key *keys, size_t n_keys,
		const void *before, const void *after, struct config_changes *changes);

/* Give `after` what `before` has in every key that needs a restart. @return 0 or -ENOMEM */
int config_keep(const struct config_key *keys, size_t n_keys, const void *before, void *after);

/* Append what becomes of a change, for people: "needs a restart". */
void config_change_format_effect(const struct config_change *change, struct buffer *out);

/* Append the whole of it, for the log: "[agent] interval: '1s' becomes '2s': applied". */
void config_change_format(const struct config_change *change, struct buffer *out);

void config_changes_done(struct config_changes *changes);

/* Say in *error that `entry` has an unknown key or section, with the nearest of `candidates` (ended
 * by NULL). */
void config_unknown(const struct config_entry *entry, const char *what, const char *word,
		    const char *const candidates[], struct config_error *error);

/* Append the table as help text, one line a key, for --help. */
void config_format_help(const struct config_key *keys, size_t n_keys, struct buffer *out);

/* Append the table as a sample section: every key commented out at its fallback, its help above it.
 */
void config_format_sample(const char *section, const struct config_key *keys, size_t n_keys,
			  struct buffer *out);

#endif
