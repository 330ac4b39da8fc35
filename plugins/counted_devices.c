/* SPDX-License-Identifier: MIT */
/* What is counted of input devices. */

#include "plugins/counted_devices.h"

#include <stdlib.h>
#include <string.h>

struct counted_device *counted_devices_get(struct counted_devices *devices, const char *name)
{
	struct counted_device *device;

	TAILQ_FOREACH(device, devices, entry) {
		if (strcmp(device->name, name) == 0)
			return device;
	}
	device = calloc(1, sizeof(*device));
	if (!device)
		return NULL;
	device->name = strdup(name);
	if (!device->name) {
		free(device);
		return NULL;
	}
	TAILQ_INSERT_TAIL(devices, device, entry);
	return device;
}

static void forget(struct counted_devices *devices, struct counted_device *device)
{
	TAILQ_REMOVE(devices, device, entry);
	free(device->name);
	free(device);
}

void counted_devices_restart(struct counted_devices *devices)
{
	struct counted_device *device;
	struct counted_device *next;

	TAILQ_FOREACH_SAFE(device, devices, entry, next) {
		device->n_events = 0;
		device->n_overruns = 0;
		if (device->n_open == 0)
			forget(devices, device);
	}
}

void counted_devices_done(struct counted_devices *devices)
{
	struct counted_device *device;
	struct counted_device *next;

	TAILQ_FOREACH_SAFE(device, devices, entry, next)
		forget(devices, device);
}
