/* SPDX-License-Identifier: MIT */
#ifndef COMMON_ENTROPY_DECODER_H
#define COMMON_ENTROPY_DECODER_H

/* Decodes integers that common/entropy_encoder.h encoded. Trusts nothing that it reads. */

#include <stddef.h>
#include <stdint.h>

#include "common/varint.h"

struct entropy_decoder; /* scratch memory */

/* @return NULL without memory */
struct entropy_decoder *entropy_decoder_new(void);

/* Takes NULL. */
void entropy_decoder_free(struct entropy_decoder *decoder);

/* Takes all that is left. @return 0; -EBADMSG: also fewer than ENTROPY_MIN; -ENOMEM */
int entropy_decoder_read(struct entropy_decoder *decoder, struct varint_reader *reader,
			 int64_t *ret_integers, size_t n);

#endif
