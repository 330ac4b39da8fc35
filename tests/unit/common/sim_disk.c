/* SPDX-License-Identifier: MIT */
/* Tests of the simulated disk: each rule of what survives, seen to matter. */

#include "tests/support/sim_disk.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <string.h>

#include "common/buffer.h"

#define TRIES 400

static struct sim_counts counts;
static struct sim_disk *sim;
static const struct disk *disk;
static int root;

static void setup(void)
{
	sim = sim_disk_new(1, &counts);
	disk = sim_disk_table(sim);
	root = sim_disk_open_root(sim);
}

static void teardown(void)
{
	sim_disk_free(sim);
}

TestSuite(sim_disk, .init = setup, .fini = teardown);

static int open_file(const char *path)
{
	int fd = disk->open(disk->context, root, path, O_RDWR | O_CREAT);

	cr_assert_geq(fd, 0, "%s: %d", path, fd);
	return fd;
}

static void write_text(int fd, const char *text, uint64_t offset)
{
	cr_assert_eq(disk_write(disk, fd, text, strlen(text), offset), 0);
}

/* A file that is there for good, with its entry. */
static int make_durable(const char *path, const char *text)
{
	int fd = open_file(path);

	write_text(fd, text, 0);
	sim_disk_settle(sim);
	return fd;
}

static bool has_content(const struct sim_disk *of, const char *path, const char *text)
{
	uint64_t size;
	const uint8_t *bytes = sim_disk_content(of, path, &size);

	return bytes && size == strlen(text) && memcmp(bytes, text, size) == 0;
}

static bool has_file(const struct sim_disk *of, const char *path)
{
	uint64_t size;

	return sim_disk_content(of, path, &size) != NULL;
}

/* In how many of TRIES power cuts at this moment a file has this content; text NULL: is there. */
static unsigned count_crashes(const char *path, const char *text)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		struct sim_disk *other = sim_disk_clone(sim);

		sim_disk_seed(other, i);
		sim_disk_crash(other);
		n += text ? has_content(other, path, text) : has_file(other, path);
		sim_disk_free(other);
	}
	return n;
}

static bool is_sometimes(unsigned n)
{
	return n > 0 && n < TRIES;
}

Test(sim_disk, shows_at_once_what_was_written)
{
	char bytes[8] = "";
	int fd = open_file("file");

	write_text(fd, "0123456789", 0);
	write_text(fd, "abc", 4);

	cr_assert_eq(disk_read(disk, fd, bytes, 6, 3), 0);
	cr_assert_str_eq(bytes, "3abc78");
	cr_assert_eq(disk_read(disk, fd, bytes, 8, 3), -ENODATA);
	cr_assert_eq(disk->close(disk->context, fd), 0);
	cr_assert_eq(disk->close(disk->context, fd), -EBADF);
	cr_assert_eq(sim_disk_n_open(sim), 1, "the root");
}

Test(sim_disk, may_lose_and_may_keep_what_is_not_synced)
{
	int fd = make_durable("file", "old");

	write_text(fd, "new", 0);

	cr_assert(is_sometimes(count_crashes("file", "old")));
	cr_assert(is_sometimes(count_crashes("file", "new")));
}

Test(sim_disk, keeps_what_fdatasync_confirmed)
{
	int fd = make_durable("file", "old");

	write_text(fd, "new and longer", 0);
	cr_assert_eq(disk->fdatasync(disk->context, fd), 0);

	cr_assert_eq(count_crashes("file", "new and longer"), TRIES);
}

Test(sim_disk, syncs_the_file_that_is_named_and_no_other)
{
	int first = make_durable("first", "old");
	int second = make_durable("second", "old");

	write_text(first, "new", 0);
	write_text(second, "new", 0);
	cr_assert_eq(disk->fsync(disk->context, first), 0);

	cr_assert_eq(count_crashes("first", "new"), TRIES);
	cr_assert(is_sometimes(count_crashes("second", "new")));
}

Test(sim_disk, loses_a_synced_file_whose_entry_is_not)
{
	int fd = open_file("file");

	write_text(fd, "text", 0);
	cr_assert_eq(disk->fsync(disk->context, fd), 0);

	cr_assert(is_sometimes(count_crashes("file", NULL)));
	cr_assert_eq(disk->fsync(disk->context, root), 0);
	cr_assert_eq(count_crashes("file", "text"), TRIES);
}

