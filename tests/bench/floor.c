/* SPDX-License-Identifier: MIT */
/*
 *     floor [FILE|FOLDER|rtnetlink]...
 *
 * The least that a round of an agent can cost: the kernel's part of it. Once a second each file is read by pread on a
 * descriptor that stays open, each folder is asked for by statfs, and for the word "rtnetlink" the interfaces are dumped.
 * Nothing is parsed, kept or sent. Without arguments: the files that everybody reads. Runs until it is killed.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const everybodys[] = {
	"/proc/stat",
	"/proc/meminfo",
	"/proc/vmstat",
	"/proc/loadavg",
	"/proc/diskstats",
	"/proc/net/dev",
	"/proc/net/netstat",
	"/proc/net/snmp",
	"/proc/net/sockstat",
	"/proc/sys/fs/file-nr",
	"/",
	"/run",
};

/* What a round asks for. */
struct source {
	const char *name;
	int fd; /* of a file, or a socket */
	bool (*ask)(const struct source *source);
};

static char answer[65536];

/* Files that have nothing to tell now, as the speed of an interface that is down, cost as much. */
static bool ask_file(const struct source *source)
{
	return pread(source->fd, answer, sizeof(answer), 0) >= 0 || errno == EINVAL;
}

static bool ask_folder(const struct source *source)
{
	struct statfs stats;

	return statfs(source->name, &stats) == 0;
}

/* Is the last message of a dump among these? */
static bool ends_dump(ssize_t n_bytes)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)answer;
	int n_left = (int)n_bytes; /* as the macros want it: it may fall below 0 */

	for (; NLMSG_OK(message, (unsigned)n_left); message = NLMSG_NEXT(message, n_left)) {
		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			return true;
	}
	return n_bytes <= 0;
}

static bool ask_rtnetlink(const struct source *source)
{
	const struct {
		struct nlmsghdr header;
		struct ifinfomsg body;
	} request = {.header = {.nlmsg_len = sizeof(request),
				.nlmsg_type = RTM_GETLINK,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	bool is_done = false;

	if (send(source->fd, &request, sizeof(request), 0) < 0)
		return false;
	while (!is_done) {
		ssize_t n_bytes = recv(source->fd, answer, sizeof(answer), 0);

		if (n_bytes <= 0)
			return false;
		is_done = ends_dump(n_bytes);
	}
	return true;
}

static void open_source(struct source *source, const char *name)
{
	struct stat found;

	*source = (struct source){.name = name};
	if (strcmp(name, "rtnetlink") == 0) {
		source->ask = ask_rtnetlink;
		source->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
		return;
	}
	source->fd = open(name, O_RDONLY | O_CLOEXEC);
	source->ask =
		fstat(source->fd, &found) == 0 && S_ISDIR(found.st_mode) ? ask_folder : ask_file;
}

/* @return false: something could not be read, so this is not the floor */
static bool take_round(const struct source *sources, size_t n_sources)
{
	for (size_t i = 0; i < n_sources; i++) {
		if (!sources[i].ask(&sources[i])) {
			perror(sources[i].name);
			return false;
		}
	}
	return true;
}

int main(int argc, char *argv[])
{
	const char *const *names = argc > 1 ? (const char *const *)argv + 1 : everybodys;
	size_t n_sources = argc > 1 ? (size_t)argc - 1 : COUNT(everybodys);
	struct source *sources = calloc(n_sources, sizeof(*sources));
	struct timespec at;

	for (size_t i = 0; sources && i < n_sources; i++)
		open_source(&sources[i], names[i]);
	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	while (sources && take_round(sources, n_sources)) {
		at.tv_sec++;
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
			;
	}
	free(sources);
	return 1;
}
