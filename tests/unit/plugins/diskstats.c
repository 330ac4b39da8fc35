/* SPDX-License-Identifier: MIT */
/*
 * Tests of plugins/diskstats.c. The fixture follows Documentation/admin-guide/iostats.rst of Linux 6.1 and the database of
 * systemd's udev 252; the disks are made up.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin diskstats_plugin;

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

TestSuite(diskstats, .init = setup, .fini = teardown);

#define READS(device)    "node_disk_reads_completed_total{device=\"" device "\"}"
#define FLUSHES(device)  "node_disk_flush_requests_total{device=\"" device "\"}"
#define WWID(device, id) "node_disk_wwid_info{device=\"" device "\",wwid=\"" id "\"}"

/* A line with all fields. */
#define LINE(number, name) number " " name " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n"

static void set_stats(const char *text)
{
	fake_root_write(root, "/proc/diskstats", text);
}

static void take(void)
{
	cr_assert_eq(plugin_run_take(&run), 0);
}

static void start(const char *text)
{
	set_stats(text);
	cr_assert_eq(plugin_run_start(&run, &diskstats_plugin, root), 0);
	take();
}

static void take_fixture(void)
{
	cr_assert_eq(plugin_run_start(&run, &diskstats_plugin, "tests/fixtures/storage"), 0);
	take();
}

static double of_sda(const char *metric)
{
	char series[128];

	(void)snprintf(series, sizeof(series), "node_disk_%s{device=\"sda\"}", metric);
	return plugin_run_value(&run, series);
}

Test(diskstats, reports_every_field_in_base_units)
{
	take_fixture();

	cr_expect(of_sda("reads_completed_total") == 82103);
	cr_expect(of_sda("reads_merged_total") == 31022);
	cr_expect(of_sda("read_bytes_total") == 9034562 * 512.0);
	cr_expect(of_sda("read_time_seconds_total") == 45127 * 0.001);
	cr_expect(of_sda("writes_completed_total") == 301244);
	cr_expect(of_sda("writes_merged_total") == 288410);
	cr_expect(of_sda("written_bytes_total") == 20447816 * 512.0);
	cr_expect(of_sda("write_time_seconds_total") == 1204415 * 0.001);
	cr_expect(of_sda("io_now") == 2);
	cr_expect(of_sda("io_time_seconds_total") == 402316 * 0.001);
	cr_expect(of_sda("io_time_weighted_seconds_total") == 1301544 * 0.001);
	cr_expect(of_sda("discards_completed_total") == 3120);
	cr_expect(of_sda("discards_merged_total") == 14);
	cr_expect(of_sda("discarded_sectors_total") == 9920512);
	cr_expect(of_sda("discard_time_seconds_total") == 1822 * 0.001);
	cr_expect(of_sda("flush_requests_total") == 41022);
	cr_expect(of_sda("flush_requests_time_seconds_total") == 50180 * 0.001);
}

Test(diskstats, reports_no_fields_that_an_older_kernel_does_not_have)
{
	take_fixture();

	cr_expect(plugin_run_has(&run, READS("sdb")));
	cr_expect_eq(plugin_run_error(&run, "node_disk_discards_completed_total{device=\"sdb\"}"),
		     -ENOENT);
	cr_expect(plugin_run_has(&run, "node_disk_discards_completed_total{device=\"vda\"}"));
	cr_expect_eq(plugin_run_error(&run, FLUSHES("vda")), -ENOENT);
}

Test(diskstats, leaves_out_partitions_and_devices_in_memory)
{
	take_fixture();

	cr_expect_not(plugin_run_has(&run, READS("loop0")));
	cr_expect_not(plugin_run_has(&run, READS("sda1")));
	cr_expect_not(plugin_run_has(&run, READS("nvme0n1p1")));
	cr_expect_not(plugin_run_has(&run, READS("zram0")));
	cr_expect(plugin_run_has(&run, READS("nvme0n1")));
	cr_expect(plugin_run_has(&run, READS("dm-0")));
}

Test(diskstats, leaves_out_what_the_option_says)
{
	static const char *const values[] = {"sd?"};

	run.option_values = values;
	start(LINE("8 0", "sda") LINE("8 1", "sda1") LINE("7 0", "loop0"));

	cr_expect_not(plugin_run_has(&run, READS("sda")));
	cr_expect(plugin_run_has(&run, READS("sda1")));
	cr_expect(plugin_run_has(&run, READS("loop0")));
}

