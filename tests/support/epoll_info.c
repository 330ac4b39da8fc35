/* SPDX-License-Identifier: MIT */
/* What a process has registered with epoll. */

#include "tests/support/epoll_info.h"

#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_WANTED ((unsigned long)(EPOLLIN | EPOLLOUT | EPOLLRDHUP))

/* A line is "tfd: 7 events: 8000201f data: ... pos: ... ino: ... sdev: ...". */
static void count_line(const char *line, struct epoll_info *info)
{
	static const char key[] = "events:";
	const char *events_text = strstr(line, key);
	unsigned long events;

	if (strncmp(line, "tfd:", 4) != 0 || !events_text)
		return;
	events = strtoul(events_text + sizeof(key) - 1, NULL, 16);
	info->n_descriptors++;
	if (!(events & EPOLLET))
		info->n_level_triggered++;
	if ((events & EVENTS_WANTED) != EVENTS_WANTED)
		info->n_incomplete++;
}

static int count_loop(int process_fd, const char *name, struct epoll_info *info)
{
	char path[NAME_MAX + sizeof("fdinfo/")];
	char line[512];
	FILE *file;
	int fd;

	(void)snprintf(path, sizeof(path), "fdinfo/%s", name);
	fd = openat(process_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "r");
	if (!file) {
		(void)close(fd);
		return -ENOMEM;
	}
	info->n_loops++;
	while (fgets(line, sizeof(line), file))
		count_line(line, info);
	(void)fclose(file);
	return 0;
}

static int count_descriptor(int process_fd, const char *name, struct epoll_info *info)
{
	char path[NAME_MAX + sizeof("fd/")];
	char target[64];
	ssize_t length;

	(void)snprintf(path, sizeof(path), "fd/%s", name);
	length = readlinkat(process_fd, path, target, sizeof(target) - 1);
	if (length < 0)
		return 0; /* closed meanwhile, or "." and ".." */
	target[length] = '\0';
	return strcmp(target, "anon_inode:[eventpoll]") == 0 ? count_loop(process_fd, name, info)
							     : 0;
}

int epoll_info_read(pid_t pid, struct epoll_info *ret_info)
{
	struct epoll_info info = {0};
	const struct dirent *entry;
	char path[64];
	DIR *folder;
	int process_fd;
	int result = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	process_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (process_fd < 0)
		return -errno;
	(void)strlcat(path, "/fd", sizeof(path));
	folder = opendir(path);
	if (!folder) {
		result = -errno;
		goto out;
	}
	while (result == 0 && (entry = readdir(folder)))
		result = count_descriptor(process_fd, entry->d_name, &info);
	(void)closedir(folder);
out:
	(void)close(process_fd);
	if (result == 0)
		*ret_info = info;
	return result;
}

int epoll_info_since(const struct epoll_info *before, struct epoll_info *ret_info)
{
	struct epoll_info info = {0};
	int result = epoll_info_read(getpid(), &info);

	if (result < 0)
		return result;
	info.n_loops -= before->n_loops;
	info.n_descriptors -= before->n_descriptors;
	info.n_level_triggered -= before->n_level_triggered;
	info.n_incomplete -= before->n_incomplete;
	*ret_info = info;
	return 0;
}
