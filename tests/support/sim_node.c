/* SPDX-License-Identifier: MIT */
/* A file or folder of the simulated disk. */

#include "tests/support/sim_node.h"

#include <stdlib.h>
#include <string.h>

/* -- memory ------------------------------------------------------------------------------------ */

void *sim_node_allocate(void *memory, size_t n, size_t size)
{
	void *grown = reallocarray(memory, n + 1, size);

	if (!grown)
		abort();
	return grown;
}

static void *copy_bytes(const void *bytes, size_t length)
{
	uint8_t *copy = sim_node_allocate(NULL, length, 1);

	if (length)
		memcpy(copy, bytes, length);
	return copy;
}

static char *copy_name(const char *name)
{
	return name ? copy_bytes(name, strlen(name) + 1) : NULL;
}

/* -- content ----------------------------------------------------------------------------------- */

void sim_content_resize(struct sim_content *content, uint64_t size)
{
	if (size > content->capacity) {
		uint64_t capacity = size + size / 4 + 512;
		/* From calloc: a large preallocated file costs no memory until it is written. */
		uint8_t *bytes = calloc(capacity, 1);

		if (!bytes)
			abort();
		if (content->size)
			memcpy(bytes, content->bytes, content->size);
		free(content->bytes);
		content->bytes = bytes;
		content->capacity = capacity;
	}
	if (size < content->size)
		memset(content->bytes + size, 0, content->size - size);
	content->size = size;
}

static void content_copy(struct sim_content *to, const struct sim_content *from)
{
	sim_content_resize(to, 0);
	sim_content_resize(to, from->size);
	if (from->size)
		memcpy(to->bytes, from->bytes, from->size);
}

/* What lies behind the size has no place. */
static void content_write(struct sim_content *content, uint64_t offset, const uint8_t *bytes,
			  size_t length)
{
	if (offset >= content->size)
		return;
	if (length > content->size - offset)
		length = content->size - offset;
	if (length)
		memcpy(content->bytes + offset, bytes, length);
}

/* -- entries ----------------------------------------------------------------------------------- */

struct sim_entry *sim_entries_find(const struct sim_entries *entries, const char *name)
{
	for (size_t i = 0; i < entries->n; i++) {
		if (strcmp(entries->at[i].name, name) == 0)
			return &entries->at[i];
	}
	return NULL;
}

static void entries_set(struct sim_entries *entries, const char *name, unsigned node)
{
	struct sim_entry *entry = sim_entries_find(entries, name);

	if (!entry) {
		if (entries->n == entries->capacity) {
			entries->capacity = entries->capacity * 2 + 8;
			entries->at = sim_node_allocate(entries->at, entries->capacity,
							sizeof(*entries->at));
		}
		entry = &entries->at[entries->n++];
		entry->name = copy_name(name);
	}
	entry->node = node;
}

static void entries_remove(struct sim_entries *entries, const char *name)
{
	struct sim_entry *entry = sim_entries_find(entries, name);

	if (!entry)
		return;
	free(entry->name);
	*entry = entries->at[--entries->n];
}

/* Nothing has two names here. */
static void entries_remove_node(struct sim_entries *entries, unsigned node)
{
	for (size_t i = 0; i < entries->n; i++) {
		if (entries->at[i].node == node) {
			free(entries->at[i].name);
			entries->at[i] = entries->at[--entries->n];
			return;
		}
	}
}

static void entries_clear(struct sim_entries *entries)
{
	for (size_t i = 0; i < entries->n; i++)
		free(entries->at[i].name);
	entries->n = 0;
}

static void entries_copy(struct sim_entries *to, const struct sim_entries *from)
{
	entries_clear(to);
	for (size_t i = 0; i < from->n; i++)
		entries_set(to, from->at[i].name, from->at[i].node);
}

/* Also where what the change builds on was lost: a rename is then the birth of its second name. */
static void entries_do(struct sim_entries *entries, const struct sim_change *change)
{
	switch (change->kind) {
	case SIM_CHANGE_LINK:
		entries_set(entries, change->name, change->node);
		break;
	case SIM_CHANGE_UNLINK:
		entries_remove(entries, change->name);
		break;
	case SIM_CHANGE_RENAME:
		entries_remove_node(entries, change->node);
		entries_set(entries, change->to, change->node);
		break;
	case SIM_CHANGE_WRITE:
	case SIM_CHANGE_SIZE:
	case SIM_CHANGE_PUNCH:
		break;
	}
}

