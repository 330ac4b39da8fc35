/* SPDX-License-Identifier: MIT */
/* Tests of what the metric files say at start. */

#include "collector/loader.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/message.h"
#include "common/store_file.h"
#include "tests/support/all_series.h"
#include "tests/support/sim_store.h"

#define AT SIM_STORE_AT

static struct sim_store store;

static void setup(void)
{
	message_init("test");
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
}

static void teardown(void)
{
	sim_store_done(&store);
}

TestSuite(loader, .init = setup, .fini = teardown);

Test(loader, knows_series_kinds_units_and_last_values)
{
	struct engine_series_state states[2];
	struct catalog_series **series;
	size_t n;

	sim_store_put_filed(&store, "# TYPE m counter\n# UNIT m bytes\n" AT "07 m 5\n" AT
				    "06 m{x=\"1\"} 4\n");
	sim_store_reopen(&store);

	cr_assert_eq(all_series_list(store.engine, &series, &n), 0);
	cr_assert_eq(n, 2);
	engine_get_states(store.engine, series, n, states);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(states[i].kind, HM_STORED_COUNTER);
		cr_assert_str_eq(states[i].unit, "bytes");
		cr_assert_eq(states[i].last_value, series[i]->labels_length ? 4 : 5);
	}
	free(series);
}

Test(loader, loses_nothing_to_any_flipped_bit_of_a_header)
{
	static const char all[] = "1 here m 1\n2 here m 2\n1 here m{x=\"1\"} 5\n";
	struct store_file_header header;
	uint64_t size;
	uint8_t *bytes;

	sim_store_put_filed(&store, "# TYPE m counter\n# UNIT m bytes\n" AT "01 m 1\n" AT
				    "01 m{x=\"1\"} 5\n");
	sim_store_put_filed(&store, AT "02 m 2\n");
	bytes = sim_store_copy_file(&store, "hosts/here/m.hm", &size);
	cr_assert_eq(store_file_get_header(bytes, size, &header), 0);
	sim_store_kill(&store);
	for (uint64_t bit = 0; bit < header.header_bytes * 8; bit++) {
		cr_assert_eq(sim_disk_flip(store.sim, "hosts/here/m.hm", bit), 0);
		cr_assert_eq(sim_store_open(&store), 0);
		cr_assert_str_eq(sim_store_read(&store), all, "bit %u", (unsigned)bit);
		cr_assert_eq(sim_store_stats(&store).n_damaged_ranges, 1, "bit %u", (unsigned)bit);
		sim_store_kill(&store);
		cr_assert_eq(sim_disk_flip(store.sim, "hosts/here/m.hm", bit), 0);
	}
	free(bytes);
}

Test(loader, goes_on_behind_a_damaged_header)
{
	sim_store_put_filed(&store, AT "01 m 1\n" AT "01 m{x=\"1\"} 5\n");
	sim_store_damage(&store, "hosts/here/m.hm", 0, 64);
	/* Who runs on reads it, too. */
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n1 here m{x=\"1\"} 5\n");
	sim_store_reopen(&store);
	sim_store_put_filed(&store, AT "02 m 2\n" AT "02 m{x=\"2\"} 6\n");
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store),
			 "1 here m 1\n2 here m 2\n1 here m{x=\"1\"} 5\n2 here m{x=\"2\"} 6\n");
}

Test(loader, keeps_the_metrics_x_odd_and_x_apart)
{
	static const char sorted[] = "-1795415995 here x 2\n1 here x 1\n2 here x.odd 3\n";

	/* The second of these has an impossible time. */
	sim_store_put_filed(&store, AT "01 x 1\n5 x 2\n" AT "02 x.odd 3\n");
	cr_assert_str_eq(sim_store_read(&store), sorted);
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store), sorted);
}

static const struct {
	const char *name;
	bool is_later;
	const char *path; /* where its bytes are in the end */
} strange[] = {{"of another version", true, "hosts/here/m.hm"},
	       {"of nobody", false, "hosts/here/m.hm.damaged"}};

Test(loader, never_writes_to_what_it_cannot_read)
{
	static const char text[] = "this is no metric file, but somebody put it here";
	uint64_t size;

	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		uint8_t *bytes;

		teardown();
		setup();
		sim_store_put_filed(&store, AT "01 m 1\n" AT "01 n 1\n");
		if (strange[i].is_later) {
			sim_store_write_later(&store, "hosts/here/m.hm");
		} else {
			sim_store_write_file(&store, "hosts/here/m.hm", text, sizeof(text));
			sim_store_damage(&store, "hosts/here/m.hm", sizeof(text), 400);
		}
		bytes = sim_store_copy_file(&store, "hosts/here/m.hm", &size);
		sim_store_reopen(&store);
		cr_assert_eq(sim_store_stats(&store).n_files_aside, 1, "%s", strange[i].name);
		sim_store_put_filed(&store, AT "02 m 2\n");
		cr_assert(sim_store_holds(&store, strange[i].path, bytes, size));
		cr_assert_str_eq(sim_store_read(&store), "2 here m 2\n1 here n 1\n");
		sim_store_reopen(&store);
		cr_assert(sim_store_holds(&store, strange[i].path, bytes, size));
		cr_assert_str_eq(sim_store_read(&store), "2 here m 2\n1 here n 1\n");
		free(bytes);
	}
}

