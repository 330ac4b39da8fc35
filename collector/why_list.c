/* SPDX-License-Identifier: MIT */
/* What was found out of all series of a host. */

#include "collector/why_list.h"

#include <errno.h>
#include <stdlib.h>

#include "common/reason.h"

/* What one takes, with its place in the table and in the order. */
#define FINDING_BYTES (sizeof(struct why_finding) + 2 * sizeof(struct table_entry) + sizeof(void *))

static uint64_t hash_finding(const struct why_list *list, const struct why_finding *finding)
{
	const int64_t words[] = {finding->from_us, finding->to_us, (int64_t)finding->what};

	return hash_bytes(list->key, words, sizeof(words));
}

static bool is_same(const void *item, const void *key)
{
	const struct why_finding *a = item;
	const struct why_finding *b = key;

	return a->from_us == b->from_us && a->to_us == b->to_us && a->what == b->what;
}

int why_list_add(struct why_list *list, const struct why_finding *finding,
		 const struct catalog_series *series)
{
	uint64_t hash = hash_finding(list, finding);
	struct why_finding *found = table_find(&list->table, hash, is_same, finding);
	int result;

	if (found) {
		found->n_series++;
		return 0;
	}
	result = limits_take(list->limits, FINDING_BYTES);
	if (result < 0)
		return result;
	list->findings.item_bytes = sizeof(*found);
	found = pool_make(&list->findings);
	if (!found)
		return -ENOMEM;
	*found = *finding;
	found->n_series = 1;
	found->series = series;
	list->findings.n++;
	return table_add(&list->table, hash, found);
}

static int compare(const void *a_pointer, const void *b_pointer)
{
	const struct why_finding *a = *(const struct why_finding *const *)a_pointer;
	const struct why_finding *b = *(const struct why_finding *const *)b_pointer;

	if (a->from_us != b->from_us)
		return a->from_us < b->from_us ? -1 : 1;
	if (a->to_us != b->to_us)
		return a->to_us < b->to_us ? -1 : 1;
	return a->what < b->what ? -1 : a->what > b->what;
}

int why_list_sort(const struct why_list *list, const struct why_finding ***ret_sorted)
{
	size_t n = list->findings.n;
	const struct why_finding **sorted = calloc(n + 1, sizeof(struct why_finding *));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = pool_at(&list->findings, i);
	if (n > 1)
		qsort(sorted, n, sizeof(struct why_finding *), compare);
	*ret_sorted = sorted;
	return 0;
}

void why_list_done(struct why_list *list)
{
	limits_give(list->limits, list->findings.n * FINDING_BYTES);
	pool_done(&list->findings);
	table_done(&list->table);
}

const char *why_key(unsigned what)
{
	switch (what) {
	case WHY_SAMPLE:
		return "sample";
	case WHY_NO_INTERVAL:
		return "no_interval";
	case WHY_NOT_TOLD_YET:
		return "not_told_yet";
	case WHY_NO_DATA_YET:
		return "no_data_yet";
	case WHY_NOT_DUE:
		return "not_due";
	case HM_REASON_NONE:
		return "unknown";
	default:
		return reason_key((enum hm_reason)what);
	}
}

const char *why_text(unsigned what)
{
	switch (what) {
	case WHY_SAMPLE:
		return "there is a sample";
	case WHY_NO_INTERVAL:
		return "it is sent as text: no interval is known, so no hole can be told";
	case WHY_NOT_TOLD_YET:
		return "the agent had not told yet how often it is sampled, so no hole can be told";
	case WHY_NO_DATA_YET:
		return "there is no data yet";
	case WHY_NOT_DUE:
		return "the last sample so far; the next one need not be here yet";
	case HM_REASON_NONE:
		return "the reason is not known, which is a fault of hostmetrics";
	case HM_REASON_SPOOL_ACKED:
		return "the store had it once and lost it, and the agent's spool has it no more";
	case HM_REASON_SPOOL_UNSURE:
		return "it may be stored under other times, and was not sent twice";
	default:
		return reason_text((enum hm_reason)what);
	}
}
