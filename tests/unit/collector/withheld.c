/* SPDX-License-Identifier: MIT */
/* Tests of what of the log the disk did not give. */

#include "collector/withheld.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "common/log_segment.h"

Test(withheld, is_what_was_noted_first)
{
	struct withheld withheld = {0};

	withheld_note(&withheld, -EUCLEAN, 3);
	withheld_note(&withheld, -EIO, 2);
	cr_expect_eq(withheld.error, -EUCLEAN);
	cr_expect_eq(withheld.segment, 3);
}

Test(withheld, is_what_a_segment_lost_while_it_was_read)
{
	struct log_segment segment = {.fd = 7, .header.number = 9};
	struct withheld withheld = {0};

	withheld_note_loss(&withheld, &segment);
	cr_expect_eq(withheld.error, 0);
	segment.loss.n_bytes = 512;
	withheld_note_loss(&withheld, &segment);
	cr_expect_eq(withheld.error, -EIO);
	cr_expect_eq(withheld.segment, 9);
}

Test(withheld, is_nothing_where_no_segment_is_open)
{
	const struct log_segment segment = {.fd = -1, .loss.n_bytes = 512};
	struct withheld withheld = {0};

	withheld_note_loss(&withheld, &segment);
	cr_expect_eq(withheld.error, 0);
}
