/* SPDX-License-Identifier: MIT */
/* What one group of a checkpoint appends. */

#include "collector/group.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/group_messages.h"
#include "common/array.h"
#include "hostmetrics/wire.h"

/* So many samples a series has in a batch, at least, where senders are in order. */
#define SAMPLES_PER_RUN 8

size_t group_samples_max(uint64_t segment_bytes)
{
	uint64_t n_samples = segment_bytes / GROUP_SEGMENT_BYTES_PER_SAMPLE;

	if (n_samples < GROUP_SAMPLES_MIN)
		return GROUP_SAMPLES_MIN;
	return n_samples > GROUP_SAMPLES_MAX ? GROUP_SAMPLES_MAX : (size_t)n_samples;
}

bool group_is_full(const struct group *group, uint64_t n_more)
{
	return group->n_samples + n_more >= group->samples_max ||
	       group->bytes.length >= GROUP_MESSAGE_BYTES_MAX;
}

bool group_is_odd(int64_t time_us, int64_t received_us)
{
	return time_us < GROUP_EARLIEST_US || time_us - GROUP_AHEAD_US > received_us;
}

uint64_t group_n_filed(const struct group_host *host)
{
	uint64_t n_samples = host->host->n_filed + host->n_samples;

	/* The count is only as good as the file that has it. */
	return n_samples > host->n_dropped ? n_samples - host->n_dropped : 0;
}

static void free_samples(struct group *group)
{
	free(group->samples);
	free(group->runs);
	group->samples = NULL;
	group->runs = NULL;
	group->samples_capacity = 0;
	group->runs_capacity = 0;
}

/* Room for a full group, and the batch that fills it. Large batches and short runs have it grow. @return 0 or
 * -ENOMEM */
static int reserve_samples(struct group *group)
{
	size_t n_samples = group->samples_max + HM_BATCH_SAMPLES_MAX;
	size_t n_runs = n_samples / SAMPLES_PER_RUN;

	if (group->samples)
		return 0;
	group->samples = array_new(n_samples, sizeof(*group->samples));
	group->runs = array_new(n_runs, sizeof(*group->runs));
	if (!group->samples || !group->runs) {
		free_samples(group);
		return -ENOMEM;
	}
	group->samples_capacity = n_samples;
	group->runs_capacity = n_runs;
	return 0;
}

void group_done(struct group *group)
{
	free(group->hosts);
	free_samples(group);
	free(group->files);
	free(group->masks);
	free(group->marks);
	free(group->messages);
	buffer_done(&group->bytes);
	*group = (struct group){.samples_max = group->samples_max};
}

void group_clear(struct group *group)
{
	/* What a flood needed is not kept. */
	if (group->samples_capacity > GROUP_SAMPLES_MAX + HM_BATCH_SAMPLES_MAX ||
	    group->runs_capacity > GROUP_SAMPLES_MAX)
		free_samples(group);
	group->n_runs = 0;
	group->n_masks = 0;
	group->n_marks = 0;
	group->n_messages = 0;
	buffer_clear(&group->bytes);
	group->has_open_run = false;
	group->n_hosts = 0;
	group->n_samples = 0;
	group->n_files = 0;
}

/* Begin a run. @return 0 or -ENOMEM */
static int add_run(struct group *group, struct catalog_series *series, enum catalog_side side,
		   bool is_absent)
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
		.is_absent = is_absent,
	};
	group->has_open_run = true;
	return 0;
}

/* Does it belong to the last run? */
static bool goes_on(const struct group *group, const struct catalog_series *series,
		    enum catalog_side side, bool is_absent)
{
	const struct group_run *last;

	if (!group->has_open_run)
		return false;
	last = &group->runs[group->n_runs - 1];
	return last->series == series && last->side == side && last->is_absent == is_absent;
}

