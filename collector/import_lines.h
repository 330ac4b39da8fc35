/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_IMPORT_LINES_H
#define COLLECTOR_IMPORT_LINES_H

/* The samples of a request to import (collector/import.h), parsed into a bundle. The text may be anything. */

#include <stdbool.h>
#include <stdint.h>

#include "collector/bundle.h"
#include "hostmetrics/control.h"

/* The shortest sample is "s0 0", its newline two bytes in the request. */
#define IMPORT_LINES_SAMPLES_MAX (HM_CONTROL_REQUEST_MAX_BYTES / 5)

struct import_lines {
	struct bundle bundle; /* from bundle_init() */
	const char *hostname; /* of samples that name no host; borrowed */
	/* Told of each sample that is refused: which it is, from 0. */
	void (*refuse)(void *context, uint32_t sample, enum hm_reason reason);
	void *context;
	struct bundle_meta meta;
	enum hm_reason
		named; /* whether the name that holds now is good; set it to HM_REASON_BAD_NAME */
	uint32_t n_samples;                       /* seen so far, good and bad */
	uint32_t index[IMPORT_LINES_SAMPLES_MAX]; /* which each sample of the bundle is */
};

/* Take all lines. @param text  changed in place. @return false: it is no such text */
bool import_lines_take(struct import_lines *lines, char *text);

#endif
