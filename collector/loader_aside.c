/* SPDX-License-Identifier: MIT */
/* What the loader does with what it cannot use. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "collector/loader_part.h"
#include "common/message.h"
#include "common/text.h"

#define ASIDE_ENDING ".damaged"
#define ASIDE_TRIES  100
#define PATH_BYTES   (CATALOG_FILE_NAME_BYTES * 2)

void loader_note_error(struct loader *loader, const char *name, const char *why)
{
	struct engine_stats *stats = &loader->engine->stats;

	loader->result.n_files_aside++;
	(void)snprintf(stats->last_error, sizeof(stats->last_error), "hosts/%s%s%s: %s",
		       loader->folder, *name ? "/" : "", name, why);
}

void loader_pass_over(struct loader *loader, const char *name, const char *why)
{
	loader_note_error(loader, name, why);
	message_warning("%s/%s: %s; left alone", loader->folder, name, why);
}

/* Is it the folder of a host of that name, and not somebody else's? @param base  its length without number */
static bool is_folder_of(const struct loader *loader, size_t base, const char *name, int length)
{
	char escaped[FILE_NAME_MAX_BYTES];

	if (length <= 0 || length > HM_HOST_NAME_MAX_BYTES || !text_is_clean(name, (size_t)length))
		return false;
	file_name_escape(name, (size_t)length, escaped);
	return strlen(escaped) == base && strncmp(escaped, loader->folder, base) == 0 &&
	       host_folders_has(&loader->engine->catalog.folders, loader->folder);
}

/* A host that only its folder's name tells of: who comes by its name shall not append to what is there. */
static void find_host(struct loader *loader)
{
	char name[FILE_NAME_MAX_BYTES];
	size_t base = file_name_folder_base(loader->folder);
	int length = file_name_unescape(loader->folder, base, name);
	struct catalog_host *host;

	if (is_folder_of(loader, base, name, length) &&
	    catalog_get_host(&loader->engine->catalog, name, (size_t)length, &host) == 0 &&
	    loader_adopt_host(loader->engine, host) == 0)
		loader->host = host;
}

/* Is the disk to be asked again soon? */
static bool await(struct loader *loader, const char *name, int error)
{
	struct loader_result *result = &loader->result;

	if (!disk_is_withheld(error) || !engine_awaits_disk(loader->engine))
		return false;
	if (result->withheld == 0) {
		(void)snprintf(result->withheld_what, sizeof(result->withheld_what),
			       "hosts/%.40s%s%.40s cannot be read", loader->folder,
			       *name ? "/" : "", name);
	}
	result->withheld = error;
	return true;
}

void loader_pass_over_for_now(struct loader *loader, const char *name, int error)
{
	if (!loader->host && disk_is_damage(error))
		find_host(loader);
	loader->result.has_unread = true;
	loader_note_error(loader, name, strerror(-error));
	if (loader->host)
		loader->host->is_unread = true;
	if (await(loader, name, error))
		return;
	message_error("%s/%s: %s; the host's samples stay in the log until it can be read, at the "
		      "next start",
		      loader->folder, name, strerror(-error));
}

void loader_set_aside(struct loader *loader, int folder, const char *name, const char *why)
{
	const struct disk *disk = loader->engine->options.disk;
	char aside[PATH_BYTES];
	int result = -EEXIST;

	/* It may be one that an unfinished checkpoint wrote. */
	if (loader->result.unlisted < 0 || loader->recovery->withheld.error < 0) {
		loader_pass_over(loader, name, why);
		return;
	}
	for (int i = 0; i < ASIDE_TRIES && result == -EEXIST; i++) {
		int fd;

		(void)snprintf(aside, sizeof(aside), i ? "%s%s-%d" : "%s%s", name, ASIDE_ENDING, i);
		fd = disk->open(disk->context, folder, aside, O_RDONLY);
		result = fd >= 0 ? -EEXIST : 0;
		if (fd >= 0)
			(void)disk->close(disk->context, fd);
	}
	if (result == 0)
		result = disk->rename(disk->context, folder, name, aside);
	loader_note_error(loader, name, why);
	if (result < 0) {
		message_warning("%s/%s: %s; it could not be set aside either: %s", loader->folder,
				name, why, strerror(-result));
	} else {
		message_warning("%s/%s: %s; set aside as %s", loader->folder, name, why, aside);
	}
}

void loader_tell_unusable(struct loader *loader, int folder, const char *name, int result)
{
	switch (result) {
	case -EINVAL:
	case -EBADMSG:
	case -ELOOP: /* a symbolic link */
	case -ENXIO: /* a socket */
		loader_set_aside(loader, folder, name,
				 "not a metric file, or its header is damaged");
		break;
	case -ENOTSUP:
		loader_pass_over(loader, name, "of a format that this version does not know");
		break;
	case -EXDEV:
		loader_pass_over(loader, name,
				 "it holds another host, metric or part than its path says");
		break;
	case -EREMOTE:
		loader_pass_over(loader, name, "it is of another store");
		break;
	default:
		loader_pass_over_for_now(loader, name, result);
	}
}
