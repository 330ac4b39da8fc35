/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_ORACLE_PART_H
#define TESTS_SUPPORT_SIM_ORACLE_PART_H

/* What the sources of the oracle have in common. */

#include "tests/support/sim_oracle.h"

/* The sample of a value. @return its number; SIZE_MAX: there is none */
size_t sim_oracle_find(const struct sim_oracle *oracle, double value);

/* The number of an epoch: a new one where it is not known. */
unsigned sim_oracle_find_epoch(struct sim_oracle *oracle, const uint8_t *id);

/*
 * A GAP stands for the samples of all messages of its sequences that were sent, and for others of its times that were not
 * acknowledged.
 * @return sequences: was there a message of each? Then the GAP stands for nothing else
 */
bool sim_oracle_walk_sequences(struct sim_oracle *oracle, const struct wire_gap *gap,
			       void (*take)(struct sim_sample *sample, unsigned epoch));
void sim_oracle_walk_times(struct sim_oracle *oracle, const struct wire_gap *gap,
			   void (*take)(struct sim_sample *sample, unsigned epoch));

/* The first of the messages among which those of a sequence are; then content->next. */
int32_t *sim_oracle_find_bucket(struct sim_oracle *oracle, unsigned epoch, uint64_t sequence);

#endif
