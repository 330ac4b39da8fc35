/* SPDX-License-Identifier: MIT */
/* Tests of plugins/netdev.c and names.c. tests/fixtures/network/proc/net/dev is as Linux 6.1 prints it. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugins/names.h"
#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

extern const struct hm_plugin netdev_plugin;

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

TestSuite(netdev, .init = setup, .fini = teardown);

#define HEADER                                                                                     \
	"Inter-|   Receive                            |  Transmit\n"                               \
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes\n"
#define ZEROS                     " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
#define SERIES(direction, device) "node_network_" direction "_total{device=\"" device "\"}"
#define BYTES(device)             SERIES("receive_bytes", device)

/* What the file says from now on, below its header. */
static void set_lines(const char *lines)
{
	char *text;

	cr_assert_geq(asprintf(&text, HEADER "%s", lines), 0);
	fake_root_write(root, "/proc/net/dev", text);
	free(text);
}

static void start(void)
{
	cr_assert_eq(plugin_run_start(&run, &netdev_plugin, root), 0);
}

static void take_round(void)
{
	cr_assert_eq(plugin_run_take(&run), 0);
}

static void take_fixture(void)
{
	cr_assert_eq(plugin_run_start(&run, &netdev_plugin, "tests/fixtures/network"), 0);
	take_round();
}

Test(netdev, reports_each_field_of_an_interface)
{
	static const struct {
		const char *series;
		double value;
	} fields[] = {
		{SERIES("receive_bytes", "enp1s0f0"), 874354587311},
		{SERIES("receive_packets", "enp1s0f0"), 1036395117},
		{SERIES("receive_errs", "enp1s0f0"), 3},
		{SERIES("receive_drop", "enp1s0f0"), 41},
		{SERIES("receive_fifo", "enp1s0f0"), 2},
		{SERIES("receive_frame", "enp1s0f0"), 1},
		{SERIES("receive_compressed", "enp1s0f0"), 7},
		{SERIES("receive_multicast", "enp1s0f0"), 913204},
		{SERIES("transmit_bytes", "enp1s0f0"), 563352563944},
		{SERIES("transmit_packets", "enp1s0f0"), 732147091},
		{SERIES("transmit_errs", "enp1s0f0"), 4},
		{SERIES("transmit_drop", "enp1s0f0"), 9},
		{SERIES("transmit_fifo", "enp1s0f0"), 5},
		{SERIES("transmit_colls", "enp1s0f0"), 6},
		{SERIES("transmit_carrier", "enp1s0f0"), 8},
		{SERIES("transmit_compressed", "enp1s0f0"), 10},
	};

	take_fixture();
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		cr_expect(plugin_run_value(&run, fields[i].series) == fields[i].value, "%s",
			  fields[i].series);
	cr_expect(plugin_run_value(&run, BYTES("wg0.1")) == 0x1p64, "no blank behind the colon");
}

Test(netdev, leaves_out_the_ends_of_containers)
{
	take_fixture();

	cr_expect_eq(run.batch.n_samples, 112);
	cr_expect(plugin_run_has(&run, BYTES("docker0")));
	cr_expect(plugin_run_has(&run, BYTES("lxcbr0")));
	cr_expect_eq(plugin_run_error(&run, BYTES("veth1f3c9a2")), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, BYTES("cali12ab34cd56e")), -ENOENT);
	cr_expect_eq(plugin_run_error(&run, BYTES("lxc0a1b2c3d4e5f")), -ENOENT);
}

Test(netdev, reads_on_behind_the_ends_of_thousands_of_containers)
{
	char *lines = NULL;
	size_t n_bytes = 0;
	FILE *file = open_memstream(&lines, &n_bytes);

	for (int i = 0; i < 4000; i++)
		(void)fprintf(file, "veth%08x: 1" ZEROS, i);
	(void)fputs("eth0: 7" ZEROS, file);
	cr_assert_eq(fclose(file), 0);
	cr_assert_gt(n_bytes, 65536);
	set_lines(lines);
	free(lines);
	start();
	take_round();

	cr_expect(plugin_run_value(&run, BYTES("eth0")) == 7);
	cr_expect_eq(run.batch.n_samples, 16);
}

/* As 32 bits do, and a driver that is loaded anew. */
Test(netdev, ships_counters_that_wrap_or_begin_anew_as_they_are)
{
	set_lines("eth0: 4294967295" ZEROS);
	start();
	take_round();
	cr_expect(plugin_run_value(&run, BYTES("eth0")) == 4294967295);

	set_lines("eth0: 3" ZEROS);
	take_round();
	cr_expect(plugin_run_value(&run, BYTES("eth0")) == 3);
	cr_expect_eq(fake_batch_find(&run.batch, BYTES("eth0"))->metric->kind, HM_COUNTER);
}

Test(netdev, leaves_out_what_the_option_says)
{
	static const char *const values[] = {"lo wg*"};

	run.option_values = values;
	take_fixture();

	cr_expect_eq(run.batch.n_samples, 128);
	cr_expect(plugin_run_has(&run, BYTES("veth1f3c9a2")));
	cr_expect_eq(plugin_run_error(&run, BYTES("lo")), -ENOENT);
}

Test(netdev, gives_nothing_where_all_are_left_out)
{
	static const char *const values[] = {"*"};

	run.option_values = values;
	take_fixture();

	cr_expect_eq(run.batch.n_samples, 0);
}

