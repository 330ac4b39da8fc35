/* SPDX-License-Identifier: MIT */
#ifndef COMMON_LOG_ENTRY_H
#define COMMON_LOG_ENTRY_H

/*
 * The payloads of the log's records other than batches. Bytes in, bytes out; docs/format.md has the
 * layouts. Texts and ids that are read are borrowed from the bytes.
 */

#include <stdint.h>

#include "common/buffer.h"
#include "common/cursor.h"
#include "common/series.h"
#include "hostmetrics/format.h"

/* HOST: a host, and how far it has come. Some hosts share a record; epochs follow each. */
struct log_host {
	uint32_t number;
	uint8_t id[HM_ID_BYTES];
	struct series_text name;
	uint64_t last;       /* position of its last durable batch; 0 = none */
	uint64_t checkpoint; /* up to here its samples are in files */
	uint32_t n_epochs;
};

struct log_epoch {
	uint8_t id[HM_ID_BYTES];
	uint64_t sequence; /* of the last durable batch */
};

void log_entry_put_host(struct buffer *out, const struct log_host *host);
void log_entry_put_epoch(struct buffer *out, const struct log_epoch *epoch);

/* @return 0; -ENODATA: the payload has no more hosts; -EBADMSG */
int log_entry_get_host(struct cursor *cursor, struct log_host *ret_host);
/* @return 0 or -EBADMSG */
int log_entry_get_epoch(struct cursor *cursor, struct log_epoch *ret_epoch);

/* EPOCH: epochs of agents, and up to where each is in the log. */
struct log_mark {
	uint32_t host;
	uint8_t epoch[HM_ID_BYTES];
	uint64_t sequence; /* of its last durable message; 0 = none */
	uint32_t crc;      /* CRC32C of that */
};

void log_entry_put_mark(struct buffer *out, const struct log_mark *mark);
/* @return 0; -ENODATA: no more epochs; -EBADMSG */
int log_entry_get_mark(struct cursor *cursor, struct log_mark *ret_mark);

/* GROUP: u64 number of the group, then files. */
struct log_group_file {
	uint32_t host;
	struct series_text name; /* of the file, in the host's folder */
	uint64_t length_bytes;   /* before the group; 0 = it is not there */
};

void log_entry_put_group(struct buffer *out, uint64_t group);
void log_entry_put_group_file(struct buffer *out, const struct log_group_file *file);

/* Read the group's number: `cursor` goes on to its files. @return 0 or -EBADMSG */
int log_entry_get_group(struct cursor *cursor, uint64_t *ret_group);
/* @return 0; -ENODATA: no more files; -EBADMSG */
int log_entry_get_group_file(struct cursor *cursor, struct log_group_file *ret_file);

/* CHECKPOINT: the same number, then hosts. */
struct log_checkpoint {
	uint32_t host;
	uint64_t position; /* up to here the host's samples are in files */
};

void log_entry_put_checkpoint(struct buffer *out, const struct log_checkpoint *checkpoint);
/* @return 0; -ENODATA: no more hosts; -EBADMSG */
int log_entry_get_checkpoint(struct cursor *cursor, struct log_checkpoint *ret_checkpoint);

/* DELETE: of some series of a host, or of all, what lies in a range of time; then the series. */
struct log_delete {
	uint8_t id[HM_ID_BYTES]; /* of the host */
	struct series_text name; /* likewise */
	int64_t since_us;        /* both belong to the range */
	int64_t until_us;
};

void log_entry_put_delete(struct buffer *out, const struct log_delete *entry);
void log_entry_put_delete_series(struct buffer *out, const struct series_text *metric,
				 const struct series_text *labels);

/* Read what is common to all: `cursor` goes on to the series. @return 0 or -EBADMSG */
int log_entry_get_delete(struct cursor *cursor, struct log_delete *ret_entry);
/* @return 0; -ENODATA: no more series; -EBADMSG */
int log_entry_get_delete_series(struct cursor *cursor, struct series_text *ret_metric,
				struct series_text *ret_labels);

/* HORIZON: hosts, and before which time none of their samples counts. */
struct log_horizon {
	uint32_t host;
	int64_t horizon_us;
};

void log_entry_put_horizon(struct buffer *out, const struct log_horizon *entry);
/* @return 0; -ENODATA: no more hosts; -EBADMSG */
int log_entry_get_horizon(struct cursor *cursor, struct log_horizon *ret_entry);

#endif