Test(diskstats, tells_which_disk_it_is)
{
	take_fixture();

	cr_expect(plugin_run_value(&run, "node_disk_info{device=\"sda\",major=\"8\",minor=\"0\","
					 "path=\"pci-0000:00:17.0-ata-1\","
					 "wwn=\"0x5002538e40a1b2c3\",model=\"Example_SSD_512GB\","
					 "serial=\"S4X1NF0M123456\",revision=\"RVT01B6Q\"}") == 1);
	cr_expect(plugin_run_has(&run, WWID("sda", "naa.5002538e40a1b2c3")));
	cr_expect(plugin_run_has(&run, WWID("nvme0n1", "eui.0025385b91504321")));
	cr_expect(of_sda("rotational") == 0);
	cr_expect(plugin_run_value(&run, "node_disk_rotational{device=\"sdb\"}") == 1);
	cr_expect(of_sda("ata_write_cache") == 1);
	cr_expect(of_sda("ata_write_cache_enabled") == 1);
	cr_expect(of_sda("ata_rotation_rate_rpm") == 0);
}

Test(diskstats, takes_the_serial_that_is_printed_on_the_disk)
{
	take_fixture();

	cr_expect(plugin_run_has(&run,
				 "node_disk_info{device=\"sdb\",major=\"8\",minor=\"16\",path=\"\","
				 "wwn=\"\",model=\"Example_HDD_4TB\",serial=\"WCC7K0AAAAAA\","
				 "revision=\"\"}"));
	cr_expect(plugin_run_has(
		&run, "node_disk_info{device=\"vda\",major=\"254\",minor=\"0\",path=\"\","
		      "wwn=\"\",model=\"\",serial=\"virtio-data-1\",revision=\"\"}"));
}

Test(diskstats, tells_file_systems_and_volumes)
{
	take_fixture();

	cr_expect(plugin_run_has(
		&run, "node_disk_filesystem_info{device=\"sdb\",type=\"ext4\",usage=\"filesystem\","
		      "uuid=\"0a7f1c1e-5b5e-4c55-9c0e-1d7c0e5b2a11\",version=\"1.0\"}"));
	cr_expect(plugin_run_has(
		&run,
		"node_disk_device_mapper_info{device=\"dm-0\",name=\"vg0-root\","
		"uuid=\"LVM-wbGqQEBL9SxrW2DLntJwgg8fAv946hw3Tvjqh0v31fWgxEtD4BoHO0lROWFUY65T\","
		"vg_name=\"vg0\",lv_name=\"root\",lv_layer=\"\"}"));
}

Test(diskstats, says_of_wrong_udev_numbers_that_they_are_missing)
{
	fake_root_write(root, "/run/udev/data/b8:0",
			"E:ID_ATA=1\nE:ID_ATA_WRITE_CACHE=yes\nE:ID_ATA_ROTATION_RATE_RPM=7200\n"
			"E:\nE:=\nE\nID_ATA_WRITE_CACHE_ENABLED=1\nE:ID_MODEL=a=b\nE:ID_MODEL=c=d");
	start(LINE("8 0", "sda"));

	cr_expect_eq(plugin_run_error(&run, "node_disk_ata_write_cache{device=\"sda\"}"), -EINVAL);
	cr_expect_not(plugin_run_has(&run, "node_disk_ata_write_cache_enabled{device=\"sda\"}"));
	cr_expect(of_sda("ata_rotation_rate_rpm") == 7200);
	cr_expect(plugin_run_has(&run,
				 "node_disk_info{device=\"sda\",major=\"8\",minor=\"0\",path=\"\","
				 "wwn=\"\",model=\"c=d\",serial=\"\",revision=\"\"}"));
}

Test(diskstats, gives_a_reason_and_no_value_for_each_wrong_number)
{
	start("8 0 sda 1 x 3 4 5 6 99999999999999999999 8 9 10 11 -1\n");

	cr_expect_eq(plugin_run_error(&run, "node_disk_reads_merged_total{device=\"sda\"}"),
		     -EINVAL);
	cr_expect_eq(plugin_run_error(&run, "node_disk_written_bytes_total{device=\"sda\"}"),
		     -ERANGE);
	cr_expect_eq(plugin_run_error(&run, "node_disk_discards_completed_total{device=\"sda\"}"),
		     -EINVAL);
	cr_expect(of_sda("io_time_weighted_seconds_total") == 0.011);
}

Test(diskstats, passes_over_lines_that_are_none)
{
	start("\n8 0\nx 0 sdx 1 2 3 4 5 6 7 8 9 10 11\n8 1 sdaa1 1 2 3 4\n"
	      "8 2 averyveryverylongnameaveryveryverylongnameaveryveryverylongnamexyz 1 2 3 4 5 6 7 8 9 "
	      "10 11\n" LINE("8 0", "sda") LINE("9 0", "cciss/c0d0") LINE("9 1", ".."));

	cr_expect(plugin_run_has(&run, READS("sda")));
	cr_expect(plugin_run_has(&run, READS("cciss/c0d0")));
	cr_expect_not(plugin_run_has(&run, READS("sdx")));
	cr_expect_not(plugin_run_has(&run, READS("sdaa1")));
}

