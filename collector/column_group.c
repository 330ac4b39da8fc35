/* SPDX-License-Identifier: MIT */
/* Which series share a block. */

#include "collector/column_group.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/time_list.h"

/* About what things cost in a file, in bytes: a block (its headers, and its times when they lie on a
 * grid), a step between times that is not the one before, a run of presence. */
#define BLOCK_COST 72u
#define STEP_COST  2u
#define RUN_COST   3u

/* Series whose times have nothing in common would be compared again and again for nothing. */
#define ROUNDS_MAX 4

/* From so many classes on, some of them are looked at before all are. */
#define TRIAL_CLASSES ((size_t)16)

/* Columns with the same times. */
struct time_class {
	const struct metric_file_column *first;
	uint64_t hash;
	size_t first_member; /* in the array of members */
	size_t n_members;
	uint64_t
		own_cost; /* of a block for these alone; it and the hash are 0 for the only class */
	bool is_taken;
};

struct grouping {
	const struct metric_file_column *columns;
	size_t *members; /* columns, class by class */
	struct time_class *classes;
	size_t n_classes;
	struct column_groups *groups;
};

static uint64_t cost_of_own_block(const struct metric_file_column *column)
{
	uint64_t cost = BLOCK_COST;
	uint64_t step = 0;

	for (size_t i = 1; i < column->n_samples; i++) {
		/* Differences of any two times, modulo 2^64. */
		uint64_t next = (uint64_t)column->samples[i].time_us -
				(uint64_t)column->samples[i - 1].time_us;

		if (next != step)
			cost += STEP_COST;
		step = next;
	}
	return cost;
}