Test(sim_disk, keeps_an_entry_without_what_it_names)
{
	int fd = open_file("file");

	write_text(fd, "text", 0);
	cr_assert_eq(disk->fsync(disk->context, root), 0);

	cr_assert_eq(count_crashes("file", NULL), TRIES);
	cr_assert(is_sometimes(count_crashes("file", "")));
	cr_assert(is_sometimes(count_crashes("file", "text")));
}

Test(sim_disk, syncs_all_by_syncfs)
{
	int fd;

	cr_assert_eq(disk->mkdir(disk->context, root, "folder"), 0);
	fd = open_file("folder/file");
	write_text(fd, "text", 0);

	cr_assert(is_sometimes(count_crashes("folder/file", "text")));
	cr_assert_eq(disk->syncfs(disk->context, root), 0);
	cr_assert_eq(count_crashes("folder/file", "text"), TRIES);
	cr_assert_eq(sim_disk_n_pending(sim), 0);
}

Test(sim_disk, never_half_renames)
{
	(void)make_durable("file", "old");
	(void)make_durable("tmp", "new");
	cr_assert_eq(disk->rename(disk->context, root, "tmp", "file"), 0);

	cr_assert(has_content(sim, "file", "new"));
	cr_assert_not(has_file(sim, "tmp"));
	cr_assert(is_sometimes(count_crashes("file", "old")));
	cr_assert_eq(count_crashes("file", "old") + count_crashes("file", "new"), TRIES);
	cr_assert_eq(count_crashes("file", "old"), count_crashes("tmp", "new"));
	cr_assert_eq(disk->fsync(disk->context, root), 0);
	cr_assert_eq(count_crashes("file", "new"), TRIES);
	cr_assert_eq(count_crashes("tmp", NULL), 0);
}

Test(sim_disk, renames_an_empty_file_where_its_bytes_were_not_synced)
{
	int fd = open_file("tmp");

	write_text(fd, "new", 0);
	cr_assert_eq(disk->rename(disk->context, root, "tmp", "file"), 0);
	cr_assert_eq(disk->fsync(disk->context, root), 0);

	cr_assert(is_sometimes(count_crashes("file", "")));
}

Test(sim_disk, may_bring_back_what_was_unlinked)
{
	(void)make_durable("file", "text");
	cr_assert_eq(disk->unlink(disk->context, root, "file"), 0);

	cr_assert(is_sometimes(count_crashes("file", "text")));
	cr_assert_eq(disk->fsync(disk->context, root), 0);
	cr_assert_eq(count_crashes("file", NULL), 0);
}

Test(sim_disk, may_do_a_later_change_of_a_folder_without_an_earlier_one)
{
	(void)make_durable("first", "");
	(void)make_durable("second", "");
	cr_assert_eq(disk->unlink(disk->context, root, "first"), 0);
	cr_assert_eq(disk->unlink(disk->context, root, "second"), 0);
	memset(&counts, 0, sizeof(counts));

	(void)count_crashes("first", NULL);
	cr_assert_gt(counts.events[SIM_ENTRIES_REORDERED], 0);
	cr_assert_gt(counts.events[SIM_ENTRIES_LOST], 0);
}

Test(sim_disk, loses_changes_of_size)
{
	int fd = make_durable("file", "0123456789");

	cr_assert_eq(disk->ftruncate(disk->context, fd, 4), 0);
	cr_assert(is_sometimes(count_crashes("file", "0123456789")));
	cr_assert(is_sometimes(count_crashes("file", "0123")));
	cr_assert_eq(disk->fdatasync(disk->context, fd), 0);
	cr_assert_eq(count_crashes("file", "0123"), TRIES);
}