/* Make room for so many samples more. @return where they go; NULL without memory */
static struct metric_file_sample *reserve_for(struct group *group, size_t n)
{
	if (n > UINT32_MAX - group->n_samples)
		return NULL;
	while (group->samples_capacity - group->n_samples < n) {
		struct metric_file_sample *samples =
			array_grow(group->samples, group->samples_capacity,
				   &group->samples_capacity, sizeof(*samples));

		if (!samples)
			return NULL;
		group->samples = samples;
	}
	return group->samples + group->n_samples;
}

/* Add samples, or absences, that all belong to one side. @return 0 or -ENOMEM */
static int add_run_of(struct group *group, const struct tail_samples *samples,
		      enum catalog_side side, bool is_absent)
{
	struct metric_file_sample *added = reserve_for(group, samples->n);

	if (!added)
		return -ENOMEM;
	if (!goes_on(group, samples->series, side, is_absent) &&
	    add_run(group, samples->series, side, is_absent) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < samples->n; i++)
		added[i] = (struct metric_file_sample){samples->times_us[i], samples->values[i]};
	group->n_samples += samples->n;
	group->runs[group->n_runs - 1].n_samples += (uint32_t)samples->n;
	return 0;
}

/* How many of the first samples belong to one side? Times do not decrease, so where the first and the last are not
 * odd, none is. */
static size_t count_of_side(const struct tail_samples *samples, bool *ret_is_odd)
{
	const int64_t *times_us = samples->times_us;
	size_t n = 1;

	*ret_is_odd = group_is_odd(times_us[0], samples->received_us);
	if (!*ret_is_odd && !group_is_odd(times_us[samples->n - 1], samples->received_us))
		return samples->n;
	while (n < samples->n && group_is_odd(times_us[n], samples->received_us) == *ret_is_odd)
		n++;
	return n;
}

static int add_samples(void *context, const struct tail_samples *samples)
{
	struct tail_samples left = *samples;
	int result = 0;

	while (left.n > 0 && result == 0) {
		struct tail_samples piece = left;
		bool is_odd;

		piece.n = count_of_side(&left, &is_odd);
		result = add_run_of(context, &piece, is_odd ? CATALOG_SIDE_ODD : CATALOG_SIDE_MAIN,
				    false);
		left.times_us += piece.n;
		left.values += piece.n;
		left.n -= piece.n;
	}
	return result;
}

static int add_absence(void *context, struct catalog_series *series,
		       const struct metric_file_sample *absence, int64_t received_us)
{
	const struct tail_samples samples = {series, &absence->time_us, &absence->value, 1,
					     received_us};
	bool is_odd = group_is_odd(absence->time_us, received_us);

	return add_run_of(context, &samples, is_odd ? CATALOG_SIDE_ODD : CATALOG_SIDE_MAIN, true);
}

/* Take out of a run what a delete names. */
static void mask_run(struct group *group, struct group_run *run, const struct tail_mask *mask)
{
	struct metric_file_sample *samples = &group->samples[run->first];
	uint32_t n = 0;

	for (uint32_t i = 0; i < run->n_samples; i++) {
		if (samples[i].time_us < mask->since_us || samples[i].time_us > mask->until_us)
			samples[n++] = samples[i];
	}
	group->n_hidden += run->is_absent ? 0 : run->n_samples - n;
	run->n_samples = n;
}

/* What goes before a delete is deleted; what the files have of it, the files are to say. */
static int add_mask(void *context, const struct tail_mask *mask)
{
	struct group *group = context;

	size_t n_runs = 0;

	group->has_open_run = false;
	for (size_t i = 0; i < group->n_runs; i++) {
		struct group_run run = group->runs[i];

		if (tail_mask_has(mask, run.series))
			mask_run(group, &run, mask);
		if (run.n_samples > 0)
			group->runs[n_runs++] = run;
	}
	group->n_runs = n_runs;
	for (size_t i = 0; i < mask->n_series; i++) {
		struct group_mask *masks = array_grow(group->masks, group->n_masks,
						      &group->masks_capacity, sizeof(*masks));

		if (!masks)
			return -ENOMEM;
		group->masks = masks;
		masks[group->n_masks++] = (struct group_mask){mask->series[i], mask->position,
							      mask->since_us, mask->until_us};
	}
	return 0;
}

