/* SPDX-License-Identifier: MIT */
/* Tests of common/notify.c. */

#include "common/notify.h"

#include <bsd/string.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/timestamp.h"
#include "tests/support/scratch.h"

/* What the service manager would receive. */
static int manager_fd;
static const char *folder;
static char path[108];

static void setup(void)
{
	folder = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/notify", folder);
	manager_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	cr_assert_geq(manager_fd, 0);
}

static void teardown(void)
{
	close(manager_fd);
	scratch_remove(folder);
}

TestSuite(notify, .init = setup, .fini = teardown);

static void assert_received(const char *expected)
{
	char text[100];
	ssize_t length = recv(manager_fd, text, sizeof(text), 0);

	cr_assert_eq(length, (ssize_t)strlen(expected));
	cr_assert_arr_eq(text, expected, strlen(expected));
}

Test(notify, does_nothing_without_a_service_manager)
{
	unsetenv("NOTIFY_SOCKET");
	cr_assert_eq(notify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	cr_assert_eq(notify_send("READY=1"), 0);
}

Test(notify, sends_the_state_as_one_datagram)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)strlcpy(address.sun_path, path, sizeof(address.sun_path));
	cr_assert_eq(bind(manager_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", path, 1);

	cr_assert_eq(notify_send("READY=1"), 0);
	cr_assert_eq(notify_send("STATUS=collects"), 0);
	assert_received("READY=1");
	assert_received("STATUS=collects");
}

Test(notify, speaks_to_an_abstract_address)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[sizeof(address.sun_path)];
	int length;

	length = snprintf(name, sizeof(name), "@hostmetrics-test-%d", (int)getpid());
	memcpy(address.sun_path + 1, name + 1, (size_t)length - 1);
	cr_assert_eq(bind(manager_fd, (struct sockaddr *)&address,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length)),
		     0);
	setenv("NOTIFY_SOCKET", name, 1);

	cr_assert_eq(notify_send("STOPPING=1"), 0);
	assert_received("STOPPING=1");
}

Test(notify, says_why_it_could_not_be_sent)
{
	char too_long[200];

	setenv("NOTIFY_SOCKET", path, 1);
	cr_assert_eq(notify_send("READY=1"), -ENOENT);

	setenv("NOTIFY_SOCKET", "relative/path", 1);
	cr_assert_eq(notify_send("READY=1"), -EAFNOSUPPORT);
	setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
	cr_assert_eq(notify_send("READY=1"), -EAFNOSUPPORT);

	memset(too_long, '/', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	setenv("NOTIFY_SOCKET", too_long, 1);
	cr_assert_eq(notify_send("READY=1"), -ENAMETOOLONG);
}

Test(notify, says_when_it_reloads)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char text[100] = "";
	static const char begin[] = "RELOADING=1\nMONOTONIC_USEC=";
	long long time_us;

	(void)strlcpy(address.sun_path, path, sizeof(address.sun_path));
	cr_assert_eq(bind(manager_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", path, 1);

	cr_assert_eq(notify_reloading(), 0);
	cr_assert_gt(recv(manager_fd, text, sizeof(text) - 1, 0), 0);
	cr_assert_eq(strncmp(text, begin, strlen(begin)), 0, "%s", text);
	time_us = strtoll(text + strlen(begin), NULL, 10);
	cr_assert_leq(time_us, timestamp_monotonic_us());
	cr_assert_gt(time_us, timestamp_monotonic_us() - 60000000);
}
