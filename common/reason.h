/* SPDX-License-Identifier: MIT */
#ifndef COMMON_REASON_H
#define COMMON_REASON_H

/* The words for the stored reasons (hostmetrics/format.h). */

#include "hostmetrics/format.h"

/* A key for JSON and scripts: "bad_value". Never NULL. */
const char *reason_key(enum hm_reason reason);

/* A phrase for people: "the value is not a number". Never NULL. */
const char *reason_text(enum hm_reason reason);

#endif
