/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/filesystem.c. The table is a /proc/1/mountinfo as Linux 6.1 prints it (proc(5)); below a root what
 * statfs(2) says is of the machine that the tests run on. tests/integration/test_hang.py has file systems that do not answer.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/vfs.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

#define ROOT  "{device=\"/dev/nvme0n1p2\",fstype=\"ext4\",mountpoint=\"/\"}"
#define HOME  "{device=\"/dev/sdb1\",fstype=\"xfs\",mountpoint=\"/home\"}"
#define BLANK "{device=\"/dev/mapper/a\\b\",fstype=\"ext4\",mountpoint=\"/mnt/with blank\"}"
#define DATA  "{device=\"server:/data\",fstype=\"nfs4\",mountpoint=\"/data\"}"

static const char table[] =
	"22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro\n"
	"23 22 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:5 - proc proc rw\n"
	"24 22 0:22 / /sys rw,nosuid,nodev,noexec,relatime shared:2 - sysfs sysfs rw\n"
	"25 22 0:5 / /dev rw,nosuid shared:3 - devtmpfs udev rw,size=8110184k,nr_inodes=2027546,mode=755\n"
	"26 25 0:23 / /dev/shm rw,nosuid,nodev shared:4 - tmpfs tmpfs rw\n"
	"27 22 0:24 / /run rw,nosuid,nodev shared:6 master:2 - tmpfs tmpfs rw,size=1631284k,mode=755\n"
	"28 22 0:30 / /net rw,relatime shared:7 - autofs /etc/auto.net rw,fd=6\n"
	"29 22 8:17 / /home ro,relatime shared:8 - xfs /dev/sdb1 rw,attr2,inode64,noquota\n"
	"30 22 8:33 / /mnt/with\\040blank rw,relatime shared:9 - ext4 /dev/mapper/a\\134b ro\n"
	"31 22 8:33 / /mnt/with\\040blank rw,relatime shared:9 - ext4 /dev/mapper/a\\134b ro\n"
	"32 22 7:1 / /snap/core/1 ro,nodev,relatime shared:10 - squashfs /dev/loop1 ro\n"
	"33 22 0:50 / /var/lib/docker/overlay2/abc/merged rw,relatime - overlay overlay rw\n"
	"34 22 0:51 / /data rw,relatime shared:11 - nfs4 server:/data rw,vers=4.2\n"
	"35 34 8:49 / /data/local rw,relatime - ext4 /dev/sdd1 rw\n"
	"36 22 0:52\n"
	"what no kernel prints\n";

extern const struct hm_plugin filesystem_plugin;

static struct plugin_run run;
static const char *root;

static void setup(void)
{
	root = scratch_folder();
	fake_root_write(root, "/proc/1/mountinfo", table);
	fake_root_write(root, "/home/file", "");
	fake_root_write(root, "/mnt/with blank/file", "");
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

	take(root);
	cr_assert_eq(statfs(root, &answer), 0);
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
	take(root);
	cr_expect(plugin_run_value(&run, "node_filesystem_readonly" ROOT) == 0,
		  "errors=remount-ro");
	cr_expect(plugin_run_value(&run, "node_filesystem_readonly" HOME) == 1);
	cr_expect(plugin_run_value(&run, "node_filesystem_readonly" BLANK) == 1);
}

Test(filesystem, one_that_cannot_be_asked_is_missing_with_the_reason)
{
	take(root);
	cr_expect_eq(plugin_run_error(&run, "node_filesystem_size_bytes" DATA), -ENOENT);
	cr_expect(plugin_run_value(&run, "node_filesystem_device_error" DATA) == 1);
	cr_expect(plugin_run_has(&run, "node_filesystem_size_bytes" HOME));
}

/* The table has \011 for a tab; what is no UTF-8 it has as it is. */
Test(filesystem, asks_for_a_mount_of_odd_bytes)
{
	fake_root_write(root, "/proc/1/mountinfo",
			"22 1 8:1 / /mnt/a\\011b rw - ext4 /dev/sda1 rw\n"
			"23 1 8:2 / /mnt/B\374r rw - ext4 /dev/B\374r rw\n");
	fake_root_write(root, "/mnt/a\tb/file", "");
	fake_root_write(root, "/mnt/B\374r/file", "");
	take(root);

	cr_expect_eq(plugin_run_error(&run,
				      "node_filesystem_size_bytes{device=\"/dev/sda1\",fstype="
				      "\"ext4\",mountpoint=\"/mnt/a\\011b\"}"),
		     0);
	cr_expect_eq(plugin_run_error(&run,
				      "node_filesystem_size_bytes{device=\"/dev/B\357\277\275r\","
				      "fstype=\"ext4\",mountpoint=\"/mnt/B\357\277\275r\"}"),
		     0);
}

Test(filesystem, leaves_out_what_is_no_disk_and_what_is_mounted_there_already)
{
	take(root);
	/* Of /, /run, /home, /mnt/with blank, /data and /data/local. */
	cr_expect_eq(run.batch.n_samples, (size_t)6 * 8);
}

Test(filesystem, options_choose_what_is_left_out)
{
	static const char *const values[] = {"ext4", "/run /data*", NULL};

	run.option_values = values;
	take(root);
	cr_expect(plugin_run_has(&run, "node_filesystem_size_bytes" HOME));
	cr_expect_not(plugin_run_has(&run, "node_filesystem_readonly" ROOT));
	cr_expect_not(plugin_run_has(&run, "node_filesystem_readonly" DATA));
	cr_expect(plugin_run_has(&run, "node_filesystem_readonly{device=\"proc\",fstype=\"proc\","
				       "mountpoint=\"/proc\"}"));
}

Test(filesystem, mounts_come_and_go)
{
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
