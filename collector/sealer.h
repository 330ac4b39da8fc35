/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_SEALER_H
#define COLLECTOR_SEALER_H

/*
 * Makes batches of the samples that a host's text lines brought: the same bytes as an agent would
 * send. Scratch memory is kept from one batch to the next. One thread.
 */

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/catalog.h"
#include "common/buffer.h"
#include "hostmetrics/format.h"

struct sealer;

/* @return NULL without memory */
struct sealer *sealer_new(void);

/* Takes NULL. */
void sealer_free(struct sealer *sealer);

/* Whose batch it will be, and which. */
struct sealer_batch {
	const struct catalog_host *host;
	const uint8_t *epoch; /* HM_ID_BYTES */
	uint64_t sequence;
	const struct catalog_sample *samples; /* in the order in which they came; at least one */
	size_t n_samples;
};

/*
 * Append the payload of a batch: of the first samples, as many as belong into one.
 * @param mutex  the catalog's: taken while names, kinds and units are read
 * @param ret_n_sealed  how many samples it has; equal times of a series keep their order
 * @return 0 or -ENOMEM, with `out` as before
 */
int sealer_seal(struct sealer *sealer, const struct sealer_batch *batch, pthread_mutex_t *mutex,
		struct buffer *out, size_t *ret_n_sealed);

#endif
