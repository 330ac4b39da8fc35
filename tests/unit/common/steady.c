/* SPDX-License-Identifier: MIT */
/* Tests of common/steady.c. */

#include "common/steady.h"

#include <criterion/criterion.h>

#include "common/integers.h"

#define N 300

static int64_t values[N];
static struct steady steady;

TestSuite(steady);

/* A line, with these differences at these places. */
static void make(int64_t step, size_t n_breaks, const size_t *places, const int64_t *differences)
{
	values[0] = 7;
	for (size_t i = 0; i + 1 < N; i++) {
		int64_t difference = step;

		for (size_t k = 0; k < n_breaks; k++)
			difference = places[k] == i ? differences[k] : difference;
		values[i + 1] = (int64_t)((uint64_t)values[i] + (uint64_t)difference);
	}
}

Test(steady, finds_a_line)
{
	make(1000000, 0, NULL, NULL);

	cr_assert(steady_find(values, N, &steady));
	cr_assert_eq(steady.step, 1000000);
	cr_assert_eq(steady.n_breaks, 0);
	cr_assert(steady_find(values, 2, &steady));
	cr_assert_eq(steady.step, 1000000);
}

Test(steady, finds_breaks_at_every_place)
{
	for (size_t place = 1; place + 3 < N; place++) {
		const size_t places[] = {place, N - 3};
		const int64_t differences[] = {17, 9};

		make(5, 2, places, differences);
		cr_assert(steady_find(values, N, &steady));
		cr_assert_eq(steady.step, 5);
		cr_assert_eq(steady.n_breaks, 2);
		cr_assert_arr_eq(steady.places, places, sizeof(places));
		cr_assert_arr_eq(steady.differences, differences, sizeof(differences));
	}
}

Test(steady, takes_no_breaks_that_go_the_other_way)
{
	const size_t places[] = {100};
	const int64_t back[] = {-1};

	make(5, 1, places, back);
	cr_assert_not(steady_find(values, N, &steady));
	make(0, 1, places, back);
	cr_assert(steady_find(values, N, &steady));
}

Test(steady, takes_no_more_breaks_than_there_is_room_for)
{
	size_t places[STEADY_BREAKS_MAX + 1];
	int64_t differences[STEADY_BREAKS_MAX + 1];

	for (size_t i = 0; i <= STEADY_BREAKS_MAX; i++) {
		places[i] = 10 + 3 * i;
		differences[i] = 100;
	}
	make(3, STEADY_BREAKS_MAX, places, differences);
	cr_assert(steady_find(values, N, &steady));
	cr_assert_eq(steady.n_breaks, STEADY_BREAKS_MAX);
	make(3, STEADY_BREAKS_MAX + 1, places, differences);
	cr_assert_not(steady_find(values, N, &steady));
}

/* What integers_encode() makes of them comes back, extremes too. */
Test(steady, breaks_come_back)
{
	static const int64_t extremes[] = {INT64_MAX, INT64_MIN, 1, -1, 1000000, 6, -4096};
	struct integers *integers = integers_new();
	struct integers_form form;
	struct buffer out = {0};
	int64_t again[N];

	for (size_t i = 0; i < (size_t)7 * 7 * 7; i++) {
		const size_t places[] = {i % 200, 250};
		const int64_t differences[] = {extremes[i / 7 % 7], extremes[i / 49]};
		struct varint_reader bytes;

		make(extremes[i % 7], 2, places, differences);
		buffer_clear(&out);
		cr_assert_eq(integers_encode(integers, values, N, i % 2, &form, &out), 0);
		bytes = (struct varint_reader){(const uint8_t *)out.data,
					       (const uint8_t *)out.data + out.length};
		cr_assert_eq(integers_decode(integers, form, &bytes, again, N), 0);
		cr_assert_arr_eq(again, values, sizeof(values));
	}
	integers_free(integers);
	buffer_done(&out);
}
