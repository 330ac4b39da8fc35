/* SPDX-License-Identifier: MIT */
/* Input devices that udev believes in, and an evdev that answers like the kernel's. */

#include "tests/support/fake_evdev_umockdev.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/input.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/timestamp.h"

void fake_evdevs_init(struct fake_evdevs *evdevs, UMockdevTestbed *bed)
{
	*evdevs = (struct fake_evdevs){.bed = bed};
	pthread_mutex_init(&evdevs->lock, NULL);
}

void fake_evdevs_done(struct fake_evdevs *evdevs)
{
	for (int i = 0; i < FAKE_EVDEVS_MAX; i++) {
		g_free(evdevs->at[i].path);
		g_clear_object(&evdevs->at[i].handler);
	}
	pthread_mutex_destroy(&evdevs->lock);
}

static unsigned long *mask_bits(struct input_node_mask *mask, unsigned int type)
{
	switch (type) {
	case EV_SYN:
		return mask->types;
	case EV_KEY:
		return mask->keys;
	case EV_REL:
		return mask->rels;
	default:
		return mask->abss;
	}
}

static void answer_mask(struct fake_evdev *evdev, UMockdevIoctlClient *client, bool is_set)
{
	UMockdevIoctlData *mask_data = umockdev_ioctl_data_resolve(
		umockdev_ioctl_client_get_arg(client), 0, sizeof(struct input_mask), NULL);
	const struct input_mask *mask = (const struct input_mask *)(const void *)mask_data->data;
	size_t n_bytes = mask->codes_size;
	UMockdevIoctlData *bits = umockdev_ioctl_data_resolve(
		mask_data, offsetof(struct input_mask, codes_ptr), n_bytes, NULL);
	unsigned long *kept;

	evdev->n_masks += is_set && mask->type == EV_SYN;
	kept = mask_bits(&evdev->masks[(evdev->n_masks - 1) % 8], mask->type);
	if (n_bytes % sizeof(long) != 0 || evdev->error) {
		umockdev_ioctl_client_complete(client, -1, evdev->error ? evdev->error : EINVAL);
		return;
	}
	if (is_set && !evdev->forgets_masks)
		memcpy(kept, bits->data, n_bytes);
	else if (!is_set)
		umockdev_ioctl_data_update(bits, 0, (guint8 *)kept, (gint)n_bytes);
	umockdev_ioctl_client_complete(client, 0, 0);
}

static void answer_bytes(UMockdevIoctlClient *client, const void *bytes, size_t n_bytes)
{
	UMockdevIoctlData *data = umockdev_ioctl_data_resolve(umockdev_ioctl_client_get_arg(client),
							      0, n_bytes, NULL);

	umockdev_ioctl_data_update(data, 0, (guint8 *)bytes, (gint)n_bytes);
	umockdev_ioctl_client_complete(client, (glong)n_bytes, 0);
}

static gboolean on_ioctl(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, void *context)
{
	struct fake_evdev *evdev = context;
	unsigned long request = umockdev_ioctl_client_get_request(client);
	int version = EV_VERSION;

	(void)handler;
	pthread_mutex_lock(&evdev->all->lock);
	if (request == EVIOCSMASK || request == EVIOCGMASK) {
		answer_mask(evdev, client, request == EVIOCSMASK);
	} else if (request == EVIOCSCLOCKID) {
		UMockdevIoctlData *clock = umockdev_ioctl_data_resolve(
			umockdev_ioctl_client_get_arg(client), 0, sizeof(int), NULL);

		memcpy(&evdev->clock, clock->data, sizeof(int));
		umockdev_ioctl_client_complete(client, 0, 0);
	} else if (request == EVIOCGVERSION) {
		answer_bytes(client, &version, sizeof(version));
	} else if (request == EVIOCGBIT(EV_KEY, sizeof(evdev->has_keys))) {
		answer_bytes(client, evdev->has_keys, sizeof(evdev->has_keys));
	} else if (request == EVIOCGKEY(sizeof(evdev->down))) {
		answer_bytes(client, evdev->down, sizeof(evdev->down));
	} else {
		umockdev_ioctl_client_complete(client, -1, ENOTTY);
	}
	pthread_mutex_unlock(&evdev->all->lock);
	return TRUE;
}

void fake_evdevs_add(struct fake_evdevs *evdevs, int number, const char *name,
		     const char *properties)
{
	struct fake_evdev *evdev = &evdevs->at[number];
	char text[1024];
	char node[64];

	(void)snprintf(text, sizeof(text),
		       "P: /devices/fake/input/input%d\nE: SUBSYSTEM=input\nA: name=%s\\n\n\n"
		       "P: /devices/fake/input/input%d/event%d\nN: input/event%d\n"
		       "E: DEVNAME=/dev/input/event%d\nE: SUBSYSTEM=input\nE: ID_INPUT=1\n%s\n",
		       number, name, number, number, number, number, properties);
	cr_assert(umockdev_testbed_add_from_string(evdevs->bed, text, NULL));
	evdev->all = evdevs;
	evdev->path = g_strdup_printf("/sys/devices/fake/input/input%d/event%d", number, number);
	evdev->clock = -1;
	evdev->handler = umockdev_ioctl_base_new();
	g_signal_connect(evdev->handler, "handle-ioctl", G_CALLBACK(on_ioctl), evdev);
	(void)snprintf(node, sizeof(node), "/dev/input/event%d", number);
	cr_assert(umockdev_testbed_attach_ioctl(evdevs->bed, node, evdev->handler, NULL));
}

void fake_evdevs_remove(struct fake_evdevs *evdevs, int number)
{
	umockdev_testbed_uevent(evdevs->bed, evdevs->at[number].path, "remove");
	umockdev_testbed_remove_device(evdevs->bed, evdevs->at[number].path);
}

void fake_evdevs_add_keyboard(struct fake_evdevs *evdevs, int number)
{
	memset(evdevs->at[number].has_keys, 0xff, sizeof(evdevs->at[number].has_keys));
	fake_evdevs_add(evdevs, number, "Fake Keyboard",
			"E: ID_INPUT_KEY=1\nE: ID_INPUT_KEYBOARD=1\n");
}

void fake_evdevs_send(struct fake_evdevs *evdevs, int number, int64_t time_us, unsigned int type,
		      unsigned int code, int value)
{
	char node[64];
	struct input_event event = {
		.type = (unsigned short)type, .code = (unsigned short)code, .value = value};

	event.input_event_sec = (__typeof__(event.input_event_sec))(time_us / TIMESTAMP_SECOND_US);
	event.input_event_usec =
		(__typeof__(event.input_event_usec))(time_us % TIMESTAMP_SECOND_US);
	(void)snprintf(node, sizeof(node), "/dev/input/event%d", number);
	cr_assert_eq(write(umockdev_testbed_get_dev_fd(evdevs->bed, node), &event, sizeof(event)),
		     sizeof(event));
}
