/* SPDX-License-Identifier: MIT */
/* The files of a group. */

#include <errno.h>
#include <stdlib.h>

#include "collector/group.h"
#include "collector/group_order.h"
#include "common/array.h"

static int add_file(struct group *group, const struct group_file *file)
{
	struct group_file *files =
		array_grow(group->files, group->n_files, &group->files_capacity, sizeof(*files));

	if (!files)
		return -ENOMEM;
	group->files = files;
	files[group->n_files++] = *file;
	return 0;
}

static struct group_host *find_host(const struct group *group, const struct catalog_host *host)
{
	for (size_t i = 0; i < group->n_hosts; i++) {
		if (group->hosts[i].host == host)
			return &group->hosts[i];
	}
	return NULL;
}

/* Files of one host follow each other nearly always. */
static void find_hosts(struct group *group)
{
	struct group_host *of = NULL;

	for (size_t i = 0; i < group->n_files; i++) {
		struct group_file *file = &group->files[i];

		if (file->of)
			continue;
		if (!of || of->host != file->file->host)
			of = find_host(group, file->file->host);
		file->of = of;
	}
}

/* List the files of the runs, which are in order. @return 0 or -ENOMEM */
static int list_files(struct group *group)
{
	size_t i = 0;
	int result = 0;

	while (i < group->n_runs && result == 0) {
		const struct group_run *first = &group->runs[i];
		struct group_file file = {
			.file = first->series->file,
			.side = (enum catalog_side)first->side,
			.first_run = i,
		};

		for (; i < group->n_runs && group->runs[i].series->file == file.file &&
		       group->runs[i].side == first->side;
		     i++) {
			if (group->runs[i].is_absent)
				file.n_absences += group->runs[i].n_samples;
			else
				file.n_samples += group->runs[i].n_samples;
			file.n_runs++;
		}
		result = add_file(group, &file);
	}
	return result;
}

/* -- files that are trimmed ----------------------------------------------------------------------- */

static int compare_masks(const void *a_pointer, const void *b_pointer)
{
	const struct group_mask *a = a_pointer;
	const struct group_mask *b = b_pointer;

	if (a->series->file != b->series->file)
		return (uintptr_t)a->series->file < (uintptr_t)b->series->file ? -1 : 1;
	if (a->position != b->position)
		return a->position < b->position ? -1 : 1;
	return a->series->id < b->series->id ? -1 : a->series->id > b->series->id;
}

static int compare_files(const void *a_pointer, const void *b_pointer)
{
	const struct group_file *a = a_pointer;
	const struct group_file *b = b_pointer;

	if (a->file != b->file)
		return (uintptr_t)a->file < (uintptr_t)b->file ? -1 : 1;
	return (int)a->side - (int)b->side;
}

/* Also one that is to be begun behind what does not count: that must stay so. */
static bool is_there(const struct catalog_data *data)
{
	return data->end.length_bytes > 0 || data->n_parts > 0 || data->end.part > 0;
}

/* Have a file of a metric that is there, and perhaps not appended to. @param n_known  files that are
 * sorted. @param ret_file  NULL: it is not there */
static int get_file(struct group *group, size_t n_known, const struct group_file *wanted,
		    struct group_file **ret_file)
{
	int result;

	*ret_file = NULL;
	if (!is_there(&wanted->file->data[wanted->side]))
		return 0;
	if (group->files)
		*ret_file = bsearch(wanted, group->files, n_known, sizeof(*wanted), compare_files);
	if (*ret_file)
		return 0;
	result = add_file(group, wanted);
	if (result == 0)
		*ret_file = &group->files[group->n_files - 1];
	return result;
}

/* Have both files of a metric of which something is deleted. */
static int list_masked(struct group *group, size_t n_known, size_t first_mask, size_t n_masks)
{
	struct catalog_file *file = group->masks[first_mask].series->file;
	int result = 0;

	for (int side = 0; side < CATALOG_SIDES && result == 0; side++) {
		struct group_file wanted = {.file = file, .side = (enum catalog_side)side};
		struct group_file *found;

		result = get_file(group, n_known, &wanted, &found);
		if (result == 0 && found) {
			found->first_mask = first_mask;
			found->n_masks = n_masks;
		}
	}
	return result;
}

/* The files of which something is deleted. */
static int list_masks(struct group *group)
{
	size_t n_known = group->n_files;
	size_t end;
	int result = 0;

	if (group->n_masks > 1)
		qsort(group->masks, group->n_masks, sizeof(*group->masks), compare_masks);
	for (size_t first = 0; first < group->n_masks && result == 0; first = end) {
		const struct catalog_file *file = group->masks[first].series->file;

		for (end = first; end < group->n_masks && group->masks[end].series->file == file;)
			end++;
		result = list_masked(group, n_known, first, end - first);
	}
	return result;
}

/* The files of a host that has a new horizon. With the mutex held. */
static int list_expiring(struct group *group, const struct catalog_host *host, size_t n_known)
{
	int result = 0;

	for (struct catalog_file *file = host->files; file && result == 0; file = file->next) {
		struct group_file wanted = {.file = file, .side = CATALOG_SIDE_MAIN};
		const struct catalog_trim *trim = file->data[CATALOG_SIDE_MAIN].trim;
		struct group_file *found = NULL;

		if (!trim || trim->oldest_last_us < host->horizon_us)
			result = get_file(group, n_known, &wanted, &found);
		if (found)
			found->is_expiring = true;
	}
	return result;
}

static void sort_files(struct group *group)
{
	if (group->n_files > 1)
		qsort(group->files, group->n_files, sizeof(*group->files), compare_files);
}

static int list_trims(struct group *group, pthread_mutex_t *mutex)
{
	size_t n_known;
	int result;

	sort_files(group);
	result = list_masks(group);
	sort_files(group);
	n_known = group->n_files;
	pthread_mutex_lock(mutex);
	for (size_t i = 0; i < group->n_hosts && result == 0; i++) {
		struct group_host *host = &group->hosts[i];

		host->horizon_us = host->host->horizon_us;
		if (host->horizon_us > host->host->trimmed_us)
			result = list_expiring(group, host->host, n_known);
	}
	pthread_mutex_unlock(mutex);
	return result;
}

int group_complete(struct group *group, pthread_mutex_t *mutex)
{
	int result = group_order(&group->runs, group->n_runs, group->runs_capacity);

	if (result == 0)
		result = list_files(group);
	if (result == 0)
		result = list_trims(group, mutex);
	for (size_t i = 0; i < group->n_hosts && result == 0; i++) {
		struct group_file file = {.of = &group->hosts[i]};

		result = add_file(group, &file);
	}
	find_hosts(group);
	return result;
}
