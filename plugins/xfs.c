/* SPDX-License-Identifier: MIT */
/*
 * What each mounted XFS file system does.
 *
 * No disk is woken: the counters are kept in memory.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"
#include "plugins/folder_watch.h"

#define FOLDER "/sys/fs/xfs"
#define FILES  FOLDER "/*/stats/stats, line "

#define COUNT .unit = "", .kind = HM_COUNTER, .labels = HM_LABELS("device")
#define GAUGE .unit = "", .kind = HM_GAUGE, .labels = HM_LABELS("device")

#define N_METRICS 39

/* By line, in the order of its numbers. */
/* clang-format off */
static const struct hm_metric metrics[N_METRICS] = {
	{.name = "node_xfs_extent_allocation_extents_allocated_total", COUNT,
	 .source = FILES "extent_alloc, number 1", .help = "Extents allocated."},
	{.name = "node_xfs_extent_allocation_blocks_allocated_total", COUNT,
	 .source = FILES "extent_alloc, number 2", .help = "Blocks allocated."},
	{.name = "node_xfs_extent_allocation_extents_freed_total", COUNT,
	 .source = FILES "extent_alloc, number 3", .help = "Extents freed."},
	{.name = "node_xfs_extent_allocation_blocks_freed_total", COUNT,
	 .source = FILES "extent_alloc, number 4", .help = "Blocks freed."},
	{.name = "node_xfs_allocation_btree_lookups_total", COUNT, .source = FILES "abt, number 1",
	 .help = "Lookups in the B-trees of free space."},
	{.name = "node_xfs_allocation_btree_compares_total", COUNT, .source = FILES "abt, number 2",
	 .help = "Comparisons in the B-trees of free space."},
	{.name = "node_xfs_allocation_btree_records_inserted_total", COUNT,
	 .source = FILES "abt, number 3",
	 .help = "Records inserted into the B-trees of free space."},
	{.name = "node_xfs_allocation_btree_records_deleted_total", COUNT,
	 .source = FILES "abt, number 4",
	 .help = "Records deleted from the B-trees of free space."},
	{.name = "node_xfs_block_mapping_reads_total", COUNT, .source = FILES "blk_map, number 1",
	 .help = "Blocks of files mapped to read them."},
	{.name = "node_xfs_block_mapping_writes_total", COUNT, .source = FILES "blk_map, number 2",
	 .help = "Blocks of files mapped to write them."},
	{.name = "node_xfs_block_mapping_unmaps_total", COUNT, .source = FILES "blk_map, number 3",
	 .help = "Blocks of files unmapped."},
	{.name = "node_xfs_block_mapping_extent_list_insertions_total", COUNT,
	 .source = FILES "blk_map, number 4", .help = "Extents inserted into lists in memory."},
	{.name = "node_xfs_block_mapping_extent_list_deletions_total", COUNT,
	 .source = FILES "blk_map, number 5", .help = "Extents deleted from lists in memory."},
	{.name = "node_xfs_block_mapping_extent_list_lookups_total", COUNT,
	 .source = FILES "blk_map, number 6", .help = "Lookups in lists of extents in memory."},
	{.name = "node_xfs_block_mapping_extent_list_compares_total", COUNT,
	 .source = FILES "blk_map, number 7", .help = "Comparisons in lists of extents in memory."},
	{.name = "node_xfs_block_map_btree_lookups_total", COUNT, .source = FILES "bmbt, number 1",
	 .help = "Lookups in the B-trees of files' extents."},
	{.name = "node_xfs_block_map_btree_compares_total", COUNT, .source = FILES "bmbt, number 2",
	 .help = "Comparisons in the B-trees of files' extents."},
	{.name = "node_xfs_block_map_btree_records_inserted_total", COUNT,
	 .source = FILES "bmbt, number 3",
	 .help = "Records inserted into the B-trees of files' extents."},
	{.name = "node_xfs_block_map_btree_records_deleted_total", COUNT,
	 .source = FILES "bmbt, number 4",
	 .help = "Records deleted from the B-trees of files' extents."},
	{.name = "node_xfs_directory_operation_lookup_total", COUNT,
	 .source = FILES "dir, number 1", .help = "Names looked up in folders on the disk."},
	{.name = "node_xfs_directory_operation_create_total", COUNT,
	 .source = FILES "dir, number 2", .help = "Entries created in folders."},
	{.name = "node_xfs_directory_operation_remove_total", COUNT,
	 .source = FILES "dir, number 3", .help = "Entries removed from folders."},
	{.name = "node_xfs_directory_operation_getdents_total", COUNT,
	 .source = FILES "dir, number 4", .help = "Reads of folders' entries."},
	{.name = "node_xfs_inode_operation_attempts_total", COUNT, .source = FILES "ig, number 1",
	 .help = "Inodes looked for in the cache."},
	{.name = "node_xfs_inode_operation_found_total", COUNT, .source = FILES "ig, number 2",
	 .help = "Inodes found in the cache."},
	{.name = "node_xfs_inode_operation_recycled_total", COUNT, .source = FILES "ig, number 3",
	 .help = "Inodes found in the cache, but on their way out of it."},
	{.name = "node_xfs_inode_operation_missed_total", COUNT, .source = FILES "ig, number 4",
	 .help = "Inodes not found in the cache."},
	{.name = "node_xfs_inode_operation_duplicates_total", COUNT, .source = FILES "ig, number 5",
	 .help = "Inodes that somebody else cached at the same time."},
	{.name = "node_xfs_inode_operation_reclaims_total", COUNT, .source = FILES "ig, number 6",
	 .help = "Inodes taken out of the cache."},
	{.name = "node_xfs_inode_operation_attribute_changes_total", COUNT,
	 .source = FILES "ig, number 7", .help = "Changes of inodes' attributes."},
	{.name = "node_xfs_write_calls_total", COUNT, .source = FILES "rw, number 1",
	 .help = "Calls of write(2)."},
	{.name = "node_xfs_read_calls_total", COUNT, .source = FILES "rw, number 2",
	 .help = "Calls of read(2)."},
	{.name = "node_xfs_vnode_active_total", GAUGE, .source = FILES "vnodes, number 1",
	 .help = "Inodes in use now."},
	{.name = "node_xfs_vnode_allocate_total", COUNT, .source = FILES "vnodes, number 2",
	 .help = "Inodes allocated in memory."},
	{.name = "node_xfs_vnode_get_total", COUNT, .source = FILES "vnodes, number 3",
	 .help = "Inodes got."},
	{.name = "node_xfs_vnode_hold_total", COUNT, .source = FILES "vnodes, number 4",
	 .help = "Inodes held."},
	{.name = "node_xfs_vnode_release_total", COUNT, .source = FILES "vnodes, number 5",
	 .help = "Inodes released."},
	{.name = "node_xfs_vnode_reclaim_total", COUNT, .source = FILES "vnodes, number 6",
	 .help = "Inodes reclaimed."},
	{.name = "node_xfs_vnode_remove_total", COUNT, .source = FILES "vnodes, number 7",
	 .help = "Inodes removed from memory."},
};
/* clang-format on */