/* How much the group had at some time. */
struct mark {
	size_t n_samples;
	size_t n_runs;
	size_t n_masks;
	size_t n_marks;
	size_t n_messages;
};

static struct mark get_mark(const struct group *group)
{
	return (struct mark){group->n_samples, group->n_runs, group->n_masks, group->n_marks,
			     group->n_messages};
}

/* Forget what was added since. */
static void cut(struct group *group, const struct mark *mark)
{
	group->n_samples = mark->n_samples;
	group->n_runs = mark->n_runs;
	group->n_masks = mark->n_masks;
	group->n_marks = mark->n_marks;
	group->n_messages = mark->n_messages;
	group->has_open_run = false;
}

/* Decode one batch, whole or not at all. @return 0, also for a damaged one; -ENOMEM; -errno */
static int add_batch(struct group *group, struct tail *tail, uint32_t host, uint64_t position,
		     uint64_t *n_damaged)
{
	struct tail_take take = {
		.context = group,
		.samples = add_samples,
		.absence = add_absence,
		.mask = add_mask,
		.mark = group_add_mark,
		.message = group_add_message,
	};
	struct mark mark = get_mark(group);
	int result;

	group->has_open_run = false;
	result = tail_decode(tail, host, position, &take);
	if (result < 0)
		cut(group, &mark);
	if (result == -EBADMSG) {
		(*n_damaged)++;
		result = group_add_undecodable(group, tail, position);
	}
	return result;
}

int group_add_host(struct group *group, struct tail *tail, struct catalog_host *host,
		   const struct tail_range *range, uint64_t *ret_n_damaged)
{
	struct group_host *hosts =
		array_grow(group->hosts, group->n_hosts, &group->hosts_capacity, sizeof(*hosts));
	/* What cannot be found is passed over with the rest. */
	struct group_host added = {
		.host = host,
		.position = range->last,
		.oldest_us = host->filed_oldest_us,
	};
	struct mark mark = get_mark(group);
	const uint64_t *positions;
	size_t n_positions = 0;
	int result;

	*ret_n_damaged = 0;
	if (!hosts)
		return -ENOMEM;
	group->hosts = hosts;
	group->n_hidden = 0;
	result = reserve_samples(group);
	if (result == 0)
		result = tail_find(tail, range, &positions, &n_positions);
	if (result == 0) {
		*ret_n_damaged = tail_n_damaged(tail);
		result = group_add_holes(group, tail);
	}
	for (size_t i = 0; i < n_positions && result == 0; i++) {
		if (i > 0 && group_is_full(group, 0)) {
			added.position = positions[i - 1];
			break;
		}
		result = add_batch(group, tail, range->host, positions[i], ret_n_damaged);
	}
	/* What seems to be damaged may only not have been given. */
	if (tail_result(tail) < 0)
		result = tail_result(tail);
	if (result < 0) {
		cut(group, &mark);
		return result;
	}
	for (size_t i = mark.n_runs; i < group->n_runs; i++)
		added.n_samples += group->runs[i].is_absent ? 0 : group->runs[i].n_samples;
	added.n_hidden = group->n_hidden;
	added.first_mark = mark.n_marks;
	added.n_marks = group->n_marks - mark.n_marks;
	added.first_message = mark.n_messages;
	added.n_messages = group->n_messages - mark.n_messages;
	group->hosts[group->n_hosts++] = added;
	return 0;
}

int group_add_trimmed(struct group *group, struct catalog_host *host, uint64_t position)
{
	struct group_host *hosts =
		array_grow(group->hosts, group->n_hosts, &group->hosts_capacity, sizeof(*hosts));

	if (!hosts)
		return -ENOMEM;
	group->hosts = hosts;
	hosts[group->n_hosts++] = (struct group_host){
		.host = host,
		.position = position,
		.oldest_us = host->filed_oldest_us,
	};
	return 0;
}
