/* SPDX-License-Identifier: MIT */
/* Which of a file's parts count, and where it is gone on with. */

#include <assert.h>
#include <errno.h>

#include "collector/loader_part.h"
#include "common/array.h"

struct parts {
	struct loader *loader;
	int folder;
	const struct found *found;
	size_t n;
	/* The part that counts of those that were looked at last: it says how much of the next one does. */
	const struct found *behind;
	/* Where the file is gone on with, should that be none of those that were loaded. */
	bool has_next;
	uint32_t next_part;
	uint64_t next_continues;
};

enum catalog_side loader_side(const struct found *found)
{
	return found->says.is_odd ? CATALOG_SIDE_ODD : CATALOG_SIDE_MAIN;
}

bool loader_is_fatal(int result)
{
	return result == -ENOMEM || result == -EMFILE || result == -ENFILE;
}

/* How many of the first have numbers that are far above the others'? */
static size_t count_far(const struct found *found, size_t n)
{
	uint32_t below = found[n - 1].says.part;
	size_t i = n;

	while (i > 0 && !file_name_is_far(found[i - 1].says.part, below))
		below = found[--i].says.part;
	return i;
}

/* What is gone on with is the last part, or behind it; only the first call counts. */
static void go_on(struct parts *parts, uint32_t part, uint64_t continues_bytes)
{
	if (parts->loader->has_end)
		return;
	parts->loader->has_end = true;
	parts->has_next = true;
	parts->next_part = part;
	parts->next_continues = continues_bytes;
}

/* So much of a part counts. */
static uint64_t limit_of(const struct parts *parts, const struct found *found)
{
	const struct found *behind = parts->behind;

	return behind && behind->says.part - 1 == found->says.part ? behind->says.continues_bytes
								   : FILE_NAME_ALL;
}

/* A file that an unfinished checkpoint made: nothing of it counts. Where it is not there any more it is made
 * anew. What it says of the part before holds on. */
static void take_undone(struct parts *parts, const struct found *found)
{
	const struct file_name *says = &found->says;

	if (found->is_undone)
		go_on(parts, says->part, says->continues_bytes);
	else
		go_on(parts, says->part + 1, 0);
	parts->behind = found;
}

static bool was_begun(const struct parts *parts, const struct found *found)
{
	const struct loader *loader = parts->loader;
	const struct cut *cut = NULL;

	if (loader->host)
		cut = cuts_find(&loader->recovery->cuts, loader->host, found->name);
	return cut && cut->length_bytes == 0;
}

/* Is a file for certain not what its path says? Then it is as if it were not there. */
static bool is_none(int result)
{
	return result == -EINVAL || result == -EBADMSG || result == -ELOOP || result == -ENXIO ||
	       result == -EXDEV || result == -EREMOTE;
}

/*
 * A file that cannot be used. Where it may be ours, and of use one day, what its name says counts, its number
 * is not used again, and all that is whole in it will count. Where a part is behind it there was one of this
 * number, which cut the one before: its name counts, and is kept, whatever the matter is with its bytes.
 */
static void pass_over(struct parts *parts, const struct found *found, int result)
{
	bool is_followed = parts->behind && parts->behind->says.part - 1 == found->says.part;

	if (is_none(result) && is_followed) {
		loader_pass_over(parts->loader, found->name,
				 "its header is damaged, its name counts");
	} else {
		loader_tell_unusable(parts->loader, parts->folder, found->name, result);
	}
	if (is_none(result) && !is_followed)
		return;
	go_on(parts, found->says.part + 1, FILE_NAME_ALL);
	parts->behind = found;
}

int loader_release(struct loader *loader, const struct found *found, uint64_t front_bytes)
{
	struct engine *engine = loader->engine;
	struct engine_release *grown;

	/* Only where the log says that it did. */
	if (!loader->is_logged || found->is_undone)
		return 0;
	grown = array_grow(engine->releases, engine->n_releases, &engine->releases_capacity,
			   sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	engine->releases = grown;
	grown[engine->n_releases++] = (struct engine_release){
		.file = loader->file,
		.side = loader_side(found),
		.part = found->says.part,
		.continues_bytes = found->says.continues_bytes,
		.front_bytes = front_bytes,
	};
	return 0;
}

static int load_part(struct parts *parts, const struct found *found)
{
	struct loader *loader = parts->loader;

	/* A part behind this one took its place. */
	if (loader->has_front)
		return loader_release(loader, found, 0);
	if (parts->behind && parts->behind->says.part == found->says.part) {
		/* The same one, which is there all the same. */
		if (!found->is_undone)
			loader_pass_over(loader, found->name, "another file is this part");
		return 0;
	}
	if (was_begun(parts, found)) {
		take_undone(parts, found);
		return 0;
	}
	loader->limit_bytes = limit_of(parts, found);
	/* Nothing of it counts, so nothing of it is read: neither where that is not even a header. */
	if (loader->limit_bytes > sizeof(struct hm_file_header)) {
		int result = loader_load_metric(loader, parts->folder, found);

		id_map_done(&loader->ids);
		if (loader_is_fatal(result))
			return result;
		if (result < 0) {
			pass_over(parts, found, result);
			return 0;
		}
	}
	parts->behind = found;
	return 0;
}

/* Where the file is gone on with, should no part say so itself. */
static int note_next(const struct parts *parts)
{
	struct catalog *catalog = &parts->loader->engine->catalog;
	struct file_name next = parts->found->says;

	if (!parts->has_next)
		return 0;
	next.part = parts->next_part;
	next.continues_bytes = parts->next_continues;
	if (!parts->loader->file)
		return catalog_start_at(catalog, parts->loader->folder, &next);
	catalog_go_on(catalog, parts->loader->file, loader_side(parts->found), next.part,
		      next.continues_bytes);
	return 0;
}

int loader_load_parts(struct loader *loader, int folder, const struct found *found, size_t n)
{
	struct parts parts = {.loader = loader, .folder = folder, .found = found, .n = n};
	size_t n_far;
	int result = 0;

	assert(found && n > 0);
	n_far = count_far(found, n);
	loader->has_end = false;
	loader->has_front = false;
	loader->tombstones.n = 0;
	for (size_t i = 0; i < n_far; i++)
		loader_pass_over(loader, found[i].name, "its number is far above all others");
	for (size_t i = n_far; i < n && result == 0; i++)
		result = load_part(&parts, &found[i]);
	return result == 0 ? note_next(&parts) : result;
}
