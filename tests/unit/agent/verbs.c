/* SPDX-License-Identifier: MIT */
/* Tests of agent/verbs.c and of the values that it lists (agent/values.c). */

#include "agent/verbs.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cost.h"
#include "agent/values.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/test_spool.h"

static char hostname[] = "web01";
static char collector[] = "mon:9999";
static char refused_name[] = "broken.so";
static char refused_reason[] = "it is";

static struct hm_host host;
static struct settings settings = {
	.series_max = 70,
	.interval_us = 10000000,
	.ship_interval_us = 60000000,
	.hostname = hostname,
	.collector = collector,
};
static struct loader loader;
static struct plugin *plugins[1];
static struct plugin_set set = {.plugins = plugins, .n_plugins = 1};
static struct loop *loop;
static struct wakeup *news;
static struct queue *queue;
static struct spool *spool;
static struct recorder *recorder;
static struct uplink *uplink;
static struct outlet outlet;
static struct sampler *sampler;
static struct series_limit limit = {.max = 1000};
static struct verbs verbs;
static struct control_reply reply;
static struct buffer lines;

static void ignore_news(void *context)
{
	(void)context;
}

static void make_plugin(void)
{
	struct plugin_config config = {
		.table = &fake_plugin, .host = &host, .interval_us = 5000000, .limit = &limit};

	cr_assert_eq(host_init(&host, ""), 0);
	cr_assert_eq(plugin_new(&config, &plugins[0]), 0);
}

static void setup(void)
{
	make_plugin();
	cr_assert_eq(loop_new(&loop), 0);
	cr_assert_eq(wakeup_new(loop, ignore_news, NULL, &news), 0);
	cr_assert_eq(queue_new(1000, &queue), 0);
	spool = test_spool_open(-1, hostname);
	cr_assert_eq(recorder_new(spool, test_spool_id, &recorder), 0);
	cr_assert_eq(uplink_new(loop, spool, test_spool_id, collector, &uplink), 0);
	cr_assert_eq(sampler_new(&set, 1000000, queue, news, &sampler), 0);
	outlet = (struct outlet){.spool = spool, .recorder = recorder, .uplink = uplink};
	verbs = (struct verbs){
		.settings = &settings,
		.loader = &loader,
		.plugins = &set,
		.sampler = sampler,
		.queue = queue,
		.outlet = &outlet,
	};
}

static void teardown(void)
{
	plugin_stop(plugins[0]);
	control_reply_done(&reply);
	sampler_free(sampler);
	uplink_free(uplink);
	recorder_free(recorder);
	spool_free(spool);
	queue_free(queue);
	wakeup_free(news);
	loop_free(loop);
	plugin_free(plugins[0]);
	buffer_done(&lines);
	host_done(&host);
}

TestSuite(verbs, .init = setup, .fini = teardown);

static void take_round(const char *device)
{
	fake_plugin_control.device = device;
	plugin_round(plugins[0], 5000000, 0, &lines);
	plugin_commit(plugins[0], 5000000);
}

/* What a request, with \t between its words, is answered. */
static const char *ask(const char *text)
{
	const struct control_verb *verb = verbs_table;
	struct control_request request;
	static char line[1000];

	(void)snprintf(line, sizeof(line), "%s", text);
	cr_assert_eq(control_request_parse(line, &request), 0);
	while (verb->name && strcmp(verb->name, request.verb) != 0)
		verb++;
	cr_assert_not_null(verb->name);
	control_reply_done(&reply);
	verb->answer(&verbs, &request, &reply);
	cr_assert(reply.ended);
	return buffer_text(&reply.out);
}

#define METRIC_COLUMNS                                                                             \
	"columns\trows\thost:text\tseries:text\tkind:text\tunit:text\tvalue:number\ttime:time\n"

Test(verbs, list_metrics_sorted_with_kind_unit_value_and_time)
{
	fake_plugin_control.n_events = 3;
	take_round("b");
	take_round("a");

	cr_assert_str_eq(ask("list-metrics"), METRIC_COLUMNS
			 "row\tweb01\tfake_events_total{device=\"a\"}\tcounter\t\t0\t5000000\n"
			 "row\tweb01\tfake_events_total{device=\"b\"}\tcounter\t\t3\t5000000\n"
			 "row\tweb01\tfake_value{device=\"a\"}\tgauge\trounds\t2\t5000000\n"
			 "row\tweb01\tfake_value{device=\"b\"}\tgauge\trounds\t1\t5000000\n"
			 "end\tok\n");
}