/* Zeroes read back where a longer file was cut and grew again. */
Test(sim_disk, fills_what_grows_with_zeroes)
{
	char bytes[8];
	int fd = make_durable("file", "01234567");

	cr_assert_eq(disk->ftruncate(disk->context, fd, 2), 0);
	cr_assert_eq(disk->fallocate(disk->context, fd, 0, 8), 0);
	cr_assert_eq(disk_read(disk, fd, bytes, 8, 0), 0);
	cr_assert_arr_eq(bytes, "01\0\0\0\0\0\0", 8);
	cr_assert_eq(disk->syncfs(disk->context, root), 0);
	sim_disk_crash(sim);
	root = sim_disk_open_root(sim);
	cr_assert_eq(disk_read(disk, open_file("file"), bytes, 8, 0), 0);
	cr_assert_arr_eq(bytes, "01\0\0\0\0\0\0", 8);
}

/* Which sectors of a synced file of zeroes came to hold anything, over many crashes. */
Test(sim_disk, does_omits_tears_and_garbles_sectors_but_nothing_around_them)
{
	static char text[8192];
	int fd = open_file("file");

	memset(text, 'x', sizeof(text));
	cr_assert_eq(disk->fallocate(disk->context, fd, 0, 3 * sizeof(text)), 0);
	sim_disk_settle(sim);
	cr_assert_eq(disk_write(disk, fd, text, sizeof(text), sizeof(text) + 100), 0);
	memset(&counts, 0, sizeof(counts));

	for (unsigned i = 0; i < TRIES; i++) {
		struct sim_disk *other = sim_disk_clone(sim);
		uint64_t size;
		const uint8_t *bytes;

		sim_disk_seed(other, i);
		sim_disk_crash(other);
		bytes = sim_disk_content(other, "file", &size);
		cr_assert_eq(size, 3 * sizeof(text));
		for (size_t j = 0; j < size; j++) {
			if (j < sizeof(text) + 100 || j >= 2 * sizeof(text) + 100)
				cr_assert_eq(bytes[j], 0, "byte %zu", j);
		}
		sim_disk_free(other);
	}
	for (unsigned event = SIM_SECTORS_DONE; event <= SIM_SECTORS_GARBLED; event++)
		cr_assert_gt(counts.events[event], 0, "%s", sim_event_name(event));
}

Test(sim_disk, may_keep_the_earlier_of_two_writes)
{
	int fd = make_durable("file", "old");

	write_text(fd, "mid", 0);
	write_text(fd, "new", 0);

	cr_assert(is_sometimes(count_crashes("file", "mid")));
}

Test(sim_disk, loses_its_descriptors_with_the_process_but_no_byte)
{
	int fd = make_durable("file", "old");

	write_text(fd, "new", 0);
	sim_disk_kill(sim);

	cr_assert_eq(disk->fdatasync(disk->context, fd), -EBADF);
	cr_assert_eq(sim_disk_n_open(sim), 0);
	cr_assert(has_content(sim, "file", "new"));
	cr_assert(is_sometimes(count_crashes("file", "old")), "and it is pending yet");
	cr_assert_neq(sim_disk_open_root(sim), root, "numbers are not used again");
}

Test(sim_disk, forgets_files_that_a_crash_left_without_a_name)
{
	for (unsigned i = 0; i < 20; i++) {
		(void)open_file("file");
		sim_disk_crash(sim);
		root = sim_disk_open_root(sim);
		if (has_file(sim, "file"))
			cr_assert_eq(disk->unlink(disk->context, root, "file"), 0);
		sim_disk_settle(sim);
	}
	sim_disk_crash(sim);
	sim_disk_set_limits(sim, 0, 2);
	root = sim_disk_open_root(sim);
	(void)open_file("file");
	cr_assert_eq(disk->mkdir(disk->context, root, "folder"), -ENOSPC);
	cr_assert_gt(counts.events[SIM_NO_NODES], 0);
}

Test(sim_disk, stops_at_the_change_that_was_asked_for)
{
	int fd = make_durable("file", "old");
	uint64_t n_before = sim_disk_n_changes(sim);

	sim_disk_stop_at(sim, 2);
	cr_assert_eq(disk->fdatasync(disk->context, fd), 0);
	cr_assert_eq(disk->unlink(disk->context, root, "file"), SIM_DISK_STOPPED);
	cr_assert(sim_disk_is_stopped(sim));
	cr_assert_eq(disk->fdatasync(disk->context, fd), SIM_DISK_STOPPED);
	cr_assert_eq(disk->open(disk->context, root, "file", O_RDONLY), SIM_DISK_STOPPED);
	cr_assert_eq(disk->pwrite(disk->context, fd, "new", 3, 0), SIM_DISK_STOPPED);
	sim_disk_kill(sim);
	cr_assert(has_content(sim, "file", "old"));
	cr_assert_eq(sim_disk_n_changes(sim) - n_before, 1);
}

