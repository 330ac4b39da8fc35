/* SPDX-License-Identifier: MIT */
#include "collector/snapshot_copy.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/scratch.h"

#define PAGE_BYTES  4096
#define PAGES       700
#define END_BYTES   100
#define WHOLE_BYTES (PAGES * PAGE_BYTES + END_BYTES)

static const char *path;
static int folder;
static struct snapshot_copy copy;
static char bytes[WHOLE_BYTES];
static char found[WHOLE_BYTES + 1];

static void setup(void)
{
	path = scratch_folder();
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(folder, 0);
	cr_assert_eq(snapshot_copy_init(&copy, folder), 0);
	/* As on most file systems. */
	copy.cannot_clone = true;
	memset(bytes, 0, sizeof(bytes));
}

static void teardown(void)
{
	snapshot_copy_done(&copy);
	(void)close(folder);
	scratch_remove(path);
}

TestSuite(snapshot_copy, .init = setup, .fini = teardown);

static void copy_it(void)
{
	int fd = openat(folder, "from", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
	cr_assert_eq(snapshot_copy_file(&copy, fd, sizeof(bytes), "to"), 0);
	(void)close(fd);
	cr_assert_eq(snapshot_copy_sync(&copy), 0);
}

/* The copy must have the same. @return what it takes on the disk */
static uint64_t compare_it(void)
{
	int fd = openat(folder, "to", O_RDONLY | O_CLOEXEC);
	struct stat status;

	cr_assert_geq(fd, 0);
	cr_assert_eq(read(fd, found, sizeof(found)), (ssize_t)sizeof(bytes));
	cr_assert_eq(memcmp(found, bytes, sizeof(bytes)), 0);
	cr_assert_eq(fstat(fd, &status), 0);
	(void)close(fd);
	return (uint64_t)status.st_blocks * 512;
}

Test(snapshot_copy, takes_no_room_for_holes)
{
	memset(bytes, 'a', PAGE_BYTES);
	memset(bytes + (size_t)400 * PAGE_BYTES, 'b', (size_t)2 * PAGE_BYTES);
	copy_it();
	cr_assert_leq(compare_it(), UINT64_C(8) * PAGE_BYTES);
}

Test(snapshot_copy, has_the_zeros_at_the_end)
{
	bytes[1] = 'a';
	copy_it();
	(void)compare_it();
}

Test(snapshot_copy, has_single_bytes_among_zeros)
{
	for (size_t page = 0; page <= PAGES; page += 3)
		bytes[page * PAGE_BYTES + page % END_BYTES] = 'x';
	copy_it();
	(void)compare_it();
}