static int compare_classes(const void *left, const void *right)
{
	const struct time_class *a = left;
	const struct time_class *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

static int compare_indexes(const void *left, const void *right)
{
	size_t a = *(const size_t *)left;
	size_t b = *(const size_t *)right;

	return a < b ? -1 : a > b;
}

/* Neighbours with the same times, which most are, make a class without more ado. */
static int find_classes(struct grouping *grouping, size_t n_columns)
{
	size_t n_members = 0;

	for (size_t i = 0; i < n_columns; i++) {
		const struct metric_file_column *column = &grouping->columns[i];
		struct time_class *last = grouping->n_classes > 0
						  ? &grouping->classes[grouping->n_classes - 1]
						  : NULL;

		if (column->n_samples == 0)
			continue;
		if (!last || !time_list_is_same(last->first, column)) {
			last = &grouping->classes[grouping->n_classes++];
			*last = (struct time_class){
				.first = column,
				.first_member = n_members,
			};
			if (!time_list_is_in_order(column))
				return -EINVAL;
		}
		last->n_members++;
		grouping->members[n_members++] = i;
	}
	return 0;
}

/* Make one of classes with the same times that are no neighbours. */
static int join_classes(struct grouping *grouping)
{
	size_t n_members = 0;
	size_t n_classes = 0;
	size_t *members;

	/* The only one needs no comparing. */
	if (grouping->n_classes < 2)
		return 0;
	for (size_t i = 0; i < grouping->n_classes; i++) {
		struct time_class *class = &grouping->classes[i];

		n_members += class->n_members;
		class->hash = time_list_hash(class->first);
		class->own_cost = cost_of_own_block(class->first);
	}
	members = calloc(n_members, sizeof(*members));
	if (!members)
		return -ENOMEM;
	qsort(grouping->classes, grouping->n_classes, sizeof(grouping->classes[0]),
	      compare_classes);
	n_members = 0;
	for (size_t i = 0; i < grouping->n_classes; i++) {
		struct time_class class = grouping->classes[i];
		struct time_class *last = n_classes > 0 ? &grouping->classes[n_classes - 1] : NULL;

		memcpy(members + n_members, grouping->members + class.first_member,
		       class.n_members * sizeof(*members));
		if (last && last->hash == class.hash &&
		    time_list_is_same(last->first, class.first)) {
			last->n_members += class.n_members;
		} else {
			grouping->classes[n_classes] = class;
			grouping->classes[n_classes++].first_member = n_members;
		}
		n_members += class.n_members;
	}
	grouping->n_classes = n_classes;
	free(grouping->members);
	grouping->members = members;
	return 0;
}

static int list_of_class(const struct time_class *class, struct time_list *ret_list)
{
	int result = time_list_make(class->first, ret_list);

	ret_list->n_samples *= class->n_members;
	return result;
}

/* Merge two and two, so that none is copied more often than log n times. */
static int merge_lists(struct time_list *lists, size_t n)
{
	for (size_t step = 1; step < n; step *= 2) {
		for (size_t i = 0; i + step < n; i += 2 * step) {
			int result = time_list_merge(&lists[i], &lists[i + step]);

			if (result < 0)
				return result;
		}
	}
	return 0;
}

/* The union of the times of classes that are taken, or are not. @param stride  1 = of all such, 2 =
 * of every other class ... @param ret_list  owned by the caller */
static int unite_classes(const struct grouping *grouping, bool is_taken, size_t stride,
			 struct time_list *ret_list)
{
	struct time_list *lists = calloc(grouping->n_classes, sizeof(*lists));
	size_t n = 0;
	int result = 0;

	if (!lists)
		return -ENOMEM;
	for (size_t i = 0; i < grouping->n_classes && result >= 0; i += stride) {
		if (grouping->classes[i].is_taken == is_taken)
			result = list_of_class(&grouping->classes[i], &lists[n++]);
	}
	if (result >= 0)
		result = merge_lists(lists, n);
	if (result >= 0) {
		*ret_list = lists[0];
		lists[0].times_us = NULL;
	}
	for (size_t i = 0; i < n; i++)
		free(lists[i].times_us);
	free(lists);
	return result;
}

size_t column_group_find(const struct column_group *group, size_t first, int64_t time_us)
{
	return time_list_find(group->times_us, group->n_times, first, time_us);
}

/* Would a class cost less among these rows than in a block of its own? */
static bool is_cheaper_among(const struct time_class *class, const struct time_list *rows)
{
	const struct metric_file_column *column = class->first;
	bool is_full = column->n_samples == rows->n;
	/* Its part of what the times cost; in cases of doubt the rows are all steps. */
	uint64_t cost = (uint64_t)((double)rows->n * STEP_COST * (double)column->n_samples *
				   (double)class->n_members / (double)rows->n_samples);
	size_t next = 0;

	assert(rows->times_us);
	for (size_t i = 0; i < column->n_samples; i++) {
		size_t row =
			time_list_find(rows->times_us, rows->n, next, column->samples[i].time_us);

		if (row == rows->n || rows->times_us[row] != column->samples[i].time_us)
			return false;
		if (row != next || i == 0)
			cost += RUN_COST * class->n_members;
		if (!is_full && cost > class->own_cost)
			return false;
		next = row + 1;
	}
	return true;
}

/* Take those that are cheaper among the rows. @return how many */
static size_t take_fitting(struct grouping *grouping, const struct time_list *rows)
{
	size_t n_taken = 0;

	for (size_t i = 0; i < grouping->n_classes; i++) {
		struct time_class *class = &grouping->classes[i];

		class->is_taken = is_cheaper_among(class, rows);
		n_taken += class->is_taken;
	}
	return n_taken;
}

/* The class that has most samples. */
static struct time_class *largest_class(const struct grouping *grouping)
{
	struct time_class *largest = &grouping->classes[0];

	for (size_t i = 1; i < grouping->n_classes; i++) {
		struct time_class *class = &grouping->classes[i];

		if (class->first->n_samples * class->n_members >
		    largest->first->n_samples * largest->n_members)
			largest = class;
	}
	return largest;
}

/* Make a group of the classes that are taken. @param times  given away, also on failure */
static int add_group(struct grouping *grouping, struct time_list times)
{
	struct column_groups *groups = grouping->groups;
	struct column_group *group;
	size_t n_columns = 0;

	if (groups->n == groups->capacity) {
		size_t capacity = groups->capacity ? groups->capacity * 2 : 4;
		struct column_group *at = reallocarray(groups->at, capacity, sizeof(*at));

		if (!at) {
			free(times.times_us);
			return -ENOMEM;
		}
		groups->at = at;
		groups->capacity = capacity;
	}
	group = &groups->at[groups->n++];
	*group = (struct column_group){.times_us = times.times_us, .n_times = times.n};
	for (size_t i = 0; i < grouping->n_classes; i++)
		n_columns += grouping->classes[i].is_taken ? grouping->classes[i].n_members : 0;
	group->columns = calloc(n_columns + 1, sizeof(*group->columns));
	if (!group->columns)
		return -ENOMEM;
	for (size_t i = 0; i < grouping->n_classes; i++) {
		const struct time_class *class = &grouping->classes[i];

		if (!class->is_taken)
			continue;
		memcpy(group->columns + group->n_columns, grouping->members + class->first_member,
		       class->n_members * sizeof(*group->columns));
		group->n_columns += class->n_members;
		group->n_samples += class->n_members * class->first->n_samples;
	}
	qsort(group->columns, group->n_columns, sizeof(*group->columns), compare_indexes);
	return 0;
}

/* Forget the classes that are taken. */
static void drop_taken(struct grouping *grouping)
{
	size_t n = 0;

	for (size_t i = 0; i < grouping->n_classes; i++) {
		if (!grouping->classes[i].is_taken)
			grouping->classes[n++] = grouping->classes[i];
	}
	grouping->n_classes = n;
}

static void take_none(struct grouping *grouping)
{
	for (size_t i = 0; i < grouping->n_classes; i++)
		grouping->classes[i].is_taken = false;
}

/* Take the classes that fit among the times of every stride-th of them. @return how many, or -errno */
static int64_t take_united(struct grouping *grouping, size_t stride)
{
	struct time_list times = {0};
	size_t n_taken;
	int result;

	take_none(grouping);
	result = unite_classes(grouping, false, stride, &times);
	if (result < 0)
		return result;
	/* What the times cost is not known from a few. */
	if (stride > 1)
		times.n_samples = SIZE_MAX;
	n_taken = take_fitting(grouping, &times);
	free(times.times_us);
	return (int64_t)n_taken;
}

/* Take the largest class and what fits into it. */
static int take_largest(struct grouping *grouping)
{
	struct time_list times = {0};
	int result = list_of_class(largest_class(grouping), &times);

	if (result < 0)
		return result;
	(void)take_fitting(grouping, &times);
	free(times.times_us);
	return 0;
}

/* Take the classes of the next group: all that fit among the times of all, or else the
 * largest and what fits into it. @return 0 or more, or -errno */
static int64_t take_group(struct grouping *grouping)
{
	int64_t result = 1;

	if (grouping->n_classes == 1) {
		grouping->classes[0].is_taken = true;
		return 1;
	}
	if (grouping->n_classes >= 2 * TRIAL_CLASSES)
		result = take_united(grouping, grouping->n_classes / TRIAL_CLASSES);
	if (result > 0)
		result = take_united(grouping, 1);
	return result == 0 ? take_largest(grouping) : result;
}

/* Make one group, and forget its classes. */
static int make_group(struct grouping *grouping)
{
	struct time_list times = {0};
	int64_t result = take_group(grouping);

	if (result < 0)
		return (int)result;
	result = unite_classes(grouping, true, 1, &times);
	if (result == 0)
		result = add_group(grouping, times);
	drop_taken(grouping);
	return (int)result;
}

/* Each class that is left becomes a group. */
static int make_groups_of_classes(struct grouping *grouping)
{
	int result = 0;

	while (grouping->n_classes > 0 && result == 0) {
		struct time_class *last = &grouping->classes[grouping->n_classes - 1];
		struct grouping one = {
			.members = grouping->members,
			.classes = last,
			.n_classes = 1,
			.groups = grouping->groups,
		};
		struct time_list times = {0};

		result = list_of_class(last, &times);
		last->is_taken = true;
		if (result == 0)
			result = add_group(&one, times);
		grouping->n_classes--;
	}
	return result;
}

int column_groups_make(const struct metric_file_column *columns, size_t n_columns,
		       struct column_groups *ret_groups)
{
	struct grouping grouping = {.columns = columns, .groups = ret_groups};
	int result = -ENOMEM;

	grouping.members = calloc(n_columns + 1, sizeof(*grouping.members));
	grouping.classes = calloc(n_columns + 1, sizeof(*grouping.classes));
	if (!grouping.members || !grouping.classes)
		goto out;
	result = find_classes(&grouping, n_columns);
	if (result == 0)
		result = join_classes(&grouping);
	for (int i = 0; i < ROUNDS_MAX && grouping.n_classes > 0 && result == 0; i++)
		result = make_group(&grouping);
	if (result == 0)
		result = make_groups_of_classes(&grouping);
out:
	free(grouping.members);
	free(grouping.classes);
	return result;
}

void column_groups_done(struct column_groups *groups)
{
	for (size_t i = 0; i < groups->n; i++) {
		free(groups->at[i].times_us);
		free(groups->at[i].columns);
	}
	free(groups->at);
	*groups = (struct column_groups){0};
}
