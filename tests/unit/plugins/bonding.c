/* SPDX-License-Identifier: MIT */
/* Tests of plugins/bonding.c. tests/fixtures/network has a bond of two cards as Linux 6.1 has it. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin bonding_plugin;

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

TestSuite(bonding, .init = setup, .fini = teardown);

#define SLAVES(master) "node_bonding_slaves{master=\"" master "\"}"
#define ACTIVE(master) "node_bonding_active{master=\"" master "\"}"
#define NET            "/sys/class/net/"

static void take_from(const char *path)
{
	cr_assert_eq(plugin_run_start(&run, &bonding_plugin, path), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

/* A bond of eth0, which is up, and eth1, which is not. */
static void make_bond(void)
{
	fake_root_write(root, NET "bonding_masters", "bond0\n");
	fake_root_write(root, NET "bond0/bonding/slaves", "eth0 eth1\n");
	fake_root_write(root, NET "bond0/lower_eth0/bonding_slave/mii_status", "up\n");
	fake_root_write(root, NET "bond0/slave_eth1/bonding_slave/mii_status", "down\n");
}

Test(bonding, counts_the_interfaces_of_a_bond)
{
	take_from("tests/fixtures/network");
	cr_expect_eq(run.batch.n_samples, 2);
	cr_expect(plugin_run_value(&run, SLAVES("bond0")) == 2);
	cr_expect(plugin_run_value(&run, ACTIVE("bond0")) == 1);

	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, ACTIVE("bond0")) == 1);
}

Test(bonding, follows_links_interfaces_and_bonds)
{
	make_bond();
	take_from(root);
	cr_expect(plugin_run_value(&run, ACTIVE("bond0")) == 1);

	fake_root_write(root, NET "bond0/slave_eth1/bonding_slave/mii_status", "up\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, ACTIVE("bond0")) == 2);

	fake_root_write(root, NET "bond0/bonding/slaves", "eth1\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, SLAVES("bond0")) == 1);
	cr_expect(plugin_run_value(&run, ACTIVE("bond0")) == 1);

	fake_root_write(root, NET "bonding_masters", "bond1 bond0 bond0\n");
	fake_root_write(root, NET "bond1/bonding/slaves", "\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, 4);
	cr_expect(plugin_run_value(&run, SLAVES("bond1")) == 0);
	cr_expect(plugin_run_value(&run, ACTIVE("bond1")) == 0);

	fake_root_write(root, NET "bonding_masters", "\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, 0);
}

Test(bonding, tells_what_cannot_be_read)
{
	make_bond();
	fake_root_write(root, NET "bonding_masters", "none bond0 bond1 bond2\n");
	fake_root_write(root, NET "bond1/bonding/slaves/file", "");
	fake_root_write(root, NET "bond2/bonding/slaves", "eth5\n");
	take_from(root);

	cr_expect_eq(plugin_run_error(&run, SLAVES("none")), -ENOENT);
	cr_expect_eq(fake_batch_find(&run.batch, SLAVES("none"))->error, -ENOENT);
	cr_expect_eq(fake_batch_find(&run.batch, ACTIVE("none"))->error, -ENOENT);
	cr_expect(plugin_run_value(&run, ACTIVE("bond0")) == 1);
	cr_expect_eq(plugin_run_error(&run, SLAVES("bond1")), -EISDIR);
	cr_expect(plugin_run_value(&run, SLAVES("bond2")) == 1);
	cr_expect_eq(fake_batch_find(&run.batch, ACTIVE("bond2"))->error, -ENOENT);
}

Test(bonding, tries_again_what_could_not_be_read)
{
	fake_root_write(root, NET "bonding_masters", "bond0\n");
	cr_assert_eq(plugin_run_start(&run, &bonding_plugin, root), 0);
	cr_expect_eq(plugin_run_take(&run), -ENOENT);

	fake_root_write(root, NET "bond0/bonding/slaves", "eth0\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(fake_batch_find(&run.batch, ACTIVE("bond0"))->error, -ENOENT);

	fake_root_write(root, NET "bond0/lower_eth0/bonding_slave/mii_status", "up\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, ACTIVE("bond0")) == 1);
}

Test(bonding, takes_hostile_names)
{
	char text[300];

	make_bond();
	memset(text, 'a', sizeof(text));
	memcpy(text, "a/../bond0 %s\xc3\xa4 ", 16);
	text[sizeof(text) - 1] = '\0';
	fake_root_write(root, NET "bonding_masters", text);
	fake_root_write(root, NET "%s\xc3\xa4/bonding/slaves", "../bond0/lower_eth0\n");
	take_from(root);

	cr_expect_eq(run.batch.n_samples, 2);
	cr_expect(plugin_run_value(&run, SLAVES("%s\xc3\xa4")) == 0);
}

Test(bonding, says_why_there_is_nothing)
{
	cr_expect_eq(plugin_run_start(&run, &bonding_plugin, "tests/fixtures/empty"), -ENODEV);

	fake_root_write(root, NET "bonding_masters", "none\n");
	cr_assert_eq(plugin_run_start(&run, &bonding_plugin, root), 0);
	cr_expect_eq(plugin_run_take(&run), -ENOENT);
}
