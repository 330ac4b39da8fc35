/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/filesystem.c. The fixture is a /proc/1/mountinfo as Linux 6.1 prints it (proc(5)); below a root what
 * statfs(2) says is of the machine that the tests run on. tests/integration/test_hang.py has file systems that do not answer.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/vfs.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

#define FIXTURE "tests/fixtures/filesystem"

#define ROOT  "{device=\"/dev/nvme0n1p2\",fstype=\"ext4\",mountpoint=\"/\"}"
#define HOME  "{device=\"/dev/sdb1\",fstype=\"xfs\",mountpoint=\"/home\"}"
#define BLANK "{device=\"/dev/mapper/a\\b\",fstype=\"ext4\",mountpoint=\"/mnt/with blank\"}"
#define DATA  "{device=\"server:/data\",fstype=\"nfs4\",mountpoint=\"/data\"}"

extern const struct hm_plugin filesystem_plugin;

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

TestSuite(filesystem, .init = setup, .fini = teardown);

static void take(const char *folder)
{
	cr_assert_eq(plugin_run_start(&run, &filesystem_plugin, folder), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(filesystem, tells_sizes_as_statfs_does)
{
	struct statfs answer;

	take(FIXTURE);
	cr_assert_eq(statfs(FIXTURE, &answer), 0);
	cr_expect(plugin_run_value(&run, "node_filesystem_size_bytes" ROOT) ==
		  (double)answer.f_blocks * (double)answer.f_bsize);
	cr_expect(plugin_run_value(&run, "node_filesystem_files" ROOT) == (double)answer.f_files);
	cr_expect(plugin_run_has(&run, "node_filesystem_free_bytes" ROOT));
	cr_expect(plugin_run_has(&run, "node_filesystem_avail_bytes" ROOT));
	cr_expect(plugin_run_has(&run, "node_filesystem_files_free" ROOT));
	cr_expect(plugin_run_value(&run, "node_filesystem_device_error" ROOT) == 0);
	cr_expect(plugin_run_value(&run, "node_filesystem_mount_info{device=\"/dev/nvme0n1p2\","
					 "major=\"259\",minor=\"2\",mountpoint=\"/\"}") == 1);
}

Test(filesystem, is_readonly_where_the_mount_or_the_file_system_is)
{
	take(FIXTURE);
	cr_expect(plugin_run_value(&run, "node_filesystem_readonly" ROOT) == 0,
		  "errors=remount-ro");
	cr_expect(plugin_run_value(&run, "node_filesystem_readonly" HOME) == 1);
	cr_expect(plugin_run_value(&run, "node_filesystem_readonly" BLANK) == 1);
}

Test(filesystem, one_that_cannot_be_asked_is_missing_with_the_reason)
{
	take(FIXTURE);
	cr_expect_eq(plugin_run_error(&run, "node_filesystem_size_bytes" DATA), -ENOENT);
	cr_expect(plugin_run_value(&run, "node_filesystem_device_error" DATA) == 1);
	cr_expect(plugin_run_has(&run, "node_filesystem_size_bytes" HOME));
}

Test(filesystem, leaves_out_what_is_no_disk_and_what_is_mounted_there_already)
{
	take(FIXTURE);
	/* Of /, /run, /home, /mnt/with blank, /data and /data/local. */
	cr_expect_eq(run.batch.n_samples, 6 * 8);
}

Test(filesystem, options_choose_what_is_left_out)
{
	static const char *const values[] = {"ext4", "/run /data*", NULL};

	run.option_values = values;
	take(FIXTURE);
	cr_expect(plugin_run_has(&run, "node_filesystem_size_bytes" HOME));
	cr_expect_not(plugin_run_has(&run, "node_filesystem_readonly" ROOT));
	cr_expect_not(plugin_run_has(&run, "node_filesystem_readonly" DATA));
	cr_expect(plugin_run_has(&run, "node_filesystem_readonly{device=\"proc\",fstype=\"proc\","
				       "mountpoint=\"/proc\"}"));
}

Test(filesystem, mounts_come_and_go)
{
	take(FIXTURE);
	fake_root_write(root, "/proc/1/mountinfo", "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
	take(root);
	cr_expect_eq(run.batch.n_samples, 8);
	fake_root_write(
		root, "/proc/1/mountinfo",
		"1 1 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /b rw - ext4 /dev/sda2 rw\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, 16);
	fake_root_write(root, "/proc/1/mountinfo", "nothing\n");
	cr_expect_eq(plugin_run_take(&run), -ENODATA);
}

Test(filesystem, of_the_running_system)
{
	cr_assert_eq(plugin_run_start(&run, &filesystem_plugin, ""), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_gt(run.batch.n_samples, 0);
}

Test(filesystem, a_timeout_is_a_number_of_milliseconds)
{
	char reason[64];

	cr_expect_eq(filesystem_plugin.options[2].check("30", reason, sizeof(reason)), 0);
	cr_expect_eq(filesystem_plugin.options[2].check("0", reason, sizeof(reason)), -EINVAL);
	cr_expect_str_eq(reason, "must be 1 to 10000");
	cr_expect_eq(filesystem_plugin.options[2].check("1s", reason, sizeof(reason)), -EINVAL);
}

Test(filesystem, says_enodev_on_a_host_without_the_table)
{
	cr_expect_eq(plugin_run_start(&run, &filesystem_plugin, "tests/fixtures/empty"), -ENODEV);
}
