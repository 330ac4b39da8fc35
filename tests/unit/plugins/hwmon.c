/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/hwmon.c on tests/fixtures/board, which is written by hand as Linux 6.1's drivers print it
 * (Documentation/hwmon), and below roots that the tests write.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin hwmon_plugin;

#define CLASS "/sys/class/hwmon"

static struct plugin_run run;
static const char *root;

/* ignore, budget: one that a busy machine does not exceed */
static const char *option_values[2] = {NULL, "10000"};

static void setup(void)
{
	root = scratch_folder();
	run.option_values = option_values;
}

static void teardown(void)
{
	plugin_run_stop(&run);
	scratch_remove(root);
}

TestSuite(hwmon, .init = setup, .fini = teardown);

static void take(const char *folder)
{
	cr_assert_eq(plugin_run_start(&run, &hwmon_plugin, folder), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

static void take_board(void)
{
	take("tests/fixtures/board");
}

/* Lay a link below the root. */
static void link_to(const char *path, const char *target)
{
	char full[512];

	(void)snprintf(full, sizeof(full), "%s%s", root, path);
	cr_assert_eq(symlink(target, full), 0);
}

#define SERIES(metric, chip, sensor)                                                               \
	"node_hwmon_" metric "{chip=\"" chip "\",sensor=\"" sensor "\"}"
#define VALUE(metric, chip, sensor) plugin_run_value(&run, SERIES(metric, chip, sensor))
#define CORE                        "platform_coretemp_0"
#define BOARD                       "platform_nct6775_656"
#define METER                       "lnxsybus:00_acpi000d:00"

Test(hwmon, reports_temperatures_and_their_limits)
{
	take_board();

	cr_expect(VALUE("temp_celsius", CORE, "temp1") == 53);
	cr_expect(VALUE("temp_max_celsius", CORE, "temp1") == 100);
	cr_expect(VALUE("temp_crit_celsius", CORE, "temp2") == 105);
	cr_expect(VALUE("temp_min_celsius", "nvme_nvme0", "temp1") == -273150 * 0.001);
	cr_expect(VALUE("temp_offset_celsius", BOARD, "temp1") == -2);
	cr_expect(VALUE("temp_max_hyst_celsius", BOARD, "temp1") == 75);
	cr_expect(VALUE("temp_type", BOARD, "temp1") == 4);
}

Test(hwmon, reports_alarms_faults_and_beeps)
{
	take_board();

	cr_expect(VALUE("fan_alarm", BOARD, "fan2") == 1);
	cr_expect(VALUE("fan_beep_enabled", BOARD, "fan2") == 1);
	cr_expect(VALUE("temp_fault", BOARD, "temp2") == 1);
	cr_expect(VALUE("intrusion_alarm", BOARD, "intrusion0") == 1);
	cr_expect(VALUE("beep_enabled", BOARD, "beep_enable0") == 1);
	/* node_exporter gives the alarm of one limit the unit of the limit. */
	cr_expect(VALUE("temp_crit_alarm_celsius", CORE, "temp1") == 0);
}

Test(hwmon, reports_fans_voltages_and_currents)
{
	take_board();

	cr_expect(VALUE("fan_rpm", BOARD, "fan1") == 1193);
	cr_expect(VALUE("fan_rpm", BOARD, "fan2") == 0);
	cr_expect(VALUE("fan_min_rpm", BOARD, "fan1") == 300);
	cr_expect(VALUE("fan_pulses", BOARD, "fan1") == 2);
	cr_expect(VALUE("in_volts", BOARD, "in0") == 1040 * 0.001);
	cr_expect(VALUE("in_volts", BOARD, "in1") == -12008 * 0.001);
	cr_expect(VALUE("cpu_vid_volts", BOARD, "cpu0") == 1.125);
	cr_expect(VALUE("voltage_regulator_version", BOARD, "vrm0") == 0);
	cr_expect(VALUE("curr_amps", "drm_card0", "curr1") == 10.25);
	cr_expect(VALUE("pwm", BOARD, "pwm1") == 102);
	cr_expect(VALUE("pwm_enable", BOARD, "pwm1") == 5);
	cr_expect(VALUE("pwm_auto_point1_temp", BOARD, "pwm1") == 20000);
	cr_expect(VALUE("update_interval_seconds", BOARD, "update_interval0") == 1.5);
}

Test(hwmon, reports_power_energy_and_humidity)
{
	take_board();

	cr_expect(VALUE("power_average_watt", METER, "power1") == 213);
	cr_expect(VALUE("power_average_interval_seconds", METER, "power1") == 1);
	cr_expect(VALUE("power_cap_watt", METER, "power1") == 400);
	cr_expect(VALUE("energy_joule_total", "drm_card0", "energy1") == 9876543210 / 1000000.0);
	cr_expect(VALUE("humidity", "drm_card0", "humidity1") == 43210 / 1000000.0);
	/* "90.0%" is no number. */
	cr_expect_eq(plugin_run_error(&run, SERIES("power_accuracy", METER, "power1")), -ENOENT);
}

Test(hwmon, reports_clocks_by_their_label_only)
{
	take_board();

	cr_expect(VALUE("freq_freq_mhz", "drm_card0", "sclk") == 350);
	for (size_t i = 0; i < run.batch.n_samples; i++)
		cr_expect_null(strstr(run.batch.samples[i].series, "freq2"));
}

Test(hwmon, tells_what_chips_and_sensors_are_called)
{
	take_board();

	cr_expect(plugin_run_has(&run, "node_hwmon_chip_names{chip=\"" CORE
				       "\",chip_name=\"coretemp\"}"));
	cr_expect(plugin_run_has(&run, "node_hwmon_sensor_label{chip=\"" CORE
				       "\",sensor=\"temp2\",label=\"Core 0\"}"));
	cr_expect(plugin_run_has(&run, "node_hwmon_sensor_label{chip=\"" BOARD
				       "\",sensor=\"in1\",label=\"-12 V 5 % rail\"}"));
	cr_expect(plugin_run_has(&run, "node_hwmon_sensor_label{chip=\"" BOARD
				       "\",sensor=\"temp1\",label=\"Gehäuse \"vorn\" \\ °C\"}"));
}

Test(hwmon, loses_no_other_sensor_by_one_that_fails)
{
	take_board();

	cr_expect_eq(plugin_run_error(&run, SERIES("temp_celsius", BOARD, "temp2")), -EISDIR);
	cr_expect(plugin_run_has(&run, SERIES("temp_celsius", BOARD, "temp1")));
}

Test(hwmon, tells_chips_of_one_device_apart)
{
	take_board();

	cr_expect(VALUE("pwm_enable", "platform_asus_nb_wmi_asus", "pwm1") == 2);
	cr_expect(VALUE("pwm_enable", "platform_asus_nb_wmi_asus_wmi_sensors", "pwm1") == 0);
}

Test(hwmon, says_the_same_when_it_is_asked_twice)
{
	size_t n_samples;

	take_board();
	n_samples = run.batch.n_samples;
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, n_samples);
	plugin_run_cleanup(&run);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(run.batch.n_samples, n_samples);
}

Test(hwmon, tells_chips_of_one_device_and_name_apart_by_number)
{
	fake_root_write(root, "/sys/devices/platform/x/hwmon/hwmon0/temp1_input", "1000\n");
	fake_root_write(root, "/sys/devices/platform/x/hwmon/hwmon1/temp1_input", "2000\n");
	fake_root_write(root, CLASS "/README", "");
	link_to("/sys/devices/platform/x/hwmon/hwmon0/device", "../../../x");
	link_to("/sys/devices/platform/x/hwmon/hwmon1/device", "../../../x");
	link_to(CLASS "/hwmon0", "../../devices/platform/x/hwmon/hwmon0");
	link_to(CLASS "/hwmon1", "../../devices/platform/x/hwmon/hwmon1");
	take(root);

	cr_expect(VALUE("temp_celsius", "platform_x_hwmon0", "temp1") == 1);
	cr_expect(VALUE("temp_celsius", "platform_x_hwmon1", "temp1") == 2);
}

Test(hwmon, names_a_chip_without_a_device_by_its_name_or_number)
{
	fake_root_write(root, CLASS "/hwmon0/name", "ACPI-Tz.0_\n");
	fake_root_write(root, CLASS "/hwmon0/temp1_input", "1000\n");
	fake_root_write(root, CLASS "/hwmon7/temp1_input", "2000\n");
	take(root);

	cr_expect(VALUE("temp_celsius", "acpi_tz_0", "temp1") == 1);
	cr_expect(VALUE("temp_celsius", "hwmon7", "temp1") == 2);
}

Test(hwmon, finds_the_files_of_old_drivers_beside_the_device)
{
	fake_root_write(root, "/sys/devices/platform/w83627hf.656/in0_input", "3300\n");
	fake_root_write(root, "/sys/devices/platform/w83627hf.656/in1_input", "5000\n");
	fake_root_write(root, "/sys/devices/platform/w83627hf.656/hwmon/hwmon0/in1_input",
			"5100\n");
	fake_root_write(root, CLASS "/README", "");
	link_to("/sys/devices/platform/w83627hf.656/hwmon/hwmon0/device", "../../../w83627hf.656");
	link_to(CLASS "/hwmon0", "../../devices/platform/w83627hf.656/hwmon/hwmon0");
	take(root);

	cr_expect(VALUE("in_volts", "platform_w83627hf_656", "in0") == 3300 * 0.001);
	cr_expect(VALUE("in_volts", "platform_w83627hf_656", "in1") == 5100 * 0.001);
	cr_expect_eq(run.batch.n_samples, 2);
}

Test(hwmon, gives_a_reason_and_no_value_for_what_is_no_number)
{
	static const char *const texts[] = {"", "hot\n", "1 2\n", "99999999999999999999999e999\n"};

	for (size_t i = 0; i < 4; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), CLASS "/hwmon0/temp%zu_input", i);
		fake_root_write(root, path, texts[i]);
	}
	fake_root_write(root, CLASS "/hwmon0/temp4_input", "40000\n");
	take(root);

	cr_expect_eq(plugin_run_error(&run, SERIES("temp_celsius", "hwmon0", "temp0")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, SERIES("temp_celsius", "hwmon0", "temp1")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, SERIES("temp_celsius", "hwmon0", "temp2")), -EINVAL);
	cr_expect_lt(plugin_run_error(&run, SERIES("temp_celsius", "hwmon0", "temp3")), 0);
	cr_expect(VALUE("temp_celsius", "hwmon0", "temp4") == 40);
}

