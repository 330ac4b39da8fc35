/* SPDX-License-Identifier: MIT */
/* Tests of the running collector, on a thread. */

#include "collector/daemon.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/endpoint.h"
#include "collector/store.h"
#include "common/message.h"
#include "common/timestamp.h"
#include "tests/support/sample_lines.h"
#include "tests/support/scratch.h"

static const char *scratch;
static char store_path[4096];
static char socket_path[4096];
static char listen_text[ADDRESS_TEXT_MAX_BYTES];
static char nothing[] = "";
static struct settings_options options;
static struct settings settings;
static pthread_t thread;
static int daemon_result;

/* A port that was free a moment ago. */
static void find_port(void)
{
	struct endpoint endpoint;

	cr_assert_eq(endpoint_open(&endpoint, "127.0.0.1:0", 1), 0);
	(void)snprintf(listen_text, sizeof(listen_text), "%s", endpoint.text);
	endpoint_close(&endpoint);
}

static void setup(void)
{
	message_init("test");
	scratch = scratch_folder();
	(void)snprintf(store_path, sizeof(store_path), "%s/store", scratch);
	(void)snprintf(socket_path, sizeof(socket_path), "%s/c.sock", scratch);
	find_port();
	options.config = "/nowhere/collector.conf";
	settings = (struct settings){
		.listen = listen_text,
		.store = store_path,
		.socket = socket_path,
		.user = nothing,
		.reactors = 1,
		.text_clients = 100,
		.text_idle_us = 600 * TIMESTAMP_SECOND_US,
	};
}

static void teardown(void)
{
	scratch_remove(scratch);
}

TestSuite(daemon, .init = setup, .fini = teardown);

static void *run(void *context)
{
	(void)context;
	daemon_result = daemon_run(&options, &settings);
	return NULL;
}

static void start(void)
{
	cr_assert_eq(pthread_create(&thread, NULL, run, NULL), 0);
	for (int i = 0; i < 1000 && access(socket_path, F_OK) != 0; i++)
		(void)usleep(10000);
}

static void assert_ends_well(int signal_number)
{
	int64_t start_us = timestamp_monotonic_us();

	cr_assert_eq(pthread_kill(thread, signal_number), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_assert_eq(daemon_result, 0);
	cr_assert_lt(timestamp_monotonic_us() - start_us, 2 * TIMESTAMP_SECOND_US);
}

static int dial(int type)
{
	struct address address;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	cr_assert_eq(address_parse(listen_text, 0, &address), 0);
	cr_assert_eq(connect(fd, &address.any, address.length), 0);
	return fd;
}

static void send_text(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What the store of the ended daemon holds. */
static void assert_stored(const char *expected)
{
	struct rejects *rejects;
	struct store *store;
	struct buffer found = {0};

	cr_assert_eq(rejects_new(&rejects), 0);
	cr_assert_eq(store_open(store_path, 0, &store), 0);
	sample_lines_query(store, "*", &found);
	cr_assert_str_eq(buffer_text(&found), expected);
	buffer_done(&found);
	store_close(store);
	rejects_free(rejects);
}

Test(daemon, stores_what_has_arrived_before_it_ends)
{
	start();
	send_text(dial(SOCK_STREAM), "1 a{host=\"x\"} 1\n2 a{host=\"x\"} 2\nnot ended");
	send_text(dial(SOCK_DGRAM), "1 b{host=\"x\"} 3");
	assert_ends_well(SIGTERM);

	assert_stored("1000000 x a 1\n2000000 x a 2\n1000000 x b 3\n");
	cr_assert_neq(access(socket_path, F_OK), 0, "the socket is removed");
}

Test(daemon, ends_on_sigint_and_not_on_sighup)
{
	start();
	/* There is no such file: what is in force stays. */
	cr_assert_eq(pthread_kill(thread, SIGHUP), 0);
	(void)usleep(100000);
	cr_assert_eq(access(socket_path, F_OK), 0);

	assert_ends_well(SIGINT);
}

Test(daemon, serves_with_several_reactors)
{
	struct engine_host_state *hosts;
	struct rejects *rejects;
	struct store *store;
	char text[64];
	size_t n;

	settings.reactors = 4;
	start();
	for (int i = 0; i < 20; i++) {
		(void)snprintf(text, sizeof(text), "%d a{host=\"x\"} 1\n", i);
		send_text(dial(SOCK_STREAM), text);
		(void)snprintf(text, sizeof(text), "%d u{host=\"x\"} 1\n", i);
		send_text(dial(SOCK_DGRAM), text);
	}
	assert_ends_well(SIGTERM);

	cr_assert_eq(rejects_new(&rejects), 0);
	cr_assert_eq(store_open(store_path, 0, &store), 0);
	cr_assert_eq(engine_list_hosts(store_engine(store), &hosts, &n), 0);
	cr_assert_eq(hosts[0].n_samples, 40);
	free(hosts);
	store_close(store);
	rejects_free(rejects);
}

Test(daemon, is_refused_where_another_has_port_store_or_socket)
{
	struct settings second = settings;
	char other[4200];
	char any_port[] = "127.0.0.1:0";

	start();
	cr_assert_eq(daemon_run(&options, &second), -EADDRINUSE);
	second.listen = any_port;
	cr_assert_eq(daemon_run(&options, &second), -EEXIST);
	(void)snprintf(other, sizeof(other), "%s.other", store_path);
	second.store = other;
	cr_assert_eq(daemon_run(&options, &second), -EEXIST);

	send_text(dial(SOCK_STREAM), "1 a{host=\"x\"} 1\n");
	assert_ends_well(SIGTERM);
	assert_stored("1000000 x a 1\n");
}

Test(daemon, does_not_start_with_a_user_or_address_that_is_not_there)
{
	static char user[] = "no such user";
	static char address[] = "192.0.2.1:1";
	static char path[] = "/nonexistent/folder/c.sock";

	settings.user = user;
	cr_assert_eq(daemon_run(&options, &settings), -ENOENT);
	settings.user = nothing;
	settings.listen = address;
	cr_assert_eq(daemon_run(&options, &settings), -EADDRNOTAVAIL);
	settings.listen = listen_text;
	settings.socket = path;
	cr_assert_lt(daemon_run(&options, &settings), 0);
}
