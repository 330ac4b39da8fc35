/* SPDX-License-Identifier: MIT */
/* What the programs of tests/bench/ share. */

#include "tests/support/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void bench_die(const char *why)
{
	(void)fprintf(stderr, "%s: %s\n", program_invocation_short_name, why);
	exit(1);
}

void *bench_need(void *memory)
{
	if (!memory)
		bench_die("no memory");
	return memory;
}

double bench_cpu_seconds(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

double bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[n / 2];
}