Test(hwmon, passes_over_files_that_are_no_sensors)
{
	static const char *const files[] = {
		"uevent",
		"in_reset_history",
		"temp1",
		"temp1x_input",
		"temp1_",
		"temp_input_1",
		"bogus1_input",
		"1_input",
		"_",
		"power",
		"temp%s%n1_input",
		"pwm1_input",
		"fan",
		"123",
		"temp99999999999999999999_input",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), CLASS "/hwmon0/%s", files[i]);
		fake_root_write(root, path, "1000\n");
	}
	cr_expect_eq(plugin_run_start(&run, &hwmon_plugin, root), -ENODEV);
}

/* node_exporter 1.5.0 says the same of them. */
Test(hwmon, names_what_drivers_have_beside_as_node_exporter_does)
{
	fake_root_write(root, CLASS "/hwmon0/temp1_auto_temp_off", "30000\n");
	fake_root_write(root, CLASS "/hwmon0/temp1_input_", "1000\n");
	fake_root_write(root, CLASS "/hwmon0/in0_odd-Name", "-5\n");
	fake_root_write(root, CLASS "/hwmon0/pwm1_auto_pwm_min", "64\n");
	fake_root_write(root, CLASS "/hwmon0/energy1_zero", "2000000\n");
	fake_root_write(root, CLASS "/hwmon0/energy1_alarm", "1\n");
	fake_root_write(root, CLASS "/hwmon0/humidity1_raw", "3\n");
	fake_root_write(root, CLASS "/hwmon0/power1_beep", "1\n");
	fake_root_write(root, CLASS "/hwmon0/temp1_state", "hot\n");
	fake_root_write(root, CLASS "/hwmon0/temp1_bits", "0x1f\n");
	take(root);

	cr_expect(VALUE("temp_auto_temp_off_celsius", "hwmon0", "temp1") == 30);
	cr_expect(VALUE("temp_input_celsius", "hwmon0", "temp1") == 1);
	cr_expect(VALUE("in_odd_name_volts", "hwmon0", "in0") == -0.005);
	cr_expect(VALUE("pwm_auto_pwm_min", "hwmon0", "pwm1") == 64);
	cr_expect(VALUE("energy_zero_joule_total", "hwmon0", "energy1") == 2);
	cr_expect(VALUE("energy_alarm", "hwmon0", "energy1") == 1);
	cr_expect(VALUE("humidity_raw", "hwmon0", "humidity1") == 3 / 1000000.0);
	cr_expect(VALUE("power_beep_enabled", "hwmon0", "power1") == 1);
	cr_expect_eq(run.batch.n_samples, 8);
}

