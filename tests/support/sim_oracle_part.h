/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_ORACLE_PART_H
#define TESTS_SUPPORT_SIM_ORACLE_PART_H

/* What the sources of the oracle have in common. */

#include "tests/support/sim_oracle.h"

/* The sample of a value. @return its number; SIZE_MAX: there is none */
size_t sim_oracle_find(const struct sim_oracle *oracle, double value);

/* The number of an epoch: a new one where it is not known. */
unsigned sim_oracle_find_epoch(struct sim_oracle *oracle, const uint8_t *id);

/* The first of the messages among which those of a sequence are; then content->next. */
int32_t *sim_oracle_find_bucket(struct sim_oracle *oracle, unsigned epoch, uint64_t sequence);

#endif
