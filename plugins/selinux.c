/* SPDX-License-Identifier: MIT */
/* Is SELinux at work, and does it enforce its rules? */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define CONFIG "/etc/selinux/config"

#define MODE_ENFORCING  1
#define MODE_PERMISSIVE 0
#define MODE_DISABLED   (-1)

enum metric {
	METRIC_ENABLED,
	METRIC_CONFIG_MODE,
	METRIC_CURRENT_MODE,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_ENABLED] =
		{
			.name = "node_selinux_enabled",
			.unit = "",
			.help = "1 where SELinux is at work, else 0.",
			.source = "/sys/fs/selinux, is it mounted and a policy loaded",
			.kind = HM_GAUGE,
		},
	[METRIC_CONFIG_MODE] =
		{
			.name = "node_selinux_config_mode",
			.unit = "",
			.help = "What is configured: 1 enforcing, 0 permissive, -1 disabled.",
			.source = CONFIG ", SELINUX, a word",
			.kind = HM_GAUGE,
		},
	[METRIC_CURRENT_MODE] =
		{
			.name = "node_selinux_current_mode",
			.unit = "",
			.help = "Does it enforce its rules now: 1 enforcing, 0 permissive.",
			.source = "/sys/fs/selinux/enforce, 0 or 1",
			.kind = HM_GAUGE,
		},
};

/* The second is where Linux 2.6 had it. */
static const char *const enforce_paths[] = {"/sys/fs/selinux/enforce", "/selinux/enforce"};

struct state {
	const struct hm_host *host;
	int enforce_fd; /* -1: SELinux is not at work */
	struct hm_text config;
};

/* Until a policy is loaded all processes have this label. */
static bool has_no_policy(const struct hm_host *host)
{
	char label[256];

	return !hm_is_redirected(host) &&
	       hm_read_line_of(host, "/proc/self/attr/current", label, sizeof(label)) == 0 &&
	       strcmp(label, "kernel") == 0;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;

	state->host = host;
	state->enforce_fd = -1;
	for (size_t i = 0; i < 2 && state->enforce_fd < 0; i++) {
		int fd = hm_open(host, enforce_paths[i]);

		if (fd < 0 && fd != -ENOENT)
			return fd;
		state->enforce_fd = fd < 0 ? -1 : fd;
	}
	if (state->enforce_fd >= 0 && has_no_policy(host)) {
		close(state->enforce_fd);
		state->enforce_fd = -1;
	}
	/* A folder without it does not tell that it was off. */
	return state->enforce_fd < 0 && hm_is_redirected(host) ? -ENODEV : 0;
}

/* The mode that a line configures. @return false: the line says something else */
static bool parse_mode(struct hm_span line, int *ret_mode)
{
	static const char key[] = "SELINUX=";
	struct hm_span word;

	if (!hm_next_word(&line, &word) || word.length < sizeof(key) - 1 ||
	    memcmp(word.start, key, sizeof(key) - 1) != 0)
		return false;
	word = (struct hm_span){word.start + sizeof(key) - 1, word.length - (sizeof(key) - 1)};
	*ret_mode = MODE_DISABLED;
	if (hm_span_equals(word, "enforcing") || hm_span_equals(word, "\"enforcing\""))
		*ret_mode = MODE_ENFORCING;
	if (hm_span_equals(word, "permissive") || hm_span_equals(word, "\"permissive\""))
		*ret_mode = MODE_PERMISSIVE;
	return true;
}

static void emit_config(struct state *state, struct hm_batch *out)
{
	const struct hm_metric *metric = &metrics[METRIC_CONFIG_MODE];
	const char *cursor;
	struct hm_span line;
	int mode = MODE_DISABLED;
	int error = hm_text_read_newest(&state->config, state->host, CONFIG);

	/* Nothing is configured. */
	if (error == -ENOENT)
		return;
	if (error < 0) {
		hm_emit_missing(out, metric, error);
		return;
	}
	cursor = state->config.data;
	while (hm_next_line(&cursor, &line)) {
		if (parse_mode(line, &mode))
			break;
	}
	hm_emit(out, metric, mode);
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int64_t is_enforcing = 0;
	int error;

	hm_emit(out, &metrics[METRIC_ENABLED], state->enforce_fd >= 0);
	if (state->enforce_fd < 0)
		return 0;
	emit_config(state, out);
	error = hm_read_int64(state->enforce_fd, &is_enforcing);
	if (error < 0)
		hm_emit_missing(out, &metrics[METRIC_CURRENT_MODE], error);
	else
		hm_emit(out, &metrics[METRIC_CURRENT_MODE], (double)is_enforcing);
	return 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	/* Before a start all is zero, and nothing open. */
	if (state->host && state->enforce_fd >= 0)
		close(state->enforce_fd);
	hm_text_close(&state->config);
}

HM_PLUGIN(selinux) = {
	HM_PLUGIN_HEADER,
	.name = "selinux",
	.help = "Is SELinux at work, and does it enforce its rules?",
	.looks_for = "/sys/fs/selinux",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
