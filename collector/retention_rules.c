/* SPDX-License-Identifier: MIT */
/* What the section [retention] says. */

#include "collector/retention_rules.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/byte_size.h"
#include "common/match.h"
#include "common/timestamp.h"

#define RULE_END   ';'
#define RULE_EQUAL '='
#define BLANK      " "

/* @return 0; -EINVAL: neither an age nor a size */
static int parse_value(const char *word, struct retention_rule *rule)
{
	size_t length = strlen(word);

	/* Who forgets the d of 400d shall not lose all but the last minutes. */
	if (length == 0 || (word[length - 1] >= '0' && word[length - 1] <= '9'))
		return -EINVAL;
	if (byte_size_parse(word, &rule->limit_bytes) == 0)
		return rule->limit_bytes > 0 ? 0 : -EINVAL;
	rule->limit_bytes = 0;
	return duration_parse(word, &rule->age_us) < 0 || rule->age_us <= 0 ? -EINVAL : 0;
}

/* -- the file -------------------------------------------------------------------------------------- */

static int refuse(const struct config_entry *entry, struct config_error *error)
{
	bool is_size = strcmp(entry->key, RETENTION_MAX_SIZE) == 0;

	config_error_printf(error, "%s:%d: %s: '%s' is not a %s", entry->file, entry->line_number,
			    entry->key, entry->value,
			    is_size ? "size; write a number with M, G or T, such as 50G"
				    : "duration nor a size; write a number with h or d, such as "
				      "400d, or with M, G or T, such as 50G, or one of each");
	return -EINVAL;
}

static int put_word(const struct config_entry *entry, const char *word, struct buffer *out,
		    struct config_error *error)
{
	struct retention_rule rule = {0};

	if (parse_value(word, &rule) < 0 ||
	    (rule.age_us > 0 && strcmp(entry->key, RETENTION_MAX_SIZE) == 0))
		return refuse(entry, error);
	buffer_printf(out, "%s%s%c%s", out->length > 0 ? ";" : "", entry->key, RULE_EQUAL, word);
	return 0;
}

static int put_entry(const struct config_entry *entry, struct buffer *out,
		     struct config_error *error)
{
	char *copy = strdup(entry->value);
	char *rest = copy;
	size_t n_words = 0;
	char *word;
	int result = copy ? 0 : -ENOMEM;

	if (strchr(entry->key, RULE_END)) {
		config_error_printf(error, "%s:%d: no host has a name with '%c'", entry->file,
				    entry->line_number, RULE_END);
		result = -EINVAL;
	}
	while (result == 0 && (word = strsep(&rest, BLANK))) {
		if (*word == '\0')
			continue;
		n_words++;
		result = put_word(entry, word, out, error);
	}
	if (result == 0 && n_words == 0)
		result = refuse(entry, error);
	free(copy);
	return result;
}

int retention_rules_read(const struct config *config, const char *section, char **ret_text,
			 struct config_error *error)
{
	struct buffer text = {0};
	char *copy = NULL;
	int result = 0;

	for (size_t i = 0; i < config->n_entries && result == 0; i++) {
		if (strcmp(config->entries[i].section, section) == 0)
			result = put_entry(&config->entries[i], &text, error);
	}
	if (result == 0)
		copy = strdup(buffer_text(&text));
	if (result == 0 && (!copy || buffer_failed(&text)))
		result = -ENOMEM;
	buffer_done(&text);
	if (result < 0) {
		free(copy);
		return result;
	}
	free(*ret_text);
	*ret_text = copy;
	return 0;
}

/* -- rules ----------------------------------------------------------------------------------------- */

/* @param text  "GLOB=VALUE"; cut into pieces */
static int add_rule(struct retention_rules *rules, char *text)
{
	char *equal = strrchr(text, RULE_EQUAL);
	struct retention_rule rule = {0};
	struct retention_rule *grown;

	if (!equal)
		return 0;
	*equal = '\0';
	if (parse_value(equal + 1, &rule) < 0)
		return 0;
	grown = array_grow(rules->at, rules->n, &rules->capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	rules->at = grown;
	rule.glob = strdup(text);
	if (!rule.glob)
		return -ENOMEM;
	grown[rules->n++] = rule;
	return 0;
}

int retention_rules_parse(const char *text, struct retention_rules *ret_rules)
{
	struct retention_rules rules = {0};
	char *copy = strdup(text ? text : "");
	char *rest = copy;
	char *word;
	int result = copy ? 0 : -ENOMEM;

	while (result == 0 && (word = strsep(&rest, ";")))
		result = add_rule(&rules, word);
	free(copy);
	if (result < 0)
		retention_rules_done(&rules);
	*ret_rules = rules;
	return result;
}

void retention_rules_done(struct retention_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		free(rules->at[i].glob);
	free(rules->at);
	*rules = (struct retention_rules){0};
}

/* The first one that takes a host and is about that, else the default. */
static size_t find(const struct retention_rules *rules, const char *host, bool is_size)
{
	size_t found = RETENTION_NONE;

	for (size_t i = 0; i < rules->n; i++) {
		const struct retention_rule *rule = &rules->at[i];

		if ((rule->age_us == 0) != is_size || strcmp(rule->glob, RETENTION_MAX_SIZE) == 0)
			continue;
		if (strcmp(rule->glob, RETENTION_DEFAULT) == 0) {
			if (found == RETENTION_NONE)
				found = i;
		} else if (match_host(rule->glob, host)) {
			return i;
		}
	}
	return found;
}

int64_t retention_rules_age(const struct retention_rules *rules, const char *host)
{
	size_t found = find(rules, host, false);

	return found == RETENTION_NONE ? 0 : rules->at[found].age_us;
}

size_t retention_rules_size(const struct retention_rules *rules, const char *host)
{
	return find(rules, host, true);
}
