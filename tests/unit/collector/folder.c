/* SPDX-License-Identifier: MIT */
/* Tests of opening folders and files of the store. */

#include "collector/folder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/scratch.h"

static const char *scratch;
static char path[4096];

static void setup(void)
{
	scratch = scratch_folder();
}

static void teardown(void)
{
	scratch_remove(scratch);
}

TestSuite(folder, .init = setup, .fini = teardown);

static const char *below(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
	return path;
}

static void touch(const char *name)
{
	int fd = open(below(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	cr_assert_geq(fd, 0);
	(void)close(fd);
}

Test(folder, is_made_with_its_parents_for_its_owner_only)
{
	struct stat status;
	int fd;

	cr_assert_eq(folder_make(below("a/b/store/"), (uid_t)-1, (gid_t)-1), 0);
	cr_assert_eq(folder_make(below("a/b/store"), (uid_t)-1, (gid_t)-1), 0);

	cr_assert_eq(stat(below("a/b/store"), &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0750);
	fd = folder_open(below("a/b/store"));
	cr_assert_geq(fd, 0);
	(void)close(fd);
}

Test(folder, is_made_for_another_user)
{
	struct stat status;

	if (geteuid() != 0)
		cr_skip_test("only root may give a folder away");
	cr_assert_eq(folder_make(below("a/store"), 65534, 65534), 0);

	cr_assert_eq(stat(below("a/store"), &status), 0);
	cr_assert_eq(status.st_uid, 65534);
	cr_assert_eq(folder_open(below("a/store")), -EPERM);
	cr_assert_eq(stat(below("a"), &status), 0);
	cr_assert_eq(status.st_uid, 0);
}

Test(folder, is_refused_when_it_is_a_symbolic_link)
{
	cr_assert_eq(mkdir(below("real"), 0750), 0);
	cr_assert_eq(symlink("real", below("link")), 0);

	cr_assert_eq(folder_open(below("link")), -ELOOP);
	cr_assert_eq(folder_open(below("link/")), -ELOOP);
}

Test(folder, is_refused_when_everybody_may_write_to_it)
{
	cr_assert_eq(mkdir(below("open"), 0750), 0);
	cr_assert_eq(chmod(below("open"), 0777), 0);

	cr_assert_eq(folder_open(below("open")), -EACCES);
}

Test(folder, is_refused_when_it_is_none)
{
	touch("file");

	cr_assert_eq(folder_open(below("file")), -ENOTDIR);
	cr_assert_eq(folder_open(below("missing")), -ENOENT);
	cr_assert_eq(folder_make(below("file/store"), (uid_t)-1, (gid_t)-1), -ENOTDIR);
	cr_assert_eq(folder_make("", (uid_t)-1, (gid_t)-1), -ENOENT);
}
