/* SPDX-License-Identifier: MIT */
/* Tests of common/control_server.c. */

#include "common/control_server.h"

#include <bsd/string.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/timestamp.h"
#include "tests/support/epoll_info.h"
#include "tests/support/scratch.h"

#define PROGRAM          "the agent of host web01"
#define N_ROWS           1000000
#define N_BIG_ROWS       100000
#define N_IDLE_TURNS     50
#define OUTPUT_MAX_BYTES 65536
#define STEPS_MAX        8

/* What the verbs below did. */
struct probe {
	int n_answers;
	int n_produced; /* calls of a producer */
	size_t n_waiting_max;
	long n_rows; /* that producers wrote */
	int n_freed;
	bool has_rest; /* what a producer waits for is there */
};

static struct loop *loop;
static struct control_server *server;
static struct probe probe;
static const char *folder;
static char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

static const char *const columns[] = {"text:text"};

static void answer_echo(void *context, const struct control_request *request,
			struct control_reply *reply)
{
	cr_assert_eq(context, &probe);
	probe.n_answers++;
	control_columns(reply, "rows", columns, 1);
	control_text(reply, control_argument(request, "text"));
	control_row_end(reply);
	control_end(reply, HM_CONTROL_OK, NULL);
}

/* All at once, more than any socket holds. */
static void answer_big(void *context, const struct control_request *request,
		       struct control_reply *reply)
{
	(void)context;
	(void)request;
	for (int i = 0; i < N_BIG_ROWS; i++) {
		control_text(reply, "this row is as long as every other");
		control_row_end(reply);
	}
	control_end(reply, HM_CONTROL_OK, NULL);
}

static void answer_silent(void *context, const struct control_request *request,
			  struct control_reply *reply)
{
	(void)context;
	(void)request;
	(void)reply;
}

static void free_state(void *state)
{
	cr_assert_eq(state, &probe);
	probe.n_freed++;
}

static int produce_rows(void *state, struct control_reply *reply)
{
	cr_assert_eq(state, &probe);
	probe.n_produced++;
	if (reply->out.length > probe.n_waiting_max)
		probe.n_waiting_max = reply->out.length;
	for (int i = 0; i < 1000; i++) {
		control_integer(reply, probe.n_rows++);
		control_row_end(reply);
	}
	if (probe.n_rows < N_ROWS)
		return 1;
	control_end(reply, HM_CONTROL_OK, NULL);
	return 0;
}

static void answer_rows(void *context, const struct control_request *request,
			struct control_reply *reply)
{
	(void)request;
	control_columns(reply, "rows", columns, 1);
	control_stream(reply, produce_rows, free_state, context);
}

/* Searches for ever. */
static int produce_none(void *state, struct control_reply *reply)
{
	(void)state;
	(void)reply;
	probe.n_produced++;
	return 1;
}

static void answer_none(void *context, const struct control_request *request,
			struct control_reply *reply)
{
	(void)request;
	control_stream(reply, produce_none, free_state, context);
}

static int produce_failure(void *state, struct control_reply *reply)
{
	(void)state;
	control_text(reply, "whole");
	control_row_end(reply);
	return -EIO;
}

static void answer_failure(void *context, const struct control_request *request,
			   struct control_reply *reply)
{
	(void)request;
	control_stream(reply, produce_failure, free_state, context);
}

static int produce_half_a_row(void *state, struct control_reply *reply)
{
	(void)state;
	control_text(reply, "half");
	return -EIO;
}

static void answer_half_a_row(void *context, const struct control_request *request,
			      struct control_reply *reply)
{
	(void)request;
	control_stream(reply, produce_half_a_row, free_state, context);
}

/* Writes what it has, then waits for the rest. */
static int produce_late(void *state, struct control_reply *reply)
{
	cr_assert_eq(state, &probe);
	if (probe.n_produced++ == 0) {
		control_text(reply, "early");
		control_row_end(reply);
	}
	if (!probe.has_rest)
		return -EAGAIN;
	control_end(reply, HM_CONTROL_OK, NULL);
	return 0;
}

static void answer_late(void *context, const struct control_request *request,
			struct control_reply *reply)
{
	(void)request;
	control_stream(reply, produce_late, free_state, context);
}

