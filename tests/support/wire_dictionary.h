/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_WIRE_DICTIONARY_H
#define TESTS_SUPPORT_WIRE_DICTIONARY_H

/*
 * What the ids of one epoch mean, from its DECLAREs in the order of their sequences. For who reads batches
 * with their names; to check a batch the number of series is enough.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/wire_declare.h"
#include "hostmetrics/format.h"

struct wire_dictionary_entry;

/* Zeroed = empty. */
struct wire_dictionary {
	struct buffer texts; /* unit and name of each series */
	struct wire_dictionary_entry *entries;
	size_t n_series;
	size_t capacity;
};

void wire_dictionary_done(struct wire_dictionary *dictionary);

/*
 * Take the series of a DECLARE. One that is known already, with the same kind, unit and name, is passed over: so a
 * DECLARE may come twice.
 * @return HM_REASON_NONE; HM_REASON_NOT_DECLARED: ids before its first one are missing;
 * HM_REASON_DECLARED_OTHERWISE; HM_REASON_NO_MEMORY; what wire_declare_next() gives. In all these cases none
 * of its series was taken.
 */
enum hm_reason wire_dictionary_add(struct wire_dictionary *dictionary, const uint8_t *payload,
				   size_t length);

/* @param ret_series  borrowed up to the next wire_dictionary_add(). @return 0; -ENOENT: not declared */
int wire_dictionary_get(const struct wire_dictionary *dictionary, uint32_t id,
			struct wire_series *ret_series);

#endif
