/* SPDX-License-Identifier: MIT */
/* Tests of agent/agenda.c. */

#include "agent/agenda.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/metric_registry.h"
#include "agent/spool.h"
#include "common/timestamp.h"
#include "common/wire_schedule.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/test_spool.h"

static const struct hm_metric other_metrics[] = {
	{.name = "fake_events", .kind = HM_GAUGE},
	{.name = "a", .kind = HM_GAUGE},
	{.name = "fake_value2", .kind = HM_GAUGE},
};
static const struct hm_plugin other = {
	.name = "other", .metrics = other_metrics, .n_metrics = 3, .start_collect = NULL};

static struct hm_host host;
static struct plugin *plugins[2];
static struct plugin_set set = {.plugins = plugins, .n_plugins = 2};
static struct agenda agenda;
static struct buffer text;

static void make(size_t i, const struct hm_plugin *table, int64_t interval_us, bool is_disabled)
{
	const struct plugin_config config = {
		.table = table,
		.host = &host,
		.interval_us = interval_us,
		.is_disabled = is_disabled,
	};

	plugin_free(plugins[i]);
	cr_assert_eq(plugin_new(&config, &plugins[i]), 0);
}

static void setup(void)
{
	cr_assert_eq(host_init(&host, ""), 0);
	make(0, &fake_plugin, 10000000, false);
	make(1, &other, 500000, false);
}

static void teardown(void)
{
	plugin_free(plugins[0]);
	plugin_free(plugins[1]);
	agenda_done(&agenda);
	buffer_done(&text);
	host_done(&host);
}

TestSuite(agenda, .init = setup, .fini = teardown);

static int64_t ship_interval_us;

static int update(int64_t since_us)
{
	const struct agenda_terms terms = {since_us, ship_interval_us};

	return agenda_update(&agenda, &set, &terms);
}

/* What a collector reads of it. */
static const char *read_agenda(void)
{
	struct wire_stamp stamp = {.sequence = 1};
	struct buffer payload = {0};
	struct wire_schedule schedule;
	struct wire_schedule_entry entry;

	memset(stamp.epoch, 1, HM_ID_BYTES);
	memset(stamp.host_id, 1, HM_ID_BYTES);
	wire_stamp_put(&payload, &stamp);
	buffer_append(&payload, agenda.body.data, agenda.body.length);
	cr_assert_eq(wire_schedule_get((const uint8_t *)payload.data, payload.length, &schedule),
		     HM_REASON_NONE);
	buffer_clear(&text);
	buffer_printf(&text, "%lld:", (long long)schedule.since_us);
	if (schedule.ship_interval_us > 0)
		buffer_printf(&text, " sent=%llu", (unsigned long long)schedule.ship_interval_us);
	while (wire_schedule_next(&schedule, &entry))
		buffer_printf(&text, " %.*s=%llu", (int)entry.metric.length, entry.metric.start,
			      (unsigned long long)entry.interval_us);
	buffer_done(&payload);
	return buffer_text(&text);
}

Test(agenda, has_all_metrics_by_name)
{
	cr_assert_eq(update(7), 0);
	cr_assert_str_eq(read_agenda(), "7: a=500000 fake_events=500000 fake_events_total=10000000 "
					"fake_value=10000000 fake_value2=500000");
	cr_assert(agenda.is_owed);
}

/* By the second plugin. */
static void make_metric(struct metric_registry *registry, const char *name)
{
	const struct hm_metric wanted = {
		.name = name, .unit = "", .help = "Made.", .source = "test", .kind = HM_GAUGE};
	const struct hm_host maker = {.plugin = &other, .registry = registry};
	const struct hm_metric *made;

	cr_assert_eq(hm_metric_new(&maker, &wanted, &made), 0);
}

Test(agenda, has_metrics_that_plugins_have_made)
{
	struct metric_registry registry;

	cr_assert_eq(metric_registry_init(&registry, 0), 0);
	set.registry = &registry;
	make_metric(&registry, "made_b");
	make_metric(&registry, "made_a");
	cr_assert_eq(update(7), 0);
	cr_assert_str_eq(read_agenda(),
			 "7: a=500000 fake_events=500000 fake_events_total=10000000 "
			 "fake_value=10000000 fake_value2=500000 made_a=500000 made_b=500000");
	make(1, &other, 500000, true);
	cr_assert_eq(update(8), 0);
	cr_assert_str_eq(read_agenda(), "8: fake_events_total=10000000 fake_value=10000000");
	set.registry = NULL;
	metric_registry_done(&registry);
}

Test(agenda, has_the_oldest_of_more_than_a_message_holds)
{
	struct metric_registry registry;
	char name[180];

	cr_assert_eq(metric_registry_init(&registry, 0), 0);
	set.registry = &registry;
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "made_%0170d", i);
		make_metric(&registry, name);
	}
	ship_interval_us = 60000000;
	cr_assert_eq(update(7), 0);
	cr_expect_leq(agenda.body.length, SPOOL_BODY_MAX_BYTES);
	cr_expect_gt(agenda.body.length, SPOOL_BODY_MAX_BYTES - 200);
	(void)read_agenda();
	cr_expect_not_null(strstr(buffer_text(&text), "0001="));
	cr_expect_null(strstr(buffer_text(&text), "1999="));
	set.registry = NULL;
	metric_registry_done(&registry);
}

Test(agenda, leaves_out_what_is_disabled)
{
	make(1, &other, 500000, true);
	cr_assert_eq(update(7), 0);
	cr_assert_str_eq(read_agenda(), "7: fake_events_total=10000000 fake_value=10000000");
	make(0, &fake_plugin, 10000000, true);
	cr_assert_eq(update(8), 0);
	cr_assert_str_eq(read_agenda(), "8:");
	set.n_plugins = 0;
}

Test(agenda, is_told_once_as_long_as_nothing_changes)
{
	cr_assert_eq(update(7), 0);
	cr_assert_eq(update(8), 0);
	cr_assert_eq(strncmp(read_agenda(), "7:", 2), 0);
	agenda_written(&agenda);
	cr_assert_eq(update(9), 0);
	cr_assert_not(agenda.is_owed);
	make(1, &other, 400000, false);
	cr_assert_eq(update(11), 0);
	cr_assert(agenda.is_owed);
	cr_assert_eq(strncmp(read_agenda(), "11:", 3), 0);
}

Test(agenda, is_told_though_nothing_is_sampled)
{
	set.n_plugins = 0;
	cr_assert_eq(update(7), 0);
	cr_assert(agenda.is_owed);
}

Test(agenda, says_how_often_it_is_sent)
{
	ship_interval_us = 60000000;
	make(1, &other, 0, true);
	cr_assert_eq(update(7), 0);
	cr_assert_str_eq(read_agenda(),
			 "7: sent=60000000 fake_events_total=10000000 fake_value=10000000");
	agenda_written(&agenda);
	ship_interval_us = 3600000000;
	cr_assert_eq(update(8), 0);
	cr_assert(agenda.is_owed);
}
