/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/meminfo.c. linux_6_18 is a virtual machine's own /proc/meminfo; the short texts follow
 * Documentation/filesystems/proc.rst.
 */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin meminfo_plugin;

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

TestSuite(meminfo, .init = setup, .fini = teardown);

static void take(const char *text)
{
	fake_root_write(root, "/proc/meminfo", text);
	cr_assert_eq(plugin_run_start(&run, &meminfo_plugin, root), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(meminfo, reports_every_line_of_a_real_host)
{
	cr_assert_eq(plugin_run_start(&run, &meminfo_plugin, "tests/fixtures/linux_6_18"), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect_eq(fake_batch_n_values(&run.batch), 54);
	cr_expect(plugin_run_value(&run, "node_memory_MemTotal_bytes") == 24683652.0 * 1024);
	cr_expect(plugin_run_value(&run, "node_memory_VmallocTotal_bytes") == 34359738367.0 * 1024);
	cr_expect(plugin_run_value(&run, "node_memory_DirectMap1G_bytes") == 25165824.0 * 1024);
	cr_expect(plugin_run_has(&run, "node_memory_Active_anon_bytes"));
	cr_expect_not(plugin_run_has(&run, "node_memory_HardwareCorrupted_bytes"));
}

Test(meminfo, counts_huge_pages_in_pages)
{
	take("HugePages_Total:      12\nHugePages_Free:        3\nHugePages_Rsvd:        2\n"
	     "HugePages_Surp:        1\nHugepagesize:       2048 kB\n");

	cr_expect(plugin_run_value(&run, "node_memory_HugePages_Total") == 12);
	cr_expect(plugin_run_value(&run, "node_memory_HugePages_Free") == 3);
	cr_expect(plugin_run_value(&run, "node_memory_HugePages_Rsvd") == 2);
	cr_expect(plugin_run_value(&run, "node_memory_HugePages_Surp") == 1);
	cr_expect(plugin_run_value(&run, "node_memory_Hugepagesize_bytes") == 2097152);
}

/* i386 with highmem; s390x; ppc64. */
Test(meminfo, knows_lines_of_other_machines)
{
	take("HighTotal:  1 kB\nLowFree: 2 kB\nDirectMap4M: 3 kB\nDirectMap2G: 4 kB\n"
	     "DirectMap64k: 5 kB\nCmaFree: 6 kB\nShadowCallStack: 7 kB\n");

	cr_expect_eq(fake_batch_n_values(&run.batch), 7);
	cr_expect(plugin_run_value(&run, "node_memory_LowFree_bytes") == 2048);
}

Test(meminfo, takes_what_is_right_among_what_is_not)
{
	take("MemTotal: x kB\nMemFree:\nBuffers: 99999999999999999999999 kB\nMemFree: 3 kB\n"
	     "%s%n: 4 kB\nCached 5 kB\n\n:\nSlab:\t6 kB\nSlab: 7 kB\nActive(\xff): 8 kB");

	cr_expect_eq(fake_batch_n_values(&run.batch), 2);
	cr_expect_eq(plugin_run_error(&run, "node_memory_MemTotal_bytes"), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, "node_memory_MemFree_bytes"), -ENODATA);
	cr_expect(plugin_run_value(&run, "node_memory_Buffers_bytes") == 1e23 * 1024);
	cr_expect(plugin_run_value(&run, "node_memory_Slab_bytes") == 6144);
}

Test(meminfo, reads_again_each_round)
{
	take("MemFree: 1 kB\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, "node_memory_MemFree_bytes") == 1024);

	fake_root_write(root, "/proc/meminfo", "MemFree: 2 kB\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_value(&run, "node_memory_MemFree_bytes") == 2048);
}

Test(meminfo, says_enodata_when_there_is_nothing)
{
	fake_root_write(root, "/proc/meminfo", "");
	cr_assert_eq(plugin_run_start(&run, &meminfo_plugin, root), 0);

	cr_expect_eq(plugin_run_take(&run), -ENODATA);
}

Test(meminfo, says_enodev_on_a_host_without_the_file)
{
	cr_expect_eq(plugin_run_start(&run, &meminfo_plugin, "tests/fixtures/empty"), -ENODEV);
}
