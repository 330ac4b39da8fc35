/* SPDX-License-Identifier: MIT */
/* Devices that come and go, as udev reports them. */

#include "agent/monitor.h"

#include <errno.h>
#include <libudev.h>
#include <stdlib.h>
#include <string.h>

#include "common/timer.h"

/* Taken in one turn of the loop. */
#define TURN_MAX_EVENTS 64

/* For a burst of events; the kernel's own default holds a hundred or so. */
#define RECEIVE_BUFFER_BYTES (1 << 20)

struct monitor {
	const struct plugin_set *set;
	struct sampler *sampler;
	struct udev *udev;
	struct udev_monitor *events;
	struct loop_source *source;
	struct timer *settled;
};

static void request_restarts(struct monitor *monitor, const char *subsystem)
{
	bool has_any = false;

	for (size_t i = 0; i < monitor->set->n_plugins; i++) {
		struct plugin *plugin = monitor->set->plugins[i];
		const char *wanted = plugin_table(plugin)->udev_subsystem;

		if (!wanted || (subsystem && strcmp(wanted, subsystem) != 0))
			continue;
		plugin_request_restart(plugin);
		has_any = true;
	}
	if (has_any)
		(void)timer_start(monitor->settled, MONITOR_SETTLE_MS, 0);
}

/* "change" and its like leave the devices that there are. A CPU that is switched on or off stays, and has other files. */
static bool comes_or_goes(struct udev_device *device)
{
	static const char *const actions[] = {"add", "remove", "move", "online", "offline"};
	const char *action = udev_device_get_action(device);

	for (size_t i = 0; action && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(action, actions[i]) == 0)
			return true;
	}
	return false;
}

static bool on_events(void *context, uint32_t events)
{
	struct monitor *monitor = context;

	(void)events;
	for (int i = 0; i < TURN_MAX_EVENTS; i++) {
		struct udev_device *device;

		errno = 0;
		device = udev_monitor_receive_device(monitor->events);
		if (device) {
			const char *subsystem = udev_device_get_subsystem(device);

			if (subsystem && comes_or_goes(device))
				request_restarts(monitor, subsystem);
			udev_device_unref(device);
		} else if (errno == ENOBUFS) {
			/* Some were lost: any subsystem may have changed. */
			request_restarts(monitor, NULL);
		} else if (errno == EAGAIN || errno == 0) {
			return false;
		}
	}
	return true;
}

static void on_settled(void *context)
{
	struct monitor *monitor = context;

	sampler_wake(monitor->sampler);
}

/* @return the number of subsystems, or -errno */
static int add_filters(struct monitor *monitor)
{
	int n_subsystems = 0;

	for (size_t i = 0; i < monitor->set->n_plugins; i++) {
		/* Of the disabled ones too: a reload may enable them. */
		const char *subsystem = plugin_table(monitor->set->plugins[i])->udev_subsystem;
		int result;

		if (!subsystem)
			continue;
		result = udev_monitor_filter_add_match_subsystem_devtype(monitor->events, subsystem,
									 NULL);
		if (result < 0)
			return result;
		n_subsystems++;
	}
	return n_subsystems;
}

static int open_events(struct monitor *monitor, struct loop *loop)
{
	int result;

	monitor->udev = udev_new();
	if (!monitor->udev)
		return -ENOMEM;
	errno = 0;
	monitor->events = udev_monitor_new_from_netlink(monitor->udev, "udev");
	if (!monitor->events)
		return errno ? -errno : -ENOMEM;
	result = add_filters(monitor);
	/* Without a filter every device of the machine would be told. */
	if (result <= 0)
		return result;
	(void)udev_monitor_set_receive_buffer_size(monitor->events, RECEIVE_BUFFER_BYTES);
	result = udev_monitor_enable_receiving(monitor->events);
	if (result < 0)
		return result;
	return loop_add(loop, udev_monitor_get_fd(monitor->events), on_events, monitor,
			&monitor->source);
}

int monitor_open(struct loop *loop, const struct plugin_set *set, struct sampler *sampler,
		 struct monitor **ret_monitor)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	int result;

	if (!monitor)
		return -ENOMEM;
	monitor->set = set;
	monitor->sampler = sampler;
	result = timer_new(loop, on_settled, monitor, &monitor->settled);
	if (result == 0)
		result = open_events(monitor, loop);
	if (result < 0)
		monitor_close(monitor);
	else
		*ret_monitor = monitor;
	return result;
}

void monitor_close(struct monitor *monitor)
{
	if (!monitor)
		return;
	loop_remove(monitor->source);
	timer_free(monitor->settled);
	udev_monitor_unref(monitor->events);
	udev_unref(monitor->udev);
	free(monitor);
}
