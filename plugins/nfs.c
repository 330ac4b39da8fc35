/* SPDX-License-Identifier: MIT */
/*
 * Requests of this host to NFS servers.
 *
 * Nothing is asked of a server: the counters are kept in memory.
 */

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/rpc_lines.h"

#define FILE_NAME "/proc/net/rpc/nfs"

#define COUNT .unit = "", .kind = HM_COUNTER

enum metric {
	METRIC_PACKETS,
	METRIC_CONNECTIONS,
	METRIC_RPCS,
	METRIC_RETRANSMISSIONS,
	METRIC_REFRESHES,
	METRIC_REQUESTS,
	N_METRICS,
};

/* clang-format off */
static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_PACKETS] = {.name = "node_nfs_packets_total", COUNT, .labels = HM_LABELS("protocol"),
	 .source = FILE_NAME ", line net, numbers 2 (udp) and 3 (tcp)",
	 .help = "Packets sent and received, by protocol."},
	[METRIC_CONNECTIONS] = {.name = "node_nfs_connections_total", COUNT,
	 .source = FILE_NAME ", line net, number 4", .help = "TCP connections made."},
	[METRIC_RPCS] = {.name = "node_nfs_rpcs_total", COUNT,
	 .source = FILE_NAME ", line rpc, number 1", .help = "Remote procedure calls made."},
	[METRIC_RETRANSMISSIONS] = {.name = "node_nfs_rpc_retransmissions_total", COUNT,
	 .source = FILE_NAME ", line rpc, number 2",
	 .help = "Remote procedure calls that were sent again."},
	[METRIC_REFRESHES] = {.name = "node_nfs_rpc_authentication_refreshes_total", COUNT,
	 .source = FILE_NAME ", line rpc, number 3",
	 .help = "Times that credentials were renewed."},
	[METRIC_REQUESTS] = {.name = "node_nfs_requests_total", COUNT,
	 .labels = HM_LABELS("proto", "method"),
	 .source = FILE_NAME ", lines proc2, proc3 and proc4, one number a procedure, behind their number",
	 .help = "Requests, by NFS version and procedure."},
};
/* clang-format on */

static const struct rpc_value net[] = {
	{NULL, NULL},
	{&metrics[METRIC_PACKETS], "udp"},
	{&metrics[METRIC_PACKETS], "tcp"},
	{&metrics[METRIC_CONNECTIONS], NULL},
};

static const struct rpc_value rpc[] = {
	{&metrics[METRIC_RPCS], NULL},
	{&metrics[METRIC_RETRANSMISSIONS], NULL},
	{&metrics[METRIC_REFRESHES], NULL},
};

/* As Linux numbers them (enum in include/linux/nfs4.h): LayoutGet comes before GetDeviceInfo. */
static const char *const methods_v4[] = {
	"Null",
	"Read",
	"Write",
	"Commit",
	"Open",
	"OpenConfirm",
	"OpenNoattr",
	"OpenDowngrade",
	"Close",
	"Setattr",
	"FsInfo",
	"Renew",
	"SetClientID",
	"SetClientIDConfirm",
	"Lock",
	"Lockt",
	"Locku",
	"Access",
	"Getattr",
	"Lookup",
	"LookupRoot",
	"Remove",
	"Rename",
	"Link",
	"Symlink",
	"Create",
	"Pathconf",
	"StatFs",
	"ReadLink",
	"ReadDir",
	"ServerCaps",
	"DelegReturn",
	"GetACL",
	"SetACL",
	"FsLocations",
	"ReleaseLockowner",
	"Secinfo",
	"FsidPresent",
	"ExchangeID",
	"CreateSession",
	"DestroySession",
	"Sequence",
	"GetLeaseTime",
	"ReclaimComplete",
	"LayoutGet",
	"GetDeviceInfo",
	"LayoutCommit",
	"LayoutReturn",
	"SecinfoNoName",
	"TestStateID",
	"FreeStateID",
	"GetDeviceList",
	"BindConnToSession",
	"DestroyClientID",
	"Seek",
	"Allocate",
	"DeAllocate",
	"LayoutStats",
	"Clone",
};

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const struct rpc_line lines[] = {
	{.word = "net", .n = N(net), .values = net},
	{.word = "rpc", .n = N(rpc), .values = rpc},
	{.word = "proc2",
	 .n = RPC_N_METHODS_V2,
	 .calls = &metrics[METRIC_REQUESTS],
	 .proto = "2",
	 .methods = rpc_methods_v2,
	 .n_before = 1},
	{.word = "proc3",
	 .n = RPC_N_METHODS_V3,
	 .calls = &metrics[METRIC_REQUESTS],
	 .proto = "3",
	 .methods = rpc_methods_v3,
	 .n_before = 1},
	{.word = "proc4",
	 .n = N(methods_v4),
	 .calls = &metrics[METRIC_REQUESTS],
	 .proto = "4",
	 .methods = methods_v4,
	 .n_before = 1},
};

static int start_collect(void *file, const struct hm_host *host)
{
	return rpc_lines_open(file, host, FILE_NAME);
}

static int get_current_state(void *file, struct hm_batch *out)
{
	return rpc_lines_take(file, out, lines, N(lines));
}

HM_PLUGIN(nfs) = {
	HM_PLUGIN_HEADER,
	.name = "nfs",
	.help = "Requests of this host to NFS servers.",
	.looks_for = FILE_NAME,
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct hm_text),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = rpc_lines_close,
};
