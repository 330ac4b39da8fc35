/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/cpu_throttle.c on tests/fixtures/board, which is written by hand as Linux 6.1 prints it
 * (Documentation/ABI/testing/sysfs-devices-system-cpu), and below roots that the tests write.
 */

#include <stdio.h>

#include "tests/support/board_suite.h"

BOARD_SUITE(cpu_throttle);

#define CORE(package, core)                                                                        \
	"node_cpu_core_throttles_total{package=\"" package "\",core=\"" core "\"}"
#define PACKAGE(package) "node_cpu_package_throttles_total{package=\"" package "\"}"

Test(cpu_throttle, reports_each_core_and_package_once)
{
	take("tests/fixtures/board");

	cr_expect(VALUE(CORE("0", "0")) == 5);
	cr_expect(VALUE(CORE("0", "1")) == 0);
	cr_expect(VALUE(CORE("1", "0")) == 9);
	cr_expect(VALUE(PACKAGE("0")) == 30);
	cr_expect(VALUE(PACKAGE("1")) == 6);
	cr_expect_eq(run.batch.n_samples, 5);
}

#define FOLDER "/sys/devices/system/cpu/cpu"

static void write_place(const char *cpu, const char *package, const char *core)
{
	char path[128];

	(void)snprintf(path, sizeof(path), FOLDER "%s/topology/physical_package_id", cpu);
	fake_root_write(root, path, package);
	(void)snprintf(path, sizeof(path), FOLDER "%s/topology/core_id", cpu);
	fake_root_write(root, path, core);
}

Test(cpu_throttle, takes_the_first_cpu_that_has_a_count)
{
	write_place("0", "0\n", "0\n");
	write_place("1", "0\n", "0\n");
	fake_root_write(root, FOLDER "1/thermal_throttle/core_throttle_count", "7\n");
	take(root);

	cr_expect(VALUE(CORE("0", "0")) == 7);
	cr_expect_eq(run.batch.n_samples, 1);
}

Test(cpu_throttle, passes_over_cpus_whose_place_is_not_known)
{
	static const char *const wrong[] = {"-1\n", "", "x\n", "99999999999999999999\n"};

	for (size_t i = 0; i < 4; i++) {
		char path[128];
		char cpu[16];

		(void)snprintf(cpu, sizeof(cpu), "%zu", i);
		write_place(cpu, wrong[i], "0\n");
		(void)snprintf(path, sizeof(path),
			       FOLDER "%zu/thermal_throttle/core_throttle_count", i);
		fake_root_write(root, path, "7\n");
	}
	cr_expect_eq(plugin_run_start(&run, &cpu_throttle_plugin, root), -ENODEV);
}

Test(cpu_throttle, gives_a_reason_and_no_value_for_a_wrong_count)
{
	write_place("0", "0\n", "0\n");
	fake_root_write(root, FOLDER "0/thermal_throttle/core_throttle_count", "hot\n");
	fake_root_write(root, FOLDER "0/thermal_throttle/package_throttle_count", "3\n");
	take(root);

	cr_expect_eq(plugin_run_error(&run, CORE("0", "0")), -EINVAL);
	cr_expect(VALUE(PACKAGE("0")) == 3);
}
