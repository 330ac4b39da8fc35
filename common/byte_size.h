/* SPDX-License-Identifier: MIT */
#ifndef COMMON_BYTE_SIZE_H
#define COMMON_BYTE_SIZE_H

/* Numbers of bytes as people write them. */

#include <stdint.h>

/*
 * Read digits and a unit K, M, G or T, each 1024 of the one before: "512M", "50G".
 * @return 0; -EINVAL: not that; -ERANGE: does not fit
 */
int byte_size_parse(const char *text, uint64_t *ret_n_bytes);

#endif
