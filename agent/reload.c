/* SPDX-License-Identifier: MIT */
/* Takes a configuration that has changed over into the running agent. */

#include "agent/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/message.h"
#include "common/notify.h"
#include "common/reload.h"
#include "common/timer.h"

/* A sampler that has not taken the settings by then is held up by a plugin. */
#define PATIENCE_MS 1000

struct reload {
	struct reload_parts parts;
	struct timer *patience;
	struct settings next; /* read, and handed to the sampler */
	bool is_pending;      /* the sampler has not taken them yet */
	bool is_late;         /* the patience has come to its end */
	bool is_requested;    /* once more, when this one is done */
	uint64_t n_finished;  /* reloads that are in force */
	bool is_stopped;
};

static void tell_ready(void)
{
	(void)notify_send("READY=1");
}

/* @return the plugin that holds the sampler up, for people; "?" between two of its verbs */
static const char *find_culprit(const struct reload *reload)
{
	const struct plugin *stuck = plugin_set_find_stuck(reload->parts.plugins, 0);

	return stuck ? plugin_table(stuck)->name : "?";
}

/* What is in force goes on; what was to come waits until the plugin is back. */
static void on_impatient(void *context)
{
	struct reload *reload = context;

	if (!reload->is_pending)
		return;
	reload->is_late = true;
	message_warning("reload: waiting for plugin %s, which does not come back",
			find_culprit(reload));
	tell_ready();
	reload->parts.on_progress(reload->parts.context);
}

/* Read the configuration as it is now, and compare it with the one in force. */
static int read_next(const struct reload *reload, struct settings *next,
		     struct settings_report *report, struct config_changes *changes)
{
	const struct reload_parts *parts = &reload->parts;
	int result = settings_read(next, parts->options, parts->loader, report);

	if (result == 0)
		result = settings_diff(parts->settings, next, changes);
	if (result == -ENOMEM)
		buffer_append_text(&report->errors, "no memory to read the configuration\n");
	return result;
}

/*
 * Read the configuration, and hand it on if it has changed.
 * @return 0, or -errno with report->errors
 */
static int begin(struct reload *reload, struct settings_report *report,
		 struct config_changes *changes)
{
	struct settings *next = &reload->next;
	int result;

	(void)notify_reloading();
	result = read_next(reload, next, report, changes);
	if (result == 0)
		result = settings_keep(reload->parts.settings, next);
	settings_report_tell(report);
	if (result < 0)
		message_error("reload: the configuration in force stays as it was");
	else
		reload_tell_changes(changes, message_info);
	if (result < 0 || changes->n == 0) {
		settings_done(next);
		tell_ready();
		return result;
	}
	reload->is_pending = true;
	reload->is_late = false;
	(void)timer_start(reload->patience, PATIENCE_MS, 0);
	reload->parts.plugins->is_changing = true;
	sampler_configure(reload->parts.sampler, next);
	return 0;
}

static void begin_for_signal(struct reload *reload)
{
	struct settings_report report = {0};
	struct config_changes changes = {0};

	(void)begin(reload, &report, &changes);
	config_changes_done(&changes);
	settings_report_done(&report);
}

static void finish(struct reload *reload)
{
	struct settings *settings = reload->parts.settings;

	uplink_configure(reload->parts.uplink, reload->next.collector);
	settings_done(settings);
	*settings = reload->next;
	reload->next = (struct settings){0};
	reload->is_pending = false;
	reload->parts.plugins->is_changing = false;
	reload->n_finished++;
	timer_stop(reload->patience);
	if (reload->is_late)
		message_info("reload: what has changed is in force now");
	else
		tell_ready();
	reload->is_late = false;
	reload->parts.on_reloaded(reload->parts.context);
	reload->parts.on_progress(reload->parts.context);
}

void reload_request(struct reload *reload)
{
	reload->is_requested = reload->is_pending;
	if (!reload->is_pending && !reload->is_stopped)
		begin_for_signal(reload);
}

