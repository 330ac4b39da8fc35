/* SPDX-License-Identifier: MIT */
/*
 * What devices that come, go and get other names leave behind in the agent: nothing. Plugins, recorder and spool run as they do
 * in the agent, for 10 000 rounds, on a root whose devices change, and all is sent and acknowledged.
 */

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/footprint.h"
#include "agent/host.h"
#include "agent/plugin.h"
#include "agent/recorder.h"
#include "agent/series_limit.h"
#include "agent/spool.h"
#include "tests/support/fake_root.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin netdev_plugin;
extern const struct hm_plugin netclass_plugin;
extern const struct hm_plugin diskstats_plugin;
extern const struct hm_plugin hwmon_plugin;
extern const struct hm_plugin thermal_zone_plugin;

static const struct hm_plugin *const tables[] = {
	&netdev_plugin, &netclass_plugin, &diskstats_plugin, &hwmon_plugin, &thermal_zone_plugin,
};
#define N_PLUGINS (sizeof(tables) / sizeof(tables[0]))

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED /* it is several times slower, and what is freed stays for a while */
#define N_ROUNDS  4000
#else
#define N_ROUNDS 10000
#endif
#define SETTLED_ROUND 1000 /* by then all has been there once */
#define WINDOW_ROUNDS 1000 /* in which the agent is at its smallest at least once */
#define SHIP_ROUNDS   20
#define SECOND_US     INT64_C(1000000)

/* What may be left: malloc() rounds up, and keeps what is free in lists of its own. */
#define SLACK_BYTES 8192
#define SLACK_KIB   64 /* where pieces of the heap come to lie */

/* Of glibc: so many pieces of each size up to this one. */
#define N_CACHED         7
#define CACHED_MAX_BYTES 1032

/* So many are there at a time, each for so many rounds. */
#define N_CARDS     4
#define CARD_ROUNDS 40

struct size {
	/* When it is at its smallest. */
	size_t heap_bytes;
	long resident_kib;
	/* At most. */
	long n_descriptors;
	size_t n_series;
};

static const uint8_t boot_id[HM_ID_BYTES] = {1};
static const char *root;
static const char *spool_path;
static int spool_folder;
static struct hm_host host;
static struct series_limit limit = {.max = 10000};
static struct plugin *plugins[N_PLUGINS];
static struct spool *spool;
static struct recorder *recorder;
static struct buffer samples;

/* -- devices --------------------------------------------------------------------------------------- */

