/* SPDX-License-Identifier: MIT */
#ifndef AGENT_INPUT_H
#define AGENT_INPUT_H

/*
 * The input devices that are open for one plugin (hostmetrics/input.h). Everything here is called on
 * the thread that runs the plugin's verbs, but for input_find_report().
 */

#include <bsd/sys/queue.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/input_device.h"
#include "common/loop.h"
#include "hostmetrics/input.h"

/* A descriptor that was opened anew because events were lost is left alone for so long. */
#define INPUT_REOPEN_US INT64_C(1000000)

/* What became of a device, for people. */
struct input_report {
	char node[INPUT_DEVICE_NODE_MAX];
	bool is_used;
	char why[320];
};

struct input_reports {
	struct input_report *at;
	size_t n_reports;
};

TAILQ_HEAD(input_list, input_channel);

struct input {
	struct loop *loop; /* of that thread, borrowed; NULL = none, so nothing can be opened */
	const struct hm_host *host;
	const struct hm_input_request *request; /* NULL = nothing is open */
	void *state;
	struct input_list channels;
	char problem
		[240]; /* why hm_open_input() failed; "" = its error says all; the starter clears it */
	bool is_incomplete; /* a device was lost, or could not be opened */
	pthread_mutex_t lock;
	struct input_reports reports; /* under the lock; they outlive the descriptors */
};

/* @param host  of the plugin, borrowed */
void input_init(struct input *input, const struct hm_host *host);

/* Everything must have been closed. */
void input_done(struct input *input);

bool input_is_open(const struct input *input);

/* Is something not open that should be, so that input_update() may help one day? */
bool input_is_incomplete(const struct input *input);

/* Devices came or went: open those that are new, close those that are gone, leave the others alone. */
void input_update(struct input *input);

/* What became of a device when it was last looked at. From any thread. @return false = not known */
bool input_find_report(struct input *input, const char *node, struct input_report *ret_report);

#endif
