/* SPDX-License-Identifier: MIT */
/* Notice that folders came into a folder, or went. */

#include "plugins/folder_watch.h"

#include <errno.h>
#include <unistd.h>

#include "hostmetrics/sysfs.h"

int folder_watch_open(struct folder_watch *watch, const struct hm_host *host, const char *path)
{
	int fd = hm_open(host, path);

	if (fd < 0)
		return fd;
	*watch = (struct folder_watch){.is_open = true, .fd = fd};
	(void)folder_watch_ask(watch);
	return 0;
}

bool folder_watch_ask(struct folder_watch *watch)
{
	struct folder_watch last = *watch;
	struct stat now;

	/* What cannot be asked any more is looked at again. */
	if (fstat(watch->fd, &now) < 0)
		return true;
	watch->n_links = now.st_nlink;
	watch->changed_at = now.st_mtim;
	return watch->n_links != last.n_links ||
	       watch->changed_at.tv_sec != last.changed_at.tv_sec ||
	       watch->changed_at.tv_nsec != last.changed_at.tv_nsec;
}

void folder_watch_close(struct folder_watch *watch)
{
	if (watch->is_open)
		close(watch->fd);
	*watch = (struct folder_watch){0};
}
