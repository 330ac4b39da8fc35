/* SPDX-License-Identifier: MIT */
/*
 * NVMe controllers and their namespaces.
 *
 * No disk is woken: what is read here the driver keeps in memory. `nuse`, how much of a namespace is in use, is not read:
 * since Linux 6.8 the kernel asks the disk for it each time.
 */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define CLASS     "/sys/class/nvme"
#define NAMESPACE CLASS "/nvme*/nvme*n*/"

enum metric {
	METRIC_INFO,
	METRIC_NAMESPACE_INFO,
	METRIC_CAPACITY,
	METRIC_SIZE,
	METRIC_BLOCK_SIZE,
	N_METRICS,
};

/* clang-format off */
static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_INFO] = {.name = "node_nvme_info", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("device", "firmware_revision", "model", "serial", "state", "cntlid"),
	 .source = CLASS "/nvme*/firmware_rev, model, serial, state, cntlid",
	 .help = "Which controller this is, and its state; always 1."},
	[METRIC_NAMESPACE_INFO] = {.name = "node_nvme_namespace_info", .unit = "", .kind = HM_GAUGE,
	 .labels = HM_LABELS("device", "nsid", "ana_state"),
	 .source = NAMESPACE "ana_state; unknown without that file",
	 .help = "A namespace of the controller, and how it is reached; always 1."},
	[METRIC_CAPACITY] = {.name = "node_nvme_namespace_capacity_bytes", .unit = "bytes",
	 .kind = HM_GAUGE, .labels = HM_LABELS("device", "nsid"),
	 .source = NAMESPACE "size, sectors of 512 bytes",
	 .help = "Capacity of the namespace in bytes."},
	[METRIC_SIZE] = {.name = "node_nvme_namespace_size_bytes", .unit = "bytes",
	 .kind = HM_GAUGE, .labels = HM_LABELS("device", "nsid"),
	 .source = NAMESPACE "size, sectors of 512 bytes",
	 .help = "Size of the namespace in bytes."},
	[METRIC_BLOCK_SIZE] = {.name = "node_nvme_namespace_logical_block_size_bytes",
	 .unit = "bytes", .kind = HM_GAUGE, .labels = HM_LABELS("device", "nsid"),
	 .source = NAMESPACE "queue/logical_block_size, bytes",
	 .help = "Size of the blocks in which the namespace is read and written, in bytes."},
};
/* clang-format on */

/* A size is told in sectors of 512 bytes, whatever the logical blocks are. */
static const struct hm_attribute attributes[] = {
	{.file = "size", .metric = &metrics[METRIC_CAPACITY], .factor = 512},
	{.file = "size", .metric = &metrics[METRIC_SIZE], .factor = 512},
	{.file = "queue/logical_block_size", .metric = &metrics[METRIC_BLOCK_SIZE]},
};

/* Labels that do not change, of a controller or a namespace, and the file of the one that does. */
struct item {
	bool is_namespace;
	int error;    /* 0, or why a label could not be read: told in each round */
	int state_fd; /* kept; -ENOENT: it tells no state; another -errno is told in each round */
	char device[HM_DEVICE_NAME_MAX];
	char nsid[16];
	char firmware[64];
	char model[128];
	char serial[128];
	char cntlid[32];
};

struct state {
	const struct hm_host *host;
	const char *
		device; /* during start_collect(): the controller whose namespaces are looked for */
	struct item *items;
	size_t n_items;
	struct hm_attributes sizes;
};

/* Without the blanks around it: the disk fills its texts up. */
static void trim(char *text)
{
	size_t n_blanks = strspn(text, " \t");
	size_t length = strlen(text);

	while (length > n_blanks && isspace((unsigned char)text[length - 1]))
		length--;
	memmove(text, text + n_blanks, length - n_blanks);
	text[length - n_blanks] = '\0';
}

/* A label of a file that is not there is empty. */
static void read_label(const struct hm_host *host, struct item *item, const char *file, char *out,
		       size_t size)
{
	char path[256];
	int result;

	(void)snprintf(path, sizeof(path), CLASS "/%s/%s", item->device, file);
	result = hm_read_line_of(host, path, out, size);
	trim(out);
	hm_label_clean(out, size);
	if (result < 0 && result != -ENOENT)
		item->error = result;
}

