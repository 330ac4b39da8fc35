/* SPDX-License-Identifier: MIT */
/* What each network interface is: its addresses, its state, its speed. */

#include <bsd/string.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/interfaces.h"
#include "plugins/link.h"
#include "plugins/names.h"

#define FOLDER "/sys/class/net"

/* 10^6 bits */
#define BYTES_PER_MEGABIT 125000

#define SOURCE(file, what) FOLDER "/*/" file " or rtnetlink, " what

/* Behind the numbers of an interface. */
enum metric {
	METRIC_UP = N_LINK_NUMBERS,
	METRIC_INFO,
	METRIC_PERMANENT_ADDRESS,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[LINK_ADDRESS_ASSIGN_TYPE] =
		{
			.name = "node_network_address_assign_type",
			.unit = "",
			.help = "Where the address comes from. 0: the card, 1: chance, 2: another interface, 3: set by hand.",
			.source = SOURCE("addr_assign_type", "number"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_CARRIER] =
		{
			.name = "node_network_carrier",
			.unit = "",
			.help = "Is there a link to the other side?",
			.source = SOURCE("carrier", "0 or 1"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_CARRIER_CHANGES] =
		{
			.name = "node_network_carrier_changes_total",
			.unit = "",
			.help = "How often the link came or went.",
			.source = SOURCE("carrier_changes", "changes"),
			.kind = HM_COUNTER,
			.labels = HM_LABELS("device"),
		},
	[LINK_CARRIER_UP_CHANGES] =
		{
			.name = "node_network_carrier_up_changes_total",
			.unit = "",
			.help = "How often the link came.",
			.source = SOURCE("carrier_up_count", "changes"),
			.kind = HM_COUNTER,
			.labels = HM_LABELS("device"),
		},
	[LINK_CARRIER_DOWN_CHANGES] =
		{
			.name = "node_network_carrier_down_changes_total",
			.unit = "",
			.help = "How often the link went.",
			.source = SOURCE("carrier_down_count", "changes"),
			.kind = HM_COUNTER,
			.labels = HM_LABELS("device"),
		},
	[LINK_DEVICE_ID] =
		{
			.name = "node_network_device_id",
			.unit = "",
			.help = "Tells apart interfaces that share a card and its address.",
			.source = SOURCE("dev_id", "hexadecimal"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_DORMANT] =
		{
			.name = "node_network_dormant",
			.unit = "",
			.help = "Does the interface wait for something outside, such as a login (802.1X)?",
			.source = SOURCE("dormant", "0 or 1"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_FLAGS] =
		{
			.name = "node_network_flags",
			.unit = "",
			.help = "Flags of the interface (IFF_UP and others), as a number.",
			.source = SOURCE("flags", "bits, hexadecimal"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_IFINDEX] =
		{
			.name = "node_network_iface_id",
			.unit = "",
			.help = "The number that the kernel has given to the interface.",
			.source = SOURCE("ifindex", "number"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_IFLINK] =
		{
			.name = "node_network_iface_link",
			.unit = "",
			.help = "The number of the interface below this one; its own where there is none.",
			.source = SOURCE("iflink", "number"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_MODE] =
		{
			.name = "node_network_iface_link_mode",
			.unit = "",
			.help = "0: up as soon as there is a link, 1: dormant until told otherwise.",
			.source = SOURCE("link_mode", "number"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_MTU] =
		{
			.name = "node_network_mtu_bytes",
			.unit = "bytes",
			.help = "The longest packet that the interface takes.",
			.source = SOURCE("mtu", "bytes"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_NAME_ASSIGN_TYPE] =
		{
			.name = "node_network_name_assign_type",
			.unit = "",
			.help = "Where the name comes from. 1: counted by the kernel, 2: foretold by it, 3: given, 4: renamed.",
			.source = SOURCE("name_assign_type", "number"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_GROUP] =
		{
			.name = "node_network_net_dev_group",
			.unit = "",
			.help = "The group of interfaces that it was put into.",
			.source = SOURCE("netdev_group", "number"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_SPEED] =
		{
			.name = "node_network_speed_bytes",
			.unit = "bytes",
			.help = "Bytes that the link takes in a second; below 0 where the interface does not know.",
			.source = SOURCE("speed", "10^6 bits a second"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_QUEUE_LENGTH] =
		{
			.name = "node_network_transmit_queue_length",
			.unit = "",
			.help = "Packets that may wait to be sent.",
			.source = SOURCE("tx_queue_len", "packets"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_TYPE] =
		{
			.name = "node_network_protocol_type",
			.unit = "",
			.help = "The kind of the link, as ARP calls it. 1: Ethernet, 772: loopback.",
			.source = SOURCE("type", "number"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[LINK_NOHANDLER] =
		{
			.name = "node_network_receive_nohandler_total",
			.unit = "",
			.help = "Received packets that an inactive interface of a bond dropped.",
			.source = SOURCE("statistics/rx_nohandler", "packets"),
			.kind = HM_COUNTER,
			.labels = HM_LABELS("device"),
		},
	[METRIC_UP] =
		{
			.name = "node_network_up",
			.unit = "",
			.help = "Is the interface in operation?",
			.source = SOURCE("operstate", "1 where it says up"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device"),
		},
	[METRIC_INFO] =
		{
			.name = "node_network_info",
			.unit = "",
			.help = "What the interface is called and how it is, as labels; always 1.",
			.source = SOURCE("{address,broadcast,duplex,operstate,flags,ifalias}",
					 "texts; bit 0 of flags is adminstate"),
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device", "address", "broadcast", "duplex", "operstate",
					    "adminstate", "ifalias"),
		},
	[METRIC_PERMANENT_ADDRESS] =
		{
			.name = "node_network_permanent_address_info",
			.unit = "",
			.help = "The address that the card was made with, whatever the interface is called and uses; always 1.",
			.source = "rtnetlink, IFLA_PERM_ADDRESS, which Linux has since 5.6",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("device", "address"),
		},
};

static const struct hm_option options[] = {NAMES_IGNORE};

struct state {
	const struct hm_host *host;
	const char *globs;
	/* Below a root, and where this process may not ask rtnetlink. Then every file is read in every round. */
	bool uses_files;
	struct interfaces interfaces;
	struct hm_batch *out; /* during get_current_state() */
	size_t n_found;
};

/* Is it up by the administrator's will? Bit 0 of the flags is IFF_UP; they have 32. */
static const char *admin_state(const struct link *link)
{
	double flags = link->numbers[LINK_FLAGS];

	if (link->errors[LINK_FLAGS] < 0 || flags < 0 || flags > UINT32_MAX)
		return "unknown";
	return (uint32_t)flags & 1 ? "up" : "down";
}

static void emit_link(struct hm_batch *out, const struct link *link)
{
	const char *name = link->name;
	const char *operstate = link->texts[LINK_OPERSTATE];
	const char *permanent_address = link->texts[LINK_PERMANENT_ADDRESS];

	for (size_t i = 0; i < N_LINK_NUMBERS; i++) {
		double factor = i == LINK_SPEED ? BYTES_PER_MEGABIT : 1;

		if (link->errors[i] == 0)
			hm_emit(out, &metrics[i], link->numbers[i] * factor, name);
		else if (link->errors[i] != -ENODATA)
			hm_emit_missing(out, &metrics[i], link->errors[i], name);
	}
	if (operstate[0])
		hm_emit(out, &metrics[METRIC_UP], strcmp(operstate, "up") == 0, name);
	else
		hm_emit_missing(out, &metrics[METRIC_UP], -ENODATA, name);
	hm_emit(out, &metrics[METRIC_INFO], 1, name, link->texts[LINK_ADDRESS],
		link->texts[LINK_BROADCAST], link->texts[LINK_DUPLEX], operstate, admin_state(link),
		link->texts[LINK_ALIAS]);
	if (permanent_address[0])
		hm_emit(out, &metrics[METRIC_PERMANENT_ADDRESS], 1, name, permanent_address);
}

/* An entry of the folder. */
static int take_files(void *context, const char *name)
{
	struct state *state = context;
	struct link link;

	link_clear(&link);
	if (strlcpy(link.name, name, sizeof(link.name)) >= sizeof(link.name))
		return 0;
	/* Not the file bonding_masters. */
	if (link_read_text(&link, state->host, LINK_OPERSTATE) == -ENOTDIR)
		return 0;
	state->n_found++;
	if (hm_globs_take(state->globs, name))
		return 0;
	for (size_t i = 0; i < N_LINK_NUMBERS; i++)
		link_read_number(&link, state->host, (enum link_number)i);
	for (size_t i = 0; i < LINK_PERMANENT_ADDRESS; i++)
		(void)link_read_text(&link, state->host, (enum link_text)i);
	emit_link(state->out, &link);
	return 0;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int fd = hm_open(host, FOLDER);

	if (fd < 0)
		return fd == -ENOENT ? -ENODEV : fd;
	close(fd);
	state->host = host;
	state->globs = hm_option(host, "ignore");
	state->uses_files = hm_is_redirected(host) ||
			    interfaces_open(&state->interfaces, host, state->globs) < 0;
	return 0;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	const struct interface *interface;
	int result;

	state->out = out;
	state->n_found = 0;
	if (state->uses_files) {
		result = hm_folder_find(state->host, FOLDER, "*", take_files, state);
		return result == 0 && state->n_found == 0 ? -ENODATA : result;
	}
	result = interfaces_take(&state->interfaces);
	if (result < 0)
		return result;
	TAILQ_FOREACH(interface, &state->interfaces.list, entry) {
		if (!interface->is_ignored)
			emit_link(out, &interface->link);
	}
	return 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	interfaces_close(&state->interfaces);
}

HM_PLUGIN(netclass) = {
	HM_PLUGIN_HEADER,
	.name = "netclass",
	.help = "Addresses, state and speed of each network interface. What changes without the kernel telling of it, such as "
		"another speed of a link that stays up, is seen within ten seconds.",
	.looks_for = FOLDER,
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
