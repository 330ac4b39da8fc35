/* SPDX-License-Identifier: MIT */
/* The running collector. */

#include "collector/daemon.h"

#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/agent_claims.h"
#include "collector/declarations.h"
#include "collector/descriptors.h"
#include "collector/endpoint.h"
#include "collector/folder.h"
#include "collector/reactor.h"
#include "collector/rejects.h"
#include "collector/store.h"
#include "collector/store_agents.h"
#include "collector/traffic.h"
#include "collector/verbs.h"
#include "common/control_server.h"
#include "common/descriptor_limit.h"
#include "common/loop.h"
#include "common/message.h"
#include "common/notify.h"
#include "common/privilege.h"
#include "common/reload.h"
#include "common/signals.h"
#include "common/text.h"
#include "common/timestamp.h"
#include "common/wakeup.h"
#include "hostmetrics/wire.h"

struct collector {
	const struct settings_options *options;
	struct settings *settings;
	char hostname[HM_HOST_NAME_MAX_BYTES + 1];
	struct loop *loop;
	struct signals *signals;
	struct endpoint endpoint;
	struct rejects *rejects;
	struct rejects *closed;
	struct store *store;
	struct traffic traffic;
	struct reactor *reactors[ENDPOINT_REACTORS_MAX];
	struct store_agents *agents[ENDPOINT_REACTORS_MAX]; /* of each reactor */
	struct agent_claims *claims;
	struct verbs verbs;
	struct control_server *control;
	struct workers *workers;
	struct wakeup *news;         /* something that a client waits for has come */
	int64_t n_fixed_descriptors; /* open as long as we run */
};

static void explain_endpoint(const char *address, int error_number, struct config_error *error)
{
	config_error_printf(error, "cannot listen on %s: %s", address,
			    error_number == -EADDRINUSE ? "the address is in use by another process"
							: strerror(-error_number));
}

/* Have the reactors listen on another address; what is connected stays so. */
static int move_endpoint(struct collector *collector, const char *address,
			 struct config_error *error)
{
	struct endpoint *endpoint = &collector->endpoint;
	int result = endpoint_replace(endpoint, address);

	if (result < 0) {
		explain_endpoint(address, result, error);
		return result;
	}
	for (size_t i = 0; i < endpoint->n; i++) {
		result = reactor_listen(collector->reactors[i], endpoint->tcp_fds[i],
					endpoint->udp_fds[i]);
		if (result < 0)
			message_error("reload: a reactor still listens on the address before: %s",
				      strerror(-result));
	}
	message_info("reload: listening on %s", endpoint->text);
	return 0;
}

/* Give everybody the share that the settings want, as far as the limit of this process goes. */
static void apply_limits(struct collector *collector)
{
	const struct settings *settings = collector->settings;
	/* Those with which the reactors go to another address may be open beside the old ones. */
	int64_t n_open = collector->n_fixed_descriptors + INT64_C(4) * settings->reactors;
	int64_t wanted = descriptors_wanted(n_open, settings->text_clients);
	int64_t limit = descriptor_limit_raise(wanted);
	struct descriptors share;

	descriptors_share(limit, n_open, settings->text_clients, &share);
	control_server_set_clients_max(collector->control, (size_t)share.control_clients);
	collector->traffic.connections_max = share.connections;
	collector->traffic.idle_us = settings->text_idle_us;
	workers_set_max(collector->workers, (size_t)settings->queries);
	collector->verbs.answer_limits = (struct answer_limits){
		.time_us = settings->query_time_us,
		.memory_mib = settings->query_memory_mib,
	};
	if (store_set_retention(collector->store, settings->retention) < 0)
		message_warning("no memory for the rules of [retention]: those before count");
	if (share.connections < settings->text_clients) {
		message_warning("the limit of open files is %" PRId64 ": %" PRId64
				" text clients at once can be served, not text_clients = %" PRId64
				", which needs %" PRId64 " (ulimit -n, LimitNOFILE=)",
				limit, share.connections, settings->text_clients, wanted);
	}
}

/* Take over what has changed and may. @return 0, or -errno with *error: nothing was */
static int take_settings(struct collector *collector, const struct settings *next,
			 struct config_error *error)
{
	if (strcmp(collector->settings->listen, next->listen) != 0)
		return move_endpoint(collector, next->listen, error);
	return 0;
}

/* Read the configuration as it is now, and compare it with the one in force. */
static int read_next(const struct collector *collector, struct settings *next,
		     struct config_changes *changes, struct config_error *error)
{
	int result = settings_read(next, collector->options, error);

	if (result < 0)
		return result;
	result = settings_diff(collector->settings, next, changes);
	if (result < 0)
		config_error_printf(error, "%s", strerror(-result));
	return result;
}

