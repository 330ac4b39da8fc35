/* SPDX-License-Identifier: MIT */
/* Tests of texts that are kept once. */

#include "collector/text_pool.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_TEXTS 20000

static const struct hash_key key = {{1, 2}};
static struct text_pool pool;

static void teardown(void)
{
	text_pool_done(&pool);
}

TestSuite(text_pool, .fini = teardown);

static const char *get(const char *text)
{
	const char *kept = text_pool_get(&pool, &key, text, strlen(text));

	cr_assert_not_null(kept);
	cr_assert_str_eq(kept, text);
	return kept;
}

Test(text_pool, keeps_equal_texts_once)
{
	const char *a = get("{a=\"1\"}");
	const char *b = get("{b=\"1\"}");
	char copy[] = "{a=\"1\"}";

	cr_assert_neq(a, b);
	cr_assert_neq(a, copy);
	cr_assert_eq(get(copy), a);
	cr_assert_eq(get("{b=\"1\"}"), b);
}

Test(text_pool, keeps_beginnings_and_no_text_at_all_apart)
{
	const char *whole = get("abc");
	const char *part = text_pool_get(&pool, &key, "abc", 2);
	const char *none = get("");

	cr_assert_str_eq(part, "ab");
	cr_assert_eq(get("abc"), whole);
	cr_assert_eq(get("ab"), part);
	cr_assert_eq(get(""), none);
}

Test(text_pool, leaves_all_of_many_where_they_are)
{
	static const char *texts[N_TEXTS];
	char text[64];

	for (int i = 0; i < N_TEXTS; i++) {
		(void)snprintf(text, sizeof(text), "{number=\"%d\"}", i);
		texts[i] = get(text);
	}

	for (int i = 0; i < N_TEXTS; i++) {
		(void)snprintf(text, sizeof(text), "{number=\"%d\"}", i);
		cr_assert_eq(get(text), texts[i]);
	}
	cr_assert_gt(pool.n_pieces, 1);
}

Test(text_pool, takes_the_longest_text_and_no_longer_one)
{
	char *text = malloc(TEXT_POOL_MAX_BYTES + 1);

	cr_assert_not_null(text);
	memset(text, 'x', TEXT_POOL_MAX_BYTES + 1);
	cr_assert_null(text_pool_get(&pool, &key, text, TEXT_POOL_MAX_BYTES + 1));
	for (size_t i = 0; i < 5; i++) {
		const char *kept;

		text[0] = (char)('a' + i);
		kept = text_pool_get(&pool, &key, text, TEXT_POOL_MAX_BYTES);
		cr_assert_not_null(kept);
		cr_assert_eq(strlen(kept), TEXT_POOL_MAX_BYTES);
		cr_assert_eq(text_pool_get(&pool, &key, text, TEXT_POOL_MAX_BYTES), kept);
	}
	free(text);
}
