/* SPDX-License-Identifier: MIT */
/*
 * A plugin for tests: how often the agent has asked for memory, and how often the kernel was asked for some by mmap(2). It knows
 * where it is in LD_PRELOAD of the agent that loads it: then its malloc() and the like are those of the whole process.
 */

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"

#define OF_ALL __attribute__((visibility("default")))

/* Of the C library, by the names that it has for itself. */
void *libc_malloc(size_t n_bytes) __asm__("__libc_malloc");
void *libc_calloc(size_t n, size_t n_bytes) __asm__("__libc_calloc");
void *libc_realloc(void *memory, size_t n_bytes) __asm__("__libc_realloc");
void *libc_memalign(size_t alignment, size_t n_bytes) __asm__("__libc_memalign");

static atomic_ulong n_allocations;
static atomic_ulong n_mappings;

OF_ALL void *malloc(size_t n_bytes)
{
	n_allocations++;
	return libc_malloc(n_bytes);
}

OF_ALL void *calloc(size_t n, size_t n_bytes)
{
	n_allocations++;
	return libc_calloc(n, n_bytes);
}

OF_ALL void *realloc(void *memory, size_t n_bytes)
{
	n_allocations++;
	return libc_realloc(memory, n_bytes);
}

OF_ALL void *reallocarray(void *memory, size_t n, size_t n_bytes)
{
	size_t all_bytes;

	if (__builtin_mul_overflow(n, n_bytes, &all_bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(memory, all_bytes);
}

OF_ALL void *aligned_alloc(size_t alignment, size_t n_bytes)
{
	n_allocations++;
	return libc_memalign(alignment, n_bytes);
}

OF_ALL int posix_memalign(void **ret_memory, size_t alignment, size_t n_bytes)
{
	*ret_memory = aligned_alloc(alignment, n_bytes);
	return *ret_memory ? 0 : ENOMEM;
}

OF_ALL void *mmap(void *address, size_t n_bytes, int protection, int flags, int fd, off_t offset)
{
	n_mappings++;
	return (void *)syscall(SYS_mmap, address, n_bytes, protection, flags, fd, offset);
}

static const struct hm_metric metrics[] = {
	{
		.name = "test_allocations_total",
		.unit = "",
		.help = "Calls of malloc(3) and the like.",
		.source = "counted here",
		.kind = HM_COUNTER,
	},
	{
		.name = "test_mappings_total",
		.unit = "",
		.help = "Calls of mmap(2).",
		.source = "counted here",
		.kind = HM_COUNTER,
	},
};

/* In another object of this name, without LD_PRELOAD, nothing would be counted. */
static int start_collect(void *memory, const struct hm_host *host)
{
	(void)memory;
	(void)host;
	return n_allocations > 0 ? 0 : -ENODEV;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	(void)memory;
	hm_emit(out, &metrics[0], (double)n_allocations);
	hm_emit(out, &metrics[1], (double)n_mappings);
	return 0;
}

HM_PLUGIN(allocations) = {
	HM_PLUGIN_HEADER,
	.name = "allocations",
	.help = "Counts allocations, for tests.",
	.looks_for = "itself in LD_PRELOAD",
	.metrics = metrics,
	.n_metrics = sizeof(metrics) / sizeof(metrics[0]),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
};
