/* SPDX-License-Identifier: MIT */
/* What memory is used for: every line that /proc/meminfo had from Linux 2.6.32 on. */

#include <errno.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define BYTES_PER_KB 1024

/* A line that counts kB, and one that counts pages: the metric's name, the line's first word, what it is. */
#define LINES(KB, PAGES)                                                                           \
	KB("node_memory_MemTotal_bytes", "MemTotal:", "Memory that the kernel manages.")           \
	KB("node_memory_MemFree_bytes", "MemFree:", "Memory that is used for nothing.")            \
	KB("node_memory_MemAvailable_bytes",                                                       \
	   "MemAvailable:", "Estimate of the memory that programs can get without swapping.")      \
	KB("node_memory_Buffers_bytes", "Buffers:", "Cache of raw block devices.")                 \
	KB("node_memory_Cached_bytes", "Cached:", "Cache of files, with tmpfs and shared memory.") \
	KB("node_memory_SwapCached_bytes",                                                         \
	   "SwapCached:", "Memory whose copy in the swap is still valid.")                         \
	KB("node_memory_Active_bytes", "Active:", "Memory used lately, rather not reclaimed.")     \
	KB("node_memory_Inactive_bytes", "Inactive:", "Memory not used lately, reclaimed first.")  \
	KB("node_memory_Active_anon_bytes", "Active(anon):", "Active memory of no file.")          \
	KB("node_memory_Inactive_anon_bytes", "Inactive(anon):", "Inactive memory of no file.")    \
	KB("node_memory_Active_file_bytes", "Active(file):", "Active memory of files.")            \
	KB("node_memory_Inactive_file_bytes", "Inactive(file):", "Inactive memory of files.")      \
	KB("node_memory_Unevictable_bytes", "Unevictable:", "Memory that cannot be reclaimed.")    \
	KB("node_memory_Mlocked_bytes", "Mlocked:", "Memory locked by mlock(2).")                  \
	KB("node_memory_HighTotal_bytes", "HighTotal:", "Memory above the kernel's direct map.")   \
	KB("node_memory_HighFree_bytes", "HighFree:", "Unused memory above the direct map.")       \
	KB("node_memory_LowTotal_bytes", "LowTotal:", "Memory in the kernel's direct map.")        \
	KB("node_memory_LowFree_bytes", "LowFree:", "Unused memory in the direct map.")            \
	KB("node_memory_MmapCopy_bytes", "MmapCopy:", "Copies made by mmap(2) without an MMU.")    \
	KB("node_memory_SwapTotal_bytes", "SwapTotal:", "Size of the swap space.")                 \
	KB("node_memory_SwapFree_bytes", "SwapFree:", "Swap space that is not used.")              \
	KB("node_memory_Zswap_bytes", "Zswap:", "Memory that compressed swap takes.")              \
	KB("node_memory_Zswapped_bytes", "Zswapped:", "What zswap holds, before compression.")     \
	KB("node_memory_Dirty_bytes", "Dirty:", "Memory that waits to be written to disk.")        \
	KB("node_memory_Writeback_bytes", "Writeback:", "Memory being written to disk.")           \
	KB("node_memory_AnonPages_bytes", "AnonPages:", "Memory of no file that is mapped.")       \
	KB("node_memory_Mapped_bytes", "Mapped:", "Memory of files that is mapped.")               \
	KB("node_memory_Shmem_bytes", "Shmem:", "Shared memory and tmpfs.")                        \
	KB("node_memory_KReclaimable_bytes",                                                       \
	   "KReclaimable:", "Memory of the kernel that it tries to give back under pressure.")     \
	KB("node_memory_Slab_bytes", "Slab:", "Memory for the kernel's own objects.")              \
	KB("node_memory_SReclaimable_bytes", "SReclaimable:", "Slab that can be given back.")      \
	KB("node_memory_SUnreclaim_bytes", "SUnreclaim:", "Slab that cannot be given back.")       \
	KB("node_memory_KernelStack_bytes", "KernelStack:", "Kernel stacks of all tasks.")         \
	KB("node_memory_ShadowCallStack_bytes",                                                    \
	   "ShadowCallStack:", "Shadow stacks of the kernel.")                                     \
	KB("node_memory_PageTables_bytes", "PageTables:", "Page tables of programs.")              \
	KB("node_memory_SecPageTables_bytes",                                                      \
	   "SecPageTables:", "Page tables of virtual machines and IOMMUs.")                        \
	KB("node_memory_Quicklists_bytes", "Quicklists:", "Page tables kept for reuse.")           \
	KB("node_memory_NFS_Unstable_bytes",                                                       \
	   "NFS_Unstable:", "Memory sent to an NFS server and not yet on its disk.")               \
	KB("node_memory_Bounce_bytes",                                                             \
	   "Bounce:", "Buffers for devices that reach low memory only.")                           \
	KB("node_memory_WritebackTmp_bytes", "WritebackTmp:", "Memory FUSE writes back from.")     \
	KB("node_memory_CommitLimit_bytes",                                                        \
	   "CommitLimit:", "What programs may ask for together under strict overcommit.")          \
	KB("node_memory_Committed_AS_bytes",                                                       \
	   "Committed_AS:", "What programs have asked for together, used or not.")                 \
	KB("node_memory_VmallocTotal_bytes", "VmallocTotal:", "Size of the vmalloc area.")         \
	KB("node_memory_VmallocUsed_bytes", "VmallocUsed:", "What is used of the vmalloc area.")   \
	KB("node_memory_VmallocChunk_bytes", "VmallocChunk:", "Largest free piece of that area.")  \
	KB("node_memory_Percpu_bytes", "Percpu:", "Memory of the kernel that each CPU has.")       \
	KB("node_memory_EarlyMemtestBad_bytes",                                                    \
	   "EarlyMemtestBad:", "Memory that failed the test at boot.")                             \
	KB("node_memory_HardwareCorrupted_bytes",                                                  \
	   "HardwareCorrupted:", "Memory given up after hardware errors.")                         \
	KB("node_memory_AnonHugePages_bytes", "AnonHugePages:", "AnonPages in huge pages.")        \
	KB("node_memory_ShmemHugePages_bytes", "ShmemHugePages:", "Shmem in huge pages.")          \
	KB("node_memory_ShmemPmdMapped_bytes", "ShmemPmdMapped:", "Shmem mapped by huge pages.")   \
	KB("node_memory_FileHugePages_bytes", "FileHugePages:", "Cached in huge pages.")           \
	KB("node_memory_FilePmdMapped_bytes", "FilePmdMapped:", "Cached, mapped by huge pages.")   \
	KB("node_memory_CmaTotal_bytes", "CmaTotal:", "Memory set aside for large pieces (CMA).")  \
	KB("node_memory_CmaFree_bytes", "CmaFree:", "Unused memory of CMA.")                       \
	KB("node_memory_Unaccepted_bytes",                                                         \
	   "Unaccepted:", "Memory that a confidential guest has not yet accepted.")                \
	KB("node_memory_Balloon_bytes", "Balloon:", "Memory given back to the hypervisor.")        \
	KB("node_memory_GPUActive_bytes", "GPUActive:", "Memory that graphics drivers use.")       \
	KB("node_memory_GPUReclaim_bytes",                                                         \
	   "GPUReclaim:", "Memory graphics drivers can give back.")                                \
	PAGES("node_memory_HugePages_Total", "HugePages_Total:", "Huge pages in the pool.")        \
	PAGES("node_memory_HugePages_Free", "HugePages_Free:", "Huge pages that are not used.")    \
	PAGES("node_memory_HugePages_Rsvd",                                                        \
	      "HugePages_Rsvd:", "Free huge pages that are promised.")                             \
	PAGES("node_memory_HugePages_Surp",                                                        \
	      "HugePages_Surp:", "Huge pages above the pool's size.")                              \
	KB("node_memory_Hugepagesize_bytes", "Hugepagesize:", "Size of a huge page of the pool.")  \
	KB("node_memory_Hugetlb_bytes", "Hugetlb:", "Huge pages of the pools of all sizes.")       \
	KB("node_memory_DirectMap4k_bytes", "DirectMap4k:", "Direct map in pages of 4 KiB.")       \
	KB("node_memory_DirectMap64k_bytes", "DirectMap64k:", "Direct map in pages of 64 KiB.")    \
	KB("node_memory_DirectMap1M_bytes", "DirectMap1M:", "Direct map in pages of 1 MiB.")       \
	KB("node_memory_DirectMap2M_bytes", "DirectMap2M:", "Direct map in pages of 2 MiB.")       \
	KB("node_memory_DirectMap4M_bytes", "DirectMap4M:", "Direct map in pages of 4 MiB.")       \
	KB("node_memory_DirectMap1G_bytes", "DirectMap1G:", "Direct map in pages of 1 GiB.")       \
	KB("node_memory_DirectMap2G_bytes", "DirectMap2G:", "Direct map in pages of 2 GiB.")

