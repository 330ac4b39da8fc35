/* SPDX-License-Identifier: MIT */
/* The device node of a mouse or keyboard (evdev), of which only chosen events can be read. */

#include "agent/input_node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define NODE_PREFIX "/dev/input/event"

void input_node_set_bit(unsigned long bits[], unsigned int bit)
{
	bits[bit / INPUT_NODE_LONG_BITS] |= 1UL << bit % INPUT_NODE_LONG_BITS;
}

bool input_node_has_bit(const unsigned long bits[], unsigned int bit)
{
	return bits[bit / INPUT_NODE_LONG_BITS] >> bit % INPUT_NODE_LONG_BITS & 1;
}

/* Nothing but udev's event devices is ever opened, whatever the name says. */
static bool is_event_node(const char *path)
{
	size_t prefix_length = strlen(NODE_PREFIX);
	const char *number = path + prefix_length;

	return strncmp(path, NODE_PREFIX, prefix_length) == 0 && *number != '\0' &&
	       strspn(number, "0123456789") == strlen(number);
}

/* Have only these codes of a type delivered, and see that the kernel will. Type 0: these types. */
static int set_mask(int fd, unsigned int type, const unsigned long bits[], size_t n_bytes)
{
	unsigned long kept[INPUT_NODE_LONGS(KEY_CNT)] = {0};
	struct input_mask mask = {
		.type = type,
		.codes_size = (unsigned int)n_bytes,
		.codes_ptr = (uintptr_t)bits,
	};

	if (ioctl(fd, EVIOCSMASK, &mask) < 0)
		return -errno;
	mask.codes_ptr = (uintptr_t)kept;
	if (ioctl(fd, EVIOCGMASK, &mask) < 0)
		return -errno;
	return memcmp(kept, bits, n_bytes) == 0 ? 0 : -EPROTO;
}

static int set_masks(int fd, const struct input_node_mask *mask)
{
	int result = set_mask(fd, EV_SYN, mask->types, sizeof(mask->types));

	if (result == 0)
		result = set_mask(fd, EV_KEY, mask->keys, sizeof(mask->keys));
	if (result == 0)
		result = set_mask(fd, EV_REL, mask->rels, sizeof(mask->rels));
	if (result == 0)
		result = set_mask(fd, EV_ABS, mask->abss, sizeof(mask->abss));
	return result;
}

/*
 * The masks leave what was queued before them. The change of clock throws that away, and leaves
 * SYN_DROPPED in its place. It cannot be read away here: the kernel holds it back until the next
 * event. Its time tells it from one that says something.
 */
static int begin_queue(int fd)
{
	int clock = CLOCK_MONOTONIC;

	return ioctl(fd, EVIOCSCLOCKID, &clock) < 0 ? -errno : 0;
}

int input_node_open(const char *path, const struct input_node_mask *mask)
{
	int result;
	int fd;

	if (!is_event_node(path))
		return -EINVAL;
	/* For reading only: who can write can type. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	result = set_masks(fd, mask);
	if (result == 0)
		result = begin_queue(fd);
	if (result < 0) {
		close(fd);
		return result;
	}
	return fd;
}

int input_node_get_keys(int fd, unsigned long keys[])
{
	size_t n_bytes = INPUT_NODE_LONGS(KEY_CNT) * sizeof(*keys);

	memset(keys, 0, n_bytes);
	return ioctl(fd, EVIOCGBIT(EV_KEY, n_bytes), keys) < 0 ? -errno : 0;
}

int input_node_get_down(int fd, unsigned long keys[])
{
	size_t n_bytes = INPUT_NODE_LONGS(KEY_CNT) * sizeof(*keys);

	memset(keys, 0, n_bytes);
	return ioctl(fd, EVIOCGKEY(n_bytes), keys) < 0 ? -errno : 0;
}
