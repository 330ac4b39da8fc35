/* SPDX-License-Identifier: MIT */
#ifndef AGENT_INPUT_NODE_H
#define AGENT_INPUT_NODE_H

/* The device node of a mouse or keyboard (evdev), of which only chosen events can be read. */

#include <limits.h>
#include <linux/input.h>
#include <stdbool.h>

/* The kernel's bit maps are arrays of longs. */
#define INPUT_NODE_LONG_BITS     (sizeof(unsigned long) * CHAR_BIT)
#define INPUT_NODE_LONGS(n_bits) (((n_bits) + INPUT_NODE_LONG_BITS - 1) / INPUT_NODE_LONG_BITS)

/* The events that are delivered; zeroed = none. EV_SYN always is. */
struct input_node_mask {
	unsigned long types[INPUT_NODE_LONGS(EV_CNT)];
	unsigned long keys[INPUT_NODE_LONGS(KEY_CNT)];
	unsigned long rels[INPUT_NODE_LONGS(REL_CNT)];
	unsigned long abss[INPUT_NODE_LONGS(ABS_CNT)];
};

void input_node_set_bit(unsigned long bits[], unsigned int bit);
bool input_node_has_bit(const unsigned long bits[], unsigned int bit);

/*
 * Open an event device for reading. The kernel withholds what is not in the mask from the first event
 * on; times are CLOCK_MONOTONIC. SYN_DROPPED of a time before the return tells of no loss.
 * @param path  "/dev/input/event3"
 * @return a non-blocking descriptor; -EINVAL for another kind of path; -EPROTO when the kernel does
 * not withhold what it was told to; -errno of open(2) or of evdev
 */
int input_node_open(const char *path, const struct input_node_mask *mask);

/* The keys that the device has, or that are down on it now; `keys` holds KEY_CNT bits. 0 or -errno. */
int input_node_get_keys(int fd, unsigned long keys[]);
int input_node_get_down(int fd, unsigned long keys[]);

#endif
