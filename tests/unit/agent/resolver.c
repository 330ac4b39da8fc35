/* SPDX-License-Identifier: MIT */
/* Tests of agent/resolver.c. */

#include "agent/resolver.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/localhost.h"

#define PATIENCE_MS 20000

/* How often it is looked whether the threads have ended: twenty seconds in all. */
#define LOOKS   2000
#define LOOK_US 10000

static struct loop *loop;
static struct resolver *resolver;
static size_t n_threads_before;

/* What the callback was given last. */
static struct {
	int n_calls;
	size_t n_addresses;
	char first[ADDRESS_TEXT_MAX_BYTES];
	char problem[200];
	bool has_ipv4_loopback;
} answer;

static void take_answer(void *context, const struct address addresses[], size_t n_addresses,
			const char *problem)
{
	cr_assert_eq(context, &answer);
	answer.n_calls++;
	answer.n_addresses = n_addresses;
	(void)snprintf(answer.problem, sizeof(answer.problem), "%s", problem ? problem : "");
	for (size_t i = 0; i < n_addresses; i++) {
		char text[ADDRESS_TEXT_MAX_BYTES];

		address_format(&addresses[i], text);
		if (i == 0)
			memcpy(answer.first, text, sizeof(text));
		if (strcmp(text, "127.0.0.1:9999") == 0)
			answer.has_ipv4_loopback = true;
	}
}

static size_t count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	size_t n_threads = 0;

	cr_assert_not_null(tasks);
	for (const struct dirent *task = readdir(tasks); task; task = readdir(tasks))
		n_threads += task->d_name[0] != '.';
	(void)closedir(tasks);
	return n_threads;
}

/* A question that nobody waits for ends by itself. In the middle of it glibc holds memory that a
 * sanitizer calls leaked when the process ends there. */
static void wait_for_threads(size_t n_expected)
{
	for (int i = 0; i < LOOKS && count_threads() > n_expected; i++)
		(void)usleep(LOOK_US);
}

static void setup(void)
{
	n_threads_before = count_threads();
	cr_assert_eq(loop_new(&loop), 0);
	cr_assert_eq(resolver_new(loop, take_answer, &answer, &resolver), 0);
}

static void teardown(void)
{
	resolver_free(resolver);
	loop_free(loop);
	wait_for_threads(n_threads_before);
}

TestSuite(resolver, .init = setup, .fini = teardown, .timeout = 60);

static void wait_for_answer(void)
{
	for (int i = 0; i < 10 && answer.n_calls == 0; i++)
		cr_assert_eq(loop_turn(loop, PATIENCE_MS), 0);
	cr_assert_eq(answer.n_calls, 1);
}

Test(resolver, answers_a_numeric_address_at_once)
{
	cr_assert_eq(resolver_ask(resolver, "192.0.2.1:7", 9999), 0);
	cr_assert_eq(answer.n_calls, 1);
	cr_assert_str_eq(answer.first, "192.0.2.1:7");

	cr_assert_eq(resolver_ask(resolver, "[2001:db8::1]", 9999), 0);
	cr_assert_eq(answer.n_calls, 2);
	cr_assert_str_eq(answer.first, "[2001:db8::1]:9999");
}

Test(resolver, finds_the_addresses_of_a_name_without_waiting)
{
	if (!localhost_is_known())
		cr_skip_test("this system does not know the name localhost");
	cr_assert_eq(resolver_ask(resolver, "localhost:9999", 1), 0);
	cr_assert_eq(answer.n_calls, 0);
	wait_for_answer();

	cr_assert_geq(answer.n_addresses, 1);
	cr_assert(answer.has_ipv4_loopback, "%s", answer.first);
}

Test(resolver, says_why_a_name_has_no_address)
{
	cr_assert_eq(resolver_ask(resolver, "no-such-host.invalid", 9999), 0);
	wait_for_answer();

	cr_assert_eq(answer.n_addresses, 0);
	cr_assert_str_neq(answer.problem, "");
}

Test(resolver, can_be_asked_again)
{
	if (!localhost_is_known())
		cr_skip_test("this system does not know the name localhost");
	for (int i = 0; i < 3; i++) {
		answer.n_calls = 0;
		cr_assert_eq(resolver_ask(resolver, "localhost", 9999), 0);
		wait_for_answer();
		cr_assert_geq(answer.n_addresses, 1);
	}
}

Test(resolver, refuses_what_is_no_address)
{
	cr_assert_eq(resolver_ask(resolver, "host:99999", 1), -EINVAL);
	cr_assert_eq(answer.n_calls, 0);
}

Test(resolver, can_be_freed_while_it_asks)
{
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(resolver_ask(resolver, "no-such-host.invalid", 9999), 0);
		resolver_free(resolver);
		cr_assert_eq(resolver_new(loop, take_answer, &answer, &resolver), 0);
	}
	cr_assert_eq(answer.n_calls, 0);
}
