/* SPDX-License-Identifier: MIT */
/* How much memory of the host the agent takes up. */

#include "agent/footprint.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/* What is larger has pages of its own, and gives them back at once: what seals an interval, say. */
#define OWN_PAGES_BYTES (16 << 10)

/* What is free at the end of the heap, and not more, is kept there. */
#define KEPT_BYTES (32 << 10)

/* After a start much comes and goes that will not again. */
#define FIRST_INTERVAL_US INT64_C(5000000)
#define INTERVAL_MAX_US   INT64_C(50000000)

/* Of an object, that are read only: most have three. */
#define SEGMENTS_MAX 8

void footprint_init(void)
{
	/* Threads would have a heap each. The agent's two seldom want anything at the same time. */
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MMAP_THRESHOLD, OWN_PAGES_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
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

/* Of whole pages. */
static struct iovec find_pages(const struct dl_phdr_info *object, const ElfW(Phdr) * segment)
{
	const uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t start = object->dlpi_addr + segment->p_vaddr;
	const uintptr_t first = start & ~(page_bytes - 1);

	return (struct iovec){(void *)first, start + segment->p_memsz - first};
}

static int drop_object(struct dl_phdr_info *object, size_t size, void *context)
{
	struct iovec segments[SEGMENTS_MAX];
	size_t n_segments = 0;

	(void)size;
	(void)context;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &object->dlpi_phdr[i];

		if (header->p_type == PT_DYNAMIC && has_written_code(object, header))
			return 0;
		if (header->p_type == PT_LOAD && !(header->p_flags & PF_W) &&
		    n_segments < SEGMENTS_MAX)
			segments[n_segments++] = find_pages(object, header);
	}
	/* Not before: the headers lie in one of them. Where it cannot be dropped it stays. */
	for (size_t i = 0; i < n_segments; i++)
		(void)madvise(segments[i].iov_base, segments[i].iov_len, MADV_DONTNEED);
	return 0;
}

void footprint_trim(struct footprint *footprint, int64_t monotonic_us)
{
	if (monotonic_us < footprint->next_us)
		return;
	footprint->interval_us =
		footprint->interval_us > 0 ? 2 * footprint->interval_us : FIRST_INTERVAL_US;
	if (footprint->interval_us > INTERVAL_MAX_US)
		footprint->interval_us = INTERVAL_MAX_US;
	footprint->next_us = monotonic_us + footprint->interval_us;
	(void)malloc_trim(0);
	(void)dl_iterate_phdr(drop_object, NULL);
}