Test(sim_disk, stops_within_a_write)
{
	int fd = make_durable("file", "old");
	unsigned n_half = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		struct sim_disk *other = sim_disk_clone(sim);
		const struct disk *table = sim_disk_table(other);

		sim_disk_seed(other, i);
		sim_disk_stop_at(other, 1);
		cr_assert_eq(table->pwrite(table->context, fd, "new", 3, 0), SIM_DISK_STOPPED);
		sim_disk_kill(other);
		n_half += has_content(other, "file", "nld") || has_content(other, "file", "ned");
		sim_disk_free(other);
	}
	cr_assert(is_sometimes(n_half));
	cr_assert_eq(counts.events[SIM_HALF_WRITES], n_half);
}

static void crash_clone(void *context, struct sim_disk *at)
{
	struct sim_disk *other = sim_disk_clone(at);

	sim_disk_crash(other);
	*(unsigned *)context += has_content(other, "file", "old");
	sim_disk_free(other);
}

Test(sim_disk, shows_a_watcher_each_moment_before_a_change)
{
	int fd = make_durable("file", "old");
	unsigned n_old = 0;

	sim_disk_watch(sim, crash_clone, &n_old);
	cr_assert_eq(disk->fsync(disk->context, root), 0);
	write_text(fd, "new", 0);
	cr_assert_eq(n_old, 2);
	sim_disk_settle(sim);
	cr_assert_eq(disk->fdatasync(disk->context, fd), 0);
	cr_assert_eq(n_old, 2);
	cr_assert_eq(counts.events[SIM_CRASHES], 3);
}

Test(sim_disk, counts_a_new_file_as_a_change_but_not_one_that_is_there)
{
	sim_disk_stop_at(sim, 2);

	(void)open_file("file");
	(void)open_file("file");
	cr_assert_eq(disk->open(disk->context, root, "other", O_RDWR | O_CREAT), SIM_DISK_STOPPED);
}

Test(sim_disk, fails_the_call_that_was_asked_for)
{
	int fd = open_file("file");

	sim_disk_fail(sim, SIM_PWRITE, 2, EIO, false);
	cr_assert_eq(disk->pwrite(disk->context, fd, "a", 1, 0), 1);
	cr_assert_eq(disk->pwrite(disk->context, fd, "b", 1, 0), -EIO);
	cr_assert_eq(disk->pwrite(disk->context, fd, "c", 1, 0), 1);
	sim_disk_fail(sim, SIM_OPEN, 1, EMFILE, true);
	cr_assert_eq(disk->open(disk->context, root, "file", O_RDONLY), -EMFILE);
	cr_assert_eq(disk->open(disk->context, root, "file", O_RDONLY), -EMFILE);
	cr_assert_eq(sim_disk_n_failed(sim), 3);
	cr_assert_eq(counts.failed[SIM_OPEN], 2);
	sim_disk_heal(sim);
	(void)open_file("file");
}

Test(sim_disk, reads_and_writes_less_than_it_was_asked_to)
{
	char bytes[11] = "";
	int fd = open_file("file");

	sim_disk_fail(sim, SIM_PWRITE, 1, 0, false);
	cr_assert_lt(disk->pwrite(disk->context, fd, "0123456789", 10, 0), 10);
	sim_disk_set_short(sim, 200);
	for (unsigned i = 0; i < 20; i++) {
		write_text(fd, "0123456789", 0);
		cr_assert_eq(disk_read(disk, fd, bytes, 10, 0), 0);
		cr_assert_str_eq(bytes, "0123456789");
	}
	cr_assert_gt(counts.events[SIM_SHORT_READS], 0);
	cr_assert_gt(counts.events[SIM_SHORT_WRITES], 0);
}

