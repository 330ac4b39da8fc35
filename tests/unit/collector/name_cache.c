/* SPDX-License-Identifier: MIT */
/* Tests of collector/name_cache.c. */

#include "collector/name_cache.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Many more than it keeps. */
#define N_NAMES 200000

static const struct hash_key key = {{3, 4}};
static struct name_cache *cache;

static void setup(void)
{
	cache = name_cache_new(&key, 1 << 16);
	cr_assert_not_null(cache);
}

static void teardown(void)
{
	name_cache_free(cache);
}

TestSuite(name_cache, .init = setup, .fini = teardown);

static struct series_text text_of(const char *text)
{
	return (struct series_text){text, strlen(text)};
}

static struct catalog_series *find(const char *host, const char *name)
{
	return name_cache_find(cache, text_of(host), text_of(name));
}

Test(name_cache, knows_a_name_by_all_of_its_bytes_and_the_host)
{
	struct catalog_series a;
	struct catalog_series b;

	cr_expect_null(find("here", "load"));
	name_cache_add(cache, text_of("here"), text_of("load"), &a);
	name_cache_add(cache, text_of("there"), text_of("load"), &b);
	cr_expect_eq(find("here", "load"), &a);
	cr_expect_eq(find("there", "load"), &b);
	/* What follows is guessed by now: the same again. */
	cr_expect_eq(find("here", "load"), &a);
	cr_expect_eq(find("here", "load"), &a);
	cr_expect_null(find("hero", "load"));
	cr_expect_null(find("here", "lead"));
	cr_expect_null(find("here", "loa"));
	cr_expect_null(find("here", "load1"));
	cr_expect_null(find("her", "eload"));
	cr_expect_null(find("", "hereload"));
}

Test(name_cache, forgets_all_and_learns_anew)
{
	struct catalog_series series[3];
	char name[32];

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 1000; i++) {
			(void)snprintf(name, sizeof(name), "name%u", i);
			cr_assert_null(find("here", name));
			name_cache_add(cache, text_of("here"), text_of(name), &series[round]);
			cr_assert_eq(find("here", name), &series[round]);
		}
		name_cache_clear(cache);
		cr_assert_null(find("here", "name7"));
	}
}

Test(name_cache, follows_any_order)
{
	static struct catalog_series series[100];
	static const int strides[] = {1, 1, 7, 1, 99, 33, 1};
	char name[20];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		name_cache_add(cache, text_of("h"), text_of(name), &series[i]);
	}
	for (size_t s = 0; s < sizeof(strides) / sizeof(strides[0]); s++) {
		for (int i = 0; i < 300; i++) {
			int n = i * strides[s] % 100;

			(void)snprintf(name, sizeof(name), "m%d", n);
			cr_assert_eq(find("h", name), &series[n]);
		}
	}
}

Test(name_cache, forgets_names_but_never_mistakes_them)
{
	static struct catalog_series series[N_NAMES];
	size_t n_known = 0;
	char name[20];

	for (int round = 0; round < 2; round++) {
		n_known = 0;
		for (int i = 0; i < N_NAMES; i++) {
			struct catalog_series *found;

			(void)snprintf(name, sizeof(name), "m%d", i);
			found = find("h", name);
			cr_assert(!found || found == &series[i]);
			n_known += found != NULL;
			if (!found)
				name_cache_add(cache, text_of("h"), text_of(name), &series[i]);
			cr_assert_eq(find("h", name), &series[i]);
		}
	}
	cr_expect_gt(n_known, 0);
	cr_expect_lt(n_known, N_NAMES);
}

Test(name_cache, leaves_a_very_long_name_out)
{
	static struct catalog_series series;
	char name[NAME_CACHE_NAME_MAX_BYTES + 1];

	memset(name, 'x', sizeof(name));
	name_cache_add(cache, text_of("h"), (struct series_text){name, sizeof(name)}, &series);
	cr_expect_null(
		name_cache_find(cache, text_of("h"), (struct series_text){name, sizeof(name)}));
	name_cache_add(cache, text_of("h"), (struct series_text){name, sizeof(name) - 2}, &series);
	cr_expect_eq(
		name_cache_find(cache, text_of("h"), (struct series_text){name, sizeof(name) - 2}),
		&series);
}

static bool is_expected(const char *host, const char *name)
{
	struct series_text expected;

	return name_cache_expect(cache, text_of(host), &expected) &&
	       expected.length == strlen(name) && memcmp(expected.start, name, strlen(name)) == 0;
}

Test(name_cache, expects_what_followed_the_last_time)
{
	static const char *const names[] = {"a", "b", "c"};
	static struct catalog_series series[3];
	struct series_text none;

	cr_expect_not(name_cache_expect(cache, text_of("h"), &none));
	for (size_t i = 0; i < 3; i++)
		name_cache_add(cache, text_of("h"), text_of(names[i]), &series[i]);
	for (size_t i = 0; i < 6; i++)
		cr_assert_eq(find("h", names[i % 3]), &series[i % 3]);
	cr_expect(is_expected("h", "a"));
	cr_expect_not(name_cache_expect(cache, text_of("i"), &none), "of another host");
	cr_expect_eq(name_cache_go_on(cache), &series[0]);
	cr_expect(is_expected("h", "b"));
	/* Another one comes. */
	cr_assert_eq(find("h", "c"), &series[2]);
	cr_expect(is_expected("h", "a"));
	cr_assert_eq(find("h", "a"), &series[0]);
	cr_expect(is_expected("h", "c"));
}
