/* SPDX-License-Identifier: MIT */
/* What a person chose to see, by options and keys. */

#include "agent/ctl/view.h"

#include <errno.h>
#include <string.h>

#include "agent/ctl/cell.h"
#include "agent/ctl/keyboard.h"

const char *const view_columns[] = {"host", "series", "kind", "unit", "value", "rate", "age", NULL};

/* What a letter sorts by, and whether the largest come first: those are looked for. */
static const struct {
	char letter;
	struct board_order order;
} letters[] = {
	{'h', {"host", false}}, {'s', {"series", false}}, {'u', {"unit", false}},
	{'v', {"value", true}}, {'r', {"rate", true}},    {'a', {"age", false}},
};

#define N_LETTERS (sizeof(letters) / sizeof(letters[0]))

int view_parse_order(const char *text, struct board_order *ret_order)
{
	bool is_descending = *text == '-';

	for (size_t i = 0; view_columns[i]; i++) {
		if (strcmp(view_columns[i], text + is_descending) == 0) {
			*ret_order = (struct board_order){view_columns[i], is_descending};
			return 0;
		}
	}
	return -EINVAL;
}

/* Take the last character off, which may be several bytes. */
static void drop_last(char *text)
{
	size_t length = strlen(text);

	while (length > 0 && ((unsigned char)text[length - 1] & 0xc0) == 0x80)
		length--;
	text[length > 0 ? length - 1 : 0] = '\0';
}

static enum view_change type_filter(struct view *view, int key)
{
	size_t length = strlen(view->filter);

	switch (key) {
	case '\n':
		view->is_typing = false;
		return VIEW_CHANGED;
	case KEYBOARD_ESCAPE:
		view->is_typing = false;
		view->filter[0] = '\0';
		return VIEW_CHANGED;
	case KEYBOARD_CLEAR:
		view->filter[0] = '\0';
		return VIEW_CHANGED;
	case KEYBOARD_BACKSPACE:
		drop_last(view->filter);
		return VIEW_CHANGED;
	default:
		break;
	}
	if (key < ' ' || key > 0xff || length == sizeof(view->filter) - 1)
		return VIEW_SAME;
	view->filter[length] = (char)key;
	view->filter[length + 1] = '\0';
	return VIEW_CHANGED;
}

static enum view_change sort_by(struct view *view, const struct board_order *order)
{
	if (view->order.column && strcmp(view->order.column, order->column) == 0)
		view->order.is_descending = !view->order.is_descending;
	else
		view->order = *order;
	return VIEW_CHANGED;
}

enum view_change view_take_key(struct view *view, int key)
{
	if (view->is_typing)
		return type_filter(view, key);
	switch (key) {
	case 'q':
		return VIEW_QUIT;
	case '/':
		view->is_typing = true;
		return VIEW_CHANGED;
	case KEYBOARD_ESCAPE:
		view->filter[0] = '\0';
		return VIEW_CHANGED;
	default:
		break;
	}
	for (size_t i = 0; i < N_LETTERS; i++) {
		if (letters[i].letter == key)
			return sort_by(view, &letters[i].order);
	}
	return VIEW_SAME;
}

void view_append_order(const struct view *view, struct buffer *out)
{
	if (view->order.column) {
		buffer_printf(out, ", by %s%s", view->order.column,
			      view->order.is_descending ? ", descending" : "");
	}
}

void view_append_keys(const struct view *view, struct buffer *out)
{
	if (view->filter[0] != '\0' || view->is_typing) {
		buffer_append_text(out, "filter: ");
		cell_append_safe(out, view->filter);
	}
	if (view->is_typing)
		return;
	if (view->filter[0] != '\0')
		buffer_append_text(out, " (Esc ends it)  ");
	buffer_append_text(out, "q quit  / filter  sort:");
	for (size_t i = 0; i < N_LETTERS; i++)
		buffer_printf(out, " %c %s", letters[i].letter, letters[i].order.column);
	buffer_append_text(out, " (again: reverse)  arrows scroll");
}
