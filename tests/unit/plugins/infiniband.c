/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/infiniband.c. tests/fixtures/network has two cards, an old one and a new one, with the files that the
 * drivers mlx4 and mlx5 of Linux 6.1 make and numbers of their own.
 */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin infiniband_plugin;

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

TestSuite(infiniband, .init = setup, .fini = teardown);

#define NEW(name) "node_infiniband_" name "{device=\"mlx5_0\",port=\"1\"}"
#define OLD(name) "node_infiniband_" name "{device=\"mlx4_0\",port=\"2\"}"
#define CLASS     "/sys/class/infiniband/"

static void take_from(const char *path)
{
	cr_assert_eq(plugin_run_start(&run, &infiniband_plugin, path), 0);
	cr_assert_eq(plugin_run_take(&run), 0);
}

Test(infiniband, reports_state_and_speed_of_a_port)
{
	take_from("tests/fixtures/network");

	cr_expect(plugin_run_value(&run, NEW("state_id")) == 4);
	cr_expect(plugin_run_value(&run, NEW("physical_state_id")) == 5);
	cr_expect(plugin_run_value(&run, NEW("rate_bytes_per_second")) == 12500000000);
	cr_expect(plugin_run_value(&run, OLD("state_id")) == 1);
	cr_expect(plugin_run_value(&run, OLD("physical_state_id")) == 2);
	cr_expect(plugin_run_value(&run, OLD("rate_bytes_per_second")) == 312500000);
}

Test(infiniband, reports_which_card_it_is)
{
	take_from("tests/fixtures/network");

	cr_expect(plugin_run_value(&run, "node_infiniband_info{device=\"mlx5_0\",board_id=\"MT_"
					 "0000000080\",firmware_version=\"20.31.1014\",hca_type="
					 "\"MT4123\"}") == 1);
	cr_expect(plugin_run_value(&run, "node_infiniband_info{device=\"mlx4_0\",board_id=\"SM_"
					 "1141000001000\",firmware_version=\"2.31.5050\",hca_type="
					 "\"\"}") == 1);
}

Test(infiniband, makes_texts_of_cards_fit)
{
	fake_root_write(root, CLASS "mlx4_0/board_id", "\377\377\n");
	take_from(root);

	cr_expect(plugin_run_has(&run,
				 "node_infiniband_info{device=\"mlx4_0\",board_id=\"\357\277\275"
				 "\",firmware_version=\"\",hca_type=\"\"}"));
}

Test(infiniband, reports_the_counters_that_there_are)
{
	take_from("tests/fixtures/network");

	cr_expect(plugin_run_value(&run, NEW("link_downed_total")) == 2007);
	cr_expect(plugin_run_value(&run, NEW("port_data_received_bytes_total")) == 4 * 8007);
	cr_expect(plugin_run_value(&run, NEW("port_data_transmitted_bytes_total")) == 4 * 11007);
	cr_expect(plugin_run_value(&run, NEW("vl15_dropped_total")) == 18007);
	cr_expect(plugin_run_value(&run, NEW("duplicate_requests_packets_total")) == 19007);
	cr_expect(plugin_run_value(&run, NEW("rx_write_requests_total")) == 23007);
	cr_expect(plugin_run_value(&run, NEW("lifespan_seconds")) == 10 / 1000.0);
	cr_expect(plugin_run_value(&run, OLD("legacy_data_received_bytes_total")) == 4 * 24007);
	cr_expect(plugin_run_value(&run, OLD("legacy_packets_transmitted_total")) == 25007);
	cr_expect_eq(run.batch.n_samples, 2 + 2 * 3 + 18 + 6 + 3);
	cr_expect_eq(fake_batch_n_values(&run.batch), run.batch.n_samples);
}

/* "N/A (no PMA)": the card does not count this. */
Test(infiniband, says_nothing_of_what_a_card_does_not_count)
{
	take_from("tests/fixtures/network");
	cr_expect_eq(fake_batch_find(&run.batch, NEW("port_receive_switch_relay_errors_total")),
		     NULL);
}

Test(infiniband, says_the_same_twice_and_follows_the_files)
{
	fake_root_write(root, CLASS "mlx5_0/ports/1/state", "1: DOWN\n");
	fake_root_write(root, CLASS "mlx5_0/ports/1/counters/symbol_error", "1\n");
	take_from(root);
	cr_expect(plugin_run_value(&run, NEW("state_id")) == 1);

	fake_root_write(root, CLASS "mlx5_0/ports/1/state", "4: ACTIVE\n");
	fake_root_write(root, CLASS "mlx5_0/ports/1/counters/symbol_error", "2\n");
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(plugin_run_take(&run), 0);
		cr_expect(plugin_run_value(&run, NEW("state_id")) == 4);
		cr_expect(plugin_run_value(&run, NEW("symbol_error_total")) == 2);
	}
}

Test(infiniband, gives_a_reason_and_no_value_for_each_wrong_number)
{
	fake_root_write(root, CLASS "mlx5_0/ports/1/state", "ACTIVE\n");
	fake_root_write(root, CLASS "mlx5_0/ports/1/phys_state", "5\n");
	fake_root_write(root, CLASS "mlx5_0/ports/1/rate", "\n");
	fake_root_write(root, CLASS "mlx5_0/ports/x/state", "4: ACTIVE\n");
	fake_root_write(root, CLASS "mlx5_1/fw_ver", "1\n");
	take_from(root);

	cr_expect_eq(plugin_run_error(&run, NEW("state_id")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, NEW("physical_state_id")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, NEW("rate_bytes_per_second")), -EINVAL);
	cr_expect_eq(run.batch.n_samples, 2 + 3, "a card without ports is one too");

	fake_root_write(root, CLASS "mlx5_0/ports/1/state", "x: ACTIVE\n");
	fake_root_write(root, CLASS "mlx5_0/ports/1/phys_state", ":\n");
	fake_root_write(root, CLASS "mlx5_0/ports/1/rate", "fast Gb/sec\n");
	cr_assert_eq(plugin_run_take(&run), 0);
	cr_expect_eq(plugin_run_error(&run, NEW("state_id")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, NEW("physical_state_id")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, NEW("rate_bytes_per_second")), -EINVAL);
}

Test(infiniband, says_enodev_on_a_host_without_cards)
{
	cr_expect_eq(plugin_run_start(&run, &infiniband_plugin, "tests/fixtures/empty"), -ENODEV);
}
