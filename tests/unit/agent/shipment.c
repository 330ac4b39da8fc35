/* SPDX-License-Identifier: MIT */
/* Tests of agent/shipment.c. */

#include "agent/shipment.h"

#include <criterion/criterion.h>
#include <string.h>

#include "common/buffer.h"

#define DECLARATIONS "# TYPE a gauge\n# UNIT a seconds\n"
#define FIRST        "1 a 1\n1 b 2\n"
#define SECOND       "2 a 3\n"

static struct queue *queue;
static struct shipment shipment;
static struct buffer sent; /* what a connection took */

static void setup(void)
{
	cr_assert_eq(queue_new(1000, &queue), 0);
	shipment_init(&shipment, queue, DECLARATIONS, strlen(DECLARATIONS));
}

static void teardown(void)
{
	shipment_done(&shipment);
	queue_free(queue);
	buffer_done(&sent);
}

TestSuite(shipment, .init = setup, .fini = teardown);

static void push_both(void)
{
	cr_assert_eq(queue_push(queue, FIRST, strlen(FIRST), 2), 0);
	cr_assert_eq(queue_push(queue, SECOND, strlen(SECOND), 1), 0);
	queue_ship(queue);
}

/* Have a connection take up to `n_bytes`, at most `step` at once. @return how many it took */
static size_t take(size_t n_bytes, size_t step)
{
	size_t n_taken = 0;
	const char *data;
	size_t length;

	while (n_taken < n_bytes && shipment_next(&shipment, &data, &length)) {
		if (length > step)
			length = step;
		if (length > n_bytes - n_taken)
			length = n_bytes - n_taken;
		buffer_append(&sent, data, length);
		shipment_advance(&shipment, length);
		n_taken += length;
	}
	return n_taken;
}

Test(shipment, sends_the_declarations_first_and_only_once)
{
	shipment_begin(&shipment);
	take(1000, 1000);
	cr_assert_str_eq(buffer_text(&sent), DECLARATIONS);

	push_both();
	take(1000, 1000);
	cr_assert_str_eq(buffer_text(&sent), DECLARATIONS FIRST SECOND);
	cr_assert_not(shipment_is_pending(&shipment));
	cr_assert_eq(shipment.n_sent_samples, 3);
}

Test(shipment, sends_the_same_whatever_the_connection_takes_at_once)
{
	push_both();
	shipment_begin(&shipment);
	take(1000, 1);

	cr_assert_str_eq(buffer_text(&sent), DECLARATIONS FIRST SECOND);
	cr_assert_eq(shipment.n_sent_samples, 3);
	cr_assert_eq(shipment_n_unsent_samples(&shipment), 0);
}

/* The whole lines among what the first connection took, without declarations. */
static size_t whole_samples_bytes(size_t n_bytes)
{
	size_t declared = strlen(DECLARATIONS);
	const char *samples = FIRST SECOND;
	size_t n_whole = 0;

	for (size_t i = 0; declared + i < n_bytes; i++) {
		if (samples[i] == '\n')
			n_whole = i + 1;
	}
	return n_whole;
}

Test(shipment, goes_on_at_the_beginning_of_the_line_in_which_the_connection_broke)
{
	size_t n_all = strlen(DECLARATIONS FIRST SECOND);

	for (size_t n_bytes = 0; n_bytes <= n_all; n_bytes++) {
		push_both();
		shipment_begin(&shipment);
		take(n_bytes, 1000);
		buffer_clear(&sent);
		shipment_begin(&shipment);
		take(1000, 1000);

		cr_assert_eq(sent.length,
			     strlen(DECLARATIONS) + strlen(FIRST SECOND) -
				     whole_samples_bytes(n_bytes),
			     "broken after %zu bytes", n_bytes);
		cr_assert_str_eq(buffer_text(&sent) + strlen(DECLARATIONS),
				 FIRST SECOND + whole_samples_bytes(n_bytes),
				 "broken after %zu bytes", n_bytes);
		cr_assert_eq(shipment.n_sent_samples, 3);
		shipment.n_sent_samples = 0;
		shipment.declared_length = 0;
		buffer_clear(&sent);
	}
}

Test(shipment, says_how_many_samples_were_not_wholly_taken)
{
	push_both();
	cr_assert_eq(shipment_n_unsent_samples(&shipment), 3);
	shipment_begin(&shipment);

	take(strlen(DECLARATIONS FIRST) - 1, 1000);
	cr_assert_eq(shipment_n_unsent_samples(&shipment), 2);
	take(1, 1000);
	cr_assert_eq(shipment_n_unsent_samples(&shipment), 1);
}

Test(shipment, gives_a_round_up_that_was_not_sent)
{
	push_both();
	shipment_begin(&shipment);
	take(strlen(DECLARATIONS) + 3, 1000);
	shipment_done(&shipment);

	cr_assert_eq(shipment_n_unsent_samples(&shipment), 1);
}

Test(shipment, sends_other_declarations_before_the_next_line)
{
	static const char others[] = "# TYPE b gauge\n";

	shipment_begin(&shipment);
	push_both();
	take(strlen(DECLARATIONS) + 8, 1000);
	cr_assert(shipment_declare(&shipment, others));
	take(1000, 1000);
	cr_assert_str_eq(buffer_text(&sent), DECLARATIONS "1 a 1\n1 b 2\n# TYPE b gauge\n" SECOND);
}

Test(shipment, does_not_send_the_same_declarations_again)
{
	static char same[] = DECLARATIONS;

	shipment_begin(&shipment);
	take(10, 1000);
	cr_assert(shipment_declare(&shipment, same));
	take(1000, 1000);
	cr_assert_str_eq(buffer_text(&sent), DECLARATIONS);
}

Test(shipment, wants_a_new_connection_in_the_middle_of_its_declarations)
{
	shipment_begin(&shipment);
	take(10, 1000);
	cr_assert_not(shipment_declare(&shipment, "# TYPE b gauge\n"));
}
