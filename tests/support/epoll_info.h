/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_EPOLL_INFO_H
#define TESTS_SUPPORT_EPOLL_INFO_H

/* What a process has registered with epoll, as the kernel tells it in /proc/PID/fdinfo. */

#include <sys/types.h>

struct epoll_info {
	int n_loops;       /* epoll descriptors */
	int n_descriptors; /* registered with them */
	int n_level_triggered;
	int n_incomplete; /* not for IN, OUT and RDHUP together */
};

/* @return 0 or -errno: no such process, or not ours to look at */
int epoll_info_read(pid_t pid, struct epoll_info *ret_info);

/*
 * What this process has registered beyond what it had `before`: Criterion has loops of its own, not
 * edge-triggered.
 * @return 0 or -errno
 */
int epoll_info_since(const struct epoll_info *before, struct epoll_info *ret_info);

#endif
