/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_RPC_LINES_H
#define PLUGINS_RPC_LINES_H

/* Lines of numbers as in /proc/net/rpc/nfs and nfsd: a word says what they are, their places which. */

#include "hostmetrics/sysfs.h"

#define RPC_N_METHODS_V2 18
#define RPC_N_METHODS_V3 22

/* The procedures of NFS 2 and 3, in the order of their numbers, spelled as node_exporter does. */
extern const char *const rpc_methods_v2[RPC_N_METHODS_V2] __attribute__((visibility("hidden")));
extern const char *const rpc_methods_v3[RPC_N_METHODS_V3] __attribute__((visibility("hidden")));

/* One number of a line. */
struct rpc_value {
	const struct hm_metric *metric; /* NULL = it is not told */
	const char *label;              /* value of the metric's one label; NULL = it has none */
};

/* One line: of numbers that `values` tells apart, or of calls of methods. */
struct rpc_line {
	const char *word;
	size_t n;                       /* values, or methods */
	const struct rpc_value *values; /* NULL = methods */
	const struct hm_metric *calls;  /* its labels are the protocol and the method */
	const char *proto;
	const char *const *methods; /* NULL among them = not told */
	size_t n_before;            /* numbers before those of methods: how many there are */
};

/*
 * The file, which is all the state that a plugin of these has.
 * @return as hm_text_open(); -ENODEV: there is no such file
 */
int rpc_lines_open(struct hm_text *file, const struct hm_host *host, const char *path);

/*
 * Read the file, and emit what it has of some lines. Lines of other words are passed over; of two of one word the first counts; numbers that
 * an older kernel does not print are not told.
 * @param n_lines  at most 16
 * @return as hm_text_read()
 */
int rpc_lines_take(struct hm_text *file, struct hm_batch *out, const struct rpc_line *lines,
		   size_t n_lines);

/* For stop_collect(). @param file  a struct hm_text */
void rpc_lines_close(void *file);

#endif
