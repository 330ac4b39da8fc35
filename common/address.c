/* SPDX-License-Identifier: MIT */
/* Addresses of sockets as people write them. */

#include "common/address.h"

#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MAX         65535
#define PORT_DIGITS_MAX  5
#define LOOPBACK_NETWORK 127

static int parse_port(const char *text, int *ret_port)
{
	size_t n_digits = strspn(text, "0123456789");
	long port;

	if (n_digits == 0 || n_digits > PORT_DIGITS_MAX || text[n_digits])
		return -EINVAL;
	port = strtol(text, NULL, 10);
	if (port > PORT_MAX)
		return -EINVAL;
	*ret_port = (int)port;
	return 0;
}

/* A zone of IPv6, "eth0" or "2". @return 0, -EINVAL: no such interface */
static int parse_zone(const char *zone, uint32_t *ret_scope_id)
{
	uint32_t scope_id = if_nametoindex(zone);
	const char *error = NULL;

	if (scope_id == 0)
		scope_id = (uint32_t)strtonum(zone, 1, UINT32_MAX, &error);
	if (error)
		return -EINVAL;
	*ret_scope_id = scope_id;
	return 0;
}

static int parse_in6(const char *host, struct sockaddr_in6 *ret_in6)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	char text[ADDRESS_HOST_MAX_BYTES];
	char *zone;

	(void)snprintf(text, sizeof(text), "%s", host);
	zone = strchr(text, '%');
	if (zone)
		*zone++ = '\0';
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
		return -EINVAL;
	if (zone && parse_zone(zone, &in6.sin6_scope_id) < 0)
		return -EINVAL;
	*ret_in6 = in6;
	return 0;
}

/* The host is text[0..length). Names are not looked up here; only what no name holds is refused. */
static int take_host(const char *text, size_t length, char *ret_host)
{
	if (length == 0 || length >= ADDRESS_HOST_MAX_BYTES)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] <= ' ' || strchr("[]/\x7f", text[i]))
			return -EINVAL;
	}
	memcpy(ret_host, text, length);
	ret_host[length] = '\0';
	return 0;
}

/* Where the host ends, and where the port begins: NULL without one. @return 0 or -EINVAL */
static int find_ends(const char *text, size_t *ret_length, const char **ret_port)
{
	const char *colon = strchr(text, ':');

	if (*text == '[') {
		const char *bracket = strchr(text, ']');

		if (!bracket || (bracket[1] != ':' && bracket[1] != '\0'))
			return -EINVAL;
		*ret_length = (size_t)(bracket - text) + 1;
		*ret_port = bracket[1] ? bracket + 2 : NULL;
		return 0;
	}
	/* More than one colon and no brackets: an IPv6 address alone. */
	if (colon && strchr(colon + 1, ':'))
		colon = NULL;
	*ret_length = colon ? (size_t)(colon - text) : strlen(text);
	*ret_port = colon ? colon + 1 : NULL;
	return 0;
}

int address_split(const char *text, int default_port, char *ret_host, int *ret_port)
{
	char host[ADDRESS_HOST_MAX_BYTES];
	struct sockaddr_in6 in6;
	const char *port_text;
	size_t length;
	int port = default_port;
	bool is_bracketed = *text == '[';

	if (find_ends(text, &length, &port_text) < 0)
		return -EINVAL;
	if (is_bracketed) {
		text++;
		length -= 2;
	}
	if (take_host(text, length, host) < 0)
		return -EINVAL;
	if ((is_bracketed || strchr(host, ':')) && parse_in6(host, &in6) < 0)
		return -EINVAL;
	if (port_text && parse_port(port_text, &port) < 0)
		return -EINVAL;
	if (port < 0 || port > PORT_MAX)
		return -EINVAL;
	memcpy(ret_host, host, length + 1);
	*ret_port = port;
	return 0;
}

int address_parse(const char *text, int default_port, struct address *ret_address)
{
	struct address address = {.length = 0};
	char host[ADDRESS_HOST_MAX_BYTES];
	int port;

	if (address_split(text, default_port, host, &port) < 0)
		return -EINVAL;
	if (inet_pton(AF_INET, host, &address.in.sin_addr) == 1) {
		address.in.sin_family = AF_INET;
		address.in.sin_port = htons((uint16_t)port);
		address.length = sizeof(address.in);
	} else if (parse_in6(host, &address.in6) == 0) {
		address.in6.sin6_port = htons((uint16_t)port);
		address.length = sizeof(address.in6);
	} else {
		return -EADDRNOTAVAIL;
	}
	*ret_address = address;
	return 0;
}

void address_format(const struct address *address, char out[static ADDRESS_TEXT_MAX_BYTES])
{
	char host[INET6_ADDRSTRLEN];
	char zone[sizeof("%4294967295")] = "";

	switch (address->any.sa_family) {
	case AF_INET:
		(void)inet_ntop(AF_INET, &address->in.sin_addr, host, sizeof(host));
		(void)snprintf(out, ADDRESS_TEXT_MAX_BYTES, "%s:%d", host, address_port(address));
		break;
	case AF_INET6:
		(void)inet_ntop(AF_INET6, &address->in6.sin6_addr, host, sizeof(host));
		if (address->in6.sin6_scope_id)
			(void)snprintf(zone, sizeof(zone), "%%%u", address->in6.sin6_scope_id);
		(void)snprintf(out, ADDRESS_TEXT_MAX_BYTES, "[%s%s]:%d", host, zone,
			       address_port(address));
		break;
	default:
		(void)snprintf(out, ADDRESS_TEXT_MAX_BYTES, "unknown");
		break;
	}
}

/* The IPv4 address that is inside an IPv6 one. */
static struct in_addr mapped_in(const struct address *address)
{
	struct in_addr in;

	memcpy(&in, &address->in6.sin6_addr.s6_addr[12], sizeof(in));
	return in;
}

void address_format_host(const struct address *address, char out[static ADDRESS_TEXT_MAX_BYTES])
{
	struct in_addr in;

	switch (address->any.sa_family) {
	case AF_INET:
		(void)inet_ntop(AF_INET, &address->in.sin_addr, out, ADDRESS_TEXT_MAX_BYTES);
		break;
	case AF_INET6:
		/* Without the zone: it is a name of ours, not of that host. */
		in = mapped_in(address);
		if (IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr)) {
			(void)inet_ntop(AF_INET, &in, out, ADDRESS_TEXT_MAX_BYTES);
		} else {
			(void)inet_ntop(AF_INET6, &address->in6.sin6_addr, out,
					ADDRESS_TEXT_MAX_BYTES);
		}
		break;
	default:
		(void)snprintf(out, ADDRESS_TEXT_MAX_BYTES, "unknown");
		break;
	}
}

static bool is_loopback_in(struct in_addr in)
{
	return ntohl(in.s_addr) >> 24 == LOOPBACK_NETWORK;
}

bool address_is_loopback(const struct address *address)
{
	switch (address->any.sa_family) {
	case AF_INET:
		return is_loopback_in(address->in.sin_addr);
	case AF_INET6:
		if (IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr))
			return is_loopback_in(mapped_in(address));
		return IN6_IS_ADDR_LOOPBACK(&address->in6.sin6_addr);
	default:
		return false;
	}
}

int address_port(const struct address *address)
{
	switch (address->any.sa_family) {
	case AF_INET:
		return ntohs(address->in.sin_port);
	case AF_INET6:
		return ntohs(address->in6.sin6_port);
	default:
		return 0;
	}
}
