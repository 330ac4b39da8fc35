/* SPDX-License-Identifier: MIT */
/* The running agent. */

#include "agent/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/desk.h"
#include "agent/monitor.h"
#include "agent/outlet.h"
#include "agent/plugin_set.h"
#include "agent/queue.h"
#include "agent/reload.h"
#include "agent/sampler.h"
#include "agent/spool_folder.h"
#include "agent/verbs.h"
#include "common/control_server.h"
#include "common/message.h"
#include "common/notify.h"
#include "common/privilege.h"
#include "common/signals.h"
#include "common/timer.h"
#include "common/timestamp.h"
#include "common/wakeup.h"

/* What is left may take this long to be acknowledged; then the agent ends, and it stays in the spool. */
#define FLUSH_TIMEOUT_MS 1000

/* Of what the sampler has taken, and the main thread has not written yet. */
#define QUEUE_MAX_BYTES ((size_t)64 << 20)

/* So much after a shipment is due, and has not come, somebody asks what holds the sampler up. */
#define SILENCE_GRACE_MS 2000

/* Who is at the desk for longer, while the main thread waits for it, does not come back soon. */
#define DESK_WAIT_US INT64_C(20000)

/* So long before a turn that the sampler will miss, or half its interval, the main thread comes to see about that. */
#define LOOK_AHEAD_US INT64_C(50000)

/*
 * The desk is where the outlet is. The main thread is there whenever it does not wait for events, and the sampler's may come
 * meanwhile (struct sampler_desk), so that a round needs the one thread that takes it, and no other.
 */
struct agent {
	const struct options *options;
	struct settings *settings;
	const struct loader *loader;
	const struct hm_host *host;
	struct loop *loop;
	struct signals *signals;
	struct plugin_set plugins;
	struct queue *queue;
	struct outlet *outlet;
	struct wakeup *news; /* from the sampler */
	struct sampler *sampler;
	struct monitor *monitor;
	struct reload *reload;
	struct verbs verbs;
	struct control_server *control;
	struct timer *flush_timeout;
	struct desk desk;
	uint64_t n_pushed;     /* into the queue, when the sampler came to the desk */
	struct timer *overdue; /* runs out when the sampler does not come back */
	struct timer *silence; /* runs out when nothing is shipped any more */
	bool is_silent;        /* that one is running */
	bool is_stopping;
};

static void quit(void *context)
{
	struct agent *agent = context;

	loop_quit(agent->loop);
}

/* Nothing was shipped for longer than it should: say who is to blame. */
static void on_silence(void *context)
{
	struct agent *agent = context;
	struct plugin *stuck =
		plugin_set_find_stuck(&agent->plugins, SILENCE_GRACE_MS * INT64_C(1000));

	agent->is_silent = false;
	if (stuck)
		message_warning("plugin %s does not come back: no plugin is read until it does",
				plugin_table(stuck)->name);
}

/* A shipment is due within its interval. */
static void expect_shipment(struct agent *agent)
{
	int64_t interval_ms = agent->settings->ship_interval_us / 1000;

	(void)timer_start(agent->silence, interval_ms + SILENCE_GRACE_MS, 0);
	agent->is_silent = true;
}

/* The sampler goes on. */
static void end_silence(struct agent *agent)
{
	if (agent->is_silent)
		timer_stop(agent->silence);
	agent->is_silent = false;
}

/* A turn of the sampler is overdue; where it was the disk that held it up, that is over, or seen to by now. */
static void on_overdue(void *context)
{
	struct agent *agent = context;

	if (!agent->is_stopping)
		expect_shipment(agent);
}

/* The sampler has taken a round, or other settings, or has ended. */
static void on_news(void *context)
{
	struct agent *agent = context;

	end_silence(agent);
	outlet_take(agent->outlet);
	if (!agent->is_stopping) {
		reload_check(agent->reload);
	} else if (sampler_is_done(agent->sampler)) {
		outlet_end(agent->outlet);
	}
}

/* -- the desk -------------------------------------------------------------------------------------- */

static void leave_desk(void *context)
{
	struct agent *agent = context;

	desk_leave(&agent->desk);
}

/* The main thread waits for a disk, as long as that takes; the sampler does not. */
static void come_to_desk(void *context)
{
	struct agent *agent = context;

	while (!desk_wait(&agent->desk, DESK_WAIT_US))
		sampler_relieve(agent->sampler);
}

static bool try_desk(void *context)
{
	struct agent *agent = context;

	if (!desk_try(&agent->desk))
		return false;
	/* From now on another sampler may come, whose rounds are younger than the one of this. */
	agent->n_pushed = queue_count_pushed(agent->queue);
	return true;
}

static bool write_at_desk(void *context, const void *samples, size_t length)
{
	struct agent *agent = context;
	bool wants_main = outlet_write(agent->outlet, agent->n_pushed, samples, length);

	leave_desk(agent);
	return wants_main;
}