/* -- nodes ------------------------------------------------------------------------------------- */

struct sim_node *sim_node_new(bool is_folder)
{
	struct sim_node *node = sim_node_allocate(NULL, 1, sizeof(*node));

	*node = (struct sim_node){.is_folder = is_folder};
	return node;
}

static void drop_changes(struct sim_node *node)
{
	for (size_t i = 0; i < node->n_changes; i++) {
		free(node->changes[i].bytes);
		free(node->changes[i].name);
		free(node->changes[i].to);
	}
	node->n_changes = 0;
}

void sim_node_free(struct sim_node *node)
{
	if (!node)
		return;
	drop_changes(node);
	entries_clear(&node->entries);
	entries_clear(&node->durable_entries);
	free(node->entries.at);
	free(node->durable_entries.at);
	free(node->changes);
	free(node->now.bytes);
	free(node->durable.bytes);
	free(node->blocks);
	free(node);
}

struct sim_node *sim_node_clone(const struct sim_node *node)
{
	struct sim_node *clone = sim_node_new(node->is_folder);

	clone->n_names = node->n_names;
	clone->n_open = node->n_open;
	clone->n_errors = node->n_errors;
	clone->bad_from = node->bad_from;
	clone->bad_until = node->bad_until;
	clone->list_error = node->list_error;
	content_copy(&clone->now, &node->now);
	content_copy(&clone->durable, &node->durable);
	clone->blocks = copy_bytes(node->blocks, node->n_blocks);
	clone->n_blocks = node->n_blocks;
	clone->n_used_blocks = node->n_used_blocks;
	entries_copy(&clone->entries, &node->entries);
	entries_copy(&clone->durable_entries, &node->durable_entries);
	for (size_t i = 0; i < node->n_changes; i++)
		sim_node_change(clone, &node->changes[i]);
	return clone;
}

void sim_node_change(struct sim_node *node, const struct sim_change *change)
{
	struct sim_change *copy;

	if (node->n_changes == node->changes_capacity) {
		node->changes_capacity = node->changes_capacity * 2 + 4;
		node->changes = sim_node_allocate(node->changes, node->changes_capacity,
						  sizeof(*node->changes));
	}
	copy = &node->changes[node->n_changes++];
	*copy = *change;
	copy->bytes = change->bytes ? copy_bytes(change->bytes, change->length) : NULL;
	copy->name = copy_name(change->name);
	copy->to = copy_name(change->to);
}

/* What lies behind the size has no place. */
static void content_punch(struct sim_content *content, const struct sim_change *change)
{
	uint64_t length = change->length;

	if (change->offset >= content->size)
		return;
	if (length > content->size - change->offset)
		length = content->size - change->offset;
	if (length)
		memset(content->bytes + change->offset, 0, length);
}

static void content_do(struct sim_content *content, const struct sim_change *change)
{
	if (change->kind == SIM_CHANGE_SIZE)
		sim_content_resize(content, change->size);
	if (change->kind == SIM_CHANGE_PUNCH)
		content_punch(content, change);
	if (change->kind != SIM_CHANGE_WRITE)
		return;
	if (change->size > content->size)
		sim_content_resize(content, change->size);
	content_write(content, change->offset, change->bytes, change->length);
}

void sim_node_do(struct sim_node *node, const struct sim_change *change)
{
	if (node->is_folder)
		entries_do(&node->entries, change);
	else
		content_do(&node->now, change);
}

void sim_node_sync(struct sim_node *node)
{
	for (size_t i = 0; i < node->n_changes; i++) {
		if (node->is_folder)
			entries_do(&node->durable_entries, &node->changes[i]);
		else
			content_do(&node->durable, &node->changes[i]);
	}
	drop_changes(node);
}

/* -- fate -------------------------------------------------------------------------------------- */

static void count(const struct sim_fate *fate, enum sim_event event)
{
	fate->counts->events[event]++;
}

/* Whether a change that can only be done or not is done. */
static bool is_done(const struct sim_fate *fate, const struct sim_change *change)
{
	switch (fate->mode) {
	case SIM_MODE_ALL:
		return true;
	case SIM_MODE_NONE:
		return false;
	case SIM_MODE_PREFIX:
		return change->sequence < fate->cut ||
		       (change->sequence == fate->cut && sim_random_chance(fate->random, 1, 2));
	case SIM_MODE_WHOLE:
	case SIM_MODE_CHAOS:
	case SIM_MODES:
		break;
	}
	return sim_random_chance(fate->random, 1, 2);
}