Test(hwmon, makes_labels_fit)
{
	fake_root_write(root, CLASS "/hwmon0/temp1_input", "1000\n");
	fake_root_write(root, CLASS "/hwmon0/temp1_label", "\x1b[31m\xff\xfe 100%s  \n");
	take(root);

	cr_expect(plugin_run_has(&run, "node_hwmon_sensor_label{chip=\"hwmon0\",sensor=\"temp1\","
				       "label=\"\xef\xbf\xbd[31m\xef\xbf\xbd 100%s  \"}"));
}

Test(hwmon, tells_no_series_twice)
{
	fake_root_write(root, CLASS "/hwmon0/temp1_input", "1000\n");
	fake_root_write(root, CLASS "/hwmon0/temp01_input", "2000\n");
	fake_root_write(root, CLASS "/hwmon0/temp01_label", "a\n");
	fake_root_write(root, CLASS "/hwmon0/temp1_label", "b\n");
	fake_root_write(root, CLASS "/hwmon0/freq1_input", "1000\n");
	fake_root_write(root, CLASS "/hwmon0/freq1_label", "sclk\n");
	fake_root_write(root, CLASS "/hwmon0/freq2_input", "1000\n");
	fake_root_write(root, CLASS "/hwmon0/freq2_label", "SCLK\n");
	take(root);

	/* One temperature, one clock, three labels. */
	cr_expect_eq(run.batch.n_samples, 5);
}