static const char *path_of(const char *folder, const char *name)
{
	static char path[200];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* A folder with files in it. */
static void remove_folder(const char *folder)
{
	char path[600];
	DIR *names;
	const struct dirent *name;

	(void)snprintf(path, sizeof(path), "%s%s", root, folder);
	names = opendir(path);
	if (!names)
		return;
	while ((name = readdir(names)))
		(void)unlinkat(dirfd(names), name->d_name, 0);
	(void)closedir(names);
	cr_assert_eq(rmdir(path), 0);
}

static const char *card_folder(unsigned number)
{
	static char path[100];

	(void)snprintf(path, sizeof(path), "/sys/class/net/ppp%07x", number);
	return path;
}

/* As of dialled lines: each has a name of its own. */
static void add_card(unsigned number)
{
	static const char *const files[] = {"carrier", "dormant", "flags", "ifindex", "mtu"};
	char folder[100];

	(void)snprintf(folder, sizeof(folder), "%s", card_folder(number));
	fake_root_write(root, path_of(folder, "address"), "00:53:00:00:00:01\n");
	fake_root_write(root, path_of(folder, "operstate"), "up\n");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		fake_root_write(root, path_of(folder, files[i]), "1\n");
}

static void write_card_counters(unsigned first, unsigned behind)
{
	char text[2000] =
		"Inter-|   Receive                                                |  Transmit\n"
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    "
		"packets errs drop fifo colls carrier compressed\n";
	size_t length = strlen(text);

	for (unsigned i = first; i < behind; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   "ppp%07x: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", i);
	fake_root_write(root, "/proc/net/dev", text);
}

/* One card goes and another one comes. */
static void change_cards(unsigned round)
{
	const unsigned newest = round / (CARD_ROUNDS / N_CARDS);

	if (round % (CARD_ROUNDS / N_CARDS) != 0)
		return;
	add_card(newest);
	if (newest >= N_CARDS)
		remove_folder(card_folder(newest - N_CARDS));
	write_card_counters(newest >= N_CARDS ? newest - N_CARDS + 1 : 0, newest + 1);
}

/* A stick that is put in and taken out. */
static void change_disks(unsigned round)
{
	static const char sda[] = "8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n";
	char text[200];

	(void)snprintf(text, sizeof(text), "%s%s", sda,
		       round / 7 % 2 == 0 ? "8 16 sdb 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n"
					  : "");
	fake_root_write(root, "/proc/diskstats", text);
}

/* A sensor that is another one each time. */
static void change_sensors(unsigned round)
{
	char folder[100];
	char name[20];

	if (round % 11 != 0)
		return;
	(void)snprintf(folder, sizeof(folder), "/sys/class/hwmon/hwmon%u", round / 11 % 3);
	remove_folder(folder);
	(void)snprintf(folder, sizeof(folder), "/sys/class/hwmon/hwmon%u", (round / 11 + 1) % 3);
	(void)snprintf(name, sizeof(name), "chip%07x\n", round);
	fake_root_write(root, path_of(folder, "name"), name);
	fake_root_write(root, path_of(folder, "temp1_input"), "41000\n");
	fake_root_write(root, path_of(folder, "fan1_input"), "900\n");
}

static void change_zones(unsigned round)
{
	if (round % 26 == 0) {
		fake_root_write(root, "/sys/class/thermal/thermal_zone1/type", "battery\n");
		fake_root_write(root, "/sys/class/thermal/thermal_zone1/temp", "20000\n");
	} else if (round % 26 == 13) {
		remove_folder("/sys/class/thermal/thermal_zone1");
	}
}

/* -- the agent ------------------------------------------------------------------------------------- */

static int sync_nothing(void *context, int fd)
{
	(void)context;
	(void)fd;
	return 0;
}

/* Hundreds of syncs would take longer than all the rest. */
static void open_spool(void)
{
	static struct disk disk;
	struct spool_options options = {
		.disk = &disk,
		.folder = spool_folder,
		.segment_bytes = (uint64_t)1 << 20,
		.max_bytes = (uint64_t)16 << 20,
		.max_age_us = SPOOL_MAX_AGE_US,
		.max_memory_bytes = (size_t)1 << 20,
		.host_name = {"web01", 5},
		.host_id = {1},
	};

	disk = disk_kernel;
	disk.fsync = sync_nothing;
	disk.fdatasync = sync_nothing;
	cr_assert_eq(spool_open(&options, &spool), 0);
}

static void setup(void)
{
	root = scratch_folder();
	spool_path = scratch_folder();
	spool_folder = open(spool_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(spool_folder, 0);
	cr_assert_eq(host_init(&host, root), 0);
	fake_root_write(root, "/sys/class/thermal/thermal_zone0/type", "cpu\n");
	fake_root_write(root, "/sys/class/thermal/thermal_zone0/temp", "50000\n");
	open_spool();
	cr_assert_eq(recorder_new(spool, boot_id, &recorder), 0);
	for (size_t i = 0; i < N_PLUGINS; i++) {
		const struct plugin_config config = {.table = tables[i],
						     .host = &host,
						     .limit = &limit,
						     .interval_us = SECOND_US};

		cr_assert_eq(plugin_new(&config, &plugins[i]), 0);
	}
}

static void teardown(void)
{
	for (size_t i = 0; i < N_PLUGINS; i++) {
		plugin_stop(plugins[i]);
		plugin_free(plugins[i]);
	}
	recorder_free(recorder);
	spool_free(spool);
	buffer_done(&samples);
	host_done(&host);
	(void)close(spool_folder);
	scratch_remove(spool_path);
	scratch_remove(root);
}

TestSuite(coming_and_going, .init = setup, .fini = teardown, .timeout = 300);

static void take_round(unsigned round)
{
	const int64_t now_us = (round + 1) * SECOND_US;

	buffer_clear(&samples);
	for (size_t i = 0; i < N_PLUGINS; i++) {
		/* As after udev's word. */
		if (round % 3 == 2 && tables[i]->udev_subsystem)
			plugin_restart(plugins[i], now_us);
		(void)plugin_take_round(plugins[i], now_us, now_us, &samples);
		plugin_commit(plugins[i], now_us);
	}
	recorder_take(recorder, samples.data, samples.length);
}

/* All is sent, and stored. */
static void ship(void)
{
	struct spool_message message;
	struct spool_epoch_info info;

	recorder_ship(recorder);
	for (size_t i = 0; spool_get_epoch(spool, i, &info) == 0; i++) {
		message.sequence = info.acked;
		while (spool_next(spool, info.id, message.sequence, &message) == 0)
			;
		spool_acked(spool, info.id, message.sequence);
	}
	cr_assert_eq(spool_sync(spool), 0);
	recorder_begin_anew(recorder);
}

/* -- how large it is ------------------------------------------------------------------------------- */

static long count_descriptors(void)
{
	DIR *names = opendir("/proc/self/fd");
	long n = 0;

	cr_assert_not_null(names);
	while (readdir(names))
		n++;
	(void)closedir(names);
	return n;
}

static long read_resident_kib(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	char line[200];
	long kib = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "Private_Dirty:", 14) == 0)
			kib = strtol(line + 14, NULL, 10);
	}
	if (file)
		(void)fclose(file);
	return kib;
}

