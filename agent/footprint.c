/* SPDX-License-Identifier: MIT */
/* How much memory of the host the agent takes up. */

#include "agent/footprint.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is larger has pages of its own, and gives them back at once: what seals an interval, say. */
#define OWN_PAGES_BYTES (16 << 10)

#define INTERVAL_US INT64_C(60000000)

void footprint_init(void)
{
	/* Threads would have a heap each. The agent's two seldom want anything at the same time. */
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MMAP_THRESHOLD, OWN_PAGES_BYTES);
}

/* Was its code written to when it was loaded? Nothing of ours is, but plugins of others may be linked so. */
static bool has_written_code(const struct dl_phdr_info *object, const ElfW(Phdr) * dynamic)
{
	const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(object->dlpi_addr + dynamic->p_vaddr);

	for (; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_TEXTREL ||
		    (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL))
			return true;
	}
	return false;
}

static void drop_segment(const struct dl_phdr_info *object, const ElfW(Phdr) * segment)
{
	const uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t start = object->dlpi_addr + segment->p_vaddr;
	const uintptr_t first = start & ~(page_bytes - 1);

	/* Where it cannot be dropped it stays. */
	(void)madvise((void *)first, start + segment->p_memsz - first, MADV_DONTNEED);
}

static int drop_object(struct dl_phdr_info *object, size_t size, void *context)
{
	(void)size;
	(void)context;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		if (object->dlpi_phdr[i].p_type == PT_DYNAMIC &&
		    has_written_code(object, &object->dlpi_phdr[i]))
			return 0;
	}
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		if (object->dlpi_phdr[i].p_type == PT_LOAD &&
		    !(object->dlpi_phdr[i].p_flags & PF_W))
			drop_segment(object, &object->dlpi_phdr[i]);
	}
	return 0;
}

void footprint_trim(struct footprint *footprint, int64_t monotonic_us)
{
	if (monotonic_us < footprint->next_us)
		return;
	footprint->next_us = monotonic_us + INTERVAL_US;
	(void)malloc_trim(0);
	(void)dl_iterate_phdr(drop_object, NULL);
}
