/* SPDX-License-Identifier: MIT */
/* Tests of common/reason.c. */

#include "common/reason.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(reason);

Test(reason, has_words_of_its_own_for_every_reason)
{
	for (int i = 0; i < HM_REASON_COUNT; i++) {
		const char *key = reason_key((enum hm_reason)i);

		cr_expect_gt(strlen(key), 0);
		cr_expect_eq(strspn(key, "abcdefghijklmnopqrstuvwxyz_"), strlen(key), "%s", key);
		cr_expect_str_neq(key, "unknown", "reason %d has no words", i);
		cr_expect_gt(strlen(reason_text((enum hm_reason)i)), 0);
		for (int j = 0; j < i; j++)
			cr_expect_str_neq(key, reason_key((enum hm_reason)j));
	}
	cr_expect_str_eq(reason_key(HM_REASON_BAD_VALUE), "bad_value");
	cr_expect_str_eq(reason_text(HM_REASON_BAD_VALUE), "the value is not a number");
}

Test(reason, has_words_for_those_of_a_later_version)
{
	cr_expect_str_eq(reason_key(HM_REASON_COUNT), "unknown");
	cr_expect_str_eq(reason_key((enum hm_reason) - 1), "unknown");
	cr_expect_not_null(reason_text((enum hm_reason)9999));
}
