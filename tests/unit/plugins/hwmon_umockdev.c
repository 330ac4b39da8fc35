/* SPDX-License-Identifier: MIT */
/* Tests of plugins/hwmon.c with a chip that udev believes in; run under umockdev-wrapper. */

#include <criterion/criterion.h>
#include <errno.h>
#include <umockdev.h>
#include <unistd.h>

#include "tests/support/plugin_run.h"

extern const struct hm_plugin hwmon_plugin;

static const char *const option_values[2] = {NULL, "10000"};

static UMockdevTestbed *bed;
static struct plugin_run run;

static void setup(void)
{
	bed = umockdev_testbed_new();
	cr_assert_lt(access("/sys/kernel", F_OK), 0, "not run under umockdev-wrapper");
	run.option_values = option_values;
}

static void teardown(void)
{
	plugin_run_stop(&run);
	g_object_unref(bed);
}

TestSuite(hwmon_umockdev, .init = setup, .fini = teardown);

static char *add_chip(const char *device, const char *name, const char *temperature)
{
	char *path = umockdev_testbed_add_device(bed, "hwmon", device, NULL, "name", name,
						 "temp1_input", temperature, NULL, NULL);

	cr_assert_not_null(path);
	return path;
}

#define TEMPERATURE(chip) "node_hwmon_temp_celsius{chip=\"" chip "\",sensor=\"temp1\"}"

/* The agent stops and starts the plugin when udev reports a device of its subsystem. */
Test(hwmon_umockdev, finds_the_chips_that_udev_knows_when_it_is_started)
{
	char *chip = add_chip("hwmon0", "coretemp\n", "45000\n");

	cr_expect_str_eq(hwmon_plugin.udev_subsystem, "hwmon");
	cr_assert_eq(plugin_run_start(&run, &hwmon_plugin, ""), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, TEMPERATURE("coretemp")) == 45);
	g_free(add_chip("hwmon1", "nvme\n", "36850\n"));
	umockdev_testbed_remove_device(bed, chip);
	cr_assert_eq(plugin_run_start(&run, &hwmon_plugin, ""), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(plugin_run_value(&run, TEMPERATURE("nvme")) == 36850 * 0.001);
	cr_expect_not(plugin_run_has(&run, TEMPERATURE("coretemp")));
	g_free(chip);
}

Test(hwmon_umockdev, says_enodev_on_a_host_without_chips)
{
	cr_expect_eq(plugin_run_start(&run, &hwmon_plugin, ""), -ENODEV);
}
