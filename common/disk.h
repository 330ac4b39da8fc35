/* SPDX-License-Identifier: MIT */
#ifndef COMMON_DISK_H
#define COMMON_DISK_H

/*
 * Everything that the log and the store ask of the kernel, behind one table: the real one here, a
 * simulated one in tests (tests/support/sim_disk.h), on which every crash and every error is tried.
 * Each function may be called from any thread; one file is written by one thread at a time.
 * All return 0 (or what is said) or -errno, never "errno is set".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buffer;

/* What an open file is. */
struct disk_status {
	bool is_file;
	bool is_folder;
	bool is_removed; /* no name leads to it any more */
	uint64_t size_bytes;
	uint64_t allocated_bytes;
};

struct disk {
	void *context;

	/*
	 * Open a file or folder below an open folder; neither a name nor a symbolic link leads out
	 * of it. @param path  one or two names, with a slash between them; "." = the folder itself
	 * @param flags  of open(2): O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_DIRECTORY, O_DIRECT.
	 * O_CLOEXEC, O_NOFOLLOW and O_NONBLOCK are added; what is made has mode 0640
	 * @return a descriptor, to be given back by close
	 */
	int (*open)(void *context, int folder, const char *path, int flags);
	int (*close)(void *context, int fd);

	/* May be short. @return bytes; 0 = end of the file */
	ssize_t (*pread)(void *context, int fd, void *bytes, size_t length, uint64_t offset);
	ssize_t (*pwrite)(void *context, int fd, const void *bytes, size_t length, uint64_t offset);

	int (*fdatasync)(void *context, int fd);
	int (*fsync)(void *context, int fd); /* of a folder: its entries */
	int (*syncfs)(void *context, int fd);
	/* Have room on the disk: also for overwrites, where the file is empty yet. */
	int (*fallocate)(void *context, int fd, uint64_t offset, uint64_t length);
	/* Give back the room of a range; it reads as zeros then. @return also -EOPNOTSUPP */
	int (*punch)(void *context, int fd, uint64_t offset, uint64_t length);
	int (*ftruncate)(void *context, int fd, uint64_t length);
	int (*fstat)(void *context, int fd, struct disk_status *ret_status);

	/* Within one folder, over what has the new name. */
	int (*rename)(void *context, int folder, const char *from, const char *to);
	int (*unlink)(void *context, int folder, const char *name);
	int (*mkdir)(void *context, int folder, const char *name); /* mode 0750; -EEXIST */

	/* Call `take` for each entry of an open folder, in no order, but for "." and "..". A result
	 * of `take` other than 0 ends it and is returned. */
	int (*list)(void *context, int folder, int (*take)(void *argument, const char *name),
		    void *argument);

	int64_t (*now_us)(void *context);       /* since 1970 UTC */
	int64_t (*monotonic_us)(void *context); /* CLOCK_MONOTONIC */
	int (*random)(void *context, void *bytes, size_t length);
};

/* The kernel's. */
extern const struct disk disk_kernel;

/* Read `length` bytes, over short reads. @return 0; -ENODATA: the file ends before; -errno */
int disk_read(const struct disk *disk, int fd, void *bytes, size_t length, uint64_t offset);

/* What a device did not give, of all that was read of a file so far. Zeroed to begin. */
struct disk_loss {
	uint64_t n_bytes; /* each once, where reading goes forwards */
	uint64_t until;   /* the end of the last */
};

/*
 * Read up to `length` bytes, fewer only at the end of the file. What cannot be read (EIO, or what the
 * file system calls damaged) is tried again sector by sector; a sector that does not come then is read
 * as zeros: they do not verify. For who only reads.
 * @return bytes or -errno
 */
ssize_t disk_salvage(const struct disk *disk, int fd, void *bytes, size_t length, uint64_t offset,
		     struct disk_loss *loss);

/* Is it a result of a device or file system that is damaged, and not of one that is busy or full? */
bool disk_is_damage(int result);

/* Is it one of these that says nothing of what was asked for, but that it does not come now? */
bool disk_is_withheld(int result);

/* Write all of it, over short writes. @return 0 or -errno; how much is written then is not known */
int disk_write(const struct disk *disk, int fd, const void *bytes, size_t length, uint64_t offset);

/* Open, read whole into memory (at most max_bytes) and close. @return 0; -EFBIG; -errno */
int disk_read_file(const struct disk *disk, int folder, const char *path, size_t max_bytes,
		   struct buffer *out);

/* Make a folder if it is not there and sync its entry. @return 0 or -errno */
int disk_make_folder(const struct disk *disk, int folder, const char *name);

#endif
