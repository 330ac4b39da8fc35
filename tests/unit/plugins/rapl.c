/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/rapl.c on tests/fixtures/board, which is written by hand as Linux 6.1 prints it
 * (Documentation/power/powercap/powercap.rst), and below roots that the tests write.
 */

#include <linux/capability.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/board_suite.h"

BOARD_SUITE(rapl);

#define ZONE(name, index, folder)                                                                  \
	"node_rapl_" name "joules_total{index=\"" index "\",path=\"/sys/class/powercap/" folder    \
	"\"}"

Test(rapl, reports_joules_of_each_zone)
{
	take("tests/fixtures/board");

	cr_expect(VALUE(ZONE("package_", "0", "intel-rapl:0")) == 240422366267 / 1000000.0);
	cr_expect(VALUE(ZONE("package_", "1", "intel-rapl:1")) == 262143328850 / 1000000.0);
	cr_expect(VALUE(ZONE("dram_", "0", "intel-rapl:0:1")) == 0);
	cr_expect(VALUE(ZONE("psys_", "0", "intel-rapl:2")) == 1);
	cr_expect(VALUE(ZONE("package_0_die_1_", "0", "intel-rapl:3")) == 2.5);
}

Test(rapl, counts_zones_that_have_no_number_of_their_own)
{
	take("tests/fixtures/board");

	cr_expect(VALUE(ZONE("core_", "0", "intel-rapl:0:0")) == 118821284256 / 1000000.0);
	cr_expect(VALUE(ZONE("core_", "1", "intel-rapl:1:0")) == 7 / 1000000.0);
}

Test(rapl, ships_a_counter_that_wraps_as_it_is)
{
	fake_root_write(root, "/sys/class/powercap/intel-rapl:0/name", "package-0\n");
	fake_root_write(root, "/sys/class/powercap/intel-rapl:0/energy_uj", "262143000000\n");
	take(root);
	fake_root_write(root, "/sys/class/powercap/intel-rapl:0/energy_uj", "5000000\n");
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(VALUE(ZONE("package_", "0", "intel-rapl:0")) == 5);
}

Test(rapl, tells_zones_of_other_names_by_a_label)
{
	fake_root_write(root, "/sys/class/powercap/dtpm:0/name", "soc %s \xff-x\n");
	fake_root_write(root, "/sys/class/powercap/dtpm:0/energy_uj", "1000000\n");
	take(root);

	cr_expect(VALUE("node_rapl_joules_total{index=\"0\",path=\"/sys/class/powercap/dtpm:0\","
			"rapl_zone=\"soc %s \xef\xbf\xbd-x\"}") == 1);
}

/* As those who are not root find it: root without its powers is refused as well. */
static void forbid(const char *path)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};
	char full[512];

	(void)snprintf(full, sizeof(full), "%s%s", root, path);
	cr_assert_eq(chmod(full, 0), 0);
	cr_assert_eq(syscall(SYS_capset, &header, none), 0);
}

Test(rapl, does_not_fail_because_of_what_it_may_not_read)
{
	fake_root_write(root, "/sys/class/powercap/intel-rapl:0/name", "package-0\n");
	fake_root_write(root, "/sys/class/powercap/intel-rapl:0/energy_uj", "1000000\n");
	forbid("/sys/class/powercap/intel-rapl:0/energy_uj");
	take(root);

	cr_expect_eq(plugin_run_error(&run, ZONE("package_", "0", "intel-rapl:0")), -EACCES);
}

Test(rapl, gives_a_reason_and_no_value_for_a_wrong_number)
{
	fake_root_write(root, "/sys/class/powercap/intel-rapl:0/name", "package-0\n");
	fake_root_write(root, "/sys/class/powercap/intel-rapl:0/energy_uj", "many\n");
	cr_assert_eq(plugin_run_start(&run, &rapl_plugin, root), 0);

	cr_expect_eq(plugin_run_take(&run), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, ZONE("package_", "0", "intel-rapl:0")), -EINVAL);
}
