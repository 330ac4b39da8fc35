/* SPDX-License-Identifier: MIT */
#ifndef COMMON_CONTROL_SOCKET_H
#define COMMON_CONTROL_SOCKET_H

/*
 * The place at which a daemon is asked: a socket at a path (mode 0660), which replaces a dead one, and a pid
 * file beside it, PATH.pid, held locked, by which a second daemon is kept out.
 */

#include <stdbool.h>
#include <sys/un.h>

/* Clients that may wait in the kernel until they are accepted. */
#define CONTROL_SOCKET_WAITING_MAX 64

struct pidfh;

struct control_socket {
	int fd; /* listens, and does not block; -1 = not open */
	struct sockaddr_un address;
	bool is_bound;
	struct pidfh *pid_file;
};

/*
 * @param ret_pid  the pid of the daemon that has the socket, when the result is -EEXIST; 0: not known
 * @return 0; -EEXIST; -ENAMETOOLONG (a socket's path holds 107 bytes); -errno: to be closed then as well
 */
int control_socket_open(struct control_socket *control, const char *path, int *ret_pid);

/* Remove the socket, then the pid file. Takes one that could not be opened, or whose fd is -1 and all else 0. */
void control_socket_close(struct control_socket *control);

#endif
