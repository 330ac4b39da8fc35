/* SPDX-License-Identifier: MIT */
/*
 * What each SCSI tape drive reads and writes.
 *
 * No drive is woken: the driver counts in memory.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define CLASS "/sys/class/scsi_tape"
#define FILES CLASS "/st*/stats/"

#define OF_TAPE .labels = HM_LABELS("device")
#define COUNT   .unit = "", .kind = HM_COUNTER, OF_TAPE
#define SECONDS .unit = "seconds", .kind = HM_COUNTER, OF_TAPE
#define BYTES   .unit = "bytes", .kind = HM_COUNTER, OF_TAPE
#define GAUGE   .unit = "", .kind = HM_GAUGE, OF_TAPE

#define N_METRICS 10

/* clang-format off */
static const struct hm_metric metrics[N_METRICS] = {
	{.name = "node_tape_io_now", GAUGE, .source = FILES "in_flight, requests",
	 .help = "Requests on their way now."},
	{.name = "node_tape_io_time_seconds_total", SECONDS, .source = FILES "io_ns, nanoseconds",
	 .help = "Time that all requests took, with movements of the tape."},
	{.name = "node_tape_io_others_total", COUNT, .source = FILES "other_cnt",
	 .help = "Requests other than reads and writes."},
	{.name = "node_tape_read_bytes_total", BYTES, .source = FILES "read_byte_cnt, bytes",
	 .help = "Bytes read."},
	{.name = "node_tape_reads_completed_total", COUNT, .source = FILES "read_cnt",
	 .help = "Reads."},
	{.name = "node_tape_read_time_seconds_total", SECONDS,
	 .source = FILES "read_ns, nanoseconds", .help = "Time that all reads took."},
	{.name = "node_tape_residual_total", COUNT, .source = FILES "resid_cnt",
	 .help = "Reads and writes that did not move as much as was asked for."},
	{.name = "node_tape_written_bytes_total", BYTES, .source = FILES "write_byte_cnt, bytes",
	 .help = "Bytes written."},
	{.name = "node_tape_writes_completed_total", COUNT, .source = FILES "write_cnt",
	 .help = "Writes."},
	{.name = "node_tape_write_time_seconds_total", SECONDS,
	 .source = FILES "write_ns, nanoseconds", .help = "Time that all writes took."},
};
/* clang-format on */

#define NANOSECOND_SECONDS 0.000000001

static const struct hm_attribute attributes[N_METRICS] = {
	{.file = "in_flight", .metric = &metrics[0]},
	{.file = "io_ns", .metric = &metrics[1], .factor = NANOSECOND_SECONDS},
	{.file = "other_cnt", .metric = &metrics[2]},
	{.file = "read_byte_cnt", .metric = &metrics[3]},
	{.file = "read_cnt", .metric = &metrics[4]},
	{.file = "read_ns", .metric = &metrics[5], .factor = NANOSECOND_SECONDS},
	{.file = "resid_cnt", .metric = &metrics[6]},
	{.file = "write_byte_cnt", .metric = &metrics[7]},
	{.file = "write_cnt", .metric = &metrics[8]},
	{.file = "write_ns", .metric = &metrics[9], .factor = NANOSECOND_SECONDS},
};

static const struct hm_option options[] = {
	{.name = "ignore",
	 .fallback = "",
	 .help = "Globs of the drives that are left out: none by default."},
};

struct state {
	const struct hm_host *host;
	struct hm_attributes counters;
};

/* A drive has several names: "st0", "st0l", "nst0" and so on have the same counters. */
static int add_drive(void *context, const char *device)
{
	struct state *state = context;
	char folder[256];
	int result = 0;

	if (device[strspn(device + 2, "0123456789") + 2] != '\0' ||
	    hm_globs_take(hm_option(state->host, "ignore"), device))
		return 0;
	(void)snprintf(folder, sizeof(folder), CLASS "/%s/stats", device);
	for (size_t i = 0; i < N_METRICS && result == 0; i++) {
		result = hm_attributes_add(&state->counters, state->host, &attributes[i], folder,
					   device);
		if (result == -ENOENT)
			result = 0;
	}
	return result;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result;

	state->host = host;
	result = hm_devices_find(host, "scsi_tape", "st[0-9]*", add_drive, state);
	if (result < 0)
		return result;
	return state->counters.n > 0 ? 0 : -ENODEV;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	return hm_attributes_emit(&state->counters, state->host, out);
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_attributes_close(&state->counters);
}

HM_PLUGIN(tape) = {
	HM_PLUGIN_HEADER,
	.name = "tape",
	.help = "What each SCSI tape drive reads and writes.",
	.looks_for = CLASS "/st*",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.udev_subsystem = "scsi_tape",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
