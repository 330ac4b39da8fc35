/* SPDX-License-Identifier: MIT */
/* What the log says of series that are left out. */

#include "agent/limit_log.h"

#include "common/message.h"

/* A number of series that goes up and down around the limit is told of once in so long. */
#define TELL_AGAIN_US INT64_C(60000000)

static void tell_begin(const struct plugin_set_left_out *left_out, size_t max)
{
	if (!left_out->metric) {
		message_warning("more series than series_max = %zu: %zu are left out; raise "
				"series_max in [agent]",
				max, left_out->n);
		return;
	}
	message_warning(
		"more series than series_max = %zu: %zu are left out, %zu of them %s; raise "
		"series_max in [agent], or exclude some in [plugin %s]",
		max, left_out->n, left_out->n_most, left_out->metric->name, left_out->plugin->name);
}

void limit_log_tell(struct limit_log *log, const struct plugin_set_left_out *left_out, size_t max,
		    int64_t monotonic_us)
{
	const bool is_over = left_out->n > 0;

	if (is_over == log->is_told || (is_over && monotonic_us < log->next_us))
		return;
	if (is_over) {
		tell_begin(left_out, max);
		log->next_us = monotonic_us + TELL_AGAIN_US;
	} else {
		message_info("no series is left out any more");
	}
	log->is_told = is_over;
}
