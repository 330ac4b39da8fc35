/* SPDX-License-Identifier: MIT */
/* Tests of agent/device.c with devices that udev believes in; run under umockdev-wrapper. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <umockdev.h>
#include <unistd.h>

#include "agent/host.h"
#include "hostmetrics/sysfs.h"

static UMockdevTestbed *bed;
static struct hm_host host;

/* The names found, each followed by a blank. */
static char found[1024];

static void setup(void)
{
	bed = umockdev_testbed_new();
	cr_assert_lt(access("/sys/kernel", F_OK), 0, "not run under umockdev-wrapper");
	cr_assert_eq(host_init(&host, ""), 0);
}

static void teardown(void)
{
	host_done(&host);
	g_object_unref(bed);
}

TestSuite(device_umockdev, .init = setup, .fini = teardown);

static char *add_device(const char *subsystem, const char *name)
{
	char *path =
		umockdev_testbed_add_device(bed, subsystem, name, NULL, "type", "mock", NULL, NULL);

	cr_assert_not_null(path);
	return path;
}

static int keep_name(void *context, const char *device)
{
	size_t length = strlen(found);

	(void)snprintf(found + length, sizeof(found) - length, "%s ", device);
	return strcmp(device, context) == 0 ? -ECANCELED : 0;
}

static int find(const char *pattern, const char *last)
{
	char context[64];

	(void)snprintf(context, sizeof(context), "%s", last);
	found[0] = '\0';
	return hm_devices_find(&host, "thermal", pattern, keep_name, context);
}

Test(device_umockdev, finds_the_devices_of_one_subsystem_in_the_order_of_their_numbers)
{
	g_free(add_device("thermal", "thermal_zone10"));
	g_free(add_device("thermal", "thermal_zone2"));
	g_free(add_device("thermal", "cooling_device0"));
	g_free(add_device("power_supply", "thermal_zone3"));

	cr_expect_eq(find("thermal_zone[0-9]*", ""), 0);
	cr_expect_str_eq(found, "thermal_zone2 thermal_zone10 ");

	cr_expect_eq(find("*", ""), 0);
	cr_expect_str_eq(found, "cooling_device0 thermal_zone2 thermal_zone10 ");
}

Test(device_umockdev, ends_the_search_when_it_is_told_so)
{
	g_free(add_device("thermal", "thermal_zone0"));
	g_free(add_device("thermal", "thermal_zone1"));

	cr_expect_eq(find("*", "thermal_zone0"), -ECANCELED);
	cr_expect_str_eq(found, "thermal_zone0 ");
}

Test(device_umockdev, follows_devices_that_come_and_go)
{
	cr_expect_eq(find("*", ""), 0);
	cr_expect_str_eq(found, "");

	char *path = add_device("thermal", "thermal_zone0");

	cr_expect_eq(find("*", ""), 0);
	cr_expect_str_eq(found, "thermal_zone0 ");

	umockdev_testbed_uevent(bed, path, "remove");
	umockdev_testbed_remove_device(bed, path);
	cr_expect_eq(find("*", ""), 0);
	cr_expect_str_eq(found, "");
	g_free(path);
}
