/* SPDX-License-Identifier: MIT */
/* Tests of the store as a whole. */

#include "collector/store.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/message.h"
#include "tests/support/sample_lines.h"
#include "tests/support/scratch.h"

#define N_THREADS UINT64_C(4)
#define N_EACH    2000

#define FILE_MAX_BYTES (4096 + 64)

static const char *scratch;
static char path[4096];
static struct rejects *rejects;
static struct store *store;

static void setup(void)
{
	message_init("test");
	scratch = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/store", scratch);
	cr_assert_eq(rejects_new(&rejects), 0);
	cr_assert_eq(store_open(path, rejects, &store), 0);
}

static void teardown(void)
{
	store_close(store);
	rejects_free(rejects);
	scratch_remove(scratch);
}

TestSuite(store, .init = setup, .fini = teardown);

static void reopen(void)
{
	store_close(store);
	store = NULL;
	cr_assert_eq(store_open(path, rejects, &store), 0);
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

static uint64_t file_bytes(const char *name)
{
	struct stat status;

	cr_assert_eq(stat(file_below(name), &status), 0, "%s", name);
	return (uint64_t)status.st_size;
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

Test(store, knows_kind_unit_and_last_value_after_a_restart)
{
	struct store_series_state state;
	struct catalog_series **series;
	size_t n;

	sample_lines_store(store, "# TYPE m counter\n# UNIT m bytes\n7 m 5\n6 m 4\n");
	reopen();

	cr_assert_eq(store_list_series(store, &series, &n), 0);
	cr_assert_eq(n, 1);
	store_get_states(store, series, 1, &state);
	cr_assert_eq(state.kind, HM_STORED_COUNTER);
	cr_assert_str_eq(state.unit, "bytes");
	cr_assert(state.has_sample);
	cr_assert_eq(state.last_time_us, 7000000);
	cr_assert_eq(state.last_value, 5);
	free(series);
}

Test(store, learns_the_kind_of_a_metric_that_it_has_already)
{
	struct store_series_state state;
	struct catalog_series **series;
	size_t n;

	sample_lines_store(store, "1 m 5\n");
	cr_assert_eq(store_flush(store, 10000), 0);
	sample_lines_store(store, "# TYPE m gauge\n2 m 5\n");
	reopen();

	cr_assert_eq(store_list_series(store, &series, &n), 0);
	store_get_states(store, series, 1, &state);
	cr_assert_eq(state.kind, HM_STORED_GAUGE);
	free(series);
}

Test(store, counts_what_is_written_and_synced)
{
	struct store_stats stats;

	sample_lines_store(store, "1 m 1\n2 m 2\n1 n 1\n");
	cr_assert_eq(store_flush(store, 10000), 0);

	store_get_stats(store, &stats);
	cr_assert_eq(stats.n_accepted, 3);
	cr_assert_eq(stats.n_stored, 3);
	cr_assert_eq(stats.n_lost, 0);
	cr_assert_eq(stats.n_hosts, 1);
	cr_assert_eq(stats.n_series, 2);
	cr_assert_eq(stats.n_files, 2);
	cr_assert_eq(stats.n_bytes, file_bytes("here/m.hm") + file_bytes("here/n.hm"));
	reopen();
	store_get_stats(store, &stats);
	cr_assert_eq(stats.n_stored, 0);
	cr_assert_eq(stats.n_bytes, file_bytes("here/m.hm") + file_bytes("here/n.hm"));
}

Test(store, writes_within_a_second_by_itself)
{
	struct store_stats stats;

	sample_lines_store(store, "1 m 1\n");
	for (int i = 0; i < 100; i++) {
		store_get_stats(store, &stats);
		if (stats.n_stored == 1)
			break;
		(void)usleep(10000);
	}

	cr_assert_eq(stats.n_stored, 1);
}

Test(store, counts_hosts_and_their_samples)
{
	struct store_host_state *hosts;
	size_t n;

	sample_lines_store(store, "1 m{host=\"a\"} 1\n2 m{host=\"a\"} 2\n1 n{host=\"a\"} 1\n");
	reopen();
	sample_lines_store(store, "5 n{host=\"a\"} 1\n");

	cr_assert_eq(store_list_hosts(store, &hosts, &n), 0);
	cr_assert_eq(n, 1);
	cr_assert_str_eq(hosts[0].name, "a");
	cr_assert_eq(hosts[0].n_series, 2);
	cr_assert_eq(hosts[0].n_samples, 4);
	cr_assert(hosts[0].has_sample);
	cr_assert_eq(hosts[0].last_time_us, 5000000);
	free(hosts);
}

/* Names from the hostile list of docs: each comes back as it was, from a file inside the store. */
static const char *const hostile_names[] = {
	"../../etc/passwd",
	"/abs",
	".",
	"..",
	"-rf",
	"$(id)",
	";",
	"`id`",
	"%n",
	"con",
	".host",
	"x.odd",
	"trailing.",
	"A",
	"a",
	"%2E%2E",
	"caf\xc3\xa9",
	"\xe2\x80\xaeright to left",
	"~",
	"x.hm.tmp",
};

#define N_HOSTILE (sizeof(hostile_names) / sizeof(hostile_names[0]))

static void store_hostile(void)
{
	char text[256];

	for (size_t i = 0; i < N_HOSTILE; i++) {
		(void)snprintf(text, sizeof(text), "1 m{host=\"%s\"} %zu\n", hostile_names[i], i);
		sample_lines_store(store, text);
		(void)snprintf(text, sizeof(text), "1 m:%s{host=\"b\"} %zu\n", hostile_names[i], i);
		sample_lines_store(store, text);
	}
}

Test(store, keeps_hostile_names_inside_and_apart)
{
	struct store_stats stats;
	struct buffer before = {0};
	struct buffer after = {0};

	store_hostile();
	sample_lines_query(store, "*", &before);
	reopen();
	sample_lines_query(store, "*", &after);

	store_get_stats(store, &stats);
	cr_assert_str_eq(buffer_text(&after), buffer_text(&before));
	cr_assert_eq(stats.n_series, stats.n_files);
	cr_assert_geq(stats.n_hosts, N_HOSTILE);
	cr_assert_eq(stats.n_files_aside, 0);
	cr_assert_eq(access("/abs", F_OK), -1);
	buffer_done(&before);
	buffer_done(&after);
}

Test(store, keeps_names_of_the_greatest_length)
{
	char text[1024];
	char name[HM_METRIC_NAME_MAX_BYTES + 1];
	struct store_stats stats;

	memset(name, '+', sizeof(name)); /* each becomes three bytes of the file name */
	name[HM_METRIC_NAME_MAX_BYTES] = '\0';
	name[0] = 'm';
	for (int i = 0; i < 2; i++) {
		name[HM_METRIC_NAME_MAX_BYTES - 1] = (char)('x' + i);
		(void)snprintf(text, sizeof(text), "%s{host=\"%s\"} 1", name, name);
		sample_lines_store(store, text);
	}
	reopen();

	store_get_stats(store, &stats);
	cr_assert_eq(stats.n_series, 2);
	cr_assert_eq(stats.n_hosts, 2);
}

Test(store, loses_nothing_but_the_torn_write_at_every_length)
{
	char file[FILE_MAX_BYTES];
	uint64_t before;
	uint64_t whole;

	(void)snprintf(file, sizeof(file), "%s", file_below("here/m.hm"));
	sample_lines_store(store, "1 m 1\n");
	cr_assert_eq(store_flush(store, 10000), 0);
	before = file_bytes("here/m.hm");
	sample_lines_store(store, "2 m{x=\"1\"} 2\n");
	cr_assert_eq(store_flush(store, 10000), 0);
	whole = file_bytes("here/m.hm");

	/* Each time the file is cut, read, and gets the same write again. */
	for (uint64_t length = whole - 1; length >= before; length--) {
		cr_assert_eq(truncate(file, (off_t)length), 0);
		reopen();
		assert_holds("1000000 here m 1\n");
		sample_lines_store(store, "2 m{x=\"1\"} 2\n");
		assert_holds("1000000 here m 1\n2000000 here m{x=\"1\"} 2\n");
		reopen();
		assert_holds("1000000 here m 1\n2000000 here m{x=\"1\"} 2\n");
	}
}

static void flip_bit(const char *file, uint64_t bit)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	cr_assert_eq(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
	byte ^= (uint8_t)(1u << bit % 8);
	cr_assert_eq(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
	(void)close(fd);
}

/* Every line of `found` is one of `all`. */
static void assert_subset(const char *found, const char *all, uint64_t bit)
{
	for (const char *at = found; *at; at = strchr(at, '\n') + 1) {
		size_t length = (size_t)(strchr(at, '\n') + 1 - at);
		char line[128] = "";

		cr_assert_lt(length, sizeof(line));
		memcpy(line, at, length);
		cr_assert_not_null(strstr(all, line), "bit %" PRIu64 " invented: %s", bit, line);
	}
}

Test(store, never_shows_a_wrong_value_whatever_bit_flips)
{
	static const char all[] = "1000000 here m 1\n2000000 here m 2\n2000000 here m{x=\"1\"} 5\n"
				  "3000000 here m 9\n3000000 here m{y=\"1\"} 8\n";
	char file[FILE_MAX_BYTES];
	uint64_t n_bits;

	(void)snprintf(file, sizeof(file), "%s", file_below("here/m.hm"));
	sample_lines_store(store, "1 m 1\n");
	cr_assert_eq(store_flush(store, 10000), 0);
	sample_lines_store(store, "2 m 2\n2 m{x=\"1\"} 5\n");
	cr_assert_eq(store_flush(store, 10000), 0);
	n_bits = file_bytes("here/m.hm") * 8;

	for (uint64_t bit = 0; bit < n_bits; bit += 5) {
		struct buffer found = {0};
		char aside[sizeof(file) + 32];

		flip_bit(file, bit);
		reopen();
		/* A new series, which must not get the id of one whose name was lost. */
		sample_lines_store(store, "3 m 9\n3 m{y=\"1\"} 8\n");
		sample_lines_query(store, "*", &found);
		assert_subset(buffer_text(&found), all, bit);
		buffer_done(&found);

		/* The same bytes again for the next bit. */
		store_close(store);
		store = NULL;
		(void)snprintf(aside, sizeof(aside), "%s.damaged", file);
		(void)unlink(aside);
		(void)unlink(file);
		cr_assert_eq(store_open(path, rejects, &store), 0);
		sample_lines_store(store, "1 m 1\n");
		cr_assert_eq(store_flush(store, 10000), 0);
		sample_lines_store(store, "2 m 2\n2 m{x=\"1\"} 5\n");
		cr_assert_eq(store_flush(store, 10000), 0);
	}
}

static void limit_file_bytes(rlim_t limit_bytes)
{
	struct rlimit limit = {limit_bytes, RLIM_INFINITY};

	cr_assert_neq(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(store, says_what_it_lost_on_a_full_disk_and_goes_on_after)
{
	struct store_stats stats;
	struct buffer many = {0};

	for (int i = 0; i < 100; i++)
		buffer_append_text(&many, "2 m 2\n");
	sample_lines_store(store, "1 m 1\n");
	cr_assert_eq(store_flush(store, 10000), 0);
	limit_file_bytes(file_bytes("here/m.hm") + 100);
	sample_lines_store(store, buffer_text(&many));
	buffer_done(&many);
	cr_assert_eq(store_flush(store, 10000), 0);

	store_get_stats(store, &stats);
	cr_assert_eq(stats.n_stored, 1);
	cr_assert_eq(stats.n_lost, 100);
	cr_assert_not_null(strstr(stats.last_error, "m.hm"));
	cr_assert_eq(file_bytes("here/m.hm"), stats.n_bytes, "what was half written is cut off");
	limit_file_bytes(RLIM_INFINITY);
	sample_lines_store(store, "3 m 3\n");
	reopen();
	assert_holds("1000000 here m 1\n3000000 here m 3\n");
}

Test(store, makes_a_file_anew_that_somebody_removed)
{
	sample_lines_store(store, "1 m 1\n1 m{x=\"1\"} 1\n");
	cr_assert_eq(store_flush(store, 10000), 0);
	cr_assert_eq(unlink(file_below("here/m.hm")), 0);
	sample_lines_store(store, "2 m 2\n");
	cr_assert_eq(store_flush(store, 10000), 0);
	sample_lines_store(store, "3 m{x=\"1\"} 3\n");
	reopen();

	assert_holds("3000000 here m{x=\"1\"} 3\n");
}

Test(store, gives_a_file_up_that_somebody_cut)
{
	struct store_stats stats;
	struct reject reject;

	sample_lines_store(store, "1 m 1\n");
	cr_assert_eq(store_flush(store, 10000), 0);
	cr_assert_eq(truncate(file_below("here/m.hm"), 20), 0);
	sample_lines_store(store, "2 m 2\n");
	cr_assert_eq(store_flush(store, 10000), 0);
	sample_lines_store(store, "3 m 3\n3 n 3\n");

	store_get_stats(store, &stats);
	cr_assert_eq(stats.n_files_given_up, 1);
	cr_assert_eq(stats.n_lost, 1);
	rejects_get(rejects, HM_REASON_STORE_FAILED, &reject);
	cr_assert_eq(reject.n, 1);
	cr_assert_str_eq(reject.example, "m of here");
	cr_assert_eq(file_bytes("here/m.hm"), 20);
}

Test(store, is_refused_to_a_second_one_and_to_strange_folders)
{
	struct store *second;
	char link[sizeof(path) + 8];

	cr_assert_eq(store_open(path, rejects, &second), -EEXIST);
	(void)snprintf(link, sizeof(link), "%s.link", path);
	cr_assert_eq(symlink(path, link), 0);
	cr_assert_eq(store_open(link, rejects, &second), -ELOOP);
	store_close(store);
	cr_assert_eq(chmod(path, 0777), 0);
	cr_assert_eq(store_open(path, rejects, &second), -EACCES);
	cr_assert_eq(chmod(path, 0750), 0);
	cr_assert_eq(store_open(path, rejects, &store), 0);
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
	cr_assert_eq(store_open(path, rejects, &second), -ELOOP);
	cr_assert_eq(unlink(pid_path), 0);
	cr_assert_eq(link(victim, pid_path), 0);
	cr_assert_eq(store_open(path, rejects, &second), -EINVAL);
	cr_assert_eq(stat(victim, &status), 0);
	cr_assert_eq(status.st_size, 8);
	cr_assert_eq(unlink(pid_path), 0);
	cr_assert_eq(mkfifo(pid_path, 0640), 0);
	cr_assert_eq(store_open(path, rejects, &second), -EINVAL);
	cr_assert_eq(unlink(pid_path), 0);
	cr_assert_eq(store_open(path, rejects, &store), 0);
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
	struct store_stats stats;
	struct store_host_state *hosts;
	size_t n;

	for (size_t i = 0; i < N_THREADS; i++) {
		numbers[i] = (int)i;
		cr_assert_eq(pthread_create(&threads[i], NULL, append_many, &numbers[i]), 0);
	}
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(store_flush(store, 10000), 0);
		cr_assert_eq(store_list_hosts(store, &hosts, &n), 0);
		free(hosts);
	}
	for (size_t i = 0; i < N_THREADS; i++)
		cr_assert_eq(pthread_join(threads[i], NULL), 0);
	cr_assert_eq(store_flush(store, 10000), 0);

	store_get_stats(store, &stats);
	cr_assert_eq(stats.n_stored, N_THREADS * N_EACH);
	cr_assert_eq(stats.n_series, N_THREADS * 10);
}

Test(store, makes_those_wait_who_bring_more_than_it_can_write)
{
	struct bundle bundle;
	struct store_stats stats;

	sample_lines_init(&bundle);
	bundle.key = *store_hash_key(store);
	while (bundle.n_samples < 100000)
		sample_lines_add(&bundle, "m 1\nm 1\nm 1\nm 1\nm 1\nm 1\nm 1\nm 1\nm 1\nm 1\n");
	for (int i = 0; i < 30; i++) {
		store_append(store, &bundle);
		store_get_stats(store, &stats);
		cr_assert_leq((stats.n_accepted - stats.n_stored) * HM_SAMPLE_RECORD_BYTES,
			      STORE_PENDING_MAX_BYTES + bundle.n_samples * HM_SAMPLE_RECORD_BYTES);
	}
	cr_assert_eq(store_flush(store, 10000), 0);

	store_get_stats(store, &stats);
	cr_assert_eq(stats.n_stored, 30 * bundle.n_samples);
	sample_lines_done(&bundle);
}
