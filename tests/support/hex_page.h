/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_HEX_PAGE_H
#define TESTS_SUPPORT_HEX_PAGE_H

/*
 * Bytes that a page of docs/ shows: between a line ```hex NAME and a line ``` stand hexadecimal digits;
 * words behind '#' are for people.
 */

#include <stdbool.h>

#include "common/buffer.h"

/* Does the page show these bytes? Where not, they are printed. */
bool hex_page_shows(const char *path, const char *name, const struct buffer *bytes);

#endif
