/* SPDX-License-Identifier: MIT */
/* Fuzz target: addresses as people write them, of common/address.c. */

#include "common/address.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT 9999

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

/* What was parsed is written, and read again as the same. */
static void check_address(const struct address *address)
{
	char text[ADDRESS_TEXT_MAX_BYTES];
	char text_again[ADDRESS_TEXT_MAX_BYTES];
	struct address again;

	address_format(address, text);
	if (strcmp(text, "unknown") == 0 || address_parse(text, -1, &again) < 0)
		abort();
	address_format(&again, text_again);
	if (strcmp(text, text_again) != 0 || address_port(&again) != address_port(address) ||
	    again.length != address->length)
		abort();
	if (address_is_loopback(&again) != address_is_loopback(address))
		abort();
	address_format_host(address, text);
	if (!*text || address_parse(text, DEFAULT_PORT, &again) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	char *text = malloc(n_bytes + 1);
	char host[ADDRESS_HOST_MAX_BYTES];
	struct address address;
	int port;
	int result;

	if (!text)
		return 0;
	memcpy(text, data, n_bytes);
	text[n_bytes] = '\0';
	result = address_split(text, DEFAULT_PORT, host, &port);
	if (result < 0 && result != -EINVAL)
		abort();
	if (result == 0 && (!*host || port < 0 || port > UINT16_MAX || strlen(host) > n_bytes))
		abort();
	if (address_parse(text, DEFAULT_PORT, &address) == 0) {
		if (result < 0)
			abort();
		check_address(&address);
	}
	free(text);
	return 0;
}
