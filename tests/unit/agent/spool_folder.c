/* SPDX-License-Identifier: MIT */
/* Tests of the spool's folder. */

#include "agent/spool_folder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/spool.h"
#include "tests/support/scratch.h"

static const char *scratch;
static char path[4096];
static int lock = -1;

static void setup(void)
{
	scratch = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/a/b/spool", scratch);
}

static void teardown(void)
{
	scratch_remove(scratch);
}

TestSuite(spool_folder, .init = setup, .fini = teardown);

Test(spool_folder, is_made_for_its_owner_only)
{
	struct stat status;

	cr_assert_eq(spool_folder_make(path, (uid_t)-1, (gid_t)-1), 0);
	cr_assert_eq(spool_folder_make(path, (uid_t)-1, (gid_t)-1), 0);

	cr_assert_eq(stat(path, &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0700);
}

Test(spool_folder, is_made_below_folders_only)
{
	cr_assert_eq(spool_folder_make("/dev/null/x", (uid_t)-1, (gid_t)-1), -ENOTDIR);
	cr_assert_lt(spool_folder_make("", (uid_t)-1, (gid_t)-1), 0);
}

Test(spool_folder, is_used_by_one_at_a_time)
{
	int second;
	int fd;

	cr_assert_eq(spool_folder_make(path, (uid_t)-1, (gid_t)-1), 0);
	fd = spool_folder_open(path, &lock);
	cr_assert_geq(fd, 0);
	cr_assert_eq(spool_folder_open(path, &second), -EBUSY);
	(void)close(fd);
	(void)close(lock);

	fd = spool_folder_open(path, &lock);
	cr_assert_geq(fd, 0);
	(void)close(fd);
	(void)close(lock);
}

Test(spool_folder, is_refused_where_others_may_write)
{
	cr_assert_eq(spool_folder_make(path, (uid_t)-1, (gid_t)-1), 0);
	cr_assert_eq(chmod(path, 0770), 0);
	cr_assert_eq(spool_folder_open(path, &lock), -EACCES);
	cr_assert_eq(chmod(path, 0702), 0);
	cr_assert_eq(spool_folder_open(path, &lock), -EACCES);
}

Test(spool_folder, is_refused_where_it_is_another_users)
{
	if (geteuid() != 0)
		cr_skip_test("only root gives folders away");
	cr_assert_eq(spool_folder_make(path, (uid_t)-1, (gid_t)-1), 0);
	cr_assert_eq(chown(path, 1, 1), 0);
	cr_assert_eq(spool_folder_open(path, &lock), -EPERM);
}

Test(spool_folder, is_refused_where_it_is_a_link)
{
	char link[4100];

	cr_assert_eq(spool_folder_make(path, (uid_t)-1, (gid_t)-1), 0);
	(void)snprintf(link, sizeof(link), "%s2", path);
	cr_assert_eq(symlink(path, link), 0);
	cr_assert_eq(spool_folder_open(link, &lock), -ELOOP);
	cr_assert_eq(unlink(link), 0);
	cr_assert_eq(spool_folder_open(link, &lock), -ENOENT);
}

Test(spool_folder, has_a_spool_of_the_kernels_files)
{
	struct spool_options options = {
		.disk = &disk_kernel,
		.segment_bytes = (uint64_t)64 << 10,
		.max_bytes = (uint64_t)512 << 10,
		.max_age_us = SPOOL_MAX_AGE_US,
		.max_memory_bytes = SPOOL_MEMORY_MAX_BYTES,
		.host_id = {1},
		.host_name = {"web01", 5},
	};
	struct spool_draft draft = {
		.type = HM_FRAME_BATCH, .body = "body", .body_bytes = 4, .n_samples = 1};
	struct spool_epoch_info info;
	struct spool_message message;
	struct spool *spool;
	uint64_t sequence;

	cr_assert_eq(spool_folder_make(path, (uid_t)-1, (gid_t)-1), 0);
	options.folder = spool_folder_open(path, &lock);
	cr_assert_geq(options.folder, 0);
	for (unsigned i = 1; i <= 2; i++) {
		cr_assert_eq(spool_open(&options, &spool), 0);
		cr_assert_eq(spool_append_message(spool, &draft, &sequence), 0);
		cr_assert_eq(sequence, i);
		cr_assert_eq(spool_sync(spool), 0);
		cr_assert_eq(spool_get_epoch(spool, 0, &info), 0);
		cr_assert_eq(spool_next(spool, info.id, i - 1, &message), 0);
		cr_assert_arr_eq(message.payload + HM_STAMP_BYTES, "body", 4);
		spool_free(spool);
	}
	(void)close(options.folder);
	(void)close(lock);
}
