/* SPDX-License-Identifier: MIT */
/* Which series of a plugin are taken. */

#include "agent/filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metric_labels.h"

#define BLANKS " \t"

/* Zeroed = none. */
struct globs {
	char *text; /* one behind the other, each with its NUL */
	size_t n;
};

struct rule {
	const char *label; /* NULL: it is about the metric's name */
	struct globs include;
	struct globs exclude;
};

struct filter {
	size_t n_rules;
	struct rule rules[]; /* those that say anything */
};

/* -- labels ---------------------------------------------------------------------------------------- */

static bool metric_has(const struct hm_metric *metric, const char *label)
{
	for (const char *const *name = metric_labels(metric); *name; name++) {
		if (strcmp(*name, label) == 0)
			return true;
	}
	return false;
}

/* Has one of the first n metrics the label? */
static bool is_known(const struct hm_plugin *plugin, size_t n, const char *label)
{
	for (size_t i = 0; i < n; i++) {
		if (metric_has(&plugin->metrics[i], label))
			return true;
	}
	return false;
}

size_t filter_find_labels(const struct hm_plugin *plugin, const char *ret_labels[])
{
	size_t n_labels = 0;

	for (size_t i = 0; i < plugin->n_metrics; i++) {
		const char *const *labels = metric_labels(&plugin->metrics[i]);

		for (size_t k = 0; labels[k]; k++) {
			if (is_known(plugin, i, labels[k]))
				continue;
			if (ret_labels)
				ret_labels[n_labels] = labels[k];
			n_labels++;
		}
	}
	return n_labels;
}

bool filter_has_label(const struct hm_plugin *plugin, const char *label)
{
	return is_known(plugin, plugin->n_metrics, label);
}

size_t filter_count_values(const struct hm_plugin *plugin)
{
	return 2 + 2 * filter_find_labels(plugin, NULL);
}

/* -- globs ----------------------------------------------------------------------------------------- */

/* @return what is behind the first glob; `globs` itself at the end */
static const char *skip_glob(const char *globs)
{
	while (*globs && !strchr(BLANKS, *globs))
		globs += *globs == '\\' && globs[1] ? 2 : 1;
	return globs;
}

static int globs_read(struct globs *globs, const char *text)
{
	char *out = malloc(strlen(text) + 1);

	if (!out)
		return -ENOMEM;
	globs->text = out;
	globs->n = 0;
	for (text += strspn(text, BLANKS); *text; text += strspn(text, BLANKS)) {
		size_t length = (size_t)(skip_glob(text) - text);

		memcpy(out, text, length);
		out[length] = '\0';
		out += length + 1;
		text += length;
		globs->n++;
	}
	return 0;
}

static bool glob_fits(const char *glob, const char *text)
{
	return strcmp(glob, text) == 0 || fnmatch(glob, text, 0) == 0;
}

static bool globs_fit(const struct globs *globs, const char *text)
{
	const char *glob = globs->text;

	for (size_t i = 0; i < globs->n; i++, glob += strlen(glob) + 1) {
		if (glob_fits(glob, text))
			return true;
	}
	return false;
}

/* The ']' that closes the '[' before `set`; one that comes first stands for itself. @return NULL: there is none */
static const char *find_bracket(const char *set)
{
	if (*set == '!' || *set == '^')
		set++;
	if (*set == ']')
		set++;
	while (*set && *set != ']' && !strchr(BLANKS, *set))
		set += *set == '\\' && set[1] ? 2 : 1;
	return *set == ']' ? set : NULL;
}

const char *filter_find_fault(const char *globs)
{
	for (; globs && *globs; globs++) {
		if (*globs == '\\' && !globs[1])
			return "ends in a '\\', which stands for what follows it";
		if (*globs == '\\')
			globs++;
		else if (*globs == '[' && !find_bracket(globs + 1))
			return "has a '[' without its ']'; write \\[ for the bracket itself";
		else if (*globs == '[')
			globs = find_bracket(globs + 1);
	}
	return NULL;
}

