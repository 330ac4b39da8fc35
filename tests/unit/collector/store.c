/* SPDX-License-Identifier: MIT */
/* Tests of the store as a whole. */

#include "collector/store.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/loop.h"
#include "common/message.h"
#include "common/wakeup.h"
#include "tests/support/sample_lines.h"
#include "tests/support/scratch.h"

#define N_THREADS UINT64_C(4)
#define N_EACH    2000

#define SEGMENT_BYTES ((uint64_t)1 << 20)

#define FILE_MAX_BYTES (4096 + 64)

static const char *scratch;
static char path[4096];
static struct store *store;

static void setup(void)
{
	message_init("test");
	scratch = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/store", scratch);
	cr_assert_eq(store_open(path, SEGMENT_BYTES, &store), 0);
}

static void teardown(void)
{
	store_close(store);
	scratch_remove(scratch);
}

TestSuite(store, .init = setup, .fini = teardown);

static void reopen(void)
{
	store_close(store);
	store = NULL;
	cr_assert_eq(store_open(path, SEGMENT_BYTES, &store), 0);
}

static void assert_holds(const char *expected)
{
	struct buffer found = {0};

	sample_lines_query(store, "*", &found);
	cr_assert_str_eq(buffer_text(&found), expected);
	buffer_done(&found);
}

static char *file_below(const char *name)
{
	static char file[FILE_MAX_BYTES];

	(void)snprintf(file, sizeof(file), "%s/hosts/%s", path, name);
	return file;
}

Test(store, gives_back_what_it_was_given_now_and_after_a_restart)
{
	static const char expected[] = "1000000 a m{x=\"1\"} 1\n2000000 a m{x=\"1\"} 2.5\n"
				       "1000000 a m{x=\"2\"} -3\n1795416401000000 b n 1e+300\n";

	sample_lines_store(store, "1 m{x=\"1\",host=\"a\"} 1\n1 m{x=\"2\",host=\"a\"} -3\n"
				  "n{host=\"b\"} 1e300\n");
	sample_lines_store(store, "2 m{x=\"1\",host=\"a\"} 2.5\n");

	assert_holds(expected);
	reopen();
	assert_holds(expected);
}

Test(store, goes_on_where_it_ended)
{
	sample_lines_store(store, "# TYPE m counter\n# UNIT m bytes\n1 m 1\n");
	reopen();
	sample_lines_store(store, "2 m 2\n2 m{new=\"1\"} 3\n");
	reopen();
	sample_lines_store(store, "3 m{new=\"1\"} 4\n");
	reopen();

	assert_holds("1000000 here m 1\n2000000 here m 2\n2000000 here m{new=\"1\"} 3\n"
		     "3000000 here m{new=\"1\"} 4\n");
}

Test(store, writes_within_a_second_by_itself)
{
	struct engine_stats stats;

	sample_lines_store(store, "1 m 1\n");
	for (int i = 0; i < 100; i++) {
		engine_get_stats(store_engine(store), &stats);
		if (stats.n_stored == 1)
			break;
		(void)usleep(10000);
	}

	cr_assert_eq(stats.n_stored, 1);
}

Test(store, keeps_names_of_the_greatest_length)
{
	char text[1024];
	char name[HM_METRIC_NAME_MAX_BYTES + 1];
	struct engine_stats stats;

	memset(name, '+', sizeof(name)); /* each becomes three bytes of the file name */
	name[HM_METRIC_NAME_MAX_BYTES] = '\0';
	name[0] = 'm';
	for (int i = 0; i < 2; i++) {
		name[HM_METRIC_NAME_MAX_BYTES - 1] = (char)('x' + i);
		(void)snprintf(text, sizeof(text), "%s{host=\"%s\"} 1", name, name);
		sample_lines_store(store, text);
	}
	reopen();

	engine_get_stats(store_engine(store), &stats);
	cr_assert_eq(stats.n_series, 2);
	cr_assert_eq(stats.n_hosts, 2);
}

Test(store, is_refused_to_a_second_one_and_to_strange_folders)
{
	struct store *second;
	char link[sizeof(path) + 8];

	cr_assert_eq(store_open(path, SEGMENT_BYTES, &second), -EEXIST);
	(void)snprintf(link, sizeof(link), "%s.link", path);
	cr_assert_eq(symlink(path, link), 0);
	cr_assert_eq(store_open(link, SEGMENT_BYTES, &second), -ELOOP);
	store_close(store);
	cr_assert_eq(chmod(path, 0777), 0);
	cr_assert_eq(store_open(path, SEGMENT_BYTES, &second), -EACCES);
	cr_assert_eq(chmod(path, 0750), 0);
	cr_assert_eq(store_open(path, SEGMENT_BYTES, &store), 0);
}

Test(store, never_follows_a_link_in_place_of_its_pid_file)
{
	struct store *second;
	char victim[sizeof(path) + 8];
	char pid_path[sizeof(path) + sizeof(STORE_PID_FILE)];
	struct stat status;
	FILE *file;

	store_close(store);
	store = NULL;
	(void)snprintf(victim, sizeof(victim), "%s.victim", path);
	(void)snprintf(pid_path, sizeof(pid_path), "%s/" STORE_PID_FILE, path);
	file = fopen(victim, "w");
	cr_assert(file && fputs("precious", file) >= 0 && fclose(file) == 0);

	cr_assert_eq(symlink(victim, pid_path), 0);
	cr_assert_eq(store_open(path, SEGMENT_BYTES, &second), -ELOOP);
	cr_assert_eq(unlink(pid_path), 0);
	cr_assert_eq(link(victim, pid_path), 0);
	cr_assert_eq(store_open(path, SEGMENT_BYTES, &second), -EINVAL);
	cr_assert_eq(stat(victim, &status), 0);
	cr_assert_eq(status.st_size, 8);
	cr_assert_eq(unlink(pid_path), 0);
	cr_assert_eq(mkfifo(pid_path, 0640), 0);
	cr_assert_eq(store_open(path, SEGMENT_BYTES, &second), -EINVAL);
	cr_assert_eq(unlink(pid_path), 0);
	cr_assert_eq(store_open(path, SEGMENT_BYTES, &store), 0);
}

