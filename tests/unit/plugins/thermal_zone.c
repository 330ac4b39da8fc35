/* SPDX-License-Identifier: MIT */
/* Tests of plugins/thermal_zone.c below a root; thermal_zone_umockdev.c has udev's. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin thermal_zone_plugin;

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

TestSuite(thermal_zone, .init = setup, .fini = teardown);

#define ZONE(zone, type)    "node_thermal_zone_temp{zone=\"" zone "\",type=\"" type "\"}"
#define STATE(name, type)   "node_cooling_device_cur_state{name=\"" name "\",type=\"" type "\"}"
#define MAXIMUM(name, type) "node_cooling_device_max_state{name=\"" name "\",type=\"" type "\"}"

static void take_fixture(const char *fixture)
{
	cr_assert_eq(plugin_run_start(&run, &thermal_zone_plugin, fixture), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(thermal_zone, reports_degrees_of_every_readable_zone)
{
	take_fixture("tests/fixtures/laptop");

	cr_expect(plugin_run_value(&run, ZONE("0", "acpitz")) == 47.8);
	cr_expect(plugin_run_value(&run, ZONE("1", "INT3400 Thermal")) == 20);
	cr_expect(plugin_run_value(&run, ZONE("10", "x86_pkg_temp")) == 51);
}

Test(thermal_zone, reports_temperatures_below_zero)
{
	take_fixture("tests/fixtures/laptop");

	cr_expect(plugin_run_value(&run, ZONE("3", "B0D4")) == -273.2);
}

Test(thermal_zone, gives_a_reason_and_no_value_for_a_zone_that_cannot_be_read)
{
	take_fixture("tests/fixtures/laptop");

	cr_expect_eq(plugin_run_error(&run, ZONE("2", "iwlwifi_1")), -EISDIR);
}

Test(thermal_zone, reports_the_states_of_cooling_devices)
{
	take_fixture("tests/fixtures/laptop");

	cr_expect(plugin_run_value(&run, STATE("1", "Processor")) == 3);
	cr_expect(plugin_run_value(&run, MAXIMUM("1", "Processor")) == 10);
	cr_expect(plugin_run_value(&run, STATE("2", "intel_powerclamp")) == -1);
	cr_expect_eq(run.batch.n_samples, 5 + 2 * 4);
}

Test(thermal_zone, reads_again_each_round)
{
	fake_root_write(root, "/sys/class/thermal/thermal_zone0/type", "acpitz\n");
	fake_root_write(root, "/sys/class/thermal/thermal_zone0/temp", "40000\n");
	take_fixture(root);
	fake_root_write(root, "/sys/class/thermal/thermal_zone0/temp", "41500\n");
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(plugin_run_value(&run, ZONE("0", "acpitz")) == 41.5);
}

Test(thermal_zone, recovers_when_the_sensor_does)
{
	fake_root_write(root, "/sys/class/thermal/thermal_zone0/type", "acpitz\n");
	fake_root_write(root, "/sys/class/thermal/thermal_zone0/temp", "asleep\n");
	cr_assert_eq(plugin_run_start(&run, &thermal_zone_plugin, root), 0);
	cr_expect_eq(plugin_run_take(&run), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, ZONE("0", "acpitz")), -EINVAL);

	fake_root_write(root, "/sys/class/thermal/thermal_zone0/temp", "0\n");
	cr_expect_eq(plugin_run_take(&run), 0);

	cr_expect(plugin_run_value(&run, ZONE("0", "acpitz")) == 0);
}

Test(thermal_zone, says_enodev_on_a_host_without_zones)
{
	cr_expect_eq(plugin_run_start(&run, &thermal_zone_plugin, "tests/fixtures/empty"), -ENODEV);
}

Test(thermal_zone, gives_a_reason_and_no_value_for_each_wrong_number)
{
	static const int errors[10] = {0, -ERANGE, -EINVAL, -EINVAL, 0,
				       0, -EINVAL, -EINVAL, -EINVAL, -EINVAL};

	take_fixture("tests/fixtures/wrong_numbers");

	for (size_t i = 0; i < 10; i++) {
		char series[128];

		(void)snprintf(series, sizeof(series),
			       "node_thermal_zone_temp{zone=\"%zu\",type=\"test\"}", i);
		cr_expect_eq(plugin_run_error(&run, series), errors[i], "%s", series);
	}
	cr_expect(plugin_run_value(&run, ZONE("0", "test")) == -40);
	cr_expect_eq(plugin_run_error(&run, STATE("0", "Processor")), -EINVAL);
	cr_expect(plugin_run_has(&run, MAXIMUM("0", "Processor")));
}

Test(thermal_zone, tells_of_files_that_are_not_there)
{
	take_fixture("tests/fixtures/wrong_numbers");

	cr_expect_eq(fake_batch_find(&run.batch, ZONE("10", "no temp"))->error, -ENOENT);
	cr_expect_eq(fake_batch_find(&run.batch, ZONE("11", ""))->error, -ENOENT);
	cr_expect_eq(plugin_run_error(&run, ZONE("x", "no number")), -ENOENT);
}

Test(thermal_zone, hands_types_on_as_they_are)
{
	take_fixture("tests/fixtures/odd_names");

	cr_expect(plugin_run_value(&run, ZONE("0", "CPU 0 die")) == 40);
	cr_expect(plugin_run_value(&run, ZONE("1", "Gehäuse °C 🌡")) == 41);
	cr_expect(plugin_run_value(&run, ZONE("2", "say \"hot\" \\ cold")) == 42);
	cr_expect(plugin_run_value(&run, ZONE("4", "escape \x1b[31mred")) == 44);
	cr_expect(plugin_run_value(&run, ZONE("7", "")) == 47);
}

Test(thermal_zone, refuses_texts_that_are_too_long)
{
	cr_assert_eq(plugin_run_start(&run, &thermal_zone_plugin, "tests/fixtures/long_line"), 0);
	cr_expect_eq(plugin_run_take(&run), 0);

	cr_expect_eq(plugin_run_error(&run, ZONE("0", "acpitz")), -ERANGE);
	cr_expect_eq(plugin_run_error(&run, ZONE("1", "")), -ERANGE);
	cr_expect(plugin_run_value(&run, ZONE("2", "acpitz")) == 42);
}

Test(thermal_zone, gives_no_value_of_garbage)
{
	cr_assert_eq(plugin_run_start(&run, &thermal_zone_plugin, "tests/fixtures/garbage"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(fake_batch_n_values(&run.batch), 1);
}

Test(thermal_zone, says_why_the_class_cannot_be_listed)
{
	fake_root_write(root, "/sys/class/thermal", "a file");

	cr_expect_eq(plugin_run_start(&run, &thermal_zone_plugin, root), -ENOTDIR);
}

Test(thermal_zone, refuses_a_device_of_impossible_name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "/sys/class/thermal/thermal_zone%0100d/temp", 0);
	fake_root_write(root, path, "1000\n");

	cr_expect_eq(plugin_run_start(&run, &thermal_zone_plugin, root), -ENAMETOOLONG);
}
