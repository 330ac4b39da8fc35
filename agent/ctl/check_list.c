/* SPDX-License-Identifier: MIT */
/* `agentctl check`: which files of metrics and hosts there are. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/check_part.h"
#include "common/array.h"

struct listing {
	struct check *check;
	int hosts;
	int folder; /* of one host */
	const char *folder_name;
};

static int add_file(struct check *check, const struct listing *listing, const char *name,
		    uint64_t length_bytes)
{
	struct check_file *files =
		array_grow(check->files, check->n_files, &check->files_capacity, sizeof(*files));
	struct check_file *file;

	if (!files)
		return -ENOMEM;
	check->files = files;
	file = &files[check->n_files];
	*file = (struct check_file){
		.folder_length = strlen(listing->folder_name),
		.length_bytes = length_bytes,
		.limit_bytes = FILE_NAME_ALL,
	};
	if (asprintf(&file->path, "%s/%s", listing->folder_name, name) < 0)
		return -ENOMEM;
	check->n_files++;
	return 0;
}

static int note_file(struct listing *listing, const char *name)
{
	struct disk_status status;
	int fd;
	int result;

	fd = disk_kernel.open(NULL, listing->folder, name, O_RDONLY);
	result = fd < 0 ? fd : disk_kernel.fstat(NULL, fd, &status);
	if (fd >= 0)
		(void)disk_kernel.close(NULL, fd);
	if (result < 0) {
		check_skip(listing->check, listing->folder_name, name, result);
		return 0;
	}
	return add_file(listing->check, listing, name, status.size_bytes);
}

static int note_metric(void *argument, const char *name)
{
	struct file_name says;

	return file_name_parse(name, &says) == 0 ? note_file(argument, name) : 0;
}

static int note_folder(void *argument, const char *name)
{
	struct listing *listing = argument;
	int result;

	/* The collector passes over such names, too. */
	if (name[0] == '.')
		return 0;
	listing->folder = disk_kernel.open(NULL, listing->hosts, name, O_RDONLY | O_DIRECTORY);
	/* No damage, but perhaps not what was meant. */
	if (listing->folder == -ENOTDIR || listing->folder == -ELOOP) {
		check_say(listing->check, "hosts", name,
			  "no folder: a host of this name has its files in another");
		return 0;
	}
	if (listing->folder < 0) {
		check_skip(listing->check, "hosts", name, listing->folder);
		return 0;
	}
	listing->folder_name = name;
	/* First: what it says that the others hold, they hold when they are noted. */
	result = note_file(listing, STORE_PATH_HOST_FILE);
	if (result == 0)
		result = disk_kernel.list(NULL, listing->folder, note_metric, listing);
	(void)disk_kernel.close(NULL, listing->folder);
	return result;
}

static int compare_files(const void *left, const void *right)
{
	const struct check_file *a = left;
	const struct check_file *b = right;

	return strcmp(a->path, b->path);
}

int check_list_files(struct check *check)
{
	struct listing listing = {.check = check};
	int result;

	listing.hosts = disk_kernel.open(NULL, check->store, "hosts", O_RDONLY | O_DIRECTORY);
	if (listing.hosts < 0)
		return listing.hosts;
	result = disk_kernel.list(NULL, listing.hosts, note_folder, &listing);
	(void)disk_kernel.close(NULL, listing.hosts);
	if (check->n_files > 0)
		qsort(check->files, check->n_files, sizeof(*check->files), compare_files);
	return result;
}