static void expect_turn(void *context, int64_t wait_us, int64_t period_us)
{
	struct agent *agent = context;
	int64_t ahead_us = period_us / 2 < LOOK_AHEAD_US ? period_us / 2 : LOOK_AHEAD_US;
	int64_t wait_ms = (wait_us - ahead_us) / 1000;

	(void)timer_start(agent->overdue, wait_ms > 0 ? wait_ms : 1, 0);
}

static void share_desk(struct agent *agent)
{
	const struct sampler_desk desk = {
		.context = agent, .begin = try_desk, .write = write_at_desk, .expect = expect_turn};
	const struct loop_waiting waiting = {
		.begin = leave_desk, .end = come_to_desk, .context = agent};

	(void)desk_try(&agent->desk);
	loop_on_wait(agent->loop, &waiting);
	sampler_use_desk(agent->sampler, &desk);
}

/* -- the end --------------------------------------------------------------------------------------- */

static void begin_to_stop(struct agent *agent, int number)
{
	message_info("%s: handing over what is left, then ending", strsignal(number));
	(void)notify_send("STOPPING=1");
	agent->is_stopping = true;
	monitor_close(agent->monitor);
	agent->monitor = NULL;
	reload_stop(agent->reload);
	sampler_stop(agent->sampler);
	/* The sampler may never come back: what is there goes now. */
	queue_ship(agent->queue);
	outlet_take(agent->outlet);
	outlet_hurry(agent->outlet);
	(void)timer_start(agent->flush_timeout, FLUSH_TIMEOUT_MS, 0);
}

static void on_signal(void *context, int number)
{
	struct agent *agent = context;

	if (number == SIGHUP)
		reload_request(agent->reload);
	else if (agent->is_stopping)
		loop_quit(agent->loop);
	else
		begin_to_stop(agent, number);
}

static int open_control(struct agent *agent)
{
	const char *path = agent->settings->socket;
	int pid = 0;
	int result;

	agent->verbs = (struct verbs){
		.settings = agent->settings,
		.loader = agent->loader,
		.host = agent->host,
		.plugins = &agent->plugins,
		.sampler = agent->sampler,
		.queue = agent->queue,
		.start_us = timestamp_monotonic_us(),
	};
	result = control_server_open(agent->loop, path, "the agent", verbs_table, &agent->verbs,
				     &agent->control, &pid);
	if (result == -EEXIST)
		message_error("the control socket '%s' is in use by process %d", path, pid);
	else if (result < 0)
		message_error("cannot open the control socket '%s': %s", path, strerror(-result));
	return result;
}

/* The socket belongs to who we become, so that its group may use it and we may remove it. */
static void give_socket(const char *path, const struct privilege *privilege)
{
	char *pid_path = NULL;

	if (lchown(path, privilege->user, privilege->group) < 0)
		message_warning("cannot give '%s' to user '%s': %s", path, privilege->name,
				strerror(errno));
	if (asprintf(&pid_path, "%s.pid", path) < 0)
		return;
	(void)!lchown(pid_path, privilege->user, privilege->group);
	free(pid_path);
}

/* Where it cannot be made, it cannot be opened either: that is said then. */
static void make_spool_folder(const char *path, uid_t user, gid_t group)
{
	(void)spool_folder_make(path, user, group);
}

static int drop_privileges(const struct settings *settings)
{
	struct privilege privilege;
	int result;

	if (!*settings->user) {
		make_spool_folder(settings->spool, (uid_t)-1, (gid_t)-1);
		return 0;
	}
	result = privilege_find(settings->user, &privilege);
	if (result == 0 && geteuid() == 0) {
		give_socket(settings->socket, &privilege);
		make_spool_folder(settings->spool, privilege.user, privilege.group);
	}
	if (result == 0)
		result = privilege_drop(&privilege);
	if (result == -ENOENT)
		message_error("there is no user '%s'", settings->user);
	else if (result < 0)
		message_error("cannot become user '%s': %s", settings->user, strerror(-result));
	return result;
}

static int open_loop(struct agent *agent)
{
	int result = loop_new(&agent->loop);

	if (result == 0)
		result = signals_new(agent->loop, on_signal, agent, &agent->signals);
	if (result == 0)
		result = timer_new(agent->loop, quit, agent, &agent->flush_timeout);
	if (result == 0)
		result = timer_new(agent->loop, on_overdue, agent, &agent->overdue);
	if (result == 0)
		result = timer_new(agent->loop, on_silence, agent, &agent->silence);
	if (result == 0)
		result = wakeup_new(agent->loop, on_news, agent, &agent->news);
	return result;
}

/* Other settings are in force. */
static void on_reloaded(void *context)
{
	struct agent *agent = context;
	struct sampler_stats stats;

	sampler_get_stats(agent->sampler, &stats);
	outlet_configure(agent->outlet, &agent->plugins, stats.since_us);
	expect_shipment(agent);
}

/* Others that ask wait for the reload that is under way. */
static void on_reload_progress(void *context)
{
	const struct agent *agent = context;

	control_server_wake(agent->control);
}

static int open_reload(struct agent *agent)
{
	const struct reload_parts parts = {
		.options = agent->options,
		.loader = agent->loader,
		.settings = agent->settings,
		.plugins = &agent->plugins,
		.sampler = agent->sampler,
		.uplink = agent->outlet->uplink,
		.on_reloaded = on_reloaded,
		.on_progress = on_reload_progress,
		.context = agent,
	};

	return reload_new(agent->loop, &parts, &agent->reload);
}

