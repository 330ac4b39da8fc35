/* SPDX-License-Identifier: MIT */
/* Tests of writing metric files: every system call fails once, at every place. */

#include "collector/writer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/folder.h"
#include "collector/recovery.h"
#include "common/message.h"
#include "tests/support/sample_lines.h"
#include "tests/support/scratch.h"

/*
 * These stand in for libc's: the call number `fail_at` fails, counted over all of them. A write that
 * fails has done half of its work before.
 */
static int n_calls;
static int fail_at; /* 0 = none */

static bool fails(void)
{
	n_calls++;
	if (n_calls != fail_at)
		return false;
	errno = ENOSPC;
	return true;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	bool is_failing = fails();
	long result = syscall(SYS_pwrite64, fd, bytes, is_failing ? length / 2 : length, offset);

	if (is_failing) {
		errno = ENOSPC;
		return -1;
	}
	return result;
}

int fdatasync(int fd)
{
	return fails() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

int ftruncate(int fd, off_t length)
{
	return fails() ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

int renameat2(int old_fd, const char *old, int new_fd, const char *new, unsigned int flags)
{
	return fails() ? -1 : (int)syscall(SYS_renameat2, old_fd, old, new_fd, new, flags);
}

int mkdirat(int fd, const char *name, mode_t mode)
{
	return fails() ? -1 : (int)syscall(SYS_mkdirat, fd, name, mode);
}

static const char *scratch;
static int hosts_fd;
static struct bundle bundle;
static struct catalog catalog;

static void setup(void)
{
	message_init("test");
	scratch = scratch_folder();
	hosts_fd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(hosts_fd, 0);
	sample_lines_init(&bundle);
	catalog_init(&catalog, &bundle.key);
}

static void teardown(void)
{
	catalog_done(&catalog);
	sample_lines_done(&bundle);
	(void)close(hosts_fd);
	scratch_remove(scratch);
}

TestSuite(writer, .init = setup, .fini = teardown);

/* Put the samples of text lines into the catalog. */
static void append(const char *text)
{
	bundle_clear(&bundle);
	sample_lines_add(&bundle, text);
	for (size_t i = 0; i < bundle.n_samples; i++) {
		const struct bundle_sample *sample = &bundle.samples[i];
		struct identity identity = bundle_identity(&bundle, sample);
		struct catalog_series *series = catalog_find(&catalog, &identity);

		if (!series)
			cr_assert_eq(catalog_add(&catalog, &identity, CATALOG_NEXT_ID, &series), 0);
		cr_assert_eq(catalog_append(&catalog, series, sample->time_us, sample->value), 0);
	}
}

/* Settle a job as the store does. */
static void settle(struct writer_job *job)
{
	if (job->result == 0) {
		job->file->length_bytes = job->length_bytes;
		if (job->last_series)
			catalog_set_declared(job->file, job->last_series);
	}
	writer_job_done(job);
}

/* Write all that is pending. @return how many samples of it are on disk now */
static size_t write_pending(struct writer_job *jobs, size_t *ret_n_jobs)
{
	struct catalog_file *file;
	size_t n_samples = 0;
	size_t n_jobs = 0;

	TAILQ_FOREACH(file, &catalog.dirty, dirty) {
		file->is_dirty = false;
		cr_assert_eq(writer_job_take(&jobs[n_jobs++], file), 0);
	}
	TAILQ_INIT(&catalog.dirty);
	catalog.n_dirty = 0;
	writer_run(hosts_fd, jobs, n_jobs);
	for (size_t i = 0; i < n_jobs; i++) {
		if (jobs[i].result == 0)
			n_samples += writer_job_n_samples(&jobs[i]);
		cr_assert_eq(jobs[i].fd, -1, "no descriptor stays open");
		settle(&jobs[i]);
	}
	*ret_n_jobs = n_jobs;
	return n_samples;
}

static size_t write_all(void)
{
	struct writer_job jobs[WRITER_JOBS_MAX];
	size_t n_jobs;

	return write_pending(jobs, &n_jobs);
}

/* Samples that a restart would find. */
static uint64_t samples_on_disk(void)
{
	struct recovery_result found;
	struct catalog fresh;
	uint64_t n_samples = 0;

	catalog_init(&fresh, &bundle.key);
	cr_assert_eq(recovery_run(hosts_fd, &fresh, &found), 0);
	for (size_t i = 0; i < fresh.n_hosts; i++)
		n_samples += fresh.all_hosts[i]->n_samples;
	cr_assert_eq(found.n_files_aside, 0);
	cr_assert_eq(found.n_damaged_ranges, 0);
	cr_assert_eq(found.n_samples_unnamed, 0);
	catalog_done(&fresh);
	return n_samples;
}

Test(writer, makes_files_and_appends_to_them)
{
	append("1 a{host=\"x\"} 1\n1 b{host=\"x\"} 1\n1 a{host=\"y\"} 1\n");
	cr_assert_eq(write_all(), 3);
	append("2 a{host=\"x\"} 1\n2 a{host=\"x\",new=\"1\"} 1\n");
	cr_assert_eq(write_all(), 2);

	cr_assert_eq(samples_on_disk(), 5);
}

/* Make two files, append to both and begin a third, with call number `n` failing. */
static void run_with_fault(int n)
{
	struct writer_job jobs[WRITER_JOBS_MAX];
	size_t stored = 0;
	size_t n_jobs;

	n_calls = 0;
	fail_at = n;
	append("1 a{host=\"x\"} 1\n1 b{host=\"x\"} 1\n");
	stored += write_pending(jobs, &n_jobs);
	append("2 a{host=\"x\"} 1\n2 b{host=\"x\",new=\"1\"} 1\n2 c{host=\"y\"} 1\n");
	stored += write_pending(jobs, &n_jobs);
	fail_at = 0;

	/* A file that was given up may hold what nobody confirmed; never less than was. */
	cr_assert_geq(samples_on_disk(), stored, "call %d", n);
	for (size_t i = 0; i < n_jobs; i++) {
		if (jobs[i].result < 0)
			cr_assert_not_null(jobs[i].call);
	}
}

static void start_anew(void)
{
	teardown();
	setup();
}

Test(writer, loses_nothing_confirmed_whichever_call_fails)
{
	int n = 0;

	do {
		start_anew();
		run_with_fault(++n);
	} while (n_calls >= n);

	cr_assert_gt(n, 15, "%d calls were tried", n);
}

Test(writer, makes_do_with_few_descriptors)
{
	struct rlimit limit;
	char text[64];
	rlim_t before;
	int lowest_free;

	for (int i = 0; i < WRITER_JOBS_MAX; i++) {
		(void)snprintf(text, sizeof(text), "1 m%d{host=\"x\"} 1", i);
		append(text);
	}
	lowest_free = dup(hosts_fd);
	(void)close(lowest_free);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	before = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)lowest_free + 4;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(write_all(), WRITER_JOBS_MAX);
	for (int i = 0; i < WRITER_JOBS_MAX; i++) {
		(void)snprintf(text, sizeof(text), "2 m%d{host=\"x\"} 1", i);
		append(text);
	}
	cr_assert_eq(write_all(), WRITER_JOBS_MAX);

	limit.rlim_cur = before;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(samples_on_disk(), (uint64_t)2 * WRITER_JOBS_MAX);
}

Test(writer, cuts_back_what_it_could_not_write_whole)
{
	struct writer_job jobs[WRITER_JOBS_MAX];
	size_t n_jobs;

	append("1 a{host=\"x\"} 1\n");
	cr_assert_eq(write_all(), 1);
	append("2 a{host=\"x\"} 1\n2 a{host=\"x\",new=\"1\"} 1\n");
	fail_at = n_calls + 1;
	cr_assert_eq(write_pending(jobs, &n_jobs), 0);
	cr_assert_str_eq(jobs[0].call, "write");
	cr_assert_eq(jobs[0].result, -ENOSPC);
	cr_assert_not(jobs[0].is_given_up);
	append("3 a{host=\"x\",new=\"1\"} 1\n");
	cr_assert_eq(write_all(), 1);

	cr_assert_eq(samples_on_disk(), 2);
}

Test(writer, gives_a_file_up_after_a_failed_sync)
{
	struct writer_job jobs[WRITER_JOBS_MAX];
	size_t n_jobs;

	append("1 a{host=\"x\"} 1\n");
	cr_assert_eq(write_all(), 1);
	append("2 a{host=\"x\"} 1\n");
	fail_at = n_calls + 2;
	cr_assert_eq(write_pending(jobs, &n_jobs), 0);

	cr_assert_str_eq(jobs[0].call, "fdatasync");
	cr_assert(jobs[0].is_given_up);
}

Test(writer, tries_a_new_file_again_after_a_failed_sync)
{
	append("1 a{host=\"x\"} 1\n");
	fail_at = n_calls + 4; /* mkdirat, fsync, pwrite, fdatasync */
	cr_assert_eq(write_all(), 0);
	cr_assert_eq(samples_on_disk(), 0);
	append("2 a{host=\"x\"} 1\n");
	cr_assert_eq(write_all(), 1);

	cr_assert_eq(samples_on_disk(), 1);
}

Test(writer, never_writes_over_a_file_that_it_does_not_know)
{
	struct writer_job jobs[WRITER_JOBS_MAX];
	char path[4096];
	struct stat status;
	size_t n_jobs;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/x", scratch);
	cr_assert_eq(mkdir(path, 0750), 0);
	(void)snprintf(path, sizeof(path), "%s/x/a.hm", scratch);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
	cr_assert_eq(write(fd, "precious", 8), 8);
	(void)close(fd);
	append("1 a{host=\"x\"} 1\n");
	cr_assert_eq(write_pending(jobs, &n_jobs), 0);

	cr_assert_eq(jobs[0].result, -EEXIST);
	cr_assert(jobs[0].is_given_up);
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_eq(status.st_size, 8);
	(void)snprintf(path, sizeof(path), "%s/x/a.hm.tmp", scratch);
	cr_assert_eq(access(path, F_OK), -1);
}

Test(writer, replaces_what_is_left_of_a_file_being_made)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/x", scratch);
	cr_assert_eq(mkdir(path, 0750), 0);
	(void)snprintf(path, sizeof(path), "%s/x/a.hm.tmp", scratch);
	cr_assert_eq(symlink("/etc/passwd", path), 0);
	append("1 a{host=\"x\"} 1\n");

	cr_assert_eq(write_all(), 1);
	cr_assert_eq(samples_on_disk(), 1);
}
