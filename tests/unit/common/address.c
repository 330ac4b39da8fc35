/* SPDX-License-Identifier: MIT */
/* Tests of common/address.c. */

#include "common/address.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define DEFAULT_PORT 9999
#define N_OF(array)  (sizeof(array) / sizeof((array)[0]))

Test(address, splits_host_and_port)
{
	static const struct {
		const char *text;
		const char *host;
		int port;
	} cases[] = {
		{"web01:80", "web01", 80},
		{"web01", "web01", DEFAULT_PORT},
		{"127.0.0.1:0", "127.0.0.1", 0},
		{"127.0.0.1:65535", "127.0.0.1", 65535},
		{"127.0.0.1:00080", "127.0.0.1", 80},
		{"[::1]:80", "::1", 80},
		{"[::1]", "::1", DEFAULT_PORT},
		{"[2001:db8::1]:9", "2001:db8::1", 9},
		{"2001:db8::1", "2001:db8::1", DEFAULT_PORT},
		{"::", "::", DEFAULT_PORT},
		{"[fe80::1%lo]:80", "fe80::1%lo", 80},
		{"[fe80::1%1]:80", "fe80::1%1", 80},
		{"m\xc3\xbcller.example:80", "m\xc3\xbcller.example", 80},
	};

	for (size_t i = 0; i < N_OF(cases); i++) {
		char host[ADDRESS_HOST_MAX_BYTES];
		int port = -1;

		cr_assert_eq(address_split(cases[i].text, DEFAULT_PORT, host, &port), 0, "%s",
			     cases[i].text);
		cr_assert_str_eq(host, cases[i].host);
		cr_assert_eq(port, cases[i].port, "%s: port %d", cases[i].text, port);
	}
}

Test(address, refuses_what_is_no_host_and_port)
{
	static const char *const cases[] = {
		"",
		":",
		":80",
		"web01:",
		"web01:65536",
		"web01:99999999999999999999",
		"web01:-1",
		"web01:+1",
		"web01: 80",
		"web01:80 ",
		"web01:0x50",
		"web01:http",
		"web01:80:80",
		"web 01:80",
		"web01\n:80",
		"web/01:80",
		"[]",
		"[]:80",
		"[::1",
		"[::1]80",
		"[::1]:",
		"[::1]:80:80",
		"[web01]:80",
		"[127.0.0.1]:80",
		"[[::1]]:80",
		"::1]:80",
		"[fe80::1%no-such-interface]:80",
		"[fe80::1%]:80",
		"[fe80::1%0]:80",
		"[fe80::1%4294967296]:80",
		"[1:2:3:4:5:6:7:8:9]:80",
	};

	for (size_t i = 0; i < N_OF(cases); i++) {
		struct address address = {.length = 77};
		char host[ADDRESS_HOST_MAX_BYTES] = "untouched";
		int port = 42;

		cr_assert_eq(address_split(cases[i], DEFAULT_PORT, host, &port), -EINVAL, "%s",
			     cases[i]);
		cr_assert_str_eq(host, "untouched");
		cr_assert_eq(port, 42);
		cr_assert_eq(address_parse(cases[i], DEFAULT_PORT, &address), -EINVAL);
		cr_assert_eq(address.length, 77);
	}
}

Test(address, host_name_fills_its_room_and_no_more)
{
	char text[ADDRESS_HOST_MAX_BYTES + 1];
	char host[ADDRESS_HOST_MAX_BYTES];
	int port;

	memset(text, 'a', sizeof(text));
	text[ADDRESS_HOST_MAX_BYTES] = '\0';
	cr_assert_eq(address_split(text, DEFAULT_PORT, host, &port), -EINVAL);
	text[ADDRESS_HOST_MAX_BYTES - 1] = '\0';
	cr_assert_eq(address_split(text, DEFAULT_PORT, host, &port), 0);
	cr_assert_str_eq(host, text);
}

