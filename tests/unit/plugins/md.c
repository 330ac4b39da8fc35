/* SPDX-License-Identifier: MIT */
/* Tests of plugins/md.c. The fixture is as Linux 6.1 prints it (drivers/md/md.c, md_seq_show()); the disks are made up. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin md_plugin;

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

TestSuite(md, .init = setup, .fini = teardown);

#define STATE(device, state) "node_md_state{device=\"" device "\",state=\"" state "\"}"
#define DISKS(device, state) "node_md_disks{device=\"" device "\",state=\"" state "\"}"
#define OF(metric, device)   "node_md_" metric "{device=\"" device "\"}"

static void set_mdstat(const char *text)
{
	fake_root_write(root, "/proc/mdstat", text);
}

static void take(void)
{
	cr_assert_eq(plugin_run_take(&run), 0);
}

static void start(const char *text)
{
	set_mdstat(text);
	cr_assert_eq(plugin_run_start(&run, &md_plugin, root), 0);
	take();
}

static void take_fixture(void)
{
	cr_assert_eq(plugin_run_start(&run, &md_plugin, "tests/fixtures/storage"), 0);
	take();
}

/* The one state of an array that is 1. */
static void expect_state(const char *device, const char *state)
{
	static const char *const states[] = {"active", "inactive", "recovering",
					     "resync", "check",    "reshape"};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		char series[128];

		(void)snprintf(series, sizeof(series), "node_md_state{device=\"%s\",state=\"%s\"}",
			       device, states[i]);
		cr_expect(plugin_run_value(&run, series) == (strcmp(states[i], state) == 0), "%s",
			  series);
	}
}

Test(md, reports_a_whole_array)
{
	take_fixture();

	expect_state("md0", "active");
	cr_expect(plugin_run_value(&run, OF("disks_required", "md0")) == 2);
	cr_expect(plugin_run_value(&run, DISKS("md0", "active")) == 2);
	cr_expect(plugin_run_value(&run, DISKS("md0", "failed")) == 0);
	cr_expect(plugin_run_value(&run, DISKS("md0", "spare")) == 0);
	cr_expect(plugin_run_value(&run, OF("blocks", "md0")) == 523264);
	cr_expect(plugin_run_value(&run, OF("blocks_synced", "md0")) == 523264);
	cr_expect(plugin_run_value(&run, OF("raid_disks", "md0")) == 2);
	cr_expect(plugin_run_value(&run, OF("degraded", "md0")) == 0);
}

Test(md, reports_how_far_a_recovery_has_come)
{
	take_fixture();

	expect_state("md1", "recovering");
	cr_expect(plugin_run_value(&run, OF("disks_required", "md1")) == 3);
	cr_expect(plugin_run_value(&run, DISKS("md1", "active")) == 2);
	cr_expect(plugin_run_value(&run, DISKS("md1", "failed")) == 1);
	cr_expect(plugin_run_value(&run, DISKS("md1", "spare")) == 1);
	cr_expect(plugin_run_value(&run, OF("blocks", "md1")) == 1953260544);
	cr_expect(plugin_run_value(&run, OF("blocks_synced", "md1")) == 123456789);
	cr_expect(plugin_run_value(&run, OF("degraded", "md1")) == 1);
	cr_expect(plugin_run_value(&run, OF("raid_disks", "md1")) == 3, "3 (2), during a reshape");
}

Test(md, reports_a_resync_that_waits_as_not_begun)
{
	take_fixture();

	expect_state("md2", "resync");
	cr_expect(plugin_run_value(&run, OF("blocks_synced", "md2")) == 0);
}

Test(md, counts_the_members_of_arrays_of_which_none_may_lack)
{
	take_fixture();

	expect_state("md3", "active");
	cr_expect(plugin_run_value(&run, OF("disks_required", "md3")) == 2);
	cr_expect(plugin_run_value(&run, DISKS("md3", "active")) == 2);
	cr_expect_not(plugin_run_has(&run, OF("degraded", "md3")));
	cr_expect_eq(plugin_run_error(&run, OF("degraded", "md3")), -ENOENT, "nothing can lack");
}

Test(md, reports_an_inactive_array)
{
	take_fixture();

	expect_state("md127", "inactive");
	cr_expect(plugin_run_value(&run, DISKS("md127", "active")) == 0);
	cr_expect(plugin_run_value(&run, DISKS("md127", "spare")) == 2);
	cr_expect(plugin_run_value(&run, OF("blocks", "md127")) == 10402);
	cr_expect_eq(plugin_run_error(&run, OF("raid_disks", "md127")), -ENOENT, "a container");
}

Test(md, knows_checks_reshapes_and_resyncs)
{
	start("md0 : active raid1 a[0] b[1]\n      100 blocks [2/2] [UU]\n"
	      "      [>...]  check =  5.0% (5/100) finish=1min speed=1K/sec\n"
	      "md1 : active raid5 a[0] b[1]\n      100 blocks [2/2] [UU]\n"
	      "      [>...]  reshape =  6.0% (6/100) finish=1min speed=1K/sec\n"
	      "md2 : active raid1 a[0] b[1]\n      100 blocks [2/2] [UU]\n"
	      "      bitmap: 0/1 pages [0KB], 65536KB chunk\n"
	      "      [>...]  resync =  7.0% (7/100) finish=1min speed=1K/sec\n"
	      "md3 : active raid1 a[0] b[1]\n      100 blocks [2/2] [UU]\n      resync=DELAYED");

	expect_state("md0", "check");
	cr_expect(plugin_run_value(&run, OF("blocks_synced", "md0")) == 5);
	expect_state("md1", "reshape");
	expect_state("md2", "resync");
	cr_expect(plugin_run_value(&run, OF("blocks_synced", "md2")) == 7);
	cr_expect(plugin_run_value(&run, OF("blocks_synced", "md3")) == 0);
}

