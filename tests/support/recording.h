/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_RECORDING_H
#define TESTS_SUPPORT_RECORDING_H

/* tests/fixtures/host-1s.txt.zst: what one host showed, once a second for 50 minutes. */

#include <stddef.h>
#include <stdint.h>

struct recording_series {
	char *name; /* metric{labels} */
	size_t metric_length;
	int64_t *times_us;
	double *values;
	size_t n;
	size_t capacity;
};

/* By metric and labels. */
struct recording {
	struct recording_series *series;
	size_t n_series;
	size_t capacity;
	size_t n_samples;
};

/* @return 0; -ENOENT: the recording is not there, or zstd(1); ends the program when it is damaged */
int recording_read(struct recording *recording);

void recording_done(struct recording *recording);

#endif
