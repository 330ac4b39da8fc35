/* SPDX-License-Identifier: MIT */
/* Tests of agent/monitor.c with devices that come and go; run under umockdev-wrapper. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <umockdev.h>
#include <unistd.h>

#include "agent/monitor.h"
#include "common/timestamp.h"
#include "tests/support/fake_plugin.h"

#define SECOND_US INT64_C(1000000)

#ifdef __SANITIZE_THREAD__
/* umockdev has a thread of its own, and glib, which it uses, is not compiled for ThreadSanitizer. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "called_from_lib:libglib-2.0.so\ncalled_from_lib:libumockdev.so\n";
}
#endif

static struct fake_plugin_control *const control = &fake_plugin_control;

static UMockdevTestbed *bed;
static struct hm_host host;
static struct plugin *plugins[1];
static struct plugin_set set = {.plugins = plugins, .n_plugins = 1};
static struct loop *loop;
static struct queue *queue;
static struct wakeup *news;
static struct sampler *sampler;
static struct monitor *monitor;

static void ignore_news(void *context)
{
	(void)context;
}

static void make_plugin(void)
{
	struct plugin_config config = {
		.table = &fake_plugin, .host = &host, .interval_us = 3600 * SECOND_US};

	bed = umockdev_testbed_new();
	cr_assert_lt(access("/sys/kernel", F_OK), 0, "not run under umockdev-wrapper");
	cr_assert_eq(host_init(&host, ""), 0);
	cr_assert_eq(plugin_new(&config, &plugins[0]), 0);
}

static void setup(void)
{
	make_plugin();
	cr_assert_eq(loop_new(&loop), 0);
	cr_assert_eq(wakeup_new(loop, ignore_news, NULL, &news), 0);
	cr_assert_eq(queue_new(1000000, &queue), 0);
	cr_assert_eq(sampler_new(&set, 3600 * SECOND_US, queue, news, &sampler), 0);
	cr_assert_eq(monitor_open(loop, &set, sampler, &monitor), 0);
	cr_assert_eq(sampler_start(sampler), 0);
}

static void turn_for(int64_t duration_us)
{
	int64_t end_us = timestamp_monotonic_us() + duration_us;

	while (timestamp_monotonic_us() < end_us)
		(void)loop_turn(loop, 5);
}

static void wait_for_starts(int n_starts)
{
	int64_t end_us = timestamp_monotonic_us() + 20 * SECOND_US;

	while (control->n_starts < n_starts && timestamp_monotonic_us() < end_us)
		(void)loop_turn(loop, 5);
	cr_assert_eq(control->n_starts, n_starts);
}

static void teardown(void)
{
	monitor_close(monitor);
	sampler_stop(sampler);
	while (!sampler_is_done(sampler))
		(void)loop_turn(loop, 5);
	sampler_free(sampler);
	queue_free(queue);
	wakeup_free(news);
	loop_free(loop);
	plugin_free(plugins[0]);
	host_done(&host);
	g_object_unref(bed);
}

TestSuite(monitor_umockdev, .init = setup, .fini = teardown, .timeout = 60);

static char *add_device(const char *subsystem, const char *name)
{
	char *path = umockdev_testbed_add_device(bed, subsystem, name, NULL, NULL, NULL);

	cr_assert_not_null(path);
	umockdev_testbed_uevent(bed, path, "add");
	return path;
}

Test(monitor_umockdev, starts_a_plugin_anew_when_a_device_of_its_comes_and_when_it_goes)
{
	char *path;

	wait_for_starts(1);
	path = add_device("fake", "fake0");
	wait_for_starts(2);
	umockdev_testbed_uevent(bed, path, "remove");
	umockdev_testbed_remove_device(bed, path);
	wait_for_starts(3);
	g_free(path);
}

Test(monitor_umockdev, starts_it_anew_when_a_cpu_is_switched_on_or_off)
{
	char *path;

	wait_for_starts(1);
	path = add_device("fake", "fake0");
	wait_for_starts(2);
	umockdev_testbed_uevent(bed, path, "offline");
	wait_for_starts(3);
	umockdev_testbed_uevent(bed, path, "online");
	wait_for_starts(4);
	g_free(path);
}

Test(monitor_umockdev, starts_it_once_for_many_devices_that_come_together)
{
	wait_for_starts(1);
	for (int i = 0; i < 20; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "fake%d", i);
		g_free(add_device("fake", name));
		/* umockdev cannot send when a dozen events wait. */
		(void)loop_turn(loop, 0);
	}
	wait_for_starts(2);
	turn_for(INT64_C(2000) * MONITOR_SETTLE_MS);

	cr_assert_eq(control->n_starts, 2);
}

Test(monitor_umockdev, leaves_it_alone_when_other_devices_come_or_its_own_change)
{
	char *path;

	wait_for_starts(1);
	path = add_device("fake", "fake0");
	wait_for_starts(2);
	umockdev_testbed_uevent(bed, path, "change");
	g_free(add_device("other", "other0"));
	turn_for(INT64_C(2000) * MONITOR_SETTLE_MS);

	cr_assert_eq(control->n_starts, 2);
	g_free(path);
}
