/* SPDX-License-Identifier: MIT */
/* What the formats of an export have in common. */

#include "agent/ctl/export_format.h"

#include <stddef.h>
#include <string.h>

static const struct export_format *const formats[] = {
	&export_csv,
	&export_jsonl,
	&export_openmetrics,
};

const char *const export_names[] = {"csv", "jsonl", "openmetrics", NULL};

const struct export_format *export_find_format(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	}
	return NULL;
}

void export_state_done(struct export_state *state)
{
	buffer_done(&state->family);
	buffer_done(&state->series);
}

void export_append_value(struct buffer *out, const struct export_sample *sample)
{
	if (sample->bits)
		buffer_printf(out, "NaN(0x%s)", sample->bits);
	else
		buffer_append_text(out, sample->value);
}