Test(loader, leaves_another_metrics_file_alone)
{
	uint64_t size;
	uint8_t *bytes;

	sim_store_put_filed(&store, AT "01 m 1\n" AT "01 n 2\n");
	bytes = sim_store_copy_file(&store, "hosts/here/n.hm", &size);
	sim_store_remove(&store, "hosts/here", "m.hm");
	sim_store_write_file(&store, "hosts/here/m.hm", bytes, size);
	sim_store_reopen(&store);
	sim_store_put_filed(&store, AT "02 m 3\n");

	cr_assert_str_eq(sim_store_read(&store), "2 here m 3\n1 here n 2\n");
	cr_assert(sim_store_holds(&store, "hosts/here/m.hm", bytes, size));
	free(bytes);
}

Test(loader, mixes_in_no_file_of_another_store)
{
	struct sim_store other;
	const uint8_t *bytes;
	uint64_t size;

	sim_store_init(&other);
	sim_disk_seed(other.sim, 99);
	cr_assert_eq(sim_store_open(&other), 0);
	sim_store_put_filed(&other, AT "01 m 7\n" AT "01 n 8\n" AT "01 m{host=\"b\"} 9\n");
	sim_store_put_filed(&store, AT "01 m 1\n" AT "01 n 2\n");
	sim_store_kill(&store);
	bytes = sim_disk_content(other.sim, "hosts/here/m.hm", &size);
	sim_store_remove(&store, "hosts/here", "m.hm");
	sim_store_write_file(&store, "hosts/here/m.hm", bytes, size);
	cr_assert_eq(sim_store_open(&store), 0);

	cr_assert_str_eq(sim_store_read(&store), "1 here n 2\n");
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 1);
	cr_assert_str_eq(sim_store_stats(&store).last_error,
			 "hosts/here/m.hm: it is of another store");
	sim_store_put_filed(&store, AT "02 m 3\n");
	cr_assert(sim_store_holds(&store, "hosts/here/m.hm", bytes, size));
	cr_assert(sim_store_has(&store, "hosts/here/m~1.hm"));
	for (int i = 0; i < 2; i++) {
		sim_store_reopen(&store);
		cr_assert_str_eq(sim_store_read(&store), "2 here m 3\n1 here n 2\n");
	}
	sim_store_done(&other);
}

Test(loader, counts_on_where_the_header_of_a_hosts_file_is_damaged)
{
	sim_store_put_filed(&store, AT "01 m 1\n" AT "02 m 2\n");
	sim_store_damage(&store, "hosts/here/.host", 16, 40);
	sim_store_reopen(&store);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(store.engine->catalog.all_hosts[0]->n_filed, 2 + i);
		sim_store_put_filed(&store, i == 0 ? AT "03 m 3\n" : "");
		sim_store_reopen(&store);
	}
	cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
}

Test(loader, never_overwrites_a_file_that_cannot_be_read_now)
{
	static const char all[] = "1 here m 1\n3 here m 3\n1 here m{x=\"1\"} 2\n"
				  "3 here m{y=\"1\"} 4\n";
	uint64_t size;
	uint8_t *bytes;

	sim_store_put_filed(&store, AT "01 m 1\n" AT "01 m{x=\"1\"} 2\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	bytes = sim_store_copy_file(&store, "hosts/here/m.hm", &size);
	sim_store_kill(&store);
	/* The last reads of a start are those of files: which of them fails does not matter. */
	for (uint64_t n = 1;; n++) {
		int result;

		sim_disk_fail(store.sim, SIM_PREAD, n, ETIMEDOUT, false);
		result = sim_store_open(&store);
		sim_disk_heal(store.sim);
		if (result == 0 && sim_store_stats(&store).n_files_aside > 0)
			break;
		cr_assert_lt(n, 100, "no read of a file was met");
		sim_store_kill(&store);
	}
	sim_store_put_filed(&store, AT "03 m 3\n" AT "03 m{y=\"1\"} 4\n");
	cr_assert(sim_store_holds(&store, "hosts/here/m.hm", bytes, size));
	cr_assert_str_eq(sim_store_read(&store), "3 here m 3\n3 here m{y=\"1\"} 4\n");
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store), all);
	sim_store_put_filed(&store, "");
	sim_store_reopen(&store);
	cr_assert_str_eq(sim_store_read(&store), all);
	free(bytes);
}