#define METRIC(full_name, metric_unit, text, line)                                                 \
	{                                                                                          \
		.name = (full_name),                                                               \
		.unit = (metric_unit),                                                             \
		.help = (text),                                                                    \
		.source = "/proc/meminfo, line " line,                                             \
		.kind = HM_GAUGE,                                                                  \
	},
#define KB_METRIC(name, word, text)    METRIC(name, "bytes", text, word " kB")
#define PAGES_METRIC(name, word, text) METRIC(name, "", text, word " pages")

/* In the order of the kernel's lines. */
static const struct hm_metric metrics[] = {LINES(KB_METRIC, PAGES_METRIC)};

#define N_METRICS (sizeof(metrics) / sizeof(metrics[0]))

static const struct {
	const char *word;
	double factor;
} lines[N_METRICS] = {
#define KB_LINE(name, word, text)    {word, BYTES_PER_KB},
#define PAGES_LINE(name, word, text) {word, 1},
	LINES(KB_LINE, PAGES_LINE)};

struct state {
	struct hm_text file;
	struct hm_field fields[N_METRICS];
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = hm_text_open(&state->file, host, "/proc/meminfo");

	state->file.record_max_bytes = HM_TEXT_ONE_RECORD;
	for (size_t i = 0; i < N_METRICS; i++)
		state->fields[i] = (struct hm_field){lines[i].word, &metrics[i], lines[i].factor};
	return result == -ENOENT ? -ENODEV : result;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int result = hm_text_read(&state->file);

	if (result < 0)
		return result;
	return hm_fields_emit(out, state->file.data, state->fields, N_METRICS) > 0 ? 0 : -ENODATA;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_text_close(&state->file);
}

HM_PLUGIN(meminfo) = {
	HM_PLUGIN_HEADER,
	.name = "meminfo",
	.help = "What memory is used for.",
	.looks_for = "/proc/meminfo",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
