/* SPDX-License-Identifier: MIT */
/* Tests of the kernel's disk, and of what is built on any disk. */

#include "common/disk.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/buffer.h"
#include "tests/support/scratch.h"

static const char *scratch;
static char path[4096];
static const struct disk *disk = &disk_kernel;
static int folder;

static void setup(void)
{
	(void)umask(0027);
	scratch = scratch_folder();
	folder = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(folder, 0);
}

static void teardown(void)
{
	(void)close(folder);
	scratch_remove(scratch);
}

TestSuite(disk, .init = setup, .fini = teardown);

static const char *below(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
	return path;
}

static int open_file(const char *name, int flags)
{
	return disk->open(NULL, folder, name, flags);
}

static void close_file(int fd)
{
	cr_assert_eq(disk->close(NULL, fd), 0);
}

static void make_file(const char *name, const char *text)
{
	int fd = open_file(name, O_RDWR | O_CREAT | O_EXCL);

	cr_assert_geq(fd, 0);
	cr_assert_eq(disk_write(disk, fd, text, strlen(text), 0), 0);
	close_file(fd);
}

/* A folder with files of every kind, for what follows. */
static void make_host(void)
{
	cr_assert_eq(disk_make_folder(disk, folder, "host"), 0);
	make_file("host/metric.hm", "samples");
	make_file("outside", "secret");
	cr_assert_eq(symlink("../outside", below("host/link.hm")), 0);
	cr_assert_eq(symlink("host", below("other")), 0);
	cr_assert_eq(mkfifo(below("host/fifo.hm"), 0600), 0);
}

/* From here on the kernel knows no openat2(2). */
static bool forget_openat2(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

static void check_refusals(void)
{
	static const struct {
		const char *path;
		int flags;
		int result;
	} refused[] = {
		{"host/link.hm", O_RDONLY, -ELOOP},
		{"host/metric.hm", O_RDWR | O_CREAT | O_EXCL, -EEXIST},
		{"nobody/metric.hm", O_RDWR | O_CREAT, -ENOENT},
		{"../outside", O_RDONLY, -EXDEV},
		{"..", O_RDONLY | O_DIRECTORY, -EXDEV},
		{"/etc/passwd", O_RDONLY, -EXDEV},
		{"outside", O_RDONLY | O_DIRECTORY, -ENOTDIR},
	};

	make_host();

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		cr_expect_eq(open_file(refused[i].path, refused[i].flags), refused[i].result, "%s",
			     refused[i].path);
	cr_assert_lt(open_file("other/metric.hm", O_RDONLY), 0);
}

static void check_files(void)
{
	static const char *const paths[] = {"host/metric.hm", "host/fifo.hm", ".", "host"};

	make_host();

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		int fd = open_file(paths[i], O_RDONLY);

		cr_assert_geq(fd, 0, "%s", paths[i]);
		cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close_file(fd);
	}
}

