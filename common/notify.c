/* SPDX-License-Identifier: MIT */
/* Tell systemd how the service is. */

#include "common/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/timestamp.h"

/* @return length of the address, or -errno */
static int set_address(const char *path, struct sockaddr_un *ret_address)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);

	if (path[0] != '/' && path[0] != '@')
		return -EAFNOSUPPORT;
	if (length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length);
	/* '@' stands for the NUL of the abstract namespace. */
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	*ret_address = address;
	return (int)(offsetof(struct sockaddr_un, sun_path) + length);
}

int notify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	ssize_t n_sent;
	int length;
	int fd;

	if (!path || !*path)
		return 0;
	length = set_address(path, &address);
	if (length < 0)
		return length;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* May wait for the service manager, as sd_notify(3) does: READY=1 must not get lost. */
	n_sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
			(socklen_t)length);
	length = n_sent < 0 ? -errno : 0;
	(void)close(fd);
	return length;
}

int notify_reloading(void)
{
	char state[64];

	/* With the time systemd tells this reload from one before. */
	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		       timestamp_monotonic_us());
	return notify_send(state);
}