void reload_check(struct reload *reload)
{
	if (!reload->is_pending || !sampler_is_configured(reload->parts.sampler))
		return;
	finish(reload);
	if (reload->is_requested)
		reload_request(reload);
}

void reload_stop(struct reload *reload)
{
	if (!reload)
		return;
	reload->is_stopped = true;
	reload->parts.on_progress(reload->parts.context);
}

/* One that waits for its answer. */
struct asker {
	struct reload *reload;
	bool has_begun;
	uint64_t n_finished; /* what that of the reload has come to then */
};

static int fail(struct control_reply *reply, const struct reload *reload, const char *what)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s for plugin %s, which does not come back", what,
		       find_culprit(reload));
	control_end(reply, HM_CONTROL_FAILED, text);
	return 0;
}

/* @return whether the answer goes on */
static bool begin_for_asker(struct asker *asker, struct control_reply *reply)
{
	struct settings_report report = {0};
	struct config_changes changes = {0};
	int result = begin(asker->reload, &report, &changes);

	if (result < 0)
		reload_answer_errors(reply, buffer_text(&report.errors));
	else
		reload_write_changes(reply, &changes, false);
	asker->has_begun = true;
	asker->n_finished = asker->reload->n_finished + asker->reload->is_pending;
	config_changes_done(&changes);
	settings_report_done(&report);
	return result == 0;
}

/* In force, even if the next one is under way by now. */
static bool is_answered(const struct asker *asker)
{
	return asker->has_begun && asker->reload->n_finished >= asker->n_finished;
}

static int produce(void *state, struct control_reply *reply)
{
	struct asker *asker = state;
	struct reload *reload = asker->reload;

	if (reload->is_stopped && !is_answered(asker)) {
		control_end(reply, HM_CONTROL_FAILED, "the agent is ending");
		return 0;
	}
	if (!asker->has_begun && reload->is_late)
		return fail(reply, reload, "the reload before this one still waits");
	if (!asker->has_begun && reload->is_pending)
		return -EAGAIN;
	if (!asker->has_begun && !begin_for_asker(asker, reply))
		return 0;
	if (is_answered(asker)) {
		control_end(reply, HM_CONTROL_OK, NULL);
		return 0;
	}
	return reload->is_late ? fail(reply, reload, "not in force yet: it waits") : -EAGAIN;
}

static void answer_dry(const struct reload *reload, struct control_reply *reply)
{
	struct settings next = {0};
	struct settings_report report = {0};
	struct config_changes changes = {0};

	if (read_next(reload, &next, &report, &changes) < 0) {
		reload_answer_errors(reply, buffer_text(&report.errors));
	} else {
		reload_write_changes(reply, &changes, true);
		control_end(reply, HM_CONTROL_OK, NULL);
	}
	config_changes_done(&changes);
	settings_report_done(&report);
	settings_done(&next);
}

void reload_answer(struct reload *reload, bool is_dry, struct control_reply *reply)
{
	struct asker *asker;

	if (is_dry) {
		answer_dry(reload, reply);
		return;
	}
	asker = calloc(1, sizeof(*asker));
	if (!asker) {
		control_end(reply, HM_CONTROL_FAILED, strerror(ENOMEM));
		return;
	}
	asker->reload = reload;
	control_stream(reply, produce, free, asker);
}

int reload_new(struct loop *loop, const struct reload_parts *parts, struct reload **ret_reload)
{
	struct reload *reload = calloc(1, sizeof(*reload));
	int result;

	if (!reload)
		return -ENOMEM;
	reload->parts = *parts;
	result = timer_new(loop, on_impatient, reload, &reload->patience);
	if (result < 0)
		reload_free(reload);
	else
		*ret_reload = reload;
	return result;
}

void reload_free(struct reload *reload)
{
	if (!reload)
		return;
	timer_free(reload->patience);
	settings_done(&reload->next);
	free(reload);
}
