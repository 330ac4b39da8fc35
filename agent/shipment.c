/* SPDX-License-Identifier: MIT */
/* What goes from the spool to the collector. */

#include "agent/shipment.h"

#include <errno.h>
#include <string.h>

#include "common/message.h"
#include "common/timestamp.h"

/* -- the spool, as a delivery asks for it ---------------------------------------------------------- */

static void convert(const struct spool_message *message, struct delivery_message *ret_message)
{
	*ret_message = (struct delivery_message){
		.type = message->type,
		.sequence = message->sequence,
		.payload = message->payload,
		.length = message->payload_bytes,
		.crc = message->crc,
	};
}

static int resume(void *context, uint64_t sequence, uint32_t crc)
{
	struct shipment *shipment = context;
	int result = spool_compare(shipment->spool, shipment->epoch, sequence, crc);

	shipment->durable = sequence;
	if (result == 0)
		spool_acked(shipment->spool, shipment->epoch, sequence);
	return result;
}

static int next(void *context, uint64_t after, struct delivery_message *ret_message)
{
	struct shipment *shipment = context;
	struct spool_message message;
	int result = spool_next(shipment->spool, shipment->epoch, after, &message);

	if (result == 0)
		convert(&message, ret_message);
	return result == -ENOENT ? -EAGAIN : result;
}

static int next_declare(void *context, uint64_t after, struct delivery_message *ret_message)
{
	struct shipment *shipment = context;
	struct spool_message message;
	int result = spool_next_declare(shipment->spool, shipment->epoch, after, &message);

	if (result == 0)
		convert(&message, ret_message);
	return result == -ENOENT ? -EAGAIN : result;
}

static void ack(void *context, uint64_t sequence)
{
	struct shipment *shipment = context;

	shipment->has_progress = true;
	spool_acked(shipment->spool, shipment->epoch, sequence);
}

/* -- sessions -------------------------------------------------------------------------------------- */

void shipment_init(struct shipment *shipment, struct spool *spool,
		   const uint8_t boot_id[static HM_ID_BYTES])
{
	*shipment = (struct shipment){
		.spool = spool,
		.delivery.spool = {.resume = resume,
				   .next = next,
				   .next_declare = next_declare,
				   .ack = ack,
				   .context = shipment},
	};
	memcpy(shipment->boot_id, boot_id, HM_ID_BYTES);
}

void shipment_done(struct shipment *shipment)
{
	delivery_done(&shipment->delivery);
}

static bool has_more(const struct spool_epoch_info *info)
{
	return info->last > info->acked;
}

/* The oldest epoch with something to send, or else the current one. */
static void find_epoch(const struct spool *spool, struct spool_epoch_info *ret_info)
{
	memset(ret_info, 0, sizeof(*ret_info));
	for (size_t i = 0; spool_get_epoch(spool, i, ret_info) == 0 && !has_more(ret_info); i++)
		;
}

int shipment_begin(struct shipment *shipment, int64_t now_us)
{
	struct spool_epoch_info info;
	struct wire_hello hello = {
		.now_us = timestamp_now_us(),
		.version = {HM_VERSION, strlen(HM_VERSION)},
	};

	find_epoch(shipment->spool, &info);
	hello.host = info.host_name;
	memcpy(hello.host_id, info.host_id, HM_ID_BYTES);
	memcpy(hello.epoch, info.id, HM_ID_BYTES);
	memcpy(hello.boot_id, shipment->boot_id, HM_ID_BYTES);
	memcpy(shipment->epoch, info.id, HM_ID_BYTES);
	shipment->durable = 0;
	shipment->has_progress = false;
	return delivery_begin(&shipment->delivery, &hello, now_us);
}

bool shipment_is_done(const struct shipment *shipment)
{
	struct spool_epoch_info info;

	find_epoch(shipment->spool, &info);
	return delivery_is_idle(&shipment->delivery) &&
	       memcmp(info.id, shipment->epoch, HM_ID_BYTES) != 0;
}

static void begin_epoch(struct shipment *shipment)
{
	/* What this session has sent may be stored by now. */
	uint64_t sent = shipment->delivery.sent;
	int result = spool_new_epoch(shipment->spool, shipment->epoch,
				     sent > shipment->durable ? sent : shipment->durable);

	if (result == 0) {
		message_warning("the collector has something else than the spool under the same "
				"numbers: a new epoch begins");
	} else if (result != -ENOENT) {
		message_warning("no new epoch can begin yet: %s", strerror(-result));
	}
}

/* Whoever has no DECLARE for a batch would send it for ever, and nothing behind it. */
static void give_up_undeclared(struct shipment *shipment)
{
	int result = spool_give_up_undeclared(shipment->spool, shipment->epoch, shipment->durable,
					      shipment->delivery.welcome.n_series);

	if (result == 0) {
		message_warning("spool: damage has taken what some of its batches are about: they "
				"are given up");
	} else if (result != -ENOENT) {
		message_warning("spool: cannot look for batches without a declaration: %s",
				strerror(-result));
	}
}

void shipment_end(struct shipment *shipment)
{
	const struct delivery_end *end = &shipment->delivery.end;

	if (end->outcome == DELIVERY_NEW_EPOCH)
		begin_epoch(shipment);
	else if (end->is_theirs && end->reason == HM_REASON_NOT_DECLARED)
		give_up_undeclared(shipment);
}

bool shipment_is_drained(const struct shipment *shipment)
{
	struct spool_epoch_info info;

	find_epoch(shipment->spool, &info);
	return !has_more(&info);
}