static bool fits_metric(const char *glob, const struct hm_plugin *plugin)
{
	for (size_t i = 0; i < plugin->n_metrics; i++) {
		if (glob_fits(glob, plugin->metrics[i].name))
			return true;
	}
	return false;
}

bool filter_fits_metrics(const char *text, const struct hm_plugin *plugin)
{
	struct globs globs = {.n = 0};
	bool fits = true;
	const char *glob;

	/* Without memory nothing is said against it. */
	(void)globs_read(&globs, text);
	glob = globs.text;
	for (size_t i = 0; i < globs.n && fits; i++, glob += strlen(glob) + 1)
		fits = fits_metric(glob, plugin);
	free(globs.text);
	return fits;
}

/* -- the filter ------------------------------------------------------------------------------------ */

void filter_free(struct filter *filter)
{
	for (size_t i = 0; filter && i < filter->n_rules; i++) {
		free(filter->rules[i].include.text);
		free(filter->rules[i].exclude.text);
	}
	free(filter);
}

/* Add what two values say, if they say anything. */
static int add_rule(struct filter *filter, const char *label, const char *include,
		    const char *exclude)
{
	struct rule *rule = &filter->rules[filter->n_rules];
	int result;

	if (!include && !exclude)
		return 0;
	filter->n_rules++;
	rule->label = label;
	result = globs_read(&rule->include, include ? include : "");
	if (result == 0)
		result = globs_read(&rule->exclude, exclude ? exclude : "");
	if (result == 0 && rule->include.n + rule->exclude.n == 0) {
		free(rule->include.text);
		free(rule->exclude.text);
		*rule = (struct rule){.label = NULL};
		filter->n_rules--;
	}
	return result;
}

static int add_rules(struct filter *filter, const char *const labels[], size_t n_labels,
		     const char *const values[])
{
	int result = add_rule(filter, NULL, values[0], values[1]);

	for (size_t i = 0; i < n_labels && result == 0; i++)
		result = add_rule(filter, labels[i], values[2 + 2 * i], values[3 + 2 * i]);
	return result;
}

int filter_new(const struct hm_plugin *plugin, const char *const values[],
	       struct filter **ret_filter)
{
	size_t n_labels = filter_find_labels(plugin, NULL);
	/* One more than needed: calloc(0) may answer NULL. */
	const char **labels = calloc(n_labels + 1, sizeof(*labels));
	struct filter *filter =
		calloc(1, sizeof(*filter) + (n_labels + 1) * sizeof(filter->rules[0]));
	int result = labels && filter ? 0 : -ENOMEM;

	if (result == 0 && values) {
		(void)filter_find_labels(plugin, labels);
		result = add_rules(filter, labels, n_labels, values);
	}
	free((void *)labels);
	if (result < 0 || filter->n_rules == 0) {
		filter_free(filter);
		filter = NULL;
	}
	if (result == 0)
		*ret_filter = filter;
	return result;
}

static bool rule_takes(const struct rule *rule, const char *text)
{
	return (rule->include.n == 0 || globs_fit(&rule->include, text)) &&
	       !globs_fit(&rule->exclude, text);
}

/* @return the value of the label; NULL: the metric has no such label */
static const char *find_value(const struct hm_metric *metric, const char *label, const char *labels,
			      size_t labels_bytes)
{
	const char *value = labels;

	for (const char *const *name = metric_labels(metric); *name; name++) {
		if (value >= labels + labels_bytes)
			return NULL;
		if (strcmp(*name, label) == 0)
			return value;
		value += strlen(value) + 1;
	}
	return NULL;
}

bool filter_takes(const struct filter *filter, const struct hm_metric *metric, const char *labels,
		  size_t labels_bytes)
{
	for (size_t i = 0; filter && i < filter->n_rules; i++) {
		const struct rule *rule = &filter->rules[i];
		const char *text = rule->label
					   ? find_value(metric, rule->label, labels, labels_bytes)
					   : metric->name;

		if (text && !rule_takes(rule, text))
			return false;
	}
	return true;
}
