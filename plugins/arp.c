/* SPDX-License-Identifier: MIT */
/* How many neighbours of IPv4 each network interface knows. */

#include <errno.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/names.h"

#define FILE_NAME "/proc/net/arp"

/* What a line has at least: address, type, flags, hardware address, mask, device. */
#define N_WORDS 6

static const struct hm_metric entries = {
	.name = "node_arp_entries",
	.unit = "",
	.help = "Neighbours of IPv4 that the network interface knows, or asks for.",
	.source = FILE_NAME ", lines whose last field (Device) is this, entries",
	.kind = HM_GAUGE,
	.labels = HM_LABELS("device"),
};

static const struct hm_option options[] = {NAMES_IGNORE};

struct state {
	struct hm_text file;
	struct names names;
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = hm_text_open(&state->file, host, FILE_NAME);

	state->file.record_max_bytes = HM_TEXT_SHORT_RECORDS;
	state->names.globs = hm_option(host, "ignore");
	return result == -ENOENT ? -ENODEV : result;
}

/* @return 0; -ENOMEM */
static int count_line(struct state *state, struct hm_span line)
{
	struct hm_span word = {"", 0};
	struct name *name;
	size_t n_words = 0;
	int result;

	while (hm_next_word(&line, &word))
		n_words++;
	if (n_words < N_WORDS)
		return 0;
	result = names_take(&state->names, word, &name);
	if (result == 0 || result == -EEXIST)
		name->number++;
	return result == -ENOMEM ? result : 0;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	const char *cursor;
	struct hm_span line;
	int result = hm_text_read(&state->file);

	names_begin(&state->names);
	cursor = state->file.data;
	(void)hm_next_line(&cursor, &line); /* the header */
	while (result == 0 && hm_next_line(&cursor, &line))
		result = count_line(state, line);
	for (size_t i = 0; result == 0 && i < state->names.n_taken; i++) {
		const struct name *name = &state->names.list[i];

		if (!name->is_ignored)
			hm_emit(out, &entries, (double)name->number, name->text);
	}
	/* No neighbour at all is no error. */
	return result;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_text_close(&state->file);
	names_done(&state->names);
}

HM_PLUGIN(arp) = {
	HM_PLUGIN_HEADER,
	.name = "arp",
	.help = "How many neighbours of IPv4 each network interface knows.",
	.looks_for = FILE_NAME,
	.metrics = &entries,
	.n_metrics = 1,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