/* The state that a failed fdatasync leaves, at worst: nothing was written. */
static int fail_sync(void)
{
	int fd = make_durable("file", "old");

	write_text(fd, "new", 0);
	/* A seed by which nothing of it was written. */
	sim_disk_seed(sim, 3);
	sim_disk_fail(sim, SIM_FDATASYNC, 1, EIO, false);
	cr_assert_eq(disk->fdatasync(disk->context, fd), -EIO);
	return fd;
}

Test(sim_disk, believes_after_a_failed_sync_that_all_is_clean)
{
	int fd = fail_sync();

	cr_assert_eq(sim_disk_n_pending(sim), 0);
	cr_assert(has_content(sim, "file", "new"), "as the page cache has it");
	cr_assert_eq(disk->fdatasync(disk->context, fd), 0, "and says so");
	cr_assert_eq(count_crashes("file", "new"), 0, "but it is not there");
	sim_disk_evict(sim);
	cr_assert(has_content(sim, "file", "old"));
	cr_assert_eq(counts.events[SIM_LOST_SYNCS], 1);
}

Test(sim_disk, reads_the_platter_with_o_direct)
{
	alignas(SIM_DISK_SECTOR_BYTES) char bytes[SIM_DISK_SECTOR_BYTES];
	int cached = fail_sync();
	int fd = disk->open(disk->context, root, "file", O_RDONLY | O_DIRECT);

	cr_assert_eq(disk->pread(disk->context, cached, bytes, 3, 0), 3);
	cr_assert_arr_eq(bytes, "new", 3);
	cr_assert_eq(disk->pread(disk->context, fd, bytes, sizeof(bytes), 0), 3);
	cr_assert_arr_eq(bytes, "old", 3);
	cr_assert_eq(disk->pread(disk->context, fd, bytes, 3, 0), -EINVAL);
	sim_disk_refuse_direct(sim, true);
	cr_assert_eq(disk->open(disk->context, root, "file", O_RDONLY | O_DIRECT), -EINVAL);
}

Test(sim_disk, tells_everyone_who_has_a_file_open_of_an_error_once)
{
	int first = make_durable("file", "old");
	int second = open_file("file");
	int late;

	write_text(first, "new", 0);
	cr_assert_eq(sim_disk_fail_write_back(sim, "file"), 0);
	late = open_file("file");

	cr_assert_eq(disk->fdatasync(disk->context, first), -EIO);
	cr_assert_eq(disk->fdatasync(disk->context, first), 0);
	cr_assert_eq(disk->fdatasync(disk->context, second), -EIO);
	cr_assert_eq(disk->fdatasync(disk->context, late), 0);
	cr_assert_eq(disk->syncfs(disk->context, root), -EIO, "open since before");
	cr_assert_eq(disk->syncfs(disk->context, root), 0);
	cr_assert_eq(disk->syncfs(disk->context, late), 0, "opened since");
	cr_assert_eq(sim_disk_fail_write_back(sim, "nobody"), -ENOENT);
}

Test(sim_disk, syncs_later_writes_after_a_failed_sync)
{
	int fd = fail_sync();

	write_text(fd, "0123456", 0);
	cr_assert_eq(disk->fdatasync(disk->context, fd), 0);
	cr_assert_eq(count_crashes("file", "0123456"), TRIES);
}

Test(sim_disk, loses_some_files_by_a_failed_syncfs)
{
	unsigned n_lost = 0;
	unsigned n_kept = 0;
	int fds[20];

	for (unsigned i = 0; i < 20; i++)
		fds[i] = make_durable((char[2]){(char)('a' + i), '\0'}, "old");
	for (unsigned i = 0; i < 20; i++)
		write_text(fds[i], "new", 0);
	sim_disk_fail(sim, SIM_SYNCFS, 1, EIO, false);
	cr_assert_eq(disk->syncfs(disk->context, root), -EIO);
	cr_assert_eq(disk->syncfs(disk->context, root), 0);
	for (unsigned i = 0; i < 20; i++) {
		unsigned n = count_crashes((char[2]){(char)('a' + i), '\0'}, "new");

		n_lost += n == 0;
		n_kept += n == TRIES;
	}
	cr_assert_gt(n_lost, 0);
	cr_assert_gt(n_kept, 0);
}

