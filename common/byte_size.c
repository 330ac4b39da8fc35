/* SPDX-License-Identifier: MIT */
/* Numbers of bytes as people write them. */

#include "common/byte_size.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UNITS     "KMGT"
#define UNIT_BITS 10

int byte_size_parse(const char *text, uint64_t *ret_n_bytes)
{
	unsigned long long number;
	const char *unit;
	uint64_t n_bytes;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno == ERANGE)
		return -ERANGE;
	unit = *end ? strchr(UNITS, *end) : NULL;
	if (!unit || end[1])
		return -EINVAL;
	if (__builtin_mul_overflow((uint64_t)number,
				   UINT64_C(1) << (unsigned)(unit - UNITS + 1) * UNIT_BITS,
				   &n_bytes))
		return -ERANGE;
	*ret_n_bytes = n_bytes;
	return 0;
}
