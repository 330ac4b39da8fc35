/* SPDX-License-Identifier: MIT */
/* Which distribution the host runs: os-release(5). */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

/* A longer value is cut. */
#define VALUE_MAX_BYTES 256

enum metric {
	METRIC_INFO,
	METRIC_VERSION,
	METRIC_SUPPORT_END,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_INFO] =
		{
			.name = "node_os_info",
			.unit = "",
			.help = "Always 1; its labels tell the distribution and its version.",
			.source = "/etc/os-release or /usr/lib/os-release, 1",
			.kind = HM_GAUGE,
			.labels =
				HM_LABELS("build_id", "id", "id_like", "image_id", "image_version",
					  "name", "pretty_name", "variant", "variant_id", "version",
					  "version_codename", "version_id"),
		},
	[METRIC_VERSION] =
		{
			.name = "node_os_version",
			.unit = "",
			.help = "Version of the distribution, of which the first two numbers.",
			.source = "/etc/os-release, VERSION_ID, MAJOR.MINOR",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("id", "id_like", "name"),
		},
	[METRIC_SUPPORT_END] =
		{
			.name = "node_os_support_end_timestamp_seconds",
			.unit = "seconds",
			.help = "When support for the distribution ends, since 1970.",
			.source = "/etc/os-release, SUPPORT_END, YYYY-MM-DD",
			.kind = HM_GAUGE,
		},
};

/* What is used of the file, and in the order of the labels of node_os_info as far as those go. */
enum key {
	KEY_BUILD_ID,
	KEY_ID,
	KEY_ID_LIKE,
	KEY_IMAGE_ID,
	KEY_IMAGE_VERSION,
	KEY_NAME,
	KEY_PRETTY_NAME,
	KEY_VARIANT,
	KEY_VARIANT_ID,
	KEY_VERSION,
	KEY_VERSION_CODENAME,
	KEY_VERSION_ID,
	N_LABELS,
	KEY_SUPPORT_END = N_LABELS,
	N_KEYS,
};

static const char *const keys[N_KEYS] = {
	"BUILD_ID",    "ID",      "ID_LIKE",    "IMAGE_ID", "IMAGE_VERSION",    "NAME",
	"PRETTY_NAME", "VARIANT", "VARIANT_ID", "VERSION",  "VERSION_CODENAME", "VERSION_ID",
	"SUPPORT_END",
};

static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};

struct state {
	const struct hm_host *host;
	const char *path;
	struct hm_text file;
	char *parsed; /* the text that `values` are of; NULL: none */
	size_t parsed_bytes;
	char values[N_KEYS][VALUE_MAX_BYTES];
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = -ENOENT;

	state->host = host;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && result == -ENOENT; i++) {
		state->path = paths[i];
		result = hm_text_open(&state->file, host, paths[i]);
	}
	return result == -ENOENT ? -ENODEV : result;
}

/* Copy a value as a shell would read it: 'as it is', "with \" behind a backslash", plain up to a blank. */
static void unquote(struct hm_span value, char out[VALUE_MAX_BYTES])
{
	size_t length = 0;
	char quote = '\0';

	for (size_t i = 0; i < value.length && length + 1 < VALUE_MAX_BYTES; i++) {
		char byte = value.start[i];
		bool is_escape = byte == '\\' && quote != '\'' && i + 1 < value.length;

		/* Within "" the shell takes a backslash for itself only before these. */
		if (is_escape && (quote == '\0' || strchr("$`\"\\", value.start[i + 1]))) {
			out[length++] = value.start[++i];
			continue;
		}
		if (byte == quote || (quote == '\0' && (byte == '"' || byte == '\''))) {
			if (quote)
				quote = '\0';
			else
				quote = byte;
			continue;
		}
		if (quote == '\0' && (byte == ' ' || byte == '\t' || byte == '\r'))
			break;
		out[length++] = byte;
	}
	out[length] = '\0';
	hm_label_clean(out, VALUE_MAX_BYTES);
}

static void parse_line(struct state *state, struct hm_span line)
{
	const char *equals;
	struct hm_span key;

	while (line.length > 0 && (*line.start == ' ' || *line.start == '\t'))
		line = (struct hm_span){line.start + 1, line.length - 1};
	equals = memchr(line.start, '=', line.length);
	if (!equals)
		return;
	key = (struct hm_span){line.start, (size_t)(equals - line.start)};
	for (size_t i = 0; i < N_KEYS; i++) {
		if (!hm_span_equals(key, keys[i]))
			continue;
		unquote((struct hm_span){equals + 1, line.length - key.length - 1},
			state->values[i]);
	}
}

/* "22.04.3 LTS" is 22.04, "12" is 12, and "rolling" is none. */
static void emit_version(const struct state *state, struct hm_batch *out)
{
	const char *text = state->values[KEY_VERSION_ID];
	size_t length = strspn(text, "0123456789");
	double version;

	if (length > 0 && text[length] == '.') {
		size_t n_more = strspn(text + length + 1, "0123456789");

		length += n_more > 0 ? 1 + n_more : 0;
	}
	if (length == 0 || hm_span_double((struct hm_span){text, length}, &version) < 0 ||
	    version == 0)
		return;
	hm_emit(out, &metrics[METRIC_VERSION], version, state->values[KEY_ID],
		state->values[KEY_ID_LIKE], state->values[KEY_NAME]);
}

static void emit_support_end(const struct state *state, struct hm_batch *out)
{
	const char *text = state->values[KEY_SUPPORT_END];
	struct tm date = {0};
	const char *end;
	struct tm seen;
	time_t time_s;

	if (text[0] == '\0')
		return;
	end = strptime(text, "%Y-%m-%d", &date);
	seen = date;
	time_s = timegm(&date);
	/* timegm() makes 31 February a day in March. */
	if (!end || *end != '\0' || date.tm_mday != seen.tm_mday || date.tm_mon != seen.tm_mon) {
		hm_emit_missing(out, &metrics[METRIC_SUPPORT_END], -EINVAL);
		return;
	}
	hm_emit(out, &metrics[METRIC_SUPPORT_END], (double)time_s);
}

/* The text is the same in nearly every round. Without memory for its copy it is only parsed again. */
static void parse_text(struct state *state)
{
	const struct hm_text *file = &state->file;
	const char *cursor = file->data;
	struct hm_span line;

	if (state->parsed && state->parsed_bytes == file->length &&
	    memcmp(state->parsed, file->data, file->length) == 0)
		return;
	for (size_t i = 0; i < N_KEYS; i++)
		state->values[i][0] = '\0';
	while (hm_next_line(&cursor, &line))
		parse_line(state, line);
	free(state->parsed);
	state->parsed = malloc(file->length + 1);
	state->parsed_bytes = file->length;
	if (state->parsed)
		memcpy(state->parsed, file->data, file->length);
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	const char *labels[N_LABELS + 1] = {NULL};
	int result = hm_text_read_newest(&state->file, state->host, state->path);

	if (result < 0)
		return result;
	parse_text(state);
	for (size_t i = 0; i < N_LABELS; i++)
		labels[i] = state->values[i];
	hm_emit_labels(out, &metrics[METRIC_INFO], 1, labels);
	emit_version(state, out);
	emit_support_end(state, out);
	return 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_text_close(&state->file);
	free(state->parsed);
}

HM_PLUGIN(os) = {
	HM_PLUGIN_HEADER,
	.name = "os",
	.help = "Which distribution the host runs.",
	.looks_for = "/etc/os-release or /usr/lib/os-release",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
