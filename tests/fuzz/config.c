/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: common/config.c on any file, what the collector makes of its section [retention], and an agent of its
 * values as filters.
 */

#include "common/config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/filter.h"
#include "collector/retention_rules.h"
#include "common/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

struct settings {
	char *name;
	char *listen;
	int64_t interval_us;
	int64_t n_threads;
};

static const struct config_key keys[] = {
	{"name", CONFIG_TEXT, offsetof(struct settings, name), "", "What it is called.",
	 CONFIG_APPLIES},
	{"listen", CONFIG_ADDRESS, offsetof(struct settings, listen), "127.0.0.1:9999",
	 "Where it listens.", CONFIG_APPLIES},
	{"interval", CONFIG_DURATION, offsetof(struct settings, interval_us), "10s",
	 "Time between two rounds.", CONFIG_APPLIES},
	{"threads", CONFIG_COUNT, offsetof(struct settings, n_threads), "1", "How many threads.",
	 CONFIG_APPLIES},
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static void check_entries(const struct config *config)
{
	for (size_t i = 0; i < config->n_entries; i++) {
		const struct config_entry *entry = &config->entries[i];

		if (entry->line_number < 1 || !*entry->section || !*entry->key ||
		    !text_is_clean(entry->value, strlen(entry->value)))
			abort();
	}
}

/* An error is one sentence that a terminal can show. */
static void check_error(const struct config_error *error)
{
	size_t length = strnlen(error->text, sizeof(error->text));

	if (length == 0 || length == sizeof(error->text))
		abort();
}

static void check_rules(const char *text)
{
	static const char *const hosts[] = {"web01", "", RETENTION_MAX_SIZE, RETENTION_DEFAULT};
	struct retention_rules rules;

	if (retention_rules_parse(text, &rules) < 0)
		abort();
	if ((rules.n == 0) != (*text == '\0'))
		abort();
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		size_t place = retention_rules_size(&rules, hosts[i]);

		if (retention_rules_age(&rules, hosts[i]) < 0 ||
		    (place != RETENTION_NONE &&
		     (place >= rules.n || rules.at[place].limit_bytes == 0)))
			abort();
	}
	retention_rules_done(&rules);
}

/* Rules that are taken give an age and a size for any host, and those that are not a sentence. */
static void check_retention(const struct config *config)
{
	struct config_error error = {{0}};
	char *text = NULL;

	if (retention_rules_read(config, "retention", &text, &error) < 0)
		check_error(&error);
	else
		check_rules(text);
	free(text);
}

/* What an include takes an exclude does not, and the other way round. */
static void check_filter(const char *globs)
{
	static const char *const names[] = {"a", NULL};
	static const struct hm_metric metric = {.name = "node_x", .labels = names};
	static const struct hm_plugin plugin = {.metrics = &metric, .n_metrics = 1};
	static const char *const labels[] = {"", "a", "a b", "[a]", "/run/\xc3\xa4"};
	const char *const include[] = {NULL, NULL, globs, NULL};
	const char *const exclude[] = {NULL, NULL, NULL, globs};
	struct filter *filters[2] = {NULL, NULL};

	(void)filter_find_fault(globs);
	(void)filter_fits_metrics(globs, &plugin);
	if (filter_new(&plugin, include, &filters[0]) < 0 ||
	    filter_new(&plugin, exclude, &filters[1]) < 0)
		abort();
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		const size_t n_bytes = strlen(labels[i]) + 1;
		bool is_included = filter_takes(filters[0], &metric, labels[i], n_bytes);

		if (filters[0] &&
		    is_included == filter_takes(filters[1], &metric, labels[i], n_bytes))
			abort();
	}
	filter_free(filters[0]);
	filter_free(filters[1]);
}

static void check_filters(const struct config *config)
{
	for (size_t i = 0; i < config->n_entries; i++)
		check_filter(config->entries[i].value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct config config = {0};
	struct config_error error = {{0}};
	struct settings settings;

	if (config_defaults(keys, N_KEYS, &settings) < 0)
		abort();
	if (config_read_text(&config, "fuzz.conf", (const char *)data, n_bytes, &error) < 0)
		check_error(&error);
	check_entries(&config);
	if (config_apply(&config, "agent", keys, N_KEYS, &settings, &error) < 0)
		check_error(&error);
	if (!settings.name || !settings.listen || settings.interval_us <= 0 ||
	    settings.n_threads < 1)
		abort();
	check_retention(&config);
	check_filters(&config);
	config_free_settings(keys, N_KEYS, &settings);
	config_done(&config);
	return 0;
}
