/* SPDX-License-Identifier: MIT */
/* What a simulation's store has, held against what is known. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/sim_oracle_part.h"

const char *sim_excuse_name(enum sim_excuse excuse)
{
	static const char *const names[SIM_EXCUSES] = {
		[SIM_EXCUSE_NONE] = "",
		[SIM_EXCUSE_KILLED] = "in memory when the process ended",
		[SIM_EXCUSE_POWER] = "not synced when the power failed",
		[SIM_EXCUSE_WENT_BACK] = "not on the copy of a spool",
	};

	return names[excuse];
}

void sim_oracle_read_begin(struct sim_oracle *oracle)
{
	for (size_t i = 0; i < oracle->n_samples; i++) {
		oracle->samples[i].n_read = 0;
		oracle->samples[i].is_covered = false;
	}
}

void sim_oracle_row(struct sim_oracle *oracle, const char *host, const char *metric,
		    const char *labels, int64_t time_us, double value)
{
	char name[3 * SIM_NAME_BYTES];
	char wanted[2 * SIM_NAME_BYTES];
	char wanted_host[SIM_NAME_BYTES];
	size_t i = sim_oracle_find(oracle, value);
	const struct sim_tick *tick;

	(void)snprintf(name, sizeof(name), "%s%s", metric, labels);
	if (i == SIZE_MAX) {
		sim_oracle_complain(oracle, "%s of %s at %" PRId64 " has %a, which was never made",
				    name, host, time_us, value);
		return;
	}
	tick = &oracle->ticks[oracle->samples[i].tick];
	sim_oracle_name_series(oracle->samples[i].series, wanted);
	sim_oracle_name_host(tick->host, wanted_host);
	if (strcmp(name, wanted) != 0 || strcmp(host, wanted_host) != 0 ||
	    tick->time_us != time_us) {
		sim_oracle_complain(oracle,
				    "sample %zu of %s of %s at %" PRId64
				    " is read as %s of %s at %" PRId64,
				    i, wanted, wanted_host, tick->time_us, name, host, time_us);
	}
	if (oracle->samples[i].n_read < UINT8_MAX)
		oracle->samples[i].n_read++;
}

/* Samples of the messages of this sequence that were sent. @return is there any message? */
static bool walk_sequence(struct sim_oracle *oracle, unsigned epoch, uint64_t sequence,
			  void (*take)(struct sim_sample *sample, unsigned epoch))
{
	bool is_known = false;

	for (int32_t i = *sim_oracle_find_bucket(oracle, epoch, sequence); i >= 0;
	     i = oracle->contents[i].next) {
		const struct sim_content *content = &oracle->contents[i];

		if (content->epoch != epoch || content->sequence != sequence)
			continue;
		is_known = true;
		for (uint32_t k = 0; k < content->n; k++)
			take(&oracle->samples[oracle->items[content->first + k]], epoch);
	}
	return is_known;
}

bool sim_oracle_walk_sequences(struct sim_oracle *oracle, const struct wire_gap *gap,
			       void (*take)(struct sim_sample *sample, unsigned epoch))
{
	unsigned epoch = sim_oracle_find_epoch(oracle, gap->stamp.epoch);
	bool are_known = true;

	for (uint64_t sequence = gap->first; sequence <= gap->stamp.sequence; sequence++)
		are_known &= walk_sequence(oracle, epoch, sequence, take);
	return are_known;
}

void sim_oracle_walk_times(struct sim_oracle *oracle, const struct wire_gap *gap,
			   void (*take)(struct sim_sample *sample, unsigned epoch))
{
	unsigned epoch = sim_oracle_find_epoch(oracle, gap->stamp.epoch);
	unsigned host = gap->stamp.host_id[0] - 1U;

	for (size_t i = 0; i < oracle->n_ticks; i++) {
		const struct sim_tick *tick = &oracle->ticks[i];

		if (tick->host != host || tick->time_us < gap->first_us ||
		    tick->time_us > gap->last_us)
			continue;
		for (uint32_t k = 0; k < tick->n; k++) {
			/* One that was moved to another epoch has another place there. */
			if (!oracle->samples[tick->first + k].is_acked)
				take(&oracle->samples[tick->first + k], epoch);
		}
	}
}

static void cover(struct sim_sample *sample, unsigned epoch)
{
	(void)epoch;
	sample->is_covered = true;
}

void sim_oracle_message(struct sim_oracle *oracle, enum hm_record_type type, const uint8_t *payload,
			size_t length)
{
	struct wire_gap gap;

	if (type != HM_RECORD_GAP)
		return;
	if (wire_gap_get(payload, length, &gap) != HM_REASON_NONE) {
		sim_oracle_complain(oracle, "a stored GAP is none");
	} else {
		(void)sim_oracle_walk_sequences(oracle, &gap, cover);
		sim_oracle_walk_times(oracle, &gap, cover);
	}
}

/* Both who had it may have become what they were before: then nobody knows. */
static bool is_lost(const struct sim_oracle *oracle, const struct sim_sample *sample,
		    const struct sim_tick *tick)
{
	return sample->is_lost &&
	       (!oracle->epochs[sample->epoch].is_told || (oracle->copied_hosts >> tick->host & 1));
}

static void judge(struct sim_oracle *oracle, size_t i, bool is_end)
{
	const struct sim_sample *sample = &oracle->samples[i];
	const struct sim_tick *tick = &oracle->ticks[sample->tick];
	const char *what = NULL;

	oracle->n_stored += sample->n_read > 0;
	if (sample->n_read > 1 && !tick->may_double)
		what = "is stored more than once";
	else if (sample->n_read > 0 && sample->is_deleted && !tick->may_double)
		what = "was deleted, and is stored";
	else if (sample->n_read > 0 || sample->may_be_deleted || is_lost(oracle, sample, tick))
		return;
	else if (sample->is_covered)
		oracle->n_covered++;
	else if (sample->is_acked)
		what = "was acknowledged, and is not stored";
	else if (is_end && tick->excuse == SIM_EXCUSE_NONE)
		what = "is missing, and nothing says why";
	if (what) {
		char name[SIM_NAME_BYTES];

		sim_oracle_name_series(sample->series, name);
		sim_oracle_complain(oracle,
				    "sample %zu, tick %u of agent %u, of %s of host%u at %" PRId64
				    " %s (%s, sent %d)",
				    i, sample->tick, tick->agent, name, tick->host, tick->time_us,
				    what, sample->is_acked ? "acknowledged" : "not acknowledged",
				    sample->is_sent);
	}
	oracle->n_excused[tick->excuse]++;
}

void sim_oracle_read_end(struct sim_oracle *oracle, bool is_end)
{
	oracle->n_stored = 0;
	oracle->n_covered = 0;
	memset(oracle->n_excused, 0, sizeof(oracle->n_excused));
	for (size_t i = 0; i < oracle->n_samples; i++)
		judge(oracle, i, is_end);
}
