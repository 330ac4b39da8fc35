/* SPDX-License-Identifier: MIT */
/* Tests of common/message.c. */

#include "common/message.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/scratch.h"

#define N_THREADS  4
#define N_MESSAGES 500

/* Standard error is a file here. */
static const char *folder;
static char path[200];
static char text[1 << 20];

static void setup(void)
{
	int fd;

	folder = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/stderr", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
	unsetenv("JOURNAL_STREAM");
	message_init("program");
}

static void teardown(void)
{
	scratch_remove(folder);
}

TestSuite(message, .init = setup, .fini = teardown);

static const char *written(void)
{
	FILE *file = fopen(path, "r");
	size_t length;

	cr_assert_not_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	(void)fclose(file);
	return text;
}

Test(message, begins_with_the_programs_name)
{
	message_error("cannot open '%s'", "x");
	message_warning("%d left", 3);
	message_info("listens");

	cr_assert_str_eq(written(), "program: cannot open 'x'\n"
				    "program: 3 left\n"
				    "program: listens\n");
}

Test(message, begins_with_its_priority_where_the_journal_reads)
{
	struct stat status;
	char stream[64];

	cr_assert_eq(fstat(STDERR_FILENO, &status), 0);
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
		       (uintmax_t)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	message_error("a");
	message_warning("b");
	message_info("c");

	cr_assert_str_eq(written(), "<3>a\n<4>b\n<6>c\n");
}

Test(message, has_the_name_again_when_standard_error_is_no_longer_the_journals)
{
	setenv("JOURNAL_STREAM", "1:1", 1);
	message_error("a");

	cr_assert_str_eq(written(), "program: a\n");
}

Test(message, cannot_forge_another_line_or_speak_to_the_terminal)
{
	message_error("bad name '%s'", "x\n<0>forged\x1b[2J\xff");

	cr_assert_null(strstr(written(), "\n<0>"));
	cr_assert_null(strchr(text, 0x1b));
	cr_assert_null(strchr(text, 0xff));
	cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1);
	cr_assert_not_null(strstr(text, "forged"));
}

Test(message, writes_the_callers_errno_and_keeps_it)
{
	setenv("JOURNAL_STREAM", "1:1", 1);
	errno = ENOENT;
	message_error("cannot open: %m");

	cr_assert_eq(errno, ENOENT);
	cr_assert_str_eq(written(), "program: cannot open: No such file or directory\n");
}

Test(message, keeps_the_callers_errno_when_standard_error_is_gone)
{
	close(STDERR_FILENO);
	errno = ENOENT;
	message_error("nobody reads this");

	cr_assert_eq(errno, ENOENT);
}

Test(message, never_goes_into_a_file_that_took_the_place_of_standard_error)
{
	char store[220];
	struct stat status;
	int fd;

	close(STDERR_FILENO);
	message_init("program");
	(void)snprintf(store, sizeof(store), "%s/store", folder);
	fd = open(store, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	message_error("nobody reads this");

	cr_expect_gt(fd, STDERR_FILENO);
	cr_assert_eq(fstat(fd, &status), 0);
	cr_expect_eq(status.st_size, 0);
	close(fd);
}

Test(message, of_any_length_is_written_whole)
{
	static char word[100001];

	memset(word, 'x', sizeof(word) - 1);
	message_info("%s", word);

	cr_assert_eq(strlen(written()), strlen("program: ") + 100000 + 1);
}

static void *write_many(void *context)
{
	for (int i = 0; i < N_MESSAGES; i++)
		message_info("%s", (const char *)context);
	return NULL;
}

Test(message, of_two_threads_do_not_mix)
{
	static const char expected[] = "program: one whole line of a thread\n";
	pthread_t threads[N_THREADS];
	size_t length = strlen(expected);

	for (int i = 0; i < N_THREADS; i++) {
		cr_assert_eq(pthread_create(&threads[i], NULL, write_many,
					    (void *)"one whole line of a thread"),
			     0);
	}
	for (int i = 0; i < N_THREADS; i++)
		cr_assert_eq(pthread_join(threads[i], NULL), 0);

	cr_assert_eq(strlen(written()), length * N_THREADS * N_MESSAGES);
	for (size_t i = 0; i < (size_t)N_THREADS * N_MESSAGES; i++)
		cr_assert_arr_eq(text + i * length, expected, length);
}
