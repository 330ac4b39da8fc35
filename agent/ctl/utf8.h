/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_UTF8_H
#define AGENT_CTL_UTF8_H

/* UTF-8 as a terminal shows it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The code point that begins at `text`.
 * @return its bytes, 1 to 4; 0 when they are not UTF-8 (overlong forms, surrogates) or length is 0
 */
size_t utf8_decode(const char *text, size_t length, uint32_t *ret_code);

/*
 * Can a name pose as another by this code point: does it turn the direction of what stands behind
 * it, or, as U+2028 and U+2029, begin a line or paragraph, which splits a record for some readers?
 */
bool utf8_is_deceptive(uint32_t code);

/* Columns of a terminal that the text takes; wide and combining characters as the locale says. */
size_t utf8_columns(const char *text, size_t length);

/* The longest beginning of the text that fits into so many columns. @return its bytes */
size_t utf8_fit(const char *text, size_t length, size_t n_columns);

#endif
