/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/dmi.c. linux_6_18 has what QEMU's firmware says.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin dmi_plugin;

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

TestSuite(dmi, .init = setup, .fini = teardown);

#define FOLDER "/sys/class/dmi/id/"

/* The series of a machine that says nothing but its product's name. */
#define NAMED(name)                                                                                \
	"node_dmi_info{bios_date=\"\",bios_release=\"\",bios_vendor=\"\",bios_version=\"\","       \
	"board_asset_tag=\"\",board_name=\"\",board_serial=\"\",board_vendor=\"\","                \
	"board_version=\"\",chassis_asset_tag=\"\",chassis_serial=\"\",chassis_vendor=\"\","       \
	"chassis_version=\"\",product_family=\"\",product_name=\"" name "\",product_serial=\"\","  \
	"product_sku=\"\",product_uuid=\"\",product_version=\"\",system_vendor=\"\"}"

static void expect(const char *name, const char *series)
{
	fake_root_write(root, FOLDER "product_name", name);
	cr_assert_eq(plugin_run_start(&run, &dmi_plugin, root), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_assert_eq(run.batch.n_samples, 1);
	cr_expect_str_eq(run.batch.samples[0].series, series);
	cr_expect(run.batch.samples[0].value == 1);
}

Test(dmi, reports_what_the_firmware_says)
{
	cr_assert_eq(plugin_run_start(&run, &dmi_plugin, "tests/fixtures/linux_6_18"), 0);
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(plugin_run_take(&run), 0);
		cr_expect_eq(run.batch.n_samples, 1);
		cr_expect_not_null(strstr(run.batch.samples[0].series,
					  "product_name=\"Standard PC (Q35 + ICH9, 2009)\""));
		cr_expect_not_null(strstr(run.batch.samples[0].series, "system_vendor=\"QEMU\""));
	}
}

/* As node_exporter writes them. */
Test(dmi, makes_text_of_strange_bytes)
{
	expect(" \tX 200  \n", NAMED("X 200"));
	expect("\xff\xff\xff\xff", NAMED("\xef\xbf\xbd"));
	expect("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x8c\xa1z",
	       NAMED("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x8c\xa1z"));
	expect("a\x01\x80z", NAMED("a\xef\xbf\xbdz"));
	expect("\xc1\x81|\xe0\x9f\xbf|\xed\xa0\x80|\xf0\x8f\xbf\xbf|\xf4\x90\x80\x80|\xe2\x82",
	       NAMED("\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd"));
	expect("%s\\n\"", NAMED("%s\\n\""));
	expect("", NAMED(""));
}

Test(dmi, bounds_long_texts)
{
	char text[600];

	memset(text, 'x', sizeof(text));
	text[300] = '\0';
	fake_root_write(root, FOLDER "product_name", text);
	memset(text, 'x', sizeof(text));
	text[599] = '\0';
	fake_root_write(root, FOLDER "bios_vendor", text);
	cr_assert_eq(plugin_run_start(&run, &dmi_plugin, root), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_not_null(strstr(run.batch.samples[0].series, "bios_vendor=\"\""));
	cr_expect_eq(strlen(run.batch.samples[0].series), strlen(NAMED("")) + 159);
}

Test(dmi, says_enodev_on_a_host_without_it)
{
	cr_expect_eq(plugin_run_start(&run, &dmi_plugin, "tests/fixtures/empty"), -ENODEV);
}
