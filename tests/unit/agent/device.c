/* SPDX-License-Identifier: MIT */
/* Tests of agent/device.c below a root and on the running system; device_umockdev.c has udev's. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/host.h"
#include "hostmetrics/sysfs.h"
#include "tests/support/fake_root.h"
#include "tests/support/scratch.h"

static struct hm_host host;
static const char *root;

/* The names found, each followed by a blank. */
static char found[1024];

static void setup(void)
{
	root = scratch_folder();
}

static void teardown(void)
{
	host_done(&host);
	scratch_remove(root);
}

TestSuite(device, .init = setup, .fini = teardown);

static int keep_name(void *context, const char *device)
{
	size_t length = strlen(found);

	(void)snprintf(found + length, sizeof(found) - length, "%s ", device);
	return strcmp(device, context) == 0 ? -ECANCELED : 0;
}

static int find_below(const char *folder, const char *pattern, const char *last)
{
	char context[64];

	(void)snprintf(context, sizeof(context), "%s", last);
	cr_assert_eq(host_init(&host, folder), 0);
	return hm_devices_find(&host, "thermal", pattern, keep_name, context);
}

Test(device, finds_devices_in_the_order_of_their_numbers)
{
	cr_expect_eq(find_below("tests/fixtures/laptop", "thermal_zone*", ""), 0);
	cr_expect_str_eq(found, "thermal_zone0 thermal_zone1 thermal_zone2 thermal_zone3 "
				"thermal_zone10 ");
}

Test(device, ends_the_search_when_it_is_told_so)
{
	cr_expect_eq(find_below("tests/fixtures/laptop", "thermal_zone*", "thermal_zone1"),
		     -ECANCELED);
	cr_expect_str_eq(found, "thermal_zone0 thermal_zone1 ");
}

Test(device, finds_nothing_where_no_name_fits)
{
	cr_expect_eq(find_below("tests/fixtures/laptop", "battery*", ""), 0);
	cr_expect_str_eq(found, "");
}

Test(device, finds_nothing_where_the_subsystem_is_unknown)
{
	cr_expect_eq(find_below("tests/fixtures/empty", "*", ""), 0);
	cr_expect_str_eq(found, "");
}

Test(device, passes_over_hidden_names)
{
	fake_root_write(root, "/sys/class/thermal/.hidden", "");
	fake_root_write(root, "/sys/class/thermal/seen", "");

	cr_expect_eq(find_below(root, "*", ""), 0);

	cr_expect_str_eq(found, "seen ");
}

Test(device, says_why_the_folder_cannot_be_read)
{
	fake_root_write(root, "/sys/class/thermal", "a file");

	cr_expect_eq(find_below(root, "*", ""), -ENOTDIR);
}

Test(device, refuses_a_subsystem_of_impossible_length)
{
	char subsystem[512];

	memset(subsystem, 'x', sizeof(subsystem) - 1);
	subsystem[sizeof(subsystem) - 1] = '\0';
	cr_assert_eq(host_init(&host, "tests/fixtures/empty"), 0);

	cr_expect_eq(hm_devices_find(&host, subsystem, "*", keep_name, (char[]){""}),
		     -ENAMETOOLONG);
}

/* Every network namespace has lo. */
Test(device, asks_udev_on_the_running_system)
{
	cr_assert_eq(host_init(&host, ""), 0);

	cr_expect_eq(hm_devices_find(&host, "net", "l[o]", keep_name, (char[]){""}), 0);

	cr_expect_str_eq(found, "lo ");
}

Test(device, finds_nothing_in_a_subsystem_that_the_kernel_does_not_have)
{
	cr_assert_eq(host_init(&host, ""), 0);

	cr_expect_eq(hm_devices_find(&host, "no-such-subsystem", "*", keep_name, (char[]){""}), 0);

	cr_expect_str_eq(found, "");
}

Test(device, entries_of_any_folder_are_found_in_the_same_order)
{
	char last[] = "";

	fake_root_write(root, "/sys/fs/thing/a10/x", "");
	fake_root_write(root, "/sys/fs/thing/a2/x", "");
	fake_root_write(root, "/sys/fs/thing/b/x", "");
	cr_assert_eq(host_init(&host, root), 0);
	cr_expect_eq(hm_folder_find(&host, "/sys/fs/thing", "a*", keep_name, last), 0);
	cr_expect_str_eq(found, "a2 a10 ");
	cr_expect_eq(hm_folder_find(&host, "/sys/fs/other", "*", keep_name, last), -ENOENT);
}
