/* SPDX-License-Identifier: MIT */
#ifndef COMMON_NUMBER_H
#define COMMON_NUMBER_H

/* Numbers as text, independent of the locale. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBER_TEXT_MAX_BYTES 32
/* A number of more bytes is not taken: exact rounding never needs as many digits. */
#define NUMBER_PARSE_MAX_BYTES 1023

/*
 * Read decimal notation ([+-]digits[.digits][e[+-]digits]), or nan, inf, infinity in any case with
 * a sign.
 * @param text  `length` bytes, all of which must belong to the number
 * @return 0; -EINVAL. Beyond the range of a double it becomes an infinity, as strtod(3) does.
 * Correctly rounded.
 */
int number_parse(const char *text, size_t length, double *ret_value);

/*
 * Take a plain decimal (digits[.digits], so few of them that it is exact) off the text: nearly all numbers
 * are, and they are read at once.
 * @param at  the first byte; behind the number on success @return false: there is none, or it is not such
 */
bool number_take_plain(const char **at, const char *end, double *ret_value);

/* Write the shortest decimal that reads back as the same double: "5", "0.1", "1e+300", "NaN",
 * "+Inf". @return its length */
size_t number_format(double value, char out[static NUMBER_TEXT_MAX_BYTES]);

/* The same of an integer. */
size_t number_format_integer(int64_t value, char out[static NUMBER_TEXT_MAX_BYTES]);

#endif