Test(verbs, list_only_the_metrics_that_are_chosen)
{
	take_round("a");

	cr_assert_str_eq(ask("list-metrics\tglob=fake_v*"),
			 METRIC_COLUMNS "row\tweb01\tfake_value{device=\"a\"}\tgauge\trounds\t1\t"
					"5000000\nend\tok\n");
	cr_assert_not_null(strstr(ask("list-metrics\tglob=nosuch"), "end\tnone\t"));
	cr_assert_not_null(strstr(ask("list-metrics\thost=web02"), "end\tnone\t"));
	cr_assert_not_null(strstr(ask("list-metrics\thost=web*"), "end\tok\n"));
}

Test(verbs, get_the_last_value_of_a_series)
{
	take_round("a");

	cr_assert_str_eq(ask("get\tseries=fake_value{device=\"a\"}"),
			 "columns\trows\ttime:time\thost:text\tseries:text\tvalue:number\n"
			 "row\t5000000\tweb01\tfake_value{device=\"a\"}\t1\n"
			 "end\tok\n");
	cr_assert_not_null(strstr(ask("get\tseries=nosuch"), "end\tnone\t"));
	cr_assert_not_null(strstr(ask("get"), "end\tusage\t"));
}

Test(verbs, list_plugins_with_what_was_refused)
{
	struct loader_refusal refusal = {.name = refused_name, .reason = refused_reason};
	const char *answer;

	loader.refusals = &refusal;
	loader.n_refusals = 1;
	fake_plugin_control.missing = -EIO;
	take_round("a");
	answer = ask("list-plugins");

	cr_assert_not_null(strstr(answer, "row\tfake\trunning\t5000000\t1\t"), "%s", answer);
	cr_assert_not_null(
		strstr(answer, "\t1\t1\tfake_value{device=\"a\"}: Input/output error\tnothing\n"),
		"%s", answer);
	cr_assert_not_null(
		strstr(answer, "row\tbroken.so\trefused\t\\N\t\\N\t\\N\t\\N\t\\N\tit is\t\\N\n"),
		"%s", answer);
	loader = (struct loader){0};
}

Test(verbs, tell_the_state_of_a_plugin_that_finds_nothing)
{
	fake_plugin_control.start_result = -ENODEV;
	take_round("a");

	cr_assert_not_null(strstr(ask("list-plugins"), "row\tfake\tabsent\t5000000\t0\t0\t0\t0\t"
						       "\tnothing\n"));
}

/* Burn CPU time, so that the clock has moved whatever it counts in. */
static void spend(void)
{
	int64_t begin_ns = cost_thread_ns();

	while (cost_thread_ns() - begin_ns < 1000000)
		;
}

/* The number behind `text` in an answer, and where it ends. */
static double number_behind(const char *answer, const char *text, char **ret_end)
{
	const char *found = strstr(answer, text);

	cr_assert_not_null(found, "%s", answer);
	return strtod(found + strlen(text), ret_end);
}

static void expect_behind(const char *at, const char *text)
{
	cr_expect_eq(strncmp(at, text, strlen(text)), 0, "%s", at);
}

Test(verbs, tell_what_a_round_costs)
{
	const char *answer;
	char *end;

	cr_assert_not_null(strstr(ask("cost"), "end\tnone\t"));

	fake_plugin_control.n_events = 3;
	take_round("a");
	take_round("a");
	answer = ask("cost");
	cr_expect_gt(number_behind(answer, "row\tplugin\tfake\t2\t", &end), 0);
	/* Two series; two lengths in one byte; 2 as a double has one byte that is not 0, 3 has two. */
	expect_behind(end, "\t2\t4\n");
	/* As long as the main thread has taken no round, there is no mean of its. */
	cr_expect_null(strstr(answer, "row\tagent"), "%s", answer);
	cr_expect_not_null(strstr(answer, "end\tok\n"));
}

Test(verbs, tell_what_the_parts_of_the_agent_cost_a_round)
{
	const char *answer;
	char *end;

	take_round("a");
	outlet_get_cost(&outlet, &outlet.marks[1]);
	spend();
	outlet.n_rounds = 4;
	outlet.recorder_ns = 400000;
	answer = ask("cost");

	(void)number_behind(answer, "row\tagent\tsampler\t4\t", &end);
	expect_behind(end, "\t\\N\t\\N\n");
	cr_expect_float_eq(number_behind(answer, "row\tagent\trecorder\t4\t", &end), 100, 1e-9);
	expect_behind(end, "\t\\N\t0\n");
	cr_expect_gt(number_behind(answer, "row\tagent\tuplink\t4\t", &end), 0);
	cr_expect_geq(number_behind(answer, "row\ttotal\t\t4\t", &end), 250);
	expect_behind(end, "\t2\t0\n");
}

