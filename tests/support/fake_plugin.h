/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_PLUGIN_H
#define TESTS_SUPPORT_FAKE_PLUGIN_H

/*
 * A plugin that does what a test wants it to, and notes what the agent does with it. It aborts when
 * the agent breaks the contract of hostmetrics/plugin.h: memory that is not zeroed, verbs that
 * overlap or come in the wrong order.
 */

#include <stdatomic.h>

#include "hostmetrics/plugin.h"

/* Any thread may look and set. Zeroed = it runs, and emits a value for the device "". */
struct fake_plugin_control {
	_Atomic int start_result;
	_Atomic int get_result;
	_Atomic(const char *) file;   /* opened at the start, which does without it; NULL = none */
	_Atomic int missing;          /* not 0: the value is reported missing with this -errno */
	_Atomic(const char *) device; /* the label; NULL = "" */
	_Atomic int n_events;         /* that happened since the last cleanup() */
	_Atomic bool is_gone;         /* emits nothing */
	_Atomic bool blocks;          /* get_current_state() does not come back while this is set */

	_Atomic int n_starts;
	_Atomic int n_gets;
	_Atomic int n_cleanups;
	_Atomic int n_stops;
};

extern struct fake_plugin_control fake_plugin_control;

/* fake_value{device} counts its rounds, fake_events_total{device} the events. */
extern const struct hm_plugin fake_plugin;

#endif
