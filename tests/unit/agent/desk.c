/* SPDX-License-Identifier: MIT */
/* Tests of agent/desk.c. */

#include "agent/desk.h"

#include <criterion/criterion.h>
#include <unistd.h>

#include "common/timestamp.h"

#define LONG_US INT64_C(20000000)

static struct desk desk;

static void setup(void)
{
	cr_assert_eq(desk_init(&desk), 0);
}

static void teardown(void)
{
	desk_done(&desk);
}

TestSuite(desk, .init = setup, .fini = teardown, .timeout = 60);

Test(desk, has_room_for_one)
{
	cr_assert(desk_try(&desk));
	cr_assert_not(desk_try(&desk));
	desk_leave(&desk);
	cr_assert(desk_try(&desk));
	desk_leave(&desk);
	cr_assert(desk_wait(&desk, 0));
	cr_assert_not(desk_try(&desk));
}

Test(desk, is_not_waited_for_any_longer_than_wanted)
{
	int64_t begin_us = timestamp_monotonic_us();

	cr_assert(desk_try(&desk));
	cr_assert_not(desk_wait(&desk, 30000));
	cr_assert_geq(timestamp_monotonic_us() - begin_us, 30000);
	cr_assert_not(desk_try(&desk), "it is still the other one's");
}

static void *leave_soon(void *context)
{
	(void)usleep(50000);
	desk_leave(context);
	return NULL;
}

Test(desk, is_taken_by_who_waits_when_it_is_left)
{
	int64_t begin_us = timestamp_monotonic_us();
	pthread_t thread;

	cr_assert(desk_try(&desk));
	cr_assert_eq(pthread_create(&thread, NULL, leave_soon, &desk), 0);
	cr_assert(desk_wait(&desk, LONG_US));
	cr_assert_lt(timestamp_monotonic_us() - begin_us, LONG_US / 2);
	cr_assert_not(desk_try(&desk));
	cr_assert_eq(pthread_join(thread, NULL), 0);
}
