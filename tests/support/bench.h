/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_BENCH_H
#define TESTS_SUPPORT_BENCH_H

/* What the programs of tests/bench/ share. */

#include <stddef.h>

/* Tell why, and end the program with 1. */
void bench_die(const char *why) __attribute__((noreturn));

/* @return the memory; ends the program where there is none */
void *bench_need(void *memory);

/* CPU time of this process so far. */
double bench_cpu_seconds(void);

/* @param values  are sorted; n > 0 */
double bench_median(double *values, size_t n);

#endif