/* Lines in the order in which the kernel prints them; what is not here is passed over. */
static const struct group {
	const char *word;
	size_t first; /* metric */
	size_t n;
} groups[] = {
	{"extent_alloc", 0, 4}, {"abt", 4, 4}, {"blk_map", 8, 7}, {"bmbt", 15, 4},
	{"dir", 19, 4},         {"ig", 23, 7}, {"rw", 30, 2},     {"vnodes", 32, 7},
};

#define N_GROUPS (sizeof(groups) / sizeof(groups[0]))

/* One mounted file system. */
struct mount {
	char device[HM_DEVICE_NAME_MAX];
	struct hm_text file;
};

struct state {
	const struct hm_host *host;
	struct folder_watch watch;
	struct mount *mounts;
	size_t n_mounts;
};

static int add_mount(void *context, const char *name)
{
	struct state *state = context;
	struct mount *mounts = reallocarray(state->mounts, state->n_mounts + 1, sizeof(*mounts));
	struct mount mount = {0};
	char path[256];
	int result;

	if (!mounts)
		return -ENOMEM;
	state->mounts = mounts;
	if ((size_t)snprintf(mount.device, sizeof(mount.device), "%s", name) >=
	    sizeof(mount.device))
		return 0;
	(void)snprintf(path, sizeof(path), FOLDER "/%s/stats/stats", name);
	result = hm_text_open(&mount.file, state->host, path);
	/* The sums of all are there too, in another place; and one may just be unmounted. */
	if (result == -ENOENT || result == -ENOTDIR)
		return 0;
	if (result == 0)
		mounts[state->n_mounts++] = mount;
	return result;
}

static void close_mounts(struct state *state)
{
	for (size_t i = 0; i < state->n_mounts; i++)
		hm_text_close(&state->mounts[i].file);
	state->n_mounts = 0;
}

static int find_mounts(struct state *state)
{
	close_mounts(state);
	return hm_folder_find(state->host, FOLDER, "[!.]*", add_mount, state);
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = folder_watch_open(&state->watch, host, FOLDER);

	state->host = host;
	if (result == 0)
		result = find_mounts(state);
	if (result == 0 && state->n_mounts == 0)
		result = -ENODEV;
	return result == -ENOENT ? -ENODEV : result;
}

static void emit_group(const struct group *group, const char *device, struct hm_span line,
		       struct hm_batch *out)
{
	for (size_t i = 0; i < group->n; i++) {
		const struct hm_metric *metric = &metrics[group->first + i];
		struct hm_span word;
		uint64_t number = 0;
		int error;

		if (!hm_next_word(&line, &word))
			return;
		error = hm_span_uint64(word, &number);
		if (error < 0)
			hm_emit_missing(out, metric, error, device);
		else
			hm_emit(out, metric, (double)number, device);
	}
}

/* Of two lines of one word the first counts. */
static void emit_mount(const struct mount *mount, struct hm_batch *out)
{
	bool is_done[N_GROUPS] = {false};
	const char *cursor = mount->file.data;
	struct hm_span line;
	struct hm_span word;

	while (hm_next_line(&cursor, &line)) {
		if (!hm_next_word(&line, &word))
			continue;
		for (size_t i = 0; i < N_GROUPS; i++) {
			if (is_done[i] || !hm_span_equals(word, groups[i].word))
				continue;
			is_done[i] = true;
			emit_group(&groups[i], mount->device, line, out);
			break;
		}
	}
}

static void emit_failure(const struct mount *mount, int error, struct hm_batch *out)
{
	for (size_t i = 0; i < N_METRICS; i++)
		hm_emit_missing(out, &metrics[i], error, mount->device);
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int result = 0;

	if (folder_watch_ask(&state->watch))
		result = find_mounts(state);
	for (size_t i = 0; i < state->n_mounts && result == 0; i++) {
		int error = hm_text_read(&state->mounts[i].file);

		if (error < 0)
			emit_failure(&state->mounts[i], error, out);
		else
			emit_mount(&state->mounts[i], out);
	}
	return result;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	close_mounts(state);
	free(state->mounts);
	folder_watch_close(&state->watch);
}

HM_PLUGIN(xfs) = {
	HM_PLUGIN_HEADER,
	.name = "xfs",
	.help = "What each mounted XFS file system does.",
	.looks_for = FOLDER "/*/stats/stats",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	/* No .udev_subsystem: it does not tell of mounts. */
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
