/* SPDX-License-Identifier: MIT */
/* Tests of common/loop.c. */

#include "common/loop.h"

#include <bsd/string.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/support/epoll_info.h"

#define N_MANY 600

/* One watched end of a socket pair and what its callback saw. */
struct watch {
	struct loop_source *source;
	struct watch *removes;
	struct watch *readies;
	int fd;   /* watched */
	int peer; /* ours */
	int n_calls;
	int n_again;     /* so many calls answer true */
	uint32_t events; /* of the last call */
	char name;
	bool quits;
};

static struct loop *loop;
static struct epoll_info before;
static char order[64]; /* the names in the order of their calls */

static bool on_watch(void *context, uint32_t events)
{
	struct watch *watch = context;

	watch->n_calls++;
	watch->events = events;
	if (strlen(order) < sizeof(order) - 1)
		strncat(order, &watch->name, 1);
	if (watch->removes) {
		loop_remove(watch->removes->source);
		watch->removes->source = NULL;
	}
	if (watch->readies)
		loop_ready(watch->readies->source);
	if (watch->quits)
		loop_quit(loop);
	return watch->n_again-- > 0;
}

/* Watched and past the first event, which says that it is writable. */
static struct watch watch_new(char name)
{
	struct watch watch = {.name = name};
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	watch.fd = pair[0];
	watch.peer = pair[1];
	return watch;
}

static void watch_add(struct watch *watch)
{
	cr_assert_eq(loop_add(loop, watch->fd, on_watch, watch, &watch->source), 0);
	cr_assert_eq(loop_turn(loop, 0), 0);
	cr_assert_eq(watch->events & EPOLLIN, 0);
	watch->n_calls = 0;
	order[0] = '\0';
}

static void watch_done(struct watch *watch)
{
	loop_remove(watch->source);
	close(watch->fd);
	close(watch->peer);
}

static void poke(const struct watch *watch)
{
	cr_assert_eq(write(watch->peer, "x", 1), 1);
}

static void setup(void)
{
	cr_assert_eq(epoll_info_read(getpid(), &before), 0);
	cr_assert_eq(loop_new(&loop), 0);
	/* A wait for ever ends the test. */
	alarm(10);
}

static void teardown(void)
{
	loop_free(loop);
}

TestSuite(loop, .init = setup, .fini = teardown);

Test(loop, registers_edge_triggered_for_all_directions_and_nothing_else)
{
	struct watch a = watch_new('a');
	struct watch b = watch_new('b');
	struct epoll_info info;

	watch_add(&a);
	watch_add(&b);

	cr_assert_eq(epoll_info_since(&before, &info), 0);
	cr_assert_eq(info.n_loops, 1);
	cr_assert_eq(info.n_descriptors, 2);
	cr_assert_eq(info.n_level_triggered, 0);
	cr_assert_eq(info.n_incomplete, 0);

	watch_done(&a);
	watch_done(&b);
}

/* The proof above must be able to fail. */
Test(loop, level_triggered_registration_is_seen_by_the_test)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct watch a = watch_new('a');
	struct epoll_info info;
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	cr_assert_eq(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, a.fd, &event), 0);

	cr_assert_eq(epoll_info_since(&before, &info), 0);
	cr_assert_eq(info.n_loops, 2);
	cr_assert_eq(info.n_descriptors, 1);
	cr_assert_eq(info.n_level_triggered, 1);
	cr_assert_eq(info.n_incomplete, 1);

	close(epoll_fd);
	watch_done(&a);
}

Test(loop, calls_back_once_an_edge)
{
	struct watch a = watch_new('a');

	watch_add(&a);
	poke(&a);
	cr_assert_eq(loop_turn(loop, 1000), 0);
	cr_assert_eq(a.n_calls, 1);
	cr_assert(a.events & EPOLLIN);

	/* Nobody read it, and still there is no second call. */
	cr_assert_eq(loop_turn(loop, 0), 0);
	cr_assert_eq(a.n_calls, 1);

	poke(&a);
	cr_assert_eq(loop_turn(loop, 1000), 0);
	cr_assert_eq(a.n_calls, 2);

	watch_done(&a);
}

Test(loop, tells_that_the_peer_closed)
{
	struct watch a = watch_new('a');

	watch_add(&a);
	close(a.peer);
	a.peer = -1;
	cr_assert_eq(loop_turn(loop, 1000), 0);

	cr_assert_eq(a.n_calls, 1);
	cr_assert(a.events & EPOLLRDHUP);
	cr_assert(a.events & EPOLLHUP);

	watch_done(&a);
}

