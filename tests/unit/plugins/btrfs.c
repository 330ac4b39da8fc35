/* SPDX-License-Identifier: MIT */
/* Tests of plugins/btrfs.c. The fixture has the files of Linux 6.1 (fs/btrfs/sysfs.c); the file system is made up.
 * tests/integration/test_btrfs.py has a real one, which is asked for its devices. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin btrfs_plugin;

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

TestSuite(btrfs, .init = setup, .fini = teardown);

#define ID             "5c4a9b1e-3d0f-4a77-9c1b-8f2e6d7a1234"
#define OF(metric)     "node_btrfs_" metric "{uuid=\"" ID "\"}"
#define INFO(label)    "node_btrfs_info{uuid=\"" ID "\",label=\"" label "\"}"
#define RESERVED(type) "node_btrfs_reserved_bytes{uuid=\"" ID "\",block_group_type=\"" type "\"}"
#define DEVICE(device)                                                                             \
	"node_btrfs_device_size_bytes{uuid=\"" ID "\",device=\"" device "\",btrfs_dev_uuid=\"\"}"
#define GROUP(metric, type, mode)                                                                  \
	"node_btrfs_" metric "{uuid=\"" ID "\",block_group_type=\"" type "\",mode=\"" mode "\"}"
#define ERRORS(devid, type)                                                                        \
	"node_btrfs_devid_errors_total{uuid=\"" ID "\",devid=\"" devid "\",type=\"" type "\"}"

static void write_file(const char *file, const char *text)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "/sys/fs/btrfs/" ID "/%s", file);
	fake_root_write(root, path, text);
}

static void take(void)
{
	cr_assert_eq(plugin_run_take(&run), 0);
}

static void start(const char *at)
{
	cr_assert_eq(plugin_run_start(&run, &btrfs_plugin, at), 0);
	take();
}

Test(btrfs, reports_space_by_type_and_mode)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_value(&run, INFO("backup")) == 1);
	cr_expect(plugin_run_value(&run, OF("global_rsv_size_bytes")) == 536870912);
	cr_expect(plugin_run_value(&run, RESERVED("data")) == 4096);
	cr_expect(plugin_run_value(&run, RESERVED("system")) == 0);
	cr_expect(plugin_run_value(&run, GROUP("size_bytes", "data", "raid1")) == 805306368000);
	cr_expect(plugin_run_value(&run, GROUP("used_bytes", "data", "raid1")) == 771751936000);
	cr_expect(plugin_run_value(&run, GROUP("used_bytes", "metadata", "raid1")) == 3221225472);
	cr_expect(plugin_run_value(&run, GROUP("allocation_ratio", "system", "raid1")) == 2);
	cr_expect(plugin_run_value(&run, DEVICE("sdb3")) == 1953523712 * 512.0);
}

Test(btrfs, reports_errors_of_devices_and_commits)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_value(&run, ERRORS("1", "write")) == 0);
	cr_expect(plugin_run_value(&run, ERRORS("2", "write")) == 3);
	cr_expect(plugin_run_value(&run, ERRORS("2", "read")) == 17);
	cr_expect(plugin_run_value(&run, ERRORS("2", "flush")) == 1);
	cr_expect(plugin_run_value(&run, ERRORS("2", "corruption")) == 2);
	cr_expect(plugin_run_value(&run, ERRORS("2", "generation")) == 4);
	cr_expect(plugin_run_value(&run, OF("commits_total")) == 81234);
	cr_expect(plugin_run_value(&run, OF("last_commit_seconds")) == 0.214);
	cr_expect(plugin_run_value(&run, OF("max_commit_seconds")) == 9.12);
	cr_expect(plugin_run_value(&run, OF("commit_seconds_total")) == 10231.456);
	cr_expect_eq(run.batch.n_samples, 1 + 1 + 3 + 3 * 3 + 2 + 10 + 4);
}

Test(btrfs, knows_what_each_mode_takes)
{
	for (size_t i = 0; i < 4; i++) {
		char file[64];

		(void)snprintf(file, sizeof(file), "devices/sd%c/size", (char)('a' + i));
		write_file(file, "8\n");
	}
	write_file("allocation/data/raid5/total_bytes", "1\n");
	write_file("allocation/data/raid6/total_bytes", "1\n");
	write_file("allocation/data/single/total_bytes", "1\n");
	write_file("allocation/data/raid1c3/total_bytes", "1\n");
	write_file("allocation/data/newest/total_bytes", "1\n");
	write_file("allocation/data/newest/used_bytes", "1\n");
	start(root);

	cr_expect(plugin_run_value(&run, GROUP("allocation_ratio", "data", "raid5")) == 4.0 / 3);
	cr_expect(plugin_run_value(&run, GROUP("allocation_ratio", "data", "raid6")) == 2);
	cr_expect(plugin_run_value(&run, GROUP("allocation_ratio", "data", "single")) == 1);
	cr_expect(plugin_run_value(&run, GROUP("allocation_ratio", "data", "raid1c3")) == 3);
	cr_expect_eq(plugin_run_error(&run, GROUP("allocation_ratio", "data", "newest")), -ENOENT);
	cr_expect(plugin_run_value(&run, GROUP("used_bytes", "data", "newest")) == 1);
}

Test(btrfs, gives_a_reason_and_no_value_for_each_wrong_number)
{
	write_file("allocation/global_rsv_size", "much\n");
	write_file("commit_stats", "commits x\nlast_commit_ms\ncommits 5\nwrite_errs 5\n");
	write_file("devinfo/1/error_stats", "invalid\nread_errs 18446744073709551616\ncommits 1\n");
	write_file("devinfo/2/error_stats/folder", "");
	start(root);

	cr_expect_eq(plugin_run_error(&run, OF("global_rsv_size_bytes")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, OF("commits_total")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, OF("last_commit_seconds")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, ERRORS("1", "read")), -ERANGE);
	cr_expect_eq(plugin_run_error(&run, ERRORS("1", "write")), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, ERRORS("2", "generation")), -EISDIR);
	cr_expect_eq(run.batch.n_samples, 1 + 1 + 2 + 1 + 5);
	cr_expect(plugin_run_value(&run, INFO("")) == 1, "without a label");
}

Test(btrfs, follows_mounts_devices_and_modes)
{
	write_file("allocation/data/single/total_bytes", "1\n");
	write_file("devinfo/1/error_stats", "read_errs 0\n");
	start(root);
	cr_expect_not(plugin_run_has(&run, GROUP("size_bytes", "data", "raid1")));

	write_file("allocation/data/raid1/total_bytes", "1\n");
	write_file("devinfo/2/error_stats", "read_errs 7\n");
	fake_root_write(root, "/sys/fs/btrfs/a-b/label", "other\n");
	take();
	cr_expect(plugin_run_has(&run, GROUP("size_bytes", "data", "raid1")));
	cr_expect(plugin_run_value(&run, ERRORS("2", "read")) == 7);
	cr_expect(plugin_run_has(&run, "node_btrfs_info{uuid=\"a-b\",label=\"other\"}"));
}

/* The kernel makes its folders one after the other; between them may lie the minutes that reading a large one takes. */
Test(btrfs, follows_a_file_system_that_is_being_mounted)
{
	write_file("label", "backup\n");
	start(root);
	cr_expect(plugin_run_has(&run, INFO("backup")));

	write_file("allocation/global_rsv_size", "1\n");
	take();
	cr_expect(plugin_run_has(&run, OF("global_rsv_size_bytes")));

	write_file("allocation/data/single/total_bytes", "1\n");
	take();
	cr_expect(plugin_run_has(&run, GROUP("size_bytes", "data", "single")));
}

