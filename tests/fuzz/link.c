/* SPDX-License-Identifier: MIT */
/* Fuzz target: plugins/link.c on any message of rtnetlink. */

#include "plugins/link.h"

#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	/* As long as the message and no longer, so that a sanitizer sees what reads beyond. */
	struct nlmsghdr *message = malloc(NLMSG_LENGTH(n_bytes));
	struct link link;

	if (!message)
		return 0;
	*message = (struct nlmsghdr){.nlmsg_type = RTM_NEWLINK};
	message->nlmsg_len = (uint32_t)NLMSG_LENGTH(n_bytes);
	memcpy(NLMSG_DATA(message), data, n_bytes);
	link_clear(&link);
	if (link_take_message(&link, message) == 0 && link.name[0] == '\0')
		abort();
	for (size_t i = 0; i < N_LINK_TEXTS; i++) {
		if (!memchr(link.texts[i], '\0', sizeof(link.texts[i])))
			abort();
	}
	free(message);
	return 0;
}
