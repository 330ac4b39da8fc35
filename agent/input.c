/* SPDX-License-Identifier: MIT */
/* The input devices that are open for one plugin. */

#include "agent/input.h"

#include <bsd/string.h>
#include <errno.h>
#include <linux/input.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/host.h"
#include "agent/input_node.h"
#include "agent/input_role.h"
#include "common/timer.h"
#include "common/timestamp.h"

/* One open descriptor. */
struct input_channel {
	TAILQ_ENTRY(input_channel) entry;
	struct input *input;
	struct hm_input shown; /* what the plugin gets */
	struct input_device device;
	struct loop_source *source; /* NULL = not watched until the pause is over */
	struct timer *pause;
	int64_t opened_us;
	bool is_there; /* input_update() has seen its device */
};

/* A look at all devices. */
struct survey {
	struct input *input;
	struct input_reports reports;
	int error; /* the first one */
};

void input_init(struct input *input, const struct hm_host *host)
{
	*input = (struct input){.host = host};
	TAILQ_INIT(&input->channels);
	pthread_mutex_init(&input->lock, NULL);
}

void input_done(struct input *input)
{
	free(input->reports.at);
	pthread_mutex_destroy(&input->lock);
}

bool input_is_open(const struct input *input)
{
	return input->request;
}

bool input_is_incomplete(const struct input *input)
{
	return input->request && input->is_incomplete;
}

/* -- what is told of a device ---------------------------------------------------------------- */

static const char *explain(int error)
{
	switch (error) {
	case -EACCES:
		return "reading it takes root, or membership in the group that owns it (input)";
	case -EPERM:
		return "does the service's DeviceAllow= name char-input?";
	case -ENOENT:
		return "does the service hide devices (PrivateDevices=)?";
	case -EPROTO:
		return "the kernel does not withhold the other events";
	case -EINVAL:
	case -ENOTTY:
		return "this kernel cannot withhold events (EVIOCSMASK, since Linux 4.4)";
	default:
		return NULL;
	}
}

static void explain_failure(char *out, size_t size, const char *node, int error)
{
	const char *advice = explain(error);

	(void)snprintf(out, size, "cannot read %s: %s%s%s", node, strerror(-error),
		       advice ? "; " : "", advice ? advice : "");
}

static struct input_report *find_report(const struct input_reports *reports, const char *node)
{
	for (size_t i = 0; i < reports->n_reports; i++) {
		if (strcmp(reports->at[i].node, node) == 0)
			return &reports->at[i];
	}
	return NULL;
}

/* -- one descriptor --------------------------------------------------------------------------- */

/* Without closed(): the plugin does not know it, or not any more. */
static void channel_free(struct input_channel *channel)
{
	loop_remove(channel->source);
	timer_free(channel->pause);
	if (channel->shown.fd >= 0)
		close(channel->shown.fd);
	free(channel);
}

static void channel_close(struct input_channel *channel)
{
	struct input *input = channel->input;

	TAILQ_REMOVE(&input->channels, channel, entry);
	input->request->closed(input->state, &channel->shown);
	channel_free(channel);
}

/* Its events are counted no longer, and nobody asked for that: say so. */
static void tell_lost(struct input *input, const char *node, int error)
{
	struct input_report *report;

	input->is_incomplete = true;
	pthread_mutex_lock(&input->lock);
	report = find_report(&input->reports, node);
	if (report) {
		report->is_used = false;
		explain_failure(report->why, sizeof(report->why), report->node, error);
	}
	pthread_mutex_unlock(&input->lock);
}

/* @return 0; -ENODATA when the device has none of the keys; -errno. keys_down: one for each key asked for */
static int read_keys(const struct input_channel *channel, bool keys_down[])
{
	const struct hm_input_request *request = channel->input->request;
	unsigned long keys[INPUT_NODE_LONGS(KEY_CNT)];
	bool has_any = false;
	int result = input_node_get_keys(channel->shown.fd, keys);

	for (size_t i = 0; i < request->n_keys; i++)
		has_any = has_any || input_node_has_bit(keys, request->keys[i]);
	if (result == 0 && !has_any)
		result = -ENODATA;
	if (result == 0)
		result = input_node_get_down(channel->shown.fd, keys);
	for (size_t i = 0; i < request->n_keys; i++)
		keys_down[i] = input_node_has_bit(keys, request->keys[i]);
	explicit_bzero(keys, sizeof(keys));
	return result;
}

static bool on_ready(void *context, uint32_t events);

static void on_pause_over(void *context)
{
	struct input_channel *channel = context;
	int result;

	if (channel->source)
		return;
	/* Adding tells at once of what has come in the meantime. */
	result = loop_add(channel->input->loop, channel->shown.fd, on_ready, channel,
			  &channel->source);
	if (result == 0)
		return;
	tell_lost(channel->input, channel->device.node, result);
	channel_close(channel);
}

