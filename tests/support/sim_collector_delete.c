/* SPDX-License-Identifier: MIT */
/* What somebody deletes from the store of a simulation. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/all_series.h"
#include "tests/support/sim_collector.h"

#define RANGE_MAX_US (1200 * SIM_SECOND_US)

/* Which of the oracle's it is. @return false: none */
static bool find_series(const struct catalog_series *series, struct sim_deletion *ret_deletion)
{
	char name[2 * SIM_NAME_BYTES];
	char known[SIM_NAME_BYTES];
	unsigned host = 0;

	(void)snprintf(name, sizeof(name), "%s%s", series->file->metric, series->labels);
	for (; host < SIM_HOSTS; host++) {
		sim_oracle_name_host(host, known);
		if (strcmp(known, series->file->host->name) == 0)
			break;
	}
	for (unsigned i = 0; i < SIM_SERIES && host < SIM_HOSTS; i++) {
		sim_oracle_name_series(i, known);
		if (strcmp(known, name) == 0) {
			ret_deletion->host = host;
			ret_deletion->series = i;
			return true;
		}
	}
	return false;
}

static struct delete_range choose_range(struct sim_collector *collector)
{
	struct sim_random *random = &collector->random;
	int64_t now_us = collector->machine.reached_us;
	int64_t back_us = (int64_t)sim_random_below(random, (uint64_t)now_us + 1);
	struct delete_range range;

	/* What came last is deleted most, and some of that is still to come. */
	if (sim_random_chance(random, 1, 2))
		back_us = back_us / 8;
	range.since_us = SIM_START_US + now_us - back_us;
	range.until_us = range.since_us + (int64_t)sim_random_below(random, RANGE_MAX_US);
	return range;
}

bool sim_collector_delete(struct sim_collector *collector)
{
	struct sim_deleting *deleting = &collector->deleting;
	struct catalog_series **series = NULL;
	size_t n = 0;

	if (!collector->engine || deleting->series ||
	    all_series_list(collector->engine, &series, &n) < 0)
		return false;
	if (n > 0) {
		struct catalog_series *chosen = series[sim_random_below(&collector->random, n)];
		struct delete_range range = choose_range(collector);

		if (find_series(chosen, &deleting->what) &&
		    delete_log(collector->engine, &chosen, 1, &range, &deleting->ticket) == 0) {
			deleting->series = chosen;
			deleting->what.since_us = range.since_us;
			deleting->what.until_us = range.until_us;
			sim_oracle_delete(collector->oracle, &deleting->what);
		}
	}
	free(series);
	return deleting->series != NULL;
}

void sim_collector_settle_delete(struct sim_collector *collector)
{
	struct sim_deleting *deleting = &collector->deleting;
	const struct delete_range range = {deleting->what.since_us, deleting->what.until_us};

	if (!deleting->series || !delete_is_durable(collector->engine, deleting->ticket))
		return;
	sim_oracle_deleted(collector->oracle, &deleting->what, true);
	(void)delete_settle(collector->engine, &deleting->series, 1, &range);
	deleting->series = NULL;
	collector->counts[SIM_COLLECTOR_DELETES]++;
}

void sim_collector_forget_delete(struct sim_collector *collector)
{
	if (collector->deleting.series)
		sim_oracle_deleted(collector->oracle, &collector->deleting.what, false);
	collector->deleting.series = NULL;
}