static const struct control_verb verbs[] = {
	{"echo", answer_echo},
	{"big", answer_big},
	{"silent", answer_silent},
	{"rows", answer_rows},
	{"none", answer_none},
	{"failure", answer_failure},
	{"half-a-row", answer_half_a_row},
	{"late", answer_late},
	{NULL, NULL},
};

static int open_server(struct control_server **ret_server, int *ret_pid)
{
	return control_server_open(loop, path, PROGRAM, verbs, &probe, ret_server, ret_pid);
}

static void make_path(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
}

static void setup(void)
{
	int pid;

	folder = scratch_folder();
	make_path("s");
	cr_assert_eq(loop_new(&loop), 0);
	cr_assert_eq(open_server(&server, &pid), 0);
	/* The server must live without the signal being ignored. */
	(void)signal(SIGPIPE, SIG_DFL);
	alarm(60);
}

static void teardown(void)
{
	control_server_close(server);
	loop_free(loop);
	scratch_remove(folder);
}

TestSuite(control_server, .init = setup, .fini = teardown);

static void turn(int n_turns)
{
	for (int i = 0; i < n_turns; i++)
		cr_assert_eq(loop_turn(loop, 0), 0);
}

static struct sockaddr_un socket_address(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)strlcpy(address.sun_path, path, sizeof(address.sun_path));
	return address;
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	return fd;
}

static int connect_client(void)
{
	struct sockaddr_un address = socket_address();
	int fd = new_socket();

	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0, "%s",
		     strerror(errno));
	return fd;
}

