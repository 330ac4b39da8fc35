/* SPDX-License-Identifier: MIT */
/* Series that have the same values of chosen labels. */

#include "collector/cohort.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/selection.h"
#include "collector/table.h"
#include "common/array.h"
#include "common/series.h"

struct cohorts {
	char *by; /* names, each ended by a NUL */
	size_t n_by;
	struct hash_key key;
	struct budget *memory;
	struct table table;
	struct cohort **all;
	size_t n;
	size_t capacity;
	struct buffer text; /* of a series being added */
	struct buffer name; /* of its cohort, and behind a NUL the host */
};

static void free_windows(struct window *windows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		window_done(&windows[i]);
}

int cohorts_new(const char *by, const struct hash_key *key, struct budget *memory,
		struct cohorts **ret_cohorts)
{
	struct cohorts *cohorts = calloc(1, sizeof(*cohorts));
	char *rest = cohorts ? cohorts->by = strdup(by) : NULL;

	if (!rest) {
		cohorts_free(cohorts);
		return -ENOMEM;
	}
	while (*by != '\0' && strsep(&rest, ","))
		cohorts->n_by++;
	cohorts->key = *key;
	cohorts->memory = memory;
	if (cohorts->n_by > HM_LABELS_MAX) {
		cohorts_free(cohorts);
		return -E2BIG;
	}
	*ret_cohorts = cohorts;
	return 0;
}

void cohorts_free(struct cohorts *cohorts)
{
	if (!cohorts)
		return;
	for (size_t i = 0; i < cohorts->n; i++) {
		struct cohort *cohort = cohorts->all[i];

		budget_give(cohorts->memory, cohort->n_bytes);
		free_windows(cohort->windows, cohort->n_windows);
		free(cohort->windows);
		free(cohort);
	}
	free(cohorts->all);
	table_done(&cohorts->table);
	buffer_done(&cohorts->text);
	buffer_done(&cohorts->name);
	free(cohorts->by);
	free(cohorts);
}

static bool is_chosen(const struct cohorts *cohorts, const char *label, size_t length)
{
	const char *name = cohorts->by;

	for (size_t i = 0; i < cohorts->n_by; i++) {
		size_t name_length = strlen(name);

		if (name_length == length && memcmp(name, label, length) == 0)
			return true;
		name += name_length + 1;
	}
	return false;
}

/* Write the name of the series' cohort. @return 0 or -ENOMEM */
static int write_name(struct cohorts *cohorts, const struct catalog_series *member)
{
	struct buffer *name = &cohorts->name;
	bool wants_host = is_chosen(cohorts, "host", strlen("host"));
	const char *text = selection_name(member, &cohorts->text);
	struct series series;
	size_t n_kept = 0;
	size_t used;

	buffer_clear(name);
	if (series_parse(&series, text, strlen(text), &used) != HM_REASON_NONE)
		series.n_labels = 0;
	for (size_t i = 0; i < series.n_labels; i++) {
		if (is_chosen(cohorts, series.labels[i].name.start, series.labels[i].name.length))
			series.labels[n_kept++] = series.labels[i];
	}
	series.n_labels = n_kept;
	series_format(&series, name);
	buffer_append_byte(name, '\0');
	if (wants_host)
		buffer_append_text(name, member->file->host->name);
	buffer_append_byte(name, '\0');
	return buffer_failed(name) || buffer_failed(&cohorts->text) ? -ENOMEM : 0;
}

/* @param key  a buffer as write_name() leaves it */
static bool is_named(const void *item, const void *key)
{
	const struct cohort *cohort = item;
	const struct buffer *name = key;
	const char *host = name->data + strlen(name->data) + 1;

	return strcmp(cohort->name, name->data) == 0 &&
	       strcmp(cohort->host ? cohort->host : "", host) == 0;
}

/* Find or add the cohort of the name that was written. */
static int get_cohort(struct cohorts *cohorts, struct cohort **ret_cohort)
{
	const struct buffer *name = &cohorts->name;
	uint64_t hash = hash_bytes(&cohorts->key, name->data, name->length);
	struct cohort *cohort = table_find(&cohorts->table, hash, is_named, name);
	struct cohort **grown;

	*ret_cohort = cohort;
	if (cohort)
		return 0;
	grown = array_grow(cohorts->all, cohorts->n, &cohorts->capacity, sizeof(struct cohort *));
	if (!grown)
		return -ENOMEM;
	cohorts->all = grown;
	cohort = calloc(1, sizeof(*cohort) + name->length);
	if (!cohort)
		return -ENOMEM;
	memcpy(cohort->name, name->data, name->length);
	cohort->host = cohort->name + strlen(cohort->name) + 1;
	if (cohort->host[0] == '\0')
		cohort->host = NULL;
	cohorts->all[cohorts->n++] = cohort;
	*ret_cohort = cohort;
	return table_add(&cohorts->table, hash, cohort);
}

