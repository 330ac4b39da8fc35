/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/selinux.c. The kernel's file is one digit without a newline; the configuration as Debian's selinux-basics writes it.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin selinux_plugin;

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

TestSuite(selinux, .init = setup, .fini = teardown);

#define ENFORCE "/sys/fs/selinux/enforce"
#define CONFIG  "/etc/selinux/config"

static void take(const char *at)
{
	cr_assert_eq(plugin_run_start(&run, &selinux_plugin, at), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

static double mode_of(const char *config)
{
	fake_root_write(root, ENFORCE, "0");
	fake_root_write(root, CONFIG, config);
	take(root);
	return plugin_run_value(&run, "node_selinux_config_mode");
}

Test(selinux, reports_what_is_configured_and_what_is)
{
	take("tests/fixtures/linux_6_18");

	cr_expect_eq(run.batch.n_samples, 3);
	cr_expect(plugin_run_value(&run, "node_selinux_enabled") == 1);
	cr_expect(plugin_run_value(&run, "node_selinux_config_mode") == 0);
	cr_expect(plugin_run_value(&run, "node_selinux_current_mode") == 1);
}

Test(selinux, understands_the_configuration)
{
	cr_expect(mode_of("SELINUX=enforcing\n") == 1);
	cr_expect(mode_of("  SELINUX=\"enforcing\"  ") == 1);
	cr_expect(
		mode_of("#SELINUX=enforcing\nSELINUXTYPE=x\nSELINUX=permissive\nSELINUX=enforcing\n") ==
		0);
	cr_expect(mode_of("SELINUX=disabled\n") == -1);
	cr_expect(mode_of("SELINUX=\n") == -1);
	cr_expect(mode_of("SELINUX\n%s") == -1);
	cr_expect(mode_of("") == -1);
}

Test(selinux, follows_changes_and_says_the_same_twice)
{
	char path[256];

	cr_expect(mode_of("SELINUX=permissive\n") == 0);
	(void)snprintf(path, sizeof(path), "%s" CONFIG, root);
	cr_assert_eq(unlink(path), 0);
	fake_root_write(root, CONFIG, "SELINUX=enforcing\n");
	fake_root_write(root, ENFORCE, "1");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(plugin_run_value(&run, "node_selinux_config_mode") == 1);
	cr_expect(plugin_run_value(&run, "node_selinux_current_mode") == 1);
}

Test(selinux, loses_only_what_is_wrong)
{
	fake_root_write(root, "/selinux/enforce", "yes");
	take(root);

	cr_expect_eq(run.batch.n_samples, 2, "nothing is configured");
	cr_expect(plugin_run_value(&run, "node_selinux_enabled") == 1);
	cr_expect_eq(plugin_run_error(&run, "node_selinux_current_mode"), -EINVAL);
}

Test(selinux, says_enodev_below_a_root_without_it)
{
	cr_expect_eq(plugin_run_start(&run, &selinux_plugin, "tests/fixtures/empty"), -ENODEV);
}

Test(selinux, knows_of_the_running_system)
{
	bool is_mounted = access(ENFORCE, F_OK) == 0;

	take("");
	cr_expect(plugin_run_has(&run, "node_selinux_enabled"));
	cr_expect(is_mounted || plugin_run_value(&run, "node_selinux_enabled") == 0);
}
