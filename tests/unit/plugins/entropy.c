/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/entropy.c. Numbers as Linux before 5.18 has them; since then both are 256.
 */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin entropy_plugin;

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

TestSuite(entropy, .init = setup, .fini = teardown);

#define FOLDER "/proc/sys/kernel/random/"

Test(entropy, reports_the_pool_and_its_size)
{
	cr_assert_eq(plugin_run_start(&run, &entropy_plugin, "tests/fixtures/linux_6_18"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 2);
	cr_expect(plugin_run_value(&run, "node_entropy_available_bits") == 256);
	cr_expect(plugin_run_value(&run, "node_entropy_pool_size_bits") == 256);
}

Test(entropy, loses_only_the_file_that_is_wrong)
{
	fake_root_write(root, FOLDER "entropy_avail", "many\n");
	fake_root_write(root, FOLDER "poolsize", "4096\n");
	cr_assert_eq(plugin_run_start(&run, &entropy_plugin, root), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(plugin_run_error(&run, "node_entropy_available_bits"), -EINVAL);
	cr_expect(plugin_run_value(&run, "node_entropy_pool_size_bits") == 4096);
}

Test(entropy, reads_again_each_round)
{
	fake_root_write(root, FOLDER "entropy_avail", "3943\n");
	cr_assert_eq(plugin_run_start(&run, &entropy_plugin, root), 0);
	fake_root_write(root, FOLDER "entropy_avail", "12\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 1);
	cr_expect(plugin_run_value(&run, "node_entropy_available_bits") == 12);
}

/* No kernel changes it while it runs; but that it could not be read passes. */
Test(entropy, reads_the_size_until_it_knows_it)
{
	fake_root_write(root, FOLDER "entropy_avail", "12\n");
	fake_root_write(root, FOLDER "poolsize", "\n");
	cr_assert_eq(plugin_run_start(&run, &entropy_plugin, root), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(plugin_run_error(&run, "node_entropy_pool_size_bits"), -EINVAL);

	fake_root_write(root, FOLDER "poolsize", "4096\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, "node_entropy_pool_size_bits") == 4096);

	fake_root_write(root, FOLDER "poolsize", "256\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, "node_entropy_pool_size_bits") == 4096);
}

Test(entropy, says_enodev_on_a_host_without_the_files)
{
	cr_expect_eq(plugin_run_start(&run, &entropy_plugin, "tests/fixtures/empty"), -ENODEV);
}
