/* SPDX-License-Identifier: MIT */
/* Batches whose series nobody can declare any more: damage has taken their DECLAREs. */

#include <errno.h>

#include "agent/spool_part.h"
#include "common/block.h"
#include "common/wire_batch.h"

/* The epoch, as its messages are read in their order. */
struct undeclared {
	struct spool *spool;
	struct spool_epoch *epoch;
	struct block_decoder *decoder;
	uint32_t n_series; /* that the collector knows by then */
	size_t n_given_up;
};

/* @return 0; -EBADMSG: it cannot be read; another -errno */
static int take_declare(struct undeclared *undeclared, const struct spool_entry *entry)
{
	struct buffer body = {.data = NULL};
	int result = spool_read_body(undeclared->spool, entry, &body);
	uint32_t first;
	uint32_t behind;

	if (result == 0 && spool_count_series(body.data, body.length, &first, &behind) &&
	    first <= undeclared->n_series && behind > undeclared->n_series)
		undeclared->n_series = behind;
	buffer_done(&body);
	return result;
}

/* @return likewise */
static int take_batch(struct undeclared *undeclared, struct spool_entry *entry)
{
	struct wire_batch_content content;
	struct buffer payload = {.data = NULL};
	int result;

	spool_epoch_put_stamp(undeclared->epoch, entry->sequence, &payload);
	result = spool_read_body(undeclared->spool, entry, &payload);
	if (result == 0 &&
	    wire_batch_check(undeclared->decoder, (const uint8_t *)payload.data, payload.length,
			     undeclared->n_series, &content) == HM_REASON_NOT_DECLARED) {
		spool_give_up(undeclared->spool, undeclared->epoch, entry);
		undeclared->n_given_up++;
	}
	buffer_done(&payload);
	return result;
}

int spool_give_up_undeclared(struct spool *spool, const uint8_t epoch_id[static HM_ID_BYTES],
			     uint64_t durable, uint32_t n_series)
{
	struct undeclared undeclared = {
		.spool = spool,
		.epoch = spool_find_epoch(spool, epoch_id),
		.decoder = block_decoder_new(),
		.n_series = n_series,
	};
	int result = undeclared.decoder ? 0 : -ENOMEM;

	for (size_t i = 0; result == 0 && undeclared.epoch && i < undeclared.epoch->n_entries;
	     i++) {
		struct spool_entry *entry = &undeclared.epoch->entries[i];

		if (entry->type == HM_FRAME_DECLARE)
			result = take_declare(&undeclared, entry);
		else if (entry->type == HM_FRAME_BATCH && entry->sequence > durable)
			result = take_batch(&undeclared, entry);
		/* It becomes a GAP when it is to be sent. */
		if (result == -EBADMSG)
			result = 0;
	}
	block_decoder_free(undeclared.decoder);
	if (undeclared.n_given_up > 0 && !spool->is_in_memory) {
		int written = spool_recover_write(spool, spool_write_all(spool), "write a gap");

		result = result == 0 ? written : result;
	}
	return result == 0 && undeclared.n_given_up == 0 ? -ENOENT : result;
}