static size_t count_series(void)
{
	struct plugin_stats stats;
	size_t n = 0;

	for (size_t i = 0; i < N_PLUGINS; i++) {
		plugin_get_stats(plugins[i], &stats);
		n += stats.n_series;
	}
	return n;
}

/* What malloc() keeps in its caches counts as used. Filled, they always hold the same. */
static void fill_caches(void)
{
	for (size_t n_bytes = 24; n_bytes <= CACHED_MAX_BYTES; n_bytes += 16) {
		void *pieces[N_CACHED];

		for (size_t i = 0; i < N_CACHED; i++)
			pieces[i] = malloc(n_bytes);
		for (size_t i = 0; i < N_CACHED; i++)
			free(pieces[i]);
	}
}

/* At its smallest it has just forgotten what is gone. */
static void measure_memory(struct size *size)
{
	struct footprint footprint = {.next_us = 0};
	size_t heap_bytes;

	fill_caches();
	heap_bytes = mallinfo2().uordblks + mallinfo2().hblkhd;
	if (size->heap_bytes > 0 && heap_bytes >= size->heap_bytes)
		return;
	footprint_trim(&footprint, 0);
	size->heap_bytes = heap_bytes;
	size->resident_kib = read_resident_kib();
}

static void count(struct size *size)
{
	const long n_descriptors = count_descriptors();
	const size_t n_series = count_series();

	if (n_descriptors > size->n_descriptors)
		size->n_descriptors = n_descriptors;
	if (n_series > size->n_series)
		size->n_series = n_series;
}

/* Take rounds. @return how large it was in the last ones */
static struct size run_to(unsigned *round, unsigned end)
{
	struct size size = {.heap_bytes = 0};

	for (; *round < end; (*round)++) {
		const bool is_measured = *round >= end - WINDOW_ROUNDS;

		change_cards(*round);
		change_disks(*round);
		change_sensors(*round);
		change_zones(*round);
		take_round(*round);
		if (is_measured)
			count(&size);
		if (*round % SHIP_ROUNDS != SHIP_ROUNDS - 1)
			continue;
		ship();
		if (is_measured)
			measure_memory(&size);
	}
	return size;
}

Test(coming_and_going, leaves_nothing_behind)
{
	struct size first, last;
	unsigned round = 0;

	footprint_init();
	first = run_to(&round, SETTLED_ROUND + WINDOW_ROUNDS);
	last = run_to(&round, N_ROUNDS);
	cr_expect_eq(recorder_n_lost(recorder), 0);
	cr_expect_gt(first.n_series, 100);
	cr_expect_eq(last.n_series, first.n_series);
	cr_expect_eq(limit.n_kept, 0);
	cr_expect_eq(last.n_descriptors, first.n_descriptors);
	/* A sanitizer's malloc() tells of no leaks here, but at the end. */
	cr_expect_leq(last.heap_bytes, first.heap_bytes + SLACK_BYTES, "%zu before, %zu now",
		      first.heap_bytes, last.heap_bytes);
#ifndef SANITIZED
	cr_expect_leq(last.resident_kib, first.resident_kib + SLACK_KIB, "%ld KiB before, %ld now",
		      first.resident_kib, last.resident_kib);
#endif
}
