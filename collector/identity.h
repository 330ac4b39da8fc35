/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_IDENTITY_H
#define COLLECTOR_IDENTITY_H

/* Which series a sample belongs to: host, metric and labels, as one run of bytes with its hash. */

#include <stddef.h>
#include <stdint.h>

struct identity {
	uint64_t hash;    /* of all of the text, by the store's key */
	const char *text; /* host NUL metric NUL labels (canonical) NUL; borrowed */
	size_t host_length;
	size_t metric_length;
	size_t labels_length;
};

static inline const char *identity_host(const struct identity *identity)
{
	return identity->text;
}

static inline const char *identity_metric(const struct identity *identity)
{
	return identity->text + identity->host_length + 1;
}

static inline const char *identity_labels(const struct identity *identity)
{
	return identity_metric(identity) + identity->metric_length + 1;
}

/* Bytes of the text that the hash is taken of: all but the last NUL. */
static inline size_t identity_text_bytes(const struct identity *identity)
{
	return identity->host_length + 1 + identity->metric_length + 1 + identity->labels_length;
}

#endif
