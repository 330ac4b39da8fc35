/* SPDX-License-Identifier: MIT */
/* Tests of plugins/nvme.c. The fixture has the files of Linux 6.1 (drivers/nvme/host/core.c); the disks are made up. */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin nvme_plugin;

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

TestSuite(nvme, .init = setup, .fini = teardown);

#define CLASS "/sys/class/nvme"
#define INFO(device, firmware, model, serial, state, cntlid)                                       \
	"node_nvme_info{device=\"" device "\",firmware_revision=\"" firmware "\",model=\"" model   \
	"\",serial=\"" serial "\",state=\"" state "\",cntlid=\"" cntlid "\"}"
#define BYTES(metric, device, nsid)                                                                \
	"node_nvme_namespace_" metric "_bytes{device=\"" device "\",nsid=\"" nsid "\"}"
#define NAMESPACE(device, nsid, state)                                                             \
	"node_nvme_namespace_info{device=\"" device "\",nsid=\"" nsid "\",ana_state=\"" state "\"}"

static void start(const char *at)
{
	cr_assert_eq(plugin_run_start(&run, &nvme_plugin, at), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(nvme, tells_which_controllers_there_are)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_value(&run, INFO("nvme0", "RVT01B6Q", "Example SSD 1TB",
					      "S4X1NF0M999999", "live", "4")) == 1);
	cr_expect(plugin_run_value(&run, INFO("nvme1", "2.1.0", "Shared array", "A0001",
					      "connecting", "")) == 1);
}

Test(nvme, makes_texts_of_disks_fit)
{
	fake_root_write(root, CLASS "/nvme0/serial", "S\377\001\n");
	fake_root_write(root, CLASS "/nvme0/state", "live\n");
	start(root);

	cr_expect(plugin_run_has(&run,
				 INFO("nvme0", "", "", "S\357\277\275\357\277\275", "live", "")));
}

Test(nvme, reports_namespaces_in_bytes)
{
	start("tests/fixtures/storage");

	cr_expect(plugin_run_has(&run, NAMESPACE("nvme0", "1", "unknown")));
	cr_expect(plugin_run_value(&run, BYTES("size", "nvme0", "1")) == 1000204886016);
	cr_expect(plugin_run_value(&run, BYTES("capacity", "nvme0", "1")) == 1000204886016);
	cr_expect(plugin_run_value(&run, BYTES("logical_block_size", "nvme0", "1")) == 512);
	cr_expect(plugin_run_has(&run, NAMESPACE("nvme1", "2", "non-optimized")));
	cr_expect(plugin_run_value(&run, BYTES("size", "nvme1", "2")) == 2e12,
		  "sectors have 512 bytes, also where blocks have 4096");
	cr_expect_eq(run.batch.n_samples, 2 + 4 + 4, "paths are no namespaces");
}

Test(nvme, follows_states)
{
	fake_root_write(root, CLASS "/nvme0/state", "live\n");
	start(root);
	cr_expect(plugin_run_has(&run, INFO("nvme0", "", "", "", "live", "")));
	fake_root_write(root, CLASS "/nvme0/state", "resetting\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect(plugin_run_has(&run, INFO("nvme0", "", "", "", "resetting", "")));
	cr_expect_eq(run.batch.n_samples, 1);
}

Test(nvme, gives_a_reason_for_what_cannot_be_read)
{
	fake_root_write(root, CLASS "/nvme0/model/folder", "");
	fake_root_write(root, CLASS "/nvme1/state/folder", "");
	fake_root_write(root, CLASS "/nvme1/nvme1n1/size", "many\n");
	fake_root_write(root, CLASS "/nvme1/nvme1n1/ana_state/folder", "");
	start(root);

	cr_expect_eq(plugin_run_error(&run, INFO("nvme0", "", "", "", "", "")), -EISDIR);
	cr_expect_eq(plugin_run_error(&run, INFO("nvme1", "", "", "", "", "")), -EISDIR);
	cr_expect_eq(plugin_run_error(&run, BYTES("size", "nvme1", "1")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, BYTES("logical_block_size", "nvme1", "1")), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, NAMESPACE("nvme1", "1", "")), -EISDIR);
}

Test(nvme, takes_only_names_that_end_in_a_number_for_namespaces)
{
	fake_root_write(root, CLASS "/nvme0/nvme0n12345678901234567/size", "1\n");
	fake_root_write(root, CLASS "/nvme0/nvme0n1p1/size", "1\n");
	fake_root_write(root, CLASS "/nvme0/nvme0n/size", "1\n");
	fake_root_write(root, CLASS "/nvme0/nvme0n7/size", "7\n");
	fake_root_write(root, CLASS "/nvme0/nvme1n7/size", "8\n");
	fake_root_write(root, CLASS "/nvme0/nvme0c0n1/size", "1\n");
	start(root);

	cr_expect(plugin_run_value(&run, BYTES("size", "nvme0", "7")) == 7 * 512);
	cr_expect_eq(run.batch.n_samples, 1 + 3, "and each number once");
}

Test(nvme, says_enodev_on_a_host_without)
{
	cr_expect_eq(plugin_run_start(&run, &nvme_plugin, "tests/fixtures/empty"), -ENODEV);
}
