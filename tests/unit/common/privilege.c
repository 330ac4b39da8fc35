/* SPDX-License-Identifier: MIT */
/* Tests of becoming an ordinary user. */

#include "common/privilege.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

Test(privilege, finds_users_that_there_are)
{
	struct privilege privilege;

	cr_assert_eq(privilege_find("root", &privilege), 0);
	cr_assert_eq(privilege.user, 0);
	cr_assert_eq(privilege_find("no such user", &privilege), -ENOENT);
}

Test(privilege, is_given_up_for_good)
{
	struct privilege privilege;
	gid_t groups[64];

	if (geteuid() != 0)
		cr_skip_test("only root can become somebody else");
	if (privilege_find("nobody", &privilege) < 0)
		cr_skip_test("there is no user nobody");
	cr_assert_eq(privilege_drop(&privilege), 0);

	cr_assert_eq(getuid(), privilege.user);
	cr_assert_eq(geteuid(), privilege.user);
	cr_assert_eq(getgid(), privilege.group);
	for (int i = getgroups(64, groups) - 1; i >= 0; i--)
		cr_assert_neq(groups[i], 0);
	cr_assert_lt(setuid(0), 0);
	cr_assert_eq(privilege_drop(&privilege), 0, "it is that user already");
}

Test(privilege, is_not_to_be_had_by_others)
{
	struct privilege root = {"root", 0, 0};
	struct privilege nobody = {"nobody", 65534, 65534};

	if (geteuid() == 0)
		cr_assert_eq(setresuid(1, 1, 1), 0);

	cr_assert_eq(privilege_drop(&root), -EPERM);
	cr_assert_eq(privilege_drop(&nobody), -EPERM);
}
