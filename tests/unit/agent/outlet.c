/* SPDX-License-Identifier: MIT */
/* Tests of agent/outlet.c: what becomes of samples where the spool's folder does not stay as it was. */

#include "agent/outlet.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/host.h"
#include "agent/round.h"
#include "common/cursor.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/scratch.h"

static const struct hm_metric gauge = {.name = "a", .unit = "", .kind = HM_GAUGE};

static const char *folder;
static char path[200];
static char hostname[] = "web01";
static char collector[] = "127.0.0.1:1";
static char spool_size[] = "32M";
static struct settings settings = {
	.hostname = hostname,
	.collector = collector,
	.spool = path,
	.spool_size = spool_size,
	.spool_age_us = SPOOL_MAX_AGE_US,
	.ship_interval_us = 60000000,
};
static struct plugin_set set; /* without plugins */
static struct loop *loop;
static struct queue *queue;
static struct outlet *outlet;

static void on_ended(void *context)
{
	(void)context;
}

static void setup(void)
{
	folder = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/spool", folder);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(loop_new(&loop), 0);
	cr_assert_eq(queue_new((size_t)1 << 20, &queue), 0);
	cr_assert_eq(outlet_new(loop, &settings, queue, on_ended, NULL, &outlet), 0);
	outlet_start(outlet, &set);
}

static void teardown(void)
{
	outlet_free(outlet);
	queue_free(queue);
	loop_free(loop);
	scratch_remove(folder);
}

TestSuite(outlet, .init = setup, .fini = teardown, .timeout = 60);

/* A round, to be freed. */
static struct buffer round_of(int64_t time_us)
{
	const struct round_sample sample = {
		.time_us = time_us, .value = 1, .metric = &gauge, .name = {"a", 1}};
	struct buffer bytes = {0};

	round_put(&bytes, &sample);
	return bytes;
}

/* A sample is taken. */
static void push(int64_t time_us)
{
	const struct queue_span span = {time_us, time_us};
	struct buffer bytes = round_of(time_us);

	cr_assert_eq(queue_push(queue, bytes.data, bytes.length, 1, &span), 0);
	buffer_done(&bytes);
}

/* And shipped. */
static void take(int64_t time_us)
{
	push(time_us);
	queue_ship(queue);
	outlet_take(outlet);
}

static struct spool_status status(void)
{
	struct spool_status status;

	outlet_get_status(outlet, &status);
	return status;
}

/* Look, a few times a second, whether it goes into the folder again. */
static void look(void *context)
{
	(void)context;
	if (!status().is_in_memory)
		loop_quit(loop);
}

static void wait_for_folder(void)
{
	struct timer *timer;

	cr_assert_eq(timer_new(loop, look, NULL, &timer), 0);
	cr_assert_eq(timer_start(timer, 50, 50), 0);
	cr_assert_eq(loop_run(loop), 0);
	timer_free(timer);
}

/* @return the name of the host that is written to */
static const char *current_host(void)
{
	static char name[HM_HOST_NAME_MAX_BYTES + 1];
	struct spool_epoch_info info;

	for (size_t i = 0; spool_get_epoch(outlet->spool, i, &info) == 0; i++)
		(void)snprintf(name, sizeof(name), "%.*s", (int)info.host_name.length,
			       info.host_name.start);
	return name;
}

Test(outlet, goes_on_where_a_host_is_renamed_and_no_file_can_be_opened)
{
	struct rlimit limit;
	struct rlimit none;

	take(10);
	cr_assert_not(status().is_in_memory);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	hostname[4] = '2';
	outlet_configure(outlet, &set, 20);
	take(20);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect(status().is_in_memory);
	cr_expect_str_eq(current_host(), "web02");

	wait_for_folder();
	take(30);
	cr_expect_not(status().is_in_memory);
	cr_expect_eq(status().n_samples, 3, "before, meanwhile, and since");
	cr_expect_str_eq(current_host(), "web02");
}

/* Messages of a type that wait, of all epochs, and hold a text. */
static int count_with(struct spool *spool, enum hm_frame_type type, const char *text)
{
	struct spool_message message;
	struct spool_epoch_info info;
	int n = 0;

	for (size_t i = 0; spool_get_epoch(spool, i, &info) == 0; i++) {
		message.sequence = 0;
		while (spool_next(spool, info.id, message.sequence, &message) == 0)
			n += message.type == type &&
			     memmem(message.payload, message.payload_bytes, text, strlen(text));
	}
	return n;
}

static int count(struct spool *spool, enum hm_frame_type type)
{
	return count_with(spool, type, "");
}

static void remove_folder(void)
{
	DIR *names = opendir(path);
	const struct dirent *name;

	cr_assert_not_null(names);
	while ((name = readdir(names)))
		(void)unlinkat(dirfd(names), name->d_name, 0);
	(void)closedir(names);
	cr_assert_eq(rmdir(path), 0);
}

Test(outlet, goes_on_where_its_folder_was_removed)
{
	take(10);
	take(20);
	cr_assert_eq(status().n_samples, 2);
	remove_folder();
	take(30);

	wait_for_folder();
	take(40);
	cr_expect_eq(access(path, F_OK), 0);
	cr_expect_eq(count(outlet->in_memory, HM_FRAME_CLOCK), 1, "when it began");
	cr_expect_eq(count(outlet->spool, HM_FRAME_SCHEDULE), 1);
	cr_expect_eq(status().n_gone_samples, 2, "what was there only");
	cr_expect_eq(status().n_samples, 2);
}

