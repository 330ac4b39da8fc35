/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/textfile.c. apt.prom of linux_6_18 is in the style of Debian's prometheus-node-exporter-collectors.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin textfile_plugin;

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

TestSuite(textfile, .init = setup, .fini = teardown);

#define FOLDER    "/var/lib/prometheus/node-exporter"
#define MTIME(f)  "node_textfile_mtime_seconds{file=\"" FOLDER "/" f "\"}"
#define HAS_ERROR "node_textfile_scrape_error"

static void start(void)
{
	cr_assert_eq(plugin_run_start(&run, &textfile_plugin, root), 0);
}

static void take(void)
{
	cr_assert_eq(plugin_run_take(&run), 0);
}

static double value(const char *series)
{
	return plugin_run_value(&run, series);
}

/* Put a file in its place as the authors of text files are told to. */
static void replace(const char *name, const char *text)
{
	char from[512];
	char to[512];

	fake_root_write(root, FOLDER "/.new", text);
	(void)snprintf(from, sizeof(from), "%s" FOLDER "/.new", root);
	(void)snprintf(to, sizeof(to), "%s" FOLDER "/%s", root, name);
	cr_assert_eq(rename(from, to), 0);
}

static void remove_file(const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s" FOLDER "/%s", root, name);
	cr_assert_eq(unlink(path), 0);
}

Test(textfile, reports_what_the_files_say)
{
	cr_assert_eq(plugin_run_start(&run, &textfile_plugin, "tests/fixtures/linux_6_18"), 0);
	take();

	cr_expect_eq(run.batch.n_samples, 3 + 6 + 2 + 1);
	cr_expect(value("apt_upgrades_pending{arch=\"amd64\",origin=\"Debian-Security:12/"
			"oldstable-security\"}") == 11);
	cr_expect(value("node_reboot_required") == 0);
	cr_expect(value("backup_duration_seconds_bucket{le=\"+Inf\"}") == 30);
	cr_expect(value("backup_bytes_total{volume=\"/home\"}") == 1.81362e+11);
	cr_expect(plugin_run_has(&run, MTIME("apt.prom")));
	cr_expect_eq(plugin_run_error(&run, MTIME("broken.prom")), -ENOENT);
	cr_expect(value(HAS_ERROR) == 1, "one of them is broken");
}

Test(textfile, declares_the_kinds_of_metrics)
{
	cr_assert_eq(plugin_run_start(&run, &textfile_plugin, "tests/fixtures/linux_6_18"), 0);
	take();

	cr_expect_eq(fake_batch_find(&run.batch, "node_reboot_required")->metric->kind, HM_GAUGE);
	cr_expect_eq(fake_batch_find(&run.batch, "backup_duration_seconds_sum")->metric->kind,
		     HM_COUNTER);
}

Test(textfile, tells_when_a_file_was_written)
{
	const struct timespec times[2] = {{.tv_sec = 1700000000, .tv_nsec = 900000000},
					  {.tv_sec = 1700000000, .tv_nsec = 900000000}};
	char path[512];

	fake_root_write(root, FOLDER "/a.prom", "a 1\n");
	(void)snprintf(path, sizeof(path), "%s" FOLDER "/a.prom", root);
	cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	start();
	take();

	cr_expect(value(MTIME("a.prom")) == 1700000000);
	cr_expect(value(HAS_ERROR) == 0);
}

Test(textfile, follows_files_that_come_change_and_go)
{
	fake_root_write(root, FOLDER "/a.prom", "a 1\n");
	start();
	take();
	cr_expect(value("a") == 1);

	fake_root_write(root, FOLDER "/a.prom", "a 2\n");
	take();
	cr_expect(value("a") == 2, "written in place");
	replace("a.prom", "a 3\n");
	replace("b.prom", "b 4\n");
	take();
	cr_expect(value("a") == 3);
	cr_expect(value("b") == 4);
	take();
	cr_expect_eq(run.batch.n_samples, 5);
	remove_file("a.prom");
	take();
	cr_expect_eq(plugin_run_error(&run, "a"), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, MTIME("a.prom")), -ENOENT);
	cr_expect(value("b") == 4);
	cr_expect(value(HAS_ERROR) == 0);
}

/* A folder that nobody touches is not listed again; its files are read all the same. */
Test(textfile, reads_on_in_a_folder_that_rests)
{
	const struct timespec times[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};
	char path[512];

	fake_root_write(root, FOLDER "/a.prom", "a 1\n");
	(void)snprintf(path, sizeof(path), "%s" FOLDER, root);
	cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	start();
	take();
	take();
	fake_root_write(root, FOLDER "/a.prom", "a 2\n");
	take();
	cr_expect(value("a") == 2);

	replace("b.prom", "b 3\n");
	take();
	cr_expect(value("b") == 3);
}