static void send_text(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static bool ends_an_answer(const char *text, size_t length)
{
	const char *line;

	if (length == 0 || text[length - 1] != '\n')
		return false;
	line = memrchr(text, '\n', length - 1);
	line = line ? line + 1 : text;
	return strncmp(line, "end\t", 4) == 0;
}

/* One byte, the loop turned until it is there. @return false at the end of the connection */
static bool receive_byte(int fd, char *ret_byte)
{
	for (int i = 0; i < N_IDLE_TURNS; i++) {
		ssize_t n_read = recv(fd, ret_byte, 1, 0);

		if (n_read == 1)
			return true;
		if (n_read == 0 || errno == ECONNRESET)
			return false;
		cr_assert_eq(errno, EAGAIN);
		turn(1);
	}
	*ret_byte = '\0'; /* nothing comes */
	return true;
}

/* An answer; what there is of it when the connection ends ("" = nothing) or nothing more comes. */
static const char *receive(int fd)
{
	static char text[32768];
	size_t length = 0;

	while (length < sizeof(text) - 1 && receive_byte(fd, &text[length])) {
		if (!text[length])
			break;
		length++;
		if (ends_an_answer(text, length))
			break;
	}
	text[length] = '\0';
	return text;
}

static void assert_closed(int fd)
{
	char byte;

	cr_assert_not(receive_byte(fd, &byte));
}

static const char *ask(int fd, const char *request)
{
	send_text(fd, request);
	return receive(fd);
}

#define ECHO_OF(text) "columns\trows\ttext:text\nrow\t" text "\nend\tok\n"

static int count_descriptors(void)
{
	DIR *descriptors = opendir("/proc/self/fd");
	int n = 0;

	cr_assert_not_null(descriptors);
	while (readdir(descriptors))
		n++;
	(void)closedir(descriptors);
	return n;
}

Test(control_server, answers_one_request_after_the_other)
{
	int fd = connect_client();

	cr_assert_str_eq(ask(fd, "echo\ttext=a\n"), ECHO_OF("a"));
	cr_assert_str_eq(ask(fd, "echo\ttext=b\\tc\n"), ECHO_OF("b\\tc"));
	cr_assert_str_eq(ask(fd, "echo\n"), ECHO_OF("\\N"));

	close(fd);
}

Test(control_server, answers_requests_that_come_together)
{
	int fd = connect_client();

	send_text(fd, "echo\ttext=a\necho\ttext=b\necho\tte");
	cr_assert_str_eq(receive(fd), ECHO_OF("a"));
	cr_assert_str_eq(receive(fd), ECHO_OF("b"));
	cr_assert_str_eq(ask(fd, "xt=c\n"), ECHO_OF("c"));

	close(fd);
}

Test(control_server, answers_requests_that_come_byte_by_byte)
{
	static const char request[] = "echo\ttext=slow\n";
	int fd = connect_client();

	for (int round = 0; round < 2; round++) {
		for (const char *byte = request; *byte; byte++) {
			cr_assert_eq(probe.n_answers, round);
			cr_assert_eq(send(fd, byte, 1, MSG_NOSIGNAL), 1);
			turn(2);
		}
		cr_assert_str_eq(receive(fd), ECHO_OF("slow"));
	}

	close(fd);
}

Test(control_server, is_registered_edge_triggered_with_its_clients)
{
	struct epoll_info before;
	struct epoll_info info;
	int fds[2];

	cr_assert_eq(epoll_info_read(getpid(), &before), 0);
	cr_assert_geq(before.n_descriptors, 1);
	for (int i = 0; i < 2; i++) {
		fds[i] = connect_client();
		(void)ask(fds[i], "echo\n");
	}

	cr_assert_eq(epoll_info_since(&before, &info), 0);
	cr_assert_eq(info.n_descriptors, 2);
	cr_assert_eq(info.n_level_triggered, 0);
	cr_assert_eq(info.n_incomplete, 0);

	close(fds[0]);
	close(fds[1]);
}

Test(control_server, tells_which_verbs_it_knows)
{
	int fd = connect_client();

	cr_assert_str_eq(ask(fd, "list-flies\n"),
			 "end\tusage\tthis is the agent of host web01, which does not know "
			 "'list-flies'; it knows echo, big, silent, rows, none, failure, "
			 "half-a-row, late\n");
	cr_assert_str_eq(ask(fd, "echo\n"), ECHO_OF("\\N"));

	close(fd);
}

Test(control_server, tells_which_daemon_has_the_verb)
{
	int fd = connect_client();

	cr_assert_str_eq(ask(fd, "list-hosts\n"),
			 "end\tusage\tthis is the agent of host web01, which does not know "
			 "'list-hosts', a verb of the collector; here are echo, big, silent, rows, "
			 "none, failure, half-a-row, late\n");
	cr_assert_not_null(strstr(ask(fd, "list-plugins\n"), "a verb of the agent;"));

	close(fd);
}

Test(control_server, repeats_an_unknown_verb_only_as_far_as_it_is_harmless)
{
	char request[HM_CONTROL_REQUEST_MAX_BYTES + 1];
	int fd = connect_client();
	const char *answer = ask(fd, "a\x1b[2J\\nend\n");

	cr_assert_null(strchr(answer, 0x1b));
	cr_assert_eq(strchr(answer, '\n'), answer + strlen(answer) - 1);

	memset(request, 'v', sizeof(request));
	request[HM_CONTROL_REQUEST_MAX_BYTES - 1] = '\n';
	request[HM_CONTROL_REQUEST_MAX_BYTES] = '\0';
	cr_assert_lt(strlen(ask(fd, request)), 300);

	close(fd);
}

Test(control_server, refuses_what_is_no_request_and_goes_on)
{
	static const char *const requests[] = {"\n", "\t\n", "echo\ttext\n", "echo\\x\n", "\\N\n"};
	int fd = connect_client();

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		cr_assert_eq(strncmp(ask(fd, requests[i]), "end\tusage\t", 10), 0, "%s",
			     requests[i]);
	cr_assert_eq(send(fd, "echo\0\ttext=a\n", 13, MSG_NOSIGNAL), 13);
	cr_assert_eq(strncmp(receive(fd), "end\tusage\t", 10), 0, "a NUL byte");
	cr_assert_eq(probe.n_answers, 0);
	cr_assert_str_eq(ask(fd, "echo\ttext=a\n"), ECHO_OF("a"));

	close(fd);
}

/* "echo\ttext=xxx...\n" of this length, newline included. */
static void make_request(char *out, size_t length)
{
	static const char start[] = "echo\ttext=";

	memset(out, 'x', length);
	memcpy(out, start, sizeof(start) - 1);
	out[length - 1] = '\n';
	out[length] = '\0';
}

Test(control_server, takes_a_request_of_the_greatest_length)
{
	char request[HM_CONTROL_REQUEST_MAX_BYTES + 1];
	int fd = connect_client();

	make_request(request, HM_CONTROL_REQUEST_MAX_BYTES);
	cr_assert_not_null(strstr(ask(fd, request), "xxx\nend\tok\n"));
	cr_assert_not_null(strstr(ask(fd, request), "xxx\nend\tok\n"));
	cr_assert_eq(probe.n_answers, 2);

	close(fd);
}

Test(control_server, refuses_a_longer_request_and_closes)
{
	char request[HM_CONTROL_REQUEST_MAX_BYTES + 2];
	int fd = connect_client();

	make_request(request, HM_CONTROL_REQUEST_MAX_BYTES + 1);
	cr_assert_str_eq(ask(fd, request), "end\tusage\ta request is at most 16384 bytes long\n");
	assert_closed(fd);
	cr_assert_eq(probe.n_answers, 0);

	close(fd);
}

Test(control_server, refuses_a_request_that_never_ends)
{
	static char zeros[60000];
	int fd = connect_client();

	cr_assert_gt(send(fd, zeros, sizeof(zeros), MSG_NOSIGNAL), HM_CONTROL_REQUEST_MAX_BYTES);
	cr_assert_str_eq(receive(fd), "end\tusage\ta request is at most 16384 bytes long\n");
	assert_closed(fd);

	close(fd);
}

Test(control_server, answers_a_client_that_has_said_all)
{
	int fd = connect_client();

	send_text(fd, "echo\ttext=a\necho\ttext=b\n");
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	cr_assert_str_eq(receive(fd), ECHO_OF("a"));
	cr_assert_str_eq(receive(fd), ECHO_OF("b"));
	assert_closed(fd);

	close(fd);
}

Test(control_server, does_not_answer_a_request_that_was_cut_off)
{
	int fd = connect_client();

	send_text(fd, "echo\ttext=a");
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	assert_closed(fd);
	cr_assert_eq(probe.n_answers, 0);

	close(fd);
}

/* Read to the end of an answer, so many bytes a turn. @return its length */
static size_t receive_slowly(int fd, size_t bytes_a_turn)
{
	static char bytes[65536];
	char tail[8] = "";
	size_t length = 0;
	int n_idle = 0;

	while (n_idle < N_IDLE_TURNS && strcmp(tail, "end\tok\n") != 0) {
		ssize_t n_read = recv(fd, bytes, bytes_a_turn, 0);

		cr_assert_neq(n_read, 0, "closed after %zu bytes", length);
		n_idle = n_read < 0 ? n_idle + 1 : 0;
		/* Never fewer than the seven bytes of the end at once, or it was not the end. */
		if (n_read >= 7)
			memcpy(tail, bytes + n_read - 7, 7);
		length += n_read > 0 ? (size_t)n_read : 0;
		turn(1);
	}
	return length;
}

/* Length of the rows "row\tNUMBER\n" below n. */
static size_t length_of_rows(long n)
{
	size_t length = 0;

	for (long i = 0; i < n; i++)
		length += (size_t)snprintf(NULL, 0, "row\t%ld\n", i);
	return length;
}

Test(control_server, streams_a_million_rows_to_a_slow_reader_in_little_memory)
{
	int fd = connect_client();

	send_text(fd, "rows\n");
	cr_assert_eq(receive_slowly(fd, 9000), strlen("columns\trows\ttext:text\n") +
						       length_of_rows(N_ROWS) +
						       strlen("end\tok\n"));
	cr_assert_eq(probe.n_rows, N_ROWS);
	cr_assert_gt(probe.n_waiting_max, 0);
	cr_assert_lt(probe.n_waiting_max, OUTPUT_MAX_BYTES);
	cr_assert_eq(probe.n_freed, 1);
	cr_assert_str_eq(ask(fd, "echo\ttext=a\n"), ECHO_OF("a"));

	close(fd);
}

Test(control_server, does_not_produce_for_a_client_that_does_not_read)
{
	int fd = connect_client();
	int n_produced;

	send_text(fd, "rows\n");
	turn(1000);
	n_produced = probe.n_produced;
	turn(1000);

	cr_assert_eq(probe.n_produced, n_produced);
	cr_assert_lt(probe.n_rows, N_ROWS / 4);
	cr_assert_str_eq(ask(connect_client(), "echo\ttext=a\n"), ECHO_OF("a"));

	close(fd);
}

Test(control_server, producer_has_a_budget_a_turn)
{
	int fd = connect_client();
	int other_fd = connect_client();

	send_text(fd, "none\n");
	turn(3);
	for (int i = 0; i < 20; i++) {
		int n_produced = probe.n_produced;

		turn(1);
		cr_assert_gt(probe.n_produced, n_produced, "it is not drained");
		cr_assert_leq(probe.n_produced, n_produced + STEPS_MAX);
	}
	cr_assert_str_eq(ask(other_fd, "echo\ttext=a\n"), ECHO_OF("a"));

	close(fd);
	close(other_fd);
}

Test(control_server, writes_an_answer_that_no_socket_holds)
{
	int fd = connect_client();

	send_text(fd, "big\n");
	cr_assert_eq(receive_slowly(fd, 65536),
		     N_BIG_ROWS * strlen("row\tthis row is as long as every other\n") +
			     strlen("end\tok\n"));

	close(fd);
}

Test(control_server, client_that_goes_frees_its_producer)
{
	int n_descriptors = count_descriptors();
	int fd = connect_client();

	send_text(fd, "rows\n");
	turn(20);
	cr_assert_eq(probe.n_freed, 0);
	close(fd);
	turn(20);

	cr_assert_eq(probe.n_freed, 1);
	cr_assert_lt(probe.n_rows, N_ROWS);
	cr_assert_eq(count_descriptors(), n_descriptors);
}

Test(control_server, client_that_goes_ends_a_producer_that_found_nothing)
{
	int fd = connect_client();

	send_text(fd, "none\n");
	turn(5);
	close(fd);
	turn(5);

	cr_assert_eq(probe.n_freed, 1);
}

Test(control_server, client_that_goes_before_its_answer_costs_nothing)
{
	int n_descriptors = count_descriptors();

	for (int i = 0; i < 100; i++) {
		int fd = connect_client();

		send_text(fd, i % 2 ? "big\n" : "echo\ttext");
		turn(i % 3);
		close(fd);
	}
	turn(20);

	cr_assert_eq(count_descriptors(), n_descriptors);
	cr_assert_str_eq(ask(connect_client(), "echo\ttext=a\n"), ECHO_OF("a"));
}

Test(control_server, client_that_listens_no_more_is_closed_without_a_signal)
{
	int n_descriptors = count_descriptors();
	int fd = connect_client();

	cr_assert_eq(shutdown(fd, SHUT_RD), 0);
	send_text(fd, "rows\n");
	turn(20);

	cr_assert_eq(probe.n_freed, 1);
	close(fd);
	cr_assert_eq(count_descriptors(), n_descriptors);
}

Test(control_server, producer_that_breaks_off_is_told_at_the_end)
{
	int fd = connect_client();

	cr_assert_str_eq(ask(fd, "failure\n"), "row\twhole\nend\tfailed\tInput/output error\n");
	cr_assert_eq(probe.n_freed, 1);
	cr_assert_str_eq(ask(fd, "echo\ttext=a\n"), ECHO_OF("a"));

	close(fd);
}

Test(control_server, producer_that_waits_is_called_when_it_is_woken)
{
	int fd = connect_client();
	int n_produced;

	cr_assert_str_eq(ask(fd, "late\n"), "row\tearly\n");
	n_produced = probe.n_produced;
	turn(N_IDLE_TURNS);
	cr_assert_eq(probe.n_produced, n_produced, "it is not asked again and again");
	probe.has_rest = true;
	control_server_wake(server);
	cr_assert_str_eq(ask(fd, ""), "end\tok\n");
	cr_assert_eq(probe.n_freed, 1);
	cr_assert_str_eq(ask(fd, "echo\ttext=a\n"), ECHO_OF("a"));

	close(fd);
}

Test(control_server, half_a_row_never_looks_like_one)
{
	int fd = connect_client();

	cr_assert_null(strchr(ask(fd, "half-a-row\n"), '\n'));
	assert_closed(fd);
	cr_assert_eq(probe.n_freed, 1);

	close(fd);
}

Test(control_server, verb_without_an_answer_closes_the_connection)
{
	int fd = connect_client();

	cr_assert_str_eq(ask(fd, "silent\n"), "");
	assert_closed(fd);

	close(fd);
}

Test(control_server, client_that_asks_and_never_reads_is_made_to_wait)
{
	static char text[1 << 20];
	int fd = connect_client();
	size_t n_sent = 0;
	int n_refused = 0;
	size_t n_received = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(text); i += 5)
		memcpy(text + i, "echo\n", 5 < sizeof(text) - i ? 5 : sizeof(text) - i);
	while (n_refused < N_IDLE_TURNS) {
		n = send(fd, text + n_sent % 5, 50000, MSG_NOSIGNAL);
		n_refused = n < 0 ? n_refused + 1 : 0;
		n_sent += n > 0 ? (size_t)n : 0;
		turn(1);
		cr_assert_lt(n_sent, 4 << 20, "it reads without end");
	}

	/* And every one that was asked is answered. */
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	while ((n = recv(fd, text, sizeof(text), 0)) != 0) {
		n_received += n > 0 ? (size_t)n : 0;
		turn(1);
	}
	cr_assert_eq(n_received, n_sent / 5 * strlen(ECHO_OF("\\N")));
	cr_assert_eq(probe.n_answers, (int)(n_sent / 5));

	close(fd);
}