Test(loop, source_that_is_not_drained_goes_behind_the_others)
{
	struct watch a = watch_new('a');
	struct watch b = watch_new('b');

	watch_add(&a);
	watch_add(&b);
	a.n_again = 2;
	poke(&a);
	poke(&b);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(loop_turn(loop, 0), 0);

	cr_assert_str_eq(order, "abaa");
	cr_assert_eq(a.events, 0, "it is called again without an event");

	watch_done(&a);
	watch_done(&b);
}

Test(loop, source_that_is_not_drained_makes_the_next_wait_return_at_once)
{
	struct watch a = watch_new('a');

	watch_add(&a);
	a.n_again = 3;
	poke(&a);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(loop_turn(loop, -1), 0);

	cr_assert_eq(a.n_calls, 4);

	watch_done(&a);
}

Test(loop, every_one_of_two_that_are_never_drained_has_its_turn)
{
	struct watch a = watch_new('a');
	struct watch b = watch_new('b');

	watch_add(&a);
	watch_add(&b);
	a.n_again = 100;
	b.n_again = 100;
	poke(&a);
	poke(&b);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(loop_turn(loop, 0), 0);

	cr_assert_str_eq(order, "abababab");

	watch_done(&a);
	watch_done(&b);
}

Test(loop, events_while_queued_are_added_to_the_one_call)
{
	struct watch a = watch_new('a');

	watch_add(&a);
	a.n_again = 1;
	loop_ready(a.source);
	loop_ready(a.source);
	cr_assert_eq(loop_turn(loop, 0), 0);
	cr_assert_eq(a.n_calls, 1);
	cr_assert_eq(a.events, 0);

	poke(&a);
	cr_assert_eq(loop_turn(loop, 0), 0);
	cr_assert_eq(a.n_calls, 2);
	cr_assert(a.events & EPOLLIN);

	cr_assert_eq(loop_turn(loop, 0), 0);
	cr_assert_eq(a.n_calls, 2);

	watch_done(&a);
}

Test(loop, source_made_ready_by_a_callback_waits_for_the_next_turn)
{
	struct watch a = watch_new('a');
	struct watch b = watch_new('b');

	watch_add(&a);
	watch_add(&b);
	a.readies = &b;
	poke(&a);
	cr_assert_eq(loop_turn(loop, 0), 0);
	cr_assert_str_eq(order, "a");
	cr_assert_eq(loop_turn(loop, -1), 0);
	cr_assert_str_eq(order, "ab");

	watch_done(&a);
	watch_done(&b);
}

Test(loop, callback_may_remove_another_that_is_ready_in_the_same_round)
{
	struct watch a = watch_new('a');
	struct watch b = watch_new('b');

	watch_add(&a);
	watch_add(&b);
	a.removes = &b;
	b.removes = &a;
	poke(&a);
	poke(&b);
	cr_assert_eq(loop_turn(loop, 0), 0);
	cr_assert_eq(loop_turn(loop, 0), 0);

	cr_assert_eq(a.n_calls + b.n_calls, 1);

	watch_done(&a);
	watch_done(&b);
}

Test(loop, callback_may_remove_itself_and_say_that_it_is_not_drained)
{
	struct watch a = watch_new('a');

	watch_add(&a);
	a.removes = &a;
	a.n_again = 1;
	poke(&a);
	cr_assert_eq(loop_turn(loop, 0), 0);
	cr_assert_eq(loop_turn(loop, 0), 0);

	cr_assert_eq(a.n_calls, 1);

	watch_done(&a);
}

Test(loop, removed_source_is_not_called_and_its_descriptor_not_watched)
{
	struct watch a = watch_new('a');
	struct epoll_info info;

	watch_add(&a);
	loop_ready(a.source);
	loop_remove(a.source);
	a.source = NULL;
	poke(&a);
	cr_assert_eq(loop_turn(loop, 0), 0);

	cr_assert_eq(a.n_calls, 0);
	cr_assert_eq(epoll_info_since(&before, &info), 0);
	cr_assert_eq(info.n_descriptors, 0);

	watch_done(&a);
}

Test(loop, quit_lets_the_present_turn_end)
{
	struct watch a = watch_new('a');
	struct watch b = watch_new('b');

	watch_add(&a);
	watch_add(&b);
	a.quits = true;
	a.n_again = 1;
	poke(&a);
	poke(&b);
	cr_assert_eq(loop_run(loop), 0);

	cr_assert_str_eq(order, "ab");

	watch_done(&a);
	watch_done(&b);
}