Test(textfile, lists_a_folder_again_that_could_not_be_listed)
{
	const struct timespec times[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};
	struct rlimit limit;
	struct rlimit none;
	char path[512];

	fake_root_write(root, FOLDER "/a.prom", "a 1\n");
	(void)snprintf(path, sizeof(path), "%s" FOLDER, root);
	cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	start();
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	take();
	cr_expect(value(HAS_ERROR) == 1);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);

	take();
	cr_expect(value(HAS_ERROR) == 0);
	cr_expect(value("a") == 1);
}

Test(textfile, takes_all_of_a_file_or_nothing)
{
	static const char *const texts[] = {"b 1\na\n", "b 1\na 2 1395066363000\n", "b 1\na 2",
					    "b 1\n# TYPE a strange\n"};

	fake_root_write(root, FOLDER "/good.prom", "good 1\n");
	start();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		fake_root_write(root, FOLDER "/a.prom", texts[i]);
		take();
		cr_expect_eq(run.batch.n_samples, 3, "%s", texts[i]);
		cr_expect(value("good") == 1);
		cr_expect(value(HAS_ERROR) == 1);
	}
	fake_root_write_bytes(root, FOLDER "/a.prom", "b 1\n\0a 1\n", 9);
	take();
	cr_expect_eq(run.batch.n_samples, 3, "a NUL byte");
	fake_root_write(root, FOLDER "/a.prom", "");
	take();
	cr_expect(value(HAS_ERROR) == 0, "an empty file is right");
}

Test(textfile, reports_a_series_once)
{
	fake_root_write(root, FOLDER "/a.prom", "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n");
	fake_root_write(root, FOLDER "/b.prom", "a{x=\"1\",y=\"2\"} 3\na{x=\"1\"} 4\n");
	start();
	take();
	take();

	cr_expect(value("a{x=\"1\",y=\"2\"}") == 1);
	cr_expect(value("a{x=\"1\"}") == 4);
	cr_expect_eq(run.batch.n_samples, 3);
	cr_expect(value(HAS_ERROR) == 1);
}

Test(textfile, keeps_thousands_of_series_apart)
{
	static char text[200000];
	size_t length = 0;

	for (int i = 0; i < 3000; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   "many{n=\"%d\"} %d\n", i, i);
	fake_root_write(root, FOLDER "/many.prom", text);
	start();
	take();
	take();

	cr_expect_eq(run.batch.n_samples, 3002);
	cr_expect(value("many{n=\"2999\"}") == 2999);
	cr_expect(value(HAS_ERROR) == 0);
}

Test(textfile, gives_a_reason_for_a_value_that_is_none)
{
	fake_root_write(root, FOLDER "/a.prom", "a NaN\nb +Inf\nc 1\n");
	start();
	take();

	cr_expect_eq(plugin_run_error(&run, "a"), -EDOM);
	cr_expect_eq(plugin_run_error(&run, "b"), -EDOM);
	cr_expect(value("c") == 1);
	cr_expect(value(HAS_ERROR) == 0);
}

Test(textfile, leaves_metrics_that_are_taken_to_their_plugin)
{
	fake_root_write(root, FOLDER "/a.prom", "node_textfile_scrape_error 7\na 1\n");
	start();
	take();

	cr_expect(value("a") == 1);
	cr_expect(value(HAS_ERROR) == 1);
	cr_expect_eq(run.batch.n_samples, 2);
}

Test(textfile, tells_of_files_that_cannot_be_read)
{
	fake_root_write(root, FOLDER "/a.prom/b", "");
	fake_root_write(root, FOLDER "/c.prom", "c 1\n");
	start();
	take();

	cr_expect(value("c") == 1);
	cr_expect(value(HAS_ERROR) == 1);
}

Test(textfile, follows_a_folder_that_is_made_anew)
{
	char path[512];
	char other[512];

	fake_root_write(root, FOLDER "/a.prom", "a 1\n");
	start();
	take();
	(void)snprintf(path, sizeof(path), "%s" FOLDER, root);
	remove_file("a.prom");
	cr_assert_eq(rmdir(path), 0);
	take();
	cr_expect(value(HAS_ERROR) == 1);
	cr_expect_eq(run.batch.n_samples, 1);

	fake_root_write(root, "/var/lib/prometheus/other/a.prom", "a 2\n");
	(void)snprintf(other, sizeof(other), "%s/var/lib/prometheus/other", root);
	cr_assert_eq(rename(other, path), 0);
	take();
	cr_expect(value("a") == 2);
	cr_expect(value(HAS_ERROR) == 0);
}

Test(textfile, reads_the_folder_that_is_configured)
{
	static const char *const values[] = {"/srv/metrics"};

	fake_root_write(root, "/srv/metrics/a.prom", "a 1\n");
	run.option_values = values;
	start();
	take();

	cr_expect(value("a") == 1);
	cr_expect(
		plugin_run_has(&run, "node_textfile_mtime_seconds{file=\"/srv/metrics/a.prom\"}"));
}

Test(textfile, says_enodev_on_a_host_without_the_folder)
{
	cr_expect_eq(plugin_run_start(&run, &textfile_plugin, "tests/fixtures/empty"), -ENODEV);
}