Test(control_server, client_above_the_limit_waits_until_another_goes)
{
	int fds[CONTROL_CLIENTS_MAX + 2];

	for (int i = 0; i < CONTROL_CLIENTS_MAX + 2; i++) {
		fds[i] = connect_client();
		send_text(fds[i], "echo\ttext=a\n");
		turn(1);
	}
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		cr_assert_str_eq(receive(fds[i]), ECHO_OF("a"), "client %d", i);
	cr_assert_str_eq(receive(fds[CONTROL_CLIENTS_MAX]), "");
	cr_assert_eq(probe.n_answers, CONTROL_CLIENTS_MAX);

	close(fds[7]);
	cr_assert_str_eq(receive(fds[CONTROL_CLIENTS_MAX]), ECHO_OF("a"));
	cr_assert_str_eq(receive(fds[CONTROL_CLIENTS_MAX + 1]), "");
	close(fds[8]);
	cr_assert_str_eq(receive(fds[CONTROL_CLIENTS_MAX + 1]), ECHO_OF("a"));
}

/* Clients that keep all places, with an answer that they do not read or without one. */
static void take_all_places(size_t n, const char *request)
{
	control_server_set_clients_max(server, n);
	for (size_t i = 0; i < n; i++)
		send_text(connect_client(), request);
	turn(N_IDLE_TURNS);
}