Test(btrfs, looks_again_after_a_search_that_failed)
{
	struct rlimit limit;
	struct rlimit none;

	write_file("allocation/data/single/total_bytes", "1\n");
	start(root);
	write_file("allocation/data/raid1/total_bytes", "1\n");
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_expect_eq(plugin_run_take(&run), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);

	take();
	cr_expect(plugin_run_has(&run, GROUP("size_bytes", "data", "single")));
	cr_expect(plugin_run_has(&run, GROUP("size_bytes", "data", "raid1")));
}

Test(btrfs, makes_a_label_fit)
{
	write_file("label", "B\374cher\n");
	start(root);

	cr_expect(plugin_run_has(&run, INFO("B\357\277\275cher")));
}

Test(btrfs, is_named_by_the_id_of_its_metadata)
{
	write_file("metadata_uuid", "other-id\n");
	start(root);

	cr_expect(plugin_run_has(&run, "node_btrfs_info{uuid=\"other-id\",label=\"\"}"));
}

Test(btrfs, is_named_by_its_folder_where_another_one_has_the_same_metadata)
{
	fake_root_write(root, "/sys/fs/btrfs/a-a/metadata_uuid", "x-x\n");
	fake_root_write(root, "/sys/fs/btrfs/b-b/metadata_uuid", "x-x\n");
	start(root);

	cr_expect(plugin_run_has(&run, "node_btrfs_info{uuid=\"x-x\",label=\"\"}"));
	cr_expect(plugin_run_has(&run, "node_btrfs_info{uuid=\"b-b\",label=\"\"}"));
}

Test(btrfs, says_the_same_twice)
{
	size_t n_samples;

	start("tests/fixtures/storage");
	n_samples = run.batch.n_samples;
	take();
	cr_expect_eq(run.batch.n_samples, n_samples);
}

Test(btrfs, says_enodev_on_a_host_without)
{
	cr_expect_eq(plugin_run_start(&run, &btrfs_plugin, "tests/fixtures/empty"), -ENODEV);
	fake_root_write(root, "/sys/fs/btrfs/features/raid56", "0\n");
	cr_expect_eq(plugin_run_start(&run, &btrfs_plugin, root), -ENODEV, "none is mounted");
}
