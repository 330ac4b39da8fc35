/* SPDX-License-Identifier: MIT */
/* Tests of the random id of a store. */

#include "collector/store_id.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/message.h"
#include "tests/support/sim_store.h"

#define AT SIM_STORE_AT

static struct sim_store store;
static uint8_t id[HM_ID_BYTES];

static void setup(void)
{
	message_init("test");
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	memcpy(id, store.engine->store_id, HM_ID_BYTES);
}

static void teardown(void)
{
	sim_store_done(&store);
}

TestSuite(store_id, .init = setup, .fini = teardown);

static uint32_t newest(void)
{
	return (uint32_t)(store.engine->durable >> 32);
}

static void fill_segments(struct sim_store *filled, uint32_t until)
{
	while ((uint32_t)(filled->engine->durable >> 32) < until)
		cr_assert_eq(sim_store_fill(filled, "m", 0, 1), 0);
}

static void segment_path(uint32_t number, char path[static 32])
{
	(void)snprintf(path, 32, "log/%08x.log", number);
}

/* Copy segments of another store into this one, which is closed. */
static void copy_segments(struct sim_store *other, uint32_t first, uint32_t last)
{
	for (uint32_t number = first; number <= last; number++) {
		const uint8_t *bytes;
		uint64_t size;
		char path[32];

		segment_path(number, path);
		bytes = sim_disk_content(other->sim, path, &size);
		cr_assert_not_null(bytes);
		sim_store_write_file(&store, path, bytes, size);
	}
}

static void open_other(struct sim_store *other)
{
	sim_store_init(other);
	sim_disk_seed(other->sim, 99);
	cr_assert_eq(sim_store_open(other), 0);
	cr_assert_neq(memcmp(other->engine->store_id, id, HM_ID_BYTES), 0);
}

static void assert_id(const uint8_t *expected)
{
	cr_assert_eq(memcmp(store.engine->store_id, expected, HM_ID_BYTES), 0);
}

Test(store_id, stays)
{
	sim_store_kill(&store);
	cr_assert_eq(sim_store_open(&store), 0);
	assert_id(id);
}

Test(store_id, is_found_in_the_log_where_the_device_does_not_give_it)
{
	sim_store_put(&store, AT "01 m 1\n");
	cr_assert_eq(engine_commit(store.engine), 0);
	sim_store_kill(&store);
	cr_assert_eq(sim_disk_spoil(store.sim, "id", 0, 1), 0);

	cr_assert_eq(sim_store_open_patiently(&store), 0);
	assert_id(id);
	cr_assert_str_eq(sim_store_read(&store), "1 here m 1\n");
}

Test(store_id, is_that_of_most_segments)
{
	struct sim_store other;

	open_other(&other);
	fill_segments(&other, 5);
	fill_segments(&store, 3);
	sim_store_kill(&store);
	/* They are newer, and one of them is listed first. */
	copy_segments(&other, 4, 5);
	sim_store_remove(&store, ".", "id");

	cr_assert_eq(sim_store_open(&store), 0);
	assert_id(id);
	sim_store_kill(&store);
	copy_segments(&other, 1, 1);
	sim_store_damage(&store, "id", 20, 1);
	/* Two of each by now, and the newest is ours. */
	sim_store_remove(&store, "log", "00000004.log");
	sim_store_remove(&store, "log", "00000003.log");
	cr_assert_eq(sim_store_open(&store), 0);
	assert_id(id);
	sim_store_done(&other);
}

Test(store_id, is_that_of_the_files_where_the_log_is_lost_too)
{
	sim_store_put(&store, AT "01 m 1\n" AT "01 m{host=\"b\"} 2\n");
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	sim_store_kill(&store);
	sim_store_remove(&store, "log", "00000001.log");
	sim_store_remove(&store, ".", "id");

	cr_assert_eq(sim_store_open(&store), 0);
	assert_id(id);
	cr_assert_str_eq(sim_store_read(&store), "1 b m 2\n1 here m 1\n");
}

Test(store_id, goes_on_where_it_cannot_be_written)
{
	fill_segments(&store, 1);
	sim_store_kill(&store);
	sim_store_remove(&store, ".", "id");
	sim_disk_fail(store.sim, SIM_RENAME, 1, EISDIR, true);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(sim_store_open(&store), 0);
		assert_id(id);
		sim_store_kill(&store);
	}
	cr_assert_eq(sim_store_open(&store), 0);
}

Test(store_id, another_stores_segment_is_left_alone)
{
	struct sim_store other;
	const uint8_t *bytes;
	uint64_t size;
	uint64_t now;

	open_other(&other);
	fill_segments(&other, 3);
	fill_segments(&store, 4);
	sim_store_kill(&store);
	copy_segments(&other, 2, 2);
	bytes = sim_disk_content(other.sim, "log/00000002.log", &size);
	cr_assert_eq(sim_store_open(&store), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	fill_segments(&store, newest() + 2);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	fill_segments(&store, newest() + 2);

	cr_assert_not(sim_store_has(&store, "log/00000003.log"));
	cr_assert(sim_store_has(&store, "log/00000002.log"));
	cr_assert_eq(memcmp(sim_disk_content(store.sim, "log/00000002.log", &now), bytes, size), 0);
	sim_store_done(&other);
}