Test(control_server, client_that_does_nothing_gives_way_to_one_that_waits)
{
	take_all_places(2, "rows\n");
	(void)usleep(CONTROL_PATIENCE_US + 10000);
	turn(1);
	cr_assert_eq(control_server_n_closed(server, HM_REASON_NOT_READING), 0, "nobody waits");

	for (int i = 0; i < 2; i++) {
		int fd = connect_client();

		cr_assert_str_eq(ask(fd, "echo\ttext=a\n"), ECHO_OF("a"));
	}
	cr_assert_eq(control_server_n_closed(server, HM_REASON_NOT_READING), 2);
	cr_assert_eq(control_server_n_closed(server, HM_REASON_IDLE), 0);
}

Test(control_server, client_that_waits_for_a_place_gets_it_without_a_further_event)
{
	struct pollfd answer = {.events = POLLIN};
	int64_t end_us = timestamp_monotonic_us() + 10 * TIMESTAMP_SECOND_US;

	take_all_places(CONTROL_CLIENTS_MAX, "ro");
	answer.fd = connect_client();
	send_text(answer.fd, "echo\ttext=a\n");
	while (poll(&answer, 1, 0) == 0 && timestamp_monotonic_us() < end_us)
		cr_assert_eq(loop_turn(loop, 100), 0);

	cr_assert_str_eq(receive(answer.fd), ECHO_OF("a"));
	cr_assert_eq(control_server_n_closed(server, HM_REASON_IDLE), 1);
}

