/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MACHINES_CRITERION_H
#define TESTS_MACHINES_CRITERION_H

/*
 * As much of Criterion as the unit tests of formats need, for machines that it does not exist on.
 * Each test is a process of its own, as there; see unit.c.
 */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What a suite or a test asks for; a time is not kept. */
struct unit_options {
	void (*init)(void);
	void (*fini)(void);
	double timeout;
};

struct unit_test {
	const char *suite;
	const char *name;
	const struct unit_options *of_suite;
	struct unit_options options;
	void (*run)(void);
	struct unit_test *next;
};

/* @param test  borrowed for good */
void unit_register(struct unit_test *test);

/* A check has failed. @param ends  so has the test */
void unit_fail(bool ends, const char *file, int line, const char *text);

#define TestSuite(suite, ...) static const struct unit_options unit_suite_##suite = {__VA_ARGS__}

#define Test(suite_, name_, ...)                                                                   \
	static void suite_##_##name_(void);                                                        \
	__attribute__((constructor)) static void unit_register_##suite_##_##name_(void)            \
	{                                                                                          \
		static struct unit_test test = {                                                   \
			.suite = #suite_,                                                          \
			.name = #name_,                                                            \
			.of_suite = &unit_suite_##suite_,                                          \
			.options = {__VA_ARGS__},                                                  \
			.run = suite_##_##name_,                                                   \
		};                                                                                 \
		unit_register(&test);                                                              \
	}                                                                                          \
	static void suite_##_##name_(void)

#define UNIT_CHECK(is_good, ends, text, ...)                                                       \
	do {                                                                                       \
		if (!(is_good)) {                                                                  \
			__VA_OPT__((void)fprintf(stderr, __VA_ARGS__); (void)fputc('\n', stderr);) \
			unit_fail(ends, __FILE__, __LINE__, text);                                 \
		}                                                                                  \
	} while (0)

#define UNIT_COMPARE(ends, a, operator, b, ...)                                                    \
	UNIT_CHECK((a) operator(b), ends, #a " " #operator" " #b __VA_OPT__(, ) __VA_ARGS__)

#define cr_assert(a, ...)          UNIT_CHECK(a, true, #a __VA_OPT__(, ) __VA_ARGS__)
#define cr_expect(a, ...)          UNIT_CHECK(a, false, #a __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_not(a, ...)      UNIT_CHECK(!(a), true, "not " #a __VA_OPT__(, ) __VA_ARGS__)
#define cr_expect_not(a, ...)      UNIT_CHECK(!(a), false, "not " #a __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_null(a, ...)     UNIT_COMPARE(true, a, ==, NULL __VA_OPT__(, ) __VA_ARGS__)
#define cr_expect_null(a, ...)     UNIT_COMPARE(false, a, ==, NULL __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_not_null(a, ...) UNIT_COMPARE(true, a, !=, NULL __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_eq(a, b, ...)    UNIT_COMPARE(true, a, ==, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_expect_eq(a, b, ...)    UNIT_COMPARE(false, a, ==, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_neq(a, b, ...)   UNIT_COMPARE(true, a, !=, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_expect_neq(a, b, ...)   UNIT_COMPARE(false, a, !=, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_lt(a, b, ...)    UNIT_COMPARE(true, a, <, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_expect_lt(a, b, ...)    UNIT_COMPARE(false, a, <, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_leq(a, b, ...)   UNIT_COMPARE(true, a, <=, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_gt(a, b, ...)    UNIT_COMPARE(true, a, >, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_expect_leq(a, b, ...)   UNIT_COMPARE(false, a, <=, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_expect_gt(a, b, ...)    UNIT_COMPARE(false, a, >, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_geq(a, b, ...)   UNIT_COMPARE(true, a, >=, b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)                                                                \
	UNIT_CHECK(strcmp(a, b) == 0, true, #a " is " #b __VA_OPT__(, ) __VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...)                                                             \
	UNIT_CHECK(memcmp(a, b, n) == 0, true, #a " is " #b __VA_OPT__(, ) __VA_ARGS__)

#endif
