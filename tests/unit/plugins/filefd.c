/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/filefd.c. Linux prints three numbers with tabs between them.
 */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin filefd_plugin;

static struct plugin_run run;
static const char *root;

static void setup(void)
{
	root = scratch_folder();
}

static void teardown(void)
{
	plugin_run_stop(&run);
	scratch_remove(root);
}

TestSuite(filefd, .init = setup, .fini = teardown);

static int take(const char *text)
{
	fake_root_write(root, "/proc/sys/fs/file-nr", text);
	cr_assert_eq(plugin_run_start(&run, &filefd_plugin, root), 0);
	return plugin_run_take(&run);
}

Test(filefd, reports_open_files_and_their_limit)
{
	cr_assert_eq(plugin_run_start(&run, &filefd_plugin, "tests/fixtures/linux_6_18"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 2);
	cr_expect(plugin_run_value(&run, "node_filefd_allocated") == 1814);
	cr_expect(plugin_run_value(&run, "node_filefd_maximum") == 2466165);
}

/* systemd 240 and later set it so. */
Test(filefd, takes_the_largest_limit)
{
	cr_assert_eq(take("2\t0\t9223372036854775807\n"), 0);

	cr_expect(plugin_run_value(&run, "node_filefd_maximum") == 0x1p63);
}

Test(filefd, gives_a_reason_and_no_value_for_each_wrong_number)
{
	cr_assert_eq(take("-1\tx\t3\n"), 0);
	cr_expect_eq(plugin_run_error(&run, "node_filefd_allocated"), -EINVAL);
	cr_expect(plugin_run_value(&run, "node_filefd_maximum") == 3);
	cr_assert_eq(take("7 0"), 0);
	cr_expect(plugin_run_value(&run, "node_filefd_allocated") == 7);
	cr_expect_eq(plugin_run_error(&run, "node_filefd_maximum"), -ENODATA);
	cr_expect_eq(take(""), -ENODATA);
	cr_expect_eq(take("\n"), -ENODATA);
}

Test(filefd, reads_again_each_round)
{
	cr_assert_eq(take("1\t0\t9\n"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, "node_filefd_allocated") == 1);

	fake_root_write(root, "/proc/sys/fs/file-nr", "2\t0\t9\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, "node_filefd_allocated") == 2);
}

Test(filefd, says_enodev_on_a_host_without_the_file)
{
	cr_expect_eq(plugin_run_start(&run, &filefd_plugin, "tests/fixtures/empty"), -ENODEV);
}
