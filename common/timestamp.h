/* SPDX-License-Identifier: MIT */
#ifndef COMMON_TIMESTAMP_H
#define COMMON_TIMESTAMP_H

/* Times: microseconds since 1970 UTC, in 64 bits. */

#include <stddef.h>
#include <stdint.h>

#define TIMESTAMP_TEXT_MAX_BYTES 40
#define TIMESTAMP_SECOND_US      INT64_C(1000000)

/* The system's clock now. */
int64_t timestamp_now_us(void);

/* CLOCK_MONOTONIC now, microseconds. */
int64_t timestamp_monotonic_us(void);

/*
 * Read seconds, exactly to the microsecond (further digits are cut off): "1795416401",
 * "1795416401.25", "1.795e9".
 * @return 0; -EINVAL: not a number; -ERANGE: does not fit. Never INT64_MIN, which may stand for "no
 * time".
 */
int timestamp_parse(const char *text, size_t length, int64_t *ret_time_us);

/* Write seconds with up to six decimals, no trailing zeros: "1795416401.25". @return its length */
size_t timestamp_format(int64_t time_us, char out[static TIMESTAMP_TEXT_MAX_BYTES]);

/* Write "2026-11-24 02:13:57" in the local zone, or UTC. @return its length */
size_t timestamp_format_local(int64_t time_us, char out[static TIMESTAMP_TEXT_MAX_BYTES]);

/*
 * Read a duration: digits and a unit us, ms, s, m, h, d ("10s", "1h30m"); a bare number is seconds.
 * @return 0; -EINVAL; -ERANGE
 */
int duration_parse(const char *text, int64_t *ret_duration_us);

/* Write it shortly for people: "350ms", "10s", "2m30s", "3d4h". @return its length */
size_t duration_format(int64_t duration_us, char out[static TIMESTAMP_TEXT_MAX_BYTES]);

#endif
