/* SPDX-License-Identifier: MIT */
/*
 * What ZFS caches, reads and writes: all of /proc/spl/kstat/zfs that node_exporter tells.
 *
 * No disk is woken: these are counters in memory.
 */

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/folder_watch.h"
#include "plugins/kstat.h"
#include "plugins/zfs_datasets.h"
#include "plugins/zfs_fields.h"

#define FOLDER ZFS_FOLDER

/* Datasets come and go without a sign: once in a minute of rounds a second they are looked for. */
#define ROUNDS_A_SEARCH 60

/* clang-format off */
#define FIELD(prefix, file, field, sort) \
	{.name = "node_zfs_" prefix field, .unit = "", .kind = (sort), \
	 .help = "ZFS, " file ": " field ".", .source = FOLDER "/" file ", " field},
#define POOL_FIELD(field, sort) \
	{.name = "node_zfs_zpool_" field, .unit = "", .kind = (sort), .labels = HM_LABELS("zpool"), \
	 .help = "ZFS, input and output of a pool: " field ".", \
	 .source = FOLDER "/POOL/io, " field ", bytes or nanoseconds"},
#define DATASET_FIELD(field, sort) \
	{.name = "node_zfs_zpool_dataset_" field, .unit = "", .kind = (sort), .labels = HM_LABELS("zpool", "dataset"), \
	 .help = "ZFS, a dataset: " field ".", .source = FOLDER "/POOL/objset-*, " field},

#define ABD_C(field)     FIELD("abd_", "abdstats", #field, HM_COUNTER)
#define ABD_G(field)     FIELD("abd_", "abdstats", #field, HM_GAUGE)
#define ARC_C(field)     FIELD("arc_", "arcstats", #field, HM_COUNTER)
#define ARC_G(field)     FIELD("arc_", "arcstats", #field, HM_GAUGE)
#define DBUF_C(field)    FIELD("dbuf_", "dbufstats", #field, HM_COUNTER)
#define DBUF_G(field)    FIELD("dbuf_", "dbufstats", #field, HM_GAUGE)
#define DMU_TX_C(field)  FIELD("dmu_tx_", "dmu_tx", #field, HM_COUNTER)
#define DNODE_C(field)   FIELD("dnode_", "dnodestats", #field, HM_COUNTER)
#define FM_C(field)      FIELD("fm_", "fm", #field, HM_COUNTER)
#define VCACHE_C(field)  FIELD("vdev_cache_", "vdev_cache_stats", #field, HM_COUNTER)
#define VMIRROR_C(field) FIELD("vdev_mirror_", "vdev_mirror_stats", #field, HM_COUNTER)
#define XUIO_C(field)    FIELD("xuio_", "xuio_stats", #field, HM_COUNTER)
#define XUIO_G(field)    FIELD("xuio_", "xuio_stats", #field, HM_GAUGE)
#define ZFETCH_C(field)  FIELD("zfetch_", "zfetchstats", #field, HM_COUNTER)
#define ZFETCH_G(field)  FIELD("zfetch_", "zfetchstats", #field, HM_GAUGE)
#define ZIL_C(field)     FIELD("zil_", "zil", #field, HM_COUNTER)
#define POOL_C(field)    POOL_FIELD(#field, HM_COUNTER)
#define POOL_G(field)    POOL_FIELD(#field, HM_GAUGE)
#define DATASET_C(field) DATASET_FIELD(#field, HM_COUNTER)

/* NOLINTNEXTLINE(bugprone-macro-parentheses): they are summed up */
#define ONE(field) +1

