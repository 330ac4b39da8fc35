/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_DISK_H
#define TESTS_SUPPORT_SIM_DISK_H

/*
 * A disk in memory that can lose power. It has two states: what processes see (the page cache) and
 * what lies on the platter, which only a sync makes the same:
 *
 * - fdatasync and fsync of a file make its bytes and its size durable, not its entry in the folder;
 * - fsync of a folder makes its entries durable, not what they name;
 * - syncfs makes everything durable.
 *
 * Every change since then is pending. A power cut decides for each by itself whether it was done:
 * for each sector of 512 bytes of each write whether it is there, not there, torn or garbled (the
 * bytes around what was written are left as they were), for each hole whether it was made, for each size whether the file has it
 * (with zeroes or garbage where bytes are missing), for each entry made, removed or renamed whether
 * that happened, in any order, but for a rename never by half.
 *
 * A failed sync does what Linux does: the pages count as clean, so the next sync succeeds without
 * having written them; reads go on showing them, reads with O_DIRECT show the platter. Entries of
 * folders go on waiting for the next sync: a file system whose journal fails writes no more at all.
 *
 * One thread. Everything comes from the seed: the same calls meet the same faults. Ends the program
 * where there is no memory.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/disk.h"
#include "tests/support/sim_random.h"

/* What every call says from a stop point on: the process is no more. */
#define SIM_DISK_STOPPED (-ECANCELED)

#define SIM_DISK_SECTOR_BYTES 512
#define SIM_DISK_BLOCK_BYTES  4096

enum sim_call {
	SIM_OPEN,
	SIM_CLOSE,
	SIM_PREAD,
	SIM_PWRITE,
	SIM_FDATASYNC,
	SIM_FSYNC,
	SIM_SYNCFS,
	SIM_FALLOCATE,
	SIM_FTRUNCATE,
	SIM_FSTAT,
	SIM_RENAME,
	SIM_UNLINK,
	SIM_MKDIR,
	SIM_LIST,
	SIM_RANDOM,
	SIM_PUNCH,
	SIM_CALLS,
};

enum sim_event {
	SIM_CRASHES,
	SIM_KILLS,
	SIM_STOPS,
	SIM_HALF_WRITES, /* of a process that was stopped within one */
	SIM_SECTORS_DONE,
	SIM_SECTORS_OMITTED,
	SIM_SECTORS_TORN,
	SIM_SECTORS_GARBLED,
	SIM_SIZES_DONE,
	SIM_SIZES_LOST,
	SIM_HOLES_DONE,
	SIM_HOLES_LOST,
	SIM_ENTRIES_DONE,
	SIM_ENTRIES_LOST,
	SIM_ENTRIES_REORDERED, /* done, although an earlier one of the folder was lost */
	SIM_SHORT_READS,
	SIM_SHORT_WRITES,
	SIM_LOST_SYNCS, /* files whose pages a failed sync called clean */
	SIM_NO_SPACE,   /* the limit of bytes was met */
	SIM_NO_NODES,   /* the limit of files and folders was met */
	SIM_DIRECT_READS,
	SIM_FLIPS,
	SIM_BAD_READS, /* of a sector that cannot be read */
	SIM_BAD_LISTS, /* of a folder that can be listed in part */
	SIM_EVENTS,
};

/* How often what happened; the tester's, may be shared by many disks. Zeroed to begin. */
struct sim_counts {
	uint64_t calls[SIM_CALLS];
	uint64_t failed[SIM_CALLS]; /* those that sim_disk_fail() made fail */
	uint64_t events[SIM_EVENTS];
};

struct sim_disk;

/*
 * An empty disk.
 * @param counts  borrowed as long as the disk and its clones live
 */
struct sim_disk *sim_disk_new(uint64_t seed, struct sim_counts *counts);

/* Takes NULL. */
void sim_disk_free(struct sim_disk *sim);

/* The same moment once more, descriptors and all, to try another future. */
struct sim_disk *sim_disk_clone(const struct sim_disk *sim);

/* Its functions; borrowed, valid as long as it lives. A clone has its own. */
const struct disk *sim_disk_table(const struct sim_disk *sim);

/* Another future from here on, also where the past is the same. */
void sim_disk_seed(struct sim_disk *sim, uint64_t seed);

/* A descriptor of the root folder. @return below 0 when it is stopped */
int sim_disk_open_root(struct sim_disk *sim);

/* How many descriptors are open: 0 when nobody forgot one. */
unsigned sim_disk_n_open(const struct sim_disk *sim);

/* -- the end of a process or of the power ------------------------------------------------------ */

/* How many calls have changed or synced something so far: each of them is a stop point. */
uint64_t sim_disk_n_changes(const struct sim_disk *sim);

/*
 * Let the n-th call from now on (1 = the next) that changes or syncs something, and every call after
 * it, say SIM_DISK_STOPPED. It is not done, but a write may be done in part. 0: no such call.
 */
