/* SPDX-License-Identifier: MIT */
/*
 * The least that a round of an agent can cost: the files that everybody reads, once a second, by pread on descriptors that
 * stay open, and two statvfs. Nothing is parsed, kept or sent. Runs until it is killed.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const files[] = {
	"/proc/stat",         "/proc/meminfo",        "/proc/vmstat",      "/proc/loadavg",
	"/proc/diskstats",    "/proc/net/dev",        "/proc/net/netstat", "/proc/net/snmp",
	"/proc/net/sockstat", "/proc/sys/fs/file-nr",
};

static const char *const folders[] = {"/", "/run"};

/* @return false: something could not be read, so this is not the floor */
static bool take_round(const int fds[])
{
	static char text[65536];
	struct statvfs stats;
	bool is_whole = true;

	for (size_t i = 0; i < COUNT(files); i++)
		is_whole &= pread(fds[i], text, sizeof(text), 0) > 0;
	for (size_t i = 0; i < COUNT(folders); i++)
		is_whole &= statvfs(folders[i], &stats) == 0;
	return is_whole;
}

int main(void)
{
	int fds[COUNT(files)];
	struct timespec at;

	for (size_t i = 0; i < COUNT(files); i++)
		fds[i] = open(files[i], O_RDONLY | O_CLOEXEC);
	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	while (take_round(fds)) {
		at.tv_sec++;
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
			;
	}
	perror("floor");
	return 1;
}
