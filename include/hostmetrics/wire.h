/* SPDX-License-Identifier: MIT */
#ifndef HOSTMETRICS_WIRE_H
#define HOSTMETRICS_WIRE_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a collector accepts on its port: lines of text, over TCP and as UDP datagrams, and the native
 * protocol of its agents, over TCP. docs/text-protocol.md and docs/protocol.md tell it for people.
 *
 * A line is a sample in one of two forms, told apart by the first word (a number = time first):
 *     TIME NAME[{label="value",...}] VALUE          seconds since 1970 UTC, decimals allowed
 *     NAME[{label="value",...}][;label=value...] VALUE [TIME]
 * or begins with '#': "# TYPE NAME KIND" and "# UNIT NAME UNIT" (as in OpenMetrics) declare a
 * metric for the rest of the connection, every other comment is passed over. Lines end in "\n" or
 * "\r\n".
 */

/* Limits of names, for every way in. Names are UTF-8 without control bytes. */
#define HM_METRIC_NAME_MAX_BYTES 200
#define HM_HOST_NAME_MAX_BYTES   200
#define HM_LABEL_SET_MAX_BYTES   4096 /* all names and values of a series together */
#define HM_LABELS_MAX            64
#define HM_UNIT_MAX_BYTES        64

/* A text line is at most this long, its newline not counted. */
#define HM_LINE_MAX_BYTES 16384

/* The port of the collector, TCP and UDP. */
#define HM_COLLECTOR_PORT 9999

/*
 * The native protocol. Both sides send frames: a header of 20 bytes, then a payload. All numbers are
 * little-endian; a text is u16 bytes, then so much clean UTF-8; an id is 16 bytes, not all of them 0;
 * times are microseconds since 1970 UTC, never INT64_MIN.
 *
 *     offset 0   magic     fa 68 6d 77: the first byte begins no text, no HTTP and no TLS
 *            4   u8        version: 1
 *            5   u8        type
 *            6   u16       0
 *            8   u32       bytes of the payload
 *            12  u32       CRC32C of the payload
 *            16  u32       CRC32C of the 16 bytes before
 *
 *     HELLO      id host; id epoch; id boot; i64 the agent's clock; u32 flags; text name of the host;
 *                text version of the agent
 *     WELCOME    id store; u64 sequence, the last durable one of the epoch (0: none); u32 CRC32C of
 *                its payload (0: none); u32 n, series 0 to n - 1 of the epoch are known; u32 frames
 *                that may wait for their ACK; i64 the collector's clock; u32 flags
 *     ACK        u64 sequence: all up to it is durable
 *     ERROR, BYE u16 enum hm_reason; u32 milliseconds to wait before the next try; text for people
 *
 * What is stored begins with a stamp: u8 0; id epoch; u64 sequence, from 1 on, one more than the one
 * before; id host. Its payload is the same bytes in the agent's spool, on the wire and in the log.
 *
 *     DECLARE    stamp; u32 id of the first series: they count on from there; then for each series u8
 *                enum hm_stored_kind; text unit; text name, metric{labels}, canonical
 *     BATCH      stamp; then so often, once or more: u32 length and a block of samples
 *                (common/block.h), whose ids are those of the epoch
 *     GAP        stamp, whose sequence is the last one that is gone; u64 the first one; i64 first and
 *                i64 last time; u64 samples, 0 = not known; u16 enum hm_reason
 *     CLOCK      stamp; u8 enum hm_clock_event; id boot; i64 the clock; i64 microseconds since the
 *                host booted (CLOCK_BOOTTIME); i64 change, see the enum
 *     SCHEDULE   stamp; i64 time from which on it holds; then for each metric that is sampled, in growing
 *                order of its bytes: u64 interval in microseconds, 1 to HM_INTERVAL_MAX_US; text metric.
 *                None is a schedule, too. It holds until the next one comes. Before them may stand one
 *                whose metric is empty: how often the agent sends what it has sampled
 */
#define HM_FRAME_MAGIC        "\xfahmw"
#define HM_FRAME_MAGIC_BYTES  4
#define HM_FRAME_FIRST_BYTE   0xfa
#define HM_FRAME_VERSION      1
#define HM_FRAME_HEADER_BYTES 20

/* Frames are at most this long, header included. An agent seals a batch before it is too long for one. */
#define HM_FRAME_MAX_BYTES       ((size_t)256 << 10)
#define HM_FRAME_LOGIN_MAX_BYTES ((size_t)64 << 10) /* up to WELCOME */
#define HM_SEAL_MAX_BYTES        ((size_t)192 << 10)

/* Types of frames. Those that are stored: DECLARE, BATCH, GAP, CLOCK, SCHEDULE. */
enum hm_frame_type {
	HM_FRAME_HELLO = 1,   /* agent to collector */
	HM_FRAME_WELCOME = 2, /* collector to agent */
	HM_FRAME_DECLARE = 3, /* agent to collector, as are the next three */
	HM_FRAME_BATCH = 4,
	HM_FRAME_GAP = 5,
	HM_FRAME_CLOCK = 6,
	HM_FRAME_ACK = 7,       /* collector to agent */
	HM_FRAME_ERROR = 8,     /* either: what you sent is refused; nothing follows */
	HM_FRAME_BYE = 9,       /* either: nothing follows, and nothing is wrong */
	HM_FRAME_SCHEDULE = 10, /* agent to collector */
	HM_FRAME_TYPE_COUNT
};

#define HM_STAMP_BYTES       41
#define HM_SEQUENCE_MAX      UINT64_C(0x7fffffffffffffff)
#define HM_GAP_SEQUENCES_MAX ((uint64_t)1 << 24) /* that one GAP is about */

#define HM_EPOCH_SERIES_MAX  ((uint32_t)1 << 20) /* their ids are below */
#define HM_BATCH_SAMPLES_MAX ((size_t)1 << 18)
#define HM_BATCH_TIMES_MAX   ((size_t)1 << 18) /* of all its blocks together */

#define HM_INTERVAL_MAX_US ((uint64_t)1 << 53) /* from a sample to the next, in a SCHEDULE */

#define HM_AGENT_VERSION_MAX_BYTES 64
#define HM_END_TEXT_MAX_BYTES      200 /* of ERROR and BYE */

/* What CLOCK says. */
enum hm_clock_event {
	HM_CLOCK_STARTED = 1, /* the agent began to sample; change 0 */
	HM_CLOCK_STOPPED = 2, /* it was told to stop; change 0 */
	HM_CLOCK_STEPPED = 3, /* the clock was set: by so much it is ahead of where it would be */
	HM_CLOCK_RESUMED = 4, /* the host slept for so long */
	HM_CLOCK_HELD_UP =
		5, /* the agent took no samples for so long: it was not run, or a plugin held it up */
	HM_CLOCK_LOST = 6, /* of so long a time it could not keep what it had taken */
};

#endif
