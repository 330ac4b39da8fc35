/* SPDX-License-Identifier: MIT */
/* Batteries, mains and USB supplies: charge, voltages, currents, temperatures, and what they are. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/info.h"
#include "plugins/power_supply_table.h"

#define CLASS "/sys/class/power_supply"

#define UNIT(unit, read, divisor)    unit
#define READ(unit, read, divisor)    read
#define DIVISOR(unit, read, divisor) divisor

#define NUMBER_METRIC(file_of, name_of, unit_of, help_of)                                          \
	{                                                                                          \
		.name = "node_power_supply_" name_of,                                              \
		.unit = unit_of(UNIT),                                                             \
		.help = (help_of),                                                                 \
		.source = CLASS "/*/" file_of ", " unit_of(READ),                                  \
		.kind = HM_GAUGE,                                                                  \
		.labels = HM_LABELS("power_supply"),                                               \
	},

static const struct hm_metric metrics[] = {
	{
		.name = "node_power_supply_info",
		.unit = "",
		.help = "Always 1; what the supply is and what it does. It has the labels it has texts for.",
		.source = CLASS "/*, the files of the labels, texts",
		.kind = HM_GAUGE,
		.labels = HM_LABELS("power_supply", "type", "scope", "status", "health",
				    "capacity_level", "charge_type", "technology", "manufacturer",
				    "model_name", "serial_number", "usb_type"),
	},
	POWER_SUPPLY_NUMBERS(NUMBER_METRIC)};

/* In the order of the labels. */
static const struct info_file texts[] = {
	{"type", false},          {"scope", false},         {"status", true},
	{"health", true},         {"capacity_level", true}, {"charge_type", true},
	{"technology", false},    {"manufacturer", false},  {"model_name", false},
	{"serial_number", false}, {"usb_type", true},       {NULL, false},
};

#define NUMBER_FILE(file_of, name_of, unit_of, help_of)                                            \
	{.file = (file_of), .divisor = unit_of(DIVISOR), .is_optional = true},

/* In the order of the metrics behind the first one. What a battery cannot tell now it answers with ENODEV or ENODATA. */
static const struct hm_attribute numbers[] = {POWER_SUPPLY_NUMBERS(NUMBER_FILE)};

static const struct hm_option options[] = {
	{.name = "ignore",
	 .fallback = "",
	 .help = "Globs of supplies to leave out: hidpp_battery_*"},
};

struct state {
	const struct hm_host *host;
	struct hm_attributes numbers;
	struct infos infos;
};

static int add_supply(void *context, const char *device)
{
	struct state *state = context;
	char folder[sizeof(CLASS "/") + HM_DEVICE_NAME_MAX];
	int result;

	if (strlen(device) >= HM_DEVICE_NAME_MAX ||
	    hm_globs_take(hm_option(state->host, "ignore"), device))
		return 0;
	(void)snprintf(folder, sizeof(folder), CLASS "/%s", device);
	result = infos_add(&state->infos, state->host, &metrics[0], folder, device, texts);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && result == 0; i++) {
		struct hm_attribute number = numbers[i];

		number.metric = &metrics[1 + i];
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
	result = hm_devices_find(host, "power_supply", "*", add_supply, state);
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

HM_PLUGIN(power_supply) = {
	HM_PLUGIN_HEADER,
	.name = "power_supply",
	.help = "Batteries, mains and USB supplies: charge, voltages, currents, temperatures.",
	.looks_for = CLASS "/*",
	.metrics = metrics,
	.n_metrics = sizeof(metrics) / sizeof(metrics[0]),
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.udev_subsystem = "power_supply",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
