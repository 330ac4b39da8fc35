/* SPDX-License-Identifier: MIT */
/* Tests of plugins/arp.c. tests/fixtures/network/proc/net/arp is as Linux 6.1 prints it. */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin arp_plugin;

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

TestSuite(arp, .init = setup, .fini = teardown);

#define HEADER          "IP address       HW type     Flags       HW address            Mask     Device\n"
#define LINE            "192.0.2.1 0x1 0x2 00:53:00:c0:00:08 * "
#define ENTRIES(device) "node_arp_entries{device=\"" device "\"}"

static void take_from(const char *path)
{
	cr_assert_eq(plugin_run_start(&run, &arp_plugin, path), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(arp, counts_the_neighbours_of_each_interface)
{
	take_from("tests/fixtures/network");

	cr_expect_eq(run.batch.n_samples, 2);
	cr_expect(plugin_run_value(&run, ENTRIES("bond0")) == 3);
	cr_expect(plugin_run_value(&run, ENTRIES("docker0")) == 1);

	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, ENTRIES("bond0")) == 3, "and not 6");
}

Test(arp, leaves_out_what_the_option_says)
{
	static const char *const values[] = {"bond?"};

	run.option_values = values;
	take_from("tests/fixtures/network");

	cr_expect_eq(run.batch.n_samples, 2);
	cr_expect(plugin_run_has(&run, ENTRIES("cali12ab34cd56e")));
	cr_expect_eq(plugin_run_error(&run, ENTRIES("bond0")), -ENOENT);
}

Test(arp, forgets_interfaces_without_neighbours)
{
	fake_root_write(root, "/proc/net/arp", HEADER LINE "a\n" LINE "b\n" LINE "a\n");
	take_from(root);
	cr_expect(plugin_run_value(&run, ENTRIES("a")) == 2);

	fake_root_write(root, "/proc/net/arp", HEADER LINE "b\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, 1);
	cr_expect(plugin_run_value(&run, ENTRIES("b")) == 1);

	fake_root_write(root, "/proc/net/arp", HEADER);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, 0);
}

Test(arp, passes_over_lines_that_are_none)
{
	fake_root_write(root, "/proc/net/arp",
			HEADER
			"192.0.2.1 eth0\n\n" LINE "a%s\\n\n" LINE
			"0123456789012345678901234567890123456789012345678901234567890123456789\n");
	take_from(root);

	cr_expect_eq(run.batch.n_samples, 1);
	cr_expect(plugin_run_value(&run, ENTRIES("a%s\\n")) == 1);
}

Test(arp, says_why_the_file_cannot_be_read)
{
	fake_root_write(root, "/proc/net/arp/file", "");
	cr_assert_eq(plugin_run_start(&run, &arp_plugin, root), 0);
	cr_expect_eq(plugin_run_take(&run), -EISDIR);
}

Test(arp, says_enodev_on_a_host_without_the_file)
{
	cr_expect_eq(plugin_run_start(&run, &arp_plugin, "tests/fixtures/empty"), -ENODEV);
}

Test(arp, reads_the_running_system)
{
	take_from("");
}
