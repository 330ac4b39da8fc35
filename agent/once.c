/* SPDX-License-Identifier: MIT */
/* --once: one round of every plugin, printed. */

#include "agent/once.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/exposition.h"
#include "agent/plugin_set.h"
#include "common/message.h"
#include "common/timestamp.h"

/* Each reason why a value is missing, as a message of its own. */
static void tell_reasons(struct plugin *plugin)
{
	const char *line = plugin_reasons(plugin);

	while (*line) {
		int length = (int)strcspn(line, "\n");

		message_warning("plugin %s: %.*s", plugin_table(plugin)->name, length, line);
		line += length + 1;
	}
}

static void tell_plugin(struct plugin *plugin)
{
	const struct hm_plugin *table = plugin_table(plugin);
	bool has_reasons = *plugin_reasons(plugin) != '\0';
	struct plugin_stats stats;

	plugin_get_stats(plugin, &stats);
	tell_reasons(plugin);
	if (stats.state == PLUGIN_ABSENT && !*stats.last_error) {
		message_info("plugin %s: found nothing; it looks for %s", table->name,
			     table->looks_for);
		return;
	}
	if (stats.state == PLUGIN_ABSENT || (stats.state == PLUGIN_FAILED && !has_reasons))
		message_warning("plugin %s: %s", table->name, stats.last_error);
}

static int print_lines(const struct buffer *lines, size_t n_lines)
{
	if (buffer_failed(lines))
		return -ENOMEM;
	if (n_lines == 0)
		return -ENODATA;
	if (fwrite(lines->data, 1, lines->length, stdout) != lines->length || fflush(stdout) != 0)
		return -errno;
	return 0;
}

/* Take the rounds. @return the number of samples, or of lines in `text` */
static size_t take_rounds(const struct plugin_set *set, const char *format, struct buffer *text)
{
	const int64_t time_us = timestamp_now_us();
	const bool is_plain = !format || strcmp(format, "plain") == 0;
	struct buffer samples = {0};
	size_t n = 0;

	for (size_t i = 0; i < set->n_plugins; i++) {
		struct plugin *plugin = set->plugins[i];
		const int64_t now_us = timestamp_monotonic_us();

		n += is_plain ? plugin_round(plugin, time_us, now_us, text)
			      : plugin_take_round(plugin, time_us, now_us, &samples);
		tell_plugin(plugin);
	}
	text->failed |= buffer_failed(&samples);
	if (!is_plain && n > 0) {
		n = exposition_format(strcmp(format, "prometheus") == 0 ? EXPOSITION_PROMETHEUS
									: EXPOSITION_OPENMETRICS,
				      buffer_text(&samples), samples.length, text);
	}
	buffer_done(&samples);
	return n;
}

int once_run(const struct settings *settings, const struct hm_host *host, const char *format)
{
	struct plugin_set set;
	struct buffer text = {0};
	int result = plugin_set_init(&set, settings, host);

	if (result < 0)
		return result;
	result = print_lines(&text, take_rounds(&set, format, &text));
	if (result == -ENODATA)
		message_error("nothing could be read");
	else if (result < 0)
		message_error("cannot print the round: %s", strerror(-result));
	for (size_t i = 0; i < set.n_plugins; i++)
		plugin_stop(set.plugins[i]);
	buffer_done(&text);
	plugin_set_done(&set);
	return result;
}
