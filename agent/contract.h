/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CONTRACT_H
#define AGENT_CONTRACT_H

/* Is a plugin's table as hostmetrics/plugin.h demands? */

#include "hostmetrics/plugin.h"

#define CONTRACT_REASON_MAX_BYTES 256

/* The name of a plugin is at most this long: it has to fit into `[plugin NAME]`. */
#define CONTRACT_NAME_MAX_BYTES 40

#define CONTRACT_METRICS_MAX     10000
#define CONTRACT_OPTIONS_MAX     64
#define CONTRACT_STATE_MAX_BYTES ((size_t)16 << 20)

/*
 * @param ret_reason  what is wrong, as a phrase: "metric 'node_x' has no help"; written on failure
 * only
 * @return 0 or -EINVAL
 */
int contract_check(const struct hm_plugin *plugin,
		   char ret_reason[static CONTRACT_REASON_MAX_BYTES]);

/*
 * Is a metric that a plugin makes while it runs as one of its table must be?
 * @param ret_reason  as above
 * @return 0 or -EINVAL
 */
int contract_check_metric(const struct hm_plugin *plugin, const struct hm_metric *metric,
			  char ret_reason[static CONTRACT_REASON_MAX_BYTES]);

/* Does the table have a name that can be shown? Nothing else of it is looked at. */
bool contract_has_name(const struct hm_plugin *plugin);

#endif