Test(sim_disk, keeps_entries_waiting_after_a_failed_sync_of_their_folder)
{
	(void)open_file("file");
	sim_disk_fail(sim, SIM_FSYNC, 1, EIO, false);

	cr_assert_eq(disk->fsync(disk->context, root), -EIO);
	cr_assert(is_sometimes(count_crashes("file", NULL)));
	cr_assert_eq(disk->fsync(disk->context, root), 0);
	cr_assert_eq(count_crashes("file", NULL), TRIES);
}

Test(sim_disk, fills_up_and_has_room_again)
{
	static char text[10 * SIM_DISK_BLOCK_BYTES];
	int fd = make_durable("file", "text");
	struct disk_status status;

	sim_disk_set_limits(sim, UINT64_C(4) * SIM_DISK_BLOCK_BYTES, 0);
	cr_assert_eq(disk->fallocate(disk->context, fd, 0, sizeof(text)), -ENOSPC);
	cr_assert_eq(disk->pwrite(disk->context, fd, text, sizeof(text), 5),
		     4 * SIM_DISK_BLOCK_BYTES - 5, "as much as has room");
	cr_assert_eq(disk->pwrite(disk->context, fd, text, 1, sizeof(text)), -ENOSPC);
	cr_assert_eq(disk->pwrite(disk->context, fd, "over", 4, 0), 4, "what has its place");
	cr_assert_eq(disk->fstat(disk->context, fd, &status), 0);
	cr_assert_eq(status.allocated_bytes, UINT64_C(4) * SIM_DISK_BLOCK_BYTES);
	cr_assert_eq(disk->ftruncate(disk->context, fd, 1), 0);
	cr_assert_eq(sim_disk_used_bytes(sim), SIM_DISK_BLOCK_BYTES);
	cr_assert_eq(disk->fallocate(disk->context, fd, 0, sizeof(text) / 3), 0);
	cr_assert_eq(disk->unlink(disk->context, root, "file"), 0);
	cr_assert_gt(sim_disk_used_bytes(sim), 0, "still open");
	cr_assert_eq(disk->close(disk->context, fd), 0);
	cr_assert_eq(sim_disk_used_bytes(sim), 0);
	cr_assert_eq(counts.events[SIM_NO_SPACE], 2);
}

Test(sim_disk, flips_a_bit_for_good)
{
	(void)make_durable("file", "abc");

	cr_assert_eq(sim_disk_flip(sim, "file", 8), 0);
	cr_assert(has_content(sim, "file", "acc"));
	cr_assert_eq(count_crashes("file", "acc"), TRIES);
	cr_assert_eq(sim_disk_flip(sim, "file", 24), -ERANGE);
	cr_assert_eq(sim_disk_flip(sim, "nobody", 0), -ENOENT);
}

Test(sim_disk, shows_and_flips_files_of_folders_in_folders)
{
	const uint8_t *bytes;
	uint64_t size;
	int folder;
	int fd;

	cr_assert_eq(disk->mkdir(disk->context, root, "a"), 0);
	folder = disk->open(disk->context, root, "a", O_RDONLY | O_DIRECTORY);
	cr_assert_eq(disk->mkdir(disk->context, folder, "b"), 0);
	fd = disk->open(disk->context, folder, "b/file", O_RDWR | O_CREAT);
	cr_assert_eq(disk_write(disk, fd, "abc", 3, 0), 0);

	cr_assert_eq(sim_disk_flip(sim, "a/b/file", 8), 0);
	bytes = sim_disk_content(sim, "a/b/file", &size);
	cr_assert_not_null(bytes);
	cr_assert_eq(size, 3);
	cr_assert_arr_eq(bytes, "acc", 3);
	cr_assert_null(sim_disk_content(sim, "a/x/file", &size));
	cr_assert_null(sim_disk_content(sim, "a/b/file/c", &size));
}

