/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/edac.c on tests/fixtures/board, which is written by hand as Linux 6.1 prints it
 * (Documentation/admin-guide/ras.rst), and below roots that the tests write.
 */

#include <bsd/string.h>

#include "tests/support/board_suite.h"

BOARD_SUITE(edac);

#define CONTROLLER(name, n) "node_edac_" name "_total{controller=\"" n "\"}"
#define ROW(name, row)      "node_edac_csrow_" name "_total{controller=\"0\",csrow=\"" row "\"}"
#define CHANNEL(name, row, channel, dimm)                                                          \
	"node_edac_channel_" name "_total{controller=\"0\",csrow=\"" row "\",channel=\"" channel   \
	"\",dimm_label=\"" dimm "\"}"

Test(edac, reports_errors_of_controllers_and_rows)
{
	take("tests/fixtures/board");

	cr_expect(VALUE(CONTROLLER("correctable_errors", "0")) == 3);
	cr_expect(VALUE(CONTROLLER("uncorrectable_errors", "0")) == 5);
	cr_expect(VALUE(ROW("correctable_errors", "0")) == 0);
	cr_expect(VALUE(ROW("correctable_errors", "1")) == 3);
	cr_expect(VALUE(ROW("uncorrectable_errors", "1")) == 4);
	cr_expect(VALUE(ROW("correctable_errors", "unknown")) == 1);
	cr_expect(VALUE(ROW("uncorrectable_errors", "unknown")) == 2);
	cr_expect_eq(run.batch.n_samples, 2 + 2 + 4 + 4 + 2);
}

Test(edac, reports_errors_of_channels_with_the_name_of_the_dimm)
{
	take("tests/fixtures/board");

	cr_expect(VALUE(CHANNEL("correctable_errors", "1", "1", "mc0_csrow1_channel1")) == 1);
	cr_expect(VALUE(CHANNEL("uncorrectable_errors", "1", "0", "mc0_csrow1_channel0")) == 2);
	cr_expect(VALUE(CHANNEL("correctable_errors", "0", "0", "CPU_SrcID0_Ha0_Chan0_DIMM0")) ==
		  0);
}

#define FOLDER "/sys/devices/system/edac/mc/mc0"

Test(edac, takes_names_as_they_come)
{
	fake_root_write(root, FOLDER "/csrow0/ch0_ce_count", "1\n");
	fake_root_write(root, FOLDER "/csrow0/ch0_dimm_label", " DIMM %s \xff\"A1\" \n");
	fake_root_write(root, FOLDER "/csrow0/ch1_ce_count", "2\n");
	fake_root_write(root, FOLDER "/csrow0/ch2_ce_count", "3\n");
	fake_root_write(root, FOLDER "/csrow0/ch2_dimm_label", "\n");
	take(root);

	cr_expect(VALUE(CHANNEL("correctable_errors", "0", "0", "DIMM %s \xef\xbf\xbd\"A1\"")) ==
		  1);
	cr_expect(VALUE(CHANNEL("correctable_errors", "0", "1", "unknown")) == 2);
	cr_expect(VALUE(CHANNEL("correctable_errors", "0", "2", "")) == 3);
}

Test(edac, cuts_a_name_that_is_too_long)
{
	char label[128] = {0};

	for (size_t i = 0; i < 25; i++)
		(void)strlcat(label, "csrow", sizeof(label));
	fake_root_write(root, FOLDER "/csrow0/ch0_ce_count", "1\n");
	fake_root_write(root, FOLDER "/csrow0/ch0_dimm_label", label);
	take(root);

	cr_expect_eq(run.batch.n_samples, 1);
}

Test(edac, passes_over_what_is_no_controller_row_or_channel)
{
	fake_root_write(root, FOLDER "/csrowx/ce_count", "1\n");
	fake_root_write(root, FOLDER "/csrow1", "a file\n");
	fake_root_write(root, FOLDER "/csrow0/ch_ce_count", "1\n");
	fake_root_write(root, FOLDER "/csrow0/ch0x_ce_count", "1\n");
	fake_root_write(root, "/sys/devices/system/edac/mc/mcx/ce_count", "1\n");
	fake_root_write(root, "/sys/devices/system/edac/mc/mc1", "a file\n");
	cr_expect_eq(plugin_run_start(&run, &edac_plugin, root), -ENODEV);
}

Test(edac, gives_a_reason_and_no_value_for_a_wrong_count)
{
	fake_root_write(root, FOLDER "/ce_count", "none\n");
	fake_root_write(root, FOLDER "/ue_count", "0\n");
	take(root);

	cr_expect_eq(plugin_run_error(&run, CONTROLLER("correctable_errors", "0")), -EINVAL);
	cr_expect(VALUE(CONTROLLER("uncorrectable_errors", "0")) == 0);
}