/* Where the metrics of each file begin. */
enum place {
	PLACE_ABD = 0,
	PLACE_ARC = PLACE_ABD ZFS_ABD_FIELDS(ONE, ONE),
	PLACE_DBUF = PLACE_ARC ZFS_ARC_FIELDS(ONE, ONE),
	PLACE_DMU_TX = PLACE_DBUF ZFS_DBUF_FIELDS(ONE, ONE),
	PLACE_DNODE = PLACE_DMU_TX ZFS_DMU_TX_FIELDS(ONE, ONE),
	PLACE_FM = PLACE_DNODE ZFS_DNODE_FIELDS(ONE, ONE),
	PLACE_VCACHE = PLACE_FM ZFS_FM_FIELDS(ONE, ONE),
	PLACE_VMIRROR = PLACE_VCACHE ZFS_VDEV_CACHE_FIELDS(ONE, ONE),
	PLACE_XUIO = PLACE_VMIRROR ZFS_VDEV_MIRROR_FIELDS(ONE, ONE),
	PLACE_ZFETCH = PLACE_XUIO ZFS_XUIO_FIELDS(ONE, ONE),
	PLACE_ZIL = PLACE_ZFETCH ZFS_ZFETCH_FIELDS(ONE, ONE),
	PLACE_POOL = PLACE_ZIL ZFS_ZIL_FIELDS(ONE, ONE),
	PLACE_DATASET = PLACE_POOL ZFS_POOL_FIELDS(ONE, ONE),
	PLACE_STATE = PLACE_DATASET ZFS_DATASET_FIELDS(ONE, ONE),
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	ZFS_ABD_FIELDS(ABD_C, ABD_G)
	ZFS_ARC_FIELDS(ARC_C, ARC_G)
	ZFS_DBUF_FIELDS(DBUF_C, DBUF_G)
	ZFS_DMU_TX_FIELDS(DMU_TX_C, )
	ZFS_DNODE_FIELDS(DNODE_C, )
	ZFS_FM_FIELDS(FM_C, )
	ZFS_VDEV_CACHE_FIELDS(VCACHE_C, )
	ZFS_VDEV_MIRROR_FIELDS(VMIRROR_C, )
	ZFS_XUIO_FIELDS(XUIO_C, XUIO_G)
	ZFS_ZFETCH_FIELDS(ZFETCH_C, ZFETCH_G)
	ZFS_ZIL_FIELDS(ZIL_C, )
	ZFS_POOL_FIELDS(POOL_C, POOL_G)
	ZFS_DATASET_FIELDS(DATASET_C, )
	{.name = "node_zfs_zpool_state", .unit = "", .kind = HM_GAUGE, .labels = HM_LABELS("zpool", "state"),
	 .help = "1 = this is the state of the pool.", .source = FOLDER "/POOL/state"},
};
/* clang-format on */

#define GROUP(file, prefix, from, to)                                                              \
	{                                                                                          \
		file, "node_zfs_" prefix, &metrics[PLACE_##from], PLACE_##to - PLACE_##from        \
	}

static const struct kstat_group groups[] = {
	GROUP("abdstats", "abd_", ABD, ARC),
	GROUP("arcstats", "arc_", ARC, DBUF),
	GROUP("dbufstats", "dbuf_", DBUF, DMU_TX),
	GROUP("dmu_tx", "dmu_tx_", DMU_TX, DNODE),
	GROUP("dnodestats", "dnode_", DNODE, FM),
	GROUP("fm", "fm_", FM, VCACHE),
	GROUP("vdev_cache_stats", "vdev_cache_", VCACHE, VMIRROR),
	GROUP("vdev_mirror_stats", "vdev_mirror_", VMIRROR, XUIO),
	GROUP("xuio_stats", "xuio_", XUIO, ZFETCH),
	GROUP("zfetchstats", "zfetch_", ZFETCH, ZIL),
	GROUP("zil", "zil_", ZIL, POOL),
};

#define N_GROUPS (sizeof(groups) / sizeof(groups[0]))

static const struct kstat_group pool_group = GROUP("io", "zpool_", POOL, DATASET);
static const struct kstat_group dataset_group = GROUP("objset-*", "zpool_dataset_", DATASET, STATE);

static const char *const states[] = {"online",  "degraded", "faulted",  "offline",
				     "removed", "unavail",  "suspended"};

static const struct hm_option options[] = {
	{.name = "ignore",
	 .fallback = "",
	 .help = "Globs of the datasets that are left out: none by default."},
};

struct pool {
	char name[ZFS_NAME_BYTES];
	struct hm_text io; /* closed = OpenZFS has none since 2.0 */
	int state_fd;      /* or -errno of opening it: -ENOENT = it has none */
};

struct state {
	const struct hm_host *host;
	struct folder_watch watch;
	struct hm_text files[N_GROUPS];
	struct pool *pools;
	size_t n_pools;
	struct zfs_datasets datasets;
	unsigned n_rounds; /* since they were looked for */
	bool is_half;      /* the last search for pools failed */
};

static void emit_pool(struct hm_batch *out, const struct state *state, struct pool *pool)
{
	char text[64] = "";
	int error = pool->state_fd < 0 ? pool->state_fd
				       : hm_read_string(pool->state_fd, text, sizeof(text));

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]) && error != -ENOENT; i++) {
		if (error < 0)
			hm_emit_missing(out, &metrics[PLACE_STATE], error, pool->name, states[i]);
		else
			hm_emit(out, &metrics[PLACE_STATE], strcasecmp(text, states[i]) == 0,
				pool->name, states[i]);
	}
	if (!pool->io.is_open)
		return;
	error = hm_text_read(&pool->io);
	if (error < 0)
		hm_emit_missing(out, &metrics[PLACE_POOL], error, pool->name);
	else
		kstat_emit_table(out, state->host, &pool_group, pool->io.data,
				 HM_LABEL_VALUES(pool->name));
}

