/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_FOLDER_WATCH_H
#define PLUGINS_FOLDER_WATCH_H

/*
 * Notice that folders came into a folder of sysfs, or went: mounted file systems, of which udev does not tell. It costs
 * one fstat(2) a round.
 */

#include <sys/stat.h>

#include "hostmetrics/plugin.h"

/* Zeroed = not open. */
struct folder_watch {
	bool is_open;
	int fd;
	nlink_t n_links;            /* sysfs counts the folders in it */
	struct timespec changed_at; /* other file systems tell by the time */
};

/*
 * Begin to watch. What is there now must be looked for after this.
 * @param path  absolute as on a real host: "/sys/fs/xfs"
 * @return 0 or -errno of hm_open() and fstat(2)
 */
int folder_watch_open(struct folder_watch *watch, const struct hm_host *host, const char *path);

/* Has it changed since this was asked for, or opened, last? */
bool folder_watch_ask(struct folder_watch *watch);

/* Takes one that is not open. */
void folder_watch_close(struct folder_watch *watch);

#endif