Test(netdev, follows_interfaces_that_come_go_and_change_places)
{
	set_lines("a: 1" ZEROS "b: 2" ZEROS "veth0: 3" ZEROS "c: 4" ZEROS);
	start();
	take_round();
	cr_expect_eq(run.batch.n_samples, 48);

	set_lines("c: 5" ZEROS "veth1: 6" ZEROS "a: 7" ZEROS "veth0: 8" ZEROS "d: 9" ZEROS);
	take_round();

	cr_expect_eq(run.batch.n_samples, 48);
	cr_expect(plugin_run_value(&run, BYTES("c")) == 5);
	cr_expect(plugin_run_value(&run, BYTES("a")) == 7);
	cr_expect(plugin_run_value(&run, BYTES("d")) == 9);
	cr_expect_eq(plugin_run_error(&run, BYTES("b")), -ENOENT);
}

Test(netdev, says_the_same_twice)
{
	set_lines("a: 1" ZEROS "b: x" ZEROS);
	start();
	for (int i = 0; i < 2; i++) {
		take_round();
		cr_expect_eq(run.batch.n_samples, 32);
		cr_expect(plugin_run_value(&run, BYTES("a")) == 1);
		cr_expect_eq(plugin_run_error(&run, BYTES("b")), -EINVAL);
	}
}

Test(netdev, gives_a_reason_and_no_value_for_each_wrong_number)
{
	set_lines("eth0: 1 -2 x 18446744073709551616 5\n"
		  "eth1: 7" ZEROS);
	start();
	take_round();

	cr_expect(plugin_run_value(&run, BYTES("eth0")) == 1);
	cr_expect_eq(plugin_run_error(&run, SERIES("receive_packets", "eth0")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, SERIES("receive_errs", "eth0")), -EINVAL);
	cr_expect_eq(plugin_run_error(&run, SERIES("receive_drop", "eth0")), -ERANGE);
	cr_expect(plugin_run_value(&run, SERIES("receive_fifo", "eth0")) == 5);
	cr_expect_eq(plugin_run_error(&run, SERIES("receive_frame", "eth0")), -ENODATA);
	cr_expect(plugin_run_value(&run, BYTES("eth1")) == 7);
}

Test(netdev, takes_hostile_names_as_they_are)
{
	char line[256];

	set_lines("a b %s \\x41 \xc3\xa4: 1" ZEROS "eth0:1: 2" ZEROS ": 3" ZEROS "no colon\n");
	start();
	take_round();
	cr_expect_eq(run.batch.n_samples, 32);
	cr_expect(plugin_run_value(&run, BYTES("a b %s \\x41 \xc3\xa4")) == 1);
	cr_expect(plugin_run_value(&run, BYTES("eth0:1")) == 2);

	(void)snprintf(line, sizeof(line), "%0100d: 1" ZEROS "b: 2" ZEROS, 0);
	set_lines(line);
	take_round();
	cr_expect_eq(run.batch.n_samples, 16, "no interface has a name of 100 bytes");
}

Test(netdev, takes_the_first_of_two_lines_of_an_interface)
{
	set_lines("a: 1" ZEROS "b: 2" ZEROS "a: 3" ZEROS);
	start();
	take_round();
	take_round();

	cr_expect_eq(run.batch.n_samples, 32);
	cr_expect(plugin_run_value(&run, BYTES("a")) == 1);
}

Test(netdev, says_enodata_where_there_is_no_interface)
{
	set_lines("");
	start();

	cr_expect_eq(plugin_run_take(&run), -ENODATA);
}

Test(netdev, says_enodev_on_a_host_without_the_file)
{
	cr_expect_eq(plugin_run_start(&run, &netdev_plugin, "tests/fixtures/empty"), -ENODEV);
}

Test(netdev, reads_the_running_system)
{
	cr_assert_eq(plugin_run_start(&run, &netdev_plugin, ""), 0);
	take_round();

	cr_expect(plugin_run_has(&run, BYTES("lo")));
}

Test(netdev, names_keep_their_memory_small)
{
	struct names names = {.globs = ""};
	struct name *name;
	char text[16];

	for (unsigned int i = 0; i < 10000; i++) {
		names_begin(&names);
		(void)snprintf(text, sizeof(text), "veth%u", i);
		cr_assert_eq(names_take(&names, (struct hm_span){text, strlen(text)}, &name), 0);
		cr_assert_str_eq(name->text, text);
	}
	cr_expect_eq(names.capacity, 16);
	names_done(&names);
}

/* Of thousands of containers one goes in nearly each round. */
Test(netdev, names_are_found_quickly_behind_one_that_is_gone)
{
	struct names names = {.globs = ""};
	struct name *name;
	clock_t began = 0;
	char text[16];

	for (unsigned int first = 0; first < 2; first++) {
		began = clock();
		names_begin(&names);
		for (unsigned int i = first; i < NAMES_MAX; i++) {
			(void)snprintf(text, sizeof(text), "veth%u", i);
			cr_assert_eq(
				names_take(&names, (struct hm_span){text, strlen(text)}, &name), 0);
		}
	}
	cr_expect_lt(clock() - began, CLOCKS_PER_SEC / 20, "%ld us", (long)(clock() - began));
	names_done(&names);
}

Test(netdev, names_of_one_round_are_not_without_end)
{
	struct names names = {.globs = ""};
	struct name *name;
	char text[16];

	names_begin(&names);
	for (unsigned int i = 0; i <= NAMES_MAX; i++) {
		(void)snprintf(text, sizeof(text), "%u", i);
		cr_assert_eq(names_take(&names, (struct hm_span){text, strlen(text)}, &name),
			     i < NAMES_MAX ? 0 : -ENOSPC);
	}
	names_done(&names);
}
