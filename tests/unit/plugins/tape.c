/* SPDX-License-Identifier: MIT */
/* Tests of plugins/tape.c. The fixture is as Linux 6.1 prints it (drivers/scsi/st.c); the numbers are made up. */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin tape_plugin;

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

TestSuite(tape, .init = setup, .fini = teardown);

#define OF(metric) "node_tape_" metric "{device=\"st0\"}"

static void start(const char *at)
{
	cr_assert_eq(plugin_run_start(&run, &tape_plugin, at), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(tape, reports_each_drive_once)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_value(&run, OF("io_now")) == 1);
	cr_expect(plugin_run_value(&run, OF("io_time_seconds_total")) == 8123456789 * 0.000000001);
	cr_expect(plugin_run_value(&run, OF("io_others_total")) == 77);
	cr_expect(plugin_run_value(&run, OF("read_bytes_total")) == 104857600);
	cr_expect(plugin_run_value(&run, OF("reads_completed_total")) == 400);
	cr_expect(plugin_run_value(&run, OF("read_time_seconds_total")) ==
		  3123456789 * 0.000000001);
	cr_expect(plugin_run_value(&run, OF("residual_total")) == 2);
	cr_expect(plugin_run_value(&run, OF("written_bytes_total")) == 209715200);
	cr_expect(plugin_run_value(&run, OF("writes_completed_total")) == 801);
	cr_expect(plugin_run_value(&run, OF("write_time_seconds_total")) ==
		  4000000001 * 0.000000001);
	cr_expect_eq(run.batch.n_samples, 10, "and its other names not at all");
}

Test(tape, leaves_out_what_the_option_says)
{
	static const char *const values[] = {"st0"};

	run.option_values = values;
	fake_root_write(root, "/sys/class/scsi_tape/st1/stats/read_cnt", "1\n");
	fake_root_write(root, "/sys/class/scsi_tape/st0/stats/read_cnt", "1\n");
	start(root);

	cr_expect_eq(run.batch.n_samples, 1);
	cr_expect_not(plugin_run_has(&run, OF("reads_completed_total")));
}

Test(tape, gives_a_reason_and_no_value_for_a_wrong_number)
{
	fake_root_write(root, "/sys/class/scsi_tape/st0/stats/read_cnt", "many\n");
	fake_root_write(root, "/sys/class/scsi_tape/st0/stats/write_cnt", "2\n");
	start(root);

	cr_expect_eq(plugin_run_error(&run, OF("reads_completed_total")), -EINVAL);
	cr_expect(plugin_run_value(&run, OF("writes_completed_total")) == 2);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, 2, "twice the same");
}

Test(tape, says_enodev_on_a_host_without)
{
	cr_expect_eq(plugin_run_start(&run, &tape_plugin, "tests/fixtures/empty"), -ENODEV);
	fake_root_write(root, "/sys/class/scsi_tape/nst0/stats/read_cnt", "1\n");
	cr_expect_eq(plugin_run_start(&run, &tape_plugin, root), -ENODEV);
}
