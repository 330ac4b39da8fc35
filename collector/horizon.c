/* SPDX-License-Identifier: MIT */
/* Before which time a host's samples do not count. */

#include "collector/horizon.h"

#include <errno.h>

#include "collector/controls.h"
#include "collector/engine.h"
#include "common/log_entry.h"

int horizon_put(struct engine *engine, const struct catalog_host *host, int64_t horizon_us)
{
	const struct log_horizon entry = {host->number, horizon_us};
	struct buffer payload = {0};
	int result = 0;

	log_entry_put_horizon(&payload, &entry);
	/* Twice, so that no single damage brings back what is too old. */
	for (int i = 0; i < 2 && result == 0; i++)
		result = controls_put(engine, HM_RECORD_HORIZON, 0, &payload);
	buffer_done(&payload);
	return result;
}

void horizon_settle(struct engine *engine, const void *payload, size_t n_bytes)
{
	struct cursor cursor = {.at = payload, .left = n_bytes};
	struct log_horizon entry;

	while (log_entry_get_horizon(&cursor, &entry) == 0) {
		struct catalog_host *host = id_map_get(&engine->hosts, entry.host);

		if (host && entry.horizon_us > host->horizon_us)
			host->horizon_us = entry.horizon_us;
	}
}
