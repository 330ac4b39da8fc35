/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/watchdog.c on tests/fixtures/board, which is written by hand as Linux 6.1 prints it
 * (Documentation/ABI/testing/sysfs-class-watchdog), and below roots that the tests write.
 */

#include "tests/support/board_suite.h"

BOARD_SUITE(watchdog);

#define DOG(name, dog) "node_watchdog_" name "{name=\"" dog "\"}"
#define INFO(dog, options, identity, state, status, governor)                                      \
	"node_watchdog_info{name=\"" dog "\",options=\"" options "\",identity=\"" identity         \
	"\",state=\"" state "\",status=\"" status "\",pretimeout_governor=\"" governor "\"}"

Test(watchdog, reports_numbers)
{
	take("tests/fixtures/board");

	cr_expect(VALUE(DOG("bootstatus", "watchdog0")) == 32);
	cr_expect(VALUE(DOG("fw_version", "watchdog0")) == 4);
	cr_expect(VALUE(DOG("nowayout", "watchdog0")) == 0);
	cr_expect(VALUE(DOG("timeleft_seconds", "watchdog0")) == 28);
	cr_expect(VALUE(DOG("timeout_seconds", "watchdog0")) == 30);
	cr_expect(VALUE(DOG("pretimeout_seconds", "watchdog0")) == 0);
	cr_expect_eq(plugin_run_error(&run, DOG("access_cs0", "watchdog0")), -ENOENT);
}

Test(watchdog, tells_what_watchdogs_are)
{
	take("tests/fixtures/board");

	cr_expect(VALUE(INFO("watchdog0", "0x8380", "iTCO_wdt", "active", "0x8000", "panic")) == 1);
	cr_expect(VALUE(INFO("watchdog1", "", "", "", "", "")) == 1);
	cr_expect_eq(run.batch.n_samples, 6 + 2);
}

#define FOLDER "/sys/class/watchdog/watchdog0"

Test(watchdog, sees_the_state_change)
{
	fake_root_write(root, FOLDER "/state", "inactive\n");
	fake_root_write(root, FOLDER "/identity", "\xff 100%s\n");
	take(root);
	cr_expect(VALUE(INFO("watchdog0", "", "\xef\xbf\xbd 100%s", "inactive", "", "")) == 1);
	fake_root_write(root, FOLDER "/state", "active\n");
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(VALUE(INFO("watchdog0", "", "\xef\xbf\xbd 100%s", "active", "", "")) == 1);
}

Test(watchdog, gives_a_reason_and_no_value_for_a_wrong_number)
{
	fake_root_write(root, FOLDER "/timeleft", "soon\n");
	fake_root_write(root, FOLDER "/bootstatus", "0x20\n");
	take(root);

	cr_expect_eq(plugin_run_error(&run, DOG("timeleft_seconds", "watchdog0")), -EINVAL);
	cr_expect(VALUE(DOG("bootstatus", "watchdog0")) == 32);
}
