/* SPDX-License-Identifier: MIT */
#ifndef COMMON_DESCRIPTOR_LIMIT_H
#define COMMON_DESCRIPTOR_LIMIT_H

/* How many descriptors this process may have. */

#include <stdint.h>

/* Raise the limit of this process towards `n`, where it is lower. @return the limit it has now */
int64_t descriptor_limit_raise(int64_t n);

#endif
