/* SPDX-License-Identifier: MIT */
/* Devices of a subsystem: from libudev, or below a fixture root from its sys/class folder. Entries of any folder. */

#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <libudev.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hostmetrics/sysfs.h"

/* A device's name is an entry of a folder. */
struct name {
	char text[NAME_MAX + 1];
};

/* The names found so far. */
struct devices {
	struct name *names;
	size_t n_names;
	size_t capacity;
};

static int devices_add(struct devices *devices, const char *name)
{
	if (devices->n_names == devices->capacity) {
		size_t capacity = devices->capacity ? 2 * devices->capacity : 16;
		struct name *names = reallocarray(devices->names, capacity, sizeof(*names));

		if (!names)
			return -ENOMEM;
		devices->names = names;
		devices->capacity = capacity;
	}
	if (strlcpy(devices->names[devices->n_names].text, name, sizeof(*devices->names)) >=
	    sizeof(*devices->names))
		return -ENAMETOOLONG;
	devices->n_names++;
	return 0;
}

static int compare_names(const void *left, const void *right)
{
	const struct name *left_name = left;
	const struct name *right_name = right;

	return strverscmp(left_name->text, right_name->text);
}

static int list_folder(struct devices *devices, DIR *folder, const char *pattern)
{
	for (;;) {
		errno = 0;

		const struct dirent *entry = readdir(folder);

		if (!entry)
			return -errno;
		if (fnmatch(pattern, entry->d_name, FNM_PERIOD) != 0)
			continue;

		int result = devices_add(devices, entry->d_name);

		if (result < 0)
			return result;
	}
}

static int list_path(struct devices *devices, const struct hm_host *host, const char *path,
		     const char *pattern)
{
	DIR *folder;
	int result;
	int fd = hm_open(host, path);

	if (fd < 0)
		return fd;
	folder = fdopendir(fd);
	if (!folder) {
		result = -errno;
		close(fd);
		return result;
	}
	result = list_folder(devices, folder, pattern);
	closedir(folder);
	return result;
}

static int list_class(struct devices *devices, const struct hm_host *host, const char *subsystem,
		      const char *pattern)
{
	char path[256];
	int length = snprintf(path, sizeof(path), "/sys/class/%s", subsystem);
	int result;

	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	result = list_path(devices, host, path, pattern);
	return result == -ENOENT ? 0 : result;
}

static int scan_udev(struct udev_enumerate *enumerate, const char *subsystem, const char *pattern)
{
	int result = udev_enumerate_add_match_subsystem(enumerate, subsystem);

	if (result >= 0)
		result = udev_enumerate_add_match_sysname(enumerate, pattern);
	if (result >= 0)
		result = udev_enumerate_scan_devices(enumerate);
	return result;
}

static int list_udev(struct devices *devices, const char *subsystem, const char *pattern)
{
	struct udev *udev = udev_new();
	struct udev_enumerate *enumerate = udev ? udev_enumerate_new(udev) : NULL;
	int result = enumerate ? scan_udev(enumerate, subsystem, pattern) : -ENOMEM;
	struct udev_list_entry *entry = NULL;

	if (result >= 0)
		entry = udev_enumerate_get_list_entry(enumerate);
	for (; entry && result >= 0; entry = udev_list_entry_get_next(entry)) {
		/* The name is the end of the path below /sys: no need to open the device. */
		const char *slash = strrchr(udev_list_entry_get_name(entry), '/');

		if (slash)
			result = devices_add(devices, slash + 1);
	}
	udev_enumerate_unref(enumerate);
	udev_unref(udev);
	return result < 0 ? result : 0;
}

/* Call `found` for each, in order, and forget them. @param result  of listing them */
static int find_each(struct devices *devices, int result,
		     int (*found)(void *context, const char *name), void *context)
{
	if (devices->n_names > 0)
		qsort(devices->names, devices->n_names, sizeof(*devices->names), compare_names);
	for (size_t i = 0; result == 0 && i < devices->n_names; i++)
		result = found(context, devices->names[i].text);
	free(devices->names);
	return result;
}

int hm_devices_find(const struct hm_host *host, const char *subsystem, const char *pattern,
		    int (*found)(void *context, const char *device), void *context)
{
	struct devices devices = {0};
	int result = hm_is_redirected(host) ? list_class(&devices, host, subsystem, pattern)
					    : list_udev(&devices, subsystem, pattern);

	return find_each(&devices, result, found, context);
}

int hm_folder_find(const struct hm_host *host, const char *path, const char *pattern,
		   int (*found)(void *context, const char *name), void *context)
{
	struct devices devices = {0};
	int result = list_path(&devices, host, path, pattern);

	return find_each(&devices, result, found, context);
}
