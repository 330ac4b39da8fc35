/* SPDX-License-Identifier: MIT */
/* The mice, keyboards and other input devices that udev knows. */

#include "agent/input_device.h"

#include <bsd/string.h>
#include <errno.h>
#include <libudev.h>
#include <stddef.h>
#include <string.h>

/* A property of udev's input_id, and what it makes of a device. */
struct kind {
	const char *property;
	const char *word;
	size_t flag; /* offset of a bool of struct input_device; NO_FLAG = none */
};

#define NO_FLAG SIZE_MAX

static const struct kind kinds[] = {
	{"ID_INPUT_MOUSE", "mouse", offsetof(struct input_device, is_pointer)},
	{"ID_INPUT_TOUCHPAD", "touchpad", offsetof(struct input_device, is_pointer)},
	{"ID_INPUT_TABLET", "tablet", offsetof(struct input_device, is_pointer)},
	{"ID_INPUT_POINTINGSTICK", "trackpoint", offsetof(struct input_device, is_pointer)},
	{"ID_INPUT_KEYBOARD", "keyboard", offsetof(struct input_device, has_keys)},
	{"ID_INPUT_KEY", "keys", offsetof(struct input_device, has_keys)},
	{"ID_INPUT_TOUCHSCREEN", "touchscreen", NO_FLAG},
	{"ID_INPUT_JOYSTICK", "joystick", NO_FLAG},
	{"ID_INPUT_ACCELEROMETER", "accelerometer", NO_FLAG},
	{"ID_INPUT_SWITCH", "switch", NO_FLAG},
};

struct search {
	struct udev *udev;
	int (*found)(void *context, const struct input_device *device);
	void *context;
};

static bool has_property(struct udev_device *device, const char *property)
{
	const char *value = udev_device_get_property_value(device, property);

	return value && strcmp(value, "1") == 0;
}

static void add_word(char kind[static INPUT_DEVICE_TEXT_MAX], const char *word)
{
	if (*kind)
		(void)strlcat(kind, ", ", INPUT_DEVICE_TEXT_MAX);
	(void)strlcat(kind, word, INPUT_DEVICE_TEXT_MAX);
}

static void read_kinds(struct udev_device *udev_device, struct input_device *device)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *kind = &kinds[i];

		/* Every keyboard has keys. */
		if (!has_property(udev_device, kind->property) ||
		    (device->has_keys && strcmp(kind->word, "keys") == 0))
			continue;
		if (kind->flag != NO_FLAG)
			*(bool *)((char *)device + kind->flag) = true;
		add_word(device->kind, kind->word);
	}
	device->is_tablet = has_property(udev_device, "ID_INPUT_TABLET");
	if (!*device->kind)
		add_word(device->kind, "other");
}

static void read_name(struct udev_device *udev_device, struct input_device *device)
{
	struct udev_device *parent = udev_device_get_parent_with_subsystem_devtype(
		udev_device, "input", NULL); /* belongs to udev_device */
	const char *name = parent ? udev_device_get_sysattr_value(parent, "name") : NULL;

	(void)strlcpy(device->name, name ? name : "", sizeof(device->name));
}

static int tell_found(void *context, const char *name)
{
	struct search *search = context;
	struct udev_device *udev_device =
		udev_device_new_from_subsystem_sysname(search->udev, "input", name);
	const char *node = udev_device ? udev_device_get_devnode(udev_device) : NULL;
	struct input_device device = {.node = ""};
	int result = 0;

	/* One that is just going has no node any more. */
	if (node && strlcpy(device.node, node, sizeof(device.node)) < sizeof(device.node)) {
		read_name(udev_device, &device);
		read_kinds(udev_device, &device);
		result = search->found(search->context, &device);
	}
	udev_device_unref(udev_device);
	return result;
}

int input_device_find(const struct hm_host *host,
		      int (*found)(void *context, const struct input_device *device), void *context)
{
	struct search search = {.udev = udev_new(), .found = found, .context = context};
	int result;

	if (!search.udev)
		return -ENOMEM;
	result = hm_devices_find(host, "input", "event*", tell_found, &search);
	udev_unref(search.udev);
	return result;
}
