/* SPDX-License-Identifier: MIT */
/* Files of numbers as ZFS writes them, below /proc/spl/kstat. */

#include "plugins/kstat.h"

#include <string.h>

/* Where a text is being read. */
struct kstat {
	struct hm_batch *out;
	const struct kstat_group *group;
	const char *const *labels;
	size_t next; /* the metric that is expected */
	bool is_done[KSTAT_GROUP_MAX];
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

/* The types are those of libspl: 3 is a number with a sign, 4 one without. */
static void take_field(struct kstat *kstat, struct hm_span name, struct hm_span value,
		       bool is_signed)
{
	const struct hm_metric *metric;
	uint64_t number = 0;
	int64_t signed_number = 0;
	size_t place;
	int error;

	if (!find_metric(kstat, name, &place) || kstat->is_done[place])
		return;
	kstat->is_done[place] = true;
	metric = &kstat->group->metrics[place];
	error = is_signed ? hm_span_int64(value, &signed_number) : hm_span_uint64(value, &number);
	if (error < 0)
		hm_emit_missing_labels(kstat->out, metric, error, kstat->labels);
	else
		hm_emit_labels(kstat->out, metric,
			       is_signed ? (double)signed_number : (double)number, kstat->labels);
}

void kstat_emit_lines(struct hm_batch *out, const struct kstat_group *group, const char *text,
		      const char *const labels[])
{
	struct kstat kstat = {.out = out, .group = group, .labels = labels};
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

void kstat_emit_table(struct hm_batch *out, const struct kstat_group *group, const char *text,
		      const char *const labels[])
{
	const char *first = group->metrics[0].name + strlen(group->prefix);
	struct kstat kstat = {.out = out, .group = group, .labels = labels};
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
