/* SPDX-License-Identifier: MIT */
/* Errors of the memory that were corrected, and that could not be. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define CONTROLLERS "/sys/devices/system/edac/mc"

#define NUMBER_MAX     24
#define PATH_MAX_BYTES 512
#define DIMM_MAX       128

enum metric {
	METRIC_CORRECTABLE,
	METRIC_UNCORRECTABLE,
	METRIC_ROW_CORRECTABLE,
	METRIC_ROW_UNCORRECTABLE,
	METRIC_CHANNEL_CORRECTABLE,
	METRIC_CHANNEL_UNCORRECTABLE,
	N_METRICS,
};

#define ERRORS(name_of, file_of, help_of, ...)                                                     \
	{                                                                                          \
		.name = (name_of), .unit = "", .help = (help_of),                                  \
		.source = CONTROLLERS "/mc*/" file_of ", a number", .kind = HM_COUNTER,            \
		.labels = HM_LABELS("controller", ##__VA_ARGS__),                                  \
	}

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_CORRECTABLE] = ERRORS("node_edac_correctable_errors_total", "ce_count",
				      "Errors of the controller's memory that were corrected."),
	[METRIC_UNCORRECTABLE] =
		ERRORS("node_edac_uncorrectable_errors_total", "ue_count",
		       "Errors of the controller's memory that could not be corrected."),
	[METRIC_ROW_CORRECTABLE] = ERRORS("node_edac_csrow_correctable_errors_total",
					  "csrow*/ce_count; of an unknown row ce_noinfo_count",
					  "Errors of the row that were corrected.", "csrow"),
	[METRIC_ROW_UNCORRECTABLE] =
		ERRORS("node_edac_csrow_uncorrectable_errors_total",
		       "csrow*/ue_count; of an unknown row ue_noinfo_count",
		       "Errors of the row that could not be corrected.", "csrow"),
	[METRIC_CHANNEL_CORRECTABLE] = ERRORS("node_edac_channel_correctable_errors_total",
					      "csrow*/ch*_ce_count; the DIMM is ch*_dimm_label",
					      "Errors of the row's channel that were corrected.",
					      "csrow", "channel", "dimm_label"),
	[METRIC_CHANNEL_UNCORRECTABLE] =
		ERRORS("node_edac_channel_uncorrectable_errors_total",
		       "csrow*/ch*_ue_count; the DIMM is ch*_dimm_label",
		       "Errors of the row's channel that could not be corrected.", "csrow",
		       "channel", "dimm_label"),
};

/* node_exporter's word for errors of which the controller does not know the row. */
#define ROW_UNKNOWN "unknown"

struct state {
	const struct hm_host *host;
	struct hm_attributes errors;
	/* During start_collect() only: where it is. */
	char controller[NUMBER_MAX];
	char row[NUMBER_MAX];
	char folder[PATH_MAX_BYTES];
};

/* The digits behind a word: "mc0", "csrow12", "ch1_ce_count". @return false: there are none, or too many */
static bool take_number(const char *name, const char *word, char ret_number[static NUMBER_MAX])
{
	const char *digits = name + strlen(word);
	size_t length = strspn(digits, "0123456789");

	if (length == 0 || length >= NUMBER_MAX)
		return false;
	memcpy(ret_number, digits, length);
	ret_number[length] = '\0';
	return true;
}

static int add_error(struct state *state, enum metric metric, const char *path,
		     const char *const labels[])
{
	const struct hm_attribute attribute = {.metric = &metrics[metric]};
	int result =
		hm_attributes_add_labels(&state->errors, state->host, &attribute, path, labels);

	return result == -ENOENT ? 0 : result;
}

