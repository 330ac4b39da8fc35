/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_VIEW_H
#define AGENT_CTL_VIEW_H

/* What a person chose to see, by options and keys: a filter and an order. No terminal here. */

#include <stdbool.h>

#include "agent/ctl/board.h"
#include "common/buffer.h"

/* A filter is shorter than this. */
#define VIEW_FILTER_MAX_BYTES 256

/* Zeroed = everything, as it comes. */
struct view {
	char filter[VIEW_FILTER_MAX_BYTES];
	bool is_typing; /* keys go into the filter */
	struct board_order order;
};

/* What a key came to. */
enum view_change {
	VIEW_SAME,
	VIEW_CHANGED, /* draw anew */
	VIEW_QUIT,
};

/* The names of columns to sort by, ended by NULL. */
extern const char *const view_columns[];

/* Read "value", or "-value" for the largest first. @return 0 or -EINVAL */
int view_parse_order(const char *text, struct board_order *ret_order);

/* @param key  enum keyboard_key */
enum view_change view_take_key(struct view *view, int key);

/* Append how the rows are sorted: ", by value, descending"; nothing for the order in which they come. */
void view_append_order(const struct view *view, struct buffer *out);

/* Append what the keys do, or the filter that is being typed. Printable. */
void view_append_keys(const struct view *view, struct buffer *out);

#endif
