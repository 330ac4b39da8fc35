/* SPDX-License-Identifier: MIT */
/* What is wrong with what a plugin emits, for people. */

#include "agent/batch_problem.h"

#include <errno.h>
#include <string.h>

#include "agent/metric_labels.h"
#include "common/text.h"

/* Of a label that is not as it should be, people are shown this much. */
#define LABEL_SHOWN_MAX_BYTES 200

/* A name for people, whatever the plugin gave as labels. */
static void append_name(struct buffer *out, const struct hm_metric *metric,
			const char *const labels[])
{
	const char *const *name = metric_labels(metric);

	buffer_append_text(out, metric->name);
	for (size_t i = 0; labels[i]; i++) {
		buffer_printf(out, "%s%s=\"", i == 0 ? "{" : ",", *name ? *name : "?");
		name += *name != NULL;
		text_append_printable(out, labels[i], strnlen(labels[i], LABEL_SHOWN_MAX_BYTES));
		buffer_append_byte(out, '"');
	}
	if (labels[0])
		buffer_append_byte(out, '}');
}

void batch_add_problem(struct hm_batch *batch, const struct hm_metric *metric,
		       const char *const labels[], const char *reason)
{
	batch->n_problems++;
	if (batch->reasons.length > BATCH_REASONS_MAX_BYTES)
		return;
	append_name(&batch->reasons, metric, labels);
	buffer_printf(&batch->reasons, ": %s\n", reason);
}

const char *batch_problem_text(int error)
{
	switch (error) {
	case -EINVAL:
		return "the plugin gave another number of labels than its metric has, or a metric "
		       "that is not its own";
	case -EMSGSIZE:
		return "its labels are too long";
	case -EILSEQ:
		return "a label is not UTF-8 or holds control bytes";
	default:
		return strerror(-error);
	}
}