/* How many windows there will be. */
static size_t count_both(const struct cohort *cohort, const struct window *windows, size_t n)
{
	size_t n_both = cohort->n_windows;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		while (at < cohort->n_windows && cohort->windows[at].start_us < windows[i].start_us)
			at++;
		if (at == cohort->n_windows || cohort->windows[at].start_us > windows[i].start_us)
			n_both++;
	}
	return n_both;
}

/* Have room for so many windows, and the values of a series. @return 0; -ENOMEM; -ENOBUFS */
static int make_room(struct cohorts *cohorts, struct cohort *cohort, size_t n_windows,
		     size_t n_values)
{
	/* An array has up to twice the room that it needs. */
	int64_t n_bytes = (int64_t)(2 * n_values * sizeof(double)) +
			  (int64_t)(2 * (n_windows - cohort->n_windows) * sizeof(struct window));

	if (!budget_take(cohorts->memory, n_bytes))
		return -ENOBUFS;
	cohort->n_bytes += n_bytes;
	while (cohort->capacity < n_windows) {
		struct window *grown = array_grow(cohort->windows, cohort->capacity,
						  &cohort->capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		cohort->windows = grown;
	}
	return 0;
}

/* Merge from the end, where the room is. */
static int merge(struct cohort *cohort, size_t n_both, struct window *windows, size_t n)
{
	struct window *at = cohort->windows;
	size_t n_left = cohort->n_windows;
	int result = 0;

	cohort->n_windows = n_both;
	while (n > 0 && result == 0) {
		struct window *other = &windows[n - 1];

		n_both--;
		if (n_left > 0 &&
		    (at[n_left - 1].start_us == other->start_us || cohort->rule.step_us == 0)) {
			if (n_both != n_left - 1)
				at[n_both] = at[n_left - 1];
			n_left--;
			n--;
			result = window_merge(&at[n_both], &cohort->rule, other);
		} else if (n_left > 0 && at[n_left - 1].start_us > other->start_us) {
			at[n_both] = at[--n_left];
		} else {
			at[n_both] = *other;
			*other = (struct window){0};
			n--;
		}
	}
	return result;
}

static size_t count_values(const struct window_rule *rule, const struct window *windows, size_t n)
{
	size_t n_values = 0;

	for (size_t i = 0; rule->function == WINDOW_QUANTILE && i < n; i++)
		n_values += windows[i].n;
	return n_values;
}

static int add_to(struct cohorts *cohorts, struct cohort *cohort, struct window *windows, size_t n)
{
	size_t n_both = count_both(cohort, windows, n);
	int result;

	/* Without a step there is one window, which may begin at another sample. */
	if (cohort->rule.step_us == 0)
		n_both = 1;
	result = make_room(cohorts, cohort, n_both, count_values(&cohort->rule, windows, n));
	return result < 0 ? result : merge(cohort, n_both, windows, n);
}

int cohorts_add(struct cohorts *cohorts, const struct catalog_series *series,
		const struct window_rule *rule, struct window *windows, size_t n_windows)
{
	struct cohort *cohort = NULL;
	int result = n_windows > 0 ? write_name(cohorts, series) : 0;

	if (result == 0 && n_windows > 0)
		result = get_cohort(cohorts, &cohort);
	if (result == 0 && n_windows > 0) {
		if (cohort->n_windows == 0)
			cohort->rule = *rule;
		result = add_to(cohorts, cohort, windows, n_windows);
	}
	free_windows(windows, n_windows);
	return result;
}

static int compare_cohorts(const void *a_pointer, const void *b_pointer)
{
	const struct cohort *a = *(struct cohort *const *)a_pointer;
	const struct cohort *b = *(struct cohort *const *)b_pointer;
	int order = strcmp(a->host ? a->host : "", b->host ? b->host : "");

	return order ? order : strcmp(a->name, b->name);
}

struct cohort **cohorts_list(struct cohorts *cohorts, size_t *ret_n)
{
	if (cohorts->n > 0)
		qsort(cohorts->all, cohorts->n, sizeof(struct cohort *), compare_cohorts);
	*ret_n = cohorts->n;
	return cohorts->all;
}