/* Do not even wake up for its events for a while. */
static void channel_pause(struct input_channel *channel, int64_t duration_us)
{
	if (duration_us > TIMESTAMP_SECOND_US)
		duration_us = TIMESTAMP_SECOND_US;
	loop_remove(channel->source);
	channel->source = NULL;
	/* Rounded up: the second that is waited for has begun then. */
	(void)timer_start(channel->pause, duration_us / 1000 + 1, 0); /* cannot fail */
}

/* Which keys are down is shown to the plugin and then forgotten. */
static int tell_opened(struct input_channel *channel)
{
	struct input *input = channel->input;
	bool keys_down[KEY_CNT];
	int result = 0;

	if (channel->shown.role == HM_INPUT_KEYS)
		result = read_keys(channel, keys_down);
	channel->shown.keys_down = keys_down;
	if (result == 0)
		result = input->request->opened(input->state, &channel->shown);
	channel->shown.keys_down = NULL;
	explicit_bzero(keys_down, sizeof(keys_down));
	return result;
}

static int channel_start(struct input_channel *channel)
{
	struct input *input = channel->input;
	struct input_node_mask mask =
		input_role_mask(channel->shown.role, channel->device.is_tablet, input->request);
	int result;

	channel->shown.fd = input_node_open(channel->device.node, &mask);
	if (channel->shown.fd < 0)
		return channel->shown.fd;
	channel->shown.since_us = timestamp_monotonic_us();
	/* Now, when running out of descriptors can still be told. */
	result = timer_new(input->loop, on_pause_over, channel, &channel->pause);
	if (result == 0)
		result = loop_add(input->loop, channel->shown.fd, on_ready, channel,
				  &channel->source);
	if (result == 0)
		result = tell_opened(channel);
	return result;
}

static int channel_open(struct input *input, const struct input_device *device,
			enum hm_input_role role, struct input_channel **ret_channel)
{
	struct input_channel *channel = calloc(1, sizeof(*channel));
	int result;

	if (!channel)
		return -ENOMEM;
	channel->input = input;
	channel->device = *device;
	channel->opened_us = timestamp_monotonic_us();
	channel->is_there = true;
	channel->shown = (struct hm_input){.fd = -1, .role = role, .name = channel->device.name};
	result = channel_start(channel);
	if (result < 0) {
		channel_free(channel);
		return result;
	}
	TAILQ_INSERT_TAIL(&input->channels, channel, entry);
	*ret_channel = channel;
	return 0;
}

/* Events were lost: what is down now is known by a new descriptor alone. */
static void channel_reopen(struct input_channel *old)
{
	struct input *input = old->input;
	struct input_device device = old->device;
	enum hm_input_role role = old->shown.role;
	bool is_flood = timestamp_monotonic_us() - old->opened_us < INPUT_REOPEN_US;
	struct input_channel *channel;
	int result;

	channel_close(old);
	result = channel_open(input, &device, role, &channel);
	if (result < 0)
		tell_lost(input, device.node, result);
	else if (is_flood)
		channel_pause(channel, INPUT_REOPEN_US);
}

static bool on_ready(void *context, uint32_t events)
{
	struct input_channel *channel = context;
	struct input *input = channel->input;
	int64_t next_us = input->request->ready(input->state, &channel->shown);
	int64_t now_us;

	(void)events;
	if (next_us == 0)
		return false;
	if (next_us == -ESTALE) {
		channel_reopen(channel);
		return false;
	}
	if (next_us < 0) {
		tell_lost(input, channel->device.node, (int)next_us);
		channel_close(channel);
		return false;
	}
	now_us = timestamp_monotonic_us();
	if (next_us <= now_us)
		return true;
	channel_pause(channel, next_us - now_us);
	return false;
}

/* -- all devices ------------------------------------------------------------------------------ */

static int add_report(struct survey *survey, const struct input_device *device,
		      struct input_report **ret_report)
{
	struct input_reports *reports = &survey->reports;
	struct input_report *at =
		reallocarray(reports->at, reports->n_reports + 1, sizeof(*reports->at));

	if (!at)
		return -ENOMEM;
	reports->at = at;
	*ret_report = &at[reports->n_reports++];
	**ret_report = (struct input_report){.is_used = false};
	(void)strlcpy((*ret_report)->node, device->node, sizeof((*ret_report)->node));
	return 0;
}

/* The numbers of event devices are used again: an old descriptor may be another device's. */
static struct input_channel *find_channel(struct input *input, const struct input_device *device,
					  enum hm_input_role role)
{
	struct input_channel *channel;
	int version;

	TAILQ_FOREACH(channel, &input->channels, entry) {
		if (channel->shown.role != role || strcmp(channel->device.node, device->node) != 0)
			continue;
		if (ioctl(channel->shown.fd, EVIOCGVERSION, &version) == 0 || errno != ENODEV)
			return channel;
	}
	return NULL;
}

/* @return 0 when it is open for the role, now or since long; -errno */
static int use_device(struct survey *survey, const struct input_device *device,
		      enum hm_input_role role, struct input_report *report)
{
	static const char *const words[] = {
		[HM_INPUT_MOTION] = "motion",
		[HM_INPUT_CLICKS] = "clicks and wheel steps",
		[HM_INPUT_KEYS] = "the keys of the hotkeys",
	};
	struct input *input = survey->input;
	struct input_channel *channel = find_channel(input, device, role);
	int result = 0;

