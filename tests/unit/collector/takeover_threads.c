/* SPDX-License-Identifier: MIT */
/* Tests of a start on a disk that does not work while many write and read; on the kernel's disk. */

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/query.h"
#include "collector/store.h"
#include "common/message.h"
#include "tests/support/sample_lines.h"
#include "tests/support/scratch.h"

static atomic_bool is_broken;

/* In place of the C library's: a disk that refuses to sync. */
int fsync(int fd)
{
	if (is_broken) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

#define GIVERS     3
#define EACH       500
#define GO_ON_MS   10000
#define PATH_BYTES 4200

static struct store *opened;

static void *give(void *context)
{
	for (unsigned i = 0; i < EACH; i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), "%u %s %u\n", i, (const char *)context, i);
		sample_lines_store(opened, text);
	}
	return NULL;
}

static unsigned count_rows(void)
{
	const struct query_row *rows;
	struct query *query = NULL;
	unsigned n = 0;
	size_t n_rows;

	cr_assert_eq(query_new(store_engine(opened), "", "", INT64_MIN, INT64_MAX, &query), 0);
	while (query_next(query, &rows, &n_rows) > 0)
		n += (unsigned)n_rows;
	cr_assert_eq(query_n_lost(query), 0);
	query_free(query);
	return n;
}

static void setup(void)
{
	message_init("test");
}

TestSuite(takeover_threads, .init = setup);

Test(takeover_threads, goes_on_by_itself_within_ten_seconds_while_many_write_and_read)
{
	static const char *const names[GIVERS] = {"a", "b{host=\"b\"}", "c{x=\"1\"}"};
	const char *scratch = scratch_folder();
	pthread_t threads[GIVERS];
	struct engine_stats stats;
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "%s/store", scratch);
	cr_assert_eq(store_open(path, (uint64_t)1 << 20, &opened), 0);
	sample_lines_store(opened, "1 a 1\n2 old 2\n");
	store_close(opened);
	is_broken = true;
	cr_assert_eq(store_open(path, (uint64_t)1 << 20, &opened), 0);
	cr_assert_eq(count_rows(), 2);
	for (size_t i = 0; i < GIVERS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, give, (void *)names[i]), 0);
	cr_assert_eq(store_flush(opened, 100), -ETIMEDOUT);
	cr_assert_eq(count_rows(), 2, "nothing of it is stored");
	engine_get_stats(store_engine(opened), &stats);
	cr_assert(stats.is_readonly);
	is_broken = false;
	cr_assert_eq(store_flush(opened, GO_ON_MS), 0);
	for (size_t i = 0; i < GIVERS; i++)
		cr_assert_eq(pthread_join(threads[i], NULL), 0);
	cr_assert_eq(store_flush(opened, GO_ON_MS), 0);
	cr_assert_eq(count_rows(), 2 + GIVERS * EACH);
	sample_lines_checkpoint(opened);
	cr_assert_eq(count_rows(), 2 + GIVERS * EACH);
	store_close(opened);
	cr_assert_eq(store_open(path, (uint64_t)1 << 20, &opened), 0);
	cr_assert_eq(count_rows(), 2 + GIVERS * EACH);
	store_close(opened);
	scratch_remove(scratch);
}
