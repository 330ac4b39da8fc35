/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/cpu_online.c on tests/fixtures/board, which is written by hand as Linux 6.1 prints it
 * (Documentation/ABI/testing/sysfs-devices-system-cpu), and below roots that the tests write.
 */

#include "tests/support/board_suite.h"

BOARD_SUITE(cpu_online);

#define ONLINE(cpu)   "node_cpu_online{cpu=\"" cpu "\"}"
#define ISOLATED(cpu) "node_cpu_isolated{cpu=\"" cpu "\"}"
#define CPUS          "/sys/devices/system/cpu"

Test(cpu_online, reports_which_cpus_are_switched_on)
{
	take("tests/fixtures/board");

	cr_expect(VALUE(ONLINE("0")) == 1);
	cr_expect(VALUE(ONLINE("5")) == 0);
}

Test(cpu_online, reports_which_cpus_are_isolated)
{
	take("tests/fixtures/board");

	cr_expect(VALUE(ISOLATED("1")) == 1);
	cr_expect(VALUE(ISOLATED("3")) == 1);
	cr_expect(VALUE(ISOLATED("4")) == 1);
	cr_expect_not(plugin_run_has(&run, ISOLATED("0")));
	cr_expect_not(plugin_run_has(&run, ISOLATED("2")));
}

Test(cpu_online, sees_a_cpu_go)
{
	fake_root_write(root, CPUS "/cpu0/online", "1\n");
	fake_root_write(root, CPUS "/cpu1/online", "1\n");
	take(root);
	fake_root_write(root, CPUS "/cpu1/online", "0\n");
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(VALUE(ONLINE("1")) == 0);
}

Test(cpu_online, says_nothing_where_the_first_cpu_cannot_be_switched_off)
{
	fake_root_write(root, CPUS "/cpu0/uevent", "");
	fake_root_write(root, CPUS "/cpu1/online", "1\n");
	fake_root_write(root, CPUS "/isolated", "\n");
	cr_expect_eq(plugin_run_start(&run, &cpu_online_plugin, root), -ENODEV);
}

Test(cpu_online, believes_a_list_as_far_as_it_is_one)
{
	static const struct {
		const char *list;
		size_t n;
	} cases[] = {{"0-3,8\n", 5},        {"3,1-4,4\n", 2}, {"1,x,2\n", 1}, {"5-1\n", 0},
		     {"0-4000000000\n", 0}, {"1-2-3\n", 0},   {",\n", 0},     {" 7 \n", 1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_root_write(root, CPUS "/isolated", cases[i].list);
		if (cases[i].n == 0) {
			cr_expect_eq(plugin_run_start(&run, &cpu_online_plugin, root), -ENODEV);
			continue;
		}
		take(root);
		cr_expect_eq(run.batch.n_samples, cases[i].n, "%s", cases[i].list);
	}
}

Test(cpu_online, gives_a_reason_and_no_value_for_a_wrong_number)
{
	fake_root_write(root, CPUS "/cpu0/online", "yes\n");
	fake_root_write(root, CPUS "/cpu1/online", "1\n");
	take(root);

	cr_expect_eq(plugin_run_error(&run, ONLINE("0")), -EINVAL);
	cr_expect(VALUE(ONLINE("1")) == 1);
}