	if (channel)
		channel->is_there = true;
	else
		result = channel_open(input, device, role, &channel);
	if (result == 0) {
		(void)strlcat(report->why, report->is_used ? ", " : "", sizeof(report->why));
		(void)strlcat(report->why, words[role], sizeof(report->why));
		report->is_used = true;
		return 0;
	}
	if (result == -ENODATA)
		return 0;
	explain_failure(report->why, sizeof(report->why), device->node, result);
	if (survey->error == 0) {
		survey->error = result;
		explain_failure(input->problem, sizeof(input->problem), device->node, result);
	}
	return result;
}

static void say_unused(struct input_report *report, const struct input_device *device,
		       bool wants_keys)
{
	const char *why = "neither a pointer nor a keyboard";

	if (device->has_keys && !wants_keys)
		why = "no hotkeys are configured: keyboards stay closed";
	else if (device->has_keys)
		why = "it has none of the hotkeys' keys";
	(void)strlcpy(report->why, why, sizeof(report->why));
}

static int survey_device(void *context, const struct input_device *device)
{
	struct survey *survey = context;
	bool wants_keys = survey->input->request->n_keys > 0;
	struct input_report *report;
	int result = add_report(survey, device, &report);

	if (result < 0)
		return result;
	if (device->is_pointer)
		result = use_device(survey, device, HM_INPUT_MOTION, report);
	if (device->is_pointer && result == 0)
		result = use_device(survey, device, HM_INPUT_CLICKS, report);
	if (device->has_keys && wants_keys && result == 0)
		result = use_device(survey, device, HM_INPUT_KEYS, report);
	if (report->is_used && result == 0)
		(void)strlcat(report->why, "; the kernel withholds all else", sizeof(report->why));
	else if (!*report->why)
		say_unused(report, device, wants_keys);
	return result == -ENOMEM ? result : 0;
}

static void swap_reports(struct input *input, const struct input_reports *reports)
{
	struct input_report *old;

	pthread_mutex_lock(&input->lock);
	old = input->reports.at;
	input->reports = *reports;
	pthread_mutex_unlock(&input->lock);
	free(old);
}

/* @return 0 or the first error */
static int look(struct input *input)
{
	struct survey survey = {.input = input};
	struct input_channel *channel;
	struct input_channel *next;
	int result;

	TAILQ_FOREACH(channel, &input->channels, entry)
		channel->is_there = false;
	result = input_device_find(input->host, survey_device, &survey);
	TAILQ_FOREACH_SAFE(channel, &input->channels, entry, next) {
		/* What was not seen because the search broke off may well be there. */
		if (!channel->is_there && result == 0)
			channel_close(channel);
	}
	swap_reports(input, &survey.reports);
	if (result == 0)
		result = survey.error;
	input->is_incomplete = result < 0;
	return result;
}

void input_update(struct input *input)
{
	input->problem[0] = '\0';
	/* What cannot be opened is in the reports. */
	(void)look(input);
}

bool input_find_report(struct input *input, const char *node, struct input_report *ret_report)
{
	const struct input_report *report;

	pthread_mutex_lock(&input->lock);
	report = find_report(&input->reports, node);
	if (report)
		*ret_report = *report;
	pthread_mutex_unlock(&input->lock);
	return report;
}

/* What was used is so no longer. */
static void end_reports(struct input *input)
{
	pthread_mutex_lock(&input->lock);
	for (size_t i = 0; i < input->reports.n_reports; i++) {
		struct input_report *report = &input->reports.at[i];

		if (report->is_used)
			(void)strlcpy(report->why, "the plugin is stopped", sizeof(report->why));
		report->is_used = false;
	}
	pthread_mutex_unlock(&input->lock);
}

int hm_open_input(const struct hm_host *host, void *state, const struct hm_input_request *request)
{
	struct input *input = host->input;
	int result;

	if (!input || input->request)
		return -EBUSY;
	if (request->n_keys > KEY_CNT)
		return -EINVAL;
	for (size_t i = 0; i < request->n_keys; i++) {
		if (request->keys[i] >= KEY_CNT)
			return -EINVAL;
	}
	if (hm_is_redirected(host))
		return -ENOTSUP;
	if (!input->loop) {
		(void)strlcpy(input->problem,
			      "left out: it waits for events, which --once does not",
			      sizeof(input->problem));
		return -ENOTSUP;
	}
	input->request = request;
	input->state = state;
	result = look(input);
	if (!TAILQ_EMPTY(&input->channels))
		return 0;
	return result < 0 ? result : -ENODEV;
}

void hm_close_input(const struct hm_host *host)
{
	struct input *input = host->input;
	struct input_channel *channel;
	struct input_channel *next;

	if (!input || !input->request)
		return;
	TAILQ_FOREACH_SAFE(channel, &input->channels, entry, next)
		channel_close(channel);
	input->request = NULL;
	end_reports(input);
}
