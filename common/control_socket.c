/* SPDX-License-Identifier: MIT */
/* The place at which a daemon is asked. */

#include "common/control_socket.h"

#include <bsd/libutil.h>
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_MODE   0660
#define PID_FILE_MODE 0644

/*
 * Somebody without our pid file may live at the address (the file was deleted, say).
 * @return 0: nobody does; -EEXIST; -errno
 */
static int check_dead(const struct sockaddr_un *address, int *ret_pid)
{
	struct ucred peer = {0};
	socklen_t length = sizeof(peer);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int result = -EEXIST;

	if (fd < 0)
		return -errno;
	/* EAGAIN: so much alive that its queue is full. */
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 && errno != EAGAIN)
		result = errno == ECONNREFUSED || errno == ENOENT ? 0 : -errno;
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0)
		*ret_pid = peer.pid;
	(void)close(fd);
	return result;
}

/* Remove what an earlier daemon left. Only under the lock of the pid file. */
static int remove_dead(const struct sockaddr_un *address, int *ret_pid)
{
	struct stat status;
	int result;

	if (lstat(address->sun_path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	result = check_dead(address, ret_pid);
	if (result < 0)
		return result;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Nobody can connect before listen(2), and the mode is never wider than in the end. */
static int start_listening(struct control_socket *control)
{
	const struct sockaddr_un *address = &control->address;

	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (control->fd < 0)
		return -errno;
	if (fchmod(control->fd, SOCKET_MODE) < 0)
		return -errno;
	if (bind(control->fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	control->is_bound = true;
	/* The umask may have taken the group's right to write. */
	if (chmod(address->sun_path, SOCKET_MODE) < 0)
		return -errno;
	return listen(control->fd, CONTROL_SOCKET_WAITING_MAX) < 0 ? -errno : 0;
}

static int take_pid_file(struct control_socket *control, int *ret_pid)
{
	char path[sizeof(control->address.sun_path) + sizeof(".pid")];
	pid_t pid = 0;

	(void)snprintf(path, sizeof(path), "%s.pid", control->address.sun_path);
	control->pid_file = pidfile_open(path, PID_FILE_MODE, &pid);
	if (!control->pid_file) {
		if (errno == EEXIST && pid > 0)
			*ret_pid = pid;
		return -errno;
	}
	/* The library leaves it open to programs that are started. */
	if (fcntl(pidfile_fileno(control->pid_file), F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return pidfile_write(control->pid_file) < 0 ? -errno : 0;
}

int control_socket_open(struct control_socket *control, const char *path, int *ret_pid)
{
	int pid = 0;
	int result;

	*control = (struct control_socket){.fd = -1, .address.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(control->address.sun_path))
		return -ENAMETOOLONG;
	(void)strlcpy(control->address.sun_path, path, sizeof(control->address.sun_path));
	result = take_pid_file(control, &pid);
	if (result == 0)
		result = remove_dead(&control->address, &pid);
	if (result == 0)
		result = start_listening(control);
	if (result == -EEXIST)
		*ret_pid = pid;
	return result;
}

void control_socket_close(struct control_socket *control)
{
	if (control->is_bound)
		(void)unlink(control->address.sun_path);
	if (control->fd >= 0)
		(void)close(control->fd);
	/* Last, so that a new daemon does not find the old one's socket. */
	if (control->pid_file)
		(void)pidfile_remove(control->pid_file);
}
