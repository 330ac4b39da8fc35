/* SPDX-License-Identifier: MIT */
#ifndef COMMON_ADDRESS_H
#define COMMON_ADDRESS_H

/* Addresses of sockets as people write them: HOST:PORT, [IPV6]:PORT, HOST (with a default port). */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_MAX_BYTES 72
#define ADDRESS_HOST_MAX_BYTES 256

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage storage;
	};
	socklen_t length;
};

/*
 * Split HOST:PORT. @return 0; -EINVAL: not of that form, or the port is not 0 to 65535.
 * @param ret_host  at least ADDRESS_HOST_MAX_BYTES, without brackets
 */
int address_split(const char *text, int default_port, char *ret_host, int *ret_port);

/* Parse a numeric address. @return 0; -EINVAL as address_split(); -EADDRNOTAVAIL when HOST is a
 * name. */
int address_parse(const char *text, int default_port, struct address *ret_address);

/* "192.0.2.1:9999", "[2001:db8::1]:9999". */
void address_format(const struct address *address, char out[static ADDRESS_TEXT_MAX_BYTES]);

/* Only the host part: "192.0.2.1"; an IPv4 address mapped into IPv6 is written as IPv4. */
void address_format_host(const struct address *address, char out[static ADDRESS_TEXT_MAX_BYTES]);

bool address_is_loopback(const struct address *address);
int address_port(const struct address *address);

#endif