/* @return 0, or -errno with *error: the settings in force stay as they were */
static int reload(struct collector *collector, struct config_changes *changes,
		  struct config_error *error)
{
	struct settings next = {0};
	int result = read_next(collector, &next, changes, error);

	if (result == 0) {
		result = settings_keep(collector->settings, &next);
		if (result < 0)
			config_error_printf(error, "%s", strerror(-result));
	}
	if (result == 0)
		result = take_settings(collector, &next, error);
	if (result < 0) {
		message_error("reload: %s", error->text);
		message_error("reload: the configuration in force stays as it was");
		settings_done(&next);
		return result;
	}
	reload_tell_changes(changes, message_info);
	settings_done(collector->settings);
	*collector->settings = next;
	collector->verbs.store_path = collector->settings->store;
	apply_limits(collector);
	return 0;
}

/* Answer the verb `reload`, or with `reply` NULL the signal. */
static void answer_reload(void *context, bool is_dry, struct control_reply *reply)
{
	struct collector *collector = context;
	struct config_changes changes = {0};
	struct config_error error = {.text = ""};
	int result;

	if (is_dry) {
		struct settings next = {0};

		result = read_next(collector, &next, &changes, &error);
		settings_done(&next);
	} else {
		(void)notify_reloading();
		result = reload(collector, &changes, &error);
		(void)notify_send("READY=1");
	}
	if (reply && result < 0) {
		reload_answer_errors(reply, error.text);
	} else if (reply) {
		reload_write_changes(reply, &changes, is_dry);
		control_end(reply, HM_CONTROL_OK, NULL);
	}
	config_changes_done(&changes);
}

static void on_signal(void *context, int number)
{
	struct collector *collector = context;

	if (number == SIGHUP) {
		answer_reload(collector, false, NULL);
		return;
	}
	message_info("%s: storing what has arrived, then ending", strsignal(number));
	(void)notify_send("STOPPING=1");
	loop_quit(collector->loop);
}

/* The name for lines that come from this host itself. */
static void find_hostname(struct collector *collector)
{
	char *name = collector->hostname;

	if (gethostname(name, sizeof(collector->hostname)) < 0 || !name[0] ||
	    name[sizeof(collector->hostname) - 1] || !text_is_clean(name, strlen(name)))
		(void)strlcpy(name, "localhost", sizeof(collector->hostname));
}

static int open_endpoint(struct collector *collector)
{
	const struct settings *settings = collector->settings;
	struct config_error error = {.text = ""};
	int result =
		endpoint_open(&collector->endpoint, settings->listen, (size_t)settings->reactors);

	if (result < 0) {
		explain_endpoint(settings->listen, result, &error);
		message_error("%s", error.text);
	}
	return result;
}

/* Become the user of the settings. The store's folder is made for it while that may be done. */
static int drop_privileges(const struct settings *settings)
{
	struct privilege privilege;
	int result;

	if (!settings->user[0])
		return 0;
	result = privilege_find(settings->user, &privilege);
	if (result == 0 && geteuid() == 0)
		(void)folder_make(settings->store, privilege.user, privilege.group);
	if (result == 0)
		result = privilege_drop(&privilege);
	if (result == -ENOENT)
		message_error("there is no user '%s'", settings->user);
	else if (result < 0)
		message_error("cannot become user '%s': %s", settings->user, strerror(-result));
	return result;
}

static void on_news(void *context)
{
	struct collector *collector = context;

	control_server_wake(collector->control);
}

static int open_control(struct collector *collector)
{
	const char *path = collector->settings->socket;
	int pid = 0;
	int result;

	collector->verbs = (struct verbs){
		.hostname = collector->hostname,
		.store_path = collector->settings->store,
		.start_us = timestamp_monotonic_us(),
		.store = collector->store,
		.workers = collector->workers,
		.rejects = collector->rejects,
		.traffic = &collector->traffic,
		.endpoint = &collector->endpoint,
		.reload = answer_reload,
		.daemon = collector,
	};
	result = control_server_open(collector->loop, path, "the collector", verbs_table,
				     &collector->verbs, &collector->control, &pid);
	collector->verbs.control = collector->control;
	if (result == 0)
		result = wakeup_new(collector->loop, on_news, collector, &collector->news);
	if (result == 0) {
		store_set_news(collector->store, collector->news);
		workers_set_news(collector->workers, collector->news);
	}
	if (result == -EEXIST)
		message_error("the control socket '%s' is in use by process %d", path, pid);
	else if (result < 0)
		message_error("cannot open the control socket '%s': %s", path, strerror(-result));
	return result;
}

static void deliver(void *context, struct bundle *bundle)
{
	store_append(context, bundle);
}