Test(diskstats, looks_for_names_with_a_slash_as_sysfs_spells_them)
{
	fake_root_write(root, "/sys/block/cciss!c0d0/wwid", "t10.ATA     Disk\377 1   \n");
	start(LINE("104 0", "cciss/c0d0"));

	cr_expect(plugin_run_has(&run, WWID("cciss/c0d0", "t10.ATA     Disk\357\277\275 1")));
}

Test(diskstats, does_not_know_whether_a_disk_turns_where_the_file_does_not_say)
{
	fake_root_write(root, "/sys/block/sda/queue/rotational", "x\n");
	fake_root_write(root, "/sys/block/sdb/queue/rotational", "0\n");
	start(LINE("8 0", "sda") LINE("8 16", "sdb"));

	cr_expect_eq(plugin_run_error(&run, "node_disk_rotational{device=\"sda\"}"), -ENOENT);
	cr_expect(plugin_run_value(&run, "node_disk_rotational{device=\"sdb\"}") == 0);
}

Test(diskstats, takes_the_first_of_two_lines_of_a_name)
{
	start("8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n" LINE("8 16",
						       "sdb") "8 0 sda 9 2 3 4 5 6 7 8 9 10 11\n");
	cr_expect(of_sda("reads_completed_total") == 1);

	/* The first of them becomes another one's. */
	set_stats(LINE("8 16", "sdb") LINE("8 16", "sdb") "8 0 sda 9 2 3 4 5 6 7 8 9 10 11\n");
	take();
	cr_expect(of_sda("reads_completed_total") == 9);
	cr_expect_eq(fake_batch_n_values(&run.batch), 30);
}

Test(diskstats, follows_disks_that_come_and_go)
{
	fake_root_write(root, "/run/udev/data/b8:0", "E:ID_SERIAL=first\n");
	fake_root_write(root, "/run/udev/data/b8:16", "E:ID_SERIAL=second\n");
	start(LINE("8 0", "sda") LINE("8 16", "sdb"));
	set_stats(LINE("8 16", "sdb"));
	take();
	cr_expect_not(plugin_run_has(&run, READS("sda")));
	cr_expect(plugin_run_has(&run, READS("sdb")));
	cr_expect(plugin_run_has(&run,
				 "node_disk_info{device=\"sdb\",major=\"8\",minor=\"16\",path=\"\","
				 "wwn=\"\",model=\"\",serial=\"second\",revision=\"\"}"));

	set_stats(LINE("8 0", "sda") LINE("8 16", "sdb") LINE("8 32", "sdc"));
	take();
	cr_expect_eq(fake_batch_n_values(&run.batch), 54);
}

/* As udev does, which writes a new file and renames it. */
Test(diskstats, tells_what_udev_finds_out_later)
{
	char from[256];
	char to[256];

	fake_root_write(root, "/run/udev/data/b8:0", "E:ID_SERIAL=1\n");
	start(LINE("8 0", "sda"));
	cr_expect_eq(fake_batch_n_values(&run.batch), 18);

	fake_root_write(root, "/run/udev/data/new", "E:ID_SERIAL=1\nE:ID_FS_TYPE=ext4\n");
	(void)snprintf(from, sizeof(from), "%s/run/udev/data/new", root);
	(void)snprintf(to, sizeof(to), "%s/run/udev/data/b8:0", root);
	cr_assert_eq(rename(from, to), 0);
	take();
	cr_expect(plugin_run_has(
		&run, "node_disk_filesystem_info{device=\"sda\",type=\"ext4\",usage=\"\","
		      "uuid=\"\",version=\"\"}"));

	cr_assert_eq(remove(to), 0);
	take();
	cr_expect(plugin_run_has(&run, READS("sda")));
	cr_expect_eq(fake_batch_n_values(&run.batch), 18);
}

Test(diskstats, says_the_same_twice)
{
	size_t n_values;

	take_fixture();
	n_values = run.batch.n_samples;
	take();

	cr_expect_eq(run.batch.n_samples, n_values);
	cr_expect(of_sda("reads_completed_total") == 82103);
}

Test(diskstats, reports_nothing_of_a_host_without_disks)
{
	start("");
	cr_expect_eq(run.batch.n_samples, 0);
}

Test(diskstats, says_enodev_on_a_host_without_the_file)
{
	cr_expect_eq(plugin_run_start(&run, &diskstats_plugin, "tests/fixtures/empty"), -ENODEV);
}

Test(diskstats, says_why_the_file_cannot_be_read)
{
	fake_root_write(root, "/proc/diskstats/file", "");
	cr_assert_eq(plugin_run_start(&run, &diskstats_plugin, root), 0);

	cr_expect_eq(plugin_run_take(&run), -EISDIR);
}

Test(diskstats, reads_the_running_system)
{
	cr_assert_eq(plugin_run_start(&run, &diskstats_plugin, ""), 0);
	take();
}
