/* SPDX-License-Identifier: MIT */
/* Tests of agent/reload.c: what a plugin that does not come back does to it. */

#include "agent/reload.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/timestamp.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/scratch.h"
#include "tests/support/test_spool.h"

#define SECOND_US INT64_C(1000000)

static struct fake_plugin_control *const control = &fake_plugin_control;

static const char *folder;
static char config_path[200];
static struct options options = {.config = config_path};
static const struct hm_plugin *tables[] = {&fake_plugin};
static struct loader loader = {.plugins = tables, .n_plugins = 1};
static struct settings settings;
static struct hm_host host;
static struct plugin_set set;
static struct spool *spool;
static struct loop *loop;
static struct queue *queue;
static struct uplink *uplink;
static struct wakeup *news;
static struct sampler *sampler;
static struct reload *reload;
static struct control_reply reply;
static int n_reloaded;
static int n_progress;

static void on_news(void *context)
{
	(void)context;
	reload_check(reload);
}

static void on_reloaded(void *context)
{
	(void)context;
	n_reloaded++;
}

static void on_progress(void *context)
{
	(void)context;
	n_progress++;
}

static void write_config(const char *text)
{
	FILE *file = fopen(config_path, "w");

	cr_assert_not_null(file);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
}

static void open_parts(void)
{
	struct settings_report report = {0};

	cr_assert_eq(settings_read(&settings, &options, &loader, &report), 0);
	settings_report_done(&report);
	cr_assert_eq(host_init(&host, ""), 0);
	cr_assert_eq(plugin_set_init(&set, &settings, &host), 0);
}

static void open_threads(void)
{
	cr_assert_eq(loop_new(&loop), 0);
	cr_assert_eq(wakeup_new(loop, on_news, NULL, &news), 0);
	cr_assert_eq(queue_new((size_t)1 << 20, &queue), 0);
	spool = test_spool_open(-1, "one");
	cr_assert_eq(uplink_new(loop, spool, test_spool_id, settings.collector, &uplink), 0);
	cr_assert_eq(sampler_new(&set, settings.ship_interval_us, queue, news, &sampler), 0);
}

static void setup(void)
{
	const struct reload_parts parts = {
		.options = &options,
		.loader = &loader,
		.settings = &settings,
		.plugins = &set,
		.on_reloaded = on_reloaded,
		.on_progress = on_progress,
	};
	struct reload_parts all = parts;

	folder = scratch_folder();
	(void)snprintf(config_path, sizeof(config_path), "%s/agent.conf", folder);
	write_config("[agent]\nhostname = one\ninterval = 50ms\n");
	open_parts();
	open_threads();
	all.sampler = sampler;
	all.uplink = uplink;
	cr_assert_eq(reload_new(loop, &all, &reload), 0);
}

static void turn_until_done(void)
{
	int64_t end_us = timestamp_monotonic_us() + 20 * SECOND_US;

	while (!sampler_is_done(sampler) && timestamp_monotonic_us() < end_us)
		(void)loop_turn(loop, 10);
	cr_assert(sampler_is_done(sampler));
}

static void teardown(void)
{
	control->blocks = false;
	reload_stop(reload);
	sampler_stop(sampler);
	turn_until_done();
	control_reply_done(&reply);
	sampler_free(sampler);
	reload_free(reload);
	uplink_free(uplink);
	queue_free(queue);
	plugin_set_done(&set);
	settings_done(&settings);
	spool_free(spool);
	wakeup_free(news);
	loop_free(loop);
	host_done(&host);
	scratch_remove(folder);
}

TestSuite(reload, .init = setup, .fini = teardown, .timeout = 120);

/* Call the producer as the control server does, until the answer has ended. */
static const char *answer(void)
{
	int64_t end_us = timestamp_monotonic_us() + 20 * SECOND_US;
	int result = -EAGAIN;

	while (result == -EAGAIN && timestamp_monotonic_us() < end_us) {
		(void)loop_turn(loop, 10);
		result = reply.produce(reply.state, &reply);
	}
	cr_assert_eq(result, 0);
	return buffer_text(&reply.out);
}

static void ask(void)
{
	control_reply_done(&reply);
	reply = (struct control_reply){0};
	reload_answer(reload, false, &reply);
}

