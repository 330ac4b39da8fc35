/* SPDX-License-Identifier: MIT */
/* Tables of keys: the settings that come from configuration files. */

#include <bsd/stdlib.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/address.h"
#include "common/config.h"
#include "common/text.h"
#include "common/timestamp.h"
#include "hostmetrics/wire.h"

#define COUNT_MAX 1000000

static void *setting_at(const struct config_key *key, void *settings)
{
	return (char *)settings + key->offset;
}

static bool is_text(const struct config_key *key)
{
	return key->type == CONFIG_TEXT || key->type == CONFIG_ADDRESS;
}

static int set_text(char **setting, const char *value)
{
	char *copy;

	/* Not strdup(3): behind it gcc 12's -fanalyzer sees a leak in the store, which is none. */
	if (asprintf(&copy, "%s", value) < 0)
		return -ENOMEM;
	free(*setting);
	*setting = copy;
	return 0;
}

static int set_duration(int64_t *setting, const char *value, struct config_error *error)
{
	int64_t duration_us;

	if (duration_parse(value, &duration_us) < 0 || duration_us <= 0) {
		config_error_printf(
			error,
			"'%s' is not a duration; write a number with us, ms, s, m, h or d, "
			"such as 10s or 1h30m",
			value);
		return -EINVAL;
	}
	*setting = duration_us;
	return 0;
}

static int set_address(char **setting, const char *value, struct config_error *error)
{
	char host[ADDRESS_HOST_MAX_BYTES];
	int port;

	if (address_split(value, HM_COLLECTOR_PORT, host, &port) < 0) {
		config_error_printf(
			error,
			"'%s' is not an address; write HOST:PORT or [IPV6]:PORT, such as "
			"127.0.0.1:%d",
			value, HM_COLLECTOR_PORT);
		return -EINVAL;
	}
	return set_text(setting, value);
}

static int set_count(int64_t *setting, const char *value, struct config_error *error)
{
	const char *problem;
	int64_t count = strtonum(value, 1, COUNT_MAX, &problem);

	if (problem) {
		config_error_printf(error, "'%s' is not a count; write a whole number from 1 to %d",
				    value, COUNT_MAX);
		return -EINVAL;
	}
	*setting = count;
	return 0;
}

int config_set(const struct config_key *key, const char *value, void *settings,
	       struct config_error *error)
{
	void *setting = setting_at(key, settings);
	int result = -EINVAL;

	switch (key->type) {
	case CONFIG_TEXT:
		result = set_text(setting, value);
		break;
	case CONFIG_DURATION:
		result = set_duration(setting, value, error);
		break;
	case CONFIG_ADDRESS:
		result = set_address(setting, value, error);
		break;
	case CONFIG_COUNT:
		result = set_count(setting, value, error);
		break;
	}
	if (result == -ENOMEM)
		config_error_printf(error, "out of memory");
	return result;
}

int config_defaults(const struct config_key *keys, size_t n_keys, void *settings)
{
	struct config_error error;
	int result = 0;

	/* All of them first, so that what is half set can be freed. */
	for (size_t i = 0; i < n_keys; i++) {
		if (is_text(&keys[i]))
			*(char **)setting_at(&keys[i], settings) = NULL;
	}
	for (size_t i = 0; i < n_keys && result == 0; i++)
		result = config_set(&keys[i], keys[i].fallback, settings, &error);
	return result;
}

/* Put "FILE:LINE: KEY in [SECTION]: " before what *error says. */
static void locate_error(const struct config_entry *entry, struct config_error *error)
{
	struct config_error what = *error;

	config_error_printf(error, "%s:%d: %s in [%s]: %s", entry->file, entry->line_number,
			    entry->key, entry->section, what.text);
}

static const struct config_key *find_key(const struct config_key *keys, size_t n_keys,
					 const char *name)
{
	for (size_t i = 0; i < n_keys; i++) {
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	}
	return NULL;
}

static int reject_key(const struct config_entry *entry, const struct config_key *keys,
		      size_t n_keys, struct config_error *error)
{
	const char **names = calloc(n_keys + 1, sizeof(*names));

	if (!names) {
		config_error_printf(error, "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < n_keys; i++)
		names[i] = keys[i].name;
	config_unknown(entry, "key", entry->key, names, error);
	free((void *)names);
	return -EINVAL;
}

static int apply_entry(const struct config_entry *entry, const struct config_key *keys,
		       size_t n_keys, void *settings, struct config_error *error)
{
	const struct config_key *key = find_key(keys, n_keys, entry->key);
	int result;

	if (!key)
		return reject_key(entry, keys, n_keys, error);
	result = config_set(key, entry->value, settings, error);
	if (result < 0)
		locate_error(entry, error);
	return result;
}

int config_apply(const struct config *config, const char *section, const struct config_key *keys,
		 size_t n_keys, void *settings, struct config_error *error)
{
	for (size_t i = 0; i < config->n_entries; i++) {
		int result;

		if (strcmp(config->entries[i].section, section) != 0)
			continue;
		result = apply_entry(&config->entries[i], keys, n_keys, settings, error);
		if (result < 0)
			return result;
	}
	return 0;
}

void config_free_settings(const struct config_key *keys, size_t n_keys, void *settings)
{
	for (size_t i = 0; i < n_keys; i++) {
		char **text = setting_at(&keys[i], settings);

		if (!is_text(&keys[i]))
			continue;
		free(*text);
		*text = NULL;
	}
}

void config_unknown(const struct config_entry *entry, const char *what, const char *word,
		    const char *const candidates[], struct config_error *error)
{
	const char *nearest = text_nearest(word, candidates);
	struct buffer sentence = {0};

	buffer_printf(&sentence, "%s:%d: unknown %s '%s'", entry->file, entry->line_number, what,
		      word);
	if (strcmp(what, "section") != 0)
		buffer_printf(&sentence, " in [%s]", entry->section);
	if (nearest)
		buffer_printf(&sentence, "; did you mean '%s'?", nearest);
	for (size_t i = 0; !nearest && candidates[i]; i++)
		buffer_printf(&sentence, "%s%s", i == 0 ? "; known are " : ", ", candidates[i]);
	config_error_printf(error, "%s", buffer_text(&sentence));
	buffer_done(&sentence);
}

void config_format_help(const struct config_key *keys, size_t n_keys, struct buffer *out)
{
	for (size_t i = 0; i < n_keys; i++) {
		buffer_printf(out, "  %-16s %s", keys[i].name, keys[i].help);
		if (*keys[i].fallback)
			buffer_printf(out, " (default %s)", keys[i].fallback);
		buffer_append_byte(out, '\n');
	}
}

void config_format_sample(const char *section, const struct config_key *keys, size_t n_keys,
			  struct buffer *out)
{
	buffer_printf(out, "[%s]\n", section);
	for (size_t i = 0; i < n_keys; i++) {
		buffer_printf(out, "\n# %s\n#%s = %s\n", keys[i].help, keys[i].name,
			      keys[i].fallback);
	}
}
