/* SPDX-License-Identifier: MIT */
/* The bytes that go over one connection after the other. */

#include "agent/shipment.h"

#include <string.h>

void shipment_init(struct shipment *shipment, struct queue *queue, const char *declarations,
		   size_t declarations_length)
{
	*shipment = (struct shipment){
		.queue = queue,
		.declarations = declarations,
		.declarations_length = declarations_length,
	};
}

/* Are the declarations to be sent? They may not come between the halves of a line. */
static bool is_declaring(const struct shipment *shipment)
{
	return shipment->declared_length < shipment->declarations_length &&
	       (shipment->offset == 0 || shipment->round->data[shipment->offset - 1] == '\n');
}

bool shipment_declare(struct shipment *shipment, const char *declarations)
{
	bool is_same = strcmp(shipment->declarations, declarations) == 0;
	bool is_between = shipment->declared_length == 0 ||
			  shipment->declared_length == shipment->declarations_length;

	shipment->declarations = declarations;
	shipment->declarations_length = strlen(declarations);
	if (!is_same)
		shipment->declared_length = 0;
	return is_same || is_between;
}

static void finish_round(struct shipment *shipment)
{
	queue_finish(shipment->queue, shipment->round);
	shipment->round = NULL;
	shipment->offset = 0;
	shipment->n_lines = 0;
}

void shipment_done(struct shipment *shipment)
{
	if (shipment->queue)
		finish_round(shipment);
}

void shipment_begin(struct shipment *shipment)
{
	const char *newline = NULL;

	shipment->declared_length = 0;
	if (!shipment->round)
		return;
	newline = memrchr(shipment->round->data, '\n', shipment->offset);
	shipment->offset = newline ? (size_t)(newline - shipment->round->data) + 1 : 0;
}

bool shipment_is_pending(struct shipment *shipment)
{
	if (!shipment->round)
		shipment->round = queue_take(shipment->queue);
	return shipment->round != NULL;
}

bool shipment_next(struct shipment *shipment, const char **ret_data, size_t *ret_length)
{
	if (is_declaring(shipment)) {
		*ret_data = shipment->declarations + shipment->declared_length;
		*ret_length = shipment->declarations_length - shipment->declared_length;
		return true;
	}
	if (!shipment_is_pending(shipment))
		return false;
	*ret_data = shipment->round->data + shipment->offset;
	*ret_length = shipment->round->length - shipment->offset;
	return true;
}

static size_t count_lines(const char *data, size_t length)
{
	const char *end = data + length;
	size_t n_lines = 0;

	while ((data = memchr(data, '\n', (size_t)(end - data)))) {
		n_lines++;
		data++;
	}
	return n_lines;
}

void shipment_advance(struct shipment *shipment, size_t length)
{
	size_t n_lines;

	if (is_declaring(shipment)) {
		shipment->declared_length += length;
		return;
	}
	n_lines = count_lines(shipment->round->data + shipment->offset, length);
	shipment->offset += length;
	shipment->n_lines += n_lines;
	shipment->n_sent_samples += n_lines;
	if (shipment->offset == shipment->round->length)
		finish_round(shipment);
}

size_t shipment_n_unsent_samples(const struct shipment *shipment)
{
	struct queue_stats stats;

	queue_get_stats(shipment->queue, &stats);
	return stats.n_samples - shipment->n_lines;
}
