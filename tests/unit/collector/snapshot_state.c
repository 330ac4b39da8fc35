/* SPDX-License-Identifier: MIT */
/* Tests of collector/snapshot_state.c: at every step of a checkpoint what is noted belongs together. */

#include "collector/snapshot_state.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/sim_store.h"

static struct sim_store store;

static void setup(void)
{
	sim_store_init(&store);
	cr_assert_eq(sim_store_open(&store), 0);
}

static void teardown(void)
{
	sim_store_done(&store);
}

TestSuite(snapshot_state, .init = setup, .fini = teardown);

static uint64_t file_bytes(const struct snapshot_state *state)
{
	uint64_t n = 0;

	for (size_t i = 0; i < state->n_files; i++)
		n += state->files[i].length_bytes;
	return n;
}

Test(snapshot_state, has_no_file_of_a_store_that_wrote_none)
{
	struct snapshot_state state;

	cr_assert_eq(sim_store_put_many(&store, "m", 10), 0);
	cr_assert_eq(snapshot_state_take(store.engine, &state), 0);
	cr_expect_eq(state.n_files, 0);
	cr_expect_eq(state.n_segments, 1);
	cr_expect_eq(state.durable, store.engine->durable);
	cr_expect_eq(store.engine->n_snapshots, 1);
	snapshot_state_done(&state);
	cr_expect_eq(store.engine->n_snapshots, 0);
}

Test(snapshot_state, has_the_host_and_all_metrics)
{
	struct snapshot_state state;
	char path[SNAPSHOT_PATH_BYTES];

	cr_assert_eq(sim_store_put_many(&store, "m{host=\"h\"}", 10), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(snapshot_state_take(store.engine, &state), 0);
	cr_assert_eq(state.n_files, 2);
	snapshot_file_path(&state.files[0], path);
	cr_expect_str_eq(path, "h/.host");
	snapshot_file_path(&state.files[1], path);
	cr_expect_str_eq(path, "h/m.hm");
	snapshot_state_done(&state);
}

/*
 * Where the log says that samples are in files, and the lengths are those before, they would be in neither.
 * So nothing is noted from when that record may be durable until readers are shown the files.
 */
Test(snapshot_state, is_not_taken_while_log_and_files_differ)
{
	struct snapshot_state state = {0};
	uint64_t before;
	int n_refused = 0;
	int result = 0;

	cr_assert_eq(sim_store_put_many(&store, "m", 10), 0);
	cr_assert_eq(sim_store_checkpoint(&store), 0);
	cr_assert_eq(snapshot_state_take(store.engine, &state), 0);
	before = file_bytes(&state);
	snapshot_state_done(&state);
	cr_assert_eq(sim_store_put_many(&store, "m", 10), 0);

	while (result == 0 || result == -EAGAIN) {
		uint64_t checkpoint = store.engine->catalog.all_hosts[0]->checkpoint;

		result = engine_checkpoint(store.engine, ENGINE_SCOPE_ALL);
		for (int i = 0; i < 2; i++) {
			int taken = snapshot_state_take(store.engine, &state);
			bool is_shown =
				store.engine->catalog.all_hosts[0]->checkpoint > checkpoint ||
				store.engine->stats.n_checkpoints > 1;

			if (taken == 0) {
				cr_expect_eq(file_bytes(&state) > before, is_shown);
				cr_expect_not(store.engine->is_concluding);
				snapshot_state_done(&state);
			} else {
				cr_expect_eq(taken, -EAGAIN);
				cr_expect_not(is_shown);
				n_refused++;
			}
			/* Once with the records of this step still in memory, once with them durable. */
			cr_assert_eq(engine_commit(store.engine), 0);
		}
	}
	cr_expect_eq(result, -ENODATA);
	cr_expect_eq(n_refused, 2);
}
