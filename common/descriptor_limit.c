/* SPDX-License-Identifier: MIT */
/* How many descriptors this process may have. */

#include "common/descriptor_limit.h"

#include <sys/resource.h>

/* While the limit is not known: what POSIX promises at least. */
#define LIMIT_UNKNOWN 20

int64_t descriptor_limit_raise(int64_t n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return LIMIT_UNKNOWN;
	if (limit.rlim_cur < (rlim_t)n) {
		limit.rlim_cur = limit.rlim_max < (rlim_t)n ? limit.rlim_max : (rlim_t)n;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_cur;
}
