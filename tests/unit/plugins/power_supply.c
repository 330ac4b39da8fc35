/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/power_supply.c on tests/fixtures/board, which is written by hand as Linux 6.1 prints it
 * (Documentation/ABI/testing/sysfs-class-power), and below roots that the tests write.
 */

#include <string.h>

#include "tests/support/board_suite.h"

BOARD_SUITE(power_supply);

#define SUPPLY(name, supply) "node_power_supply_" name "{power_supply=\"" supply "\"}"
#define USB                  "ucsi-source-psy-USBC000:001"

Test(power_supply, reports_numbers_in_units)
{
	take("tests/fixtures/board");

	cr_expect(VALUE(SUPPLY("capacity", "BAT0")) == 81);
	cr_expect(VALUE(SUPPLY("cyclecount", "BAT0")) == 214);
	cr_expect(VALUE(SUPPLY("energy_watthour", "BAT0")) == 36580000 / 1e6);
	cr_expect(VALUE(SUPPLY("energy_full_design", "BAT0")) == 47520000 / 1e6);
	cr_expect(VALUE(SUPPLY("power_watt", "BAT0")) == 4830000 / 1e6);
	cr_expect(VALUE(SUPPLY("voltage_volt", "BAT0")) == 11660000 / 1e6);
	cr_expect(VALUE(SUPPLY("present", "BAT0")) == 1);
	cr_expect(VALUE(SUPPLY("online", "ADP1")) == 1);
	cr_expect(VALUE(SUPPLY("current_max", USB)) == 3);
	cr_expect(VALUE(SUPPLY("current_ampere", USB)) == 0);
	cr_expect(VALUE(SUPPLY("temp_celsius", "hidpp_battery_0")) == -3.5);
}

Test(power_supply, says_nothing_of_what_a_supply_cannot_tell)
{
	take("tests/fixtures/board");

	cr_expect_eq(plugin_run_error(&run, SUPPLY("capacity", "hidpp_battery_0")), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, SUPPLY("capacity", "ADP1")), -ENOENT);
	cr_expect_null(fake_batch_find(&run.batch, SUPPLY("capacity", "hidpp_battery_0")));
}

/* Labels without text are as none. */
#define INFO(supply, type, scope, status, capacity, technology, maker, model, serial, usb)         \
	"node_power_supply_info{power_supply=\"" supply "\",type=\"" type "\",scope=\"" scope      \
	"\",status=\"" status "\",health=\"\",capacity_level=\"" capacity                          \
	"\",charge_type=\"\",technology=\"" technology "\",manufacturer=\"" maker                  \
	"\",model_name=\"" model "\",serial_number=\"" serial "\",usb_type=\"" usb "\"}"

Test(power_supply, tells_what_supplies_are)
{
	take("tests/fixtures/board");

	cr_expect(VALUE(INFO("BAT0", "Battery", "", "Discharging", "Normal", "Li-poly", "LGC",
			     "LNV-45N1\xef\xbf\xbd", "38109", "")) == 1);
	cr_expect(VALUE(INFO("ADP1", "Mains", "", "", "", "", "", "", "", "")) == 1);
	cr_expect(VALUE(INFO("hidpp_battery_0", "Battery", "Device", "Full", "", "", "",
			     "Maus 100 % kabellos", "", "")) == 1);
	cr_expect(VALUE(INFO(USB, "USB", "", "", "", "", "", "", "", "C [PD] PD_PPS")) == 1);
}

#define FOLDER "/sys/class/power_supply/BAT0"

Test(power_supply, sees_the_status_change)
{
	fake_root_write(root, FOLDER "/type", "Battery\n");
	fake_root_write(root, FOLDER "/status", "Charging\n");
	take(root);
	cr_expect(VALUE(INFO("BAT0", "Battery", "", "Charging", "", "", "", "", "", "")) == 1);
	fake_root_write(root, FOLDER "/status", "Full\n");
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(VALUE(INFO("BAT0", "Battery", "", "Full", "", "", "", "", "", "")) == 1);
	cr_expect_eq(run.batch.n_samples, 1);
}

Test(power_supply, gives_a_reason_and_no_value_for_what_cannot_be_read)
{
	fake_root_write(root, FOLDER "/capacity/folder", "");
	fake_root_write(root, FOLDER "/status/folder", "");
	take(root);

	cr_expect_eq(plugin_run_error(&run, SUPPLY("capacity", "BAT0")), -EISDIR);
	cr_expect(VALUE(INFO("BAT0", "", "", "", "", "", "", "", "", "")) == 1);
}

Test(power_supply, tells_no_part_of_what_a_supply_is)
{
	/* The number takes the only descriptor. */
	fake_root_write(root, "/sys/class/power_supply/AC/online", "1\n");
	fake_root_write(root, FOLDER "/type", "Battery\n");
	cr_assert_eq(plugin_run_start_short(&run, &power_supply_plugin, root, 1), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(VALUE(SUPPLY("online", "AC")) == 1);
	cr_expect_eq(plugin_run_error(&run, INFO("BAT0", "", "", "", "", "", "", "", "", "")),
		     -EMFILE);
}

Test(power_supply, leaves_out_what_it_is_told_to)
{
	option_values[0] = "hidpp_* ADP?";
	take("tests/fixtures/board");

	cr_expect(plugin_run_has(&run, SUPPLY("capacity", "BAT0")));
	cr_expect_not(plugin_run_has(&run, SUPPLY("online", "ADP1")));
	for (size_t i = 0; i < run.batch.n_samples; i++)
		cr_expect_null(strstr(run.batch.samples[i].series, "hidpp"));
}
