/* SPDX-License-Identifier: MIT */
#ifndef AGENT_INPUT_ROLE_H
#define AGENT_INPUT_ROLE_H

/* Which events of a device a role is given (hostmetrics/input.h); the kernel withholds all others. */

#include <stdbool.h>

#include "agent/input_node.h"
#include "hostmetrics/input.h"

/*
 * @param is_tablet  HM_INPUT_CLICKS: the tip of its pen is a button
 * @param request    HM_INPUT_KEYS: the keys; what is a button there is left out
 */
struct input_node_mask input_role_mask(enum hm_input_role role, bool is_tablet,
				       const struct hm_input_request *request);

#endif
