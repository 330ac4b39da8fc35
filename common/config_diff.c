/* SPDX-License-Identifier: MIT */
/* What differs between two readings of a configuration. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config.h"
#include "common/timestamp.h"

static const void *setting_at(const struct config_key *key, const void *settings)
{
	return (const char *)settings + key->offset;
}

static bool is_text(const struct config_key *key)
{
	return key->type == CONFIG_TEXT || key->type == CONFIG_ADDRESS;
}

static bool is_same(const struct config_key *key, const void *before, const void *after)
{
	const void *one = setting_at(key, before);
	const void *other = setting_at(key, after);

	return is_text(key) ? strcmp(*(char *const *)one, *(char *const *)other) == 0
			    : *(const int64_t *)one == *(const int64_t *)other;
}

/* Exactly, in the largest unit that does: duration_format() rounds for people. */
static void format_duration(int64_t duration_us, char out[static TIMESTAMP_TEXT_MAX_BYTES])
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = {
		{"d", INT64_C(86400000000)},
		{"h", INT64_C(3600000000)},
		{"m", 60000000},
		{"s", 1000000},
		{"ms", 1000},
		{"us", 1},
	};
	size_t i = 0;

	while (duration_us % units[i].us != 0)
		i++;
	(void)snprintf(out, TIMESTAMP_TEXT_MAX_BYTES, "%" PRId64 "%s", duration_us / units[i].us,
		       units[i].name);
}

/* A setting as one would write it. @return NULL without memory; the caller frees it */
static char *format_setting(const struct config_key *key, const void *settings)
{
	const void *setting = setting_at(key, settings);
	char duration[TIMESTAMP_TEXT_MAX_BYTES] = "";
	char *text = NULL;
	int n_bytes = -1;

	switch (key->type) {
	case CONFIG_TEXT:
	case CONFIG_ADDRESS:
		n_bytes = asprintf(&text, "%s", *(char *const *)setting);
		break;
	case CONFIG_DURATION:
		/* None is 0: that is a key which no file sets. */
		if (*(const int64_t *)setting != 0)
			format_duration(*(const int64_t *)setting, duration);
		n_bytes = asprintf(&text, "%s", duration);
		break;
	case CONFIG_COUNT:
		n_bytes = asprintf(&text, "%" PRId64, *(const int64_t *)setting);
		break;
	}
	return n_bytes < 0 ? NULL : text;
}

static void change_done(const struct config_change *change)
{
	free(change->section);
	free(change->key);
	free(change->before);
	free(change->after);
}

/* Owns the texts of `change`, also when it fails. */
static int add_change(struct config_changes *changes, const struct config_change *change)
{
	struct config_change *at = NULL;

	if (change->section && change->key && change->before && change->after)
		at = reallocarray(changes->at, changes->n + 1, sizeof(*at));
	if (!at) {
		change_done(change);
		return -ENOMEM;
	}
	changes->at = at;
	changes->at[changes->n++] = *change;
	return 0;
}

int config_diff(const char *section, const struct config_key *keys, size_t n_keys,
		const void *before, const void *after, struct config_changes *changes)
{
	int result = 0;

	for (size_t i = 0; i < n_keys && result == 0; i++) {
		if (is_same(&keys[i], before, after))
			continue;
		result = add_change(changes, &(struct config_change){
						     .section = strdup(section),
						     .key = strdup(keys[i].name),
						     .before = format_setting(&keys[i], before),
						     .after = format_setting(&keys[i], after),
						     .effect = keys[i].effect,
					     });
	}
	return result;
}

int config_keep(const struct config_key *keys, size_t n_keys, const void *before, void *after)
{
	struct config_error error;
	int result = 0;

	for (size_t i = 0; i < n_keys && result == 0; i++) {
		const void *setting = setting_at(&keys[i], before);

		if (keys[i].effect != CONFIG_NEEDS_RESTART)
			continue;
		if (is_text(&keys[i]))
			result = config_set(&keys[i], *(char *const *)setting, after, &error);
		else
			memcpy((char *)after + keys[i].offset, setting, sizeof(int64_t));
	}
	return result;
}

void config_change_format_effect(const struct config_change *change, struct buffer *out)
{
	switch (change->effect) {
	case CONFIG_NEEDS_RESTART:
		buffer_append_text(out, "needs a restart");
		break;
	case CONFIG_APPLIES:
		buffer_append_text(out, "applied");
		break;
	case CONFIG_RESTARTS_SECTION:
		buffer_printf(out, "%s restarted", change->section);
		break;
	}
}

void config_change_format(const struct config_change *change, struct buffer *out)
{
	buffer_printf(out, "[%s] %s: '%s' becomes '%s': ", change->section, change->key,
		      change->before, change->after);
	config_change_format_effect(change, out);
}

void config_changes_done(struct config_changes *changes)
{
	for (size_t i = 0; i < changes->n; i++)
		change_done(&changes->at[i]);
	free(changes->at);
	*changes = (struct config_changes){0};
}
