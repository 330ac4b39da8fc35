/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_MADE_STORE_H
#define TESTS_SUPPORT_MADE_STORE_H

/*
 * A store whose files a test makes byte by byte, and what `agentctl check` and `agentctl dump` print of it. What they say on
 * stderr is caught. Ends the test where a file cannot be made.
 */

#include <stddef.h>
#include <stdint.h>

#include "agent/ctl/options.h"
#include "common/buffer.h"
#include "common/log_file.h"

#define MADE_STORE_SALT          99u
#define MADE_STORE_SEGMENT_BYTES 4096u

/* The number of the host "web01". */
#define MADE_STORE_HOST 7u

struct made_store {
	const char *folder;
	char path[300];        /* of made_store_path() */
	char name[64];         /* of the file that is being made, in the store */
	struct buffer bytes;   /* of it */
	struct buffer payload; /* of the record or message that is being made */
	uint32_t number;       /* of the segment that is being made */
	struct options options;
	char *printed;
};

/* A store without files. @param verb  of agentctl */
void made_store_init(struct made_store *store, const char *verb);
void made_store_done(struct made_store *store);

/* Where a name of the store is. @return borrowed until the next call */
const char *made_store_path(struct made_store *store, const char *name);

/* Write what is being made into a file of the store, which goes on being made. */
void made_store_save(struct made_store *store, const char *name);

/* Flip a bit of what is being made, or one of this byte. */
void made_store_flip(struct made_store *store, size_t bit);
void made_store_damage(struct made_store *store, size_t offset);

/* Have all that was saved checked, or what is being made saved and dumped; it is in `printed` then.
 * @return as check_store() and dump_file() */
int made_store_check(struct made_store *store);
int made_store_dump(struct made_store *store);

/* All that was said on stderr is one line: the file's path, and this. */
void made_store_expect_said(struct made_store *store, const char *rest);

/* Make a payload like the one of docs/protocol.md. */
void made_store_make(struct made_store *store, enum hm_frame_type type);

/* -- a segment of the log -- */

void made_store_begin_segment(struct made_store *store, uint32_t number);

/* Put the payload. @param host  0: of none. @param durable  all before it is. @return where it begins */
size_t made_store_put_record(struct made_store *store, enum hm_record_type type, uint32_t host,
			     uint64_t durable);

/* Put the payload as a record before which all is durable. @return where it begins */
size_t made_store_put(struct made_store *store, enum hm_record_type type, uint32_t host);

/* That a host is called web01. */
void made_store_put_host(struct made_store *store, uint32_t number);

void made_store_end_segment(struct made_store *store);

/* -- the own file of the host -- */

void made_store_begin_host_file(struct made_store *store);

/* Put so many bytes of the payload as a message. @return where its block begins */
size_t made_store_put_message(struct made_store *store, enum hm_record_type type, size_t n_bytes);

#endif
