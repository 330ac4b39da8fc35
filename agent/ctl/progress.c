/* SPDX-License-Identifier: MIT */
/* A line on the terminal that tells how far long work is. */

#include "agent/ctl/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/ctl/cell.h"
#include "common/timestamp.h"

#define PERIOD_US INT64_C(200000)

void progress_init(struct progress *progress, const char *what)
{
	*progress = (struct progress){
		.what = what,
		.is_wanted = isatty(STDERR_FILENO) == 1,
		.begin_us = timestamp_monotonic_us(),
	};
}

void progress_show(struct progress *progress, uint64_t n_samples, const char *where)
{
	struct buffer text = {0};
	int64_t now_us;
	int64_t passed_us;

	if (!progress->is_wanted)
		return;
	now_us = timestamp_monotonic_us();
	passed_us = now_us - progress->begin_us;
	if (now_us - progress->shown_us < PERIOD_US)
		return;
	progress->shown_us = now_us;
	progress->is_shown = true;
	cell_append_safe(&text, where);
	(void)fprintf(stderr, "\r%" PRIu64 " samples %s, %.0f a second: %s\033[K", n_samples,
		      progress->what,
		      passed_us > 0 ? (double)n_samples * 1e6 / (double)passed_us : 0.0,
		      buffer_text(&text));
	buffer_done(&text);
}

void progress_clear(struct progress *progress)
{
	if (progress->is_shown)
		(void)fputs("\r\033[K", stderr);
	progress->is_shown = false;
}