Test(loader, serves_what_lies_around_a_bad_sector_and_goes_on_in_a_part)
{
	uint64_t size;
	uint8_t *bytes;

	for (unsigned i = 0; i < 30; i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), AT "%02u m 1\n" AT "%02u m{x=\"%u\"} 2\n", i, i,
			       i);
		sim_store_put_filed(&store, text);
	}
	sim_store_kill(&store);
	bytes = sim_store_copy_file(&store, "hosts/here/m.hm", &size);
	cr_assert_gt(size, (uint64_t)4 * SIM_DISK_SECTOR_BYTES);
	for (uint64_t at = 0; at < size; at += SIM_DISK_SECTOR_BYTES) {
		struct sim_disk *before = sim_disk_clone(store.sim);
		struct sim_disk *now = store.sim;
		unsigned n;

		store.sim = before;
		cr_assert_eq(sim_disk_spoil(store.sim, "hosts/here/m.hm", at, 1), 0);
		cr_assert_eq(sim_store_open_patiently(&store), 0);
		n = sim_store_count_of(&store, " here m");
		/* One series is named in the first two blocks, which may share a sector. */
		cr_assert_geq(n, at < 1024 ? 20 : 40, "byte %u: %u", (unsigned)at, n);
		cr_assert_eq(sim_store_stats(&store).n_files_aside, 0);
		if (n < 60)
			cr_assert_gt(sim_store_stats(&store).n_damaged_ranges, 0);
		sim_store_put_filed(&store, AT "40 m 1\n" AT "40 m{y=\"1\"} 3\n");
		sim_store_put_filed(&store, AT "41 m 1\n" AT "41 m{y=\"1\"} 3\n");
		cr_assert_eq(sim_store_count_of(&store, " here m"), n + 4);
		for (int i = 0; i < 2; i++) {
			sim_store_kill(&store);
			cr_assert_eq(sim_store_open_patiently(&store), 0);
			cr_assert_eq(sim_store_count_of(&store, " here m"), n + 4, "byte %u",
				     (unsigned)at);
			cr_assert_eq(sim_store_count_of(&store, " here m{y=\"1\"} 3\n"), 2);
		}
		/* The device gives it again: nothing was lost by that, and nothing is mixed up. */
		sim_store_kill(&store);
		cr_assert_eq(sim_disk_spoil(store.sim, "hosts/here/m.hm", 0, 0), 0);
		cr_assert_eq(sim_store_open(&store), 0);
		cr_assert_geq(sim_store_count_of(&store, " here m"), at < 1024 ? n + 4 : 64,
			      "byte %u", (unsigned)at);
		cr_assert_eq(sim_store_count_of(&store, " here m{y=\"1\"} 3\n"), 2);
		sim_store_kill(&store);
		store.sim = now;
		sim_disk_free(before);
	}
	cr_assert_eq(sim_store_open(&store), 0);
	free(bytes);
}

Test(loader, fails_without_descriptors_and_hides_no_file)
{
	sim_store_put_filed(&store, AT "01 m 1\n");
	sim_store_kill(&store);
	for (uint64_t n = 1; n < 60; n++) {
		sim_disk_fail(store.sim, SIM_OPEN, n, EMFILE, false);
		if (sim_store_open(&store) == 0)
			cr_assert_eq(sim_store_stats(&store).n_files_aside, 0, "call %u",
				     (unsigned)n);
		sim_disk_heal(store.sim);
		sim_store_kill(&store);
	}
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n");
}

Test(loader, gives_no_id_anew_whose_name_is_lost)
{
	uint64_t header_bytes;
	uint64_t size;
	struct store_file_header header;
	uint8_t *bytes;

	sim_store_put_filed(&store, AT "01 m{x=\"1\"} 1\n");
	bytes = sim_store_copy_file(&store, "hosts/here/m.hm", &size);
	cr_assert_eq(store_file_get_header(bytes, size, &header), 0);
	header_bytes = header.header_bytes;
	/* The first block names the series, and it is named once. */
	sim_store_damage(&store, "hosts/here/m.hm", header_bytes + 20, 8);
	sim_store_reopen(&store);
	sim_store_put_filed(&store, AT "02 m{y=\"1\"} 2\n");
	sim_store_reopen(&store);

	cr_assert_str_eq(sim_store_read(&store), "2 here m{y=\"1\"} 2\n");
	free(bytes);
}
