/* SPDX-License-Identifier: MIT */
/* Tests of plugins/zfs.c. The fixture is as OpenZFS 2.2 prints it, `io` as 0.8 did; the numbers are made up. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin zfs_plugin;

static struct plugin_run run;
static const char *root;

static void setup(void)
{
	root = scratch_folder();
}

static void teardown(void)
{
	plugin_run_stop(&run);
	scratch_remove(root);
}

TestSuite(zfs, .init = setup, .fini = teardown);

#define DATASET(metric, name)                                                                      \
	"node_zfs_zpool_dataset_" metric "{zpool=\"tank\",dataset=\"" name "\"}"
#define STATE(pool, state) "node_zfs_zpool_state{zpool=\"" pool "\",state=\"" state "\"}"
#define IO(metric)         "node_zfs_zpool_" metric "{zpool=\"oldpool\"}"
#define KSTATS             "/proc/spl/kstat/zfs/"
#define HEADER             "1 1 0x01 1 48 1 1\nname type data\n"

static void take(void)
{
	cr_assert_eq(plugin_run_take(&run), 0);
}

static void start(const char *at)
{
	cr_assert_eq(plugin_run_start(&run, &zfs_plugin, at), 0);
	take();
}

static double of_fixture(const char *metric)
{
	char series[128];

	(void)snprintf(series, sizeof(series), "node_zfs_%s", metric);
	return plugin_run_value(&run, series);
}

Test(zfs, reports_the_cache)
{
	start("tests/fixtures/storage");

	cr_expect(of_fixture("arc_hits") == 80211344);
	cr_expect(of_fixture("arc_misses") == 301122);
	cr_expect(of_fixture("arc_c") == 8221344768);
	cr_expect(of_fixture("arc_size") == 8104411222);
	cr_expect(of_fixture("arc_memory_available_bytes") == -123456789);
	cr_expect(of_fixture("arc_predictive_prefetch") == 102233);
	cr_expect_eq(plugin_run_error(&run, "node_zfs_arc_p"), -ENOENT, "this version has none");
}

Test(zfs, reports_all_its_files)
{
	start("tests/fixtures/storage");

	cr_expect(of_fixture("abd_scatter_order_9") == 3);
	cr_expect(of_fixture("dbuf_cache_level_0_bytes") == 40001122);
	cr_expect(of_fixture("dmu_tx_dmu_tx_assigned") == 3532844);
	cr_expect(of_fixture("dnode_dnode_hold_alloc_hits") == 37617);
	cr_expect(of_fixture("fm_erpt_dropped") == 18);
	cr_expect(of_fixture("fm_fmri_set_failed") == 1);
	cr_expect(of_fixture("vdev_mirror_preferred_not_found") == 94);
	cr_expect(of_fixture("zfetch_hits") == 7067992);
	cr_expect(of_fixture("zil_zil_itx_metaslab_slog_write") == 4096);
}

Test(zfs, reports_pools)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_value(&run, STATE("tank", "online")) == 1);
	cr_expect(plugin_run_value(&run, STATE("tank", "suspended")) == 0);
	cr_expect(plugin_run_value(&run, STATE("oldpool", "online")) == 0);
	cr_expect(plugin_run_value(&run, STATE("oldpool", "suspended")) == 1);
	cr_expect(plugin_run_value(&run, IO("nread")) == 1884160);
	cr_expect(plugin_run_value(&run, IO("wupdate")) == 79210489694949);
	cr_expect(plugin_run_value(&run, IO("rcnt")) == 2);
}

Test(zfs, reports_datasets_by_their_names)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_value(&run, DATASET("writes", "tank")) == 1);
	cr_expect(plugin_run_value(&run, DATASET("nread", "tank/home of all")) == 99887766);
	cr_expect(plugin_run_value(&run, DATASET("zil_commit_count", "tank/home of all")) == 6);
	cr_expect_eq(plugin_run_error(&run, DATASET("zil_commit_count", "tank")), -ENOENT);
}

Test(zfs, leaves_out_datasets_that_the_option_names)
{
	static const char *const values[] = {"tank/*"};

	run.option_values = values;
	start("tests/fixtures/storage");

	cr_expect(plugin_run_has(&run, DATASET("writes", "tank")));
	cr_expect_not(plugin_run_has(&run, DATASET("writes", "tank/home of all")));
}

/* Every metric is in its place: the table is made of lists. */
Test(zfs, knows_every_field_by_its_name)
{
	fake_root_write(root, KSTATS "arcstats", HEADER "l2_ndev 4 1\nhits 4 2\n");
	fake_root_write(root, KSTATS "abdstats",
			HEADER "struct_size 4 3\nscatter_sg_table_retry 4 4\n");
	fake_root_write(root, KSTATS "zil", HEADER "zil_commit_count 4 5\n");
	fake_root_write(root, KSTATS "xuio_stats", HEADER "onloan_read_buf 4 6\n");
	fake_root_write(root, KSTATS "vdev_cache_stats", HEADER "delegations 4 7\nmisses 4 8\n");
	start(root);

	cr_expect(of_fixture("arc_l2_ndev") == 1);
	cr_expect(of_fixture("arc_hits") == 2);
	cr_expect(of_fixture("abd_struct_size") == 3);
	cr_expect(of_fixture("abd_scatter_sg_table_retry") == 4);
	cr_expect(of_fixture("zil_zil_commit_count") == 5);
	cr_expect(of_fixture("xuio_onloan_read_buf") == 6);
	cr_expect(of_fixture("vdev_cache_delegations") == 7);
	cr_expect(of_fixture("vdev_cache_misses") == 8);
	cr_expect_eq(run.batch.n_samples, 8);
	for (size_t i = 0; i < zfs_plugin.n_metrics; i++) {
		cr_assert_not_null(zfs_plugin.metrics[i].name, "%zu", i);
		for (size_t j = 0; j < i; j++)
			cr_assert_str_neq(zfs_plugin.metrics[i].name, zfs_plugin.metrics[j].name);
	}
}

