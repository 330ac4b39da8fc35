/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/client.c. */

#include "agent/ctl/client.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/fake_daemon.h"
#include "tests/support/scratch.h"

static const char *folder;
static char path[107];
static struct client client;
static struct answer answer;
static struct buffer request;
static struct fake_daemon *fake;
static int n_rows;

static int take_columns(void *context, const struct answer_columns *columns)
{
	(void)context;
	(void)columns;
	return 0;
}

static int take_row(void *context, char *const words[])
{
	(void)context;
	(void)words;
	n_rows++;
	return 0;
}

static int take_note(void *context, const char *text)
{
	(void)context;
	(void)text;
	return 0;
}

static const struct answer_handler handler = {
	.columns = take_columns,
	.row = take_row,
	.note = take_note,
};

static void setup(void)
{
	folder = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/s", folder);
	client.fd = -1;
	answer_init(&answer, &handler, NULL);
	buffer_append_text(&request, "status\n");
}

static void teardown(void)
{
	client_close(&client);
	fake_daemon_stop(fake);
	answer_done(&answer);
	buffer_done(&request);
	scratch_remove(folder);
}

TestSuite(client, .init = setup, .fini = teardown, .timeout = 60);

static void start(const char *text, enum fake_daemon_manners manners)
{
	fake = fake_daemon_start(path, text, manners);
	cr_assert_eq(client_open(&client, path), 0);
}

Test(client, asks_and_reads_the_answer)
{
	char *requests;

	start("columns\trows\ta:text\nrow\tx\nrow\ty\nend\tok\n", FAKE_DAEMON_STAYS);
	cr_assert_eq(client_ask(&client, &request, &answer, NULL), 0);
	cr_expect_eq(answer.status, ANSWER_OK);
	cr_expect_eq(n_rows, 2);
	requests = fake_daemon_requests(fake);
	cr_expect_str_eq(requests, "status\n");
	free(requests);
}

Test(client, asks_again_on_the_same_connection)
{
	start("end\tnone\n", FAKE_DAEMON_STAYS);
	for (int i = 0; i < 3; i++) {
		answer_done(&answer);
		answer_init(&answer, &handler, NULL);
		cr_assert_eq(client_ask(&client, &request, &answer, NULL), 0);
		cr_expect_eq(answer.status, ANSWER_NONE);
	}
	cr_expect_eq(fake_daemon_n_connections(fake), 1);
}

Test(client, tells_a_daemon_that_left_before_it_answered)
{
	start("", FAKE_DAEMON_LEAVES);
	cr_expect_eq(client_ask(&client, &request, &answer, NULL), -ECONNRESET);
}

Test(client, tells_an_answer_that_breaks_off)
{
	start("columns\trows\ta:text\nrow\tx\n", FAKE_DAEMON_LEAVES);
	cr_expect_eq(client_ask(&client, &request, &answer, NULL), -ECONNABORTED);
}

Test(client, tells_an_end_line_without_newline)
{
	start("end\tok", FAKE_DAEMON_LEAVES);
	cr_expect_eq(client_ask(&client, &request, &answer, NULL), -ECONNABORTED);
}

Test(client, reads_no_line_without_end)
{
	start("note\t", FAKE_DAEMON_FLOODS);
	cr_expect_eq(client_ask(&client, &request, &answer, NULL), -EPROTO);
	cr_expect(strstr(answer.problem, "too long"));
	cr_expect(answer.line.capacity <= (size_t)2 * ANSWER_LINE_MAX_BYTES);
	/* Or the daemon would go on for ever. */
	client_close(&client);
}

Test(client, loses_patience_with_a_silent_daemon)
{
	start(NULL, FAKE_DAEMON_STAYS);
	client.patience_ms = 50;
	cr_expect_eq(client_ask(&client, &request, &answer, NULL), -ETIMEDOUT);
}

static bool take_interrupt(void *context)
{
	struct client_interrupt *interrupt = context;
	eventfd_t count;

	/* The first is not meant for who waits. */
	cr_assert_eq(eventfd_read(interrupt->fd, &count), 0);
	return count > 1 || eventfd_write(interrupt->fd, 2) < 0;
}

Test(client, gives_up_when_it_is_told_to)
{
	struct client_interrupt interrupt = {eventfd(1, EFD_CLOEXEC), take_interrupt, &interrupt};

	start(NULL, FAKE_DAEMON_STAYS);
	cr_expect_eq(client_ask(&client, &request, &answer, &interrupt), -EINTR);
	(void)close(interrupt.fd);
}

Test(client, gives_up_connecting_when_nobody_accepts)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(client_open(&client, path), -ECONNREFUSED);
	cr_expect_eq(client.fd, -1);
	(void)close(fd);
	cr_expect_eq(client_open(&client, path), -ECONNREFUSED, "left behind by a dead daemon");
}

Test(client, says_why_it_cannot_connect)
{
	char long_path[200];

	cr_expect_eq(client_open(&client, path), -ENOENT);
	memset(long_path, 'a', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	cr_expect_eq(client_open(&client, long_path), -ENAMETOOLONG);
	(void)close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	cr_expect_eq(client_open(&client, path), -ECONNREFUSED, "a file");
	cr_expect_eq(client.fd, -1);
}