/* Add the file of a name in the folder of now. */
static int add_count(struct state *state, enum metric metric, const char *file, const char *row)
{
	char path[PATH_MAX_BYTES + NAME_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", state->folder, file);
	return add_error(state, metric, path, HM_LABEL_VALUES(state->controller, row));
}

/* "mc#0csrow#2channel#1" is "mc0_csrow2_channel1" to node_exporter. */
static void name_dimm(const char *label, char ret_name[static DIMM_MAX])
{
	size_t length = 0;

	while (*label && length + 2 < DIMM_MAX) {
		if (strncmp(label, "csrow", 5) == 0 || strncmp(label, "channel", 7) == 0)
			ret_name[length++] = '_';
		if (*label != '#')
			ret_name[length++] = *label;
		label++;
	}
	ret_name[length] = '\0';
}

static void read_dimm(const struct state *state, const char *channel,
		      char ret_name[static DIMM_MAX])
{
	char path[PATH_MAX_BYTES + NUMBER_MAX + sizeof("/ch_dimm_label")];
	char label[DIMM_MAX];

	(void)snprintf(path, sizeof(path), "%s/ch%s_dimm_label", state->folder, channel);
	if (hm_read_line_of(state->host, path, label, sizeof(label)) < 0)
		(void)snprintf(label, sizeof(label), "unknown");
	hm_trim(label);
	hm_label_clean(label, sizeof(label));
	name_dimm(label, ret_name);
}

static int add_channel(void *context, const char *file)
{
	struct state *state = context;
	char channel[NUMBER_MAX];
	char dimm[DIMM_MAX];
	char path[PATH_MAX_BYTES + NAME_MAX];
	const char *const labels[] = {state->controller, state->row, channel, dimm, NULL};
	int result;

	if (!take_number(file, "ch", channel) ||
	    strcmp(file + strlen("ch") + strlen(channel), "_ce_count") != 0)
		return 0;
	read_dimm(state, channel, dimm);
	(void)snprintf(path, sizeof(path), "%s/%s", state->folder, file);
	result = add_error(state, METRIC_CHANNEL_CORRECTABLE, path, labels);
	if (result < 0)
		return result;
	(void)snprintf(path, sizeof(path), "%s/ch%s_ue_count", state->folder, channel);
	return add_error(state, METRIC_CHANNEL_UNCORRECTABLE, path, labels);
}

static int add_row(void *context, const char *name)
{
	struct state *state = context;
	int result;

	if (!take_number(name, "csrow", state->row))
		return 0;
	(void)snprintf(state->folder, sizeof(state->folder), CONTROLLERS "/mc%s/%s",
		       state->controller, name);
	result = add_count(state, METRIC_ROW_CORRECTABLE, "ce_count", state->row);
	if (result == 0)
		result = add_count(state, METRIC_ROW_UNCORRECTABLE, "ue_count", state->row);
	if (result == 0)
		result = hm_folder_find(state->host, state->folder, "ch[0-9]*_ce_count",
					add_channel, state);
	/* What is no folder is no row. */
	return result == -ENOTDIR || result == -ENOENT ? 0 : result;
}

static int add_controller(void *context, const char *name)
{
	struct state *state = context;
	char folder[PATH_MAX_BYTES];
	int result;

	if (!take_number(name, "mc", state->controller))
		return 0;
	(void)snprintf(folder, sizeof(folder), CONTROLLERS "/%s", name);
	(void)snprintf(state->folder, sizeof(state->folder), "%s", folder);
	result = add_count(state, METRIC_CORRECTABLE, "ce_count", NULL);
	if (result == 0)
		result = add_count(state, METRIC_UNCORRECTABLE, "ue_count", NULL);
	if (result == 0)
		result = add_count(state, METRIC_ROW_CORRECTABLE, "ce_noinfo_count", ROW_UNKNOWN);
	if (result == 0)
		result = add_count(state, METRIC_ROW_UNCORRECTABLE, "ue_noinfo_count", ROW_UNKNOWN);
	if (result == 0)
		result = hm_folder_find(state->host, folder, "csrow[0-9]*", add_row, state);
	return result == -ENOTDIR || result == -ENOENT ? 0 : result;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result;

	state->host = host;
	result = hm_folder_find(host, CONTROLLERS, "mc[0-9]*", add_controller, state);
	if (result < 0)
		return result == -ENOENT ? -ENODEV : result;
	return state->errors.n > 0 ? 0 : -ENODEV;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	return hm_attributes_emit(&state->errors, state->host, out);
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_attributes_close(&state->errors);
}

HM_PLUGIN(edac) = {
	HM_PLUGIN_HEADER,
	.name = "edac",
	.help = "Errors of the memory that were corrected, and that could not be.",
	.looks_for = CONTROLLERS "/mc*",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.udev_subsystem = "edac",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