Test(zfs, gives_a_reason_and_no_value_for_each_wrong_number)
{
	fake_root_write(root, KSTATS "arcstats",
			"hits 4 1\n" HEADER
			"hits 4 x\nmisses 3 -5\nmisses 4 5\nsize 4 -1\nc 7 text\n"
			"deleted 4\n\nmru_hits 4 18446744073709551616\n");
	fake_root_write(root, KSTATS "zil", "zil_commit_count 4 5\n");
	fake_root_write(root, KSTATS "fm/folder", "");
	start(root);

	cr_expect_eq(plugin_run_error(&run, "node_zfs_arc_hits"), -EINVAL);
	cr_expect(of_fixture("arc_misses") == -5);
	cr_expect_eq(plugin_run_error(&run, "node_zfs_arc_size"), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, "node_zfs_arc_mru_hits"), -ERANGE);
	cr_expect_eq(plugin_run_error(&run, "node_zfs_arc_c"), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, "node_zfs_fm_erpt_dropped"), -EISDIR);
	cr_expect_eq(run.batch.n_samples, 5, "and of a file without its header nothing");
}

Test(zfs, tells_fields_of_later_versions)
{
	fake_root_write(root, KSTATS "arcstats",
			HEADER "newest-field 4 7\nhits 4 1\nnewest-field 4 8\nno_number 7 1\n"
			       "no/name 4 1\nnegative 3 -2\nwrong 4 x\n");
	start(root);

	cr_expect(plugin_run_value(&run, "node_zfs_arc_newest_field") == 7);
	cr_expect(plugin_run_value(&run, "node_zfs_arc_negative") == -2);
	cr_expect_eq(plugin_run_error(&run, "node_zfs_arc_wrong"), -EINVAL);
	cr_expect_eq(run.batch.n_samples, 4);
}

Test(zfs, follows_pools_and_names)
{
	fake_root_write(root, KSTATS "a/state", "DEGRADED\n");
	fake_root_write(root, KSTATS "a/objset-0x1", HEADER "dataset_name 7 a/x\nreads 4 1\n");
	start(root);
	cr_expect(plugin_run_value(&run, STATE("a", "degraded")) == 1);

	fake_root_write(root, KSTATS "b/state", "FAULTED\n");
	fake_root_write(root, KSTATS "a/state", "ONLINE\n");
	fake_root_write(root, KSTATS "a/objset-0x1", HEADER "dataset_name 7 a/y\nreads 4 2\n");
	fake_root_write(root, KSTATS "a/objset-0x2", HEADER "dataset_name 7 a/y\nreads 4 3\n");
	take();
	cr_expect(plugin_run_value(&run, STATE("a", "online")) == 1);
	cr_expect_eq(run.batch.n_samples, 2 * 7 + 1, "and of one name once");
	cr_expect(plugin_run_value(&run, STATE("b", "faulted")) == 1);
	cr_expect(plugin_run_value(
			  &run, "node_zfs_zpool_dataset_reads{zpool=\"a\",dataset=\"a/y\"}") == 2,
		  "the first of two of a name");

	fake_root_write(root, KSTATS "a/objset-0x1", HEADER "dataset_name 7 a/x\nreads 4 4\n");
	take();
	cr_expect(plugin_run_value(
			  &run, "node_zfs_zpool_dataset_reads{zpool=\"a\",dataset=\"a/x\"}") == 4);
	cr_expect(plugin_run_value(
			  &run, "node_zfs_zpool_dataset_reads{zpool=\"a\",dataset=\"a/y\"}") == 3);
}

