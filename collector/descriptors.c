/* SPDX-License-Identifier: MIT */
/* Who may have how many descriptors. */

#include "collector/descriptors.h"

#include <fcntl.h>

#include "common/control_server.h"

/* Descriptors are given out from below: at start nothing of ours is above this. */
#define COUNTED_MAX 4096

int64_t descriptors_count(void)
{
	int64_t n = 0;

	for (int fd = 0; fd < COUNTED_MAX; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			n++;
	}
	return n;
}

int64_t descriptors_wanted(int64_t n_open, int64_t connections_wanted)
{
	return n_open + DESCRIPTORS_PASSING + CONTROL_CLIENTS_MAX + connections_wanted;
}

static int64_t clamp(int64_t n, int64_t max)
{
	return n > max ? max : n < 1 ? 1 : n;
}

void descriptors_share(int64_t limit, int64_t n_open, int64_t connections_wanted,
		       struct descriptors *ret_descriptors)
{
	int64_t left = limit - n_open - DESCRIPTORS_PASSING;
	int64_t control_clients = clamp(left / 4, CONTROL_CLIENTS_MAX);

	*ret_descriptors = (struct descriptors){
		.control_clients = control_clients,
		.connections = clamp(left - control_clients, connections_wanted),
	};
}
