/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/os.c. linux_6_18 has Debian 12's file, the texts others in the style of their distributions (os-release(5)).
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin os_plugin;

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

TestSuite(os, .init = setup, .fini = teardown);

#define INFO_DEBIAN                                                                                \
	"node_os_info{build_id=\"\",id=\"debian\",id_like=\"\",image_id=\"\",image_version=\"\","  \
	"name=\"Debian GNU/Linux\",pretty_name=\"Debian GNU/Linux 12 (bookworm)\",variant=\"\","   \
	"variant_id=\"\",version=\"12 (bookworm)\",version_codename=\"bookworm\","                 \
	"version_id=\"12\"}"

#define END "node_os_support_end_timestamp_seconds"

static void take(const char *text)
{
	fake_root_write(root, "/etc/os-release", text);
	cr_assert_eq(plugin_run_start(&run, &os_plugin, root), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(os, reports_the_distribution_and_its_version)
{
	cr_assert_eq(plugin_run_start(&run, &os_plugin, "tests/fixtures/linux_6_18"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(run.batch.n_samples, 3);
	cr_expect(plugin_run_value(&run, INFO_DEBIAN) == 1);
	cr_expect(
		plugin_run_value(
			&run,
			"node_os_version{id=\"debian\",id_like=\"\",name=\"Debian GNU/Linux\"}") ==
		12);
	cr_expect(plugin_run_value(&run, END) == 1845936000);
}

static double version_of(const char *text)
{
	static const char series[] = "node_os_version{id=\"x\",id_like=\"\",name=\"\"}";
	char file[256];

	(void)snprintf(file, sizeof(file), "ID=x\nVERSION_ID=%s\n", text);
	take(file);
	return plugin_run_has(&run, series) ? plugin_run_value(&run, series) : -1;
}

Test(os, takes_two_numbers_of_a_version)
{
	cr_expect(version_of("\"22.04.3 LTS\"") == 22.04);
	cr_expect(version_of("9.") == 9);
	cr_expect(version_of("20261129") == 20261129);
	cr_expect(version_of("12b") == 12);
	cr_expect(version_of("rolling") == -1);
	cr_expect(version_of("0") == -1, "as node_exporter");
	cr_expect(version_of(".5") == -1);
	cr_expect(version_of("") == -1);
}

Test(os, reads_values_as_a_shell_does)
{
	take("# NAME=comment\n\n  NAME='it'\"'s \\\"fine\\\" \\\\ \\x\"\\ now # and more\nID\n=x\nIDLE=y\n"
	     "ID=\"open\nVARIANT=\"%s %n \xc3\xa4\xff\"\nID_LIKE='a\\b' c\nBUILD_ID=1\nBUILD_ID=2\n"
	     "IMAGE_ID=\\");

	cr_expect_eq(run.batch.n_samples, 1);
	cr_expect_str_eq(run.batch.samples[0].series,
			 "node_os_info{build_id=\"2\",id=\"open\",id_like=\"a\\b\",image_id=\"\\\","
			 "image_version=\"\",name=\"it's \"fine\" \\ \\x now\",pretty_name=\"\","
			 "variant=\"%s %n \xc3\xa4\xef\xbf\xbd\",variant_id=\"\",version=\"\","
			 "version_codename=\"\",version_id=\"\"}");
}

Test(os, cuts_a_value_that_is_too_long)
{
	char text[1000];

	(void)snprintf(text, sizeof(text), "NAME=%0500d", 0);
	take(text);

	cr_expect_eq(run.batch.n_samples, 1);
	cr_expect(strlen(run.batch.samples[0].series) < 500);
}

Test(os, gives_a_reason_for_a_date_that_is_none)
{
	static const char *const dates[] = {"tomorrow", "2028-02-30", "2028-13-01", "2028-06-30x",
					    "2028-6"};

	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "SUPPORT_END=%s\n", dates[i]);
		take(text);
		cr_expect_eq(plugin_run_error(&run, END), -EINVAL, "%s", dates[i]);
	}
	take("SUPPORT_END=1969-12-31");
	cr_expect(plugin_run_value(&run, END) == -86400);
}

Test(os, tells_of_an_upgrade_and_says_the_same_twice)
{
	static const char series[] = "node_os_version{id=\"x\",id_like=\"\",name=\"\"}";
	char path[256];

	cr_expect(version_of("1") == 1);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, series) == 1);

	/* As a package manager does it. */
	(void)snprintf(path, sizeof(path), "%s/etc/os-release", root);
	cr_assert_eq(unlink(path), 0);
	fake_root_write(root, "/etc/os-release", "ID=x\nVERSION_ID=2\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, series) == 2);

	/* In place, and no longer than before; then back. */
	fake_root_write(root, "/etc/os-release", "ID=x\nVERSION_ID=3\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, series) == 3);
	fake_root_write(root, "/etc/os-release", "ID=x\nVERSION_ID=2\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, series) == 2);
}

Test(os, takes_the_file_in_usr_where_etc_has_none)
{
	fake_root_write(root, "/usr/lib/os-release", "ID=x\nVERSION_ID=3\n");
	cr_assert_eq(plugin_run_start(&run, &os_plugin, root), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(fake_batch_n_values(&run.batch), 2);
}

Test(os, says_enodev_on_a_host_without_the_file)
{
	cr_expect_eq(plugin_run_start(&run, &os_plugin, "tests/fixtures/empty"), -ENODEV);
}
