/* SPDX-License-Identifier: MIT */
/* A store whose files a test makes byte by byte. */

#include "tests/support/made_store.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/ctl/check.h"
#include "agent/ctl/dump.h"
#include "common/log_entry.h"
#include "common/message.h"
#include "common/store_file.h"
#include "tests/support/native.h"
#include "tests/support/scratch.h"

void made_store_init(struct made_store *store, const char *verb)
{
	cr_redirect_stderr();
	message_init("agentctl");
	*store = (struct made_store){
		.folder = scratch_folder(),
		.options = {.verb = verb_find(verb), .format = &output_plain},
	};
	cr_assert_eq(mkdir(made_store_path(store, "hosts"), 0700), 0);
	cr_assert_eq(mkdir(made_store_path(store, "hosts/web01"), 0700), 0);
	cr_assert_eq(mkdir(made_store_path(store, "log"), 0700), 0);
}

void made_store_done(struct made_store *store)
{
	free(store->printed);
	buffer_done(&store->bytes);
	buffer_done(&store->payload);
	scratch_remove(store->folder);
}

const char *made_store_path(struct made_store *store, const char *name)
{
	(void)snprintf(store->path, sizeof(store->path), "%s/%s", store->folder, name);
	return store->path;
}

void made_store_save(struct made_store *store, const char *name)
{
	FILE *file = fopen(made_store_path(store, name), "w");

	cr_assert(file);
	cr_assert_eq(fwrite(store->bytes.data, 1, store->bytes.length, file), store->bytes.length);
	cr_assert_eq(fclose(file), 0);
}

void made_store_flip(struct made_store *store, size_t bit)
{
	uint8_t *at = (uint8_t *)store->bytes.data + bit / 8;

	*at = (uint8_t)(*at ^ 1U << bit % 8);
}

void made_store_damage(struct made_store *store, size_t offset)
{
	made_store_flip(store, offset * 8 + 2);
}

static FILE *begin_printing(struct made_store *store, size_t *ret_length)
{
	FILE *file;

	free(store->printed);
	store->printed = NULL;
	file = open_memstream(&store->printed, ret_length);
	cr_assert(file);
	return file;
}

int made_store_check(struct made_store *store)
{
	size_t length;
	FILE *file = begin_printing(store, &length);
	int ending = check_store(&store->options, store->folder, file);

	(void)fclose(file);
	return ending;
}

int made_store_dump(struct made_store *store)
{
	size_t length;
	FILE *file = begin_printing(store, &length);
	int ending;

	made_store_save(store, store->name);
	store->options.argument = store->path;
	ending = dump_file(&store->options, file);
	(void)fclose(file);
	return ending;
}

void made_store_expect_said(struct made_store *store, const char *rest)
{
	char expected[400];

	(void)snprintf(expected, sizeof(expected), "agentctl: %s%s\n", store->path, rest);
	cr_expect_stderr_eq_str(expected);
}

void made_store_make(struct made_store *store, enum hm_frame_type type)
{
	buffer_clear(&store->payload);
	for (size_t i = 0; i < NATIVE_N_MESSAGES; i++) {
		if (native_messages[i].type == type)
			native_messages[i].put(&store->payload);
	}
}

/* -- a segment of the log -------------------------------------------------------------------------- */

static void put_segment_header(struct made_store *store)
{
	struct log_file_header header = {.number = store->number, .salt = MADE_STORE_SALT};

	log_file_put_header(&store->bytes, &header);
}

void made_store_begin_segment(struct made_store *store, uint32_t number)
{
	char name[LOG_FILE_NAME_BYTES];

	log_file_name(number, name);
	(void)snprintf(store->name, sizeof(store->name), "log/%s", name);
	store->number = number;
	buffer_clear(&store->bytes);
	put_segment_header(store);
}

size_t made_store_put_record(struct made_store *store, enum hm_record_type type, uint32_t host,
			     uint64_t durable)
{
	size_t begin = store->bytes.length;
	struct log_record record = {
		.type = type,
		.host = host,
		.position = log_position(store->number, begin),
		.durable = durable,
		.payload = store->payload.data,
		.payload_bytes = (uint32_t)store->payload.length,
	};

	log_file_put_record(&store->bytes, MADE_STORE_SALT, &record);
	return begin;
}

size_t made_store_put(struct made_store *store, enum hm_record_type type, uint32_t host)
{
	return made_store_put_record(store, type, host,
				     log_position(store->number, store->bytes.length));
}

void made_store_put_host(struct made_store *store, uint32_t number)
{
	struct log_host host = {.number = number, .name = {"web01", 5}};

	buffer_clear(&store->payload);
	log_entry_put_host(&store->payload, &host);
	(void)made_store_put(store, HM_RECORD_HOST, 0);
}

void made_store_end_segment(struct made_store *store)
{
	while (store->bytes.length < MADE_STORE_SEGMENT_BYTES - HM_LOG_HEADER_BYTES)
		buffer_append_byte(&store->bytes, 0);
	put_segment_header(store);
}

/* -- the own file of the host ---------------------------------------------------------------------- */

void made_store_begin_host_file(struct made_store *store)
{
	static const uint8_t store_id[HM_ID_BYTES];
	struct store_file_header header = {
		.store_id = store_id,
		.salt = MADE_STORE_SALT,
		.type = HM_FILE_HOST,
		.host = "web01",
		.host_length = 5,
		.metric = "",
		.unit = "",
	};

	(void)snprintf(store->name, sizeof(store->name), "hosts/web01/.host");
	buffer_clear(&store->bytes);
	cr_assert_eq(store_file_put_header(&store->bytes, &header), 0);
}

size_t made_store_put_message(struct made_store *store, enum hm_record_type type, size_t n_bytes)
{
	struct store_file_message message = {
		.type = type,
		.received_us = 1795416403500000,
		.bytes = (const uint8_t *)store->payload.data,
		.n_bytes = n_bytes,
	};
	size_t start = store_file_begin_block(&store->bytes, HM_BLOCK_MESSAGE, 1);

	store_file_put_message(&store->bytes, &message);
	cr_assert_eq(store_file_end_block(&store->bytes, start, MADE_STORE_SALT, start), 0);
	return start;
}
