/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_TEST_SPOOL_H
#define TESTS_SUPPORT_TEST_SPOOL_H

/* Spools of the agent, for tests of what stands around them. */

#include <stddef.h>
#include <stdint.h>

#include "agent/spool.h"

/* What the host and each boot are called there. */
extern const uint8_t test_spool_id[HM_ID_BYTES];

/*
 * Open a spool of a host. Ends the test where it cannot.
 * @param folder    open; -1: there is none, all is in memory
 * @param hostname  of it
 * @return owned by the caller
 */
struct spool *test_spool_open(int folder, const char *hostname);

/* Append a BATCH of so many bytes, which none would take, with so many samples, and sync. @return its sequence */
uint64_t test_spool_append(struct spool *spool, size_t n_bytes, uint64_t n_samples);

#endif