/* Some bytes of the piece are new: those before a place, or those behind it. */
static void write_torn(struct sim_content *content, uint64_t offset, const uint8_t *bytes,
		       size_t length, struct sim_random *random)
{
	size_t cut = 1 + (size_t)sim_random_below(random, length - 1);

	if (sim_random_chance(random, 1, 2))
		content_write(content, offset, bytes, cut);
	else
		content_write(content, offset + cut, bytes + cut, length - cut);
}

static void write_garbled(struct sim_content *content, uint64_t offset, size_t length,
			  struct sim_random *random)
{
	uint8_t garbage[SIM_DISK_SECTOR_BYTES];

	sim_random_fill(random, garbage, sizeof(garbage));
	content_write(content, offset, garbage, length);
}

/* A piece of a write that lies in one sector. */
static void meet_piece(struct sim_content *content, uint64_t offset, const uint8_t *bytes,
		       size_t length, const struct sim_fate *fate)
{
	uint64_t dice = sim_random_below(fate->random, 100);

	if (dice < 45) {
		content_write(content, offset, bytes, length);
		count(fate, SIM_SECTORS_DONE);
	} else if (dice < 85) {
		count(fate, SIM_SECTORS_OMITTED);
	} else if (dice < 95 && length > 1) {
		write_torn(content, offset, bytes, length, fate->random);
		count(fate, SIM_SECTORS_TORN);
	} else {
		write_garbled(content, offset, length, fate->random);
		count(fate, SIM_SECTORS_GARBLED);
	}
}

static size_t piece_length(uint64_t offset, size_t left)
{
	size_t to_end = SIM_DISK_SECTOR_BYTES - offset % SIM_DISK_SECTOR_BYTES;

	return left < to_end ? left : to_end;
}

/* Each sector for itself; in front of a cut all, the one at the cut perhaps. */
static void meet_pieces(struct sim_content *content, const struct sim_change *change,
			const struct sim_fate *fate)
{
	uint64_t cut = sim_random_below(fate->random, change->length);
	size_t length;

	for (size_t done = 0; done < change->length; done += length) {
		uint64_t offset = change->offset + done;

		length = piece_length(offset, change->length - done);
		if (fate->mode != SIM_MODE_PREFIX || (cut >= done && cut - done < length)) {
			meet_piece(content, offset, change->bytes + done, length, fate);
		} else if (cut >= done) {
			content_write(content, offset, change->bytes + done, length);
			count(fate, SIM_SECTORS_DONE);
		} else {
			count(fate, SIM_SECTORS_OMITTED);
		}
	}
}

/* A hole is told in the journal, too. */
static void meet_punch(struct sim_content *content, const struct sim_change *change,
		       const struct sim_fate *fate)
{
	if (!is_done(fate, change)) {
		count(fate, SIM_HOLES_LOST);
		return;
	}
	content_punch(content, change);
	count(fate, SIM_HOLES_DONE);
}

/* A size is told in the folder's journal: done or not. What is done reaches a file's end at most. */
static void meet_size(struct sim_content *content, const struct sim_change *change,
		      const struct sim_fate *fate)
{
	bool is_write = change->kind == SIM_CHANGE_WRITE;

	if (is_write && change->size <= content->size)
		return;
	if (!is_done(fate, change)) {
		count(fate, SIM_SIZES_LOST);
		return;
	}
	sim_content_resize(content, change->size);
	count(fate, SIM_SIZES_DONE);
}

static bool is_whole(const struct sim_fate *fate, const struct sim_change *change)
{
	return fate->mode != SIM_MODE_CHAOS &&
	       (fate->mode != SIM_MODE_PREFIX || change->sequence != fate->cut);
}

static void meet_write(struct sim_content *content, const struct sim_change *change,
		       const struct sim_fate *fate)
{
	size_t n_sectors = (change->length + SIM_DISK_SECTOR_BYTES - 1) / SIM_DISK_SECTOR_BYTES;

	if (!is_whole(fate, change)) {
		meet_pieces(content, change, fate);
	} else if (is_done(fate, change)) {
		content_write(content, change->offset, change->bytes, change->length);
		fate->counts->events[SIM_SECTORS_DONE] += n_sectors;
	} else {
		fate->counts->events[SIM_SECTORS_OMITTED] += n_sectors;
	}
}

