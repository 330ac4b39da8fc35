/* SPDX-License-Identifier: MIT */
/* What node_exporter calls a chip. */

#include "plugins/hwmon_chip.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/sysfs.h"

#define CLASS "/sys/class/hwmon"

#define PATH_MAX_BYTES 512

void hwmon_chip_clean(char *text)
{
	static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char small_letters[] = "abcdefghijklmnopqrstuvwxyz";
	size_t length = 0;
	size_t n_leading;

	for (const char *at = text; *at; at++) {
		const char *letter = memchr(capitals, *at, sizeof(capitals) - 1);

		/* Of a character of several bytes only the first one counts. */
		if (((unsigned char)*at & 0xc0U) == 0x80U)
			continue;
		if (letter)
			text[length] = small_letters[letter - capitals];
		else if (strchr(small_letters, *at) || strchr("0123456789:_", *at))
			text[length] = *at;
		else
			text[length] = '_';
		length++;
	}
	while (length > 0 && text[length - 1] == '_')
		length--;
	text[length] = '\0';
	n_leading = strspn(text, "_");
	memmove(text, text + n_leading, length - n_leading + 1);
}

/* Go on from a folder to where a link of it points. Links of sysfs point to real folders: no need to look. */
static int follow(char path[static PATH_MAX_BYTES], const char *link)
{
	if (*link == '/')
		path[0] = '\0';
	while (*link) {
		size_t length = strcspn(link, "/");
		size_t n_bytes = strlen(path);

		if (length == 2 && strncmp(link, "..", 2) == 0) {
			char *slash = strrchr(path, '/');

			if (slash)
				*slash = '\0';
		} else if (length > 0 && !(length == 1 && *link == '.')) {
			if (n_bytes + length + 2 > PATH_MAX_BYTES)
				return -ENAMETOOLONG;
			(void)snprintf(path + n_bytes, PATH_MAX_BYTES - n_bytes, "/%.*s",
				       (int)length, link);
		}
		link += length + (link[length] == '/');
	}
	return 0;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool exists(const struct hm_host *host, const char *path)
{
	int fd = hm_open(host, path);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* The folder of the chip's device. @param path  in: the chip's own, "" when it has no device */
static void find_device(const struct hm_host *host, char path[static PATH_MAX_BYTES])
{
	char link_path[PATH_MAX_BYTES + sizeof("/device")];
	char link[PATH_MAX_BYTES];
	int result;

	(void)snprintf(link_path, sizeof(link_path), "%s/device", path);
	result = hm_read_link(host, link_path, link, sizeof(link));
	if (result == -EINVAL)
		result = follow(path, "device");
	else if (result == 0)
		result = exists(host, link_path) ? follow(path, link) : -ENOENT;
	if (result < 0)
		path[0] = '\0';
}

/* "platform_coretemp_0" of /sys/devices/platform/coretemp.0 */
static void name_by_device(struct hwmon_chip *chip, char *path)
{
	char name[HWMON_CHIP_NAME_MAX / 2];
	char type[HWMON_CHIP_NAME_MAX / 2 - 1];
	char *slash = strrchr(path, '/');

	if (!slash)
		return;
	(void)strlcpy(name, slash + 1, sizeof(name));
	hwmon_chip_clean(name);
	*slash = '\0';
	(void)strlcpy(type, last_part(path), sizeof(type));
	hwmon_chip_clean(type);
	if (*name)
		(void)snprintf(chip->base, sizeof(chip->base), "%s%s%s", type, *type ? "_" : "",
			       name);
}

int hwmon_chip_init(struct hwmon_chip *chip, const struct hm_host *host, const char *device)
{
	char path[PATH_MAX_BYTES];
	char real[PATH_MAX_BYTES] = CLASS;
	char link[PATH_MAX_BYTES];
	int result;

	*chip = (struct hwmon_chip){0};
	if (strlcpy(chip->device, device, sizeof(chip->device)) >= sizeof(chip->device))
		return -ENAMETOOLONG;
	(void)snprintf(path, sizeof(path), CLASS "/%s", device);
	result = follow(real, hm_read_link(host, path, link, sizeof(link)) == 0 ? link : device);
	if (result < 0)
		return result;
	(void)strlcpy(path, real, sizeof(path));
	find_device(host, path);
	name_by_device(chip, path);
	(void)snprintf(path, sizeof(path), CLASS "/%s/name", device);
	(void)hm_read_line_of(host, path, chip->own_name, sizeof(chip->own_name));
	hwmon_chip_clean(chip->own_name);
	if (!*chip->base)
		(void)strlcpy(chip->base, chip->own_name, sizeof(chip->base));
	if (!*chip->base) {
		(void)strlcpy(chip->base, last_part(real), sizeof(chip->base));
		hwmon_chip_clean(chip->base);
	}
	return 0;
}
