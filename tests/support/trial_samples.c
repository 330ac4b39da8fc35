/* SPDX-License-Identifier: MIT */
/* What a trial gives its store. */

#include <stdio.h>
#include <string.h>

#include "tests/support/trial_part.h"

static int64_t choose_time(struct trial *trial)
{
	const struct disk *disk = sim_disk_table(trial->sim);
	int64_t now_us = disk->now_us(disk->context);
	int64_t second_us = now_us - now_us % 1000000;

	switch (sim_random_below(&trial->random, 16)) {
	case 0: /* late, by up to two days */
		return now_us - (int64_t)sim_random_below(&trial->random, UINT64_C(172800000000));
	case 1: /* a little late */
		return second_us - (int64_t)sim_random_below(&trial->random, 60) * 1000000;
	case 2:
	case 3: /* to the microsecond */
		return now_us + (int64_t)sim_random_below(&trial->random, 1000);
	default: /* on the grid: often equal to one before */
		return second_us;
	}
}

static double choose_value(struct trial *trial)
{
	uint64_t bits = sim_random_next(&trial->random);
	double value;

	switch (bits % 8) {
	case 0:
		return -0.0;
	case 1: /* any finite number */
		bits &= ~(UINT64_C(1) << 62);
		memcpy(&value, &bits, sizeof(value));
		return value;
	case 2:
		return (double)(bits >> 60);
	case 3:
	case 4:
		return (double)(bits >> 44) / 100;
	default:
		return (double)(bits >> 32);
	}
}

static void add_sample(struct trial *trial)
{
	static const char *const labels[] = {"", "{cpu=\"0\"}", "{cpu=\"1\",mode=\"idle\"}",
					     "{name=\"a b\\\"c\"}"};
	static const char *const metrics[] = {"node_load1", "node_cpu_seconds_total", "x", "long_"};
	const struct bundle_meta meta = {HM_STORED_GAUGE, "seconds", 7};
	char name[LEDGER_NAME_MAX_BYTES];
	char host[16];
	struct line line;
	size_t length;

	/* Few hosts and series, but every now and then a new one. */
	(void)snprintf(host, sizeof(host), "host%llu",
		       (unsigned long long)sim_random_below(&trial->random, TRIAL_HOSTS));
	length = (size_t)snprintf(
		name, sizeof(name), "%s%s 0",
		metrics[sim_random_below(&trial->random, sizeof(metrics) / sizeof(*metrics))],
		labels[sim_random_below(&trial->random, sizeof(labels) / sizeof(*labels))]);
	if (sim_random_chance(&trial->random, 1, 64)) {
		length = (size_t)snprintf(name, sizeof(name), "new%llu 0",
					  (unsigned long long)sim_random_below(&trial->random, 20));
	}
	if (line_parse(&line, name, length, 0) != HM_REASON_NONE)
		trial_give_up(name);
	line.time_us = choose_time(trial);
	line.value = choose_value(trial);
	if (bundle_add(&trial->bundle, &line, host, &meta) != HM_REASON_NONE)
		trial_give_up("bundle");
}

static void give_sample(struct trial *trial, size_t i)
{
	const struct bundle_sample *sample = &trial->bundle.samples[i];
	struct identity identity = bundle_identity(&trial->bundle, sample);
	char name[LEDGER_NAME_MAX_BYTES];

	trial_name_row(identity_host(&identity), identity_metric(&identity),
		       identity_labels(&identity), name);
	ledger_give(&trial->ledger, name, sample->time_us, sample->value);
}

/* How many samples it did not take; those that are too old it would not show. */
static uint64_t count_refused(const struct trial *trial)
{
	struct reject reject;

	rejects_get(trial->bundle.rejects, HM_REASON_NO_MEMORY, &reject);
	return reject.n;
}

void trial_append(struct trial *trial)
{
	const struct disk *disk = sim_disk_table(trial->sim);
	bool is_many = sim_random_chance(&trial->random, 1, 12);
	uint64_t n = 1 + sim_random_below(&trial->random, is_many ? 300 : 10);
	uint64_t n_refused = count_refused(trial);
	size_t n_before = trial->ledger.n_samples;

	bundle_clear(&trial->bundle);
	trial->bundle.now_us = disk->now_us(disk->context);
	for (uint64_t i = 0; i < n; i++)
		add_sample(trial);
	for (size_t i = 0; i < trial->bundle.n_samples; i++)
		give_sample(trial, i);
	engine_append(trial->engine, &trial->bundle);
	if (count_refused(trial) > n_refused)
		ledger_doubt(&trial->ledger, n_before);
	if (count_refused(trial) > n_refused && !trial->is_faulty)
		ledger_complain(&trial->ledger, "%llu samples were refused",
				(unsigned long long)count_refused(trial));
}

void trial_give_many(struct trial *trial, const char *host, const char *name, int64_t time_us,
		     int n)
{
	const struct bundle_meta meta = {HM_STORED_GAUGE, "seconds", 7};
	const struct disk *disk = sim_disk_table(trial->sim);
	uint64_t n_refused = count_refused(trial);
	size_t n_before = trial->ledger.n_samples;
	struct line line;

	bundle_clear(&trial->bundle);
	trial->bundle.now_us = disk->now_us(disk->context);
	if (line_parse(&line, name, strlen(name), 0) != HM_REASON_NONE)
		trial_give_up(name);
	for (int i = 0; i < n; i++) {
		line.time_us = time_us - i;
		line.value = choose_value(trial);
		if (bundle_add(&trial->bundle, &line, host, &meta) != HM_REASON_NONE)
			trial_give_up("bundle");
	}
	for (size_t i = 0; i < trial->bundle.n_samples; i++)
		give_sample(trial, i);
	engine_append(trial->engine, &trial->bundle);
	if (count_refused(trial) > n_refused)
		ledger_doubt(&trial->ledger, n_before);
}