Test(md, is_none_of_the_states_that_it_does_not_know)
{
	start("md0 : broken raid0 a[0]\n      100 blocks\n");

	cr_expect(plugin_run_value(&run, STATE("md0", "active")) == 0);
	cr_expect(plugin_run_value(&run, STATE("md0", "inactive")) == 0);
}

Test(md, gives_a_reason_and_no_value_for_each_wrong_number)
{
	fake_root_write(root, "/sys/block/md0/md/degraded", "no\n");
	fake_root_write(root, "/sys/block/md0/md/raid_disks", "-1\n");
	start("md0 : active raid1 a[0]\n      x blocks [2/y] [U_]\n"
	      "md1 : active raid1 a[0]\n      100 blocks [2/1] [U_]\n      resync = 1% (x/1)\n");

	cr_expect_eq(plugin_run_error(&run, OF("blocks", "md0")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, OF("blocks_synced", "md0")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, OF("disks_required", "md0")), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, OF("degraded", "md0")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, OF("raid_disks", "md0")), -EINVAL);
	cr_expect(plugin_run_value(&run, DISKS("md0", "failed")) == 0);
	cr_expect(plugin_run_value(&run, OF("blocks", "md1")) == 100);
	cr_expect_eq(plugin_run_error(&run, OF("blocks_synced", "md1")), -EINVAL);
}

Test(md, takes_what_is_right_among_garbage)
{
	start(" indented\n      1 blocks\nmd\n:\nmd9 :\n: : :\n"
	      "averyveryveryverylongnameaveryveryveryverylongnameaveryveryveryverylongname : active raid1\n"
	      "md0 : active\nmd0 : inactive\n      7 blocks\nunused devices: <none>\n      8 blocks\n");

	expect_state("md0", "active");
	cr_expect_eq(plugin_run_error(&run, OF("blocks", "md0")), -ENOENT);
	cr_expect_not(plugin_run_has(&run, STATE("md9", "active")));
	cr_expect(plugin_run_has(&run, STATE(":", "active")));
	cr_expect_eq(fake_batch_n_values(&run.batch), 16);
}

Test(md, follows_arrays_that_come_start_and_go)
{
	fake_root_write(root, "/sys/block/md0/md/raid_disks", "2\n");
	start("md0 : inactive a[0](S)\n      100 blocks\n");
	cr_expect(plugin_run_value(&run, OF("raid_disks", "md0")) == 2);
	cr_expect_eq(plugin_run_error(&run, OF("degraded", "md0")), -ENOENT);

	/* Only now is the second file there. */
	fake_root_write(root, "/sys/block/md0/md/degraded", "1\n");
	fake_root_write(root, "/sys/block/md1/md/degraded", "0\n");
	set_mdstat("md1 : active raid1 b[0] c[1]\n      50 blocks [2/2] [UU]\n"
		   "md0 : active raid1 a[0]\n      100 blocks [2/1] [U_]\n");
	take();
	cr_expect(plugin_run_value(&run, OF("degraded", "md0")) == 1);
	cr_expect(plugin_run_value(&run, OF("degraded", "md1")) == 0);

	set_mdstat("md0 : active raid1 a[0]\n      100 blocks [2/1] [U_]\n");
	take();
	cr_expect(plugin_run_value(&run, OF("degraded", "md0")) == 1);
	cr_expect_eq(plugin_run_error(&run, OF("degraded", "md1")), -ENOENT);
}

/* The place in the list stays, the files do not. */
Test(md, looks_for_files_again_when_an_array_starts)
{
	start("md0 : inactive a[0](S)\n      100 blocks\n");
	fake_root_write(root, "/sys/block/md0/md/degraded", "1\n");
	set_mdstat("md0 : active raid1 a[0]\n      100 blocks [2/1] [U_]\n");
	take();

	cr_expect(plugin_run_value(&run, OF("degraded", "md0")) == 1);
}

Test(md, says_the_same_twice)
{
	size_t n_samples;

	take_fixture();
	n_samples = run.batch.n_samples;
	take();

	cr_expect_eq(run.batch.n_samples, n_samples);
}

Test(md, reports_nothing_where_there_is_no_array)
{
	start("Personalities : [raid1]\nunused devices: <none>\n");
	cr_expect_eq(run.batch.n_samples, 0);
}

Test(md, says_enodev_on_a_host_without_the_file)
{
	cr_expect_eq(plugin_run_start(&run, &md_plugin, "tests/fixtures/empty"), -ENODEV);
}

Test(md, says_why_the_file_cannot_be_read)
{
	fake_root_write(root, "/proc/mdstat/file", "");
	cr_assert_eq(plugin_run_start(&run, &md_plugin, root), 0);

	cr_expect_eq(plugin_run_take(&run), -EISDIR);
}