Test(loop, more_sources_than_one_wait_takes_are_all_called)
{
	static struct watch many[N_MANY];
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < N_MANY; i++) {
		many[i] = watch_new('m');
		watch_add(&many[i]);
	}
	for (int i = 0; i < N_MANY; i++)
		poke(&many[i]);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(loop_turn(loop, 0), 0);

	for (int i = 0; i < N_MANY; i++) {
		cr_assert_eq(many[i].n_calls, 1, "source %d: %d calls", i, many[i].n_calls);
		watch_done(&many[i]);
	}
}

static size_t n_read_total;

/* Reads a budget a turn. */
static bool read_some(void *context, uint32_t events)
{
	const struct watch *watch = context;
	char bytes[4096];
	ssize_t n_read = read(watch->fd, bytes, sizeof(bytes));

	(void)events;
	if (n_read < 0)
		return false;
	n_read_total += (size_t)n_read;
	return true;
}

Test(loop, more_than_a_budgets_worth_of_one_edge_is_all_read)
{
	static const char bytes[100000];
	struct watch a = watch_new('a');
	ssize_t n_written = write(a.peer, bytes, sizeof(bytes));

	cr_assert_gt(n_written, 50000);
	cr_assert_eq(loop_add(loop, a.fd, read_some, &a, &a.source), 0);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(loop_turn(loop, 0), 0);

	cr_assert_eq(n_read_total, (size_t)n_written);

	watch_done(&a);
}

static void on_alarm(int number)
{
	(void)number;
}

Test(loop, signal_handler_of_somebody_ends_the_wait_without_an_error)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval soon = {.it_value.tv_usec = 20000};
	struct watch a = watch_new('a');

	watch_add(&a);
	cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
	cr_assert_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
	cr_assert_eq(loop_turn(loop, -1), 0);

	cr_assert_eq(a.n_calls, 0);

	watch_done(&a);
}

static void begin_to_wait(void *context)
{
	(void)strlcat(context, "(", sizeof(order));
}

static void end_to_wait(void *context)
{
	(void)strlcat(context, ")", sizeof(order));
}

Test(loop, tells_when_it_waits_and_only_then)
{
	const struct loop_waiting waiting = {
		.begin = begin_to_wait, .end = end_to_wait, .context = order};
	struct watch a = watch_new('a');

	watch_add(&a);
	order[0] = '\0';
	loop_on_wait(loop, &waiting);
	cr_assert_eq(loop_turn(loop, 0), 0);
	cr_assert_str_eq(order, "");
	poke(&a);
	a.n_again = 1;
	cr_assert_eq(loop_turn(loop, -1), 0);
	cr_assert_str_eq(order, "()a");
	cr_assert_eq(loop_turn(loop, -1), 0);
	cr_assert_str_eq(order, "()aa", "what is ready is not waited for");
	cr_assert_eq(loop_turn(loop, 1), 0);
	cr_assert_str_eq(order, "()aa()");

	watch_done(&a);
}

Test(loop, add_says_why_a_descriptor_cannot_be_watched)
{
	int fd = open("Makefile", O_RDONLY | O_CLOEXEC);
	struct loop_source *source = NULL;

	cr_assert_geq(fd, 0);
	cr_assert_eq(loop_add(loop, fd, on_watch, NULL, &source), -EPERM);
	cr_assert_eq(loop_add(loop, -1, on_watch, NULL, &source), -EBADF);
	cr_assert_null(source);

	close(fd);
}

Test(loop, free_takes_null_and_sources_that_are_still_there)
{
	struct watch a = watch_new('a');
	struct watch b = watch_new('b');
	struct loop *own;

	loop_free(NULL);
	loop_remove(NULL);
	cr_assert_eq(loop_new(&own), 0);
	cr_assert_eq(loop_add(own, a.fd, on_watch, &a, &a.source), 0);
	cr_assert_eq(loop_add(own, b.fd, on_watch, &b, NULL), 0);
	loop_ready(a.source);
	loop_free(own);

	cr_assert_eq(fcntl(a.fd, F_GETFD), FD_CLOEXEC, "its descriptors stay open");
	cr_assert_eq(a.n_calls, 0);
	a.source = NULL;
	watch_done(&a);
	watch_done(&b);
}