/* What agents sent may be durable. */
static void acknowledge(void *context)
{
	struct collector *collector = context;

	/* They stay as they are; the endpoint may be another one at any time. */
	for (size_t i = 0; i < ENDPOINT_REACTORS_MAX && collector->reactors[i]; i++)
		reactor_acknowledge(collector->reactors[i]);
}

static int new_reactor(struct collector *collector, size_t i)
{
	int result = store_agents_new(collector->store, &collector->agents[i]);
	struct reactor_options options = {
		.tcp_fd = collector->endpoint.tcp_fds[i],
		.udp_fd = collector->endpoint.udp_fds[i],
		.hostname = collector->hostname,
		.key = store_hash_key(collector->store),
		.rejects = collector->rejects,
		.traffic = &collector->traffic,
		.deliver = deliver,
		.claims = collector->claims,
		.context = collector->store,
	};

	if (result < 0)
		return result;
	options.agents = store_agents_table(collector->agents[i]);
	return reactor_new(&options, &collector->reactors[i]);
}

static int start_reactors(struct collector *collector)
{
	int result = agent_claims_new(store_hash_key(collector->store), &collector->claims);

	for (size_t i = 0; i < collector->endpoint.n && result == 0; i++)
		result = new_reactor(collector, i);
	if (result == 0) {
		/* All that stays open is open, and no client is there yet. */
		collector->n_fixed_descriptors = descriptors_count();
		apply_limits(collector);
		store_set_acknowledge(collector->store, acknowledge, collector);
	}
	for (size_t i = 0; i < collector->endpoint.n && result == 0; i++)
		result = reactor_start(collector->reactors[i]);
	if (result < 0)
		message_error("cannot serve the network: %s", strerror(-result));
	return result;
}

/* All of them at once: each reads for a while what has arrived. */
static void stop_reactors(struct collector *collector)
{
	for (size_t i = 0; i < ENDPOINT_REACTORS_MAX && collector->reactors[i]; i++)
		reactor_stop(collector->reactors[i]);
	for (size_t i = 0; i < ENDPOINT_REACTORS_MAX && collector->reactors[i]; i++)
		reactor_join(collector->reactors[i]);
	if (collector->store)
		store_set_acknowledge(collector->store, NULL, NULL);
	for (size_t i = 0; i < ENDPOINT_REACTORS_MAX; i++) {
		reactor_free(collector->reactors[i]);
		store_agents_free(collector->agents[i]);
	}
	agent_claims_free(collector->claims);
}

static int open_store(struct collector *collector)
{
	const struct settings *settings = collector->settings;
	int result = store_open(settings->store, (uint64_t)settings->log_segment_mib << 20,
				&collector->store);

	/* What the log and the files took while they were read lies between what is kept. */
	(void)malloc_trim(0);
	return result;
}

static int open_loop(struct collector *collector)
{
	int result = loop_new(&collector->loop);

	if (result == 0)
		result = signals_new(collector->loop, on_signal, collector, &collector->signals);
	if (result == 0)
		result = rejects_new(&collector->rejects);
	if (result == 0)
		result = rejects_new(&collector->closed);
	if (result == 0)
		result = workers_new(&collector->workers);
	if (result < 0)
		message_error("cannot start: %s", strerror(-result));
	return result;
}

static int start(struct collector *collector)
{
	int result = open_loop(collector);

	/* A file that may not grow further is a failed write, not our death. */
	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return -errno;
	find_hostname(collector);
	collector->traffic.closed = collector->closed;
	collector->traffic.declarations.max = DECLARATIONS_TOTAL_MAX_BYTES;
	collector->traffic.idle_us = collector->settings->text_idle_us;
	if (result == 0)
		result = open_endpoint(collector);
	if (result == 0)
		result = drop_privileges(collector->settings);
	if (result == 0)
		result = open_store(collector);
	if (result == 0)
		result = open_control(collector);
	if (result == 0)
		result = start_reactors(collector);
	return result;
}

static void stop(struct collector *collector)
{
	control_server_close(collector->control);
	workers_free(collector->workers);
	stop_reactors(collector);
	endpoint_close(&collector->endpoint);
	store_close(collector->store);
	wakeup_free(collector->news);
	rejects_free(collector->rejects);
	rejects_free(collector->closed);
	signals_free(collector->signals);
	loop_free(collector->loop);
}

int daemon_run(const struct settings_options *options, struct settings *settings)
{
	struct collector collector = {.options = options, .settings = settings};
	int result = start(&collector);

	if (result == 0) {
		message_info("listening on %s, storing in %s", collector.endpoint.text,
			     settings->store);
		(void)notify_send("READY=1");
		result = loop_run(collector.loop);
		if (result < 0)
			message_error("the main loop ended: %s", strerror(-result));
	}
	stop(&collector);
	return result;
}