static void meet_entry(struct sim_node *node, const struct sim_change *change,
		       const struct sim_fate *fate, bool *is_one_lost)
{
	if (!is_done(fate, change)) {
		*is_one_lost = true;
		count(fate, SIM_ENTRIES_LOST);
		return;
	}
	entries_do(&node->durable_entries, change);
	count(fate, SIM_ENTRIES_DONE);
	if (*is_one_lost)
		count(fate, SIM_ENTRIES_REORDERED);
}

void sim_node_meet(struct sim_node *node, const struct sim_fate *fate)
{
	bool is_one_lost = false;

	for (size_t i = 0; i < node->n_changes; i++) {
		const struct sim_change *change = &node->changes[i];

		if (node->is_folder) {
			meet_entry(node, change, fate, &is_one_lost);
			continue;
		}
		if (change->kind == SIM_CHANGE_PUNCH)
			meet_punch(&node->durable, change, fate);
		else
			meet_size(&node->durable, change, fate);
		if (change->kind == SIM_CHANGE_WRITE)
			meet_write(&node->durable, change, fate);
	}
	drop_changes(node);
}

/* What holds anything has its place: a hole that was lost was none. */
static void find_blocks(struct sim_node *node)
{
	static const uint8_t zeroes[SIM_DISK_BLOCK_BYTES];

	for (uint64_t i = 0; i * SIM_DISK_BLOCK_BYTES < node->now.size; i++) {
		uint64_t offset = i * SIM_DISK_BLOCK_BYTES;
		uint64_t left = node->now.size - offset;
		size_t length = left < sizeof(zeroes) ? (size_t)left : sizeof(zeroes);

		if (sim_node_count_missing(node, offset, length) > 0 &&
		    memcmp(node->now.bytes + offset, zeroes, length) != 0)
			sim_node_take_blocks(node, offset, length);
	}
}

void sim_node_reset(struct sim_node *node)
{
	drop_changes(node);
	content_copy(&node->now, &node->durable);
	entries_copy(&node->entries, &node->durable_entries);
	sim_node_cut_blocks(node);
	find_blocks(node);
	node->n_open = 0;
	node->n_errors = 0;
}

void sim_node_evict(struct sim_node *node)
{
	uint64_t size = node->now.size;

	content_copy(&node->now, &node->durable);
	for (size_t i = 0; i < node->n_changes; i++)
		content_do(&node->now, &node->changes[i]);
	/* The size is not a page: the kernel still knows it. */
	sim_content_resize(&node->now, size);
}

/* -- blocks ------------------------------------------------------------------------------------ */

static uint64_t block_end(uint64_t end)
{
	return (end + SIM_DISK_BLOCK_BYTES - 1) / SIM_DISK_BLOCK_BYTES;
}

uint64_t sim_node_count_missing(const struct sim_node *node, uint64_t offset, uint64_t length)
{
	uint64_t n = 0;

	for (uint64_t i = offset / SIM_DISK_BLOCK_BYTES; i < block_end(offset + length); i++)
		n += i >= node->n_blocks || !node->blocks[i];
	return n;
}

void sim_node_take_blocks(struct sim_node *node, uint64_t offset, uint64_t length)
{
	uint64_t end = block_end(offset + length);

	if (end > node->n_blocks) {
		node->blocks = sim_node_allocate(node->blocks, end, 1);
		memset(node->blocks + node->n_blocks, 0, end - node->n_blocks);
		node->n_blocks = end;
	}
	for (uint64_t i = offset / SIM_DISK_BLOCK_BYTES; i < end; i++) {
		node->n_used_blocks += !node->blocks[i];
		node->blocks[i] = 1;
	}
}

void sim_node_give_blocks(struct sim_node *node, uint64_t offset, uint64_t length)
{
	uint64_t end = (offset + length) / SIM_DISK_BLOCK_BYTES;

	for (uint64_t i = block_end(offset); i < end && i < node->n_blocks; i++) {
		node->n_used_blocks -= node->blocks[i];
		node->blocks[i] = 0;
	}
}

void sim_node_cut_blocks(struct sim_node *node)
{
	while (node->n_blocks > block_end(node->now.size))
		node->n_used_blocks -= node->blocks[--node->n_blocks];
}
