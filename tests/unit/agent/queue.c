/* SPDX-License-Identifier: MIT */
/* Tests of agent/queue.c. */

#include "agent/queue.h"

#include <criterion/criterion.h>
#include <string.h>

static struct queue *queue;

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
	cr_assert_eq(queue_push(queue, text, strlen(text), 1), 0);
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
	cr_assert_eq(queue_push(queue, "a\nb\n", 4, 2), 0);
	cr_assert_eq(stats().n_samples, 2);

	struct round *round = queue_take(queue);

	cr_assert_eq(stats().n_samples, 2);
	queue_finish(queue, round);
	cr_assert_eq(stats().n_samples, 0);
}

Test(queue, frees_what_nobody_took)
{
	push("a");
	push("b");
	queue_finish(queue, NULL);
	queue_free(NULL);
}
