/* SPDX-License-Identifier: MIT */
/* Whether names can be tried without a name server. */

#include "tests/support/localhost.h"

#include <netdb.h>
#include <stddef.h>

bool localhost_is_known(void)
{
	struct addrinfo *found = NULL;

	if (getaddrinfo("localhost", NULL, NULL, &found) != 0)
		return false;
	freeaddrinfo(found);
	return true;
}
