/* SPDX-License-Identifier: MIT */
/*
 * Requests of NFS clients to this host.
 *
 * No disk is woken: the counters are kept in memory.
 */

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/rpc_lines.h"

#define FILE_NAME "/proc/net/rpc/nfsd"

#define COUNT .unit = "", .kind = HM_COUNTER
#define GAUGE .unit = "", .kind = HM_GAUGE
#define BYTES .unit = "bytes", .kind = HM_COUNTER

enum metric {
	METRIC_CACHE_HITS,
	METRIC_CACHE_MISSES,
	METRIC_NOT_CACHED,
	METRIC_STALE_HANDLES,
	METRIC_BYTES_READ,
	METRIC_BYTES_WRITTEN,
	METRIC_THREADS,
	METRIC_READ_AHEAD_SIZE,
	METRIC_READ_AHEAD_NOT_FOUND,
	METRIC_PACKETS,
	METRIC_CONNECTIONS,
	METRIC_RPCS,
	METRIC_RPC_ERRORS,
	METRIC_REQUESTS,
	N_METRICS,
};

/* clang-format off */
static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_CACHE_HITS] = {.name = "node_nfsd_reply_cache_hits_total", COUNT,
	 .source = FILE_NAME ", line rc, number 1",
	 .help = "Requests that were answered before: the client had not got the answer."},
	[METRIC_CACHE_MISSES] = {.name = "node_nfsd_reply_cache_misses_total", COUNT,
	 .source = FILE_NAME ", line rc, number 2",
	 .help = "Requests whose answer was put into the cache."},
	[METRIC_NOT_CACHED] = {.name = "node_nfsd_reply_cache_nocache_total", COUNT,
	 .source = FILE_NAME ", line rc, number 3",
	 .help = "Requests whose answer needs no cache."},
	[METRIC_STALE_HANDLES] = {.name = "node_nfsd_file_handles_stale_total", COUNT,
	 .source = FILE_NAME ", line fh, number 1",
	 .help = "File handles of clients that were no longer valid."},
	[METRIC_BYTES_READ] = {.name = "node_nfsd_disk_bytes_read_total", BYTES,
	 .source = FILE_NAME ", line io, number 1, bytes", .help = "Bytes read for clients."},
	[METRIC_BYTES_WRITTEN] = {.name = "node_nfsd_disk_bytes_written_total", BYTES,
	 .source = FILE_NAME ", line io, number 2, bytes", .help = "Bytes written for clients."},
	[METRIC_THREADS] = {.name = "node_nfsd_server_threads", GAUGE,
	 .source = FILE_NAME ", line th, number 1", .help = "Threads of the server."},
	[METRIC_READ_AHEAD_SIZE] = {.name = "node_nfsd_read_ahead_cache_size_blocks", GAUGE,
	 .source = FILE_NAME ", line ra, number 1, until Linux 5.3",
	 .help = "Size of the cache of read-ahead parameters, in entries."},
	[METRIC_READ_AHEAD_NOT_FOUND] = {.name = "node_nfsd_read_ahead_cache_not_found_total",
	 COUNT, .source = FILE_NAME ", line ra, number 12, until Linux 5.3",
	 .help = "Files not found in the cache of read-ahead parameters."},
	[METRIC_PACKETS] = {.name = "node_nfsd_packets_total", COUNT, .labels = HM_LABELS("proto"),
	 .source = FILE_NAME ", line net, numbers 2 (udp) and 3 (tcp)",
	 .help = "Packets received, by protocol."},
	[METRIC_CONNECTIONS] = {.name = "node_nfsd_connections_total", COUNT,
	 .source = FILE_NAME ", line net, number 4", .help = "TCP connections accepted."},
	[METRIC_RPCS] = {.name = "node_nfsd_server_rpcs_total", COUNT,
	 .source = FILE_NAME ", line rpc, number 1", .help = "Remote procedure calls served."},
	[METRIC_RPC_ERRORS] = {.name = "node_nfsd_rpc_errors_total", COUNT, .labels = HM_LABELS("error"),
	 .source = FILE_NAME ", line rpc, numbers 3 (fmt), 4 (auth) and 5 (cInt)",
	 .help = "Remote procedure calls that were refused: wrong format, authentication, client."},
	[METRIC_REQUESTS] = {.name = "node_nfsd_requests_total", COUNT,
	 .labels = HM_LABELS("proto", "method"),
	 .source = FILE_NAME ", lines proc2, proc3 and proc4ops, one number a procedure or operation, behind their number; wdeleg_getattr",
	 .help = "Requests, by NFS version and procedure, in NFS 4 by operation."},
};
/* clang-format on */