Test(hwmon, leaves_out_what_it_is_told_to)
{
	option_values[0] = BOARD " *;temp2";
	take_board();

	for (size_t i = 0; i < run.batch.n_samples; i++) {
		cr_expect_null(strstr(run.batch.samples[i].series, BOARD));
		cr_expect_null(strstr(run.batch.samples[i].series, "temp2"));
	}
	cr_expect(plugin_run_has(&run, SERIES("temp_celsius", CORE, "temp1")));
}

Test(hwmon, says_enodev_on_a_host_without_sensors)
{
	cr_expect_eq(plugin_run_start(&run, &hwmon_plugin, "tests/fixtures/empty"), -ENODEV);
	/* A chip that the kernel lists and that is no folder. */
	fake_root_write(root, CLASS "/hwmon0", "");
	cr_expect_eq(plugin_run_start(&run, &hwmon_plugin, root), -ENODEV);
}

Test(hwmon, refuses_a_budget_that_is_none)
{
	static const char *const wrong[] = {"", "0", "-1", "10001", "x", "1s"};
	char reason[64];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_eq(hwmon_plugin.options[1].check(wrong[i], reason, sizeof(reason)),
			     -EINVAL);
	cr_expect_eq(hwmon_plugin.options[1].check("10000", reason, sizeof(reason)), 0);
}
