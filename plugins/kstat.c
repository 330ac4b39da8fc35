/* SPDX-License-Identifier: MIT */
/* Files of numbers as ZFS writes them, below /proc/spl/kstat. */

#include "plugins/kstat.h"

#include <stdio.h>
#include <string.h>

/* Where a text is being read. */
struct kstat {
	struct hm_batch *out;
	const struct hm_host *host;
	const struct kstat_group *group;
	const char *const *labels;
	size_t next; /* the metric that is expected */
	bool is_done[KSTAT_GROUP_MAX];
	const struct hm_metric *newer[KSTAT_NEWER_MAX];
	size_t n_newer;
};

static bool is_field(const char *name, struct hm_span word)
{
	size_t i = 0;

	for (; i < word.length && name[i]; i++) {
		if (name[i] != (word.start[i] == '-' ? '_' : word.start[i]))
			return false;
	}
	return i == word.length && !name[i];
}

/* @return false: the field has no metric */
static bool find_metric(struct kstat *kstat, struct hm_span name, size_t *ret_place)
{
	size_t prefix_length = strlen(kstat->group->prefix);

	for (size_t i = 0; i < kstat->group->n; i++) {
		size_t place = (kstat->next + i) % kstat->group->n;

		if (!is_field(kstat->group->metrics[place].name + prefix_length, name))
			continue;
		kstat->next = place + 1;
		*ret_place = place;
		return true;
	}
	return false;
}

/* The metric of a field that the group does not have. @return NULL: there is none, or it was told */
static const struct hm_metric *find_newer(struct kstat *kstat, struct hm_span field)
{
	const struct hm_metric *like = &kstat->group->metrics[0];
	char name[128];
	char source[192];
	struct hm_metric newer = {
		.name = name,
		.unit = "",
		.help = "A field that came with a later version.",
		.source = source,
		.kind = HM_GAUGE,
	};
	const struct hm_metric *metric;
	int length = snprintf(name, sizeof(name), "%s%.*s", kstat->group->prefix, (int)field.length,
			      field.start);

	if (length < 0 || (size_t)length >= sizeof(name) || kstat->n_newer == KSTAT_NEWER_MAX)
		return NULL;
	for (char *at = strchr(name, '-'); at; at = strchr(at, '-'))
		*at = '_';
	(void)snprintf(source, sizeof(source), "%.*s, %.*s", (int)strcspn(like->source, ","),
		       like->source, (int)field.length, field.start);
	newer.labels = like->labels;
	if (hm_metric_new(kstat->host, &newer, &metric) < 0)
		return NULL;
	for (size_t i = 0; i < kstat->n_newer; i++) {
		if (kstat->newer[i] == metric)
			return NULL;
	}
	kstat->newer[kstat->n_newer++] = metric;
	return metric;
}

/* The types are those of libspl: 3 is a number with a sign, 4 one without. */
static void take_field(struct kstat *kstat, struct hm_span name, struct hm_span value,
		       bool is_signed)
{
	const struct hm_metric *metric;
	uint64_t number = 0;
	int64_t signed_number = 0;
	size_t place;
	int error;

	if (find_metric(kstat, name, &place)) {
		metric = kstat->is_done[place] ? NULL : &kstat->group->metrics[place];
		kstat->is_done[place] = true;
	} else {
		metric = find_newer(kstat, name);
	}
	if (!metric)
		return;
	error = is_signed ? hm_span_int64(value, &signed_number) : hm_span_uint64(value, &number);
	if (error < 0)
		hm_emit_missing_labels(kstat->out, metric, error, kstat->labels);
	else
		hm_emit_labels(kstat->out, metric,
			       is_signed ? (double)signed_number : (double)number, kstat->labels);
}

void kstat_emit_lines(struct hm_batch *out, const struct hm_host *host,
		      const struct kstat_group *group, const char *text, const char *const labels[])
{
	struct kstat kstat = {.out = out, .host = host, .group = group, .labels = labels};
	const char *cursor = text;
	bool is_begun = false;
	struct hm_span line;

	while (hm_next_line(&cursor, &line)) {
		struct hm_span name;
		struct hm_span type;
		struct hm_span value;

		if (!hm_next_word(&line, &name) || !hm_next_word(&line, &type) ||
		    !hm_next_word(&line, &value))
			continue;
		if (!is_begun)
			is_begun = hm_span_equals(name, "name") && hm_span_equals(type, "type");
		else if (hm_span_equals(type, "3") || hm_span_equals(type, "4"))
			take_field(&kstat, name, value, *type.start == '3');
	}
}

void kstat_emit_table(struct hm_batch *out, const struct hm_host *host,
		      const struct kstat_group *group, const char *text, const char *const labels[])
{
	const char *first = group->metrics[0].name + strlen(group->prefix);
	struct kstat kstat = {.out = out, .host = host, .group = group, .labels = labels};
	const char *cursor = text;
	struct hm_span names;
	struct hm_span values;
	struct hm_span name;
	struct hm_span value;

	while (hm_next_line(&cursor, &names)) {
		struct hm_span rest = names;

		if (!hm_next_word(&rest, &name) || !hm_span_equals(name, first))
			continue;
		if (!hm_next_line(&cursor, &values))
			return;
		while (hm_next_word(&names, &name) && hm_next_word(&values, &value))
			take_field(&kstat, name, value, false);
		return;
	}
}
