/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_HASH_H
#define COLLECTOR_HASH_H

/*
 * A keyed hash (SipHash-1-3) for tables that hold names from outside: who does not know the key
 * cannot choose names that collide.
 */

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t words[2];
};

/* Draw a key from the kernel. @return 0 or -errno of getrandom(2) */
int hash_key_new(struct hash_key *ret_key);

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t length);

#endif
