/* SPDX-License-Identifier: MIT */
#ifndef COMMON_INTEGERS_H
#define COMMON_INTEGERS_H

/*
 * A run of 64-bit integers, times or scaled values, as bytes: themselves, their differences or the
 * differences of those, less a base and divided by what divides them all, in the smallest of a few
 * codings. Any integers are possible: arithmetic wraps. docs/format.md has the bytes.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/varint.h"

enum integers_coding {
	INTEGERS_CONSTANT = 0,
	INTEGERS_PACKED = 1,
	INTEGERS_ENTROPY = 2,
};

#define INTEGERS_ORDER_MAX 2U

struct integers_form {
	enum integers_coding coding;
	unsigned order; /* differences of so many times; 0 for INTEGERS_CONSTANT */
};

struct integers; /* scratch memory */

/* @return NULL without memory */
struct integers *integers_new(void);

/* Takes NULL. */
void integers_free(struct integers *integers);

/*
 * Append the bytes.
 * @param n          at least one
 * @param is_dense   also try what is denser and slower
 * @param ret_form   is not among the bytes
 * @return 0 or -ENOMEM
 */
int integers_encode(struct integers *integers, const int64_t *values, size_t n, bool is_dense,
		    struct integers_form *ret_form, struct buffer *out);

/*
 * Decode.
 * @param reader  all of what is left is consumed
 * @return 0; -EBADMSG; -ENOMEM
 */
int integers_decode(struct integers *integers, struct integers_form form,
		    struct varint_reader *reader, int64_t *ret_values, size_t n);

#endif
