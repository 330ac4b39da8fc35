/* SPDX-License-Identifier: MIT */
/* Watchdogs that restart the host when it hangs: how long until then, why it was started last. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/info.h"

#define CLASS "/sys/class/watchdog"

enum {
	N_NUMBERS = 7,
	METRIC_INFO = N_NUMBERS,
	N_METRICS,
};

#define NUMBER(name_of, file_of, unit_of, help_of)                                                 \
	{                                                                                          \
		.name = (name_of), .unit = (unit_of), .help = (help_of),                           \
		.source = CLASS "/*/" file_of ", a number", .kind = HM_GAUGE,                      \
		.labels = HM_LABELS("name"),                                                       \
	}

static const struct hm_metric metrics[N_METRICS] = {
	NUMBER("node_watchdog_bootstatus", "bootstatus", "",
	       "Why the host was started last: 32, by the watchdog; other bits are of linux/watchdog.h."),
	NUMBER("node_watchdog_fw_version", "fw_version", "", "Version of the watchdog's firmware."),
	NUMBER("node_watchdog_nowayout", "nowayout", "",
	       "Whether it cannot be stopped once it runs."),
	NUMBER("node_watchdog_timeleft_seconds", "timeleft", "seconds",
	       "Time until it restarts the host."),
	NUMBER("node_watchdog_timeout_seconds", "timeout", "seconds",
	       "Time that it waits to be told that the host lives."),
	NUMBER("node_watchdog_pretimeout_seconds", "pretimeout", "seconds",
	       "Time before that at which it warns the kernel."),
	NUMBER("node_watchdog_access_cs0", "access_cs0", "",
	       "Whether the host was started from the first flash chip after it."),
	[METRIC_INFO] =
		{
			.name = "node_watchdog_info",
			.unit = "",
			.help = "Always 1; what the watchdog is and whether it runs.",
			.source = CLASS "/*, the files of the labels, texts",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("name", "options", "identity", "state", "status",
					    "pretimeout_governor"),
		},
};

/* In the order of the metrics. */
static const char *const numbers[N_NUMBERS] = {
	"bootstatus", "fw_version", "nowayout", "timeleft", "timeout", "pretimeout", "access_cs0",
};

/* In the order of the labels. */
static const struct info_file texts[] = {
	{"options", false}, {"identity", false},           {"state", true},
	{"status", true},   {"pretimeout_governor", true}, {NULL, false},
};

struct state {
	const struct hm_host *host;
	struct hm_attributes numbers;
	struct infos infos;
};

static int add_watchdog(void *context, const char *device)
{
	struct state *state = context;
	char folder[sizeof(CLASS "/") + HM_DEVICE_NAME_MAX];
	int result;

	if (strlen(device) >= HM_DEVICE_NAME_MAX)
		return 0;
	(void)snprintf(folder, sizeof(folder), CLASS "/%s", device);
	result =
		infos_add(&state->infos, state->host, &metrics[METRIC_INFO], folder, device, texts);
	for (size_t i = 0; i < N_NUMBERS && result == 0; i++) {
		const struct hm_attribute number = {.file = numbers[i], .metric = &metrics[i]};

		result = hm_attributes_add(&state->numbers, state->host, &number, folder, device);
		/* None has all of them. */
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
	result = hm_devices_find(host, "watchdog", "*", add_watchdog, state);
	if (result < 0)
		return result;
	return state->infos.n > 0 ? 0 : -ENODEV;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	(void)hm_attributes_emit(&state->numbers, state->host, out);
	infos_emit(&state->infos, out);
	return 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_attributes_close(&state->numbers);
	infos_close(&state->infos);
}

HM_PLUGIN(watchdog) = {
	HM_PLUGIN_HEADER,
	.name = "watchdog",
	.help = "Watchdogs that restart the host when it hangs.",
	.looks_for = CLASS "/watchdog*",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.udev_subsystem = "watchdog",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
