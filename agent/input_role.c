/* SPDX-License-Identifier: MIT */
/* Which events of a device a role is given. */

#include "agent/input_role.h"

#include <linux/input.h>
#include <stddef.h>
#include <string.h>

/* Buttons that are clicks; BTN_TOUCH is one on tablets only. */
struct buttons {
	unsigned int first;
	unsigned int last;
};

static const struct buttons buttons[] = {
	{BTN_MISC, BTN_9},
	{BTN_MOUSE, BTN_TASK},
	{BTN_STYLUS3, BTN_STYLUS3},
	{BTN_STYLUS, BTN_STYLUS2},
};

static const unsigned int wheels[] = {REL_WHEEL, REL_HWHEEL};

static void want_motion(struct input_node_mask *mask)
{
	input_node_set_bit(mask->types, EV_REL);
	input_node_set_bit(mask->types, EV_ABS);
	memset(mask->rels, 0xff, sizeof(mask->rels));
	memset(mask->abss, 0xff, sizeof(mask->abss));
	for (size_t i = 0; i < sizeof(wheels) / sizeof(wheels[0]); i++)
		mask->rels[0] &= ~(1UL << wheels[i]);
	mask->rels[0] &= ~(1UL << REL_WHEEL_HI_RES | 1UL << REL_HWHEEL_HI_RES);
}

static void want_clicks(struct input_node_mask *mask, bool is_tablet)
{
	input_node_set_bit(mask->types, EV_KEY);
	input_node_set_bit(mask->types, EV_REL);
	for (size_t i = 0; i < sizeof(buttons) / sizeof(buttons[0]); i++) {
		for (unsigned int code = buttons[i].first; code <= buttons[i].last; code++)
			input_node_set_bit(mask->keys, code);
	}
	if (is_tablet)
		input_node_set_bit(mask->keys, BTN_TOUCH);
	for (size_t i = 0; i < sizeof(wheels) / sizeof(wheels[0]); i++)
		input_node_set_bit(mask->rels, wheels[i]);
}

static void want_keys(struct input_node_mask *mask, const struct hm_input_request *request)
{
	input_node_set_bit(mask->types, EV_KEY);
	for (size_t i = 0; i < request->n_keys; i++) {
		if (request->keys[i] < BTN_MISC || request->keys[i] >= KEY_OK)
			input_node_set_bit(mask->keys, request->keys[i]);
	}
}

struct input_node_mask input_role_mask(enum hm_input_role role, bool is_tablet,
				       const struct hm_input_request *request)
{
	struct input_node_mask mask = {.types = {0}};

	/* EV_SYN is always delivered; it stands here because the kernel reads it back so. */
	input_node_set_bit(mask.types, EV_SYN);
	switch (role) {
	case HM_INPUT_MOTION:
		want_motion(&mask);
		break;
	case HM_INPUT_CLICKS:
		want_clicks(&mask, is_tablet);
		break;
	case HM_INPUT_KEYS:
		want_keys(&mask, request);
		break;
	}
	return mask;
}
