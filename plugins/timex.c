/* SPDX-License-Identifier: MIT */
/* How the kernel keeps time, and how well it thinks it does. */

#include <errno.h>
#include <sys/timex.h>

#include "hostmetrics/plugin.h"

#define US_PER_S 1e6
#define NS_PER_S 1e9

/* Frequencies are told in parts per million, with 16 bits behind the point. */
#define FREQUENCY_UNIT (1000000.0 * 65536.0)

#define METRIC(index, full_name, metric_unit, metric_kind, text, field)                            \
	[index] = {                                                                                \
		.name = (full_name),                                                               \
		.unit = (metric_unit),                                                             \
		.help = (text),                                                                    \
		.source = "adjtimex(2), " field,                                                   \
		.kind = (metric_kind),                                                             \
	}

enum metric {
	METRIC_SYNC,
	METRIC_OFFSET,
	METRIC_FREQUENCY,
	METRIC_MAX_ERROR,
	METRIC_ERROR,
	METRIC_STATUS,
	METRIC_CONSTANT,
	METRIC_TICK,
	METRIC_PPS_FREQUENCY,
	METRIC_PPS_JITTER,
	METRIC_PPS_SHIFT,
	METRIC_PPS_STABILITY,
	METRIC_PPS_JITTERS,
	METRIC_PPS_CALIBRATIONS,
	METRIC_PPS_ERRORS,
	METRIC_PPS_EXCEEDED,
	METRIC_TAI,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	METRIC(METRIC_SYNC, "node_timex_sync_status", "", HM_GAUGE,
	       "1 while the clock follows a reliable source, else 0.", "result, TIME_ERROR = 0"),
	METRIC(METRIC_OFFSET, "node_timex_offset_seconds", "seconds", HM_GAUGE,
	       "How much the clock still has to be corrected.",
	       "offset, microseconds or (STA_NANO) nanoseconds"),
	METRIC(METRIC_FREQUENCY, "node_timex_frequency_adjustment_ratio", "ratio", HM_GAUGE,
	       "How much faster than by itself the clock is made to run.",
	       "1 + freq, 2^-16 parts per million"),
	METRIC(METRIC_MAX_ERROR, "node_timex_maxerror_seconds", "seconds", HM_GAUGE,
	       "How wrong the clock may be at most.", "maxerror, microseconds"),
	METRIC(METRIC_ERROR, "node_timex_estimated_error_seconds", "seconds", HM_GAUGE,
	       "How wrong the clock probably is.", "esterror, microseconds"),
	METRIC(METRIC_STATUS, "node_timex_status", "", HM_GAUGE,
	       "State of the clock, as the bits STA_*.", "status, bits"),
	METRIC(METRIC_CONSTANT, "node_timex_loop_time_constant", "", HM_GAUGE,
	       "How slowly the clock's control loop answers.", "constant, a power of 2"),
	METRIC(METRIC_TICK, "node_timex_tick_seconds", "seconds", HM_GAUGE,
	       "Time between two ticks of the clock.", "tick, microseconds"),
	METRIC(METRIC_PPS_FREQUENCY, "node_timex_pps_frequency_hertz", "hertz", HM_GAUGE,
	       "Frequency of the pulse per second.", "ppsfreq, 2^-16 parts per million"),
	METRIC(METRIC_PPS_JITTER, "node_timex_pps_jitter_seconds", "seconds", HM_GAUGE,
	       "How irregular the pulse per second is.",
	       "jitter, microseconds or (STA_NANO) nanoseconds"),
	METRIC(METRIC_PPS_SHIFT, "node_timex_pps_shift_seconds", "seconds", HM_GAUGE,
	       "Time over which the pulse per second is measured.",
	       "shift, a power of 2 of seconds, which node_exporter calls seconds"),
	METRIC(METRIC_PPS_STABILITY, "node_timex_pps_stability_hertz", "hertz", HM_GAUGE,
	       "How much the frequency of the pulse per second has changed lately.",
	       "stabil, 2^-16 parts per million"),
	METRIC(METRIC_PPS_JITTERS, "node_timex_pps_jitter_total", "", HM_COUNTER,
	       "Pulses that were too irregular.", "jitcnt, pulses"),
	METRIC(METRIC_PPS_CALIBRATIONS, "node_timex_pps_calibration_total", "", HM_COUNTER,
	       "Times that the pulse per second was measured.", "calcnt, times"),
	METRIC(METRIC_PPS_ERRORS, "node_timex_pps_error_total", "", HM_COUNTER,
	       "Times that measuring the pulse per second failed.", "errcnt, times"),
	METRIC(METRIC_PPS_EXCEEDED, "node_timex_pps_stability_exceeded_total", "", HM_COUNTER,
	       "Times that its frequency changed too much.", "stbcnt, times"),
	METRIC(METRIC_TAI, "node_timex_tai_offset_seconds", "seconds", HM_GAUGE,
	       "How far UTC is behind atomic time (TAI).", "tai, seconds"),
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct timex timex = {.modes = 0};

	(void)memory;
	if (hm_is_redirected(host))
		return -ENOTSUP;
	if (adjtimex(&timex) >= 0)
		return 0;
	/* Containers forbid it, as long as they live. */
	return errno == EPERM ? -ENOTSUP : -errno;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct timex timex = {.modes = 0};
	int state = adjtimex(&timex);
	double offset_unit = (timex.status & STA_NANO) ? NS_PER_S : US_PER_S;

	(void)memory;
	if (state < 0)
		return -errno;

	const double values[N_METRICS] = {
		[METRIC_SYNC] = state == TIME_ERROR ? 0 : 1,
		[METRIC_OFFSET] = (double)timex.offset / offset_unit,
		[METRIC_FREQUENCY] = 1 + (double)timex.freq / FREQUENCY_UNIT,
		[METRIC_MAX_ERROR] = (double)timex.maxerror / US_PER_S,
		[METRIC_ERROR] = (double)timex.esterror / US_PER_S,
		[METRIC_STATUS] = timex.status,
		[METRIC_CONSTANT] = (double)timex.constant,
		[METRIC_TICK] = (double)timex.tick / US_PER_S,
		[METRIC_PPS_FREQUENCY] = (double)timex.ppsfreq / FREQUENCY_UNIT,
		[METRIC_PPS_JITTER] = (double)timex.jitter / offset_unit,
		[METRIC_PPS_SHIFT] = timex.shift,
		[METRIC_PPS_STABILITY] = (double)timex.stabil / FREQUENCY_UNIT,
		[METRIC_PPS_JITTERS] = (double)timex.jitcnt,
		[METRIC_PPS_CALIBRATIONS] = (double)timex.calcnt,
		[METRIC_PPS_ERRORS] = (double)timex.errcnt,
		[METRIC_PPS_EXCEEDED] = (double)timex.stbcnt,
		[METRIC_TAI] = timex.tai,
	};

	for (size_t i = 0; i < N_METRICS; i++)
		hm_emit(out, &metrics[i], values[i]);
	return 0;
}

HM_PLUGIN(timex) = {
	HM_PLUGIN_HEADER,
	.name = "timex",
	.help = "How the kernel keeps time, and how well it thinks it does.",
	.looks_for = "adjtimex(2)",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds; no .stop_collect: nothing is kept. */
};