Test(control_server, lets_fewer_in_where_it_is_told_to)
{
	int second_fd;
	int first_fd;

	control_server_set_clients_max(server, 1);
	first_fd = connect_client();
	cr_assert_str_eq(ask(first_fd, "echo\ttext=a\n"), ECHO_OF("a"));
	second_fd = connect_client();
	turn(1);
	cr_assert_str_eq(ask(first_fd, "echo\ttext=b\n"), ECHO_OF("b"));
	close(first_fd);
	cr_assert_str_eq(ask(second_fd, "echo\ttext=c\n"), ECHO_OF("c"));
	close(second_fd);
}

/* Take every descriptor that the process may have. */
static void use_up_descriptors(void)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 256;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0) >= 0)
		;
	cr_assert_eq(errno, EMFILE);
}

Test(control_server, without_a_descriptor_left_turns_clients_away_and_lives)
{
	struct sockaddr_un address = socket_address();
	int first_fd = connect_client();
	int fds[3];

	cr_assert_str_eq(ask(first_fd, "echo\ttext=a\n"), ECHO_OF("a"));
	for (int i = 0; i < 3; i++)
		fds[i] = new_socket();
	use_up_descriptors();
	for (int i = 0; i < 3; i++)
		cr_assert_eq(connect(fds[i], (struct sockaddr *)&address, sizeof(address)), 0);

	for (int i = 0; i < 3; i++)
		assert_closed(fds[i]);
	cr_assert_str_eq(ask(first_fd, "echo\ttext=b\n"), ECHO_OF("b"));

	/* One for a new client, one for our side of it. */
	close(fds[0]);
	close(fds[1]);
	cr_assert_str_eq(ask(connect_client(), "echo\ttext=c\n"), ECHO_OF("c"));
}

