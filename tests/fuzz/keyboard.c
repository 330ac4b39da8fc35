/* SPDX-License-Identifier: MIT */
/* Fuzz target: what is typed while watching, agent/ctl/keyboard.c and agent/ctl/view.c. */

#include "agent/ctl/keyboard.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/view.h"
#include "common/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void require(bool is_well)
{
	if (!is_well)
		abort();
}

static void check_view(const struct view *view)
{
	struct buffer out = {0};

	require(memchr(view->filter, '\0', sizeof(view->filter)) != NULL);
	view_append_keys(view, &out);
	require(text_is_clean(out.data, out.length));
	buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct view view = {0};
	const char *bytes = (const char *)data;

	while (n_bytes > 0) {
		int key = -1;
		size_t n = keyboard_parse(bytes, n_bytes, &key);

		require(n > 0 && n <= n_bytes && key >= 0 && key <= KEYBOARD_OTHER);
		(void)view_take_key(&view, key);
		check_view(&view);
		bytes += n;
		n_bytes -= n;
	}
	return 0;
}