Test(disk, makes_files_that_only_the_group_may_read)
{
	struct stat status;

	make_host();

	cr_assert_eq(stat(below("host/metric.hm"), &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0640);
}

Test(disk, opens_nothing_outside_nor_through_links)
{
	check_refusals();
}

Test(disk, opens_nothing_outside_nor_through_links_without_openat2)
{
	if (!forget_openat2())
		cr_skip_test("no seccomp here");
	check_refusals();
	cr_assert_eq(open_file("host/metric.hm/x", O_RDONLY), -EINVAL, "stepwise, indeed");
}

Test(disk, opens_files_without_waiting)
{
	check_files();
}

Test(disk, opens_files_without_waiting_nor_openat2)
{
	if (!forget_openat2())
		cr_skip_test("no seccomp here");
	check_files();
}

Test(disk, reads_what_was_written_where_it_was_written)
{
	char bytes[8] = "";
	int fd;

	make_file("file", "0123456789");

	fd = open_file("file", O_RDWR);
	cr_assert_eq(disk_write(disk, fd, "abc", 3, 4), 0);
	cr_assert_eq(disk->fdatasync(NULL, fd), 0);
	cr_assert_eq(disk->fsync(NULL, fd), 0);
	cr_assert_eq(disk->syncfs(NULL, fd), 0);
	cr_assert_eq(disk_read(disk, fd, bytes, 6, 3), 0);
	cr_assert_str_eq(bytes, "3abc78");
	cr_assert_eq(disk_read(disk, fd, bytes, 8, 3), -ENODATA);
	close_file(fd);
}

Test(disk, tells_sizes_and_changes_them)
{
	struct disk_status status;
	int fd = open_file("file", O_RDWR | O_CREAT | O_EXCL);

	cr_assert_eq(disk->fallocate(NULL, fd, 0, 8192), 0);
	cr_assert_eq(disk->fstat(NULL, fd, &status), 0);
	cr_assert(status.is_file);
	cr_assert_not(status.is_folder);
	cr_assert_eq(status.size_bytes, 8192);
	cr_assert_geq(status.allocated_bytes, 8192);
	cr_assert_eq(disk->ftruncate(NULL, fd, 0), 0);
	cr_assert_eq(disk->ftruncate(NULL, fd, (uint64_t)5 << 30), 0);
	cr_assert_eq(disk->fstat(NULL, fd, &status), 0);
	cr_assert_eq(status.size_bytes, (uint64_t)5 << 30);
	cr_assert_lt(status.allocated_bytes, (uint64_t)1 << 20);
	cr_assert_eq(disk_write(disk, fd, "x", 1, ((uint64_t)6 << 30)), 0);
	close_file(fd);
	cr_assert_eq(disk->fstat(NULL, folder, &status), 0);
	cr_assert(status.is_folder);
	cr_assert_not(status.is_file);
}

Test(disk, says_what_the_kernel_refuses)
{
	struct disk_status status;
	char byte;
	int fd = open_file("file", O_RDONLY | O_CREAT);

	cr_assert_eq(disk->pwrite(NULL, fd, "x", 1, 0), -EBADF);
	cr_assert_eq(disk->pread(NULL, fd, &byte, 1, UINT64_MAX), -EINVAL);
	cr_assert_eq(disk->pwrite(NULL, fd, "x", 1, UINT64_MAX), -EFBIG);
	cr_assert_eq(disk->ftruncate(NULL, fd, UINT64_MAX), -EFBIG);
	cr_assert_eq(disk->fallocate(NULL, fd, 0, UINT64_MAX), -EFBIG);
	cr_assert_eq(disk->fallocate(NULL, fd, 0, 1), -EBADF);
	close_file(fd);
	cr_assert_eq(disk->close(NULL, -1), -EBADF);
	cr_assert_eq(disk->fdatasync(NULL, -1), -EBADF);
	cr_assert_eq(disk->fstat(NULL, -1, &status), -EBADF);
	cr_assert_eq(disk->unlink(NULL, folder, "nobody"), -ENOENT);
	cr_assert_eq(disk->rename(NULL, folder, "nobody", "file"), -ENOENT);
	cr_assert_eq(disk->mkdir(NULL, folder, "file"), -EEXIST);
}

struct names {
	unsigned n;
	bool is_found;
	int result;
};

static int take_name(void *argument, const char *name)
{
	struct names *names = argument;

	names->n++;
	names->is_found |= strcmp(name, "new") == 0;
	return names->result;
}

Test(disk, renames_over_a_file_and_lists_what_is_left)
{
	struct names names = {0};
	struct buffer content = {0};

	make_file("old", "of old");
	make_file("new", "of new");
	make_file("gone", "");
	cr_assert_eq(disk->rename(NULL, folder, "old", "new"), 0);
	cr_assert_eq(disk->unlink(NULL, folder, "gone"), 0);

	cr_assert_eq(disk->list(NULL, folder, take_name, &names), 0);
	cr_assert_eq(disk->list(NULL, folder, take_name, &names), 0, "twice the same");
	cr_assert_eq(names.n, 2);
	cr_assert(names.is_found);
	cr_assert_eq(disk_read_file(disk, folder, "new", 6, &content), 0);
	cr_assert_str_eq(buffer_text(&content), "of old");
	buffer_done(&content);
}

Test(disk, lists_until_the_taker_has_enough)
{
	struct names names = {.result = 5};

	make_file("a", "");
	make_file("b", "");

	cr_assert_eq(disk->list(NULL, folder, take_name, &names), 5);
	cr_assert_eq(names.n, 1);
	cr_assert_eq(disk->list(NULL, -1, take_name, &names), -EBADF);
}

Test(disk, makes_a_folder_once)
{
	struct stat status;

	cr_assert_eq(disk_make_folder(disk, folder, "host"), 0);
	cr_assert_eq(disk_make_folder(disk, folder, "host"), 0);
	cr_assert_eq(stat(below("host"), &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0750);
	cr_assert_eq(disk_make_folder(disk, folder, "no/body"), -ENOENT);
}

Test(disk, reads_a_file_whole_or_not_at_all)
{
	struct buffer content = {0};

	make_file("file", "0123456789");
	buffer_append_text(&content, "> ");

	cr_assert_eq(disk_read_file(disk, folder, "file", 9, &content), -EFBIG);
	cr_assert_eq(disk_read_file(disk, folder, "nobody", 10, &content), -ENOENT);
	cr_assert_eq(disk_read_file(disk, folder, ".", 10, &content), -EISDIR);
	cr_assert_str_eq(buffer_text(&content), "> ", "nothing of what failed");
	cr_assert_eq(disk_read_file(disk, folder, "file", 10, &content), 0);
	cr_assert_str_eq(buffer_text(&content), "> 0123456789");
	buffer_done(&content);
}

Test(disk, tells_the_time_and_gives_bytes_that_differ)
{
	char bytes[2][64] = {0};
	int64_t begin_us = disk->monotonic_us(NULL);
	int64_t now_us = disk->now_us(NULL);

	cr_assert_leq(now_us / 1000000 - time(NULL), 0);
	cr_assert_geq(now_us / 1000000 - time(NULL), -5);
	cr_assert_geq(disk->monotonic_us(NULL), begin_us);
	cr_assert_eq(disk->random(NULL, bytes[0], sizeof(bytes[0])), 0);
	cr_assert_eq(disk->random(NULL, bytes[1], sizeof(bytes[1])), 0);
	cr_assert_neq(memcmp(bytes[0], bytes[1], sizeof(bytes[0])), 0);
}

/* A file of 10 bytes that is read and written two at a time, with a signal before each. */
struct slow {
	char bytes[10];
	unsigned n_calls;
	bool is_stuck;
};

static ssize_t slow_pread(void *context, int fd, void *bytes, size_t length, uint64_t offset)
{
	struct slow *slow = context;
	size_t left = offset < sizeof(slow->bytes) ? sizeof(slow->bytes) - offset : 0;
	size_t n = length < 2 ? length : 2;

	(void)fd;
	if (slow->n_calls++ % 2 == 0)
		return -EINTR;
	n = n < left ? n : left;
	memcpy(bytes, slow->bytes + sizeof(slow->bytes) - left, n);
	return (ssize_t)n;
}

static ssize_t slow_pwrite(void *context, int fd, const void *bytes, size_t length, uint64_t offset)
{
	struct slow *slow = context;
	size_t n = length < 2 ? length : 2;

	(void)fd;
	if (slow->is_stuck)
		return 0;
	if (slow->n_calls++ % 2 == 0)
		return -EINTR;
	if (offset + n > sizeof(slow->bytes))
		return -ENOSPC;
	memcpy(slow->bytes + offset, bytes, n);
	return (ssize_t)n;
}

static int slow_open(void *context, int at, const char *name, int flags)
{
	(void)context, (void)at, (void)name, (void)flags;
	return 3;
}

static int slow_close(void *context, int fd)
{
	(void)context, (void)fd;
	return 0;
}

static int slow_fstat(void *context, int fd, struct disk_status *ret_status)
{
	(void)context, (void)fd;
	/* It has grown since. */
	*ret_status = (struct disk_status){.is_file = true, .size_bytes = 3};
	return 0;
}

Test(disk, goes_on_after_signals_and_short_calls)
{
	struct slow slow = {.bytes = ".........."};
	struct disk slow_disk = {.context = &slow, .pread = slow_pread, .pwrite = slow_pwrite};
	char bytes[8] = "";

	cr_assert_eq(disk_write(&slow_disk, 3, "abcdefg", 7, 1), 0);
	cr_assert_arr_eq(slow.bytes, ".abcdefg..", 10);
	cr_assert_eq(disk_read(&slow_disk, 3, bytes, 7, 2), 0);
	cr_assert_str_eq(bytes, "bcdefg.");
	cr_assert_eq(disk_read(&slow_disk, 3, bytes, 7, 4), -ENODATA);
	cr_assert_eq(disk_write(&slow_disk, 3, "abcdefg", 7, 4), -ENOSPC);
	slow.is_stuck = true;
	cr_assert_eq(disk_write(&slow_disk, 3, "a", 1, 0), -EIO);
}

Test(disk, reads_a_file_that_grows_up_to_the_limit)
{
	struct slow slow = {.bytes = "0123456789"};
	struct disk slow_disk = {.context = &slow,
				 .open = slow_open,
				 .close = slow_close,
				 .fstat = slow_fstat,
				 .pread = slow_pread};
	struct buffer content = {0};

	cr_assert_eq(disk_read_file(&slow_disk, 0, "x", 9, &content), -EFBIG);
	cr_assert_eq(content.length, 0);
	cr_assert_eq(disk_read_file(&slow_disk, 0, "x", 10, &content), 0);
	cr_assert_eq(content.length, 10);
	cr_assert_arr_eq(content.data, "0123456789", 10);
	buffer_done(&content);
}

static int64_t used_bytes(int fd)
{
	struct stat status;

	/* What is not written yet has no place on some file systems. */
	cr_assert_eq(fsync(fd), 0);
	cr_assert_eq(fstat(fd, &status), 0);
	return (int64_t)status.st_blocks * 512;
}

Test(disk, gives_back_the_room_of_a_range_that_reads_as_zeros_then)
{
	static char bytes[256 << 10];
	static const char zeros[128 << 10];
	int fd = open_file("holes", O_RDWR | O_CREAT);
	int64_t before;
	int result;

	memset(bytes, 'x', sizeof(bytes));
	cr_assert_eq(disk_write(disk, fd, bytes, sizeof(bytes), 0), 0);
	before = used_bytes(fd);
	result = disk->punch(NULL, fd, 64 << 10, 128 << 10);
	if (result == -EOPNOTSUPP)
		cr_skip_test("the file system of the build folder cannot make holes");
	cr_assert_eq(result, 0);
	cr_expect_leq(used_bytes(fd), before - (120 << 10), "%" PRId64 " of %" PRId64,
		      used_bytes(fd), before);
	cr_assert_eq(disk_read(disk, fd, bytes, sizeof(bytes), 0), 0);
	cr_expect_eq(bytes[(64 << 10) - 1], 'x');
	cr_expect_arr_eq(bytes + (64 << 10), zeros, 128 << 10);
	cr_expect_eq(bytes[192 << 10], 'x');
	/* Once more, and behind the end, which stays where it is. */
	cr_expect_eq(disk->punch(NULL, fd, 64 << 10, 1 << 20), 0);
	cr_expect_eq(lseek(fd, 0, SEEK_END), 256 << 10);
	cr_expect_eq(disk->punch(NULL, fd, 0, UINT64_MAX), -EFBIG);
	close_file(fd);
	cr_expect_eq(disk->punch(NULL, fd, 0, 4096), -EBADF);
}