Test(sim_disk, refuses_what_the_kernel_refuses)
{
	static const struct {
		const char *path;
		int flags;
		int result;
	} refused[] = {
		{"file", O_RDWR | O_CREAT | O_EXCL, -EEXIST},
		{"none", O_RDONLY, -ENOENT},
		{"none/file", O_RDWR | O_CREAT, -ENOENT},
		{"file/x", O_RDONLY, -ENOTDIR},
		{"../file", O_RDONLY, -EXDEV},
		{"/file", O_RDONLY, -EXDEV},
		{"file", O_RDONLY | O_DIRECTORY, -ENOTDIR},
		{".", O_RDWR, -EISDIR},
		{"a/b/c", O_RDONLY, -ENOENT},
	};
	int fd = make_durable("file", "text");
	int reader = disk->open(disk->context, root, "file", O_RDONLY);

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		cr_expect_eq(disk->open(disk->context, root, refused[i].path, refused[i].flags),
			     refused[i].result, "%s", refused[i].path);
	cr_assert_eq(disk->pwrite(disk->context, reader, "x", 1, 0), -EBADF);
	cr_assert_eq(disk->ftruncate(disk->context, reader, 0), -EBADF);
	cr_assert_eq(disk->open(disk->context, fd, "x", O_RDONLY), -ENOTDIR);
	cr_assert_eq(disk->mkdir(disk->context, root, "file"), -EEXIST);
	cr_assert_eq(disk->unlink(disk->context, root, "none"), -ENOENT);
	cr_assert_eq(disk->rename(disk->context, root, "none", "file"), -ENOENT);
}

static int take_name(void *argument, const char *name)
{
	buffer_append_text(argument, name);
	return name[0] == 'x' ? 7 : 0;
}

static void take_path(void *argument, const char *path)
{
	buffer_append_text(argument, path);
	buffer_append_byte(argument, ' ');
}

Test(sim_disk, lists_and_walks)
{
	struct buffer names = {0};

	cr_assert_eq(disk_make_folder(disk, root, "folder"), 0);
	(void)open_file("folder/b");
	(void)open_file("folder/a");
	sim_disk_walk(sim, take_path, &names);
	cr_assert_str_eq(buffer_text(&names), "folder/a folder/b ");
	buffer_clear(&names);
	cr_assert_eq(disk->list(disk->context, root, take_name, &names), 0);
	cr_assert_str_eq(buffer_text(&names), "folder");
	(void)open_file("x");
	cr_assert_eq(disk->list(disk->context, root, take_name, &names), 7);
	buffer_done(&names);
}

/* The same calls from the same seed meet the same fate, in a clone too. */
Test(sim_disk, does_the_same_from_the_same_seed)
{
	int fd = make_durable("file", "old");
	struct sim_disk *other;
	char text[3000];
	uint64_t sizes[2];

	memset(text, 'x', sizeof(text));
	cr_assert_eq(disk_write(disk, fd, text, sizeof(text), 1), 0);
	other = sim_disk_clone(sim);
	sim_disk_crash(sim);
	sim_disk_crash(other);

	cr_assert_eq(sim_disk_n_changes(sim), sim_disk_n_changes(other));
	cr_assert_not_null(sim_disk_content(sim, "file", &sizes[0]));
	cr_assert_not_null(sim_disk_content(other, "file", &sizes[1]));
	cr_assert_eq(sizes[0], sizes[1]);
	cr_assert_eq(memcmp(sim_disk_content(sim, "file", &sizes[0]),
			    sim_disk_content(other, "file", &sizes[1]), sizes[0]),
		     0);
	sim_disk_free(other);
}

Test(sim_disk, has_a_clock_that_its_user_moves)
{
	int64_t now_us = disk->now_us(disk->context);
	int64_t begin_us = disk->monotonic_us(disk->context);

	sim_disk_advance(sim, 5);
	cr_assert_eq(disk->now_us(disk->context), now_us + 5);
	sim_disk_set_now(sim, 3);
	cr_assert_eq(disk->now_us(disk->context), 3);
	cr_assert_eq(disk->monotonic_us(disk->context), begin_us + 5);
}

/* What thousands of crashes of a small store must take: a fraction of a second. */
Test(sim_disk, is_copied_and_crashed_quickly, .timeout = 30)
{
	char name[32];
	static char text[16384];

	for (unsigned i = 0; i < 30; i++) {
		(void)snprintf(name, sizeof(name), "file%u", i);
		cr_assert_eq(disk_write(disk, open_file(name), text, sizeof(text), 0), 0);
	}
	for (unsigned i = 0; i < 2000; i++) {
		struct sim_disk *other = sim_disk_clone(sim);

		sim_disk_seed(other, i);
		sim_disk_crash(other);
		sim_disk_free(other);
	}
}