static void wait_until_stuck(void)
{
	int64_t end_us = timestamp_monotonic_us() + 20 * SECOND_US;

	while (!plugin_set_find_stuck(&set, 0) && timestamp_monotonic_us() < end_us)
		(void)usleep(1000);
	cr_assert_not_null(plugin_set_find_stuck(&set, 0));
}

Test(reload, answers_when_the_sampler_has_the_settings)
{
	cr_assert_eq(sampler_start(sampler), 0);
	write_config("[agent]\nhostname = two\ninterval = 50ms\n");
	ask();

	cr_assert_not_null(strstr(answer(), "row\tagent\thostname\tone\ttwo\tapplied\nend\tok\n"));
	cr_expect_not(set.is_changing);
	cr_assert_eq(n_reloaded, 1);
	cr_assert_str_eq(settings.hostname, "two");
}

Test(reload, does_not_hang_with_a_plugin_that_does_not_come_back)
{
	int64_t begin_us = timestamp_monotonic_us();

	control->blocks = true;
	cr_assert_eq(sampler_start(sampler), 0);
	wait_until_stuck();
	write_config("[agent]\nhostname = two\ninterval = 50ms\n");
	ask();
	cr_assert_not_null(strstr(answer(), "end\tfailed\tnot in force yet: it waits for plugin "
					    "fake, which does not come back\n"));
	cr_assert_lt(timestamp_monotonic_us() - begin_us, 10 * SECOND_US);
	cr_assert_str_eq(settings.hostname, "one");

	/* Who asks then is told at once, and changes nothing. */
	ask();
	cr_assert_not_null(strstr(answer(), "end\tfailed\tthe reload before this one still waits"));

	control->blocks = false;
	begin_us = timestamp_monotonic_us();
	while (n_reloaded == 0 && timestamp_monotonic_us() < begin_us + 20 * SECOND_US)
		(void)loop_turn(loop, 10);
	cr_assert_str_eq(settings.hostname, "two");
}

Test(reload, comes_once_more_for_a_request_in_between)
{
	control->blocks = true;
	cr_assert_eq(sampler_start(sampler), 0);
	wait_until_stuck();
	write_config("[agent]\nhostname = two\ninterval = 50ms\n");
	reload_request(reload);
	write_config("[agent]\nhostname = three\ninterval = 50ms\n");
	reload_request(reload);
	reload_request(reload);

	control->blocks = false;
	for (int i = 0; i < 2000 && n_reloaded < 2; i++)
		(void)loop_turn(loop, 10);
	cr_assert_eq(n_reloaded, 2);
	cr_assert_str_eq(settings.hostname, "three");
}

Test(reload, answers_when_it_is_in_force_though_the_next_one_waits)
{
	control->blocks = true;
	cr_assert_eq(sampler_start(sampler), 0);
	wait_until_stuck();
	write_config("[agent]\nhostname = two\ninterval = 50ms\n");
	ask();
	cr_assert_eq(reply.produce(reply.state, &reply), -EAGAIN);
	cr_expect(set.is_changing);
	write_config("[agent]\nhostname = three\ninterval = 50ms\n");
	reload_request(reload);
	control->blocks = false;
	for (int i = 0; i < 2000 && n_reloaded < 1; i++)
		(void)loop_turn(loop, 10);

	/* The second one is under way, or done: that is not what was asked for. */
	cr_assert_eq(reply.produce(reply.state, &reply), 0);
	cr_assert_not_null(strstr(buffer_text(&reply.out), "one\ttwo\tapplied\nend\tok\n"));
}

Test(reload, is_given_up_when_the_agent_ends)
{
	control->blocks = true;
	cr_assert_eq(sampler_start(sampler), 0);
	wait_until_stuck();
	write_config("[agent]\nhostname = two\ninterval = 50ms\n");
	ask();
	cr_assert_eq(reply.produce(reply.state, &reply), -EAGAIN);
	cr_assert_eq(n_progress, 0);
	reload_stop(reload);
	cr_assert_eq(n_progress, 1, "who waits is called once more");
	cr_assert_not_null(strstr(answer(), "end\tfailed\tthe agent is ending\n"));
}
