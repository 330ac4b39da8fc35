/* SPDX-License-Identifier: MIT */
/* What the firmware says of the machine: vendor, product, serial numbers (DMI). */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define FOLDER "/sys/class/dmi/id"

#define N_VALUES HM_METRIC_LABELS_MAX

/* A longer text of the firmware is left out; of those with many strange bytes the end is. */
#define TEXT_MAX_BYTES  512
#define VALUE_MAX_BYTES 160

/* Stands for what is not UTF-8, and for control bytes. */
#define REPLACEMENT "\xef\xbf\xbd"

static const struct hm_metric info = {
	.name = "node_dmi_info",
	.unit = "",
	.help = "Always 1; its labels are what the firmware says of the machine.",
	.source = FOLDER "/*, 1; serial numbers and product_uuid only where they may be read",
	.kind = HM_GAUGE,
	.labels =
		HM_LABELS("bios_date", "bios_release", "bios_vendor", "bios_version",
			  "board_asset_tag", "board_name", "board_serial", "board_vendor",
			  "board_version", "chassis_asset_tag", "chassis_serial", "chassis_vendor",
			  "chassis_version", "product_family", "product_name", "product_serial",
			  "product_sku", "product_uuid", "product_version", "system_vendor"),
};

/* In the order of the labels, which are called as they are but for one. */
static const char *const files[N_VALUES] = {
	"bios_date",       "bios_release",      "bios_vendor",     "bios_version",
	"board_asset_tag", "board_name",        "board_serial",    "board_vendor",
	"board_version",   "chassis_asset_tag", "chassis_serial",  "chassis_vendor",
	"chassis_version", "product_family",    "product_name",    "product_serial",
	"product_sku",     "product_uuid",      "product_version", "sys_vendor",
};

/* Read once: it stays until the machine boots again. */
struct state {
	char values[N_VALUES][VALUE_MAX_BYTES];
};

/* How many bytes the first character has. @return 0: none that is valid UTF-8, or a control byte */
static size_t character_length(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t length = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

	if (at[0] < ' ' || at[0] == 0x7f || (at[0] >= 0x80 && at[0] < 0xc2) || at[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Too long for what they are; halves of UTF-16 pairs; above U+10FFFF. */
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
	    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return length;
}

/* Copy a text without the blanks around it, with one replacement for each run of what is no text. */
static void clean(const char *text, char out[VALUE_MAX_BYTES])
{
	bool was_valid = true;
	size_t n_bytes = 0;

	text += strspn(text, " \t\r");
	while (*text) {
		size_t length = character_length(text);
		size_t n_copied = length > 0 ? length : strlen(REPLACEMENT);

		if (n_bytes + n_copied >= VALUE_MAX_BYTES)
			break;
		if (length > 0 || was_valid) {
			memcpy(out + n_bytes, length > 0 ? text : REPLACEMENT, n_copied);
			n_bytes += n_copied;
		}
		was_valid = length > 0;
		text += length > 0 ? length : 1;
	}
	while (n_bytes > 0 && out[n_bytes - 1] == ' ')
		n_bytes--;
	out[n_bytes] = '\0';
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = -ENODEV;

	for (size_t i = 0; i < N_VALUES; i++) {
		char path[128];
		char text[TEXT_MAX_BYTES];
		int error;

		(void)snprintf(path, sizeof(path), FOLDER "/%s", files[i]);
		/* Serial numbers are root's: the value stays empty. */
		error = hm_read_line_of(host, path, text, sizeof(text));
		if (error < 0)
			continue;
		clean(text, state->values[i]);
		result = 0;
	}
	return result;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	const char *labels[N_VALUES + 1] = {NULL};

	for (size_t i = 0; i < N_VALUES; i++)
		labels[i] = state->values[i];
	hm_emit_labels(out, &info, 1, labels);
	return 0;
}

HM_PLUGIN(dmi) = {
	HM_PLUGIN_HEADER,
	.name = "dmi",
	.help = "What the firmware says of the machine: vendor, product, serial numbers.",
	.looks_for = FOLDER,
	.metrics = &info,
	.n_metrics = 1,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds; no .stop_collect: nothing is open. */
};
