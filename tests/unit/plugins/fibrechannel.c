/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/fibrechannel.c. tests/fixtures/network has an adapter with the files that the driver lpfc of Linux 6.1
 * makes and numbers of their own.
 */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin fibrechannel_plugin;

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

TestSuite(fibrechannel, .init = setup, .fini = teardown);

#define OF(name) "node_fibrechannel_" name "_total{fc_host=\"host3\"}"
#define HOST     "/sys/class/fc_host/host3/"

static void take_from(const char *path)
{
	cr_assert_eq(plugin_run_start(&run, &fibrechannel_plugin, path), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(fibrechannel, reports_what_the_adapter_is)
{
	take_from("tests/fixtures/network");

	cr_expect(plugin_run_value(&run,
				   "node_fibrechannel_info{fc_host=\"host3\",speed=\"16 Gbit\","
				   "port_state=\"Online\",port_type=\"NPort (fabric via "
				   "point-to-point)\",port_id=\"000002\",port_name="
				   "\"1000e0071bce95f2\",fabric_name=\"100000051e9ed900\",symbolic_"
				   "name=\"Emulex SN1100E2P FV12.4.270.3 DV12.4.0.0. HN:rack7. "
				   "OS:Linux\",supported_classes=\"Class 3\",supported_speeds=\"4 "
				   "Gbit, 8 Gbit, 16 Gbit\",dev_loss_tmo=\"30\"}") == 1);
}

Test(fibrechannel, reports_what_the_adapter_counts)
{
	take_from("tests/fixtures/network");

	cr_expect(plugin_run_value(&run, OF("error_frames")) == 1007);
	cr_expect(plugin_run_value(&run, OF("fcp_packet_aborts")) == 2007);
	cr_expect(plugin_run_value(&run, OF("invalid_crc")) == 3007);
	cr_expect(plugin_run_value(&run, OF("invalid_tx_words")) == 4007);
	cr_expect(plugin_run_value(&run, OF("link_failure")) == 5007);
	cr_expect(plugin_run_value(&run, OF("loss_of_signal")) == 6007);
	cr_expect(plugin_run_value(&run, OF("loss_of_sync")) == 7007);
	cr_expect(plugin_run_value(&run, OF("nos")) == 8007);
	cr_expect(plugin_run_value(&run, OF("rx_frames")) == 9007);
	cr_expect(plugin_run_value(&run, OF("rx_words")) == 10007);
	cr_expect(plugin_run_value(&run, OF("seconds_since_last_reset")) == 11007);
	cr_expect(plugin_run_value(&run, OF("tx_frames")) == 12007);
	cr_expect(plugin_run_value(&run, OF("tx_words")) == 13007);
	cr_expect_eq(run.batch.n_samples, 14);
}

Test(fibrechannel, says_what_it_lacked_descriptors_for)
{
	cr_assert_eq(
		plugin_run_start_short(&run, &fibrechannel_plugin, "tests/fixtures/network", 1), 0);
	cr_assert_eq(plugin_run_take(&run), 0);

	cr_expect(run.batch.n_samples >= 14);
	for (size_t i = 0; i < run.batch.n_samples; i++)
		cr_expect_eq(run.batch.samples[i].error, -EMFILE, "%s",
			     run.batch.samples[i].series);
}

/* The adapter says 2^64 - 1. */
Test(fibrechannel, says_nothing_of_what_the_adapter_does_not_count)
{
	take_from("tests/fixtures/network");
	cr_expect_eq(fake_batch_find(&run.batch, OF("dumped_frames")), NULL);
}

Test(fibrechannel, says_the_same_twice_and_follows_the_files)
{
	fake_root_write(root, HOST "statistics/nos_count", "0x1\n");
	fake_root_write(root, HOST "port_state", "Linkdown\n");
	take_from(root);
	cr_expect(plugin_run_value(&run, OF("nos")) == 1);

	fake_root_write(root, HOST "statistics/nos_count", "2\n");
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(plugin_run_take(&run), 0);
		cr_expect(plugin_run_value(&run, OF("nos")) == 2);
		cr_expect_eq(run.batch.n_samples, 2);
	}
}

Test(fibrechannel, gives_a_reason_and_no_value_for_each_wrong_number)
{
	fake_root_write(root, HOST "statistics/nos_count", "0x\n");
	fake_root_write(root, HOST "statistics/rx_frames", "\n");
	fake_root_write(root, HOST "statistics/tx_frames", "0x10000000000000000\n");
	fake_root_write(root, HOST "statistics/rx_words/file", "");
	fake_root_write(root, HOST "statistics/tx_words", "7\n");
	take_from(root);

	cr_expect_eq(plugin_run_error(&run, OF("nos")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, OF("rx_frames")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, OF("tx_frames")), -ERANGE);
	cr_expect_eq(plugin_run_error(&run, OF("rx_words")), -EISDIR);
	cr_expect(plugin_run_value(&run, OF("tx_words")) == 7);
	cr_expect_eq(fake_batch_find(&run.batch, OF("error_frames")), NULL);
}

Test(fibrechannel, takes_hostile_texts)
{
	fake_root_write(root, HOST "speed", " \t \n");
	fake_root_write(root, HOST "port_id", "0x\n");
	fake_root_write(root, HOST "port_state", "0x12 %s \"\\\377 \n");
	take_from(root);

	cr_expect(
		plugin_run_value(
			&run,
			"node_fibrechannel_info{fc_host=\"host3\",speed=\"\",port_state="
			"\"0x12 %s \"\\\357\277\275\",port_type=\"\",port_id=\"0x\",port_name=\"\","
			"fabric_name=\"\",symbolic_name=\"\",supported_classes=\"\","
			"supported_speeds=\"\",dev_loss_tmo=\"\"}") == 1);
}

Test(fibrechannel, says_enodev_on_a_host_without_adapters)
{
	cr_expect_eq(plugin_run_start(&run, &fibrechannel_plugin, "tests/fixtures/empty"), -ENODEV);
}