static int add_item(struct state *state, const struct item *item)
{
	struct item *items = reallocarray(state->items, state->n_items + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	state->items = items;
	items[state->n_items++] = *item;
	return 0;
}

/* The number behind "nvme0n". A path of several to a namespace, "nvme0c1n1", is none. */
static const char *find_nsid(const char *name)
{
	const char *nsid = name + strlen("nvme");

	nsid += strspn(nsid, "0123456789");
	if (*nsid++ != 'n' || *nsid == '\0' || nsid[strspn(nsid, "0123456789")] != '\0')
		return NULL;
	return nsid;
}

static bool is_known(const struct state *state, const char *nsid)
{
	for (size_t i = 0; i < state->n_items; i++) {
		if (state->items[i].is_namespace && strcmp(state->items[i].nsid, nsid) == 0 &&
		    strcmp(state->items[i].device, state->device) == 0)
			return true;
	}
	return false;
}

static int add_namespace(void *context, const char *name)
{
	struct state *state = context;
	struct item item = {.is_namespace = true};
	const char *nsid = find_nsid(name);
	char folder[256];
	char path[512];
	int result;

	if (!nsid || strlen(nsid) >= sizeof(item.nsid) || is_known(state, nsid))
		return 0;
	(void)snprintf(item.nsid, sizeof(item.nsid), "%s", nsid);
	(void)snprintf(item.device, sizeof(item.device), "%s", state->device);
	(void)snprintf(folder, sizeof(folder), CLASS "/%s/%s", state->device, name);
	(void)snprintf(path, sizeof(path), "%s/ana_state", folder);
	item.state_fd = hm_open(state->host, path);
	result = add_item(state, &item);
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]) && result == 0; i++) {
		result = hm_attributes_add(&state->sizes, state->host, &attributes[i], folder,
					   item.device, item.nsid);
		if (result == -ENOENT)
			result = 0;
	}
	return result;
}

static int add_controller(void *context, const char *device)
{
	struct state *state = context;
	const struct hm_host *host = state->host;
	struct item item = {0};
	char path[256];
	int result;

	if (strlen(device) >= sizeof(item.device))
		return 0;
	(void)snprintf(item.device, sizeof(item.device), "%s", device);
	read_label(host, &item, "firmware_rev", item.firmware, sizeof(item.firmware));
	read_label(host, &item, "model", item.model, sizeof(item.model));
	read_label(host, &item, "serial", item.serial, sizeof(item.serial));
	read_label(host, &item, "cntlid", item.cntlid, sizeof(item.cntlid));
	(void)snprintf(path, sizeof(path), CLASS "/%s/state", device);
	item.state_fd = hm_open(host, path);
	result = add_item(state, &item);
	if (result < 0)
		return result;
	state->device = device;
	(void)snprintf(path, sizeof(path), CLASS "/%s", device);
	return hm_folder_find(host, path, "nvme[0-9]*n[0-9]*", add_namespace, state);
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result;

	state->host = host;
	result = hm_devices_find(host, "nvme", "nvme[0-9]*", add_controller, state);
	if (result < 0)
		return result;
	return state->n_items > 0 ? 0 : -ENODEV;
}

static void emit_info(struct hm_batch *out, const struct hm_metric *metric, int error,
		      const char *const labels[])
{
	if (error < 0)
		hm_emit_missing_labels(out, metric, error, labels);
	else
		hm_emit_labels(out, metric, 1, labels);
}

static void emit_item(const struct item *item, struct hm_batch *out)
{
	const struct hm_metric *metric =
		&metrics[item->is_namespace ? METRIC_NAMESPACE_INFO : METRIC_INFO];
	char text[64] = "";
	int error = item->error;

	if (error == 0 && item->state_fd != -ENOENT)
		error = item->state_fd < 0 ? item->state_fd
					   : hm_read_string(item->state_fd, text, sizeof(text));
	trim(text);
	if (item->is_namespace && item->state_fd == -ENOENT)
		(void)snprintf(text, sizeof(text), "unknown");
	if (item->is_namespace) {
		emit_info(out, metric, error, HM_LABEL_VALUES(item->device, item->nsid, text));
		return;
	}
	emit_info(out, metric, error,
		  HM_LABEL_VALUES(item->device, item->firmware, item->model, item->serial, text,
				  item->cntlid));
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	for (size_t i = 0; i < state->n_items; i++)
		emit_item(&state->items[i], out);
	(void)hm_attributes_emit(&state->sizes, state->host, out);
	return 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	for (size_t i = 0; i < state->n_items; i++) {
		if (state->items[i].state_fd >= 0)
			close(state->items[i].state_fd);
	}
	free(state->items);
	hm_attributes_close(&state->sizes);
}

HM_PLUGIN(nvme) = {
	HM_PLUGIN_HEADER,
	.name = "nvme",
	.help = "NVMe controllers and their namespaces.",
	.looks_for = CLASS "/nvme*",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	/* Not "nvme": namespaces come after their controller. */
	.udev_subsystem = "block",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