static bool tells_of(const char *metric)
{
	return count_with(outlet->spool, HM_FRAME_SCHEDULE, metric) > 0;
}

/* Or nobody would know that it is sampled, and explain where it has no samples. */
Test(outlet, tells_of_a_metric_that_a_plugin_makes)
{
	static const struct hm_metric wanted = {
		.name = "made", .unit = "", .help = "Made.", .source = "test", .kind = HM_GAUGE};
	struct metric_registry registry;
	const struct hm_host host = {.root = "", .plugin = &fake_plugin, .registry = &registry};
	const struct plugin_config config = {
		.table = &fake_plugin, .host = &host, .interval_us = 10000000};
	struct plugin *plugin;
	const struct hm_metric *made;

	cr_assert_eq(plugin_new(&config, &plugin), 0);
	cr_assert_eq(metric_registry_init(&registry, 0), 0);
	set = (struct plugin_set){.plugins = &plugin, .n_plugins = 1, .registry = &registry};
	outlet_configure(outlet, &set, 20);
	take(20);
	cr_assert(tells_of("fake_value"));
	cr_assert_eq(hm_metric_new(&host, &wanted, &made), 0);
	cr_assert_not(tells_of("made"));
	take(30);
	cr_expect(tells_of("made"));
	set = (struct plugin_set){.n_plugins = 0};
	plugin_free(plugin);
	metric_registry_done(&registry);
}

/* A reload: the sampler has other settings already, and the main thread does not know since when. */
Test(outlet, does_not_say_that_an_interval_was_another_before_it_was)
{
	static const struct hm_metric wanted = {
		.name = "made", .unit = "", .help = "Made.", .source = "test", .kind = HM_GAUGE};
	struct metric_registry registry;
	const struct hm_host host = {.root = "", .plugin = &fake_plugin, .registry = &registry};
	struct plugin_config config = {
		.table = &fake_plugin, .host = &host, .interval_us = 10000000};
	struct plugin *plugin;
	const struct hm_metric *made;
	int n_schedules;

	cr_assert_eq(plugin_new(&config, &plugin), 0);
	cr_assert_eq(metric_registry_init(&registry, 0), 0);
	set = (struct plugin_set){.plugins = &plugin, .n_plugins = 1, .registry = &registry};
	outlet_configure(outlet, &set, 20);
	take(20);
	n_schedules = count(outlet->spool, HM_FRAME_SCHEDULE);
	config.interval_us = 30000000;
	cr_assert_eq(plugin_configure(plugin, &config, 25), 0);
	cr_assert_eq(hm_metric_new(&host, &wanted, &made), 0);
	set.is_changing = true;
	take(30);
	cr_expect_eq(count(outlet->spool, HM_FRAME_SCHEDULE), n_schedules);
	set.is_changing = false;
	outlet_configure(outlet, &set, 28);
	take(40);
	cr_expect_eq(count(outlet->spool, HM_FRAME_SCHEDULE), n_schedules + 1);
	cr_expect(tells_of("made"));
	set = (struct plugin_set){.n_plugins = 0};
	plugin_free(plugin);
	metric_registry_done(&registry);
}

static bool write_behind(uint64_t n_pushed, int64_t time_us)
{
	struct buffer bytes = round_of(time_us);
	bool wants_others = outlet_write(outlet, n_pushed, bytes.data, bytes.length);

	buffer_done(&bytes);
	return wants_others;
}

static bool write_round(int64_t time_us)
{
	return write_behind(queue_count_pushed(queue), time_us);
}

/* The time of a tick that is not sealed: behind what its ids mean. */
static int64_t tick_time(size_t i)
{
	struct spool_tick tick;
	struct cursor cursor;

	cr_assert_eq(spool_get_tick(outlet->spool, i, &tick), 0);
	cursor = (struct cursor){.at = tick.payload, .left = tick.payload_bytes};
	(void)cursor_get_u64(&cursor);
	return (int64_t)cursor_get_u64(&cursor);
}

/* Who was relieved while it waited for the disk still has its round, and younger ones are in the queue. */
Test(outlet, writes_rounds_in_the_order_in_which_they_were_taken)
{
	uint64_t n_pushed;

	take(10);
	push(20);
	n_pushed = queue_count_pushed(queue);
	push(40);
	(void)write_behind(n_pushed, 30);
	(void)write_round(50);
	for (size_t i = 0; i < 4; i++)
		cr_expect_eq(tick_time(i), 20 + 10 * (int64_t)i);
}

Test(outlet, writes_a_round_and_tells_when_it_cannot_wait_for_the_next_one_to_be_synced)
{
	take(10);
	cr_expect(write_round(20), "nobody knows when there will be another one");
	cr_expect_eq(status().n_ticks, 1);
	outlet_take(outlet);
	cr_expect_not(write_round(30));
	cr_expect_not(write_round(40));
	cr_expect_eq(status().n_ticks, 3);
	cr_expect_eq(outlet->n_rounds, 4);

	/* As if the first of these were so long ago. */
	outlet->unsynced_us -= 4600000;
	cr_expect(write_round(50));
	outlet_take(outlet);
	cr_expect_eq(outlet->unsynced_us, 0);
	cr_expect_not(write_round(60));
}
