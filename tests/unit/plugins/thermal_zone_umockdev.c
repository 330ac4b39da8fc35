/* SPDX-License-Identifier: MIT */
/* Tests of plugins/thermal_zone.c with devices that udev believes in; run under umockdev-wrapper. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <umockdev.h>
#include <unistd.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"

extern const struct hm_plugin thermal_zone_plugin;

static UMockdevTestbed *bed;
static struct plugin_run run;

static void setup(void)
{
	bed = umockdev_testbed_new();
	cr_assert_lt(access("/sys/kernel", F_OK), 0, "not run under umockdev-wrapper");
}

static void teardown(void)
{
	plugin_run_stop(&run);
	g_object_unref(bed);
}

TestSuite(thermal_zone_umockdev, .init = setup, .fini = teardown);

#define ZONE(zone, type) "node_thermal_zone_temp{zone=\"" zone "\",type=\"" type "\"}"

static char *add_zone(const char *name, const char *type, const char *temperature)
{
	char *path = umockdev_testbed_add_device(bed, "thermal", name, NULL, "type", type, "temp",
						 temperature, NULL, NULL);

	cr_assert_not_null(path);
	return path;
}

/* umockdev_testbed_set_attribute() would replace the file, which a kept descriptor does not see. */
static void change_attribute(const char *device, const char *attribute, const char *text)
{
	char *root = umockdev_testbed_get_root_dir(bed);
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", device, attribute);
	fake_root_write(root, path, text);
	g_free(root);
}

static void start(void)
{
	cr_assert_eq(plugin_run_start(&run, &thermal_zone_plugin, ""), 0);
}

Test(thermal_zone_umockdev, finds_zones_and_cooling_devices_through_udev)
{
	g_free(add_zone("thermal_zone0", "acpitz\n", "45500\n"));
	g_free(add_zone("thermal_zone1", "x86_pkg_temp\n", "-5000\n"));
	g_free(umockdev_testbed_add_device(bed, "thermal", "cooling_device4", NULL, "type", "Fan\n",
					   "cur_state", "1\n", "max_state", "3\n", NULL, NULL));

	start();
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 4);
	cr_expect(plugin_run_value(&run, ZONE("0", "acpitz")) == 45.5);
	cr_expect(plugin_run_value(&run, ZONE("1", "x86_pkg_temp")) == -5);
	cr_expect(plugin_run_value(&run,
				   "node_cooling_device_cur_state{name=\"4\",type=\"Fan\"}") == 1);
	cr_expect(plugin_run_value(&run,
				   "node_cooling_device_max_state{name=\"4\",type=\"Fan\"}") == 3);
}

Test(thermal_zone_umockdev, sees_a_temperature_change_on_its_kept_descriptor)
{
	char *zone = add_zone("thermal_zone0", "acpitz\n", "45500\n");

	start();
	cr_assert_eq(plugin_run_take(&run), 0);
	change_attribute(zone, "temp", "81300\n");
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(plugin_run_value(&run, ZONE("0", "acpitz")) == 81.3);
	g_free(zone);
}

Test(thermal_zone_umockdev, says_enodev_on_a_host_without_zones)
{
	cr_expect_eq(plugin_run_start(&run, &thermal_zone_plugin, ""), -ENODEV);
}

/* The agent stops and starts the plugin when udev reports a device of its subsystem. */
Test(thermal_zone_umockdev, finds_a_zone_that_was_added_when_it_is_started_again)
{
	cr_expect_str_eq(thermal_zone_plugin.udev_subsystem, "thermal");
	g_free(add_zone("thermal_zone0", "acpitz\n", "45500\n"));
	start();
	g_free(add_zone("thermal_zone1", "late\n", "50000\n"));

	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_not(plugin_run_has(&run, ZONE("1", "late")));
	start();
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(plugin_run_value(&run, ZONE("0", "acpitz")) == 45.5);
	cr_expect(plugin_run_value(&run, ZONE("1", "late")) == 50);
}

Test(thermal_zone_umockdev, forgets_a_zone_that_was_removed_when_it_is_started_again)
{
	char *zone = add_zone("thermal_zone0", "gone\n", "45500\n");

	g_free(add_zone("thermal_zone1", "acpitz\n", "50000\n"));
	start();
	umockdev_testbed_uevent(bed, zone, "remove");
	umockdev_testbed_remove_device(bed, zone);
	start();
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 1);
	cr_expect(plugin_run_value(&run, ZONE("1", "acpitz")) == 50);
	g_free(zone);
}

Test(thermal_zone_umockdev, gives_a_reason_and_no_value_while_a_sensor_cannot_tell)
{
	char *zone = add_zone("thermal_zone0", "acpitz\n", "45500\n");

	start();
	change_attribute(zone, "temp", "");
	cr_expect_eq(plugin_run_take(&run), -EINVAL);

	cr_expect_eq(plugin_run_error(&run, ZONE("0", "acpitz")), -EINVAL);
	g_free(zone);
}