/* The word of the status' only row under a column. */
static const char *find_word(char *answer, const char *column)
{
	struct control_words columns;
	struct control_words row;
	char *line = strsep(&answer, "\n");

	cr_assert_eq(control_split(line, &columns), 0);
	cr_assert_str_eq(columns.at[1], "record");
	cr_assert_eq(control_split(strsep(&answer, "\n"), &row), 0);
	cr_assert_eq(columns.n - 1, row.n);
	for (size_t i = 2; i < columns.n; i++) {
		if (strcmp(columns.at[i], column) == 0)
			return row.at[i - 1];
	}
	cr_assert_fail("no column %s", column);
	return NULL;
}

static void expect_word(const char *verb, const char *column, const char *word)
{
	char *answer = strdup(ask(verb));

	cr_assert_not_null(answer);
	cr_assert_str_eq(find_word(answer, column), word, "%s", column);
	free(answer);
}

static void expect_status(const char *column, const char *word)
{
	expect_word("status", column, word);
}

Test(verbs, tell_the_status)
{
	const struct queue_span span = {1, 1};

	take_round("a");
	test_spool_append(spool, 12, 2);
	cr_assert_eq(queue_push(queue, "?", 1, 3, &span), 0);

	expect_status("program:text", "hostmetrics-agent");
	expect_status("version:text", HM_VERSION);
	expect_status("hostname:text", "web01");
	expect_status("interval:duration", "10000000");
	expect_status("ship_interval:duration", "60000000");
	expect_status("plugins_running:number", "1");
	expect_status("series:number", "2");
	expect_status("series_max:number", "70");
	expect_status("series_left_out:number", "0");
	expect_status("left_out_most:text", "");
	expect_status("rounds:number", "0");
	expect_status("queue_bytes:number", "12");
	expect_status("samples_sent:number", "0");
	expect_status("queue_samples:number", "5");
	expect_status("samples_dropped:number", "0");
	expect_status("collector:text", "mon:9999");
	expect_status("connection:text", "not started");
}

Test(verbs, tell_how_many_series_are_left_out_and_where)
{
	limit.max = 1;
	take_round("a");
	expect_status("series:number", "1");
	expect_status("series_left_out:number", "1");
	expect_status("left_out_most:text", "fake_events_total");
	expect_status("left_out_plugin:text", "fake");

	/* A round that fails does not tell; one of a plugin that has nothing does. */
	fake_plugin_control.get_result = -EIO;
	take_round("a");
	expect_status("series_left_out:number", "1");
	fake_plugin_control.get_result = 0;
	fake_plugin_control.is_gone = true;
	take_round("a");
	expect_status("series_left_out:number", "0");
}

Test(verbs, tell_what_waits_for_the_collector)
{
	struct spool_epoch_info info;

	expect_word("queue", "oldest:duration", "0");
	test_spool_append(spool, 12, 2);
	test_spool_append(spool, 12, 3);
	expect_word("queue", "kept_in:text", "memory");
	expect_word("queue", "samples:number", "5");
	expect_word("queue", "messages:number", "2");
	expect_word("queue", "bytes:number", "24");
	expect_word("queue", "samples_sent:number", "0");
	expect_word("queue", "disk_error:text", "Bad file descriptor");

	for (size_t i = 0; spool_get_epoch(spool, i, &info) == 0; i++)
		;
	spool_acked(spool, info.id, 1);
	expect_word("queue", "samples:number", "3");
	expect_word("queue", "samples_sent:number", "2");
}

Test(verbs, copy_many_values_in_order)
{
	char problem[MATCHER_PROBLEM_BYTES];
	struct match *match;
	struct values values;
	static char names[500][16];

	for (int i = 0; i < 500; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%d", 499 - i);
		fake_plugin_control.device = names[i];
		plugin_round(plugins[0], 5000000, 0, &lines);
	}
	/* None of these rounds was safe but the last: nothing but that is shown. */
	plugin_commit(plugins[0], 5000000);
	cr_assert_eq(values_copy(&values, &set, NULL, "here"), 0);
	cr_assert_eq(values.n_rows, 2);
	values_done(&values);

	cr_assert_eq(match_new("nosuch", &match, problem), 0);
	cr_assert_eq(values_copy(&values, &set, match, "here"), 0);
	match_free(match);
	cr_assert_eq(values.n_rows, 0);
	values_done(&values);
}
