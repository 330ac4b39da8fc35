/* SPDX-License-Identifier: MIT */
/* `agentctl check` of the log: does it name the series of all samples of agents that only it has? */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/check_part.h"
#include "common/array.h"

int check_add_ids(struct check *check, const struct check_ids *ids)
{
	struct check_ids *all =
		array_grow(check->ids, check->n_ids, &check->ids_capacity, sizeof(*all));

	if (!all)
		return -ENOMEM;
	check->ids = all;
	all[check->n_ids++] = *ids;
	return 0;
}

/* By epochs; in each the names first, then the batches, both in the order of the log. */
static int compare_ids(const void *left, const void *right)
{
	const struct check_ids *a = left;
	const struct check_ids *b = right;
	int order = memcmp(a->epoch, b->epoch, HM_ID_BYTES);

	if (order != 0)
		return order;
	if (a->is_batch != b->is_batch)
		return a->is_batch ? 1 : -1;
	return a->position < b->position ? -1 : a->position > b->position;
}

/* What lies before it in the log is in files. */
static uint64_t checkpoint_of(const struct check *check, uint32_t number)
{
	for (size_t i = 0; i < check->n_hosts; i++) {
		if (check->hosts[i].number == number)
			return check->hosts[i].checkpoint;
	}
	return UINT64_MAX;
}

int check_find_unnamed(const struct check *check, check_unnamed tell, void *context)
{
	const struct check_ids *before = NULL;
	uint32_t n_named = 0;
	int result = 0;

	if (check->n_ids > 1)
		qsort(check->ids, check->n_ids, sizeof(*check->ids), compare_ids);
	for (size_t i = 0; i < check->n_ids && result == 0; i++) {
		const struct check_ids *ids = &check->ids[i];

		if (!before || memcmp(before->epoch, ids->epoch, HM_ID_BYTES) != 0)
			n_named = 0;
		before = ids;
		if (ids->position <= checkpoint_of(check, ids->host))
			continue;
		if (ids->is_batch && ids->end > n_named)
			result = tell(context, ids);
		else if (!ids->is_batch && ids->first <= n_named && ids->end > n_named)
			n_named = ids->end;
	}
	return result;
}