static const struct rpc_value rc[] = {
	{&metrics[METRIC_CACHE_HITS], NULL},
	{&metrics[METRIC_CACHE_MISSES], NULL},
	{&metrics[METRIC_NOT_CACHED], NULL},
};

static const struct rpc_value fh[] = {{&metrics[METRIC_STALE_HANDLES], NULL}};

static const struct rpc_value io[] = {
	{&metrics[METRIC_BYTES_READ], NULL},
	{&metrics[METRIC_BYTES_WRITTEN], NULL},
};

static const struct rpc_value th[] = {{&metrics[METRIC_THREADS], NULL}};

/* Between them is how deep the cache was searched. */
static const struct rpc_value ra[12] = {
	[0] = {&metrics[METRIC_READ_AHEAD_SIZE], NULL},
	[11] = {&metrics[METRIC_READ_AHEAD_NOT_FOUND], NULL},
};

static const struct rpc_value net[] = {
	{NULL, NULL},
	{&metrics[METRIC_PACKETS], "udp"},
	{&metrics[METRIC_PACKETS], "tcp"},
	{&metrics[METRIC_CONNECTIONS], NULL},
};

/* The second one is the sum of those behind it. */
static const struct rpc_value rpc[] = {
	{&metrics[METRIC_RPCS], NULL},         {NULL, NULL},
	{&metrics[METRIC_RPC_ERRORS], "fmt"},  {&metrics[METRIC_RPC_ERRORS], "auth"},
	{&metrics[METRIC_RPC_ERRORS], "cInt"},
};

/* By the number that RFC 7530 gives them; there are none below 3. */
static const char *const operations_v4[] = {
	NULL,
	NULL,
	NULL,
	"Access",
	"Close",
	"Commit",
	"Create",
	"DelegPurge",
	"DelegReturn",
	"GetAttr",
	"GetFH",
	"Link",
	"Lock",
	"Lockt",
	"Locku",
	"Lookup",
	"LookupRoot",
	"Nverify",
	"Open",
	"OpenAttr",
	"OpenConfirm",
	"OpenDgrd",
	"PutFH",
	NULL,
	NULL,
	"Read",
	"ReadDir",
	"ReadLink",
	"Remove",
	"Rename",
	"Renew",
	"RestoreFH",
	"SaveFH",
	"SecInfo",
	"SetAttr",
	"SetClientID",
	"SetClientIDConfirm",
	"Verify",
	"Write",
	"RelLockOwner",
};

/* Attributes asked of the holder of a delegation, since Linux 6.6. */
static const char *const wdeleg_getattr[] = {"WdelegGetattr"};

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const struct rpc_line lines[] = {
	{.word = "rc", .n = N(rc), .values = rc},
	{.word = "fh", .n = N(fh), .values = fh},
	{.word = "io", .n = N(io), .values = io},
	{.word = "th", .n = N(th), .values = th},
	{.word = "ra", .n = N(ra), .values = ra},
	{.word = "net", .n = N(net), .values = net},
	{.word = "rpc", .n = N(rpc), .values = rpc},
	/* Without "Null", which asks for nothing. */
	{.word = "proc2",
	 .n = RPC_N_METHODS_V2 - 1,
	 .calls = &metrics[METRIC_REQUESTS],
	 .proto = "2",
	 .methods = rpc_methods_v2 + 1,
	 .n_before = 2},
	{.word = "proc3",
	 .n = RPC_N_METHODS_V3 - 1,
	 .calls = &metrics[METRIC_REQUESTS],
	 .proto = "3",
	 .methods = rpc_methods_v3 + 1,
	 .n_before = 2},
	{.word = "proc4ops",
	 .n = N(operations_v4),
	 .calls = &metrics[METRIC_REQUESTS],
	 .proto = "4",
	 .methods = operations_v4,
	 .n_before = 1},
	{.word = "wdeleg_getattr",
	 .n = 1,
	 .calls = &metrics[METRIC_REQUESTS],
	 .proto = "4",
	 .methods = wdeleg_getattr},
};

static int start_collect(void *file, const struct hm_host *host)
{
	return rpc_lines_open(file, host, FILE_NAME);
}

static int get_current_state(void *file, struct hm_batch *out)
{
	return rpc_lines_take(file, out, lines, N(lines));
}

HM_PLUGIN(nfsd) = {
	HM_PLUGIN_HEADER,
	.name = "nfsd",
	.help = "Requests of NFS clients to this host.",
	.looks_for = FILE_NAME,
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct hm_text),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = rpc_lines_close,
};