/* Send a request with descriptors beside it. */
static void send_descriptors(int fd, const char *text, int sent_fd, size_t n)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(200 * sizeof(int))];
	} control;
	struct iovec data = {(void *)text, strlen(text)};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	int sent[200] = {0};

	for (size_t i = 0; i < n; i++)
		sent[i] = sent_fd;
	message.msg_control = &control;
	message.msg_controllen = CMSG_SPACE(n * sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&control.header), sent, n * sizeof(int));
	cr_assert_eq(sendmsg(fd, &message, MSG_NOSIGNAL), (ssize_t)strlen(text));
}

Test(control_server, never_receives_descriptors)
{
	int fd = connect_client();
	int n_descriptors;
	int ends[2];

	cr_assert_str_eq(ask(fd, "echo\ttext=a\n"), ECHO_OF("a"));
	cr_assert_eq(pipe(ends), 0);
	n_descriptors = count_descriptors();
	for (int i = 0; i < 10; i++) {
		send_descriptors(fd, "echo\ttext=b\n", ends[1], 100);
		cr_assert_str_eq(receive(fd), ECHO_OF("b"));
		/* In pieces, which the kernel hands over one by one. */
		send_descriptors(fd, "ec", ends[1], 1);
		send_descriptors(fd, "ho\ttext=c\nec", ends[1], 1);
		send_descriptors(fd, "ho\n", ends[1], 1);
		cr_assert_str_eq(receive(fd), ECHO_OF("c"));
		cr_assert_str_eq(receive(fd), ECHO_OF("\\N"));
	}
	cr_assert_eq(count_descriptors(), n_descriptors);

	/* Nor does the kernel keep them: with our own end closed the pipe is. */
	close(ends[1]);
	cr_assert_eq(read(ends[0], &n_descriptors, 1), 0);

	close(ends[0]);
	close(fd);
}

Test(control_server, close_leaves_nothing_behind)
{
	int n_descriptors;
	int fd = connect_client();
	char pid_path[sizeof(path) + 4];

	send_text(fd, "rows\n");
	turn(3);
	n_descriptors = count_descriptors();
	(void)snprintf(pid_path, sizeof(pid_path), "%s.pid", path);
	cr_assert_eq(access(pid_path, F_OK), 0);
	control_server_close(server);
	server = NULL;
	control_server_close(NULL);

	cr_assert_eq(probe.n_freed, 1);
	cr_assert_eq(access(path, F_OK), -1);
	cr_assert_eq(access(pid_path, F_OK), -1);
	/* Listener, client, spare descriptor, pid file and its folder. */
	cr_assert_leq(count_descriptors(), n_descriptors - 4);
	turn(3);

	close(fd);
}

Test(control_server, descriptors_do_not_pass_to_programs)
{
	struct dirent *entry;
	DIR *descriptors = opendir("/proc/self/fd");
	int fd = connect_client();

	(void)ask(fd, "echo\n");
	while ((entry = readdir(descriptors))) {
		char target[256];
		ssize_t length;
		int number = (int)strtol(entry->d_name, NULL, 10);

		length = readlinkat(dirfd(descriptors), entry->d_name, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		if (strstr(target, ".pid"))
			cr_assert(fcntl(number, F_GETFD) & FD_CLOEXEC, "%s", target);
	}

	(void)closedir(descriptors);
	close(fd);
}