Test(zfs, looks_again_after_a_search_that_failed)
{
	struct rlimit limit;
	struct rlimit none;

	fake_root_write(root, KSTATS "a/state", "ONLINE\n");
	start(root);
	fake_root_write(root, KSTATS "b/state", "ONLINE\n");
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_expect_eq(plugin_run_take(&run), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);

	take();
	cr_expect(plugin_run_has(&run, STATE("a", "online")));
	cr_expect(plugin_run_has(&run, STATE("b", "online")));
}

/* They come without a sign. */
Test(zfs, looks_for_datasets_once_in_a_while)
{
	fake_root_write(root, KSTATS "a/state", "ONLINE\n");
	start(root);
	fake_root_write(root, KSTATS "a/objset-0x1", HEADER "dataset_name 7 a/x\nreads 4 1\n");
	for (size_t i = 0; i < 60; i++)
		take();

	cr_expect(
		plugin_run_has(&run, "node_zfs_zpool_dataset_reads{zpool=\"a\",dataset=\"a/x\"}"));
}

#define READS(name) "node_zfs_zpool_dataset_reads{zpool=\"a\",dataset=\"" name "\"}"

static void remove_file(const char *path)
{
	char full[512];

	(void)snprintf(full, sizeof(full), "%s%s", root, path);
	cr_assert_eq(unlink(full), 0);
}

Test(zfs, follows_datasets_that_are_destroyed)
{
	fake_root_write(root, KSTATS "a/state", "ONLINE\n");
	fake_root_write(root, KSTATS "a/objset-0x1", HEADER "dataset_name 7 a/x\nreads 4 1\n");
	fake_root_write(root, KSTATS "a/objset-0x2", HEADER "dataset_name 7 a/x\nreads 4 2\n");
	fake_root_write(root, KSTATS "a/objset-0x3", HEADER "dataset_name 7 a/y\nreads 4 3\n");
	start(root);
	cr_expect(plugin_run_value(&run, READS("a/x")) == 1);
	remove_file(KSTATS "a/objset-0x1");
	take();
	cr_expect(plugin_run_value(&run, READS("a/y")) == 3);
	for (size_t i = 0; i < 60; i++)
		take();

	cr_expect(plugin_run_value(&run, READS("a/x")) == 2, "the first of two is gone");
	cr_expect(plugin_run_value(&run, READS("a/y")) == 3);
	cr_expect_eq(run.batch.n_samples, 7 + 2);
}

Test(zfs, keeps_files_of_datasets_open)
{
	struct rlimit limit;
	struct rlimit none;

	fake_root_write(root, KSTATS "a/state", "ONLINE\n");
	fake_root_write(root, KSTATS "a/objset-0x1", HEADER "dataset_name 7 a/x\nreads 4 1\n");
	start(root);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	take();
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);

	cr_expect(plugin_run_value(&run, READS("a/x")) == 1);
}

Test(zfs, reports_nothing_of_a_dataset_without_a_name)
{
	fake_root_write(root, KSTATS "a/objset-0x1", HEADER "reads 4 1\n");
	fake_root_write(root, KSTATS "a/objset-0x2", HEADER "dataset_name 7\nreads 4 1\n");
	fake_root_write(root, KSTATS "a/objset-0x3/folder", "");
	start(root);

	cr_expect_eq(run.batch.n_samples, 0);
}

Test(zfs, says_why_a_state_cannot_be_read)
{
	fake_root_write(root, KSTATS "a/state/folder", "");
	fake_root_write(root, KSTATS "a/io/folder", "");
	start(root);

	cr_expect_eq(plugin_run_error(&run, STATE("a", "online")), -EISDIR);
	cr_expect_eq(plugin_run_error(&run, "node_zfs_zpool_nread{zpool=\"a\"}"), -EISDIR);
}

Test(zfs, says_the_same_twice)
{
	size_t n_samples;

	start("tests/fixtures/storage");
	n_samples = run.batch.n_samples;
	take();
	cr_expect_eq(run.batch.n_samples, n_samples);
}

Test(zfs, says_enodev_on_a_host_without)
{
	cr_expect_eq(plugin_run_start(&run, &zfs_plugin, "tests/fixtures/empty"), -ENODEV);
}