static int find_datasets(struct state *state)
{
	int result = 0;

	state->n_rounds = 0;
	zfs_datasets_begin(&state->datasets);
	for (size_t i = 0; i < state->n_pools && result == 0; i++)
		result = zfs_datasets_find(&state->datasets, state->host, state->pools[i].name);
	zfs_datasets_end(&state->datasets);
	return result;
}

/* Pools are the folders; only they have one of these files. */
static int add_pool(void *context, const char *name)
{
	struct state *state = context;
	struct pool *pools = reallocarray(state->pools, state->n_pools + 1, sizeof(*pools));
	struct pool *pool;
	char path[ZFS_NAME_BYTES + 64];
	int result;

	if (!pools)
		return -ENOMEM;
	state->pools = pools;
	pool = &pools[state->n_pools];
	*pool = (struct pool){0};
	if (strlcpy(pool->name, name, sizeof(pool->name)) >= sizeof(pool->name))
		return 0;
	(void)snprintf(path, sizeof(path), FOLDER "/%s/state", name);
	pool->state_fd = hm_open(state->host, path);
	(void)snprintf(path, sizeof(path), FOLDER "/%s/io", name);
	result = hm_text_open(&pool->io, state->host, path);
	if (pool->state_fd != -ENOTDIR)
		state->n_pools++;
	return result == -ENOENT || result == -ENOTDIR ? 0 : result;
}

static void close_pools(struct state *state)
{
	for (size_t i = 0; i < state->n_pools; i++) {
		if (state->pools[i].state_fd >= 0)
			close(state->pools[i].state_fd);
		hm_text_close(&state->pools[i].io);
	}
	state->n_pools = 0;
}

static int find_pools(struct state *state)
{
	int result;

	close_pools(state);
	result = hm_folder_find(state->host, FOLDER, "[!.]*", add_pool, state);
	if (result == 0)
		result = find_datasets(state);
	state->is_half = result < 0;
	return result;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = folder_watch_open(&state->watch, host, FOLDER);

	state->host = host;
	for (size_t i = 0; i < N_GROUPS && result == 0; i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), FOLDER "/%s", groups[i].file);
		result = hm_text_open(&state->files[i], host, path);
		if (result == -ENOENT)
			result = 0;
	}
	if (result == 0)
		result = find_pools(state);
	return result == -ENOENT ? -ENODEV : result;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int result = 0;

	if (folder_watch_ask(&state->watch) || state->is_half)
		result = find_pools(state);
	else if (++state->n_rounds >= ROUNDS_A_SEARCH)
		result = find_datasets(state);
	if (result < 0)
		return result;
	for (size_t i = 0; i < N_GROUPS; i++) {
		if (!state->files[i].is_open)
			continue;
		result = hm_text_read(&state->files[i]);
		/* The first one stands for all: which of them this version has is not known. */
		if (result < 0)
			hm_emit_missing(out, &groups[i].metrics[0], result);
		else
			kstat_emit_lines(out, state->host, &groups[i], state->files[i].data,
					 HM_LABEL_VALUES());
	}
	for (size_t i = 0; i < state->n_pools; i++)
		emit_pool(out, state, &state->pools[i]);
	zfs_datasets_emit(&state->datasets, state->host, &dataset_group, out);
	return 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	for (size_t i = 0; i < N_GROUPS; i++)
		hm_text_close(&state->files[i]);
	close_pools(state);
	free(state->pools);
	zfs_datasets_close(&state->datasets);
	folder_watch_close(&state->watch);
}

HM_PLUGIN(zfs) = {
	HM_PLUGIN_HEADER,
	.name = "zfs",
	.help = "What ZFS caches, reads and writes, and the states of its pools.",
	.looks_for = FOLDER,
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	/* No .udev_subsystem: it does not tell of pools. */
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
