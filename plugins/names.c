/* SPDX-License-Identifier: MIT */
/* Names of devices, kept from round to round. */

#include "plugins/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void names_begin(struct names *names)
{
	/* What the last round did not have is gone. */
	names->n_names = names->n_taken;
	names->n_taken = 0;
}

static bool is_called(const struct name *name, struct hm_span word)
{
	return name->length == word.length && memcmp(name->text, word.start, word.length) == 0;
}

/* First among those that had no turn: where one is gone, the next is close by. @return its place; n_names: it is not there */
static size_t find(const struct names *names, struct hm_span word)
{
	for (size_t i = names->n_taken; i < names->n_names; i++) {
		if (is_called(&names->list[i], word))
			return i;
	}
	for (size_t i = 0; i < names->n_taken; i++) {
		if (is_called(&names->list[i], word))
			return i;
	}
	return names->n_names;
}

static int add(struct names *names, struct hm_span word)
{
	struct name *name;

	if (word.length >= sizeof(name->text) || memchr(word.start, '\0', word.length))
		return -ENAMETOOLONG;
	if (names->n_taken == NAMES_MAX)
		return -ENOSPC;
	if (names->n_names == names->capacity) {
		size_t capacity = names->capacity > 0 ? 2 * names->capacity : 16;
		struct name *list = reallocarray(names->list, capacity, sizeof(*list));

		if (!list)
			return -ENOMEM;
		names->list = list;
		names->capacity = capacity;
	}
	name = &names->list[names->n_names++];
	*name = (struct name){.length = word.length};
	memcpy(name->text, word.start, word.length);
	name->is_ignored = hm_globs_take(names->globs, name->text);
	return 0;
}

/* Put the name at a place behind this round's other ones. */
static struct name *take(struct names *names, size_t place)
{
	struct name *name = &names->list[names->n_taken++];

	if (&names->list[place] != name) {
		struct name other = *name;

		*name = names->list[place];
		names->list[place] = other;
	}
	name->number = 0;
	return name;
}

int names_take(struct names *names, struct hm_span word, struct name **ret_name)
{
	size_t place = names->n_taken;

	if (place == names->n_names || !is_called(&names->list[place], word))
		place = find(names, word);
	if (place < names->n_taken) {
		*ret_name = &names->list[place];
		return -EEXIST;
	}
	if (place == names->n_names) {
		int result = add(names, word);

		if (result < 0)
			return result;
	}
	*ret_name = take(names, place);
	return 0;
}

void names_done(struct names *names)
{
	free(names->list);
	*names = (struct names){0};
}