static void *append_many(void *context)
{
	struct bundle bundle;
	char text[100];

	sample_lines_init(&bundle);
	bundle.key = *store_hash_key(store);
	for (int i = 0; i < N_EACH; i++) {
		(void)snprintf(text, sizeof(text), "%d m%d{thread=\"%d\"} %d", i + 1, i % 10,
			       *(int *)context, i);
		sample_lines_add(&bundle, text);
		if (i % 50 == 0) {
			store_append(store, &bundle);
			bundle_clear(&bundle);
		}
	}
	store_append(store, &bundle);
	sample_lines_done(&bundle);
	return NULL;
}

Test(store, takes_samples_of_several_threads_while_it_is_asked)
{
	pthread_t threads[N_THREADS] = {0};
	int numbers[N_THREADS];
	struct engine_stats stats;
	struct engine_host_state *hosts;
	size_t n;

	for (size_t i = 0; i < N_THREADS; i++) {
		numbers[i] = (int)i;
		cr_assert_eq(pthread_create(&threads[i], NULL, append_many, &numbers[i]), 0);
	}
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(store_flush(store, 10000), 0);
		cr_assert_eq(engine_list_hosts(store_engine(store), &hosts, &n), 0);
		free(hosts);
	}
	for (size_t i = 0; i < N_THREADS; i++)
		cr_assert_eq(pthread_join(threads[i], NULL), 0);
	cr_assert_eq(store_flush(store, 10000), 0);

	engine_get_stats(store_engine(store), &stats);
	cr_assert_eq(stats.n_stored, N_THREADS * N_EACH);
	cr_assert_eq(stats.n_series, N_THREADS * 10);
}

static void stop(void *context)
{
	loop_quit(context);
}

Test(store, moves_all_into_files_when_it_is_asked_and_wakes_who_waits, .timeout = 60)
{
	struct wakeup *news;
	struct loop *loop;
	struct engine_stats stats;
	uint64_t ticket;

	cr_assert_eq(loop_new(&loop), 0);
	cr_assert_eq(wakeup_new(loop, stop, loop, &news), 0);
	store_set_news(store, news);
	sample_lines_store(store, "1 m 1\nm 2\n");
	cr_assert_eq(store_flush(store, 10000), 0);
	cr_assert_eq(access(file_below("here/m.hm"), F_OK), -1);
	ticket = store_checkpoint(store);
	/* Nothing but the news ends it. */
	cr_assert_eq(loop_run(loop), 0);

	cr_assert_eq(store_checkpoint_result(store, ticket), 0);
	cr_assert_eq(access(file_below("here/m.hm"), F_OK), 0);
	cr_assert_eq(access(file_below("here/m.odd.hm"), F_OK), 0);
	engine_get_stats(store_engine(store), &stats);
	cr_assert_eq(stats.n_checkpoints, 1);
	cr_assert_eq(store_checkpoint_result(store, ticket + 1), -EAGAIN);
	assert_holds("1000000 here m 1\n1795416401000000 here m 2\n");
	store_set_news(store, NULL);
	wakeup_free(news);
	loop_free(loop);
}

/* More comes in all the time: the checkpoint ends all the same, and so does closing. */
Test(store, checkpoints_and_closes_while_samples_come_in, .timeout = 60)
{
	pthread_t thread;
	int number = 1;
	uint64_t ticket;
	struct buffer found = {0};
	unsigned n = 0;

	cr_assert_eq(pthread_create(&thread, NULL, append_many, &number), 0);
	ticket = store_checkpoint(store);
	while (store_checkpoint_result(store, ticket) == -EAGAIN)
		(void)usleep(1000);
	cr_assert_eq(store_checkpoint_result(store, ticket), 0);
	(void)store_checkpoint(store);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	/* Whatever the second one is at: what it has not moved is in the log. */
	reopen();
	sample_lines_query(store, "*", &found);
	for (const char *at = buffer_text(&found); *at; at++)
		n += *at == '\n';
	cr_assert_eq(n, N_EACH);
	buffer_done(&found);
}

Test(store, does_not_wait_longer_for_a_flush_than_it_is_told)
{
	cr_assert_eq(store_flush(store, 10000), 0);
	sample_lines_store(store, "1 m 1\n");
	cr_assert_eq(store_flush(store, -1), -ETIMEDOUT);
	cr_assert_eq(store_flush(store, 10000), 0);
}

Test(store, gives_nobody_else_a_way_into_its_folders)
{
	struct stat status;

	sample_lines_store(store, "1 m 1\n");
	sample_lines_checkpoint(store);
	cr_assert_eq(stat(file_below("here"), &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0750);
	cr_assert_eq(stat(file_below("here/m.odd.hm"), &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0640);
	cr_assert_eq(stat(file_below(""), &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0750);
}
