/* SPDX-License-Identifier: MIT */
/* Lets Criterion run under ThreadSanitizer, which forbids most addresses. */

#include <stdlib.h>

#ifdef __SANITIZE_THREAD__

/*
 * Criterion maps memory that it shares with its tests at 2^45 + 2^24 * (rand_r() mod 2^22). Of that
 * range ThreadSanitizer leaves to programs only 0x5500'0000'0000 to 0x5680'0000'0000, and the kernel
 * puts the program itself above 0x5555'0000'0000. This rand_r() stays below; the Makefile links it in.
 */
__attribute__((visibility("default"))) int rand_r(unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return (int)(0x350000 + (*seed >> 16) % 0x5000);
}

#endif
