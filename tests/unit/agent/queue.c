/* SPDX-License-Identifier: MIT */
/* Tests of agent/queue.c. */

#include "agent/queue.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct queue *queue;
static struct queue_span span = {1, 1};

static void setup(void)
{
	cr_assert_eq(queue_new(10, &queue), 0);
}

static void teardown(void)
{
	queue_free(queue);
}

TestSuite(queue, .init = setup, .fini = teardown);

static void push(const char *text)
{
	cr_assert_eq(queue_push(queue, text, strlen(text), 1, &span), 0);
}

/* Check that the next round is this one, and finish it. */
static void expect(const char *text)
{
	struct round *round = queue_take(queue);

	cr_assert_not_null(round, "no '%s'", text);
	cr_assert_eq(round->length, strlen(text));
	cr_assert_arr_eq(round->data, text, round->length);
	queue_finish(queue, round);
}

static struct queue_stats stats(void)
{
	struct queue_stats stats;

	queue_get_stats(queue, &stats);
	return stats;
}

Test(queue, says_once_that_what_it_has_is_to_be_shipped)
{
	push("a");
	cr_assert_not(queue_take_ship(queue));
	queue_ship(queue);
	queue_ship(queue);

	cr_assert(queue_take_ship(queue));
	cr_assert_not(queue_take_ship(queue));
}

Test(queue, gives_what_was_pushed_up_to_then)
{
	uint64_t n_pushed;
	struct round *round;

	push("a");
	n_pushed = queue_count_pushed(queue);
	push("b");
	round = queue_take_of(queue, n_pushed);
	cr_assert_not_null(round);
	queue_finish(queue, round);
	cr_expect_null(queue_take_of(queue, n_pushed));
	expect("b");
}

Test(queue, gives_rounds_in_the_order_in_which_they_came)
{
	push("1");
	push("2");
	push("3");

	expect("1");
	expect("2");
	expect("3");
}

Test(queue, drops_the_oldest_whole_rounds_when_it_is_full)
{
	push("aaaa");
	push("bbbb");
	push("cccc");

	cr_assert_eq(stats().n_dropped_rounds, 1);
	cr_assert_eq(stats().n_dropped_samples, 1);
	cr_assert_eq(stats().n_bytes, 8);
	expect("bbbb");
	expect("cccc");
}

Test(queue, never_drops_a_round_that_was_taken)
{
	struct round *round;

	push("aaaa");
	round = queue_take(queue);
	push("bbbb");
	push("cccc");

	cr_assert_arr_eq(round->data, "aaaa", 4);
	cr_assert_eq(stats().n_dropped_rounds, 1);
	cr_assert_eq(stats().n_bytes, 8);
	queue_finish(queue, round);
	cr_assert_eq(stats().n_bytes, 4);
}

Test(queue, drops_a_round_that_is_larger_than_all_of_it)
{
	push("a round of more than ten bytes");

	cr_assert_null(queue_take(queue));
	cr_assert_eq(stats().n_dropped_samples, 1);
	cr_assert_eq(stats().n_bytes, 0);
	cr_assert_eq(stats().n_samples, 0);
}

Test(queue, counts_what_waits)
{
	cr_assert_eq(queue_push(queue, "a\nb\n", 4, 2, &span), 0);
	cr_assert_eq(stats().n_samples, 2);

	struct round *round = queue_take(queue);

	cr_assert_eq(stats().n_samples, 2);
	queue_finish(queue, round);
	cr_assert_eq(stats().n_samples, 0);
}

Test(queue, tells_the_times_of_what_it_has_lost)
{
	struct queue_span lost;

	cr_assert_not(queue_take_lost(queue, &lost));
	for (int64_t i = 1; i <= 5; i++) {
		span = (struct queue_span){10 * i, 10 * i + 1};
		push("aaaa");
	}
	cr_assert(queue_take_lost(queue, &lost));
	cr_assert_eq(lost.first_us, 10);
	cr_assert_eq(lost.last_us, 31);
	cr_assert_not(queue_take_lost(queue, &lost), "it is told once");

	queue_lose(queue, &(struct queue_span){70, 70});
	queue_lose(queue, &(struct queue_span){60, 60});
	cr_assert(queue_take_lost(queue, &lost));
	cr_assert_eq(lost.first_us, 60);
	cr_assert_eq(lost.last_us, 70);
}

static void push_event(int64_t now_us)
{
	const struct clock_event event = {.event = HM_CLOCK_HELD_UP, .now_us = now_us};

	cr_assert_eq(queue_push_event(queue, &event), 0);
}

static void expect_event(int64_t now_us)
{
	struct round *round = queue_take(queue);

	cr_assert_not_null(round);
	cr_assert(round->is_event);
	cr_assert_eq(round->event.now_us, now_us);
	queue_finish(queue, round);
}

Test(queue, keeps_events_in_their_place_and_never_drops_them)
{
	push_event(1);
	push("aaaa");
	push_event(2);
	push("bbbb");
	push("cccc");
	push_event(3);

	cr_assert_eq(stats().n_dropped_rounds, 1);
	expect_event(1);
	expect_event(2);
	expect("bbbb");
	expect("cccc");
	expect_event(3);
	cr_assert_null(queue_take(queue));
}

Test(queue, has_a_limit_of_events)
{
	const struct clock_event event = {.event = HM_CLOCK_HELD_UP};

	for (int i = 0; i < QUEUE_EVENTS_MAX; i++)
		push_event(i);
	cr_assert_eq(queue_push_event(queue, &event), -ENOSPC);
	expect_event(0);
	push_event(1);
}

Test(queue, frees_what_nobody_took)
{
	push("a");
	push_event(1);
	queue_finish(queue, NULL);
	queue_free(NULL);
}
