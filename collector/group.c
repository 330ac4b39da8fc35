/* SPDX-License-Identifier: MIT */
/* What one group of a checkpoint appends. */

#include "collector/group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/group_order.h"
#include "common/array.h"

size_t group_samples_max(uint64_t segment_bytes)
{
	uint64_t n_samples = segment_bytes / GROUP_SEGMENT_BYTES_PER_SAMPLE;

	if (n_samples < GROUP_SAMPLES_MIN)
		return GROUP_SAMPLES_MIN;
	return n_samples > GROUP_SAMPLES_MAX ? GROUP_SAMPLES_MAX : (size_t)n_samples;
}

bool group_is_odd(int64_t time_us, int64_t received_us)
{
	return time_us < GROUP_EARLIEST_US || time_us - GROUP_AHEAD_US > received_us;
}

void group_done(struct group *group)
{
	free(group->hosts);
	free(group->samples);
	free(group->runs);
	free(group->files);
	*group = (struct group){.samples_max = group->samples_max};
}

void group_clear(struct group *group)
{
	/* What a flood needed is not kept. */
	if (group->samples_capacity > GROUP_SAMPLES_MAX ||
	    group->runs_capacity > GROUP_SAMPLES_MAX) {
		free(group->samples);
		free(group->runs);
		group->samples = NULL;
		group->runs = NULL;
		group->samples_capacity = 0;
		group->runs_capacity = 0;
	}
	group->n_runs = 0;
	group->has_open_run = false;
	group->n_hosts = 0;
	group->n_samples = 0;
	group->n_files = 0;
}

/* Begin a run. @return 0 or -ENOMEM */
static int add_run(struct group *group, struct catalog_series *series, enum catalog_side side)
{
	struct group_run *runs =
		array_grow(group->runs, group->n_runs, &group->runs_capacity, sizeof(*runs));

	if (!runs)
		return -ENOMEM;
	group->runs = runs;
	runs[group->n_runs++] = (struct group_run){
		.series = series,
		.first = (uint32_t)group->n_samples,
		.side = (uint8_t)side,
	};
	group->has_open_run = true;
	return 0;
}

/* Does it belong to the last run? */
static bool goes_on(const struct group *group, const struct catalog_series *series,
		    enum catalog_side side)
{
	const struct group_run *last;

	if (!group->has_open_run)
		return false;
	last = &group->runs[group->n_runs - 1];
	return last->series == series && last->side == side;
}

static int add_sample(void *context, struct catalog_series *series,
		      const struct metric_file_sample *sample, int64_t received_us)
{
	struct group *group = context;
	bool is_odd = group_is_odd(sample->time_us, received_us);
	enum catalog_side side = is_odd ? CATALOG_SIDE_ODD : CATALOG_SIDE_MAIN;
	struct metric_file_sample *samples = array_grow(group->samples, group->n_samples,
							&group->samples_capacity, sizeof(*samples));

	if (!samples || group->n_samples >= UINT32_MAX)
		return -ENOMEM;
	group->samples = samples;
	if (!goes_on(group, series, side) && add_run(group, series, side) < 0)
		return -ENOMEM;
	samples[group->n_samples++] = *sample;
	group->runs[group->n_runs - 1].n_samples++;
	return 0;
}

/* Forget what was added since. */
static void cut(struct group *group, size_t n_samples, size_t n_runs)
{
	group->n_samples = n_samples;
	group->n_runs = n_runs;
	group->has_open_run = false;
}

/* Decode one batch, whole or not at all. @return 0, also for a damaged one; -ENOMEM; -errno */
static int add_batch(struct group *group, struct tail *tail, uint32_t host, uint64_t position,
		     uint64_t *n_damaged)
{
	struct tail_take take = {.context = group, .sample = add_sample};
	size_t n_samples = group->n_samples;
	size_t n_runs = group->n_runs;
	int result;

	group->has_open_run = false;
	result = tail_decode(tail, host, position, &take);
	if (result < 0)
		cut(group, n_samples, n_runs);
	if (result == -EBADMSG) {
		(*n_damaged)++;
		result = 0;
	}
	return result;
}

int group_add_host(struct group *group, struct tail *tail, struct catalog_host *host,
		   const struct tail_range *range, uint64_t *ret_n_damaged)
{
	struct group_host *hosts =
		array_grow(group->hosts, group->n_hosts, &group->hosts_capacity, sizeof(*hosts));
	/* What cannot be found is passed over with the rest. */
	struct group_host added = {.host = host, .position = range->last};
	size_t n_before = group->n_samples;
	size_t n_runs = group->n_runs;
	const uint64_t *positions;
	size_t n_positions = 0;
	int result;

	*ret_n_damaged = 0;
	if (!hosts)
		return -ENOMEM;
	group->hosts = hosts;
	result = tail_find(tail, range, &positions, &n_positions);
	if (result == 0)
		*ret_n_damaged = tail_n_damaged(tail);
	for (size_t i = 0; i < n_positions && result == 0; i++) {
		if (group->n_samples >= group->samples_max && i > 0) {
			added.position = positions[i - 1];
			break;
		}
		result = add_batch(group, tail, range->host, positions[i], ret_n_damaged);
	}
	if (result < 0) {
		cut(group, n_before, n_runs);
		return result;
	}
	added.n_samples = group->n_samples - n_before;
	group->hosts[group->n_hosts++] = added;
	return 0;
}

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
			file.n_samples += group->runs[i].n_samples;
			file.n_runs++;
		}
		result = add_file(group, &file);
	}
	return result;
}

int group_complete(struct group *group)
{
	int result = group_order(&group->runs, group->n_runs, group->runs_capacity);

	if (result == 0)
		result = list_files(group);
	for (size_t i = 0; i < group->n_hosts && result == 0; i++) {
		struct group_file file = {.of = &group->hosts[i]};

		result = add_file(group, &file);
	}
	find_hosts(group);
	return result;
}