Test(address, without_a_default_port_one_must_be_given)
{
	char host[ADDRESS_HOST_MAX_BYTES];
	int port;

	cr_assert_eq(address_split("web01", -1, host, &port), -EINVAL);
	cr_assert_eq(address_split("web01:1", -1, host, &port), 0);
}

Test(address, parses_numbers_and_formats_them_back)
{
	static const struct {
		const char *text;
		const char *formatted;
		const char *host;
		int family;
		bool is_loopback;
	} cases[] = {
		{"192.0.2.1:80", "192.0.2.1:80", "192.0.2.1", AF_INET, false},
		{"127.0.0.1", "127.0.0.1:9999", "127.0.0.1", AF_INET, true},
		{"127.255.0.9:1", "127.255.0.9:1", "127.255.0.9", AF_INET, true},
		{"128.0.0.1:1", "128.0.0.1:1", "128.0.0.1", AF_INET, false},
		{"0.0.0.0:0", "0.0.0.0:0", "0.0.0.0", AF_INET, false},
		{"[::1]:80", "[::1]:80", "::1", AF_INET6, true},
		{"[::]:80", "[::]:80", "::", AF_INET6, false},
		{"[2001:DB8:0:0::1]:80", "[2001:db8::1]:80", "2001:db8::1", AF_INET6, false},
		{"[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.1]:80", "192.0.2.1", AF_INET6, false},
		{"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", "127.0.0.1", AF_INET6, true},
		{"[fe80::1%lo]:80", "[fe80::1%1]:80", "fe80::1", AF_INET6, false},
		{"[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535",
		 "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535",
		 "fe80:1111:2222:3333:4444:5555:6666:7777", AF_INET6, false},
	};

	for (size_t i = 0; i < N_OF(cases); i++) {
		char text[ADDRESS_TEXT_MAX_BYTES];
		struct address address;

		cr_assert_eq(address_parse(cases[i].text, DEFAULT_PORT, &address), 0, "%s",
			     cases[i].text);
		cr_assert_eq(address.any.sa_family, cases[i].family);
		address_format(&address, text);
		cr_assert_str_eq(text, cases[i].formatted);
		address_format_host(&address, text);
		cr_assert_str_eq(text, cases[i].host);
		cr_assert_eq(address_is_loopback(&address), cases[i].is_loopback, "%s",
			     cases[i].text);
	}
}

Test(address, has_the_length_and_port_that_the_kernel_wants)
{
	struct address address;

	cr_assert_eq(address_parse("192.0.2.1:80", DEFAULT_PORT, &address), 0);
	cr_assert_eq(address.length, sizeof(struct sockaddr_in));
	cr_assert_eq(address.in.sin_port, htons(80));
	cr_assert_eq(address_port(&address), 80);

	cr_assert_eq(address_parse("[::1]:8080", DEFAULT_PORT, &address), 0);
	cr_assert_eq(address.length, sizeof(struct sockaddr_in6));
	cr_assert_eq(address.in6.sin6_port, htons(8080));
	cr_assert_eq(address_port(&address), 8080);
}

Test(address, tells_names_from_numbers)
{
	static const char *const names[] = {
		"localhost:80", "localhost",  "web01.example.org:80", "256.0.0.1:80",
		"127.1:80",     "0x7f000001", "010.0.0.1:80",         "*:80",
	};

	for (size_t i = 0; i < N_OF(names); i++) {
		struct address address = {.length = 77};

		cr_assert_eq(address_parse(names[i], DEFAULT_PORT, &address), -EADDRNOTAVAIL, "%s",
			     names[i]);
		cr_assert_eq(address.length, 77);
	}
}

Test(address, of_another_family_is_unknown)
{
	struct address address = {.any.sa_family = AF_UNIX, .length = 2};
	char text[ADDRESS_TEXT_MAX_BYTES];

	address_format(&address, text);
	cr_assert_str_eq(text, "unknown");
	address_format_host(&address, text);
	cr_assert_str_eq(text, "unknown");
	cr_assert_eq(address_port(&address), 0);
	cr_assert_not(address_is_loopback(&address));
}