void sim_disk_stop_at(struct sim_disk *sim, uint64_t n);
/* Call `before` in front of each of these calls: it may clone the disk, and end the clone there. A
 * clone is not watched. NULL: nobody. */
void sim_disk_watch(struct sim_disk *sim, void (*before)(void *context, struct sim_disk *sim),
		    void *context);

bool sim_disk_is_stopped(const struct sim_disk *sim);

/* The process ends: its descriptors are gone (-EBADF), what it wrote stays. Takes the stop back. */
void sim_disk_kill(struct sim_disk *sim);

/* The power fails: what processes see is what the platter has. Takes the stop back. */
void sim_disk_crash(struct sim_disk *sim);

/* Everything that is pending is on the platter, as if syncfs had been called. */
void sim_disk_settle(struct sim_disk *sim);

/* -- faults ------------------------------------------------------------------------------------ */

/*
 * Let the n-th call of a function from now on (1 = the next) fail, or be short.
 * @param error  an errno, e.g. EIO; 0: pread and pwrite are short by at least a byte
 * @param for_ever  so do all later ones
 */
void sim_disk_fail(struct sim_disk *sim, enum sim_call call, uint64_t n, int error, bool for_ever);

/* No more failures; those that have not come yet neither. Folders can be listed. */
void sim_disk_heal(struct sim_disk *sim);

/* How many calls sim_disk_fail() has made fail on this disk. */
uint64_t sim_disk_n_failed(const struct sim_disk *sim);

/* `n` of 256 reads and writes are short. */
void sim_disk_set_short(struct sim_disk *sim, unsigned n);

/* At most so many bytes (in blocks of 4096) and files with folders; 0 = no limit. */
void sim_disk_set_limits(struct sim_disk *sim, uint64_t bytes, uint64_t nodes);

/* Whether O_DIRECT is refused with -EINVAL, as by some file systems. */
void sim_disk_refuse_direct(struct sim_disk *sim, bool is_refused);

/*
 * The kernel writes a file's pages back by itself and fails: they count as clean, the next sync of
 * the file and of the file system tells. @return 0 or -ENOENT
 */
int sim_disk_fail_write_back(struct sim_disk *sim, const char *path);

/* Memory is short: pages that count as clean are read anew from the platter. */
void sim_disk_evict(struct sim_disk *sim);

/* From now on the sectors of a range of a file cannot be read (-EIO): until it is spoiled anew, with no
 * length. Reads that begin before it end there. @return 0 or -ENOENT */
int sim_disk_spoil(struct sim_disk *sim, const char *path, uint64_t offset, uint64_t length);

/*
 * From now on a folder can be listed only in part, by chance, and then comes an error, until the disk is
 * healed; what is in it can be opened. @param error  an errno @return 0 or -ENOENT
 */
int sim_disk_spoil_folder(struct sim_disk *sim, const char *path, int error);

/* Flip a bit, numbered from the file's begin, for good. @return 0, -ENOENT or -ERANGE */
int sim_disk_flip(struct sim_disk *sim, const char *path, uint64_t bit);

/* -- looking at it ----------------------------------------------------------------------------- */

/* What processes see of a file. @return its bytes, borrowed until the next call, or NULL */
const uint8_t *sim_disk_content(const struct sim_disk *sim, const char *path, uint64_t *ret_size);

/* Call `take` for the path of each file (not folder), as processes see them, sorted. */
void sim_disk_walk(const struct sim_disk *sim, void (*take)(void *argument, const char *path),
		   void *argument);

/* Bytes that a file takes, in blocks of 4096, as fstat tells; 0: there is none. */
uint64_t sim_disk_allocated(const struct sim_disk *sim, const char *path);

/* Bytes in use, as sim_disk_set_limits() counts them. */
uint64_t sim_disk_used_bytes(const struct sim_disk *sim);

/* Files and folders, likewise. */
uint64_t sim_disk_used_nodes(const struct sim_disk *sim);

/* How many changes a power cut may still lose. */
uint64_t sim_disk_n_pending(const struct sim_disk *sim);

/* All of it, for whoever looks for a bug. */
void sim_disk_dump(const struct sim_disk *sim, FILE *out);

/* -- the clock --------------------------------------------------------------------------------- */

/* Both clocks stand still but for this. It begins at 1 700 000 000 s. */
void sim_disk_advance(struct sim_disk *sim, int64_t us);

/* Set the wall clock, not the monotonic one. */
void sim_disk_set_now(struct sim_disk *sim, int64_t now_us);

/* -- counts ------------------------------------------------------------------------------------ */

const char *sim_call_name(enum sim_call call);
const char *sim_event_name(enum sim_event event);

/* Lines of "# name n name n ...". */
void sim_counts_print(const struct sim_counts *counts, FILE *out);

#endif
