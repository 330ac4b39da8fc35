/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_INPUT_H
#define TESTS_SUPPORT_FAKE_INPUT_H

/*
 * The host's side of hostmetrics/input.h for tests of plugins: devices that come, send events and go as
 * the test says. Their descriptors are pipes.
 */

#include <linux/input.h>

#include "hostmetrics/input.h"

#define FAKE_INPUT_MAX 32

/* When all descriptors were opened. */
#define FAKE_INPUT_SINCE_US 1

/* What the plugin has asked for, once it has; NULL before and after. */
extern const struct hm_input_request *fake_input_request;

/* What hm_open_input() answers. */
extern int fake_input_result;

/* Forget all, close all. */
void fake_input_reset(void);

/*
 * A descriptor opens; before hm_open_input(), it will be there when that is called.
 * @param down  KEY_* codes that are down, ended by 0; NULL = none
 * @return its number
 */
int fake_input_add(const char *name, enum hm_input_role role, const unsigned int *down);

/* Put an event into a descriptor. */
void fake_input_send(int number, int64_t time_us, unsigned int type, unsigned int code, int value);

/* Bytes as they are. */
void fake_input_send_bytes(int number, const void *bytes, size_t n_bytes);

/* Have the plugin read it. @return what it says */
int64_t fake_input_ready(int number);

/* It is closed, as after an unplugging. */
void fake_input_remove(int number);

#endif