static int open_parts(struct agent *agent)
{
	int result = desk_init(&agent->desk);

	if (result == 0)
		result = plugin_set_init(&agent->plugins, agent->settings, agent->host);
	if (result == 0)
		result = open_loop(agent);
	if (result == 0)
		result = queue_new(QUEUE_MAX_BYTES, &agent->queue);
	if (result == 0)
		result = sampler_new(&agent->plugins, agent->settings->ship_interval_us,
				     agent->queue, agent->news, &agent->sampler);
	if (result < 0)
		message_error("cannot start: %s", strerror(-result));
	return result;
}

/* What is opened by who we have become. */
static int open_rest(struct agent *agent)
{
	int result =
		outlet_new(agent->loop, agent->settings, agent->queue, quit, agent, &agent->outlet);

	if (result == 0)
		result = open_reload(agent);
	if (result < 0)
		message_error("cannot start: %s", strerror(-result));
	agent->verbs.outlet = agent->outlet;
	agent->verbs.reload = agent->reload;
	return result;
}

/* Hot-plug is worth having, but not worth failing for. */
static void open_monitor(struct agent *agent)
{
	int result;

	if (hm_is_redirected(agent->host))
		return;
	result = monitor_open(agent->loop, &agent->plugins, agent->sampler, &agent->monitor);
	if (result < 0)
		message_warning("cannot follow devices that come and go: %s", strerror(-result));
}

static void tell_start(const struct agent *agent)
{
	const struct settings *settings = agent->settings;
	char interval[TIMESTAMP_TEXT_MAX_BYTES];
	char ship_interval[TIMESTAMP_TEXT_MAX_BYTES];

	duration_format(settings->interval_us, interval);
	duration_format(settings->ship_interval_us, ship_interval);
	message_info(
		"host %s: sampling every %s, shipping to %s every %s; what waits is kept in %s "
		"(at most %s)",
		settings->hostname, interval, settings->collector, ship_interval, settings->spool,
		settings->spool_size);
}

static int start(struct agent *agent)
{
	int result = open_parts(agent);

	if (result == 0)
		result = open_control(agent);
	if (result == 0)
		result = drop_privileges(agent->settings);
	if (result == 0)
		result = open_rest(agent);
	if (result < 0)
		return result;
	open_monitor(agent);
	tell_start(agent);
	outlet_start(agent->outlet, &agent->plugins);
	share_desk(agent);
	expect_shipment(agent);
	result = sampler_start(agent->sampler);
	if (result < 0)
		message_error("cannot start the sampler: %s", strerror(-result));
	return result;
}

/*
 * A thread that is stuck in a plugin can be neither ended nor waited for: leave all as it is. Nor is
 * one waited for that is about to end, when a second signal says that it has to be now.
 */
static void abandon(struct agent *agent)
{
	struct plugin *stuck = plugin_set_find_stuck(&agent->plugins, 0);

	if (stuck)
		message_warning("plugin %s does not come back; ending without it",
				plugin_table(stuck)->name);
	_exit(EXIT_SUCCESS);
}

static void stop(struct agent *agent)
{
	control_server_close(agent->control);
	monitor_close(agent->monitor);
	if (agent->sampler && !sampler_is_done(agent->sampler))
		abandon(agent);
	sampler_free(agent->sampler);
	reload_free(agent->reload);
	outlet_free(agent->outlet);
	queue_free(agent->queue);
	plugin_set_done(&agent->plugins);
	wakeup_free(agent->news);
	timer_free(agent->silence);
	timer_free(agent->overdue);
	timer_free(agent->flush_timeout);
	signals_free(agent->signals);
	loop_free(agent->loop);
	desk_done(&agent->desk);
}

/* A sampler that does not come back will never tell since when it takes no samples. */
static void note_stuck(const struct agent *agent)
{
	struct clock_event event = clock_event_now(HM_CLOCK_HELD_UP);
	struct plugin *stuck = plugin_set_find_stuck(&agent->plugins, 0);
	struct plugin_stats stats;

	if (!stuck || sampler_is_done(agent->sampler))
		return;
	plugin_get_stats(stuck, &stats);
	event.change_us = timestamp_monotonic_us() - stats.verb_since_us;
	if (event.change_us > 0)
		(void)queue_push_event(agent->queue, &event);
}

int daemon_run(const struct options *options, struct settings *settings,
	       const struct loader *loader, const struct hm_host *host)
{
	struct agent agent = {
		.options = options,
		.settings = settings,
		.loader = loader,
		.host = host,
	};
	int result = start(&agent);

	if (result == 0) {
		(void)notify_send("READY=1");
		result = loop_run(agent.loop);
		if (result < 0)
			message_error("the main loop ended: %s", strerror(-result));
		note_stuck(&agent);
		outlet_end(agent.outlet);
		outlet_tell_unsent(agent.outlet);
	}
	stop(&agent);
	return result;
}
