/* SPDX-License-Identifier: MIT */
#ifndef HOSTMETRICS_WIRE_H
#define HOSTMETRICS_WIRE_H

/*
 * What a collector accepts on its port, over TCP and as UDP datagrams. docs/text-protocol.md tells
 * it for people.
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

#endif
