/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/time.c. linux_6_18 has the files of a virtual machine.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin time_plugin;

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

TestSuite(time, .init = setup, .fini = teardown);

#define FOLDER "/sys/devices/system/clocksource/clocksource"
#define AVAILABLE(dev, name)                                                                       \
	"node_time_clocksource_available_info{device=\"" dev "\",clocksource=\"" name "\"}"
#define CURRENT(dev, name)                                                                         \
	"node_time_clocksource_current_info{device=\"" dev "\",clocksource=\"" name "\"}"

static void take(const char *at)
{
	cr_assert_eq(plugin_run_start(&run, &time_plugin, at), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(time, reports_what_drives_the_clock)
{
	take("tests/fixtures/linux_6_18");

	cr_expect_eq(run.batch.n_samples, 4, "a folder has no time of its own");
	cr_expect(plugin_run_value(&run, AVAILABLE("0", "kvm-clock")) == 1);
	cr_expect(plugin_run_value(&run, AVAILABLE("0", "tsc")) == 1);
	cr_expect(plugin_run_value(&run, AVAILABLE("0", "acpi_pm")) == 1);
	cr_expect(plugin_run_value(&run, CURRENT("0", "tsc")) == 1);
}

Test(time, tells_of_another_source_and_says_the_same_twice)
{
	fake_root_write(root, FOLDER "0/current_clocksource", "tsc\n");
	fake_root_write(root, FOLDER "0/available_clocksource", "tsc hpet\n");
	take(root);
	fake_root_write(root, FOLDER "0/current_clocksource", "hpet\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 3);
	cr_expect(plugin_run_value(&run, CURRENT("0", "hpet")) == 1);
}

Test(time, takes_hostile_lists)
{
	char text[1100];

	fake_root_write(root, FOLDER "0/available_clocksource", "a  b\ta %s \xff\n");
	fake_root_write(root, FOLDER "0/current_clocksource", "");
	(void)snprintf(text, sizeof(text), "%01050d", 0);
	fake_root_write(root, FOLDER "1/available_clocksource", text);
	fake_root_write(root, FOLDER "x/available_clocksource", "c\n");
	take(root);

	cr_expect_eq(fake_batch_n_values(&run.batch), 4);
	cr_expect(plugin_run_value(&run, AVAILABLE("0", "%s")) == 1);
	cr_expect_eq(plugin_run_error(&run, AVAILABLE("1", "")), -ERANGE);
	cr_expect_eq(plugin_run_error(&run, CURRENT("1", "")), -ENOENT);
}

/* setenv(3) before the start: the zone is looked up there. */
Test(time, reports_the_time_and_the_zone_of_the_running_system)
{
	struct timespec before;
	struct timespec after;
	double now;

	(void)setenv("TZ", "ABC-5:30", 1);
	cr_assert_eq(clock_gettime(CLOCK_REALTIME, &before), 0);
	take("");
	cr_assert_eq(clock_gettime(CLOCK_REALTIME, &after), 0);

	now = plugin_run_value(&run, "node_time_seconds");
	cr_expect(now >= (double)before.tv_sec && now <= (double)after.tv_sec + 1);
	cr_expect(plugin_run_value(&run, "node_time_zone_offset_seconds{time_zone=\"ABC\"}") ==
		  19800);
}

Test(time, says_enodev_below_a_root_without_the_files)
{
	cr_expect_eq(plugin_run_start(&run, &time_plugin, "tests/fixtures/empty"), -ENODEV);
}
