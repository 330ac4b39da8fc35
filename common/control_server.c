/* SPDX-License-Identifier: MIT */
/* A daemon's control socket: its clients, one request at a time each. */

#include "common/control_server.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/control_socket.h"
#include "common/text.h"
#include "common/timer.h"
#include "common/timestamp.h"

/* A producer is called only while less than this waits to be written. */
#define OUTPUT_WAITING_MAX_BYTES ((size_t)64 << 10)

/* What a client may do in one turn of the loop: reads, answers, producer calls, writes. */
#define CLIENT_STEPS_MAX 8

/* Of one write: a client that reads as fast as we write must not keep us either. */
#define CLIENT_WRITE_MAX_BYTES ((size_t)64 << 10)

/* This much of an unknown verb is repeated to who asked. */
#define VERB_SHOWN_MAX_BYTES ((size_t)64)

/* Verbs that only one kind of daemon has, for who asks the other kind. */
static const struct {
	const char *verb;
	const char *daemon;
} owners[] = {
	{"list-plugins", "agent"}, {"cost", "agent"},       {"list-hosts", "collector"},
	{"query", "collector"},    {"export", "collector"}, {"import", "collector"},
	{"snapshot", "collector"},
};

struct client {
	TAILQ_ENTRY(client) link;
	struct control_server *server;
	struct loop_source *source;
	int fd;
	char input[HM_CONTROL_REQUEST_MAX_BYTES];
	size_t input_length;
	size_t request_bytes; /* of input, being answered; 0 = none is */
	bool is_last;         /* close after this answer */
	struct control_reply reply;
	size_t n_written;  /* of reply.out */
	int64_t active_us; /* CLOCK_MONOTONIC of the last bytes in either direction */
};

TAILQ_HEAD(client_list, client);

struct control_server {
	struct loop *loop;
	const char *program;
	const struct control_verb *verbs;
	void *context;
	struct control_socket socket;
	int spare_fd; /* given up for a moment when the process has no descriptor left */
	struct loop_source *source;
	struct timer *patience;     /* runs while somebody waits for a place */
	struct client_list clients; /* the longest idle one first */
	size_t n_clients;
	size_t clients_max;
	uint64_t n_closed[HM_REASON_COUNT];
};

/* What a step of a client came to. */
enum step {
	STEP_AGAIN, /* there may be more to do now */
	STEP_WAIT,  /* the kernel said EAGAIN: an event will come */
	STEP_CLOSE,
};

static void client_close(struct client *client)
{
	struct control_server *server = client->server;

	TAILQ_REMOVE(&server->clients, client, link);
	server->n_clients--;
	loop_remove(client->source);
	(void)close(client->fd);
	control_reply_done(&client->reply);
	free(client);
	/* One that waits in the kernel's queue may come in now; there is no event for that. */
	loop_ready(server->source);
}

/* Bytes went to it or came from it: keep the list in order of activity. */
static void note_activity(struct client *client)
{
	struct control_server *server = client->server;

	client->active_us = timestamp_monotonic_us();
	TAILQ_REMOVE(&server->clients, client, link);
	TAILQ_INSERT_TAIL(&server->clients, client, link);
}

/* @return the kind of daemon that has the verb, or NULL */
static const char *find_owner(const char *verb)
{
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		if (strcmp(owners[i].verb, verb) == 0)
			return owners[i].daemon;
	}
	return NULL;
}

static void answer_unknown(const struct control_server *server, const char *verb,
			   struct control_reply *reply)
{
	const char *owner = find_owner(verb);
	struct buffer text = {0};

	buffer_printf(&text, "this is %s, which does not know '", server->program);
	text_append_printable(&text, verb, strnlen(verb, VERB_SHOWN_MAX_BYTES));
	if (owner)
		buffer_printf(&text, "', a verb of the %s; here are", owner);
	else
		buffer_append_text(&text, "'; it knows");
	for (const struct control_verb *known = server->verbs; known->name; known++)
		buffer_printf(&text, "%s %s", known == server->verbs ? "" : ",", known->name);
	control_end(reply, HM_CONTROL_USAGE, buffer_text(&text));
	buffer_done(&text);
}

/* Answer the first `request_bytes` of the input. It stays there until the answer is written. */
static void answer(struct client *client)
{
	const struct control_server *server = client->server;
	const struct control_verb *verb = server->verbs;
	char *line = client->input;
	size_t length = client->request_bytes - 1;
	struct control_request request;

	line[length] = '\0';
	if (strlen(line) != length || control_request_parse(line, &request) < 0) {
		control_end(&client->reply, HM_CONTROL_USAGE,
			    "this is not a request: VERB, then NAME=VALUE, words separated by TAB");
		return;
	}
	while (verb->name && strcmp(verb->name, request.verb) != 0)
		verb++;
	if (verb->name)
		verb->answer(server->context, &request, &client->reply);
	else
		answer_unknown(server, request.verb, &client->reply);
}

static void answer_too_long(struct client *client)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "a request is at most %d bytes long",
		       HM_CONTROL_REQUEST_MAX_BYTES);
	control_end(&client->reply, HM_CONTROL_USAGE, text);
	client->request_bytes = client->input_length;
	client->is_last = true;
}

/* Take the next request, from the kernel where it is not here yet. */
static enum step read_request(struct client *client)
{
	char *newline = memchr(client->input, '\n', client->input_length);
	size_t room = sizeof(client->input) - client->input_length;
	ssize_t n_read;

	if (newline) {
		client->request_bytes = (size_t)(newline - client->input) + 1;
		answer(client);
		return STEP_AGAIN;
	}
	if (room == 0) {
		answer_too_long(client);
		return STEP_AGAIN;
	}
	/* Without room for control messages the kernel closes descriptors that somebody sends. */
	n_read = recv(client->fd, client->input + client->input_length, room, 0);
	if (n_read < 0 && errno == EINTR)
		return STEP_AGAIN;
	if (n_read < 0 && errno == EAGAIN)
		return STEP_WAIT;
	if (n_read <= 0)
		return STEP_CLOSE;
	client->input_length += (size_t)n_read;
	note_activity(client);
	return STEP_AGAIN;
}

static enum step write_output(struct client *client)
{
	const struct buffer *out = &client->reply.out;
	size_t length = out->length - client->n_written;
	ssize_t n_sent;

	if (length > CLIENT_WRITE_MAX_BYTES)
		length = CLIENT_WRITE_MAX_BYTES;
	n_sent = send(client->fd, out->data + client->n_written, length, MSG_NOSIGNAL);
	if (n_sent < 0 && errno == EINTR)
		return STEP_AGAIN;
	if (n_sent < 0 && errno == EAGAIN)
		return STEP_WAIT;
	if (n_sent < 0)
		return STEP_CLOSE;
	client->n_written += (size_t)n_sent;
	note_activity(client);
	return STEP_AGAIN;
}

/* Let the producer write some more. */
static enum step produce(struct client *client)
{
	struct control_reply *reply = &client->reply;
	int result;

	/* Only what is not written yet is kept, so that no answer grows with its length. */
	buffer_consume(&reply->out, client->n_written);
	client->n_written = 0;
	result = reply->produce(reply->state, reply);
	if (result > 0)
		return STEP_AGAIN;
	if (result == -EAGAIN)
		return reply->out.length > 0 ? write_output(client) : STEP_WAIT;
	reply->produce = NULL;
	/* A row that is cut short must not look like one: without an end the client knows. */
	if (reply->n_words > 0)
		return STEP_CLOSE;
	if (result < 0 && !reply->ended)
		control_end(reply, HM_CONTROL_FAILED, strerror(-result));
	return STEP_AGAIN;
}

/* The answer is written: on to the next request. */
static enum step finish(struct client *client)
{
	/* Neither ended nor handed to a producer: a defect of the verb, which the client may see. */
	if (!client->reply.ended || client->is_last)
		return STEP_CLOSE;
	client->input_length -= client->request_bytes;
	memmove(client->input, client->input + client->request_bytes, client->input_length);
	client->request_bytes = 0;
	client->n_written = 0;
	control_reply_done(&client->reply);
	return STEP_AGAIN;
}

static enum step take_step(struct client *client)
{
	struct control_reply *reply = &client->reply;
	size_t n_waiting = reply->out.length - client->n_written;

	if (client->request_bytes == 0)
		return read_request(client);
	/* No memory: what is there has a hole. */
	if (buffer_failed(&reply->out))
		return STEP_CLOSE;
	if (reply->produce && n_waiting < OUTPUT_WAITING_MAX_BYTES)
		return produce(client);
	if (n_waiting > 0)
		return write_output(client);
	return finish(client);
}

static bool on_client(void *context, uint32_t events)
{
	struct client *client = context;
	enum step step = STEP_AGAIN;

	/* Gone in both directions: nobody is there to read an answer. */
	if (events & (EPOLLHUP | EPOLLERR))
		step = STEP_CLOSE;
	for (int i = 0; i < CLIENT_STEPS_MAX && step == STEP_AGAIN; i++)
		step = take_step(client);
	if (step == STEP_CLOSE)
		client_close(client);
	return step == STEP_AGAIN;
}

/* Owns fd, also when it fails. */
static int client_add(struct control_server *server, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	int result;

	if (!client) {
		(void)close(fd);
		return -ENOMEM;
	}
	client->server = server;
	client->fd = fd;
	client->active_us = timestamp_monotonic_us();
	result = loop_add(server->loop, fd, on_client, client, &client->source);
	if (result < 0) {
		(void)close(fd);
		free(client);
		return result;
	}
	TAILQ_INSERT_TAIL(&server->clients, client, link);
	server->n_clients++;
	return 0;
}

/* No descriptor is left: turn one client away rather than let it wait without an event to come. */
static bool turn_away(struct control_server *server)
{
	int fd;

	if (server->spare_fd < 0)
		return false;
	(void)close(server->spare_fd);
	fd = accept4(server->socket.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		(void)close(fd);
		server->n_closed[HM_REASON_NO_DESCRIPTOR]++;
	}
	server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

/* Take in one client. @return false when there is none, or none can be had now */
static bool accept_client(struct control_server *server)
{
	int fd = accept4(server->socket.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		return turn_away(server);
	if (fd < 0)
		return errno == EINTR || errno == ECONNABORTED;
	(void)client_add(server, fd);
	return true;
}

static bool is_waited_for(const struct control_server *server)
{
	struct pollfd queue = {.fd = server->socket.fd, .events = POLLIN};

	return poll(&queue, 1, 0) > 0;
}

/*
 * All places are taken. Where somebody waits for one, the client that did nothing for the longest
 * time gives way, now or when the timer says so. @return true = there is a place
 */
static bool make_place(struct control_server *server)
{
	struct client *client = TAILQ_FIRST(&server->clients);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the one before was taken off the list */
	int64_t left_us = client->active_us + CONTROL_PATIENCE_US - timestamp_monotonic_us();

	if (!is_waited_for(server))
		return false;
	if (left_us > 0) {
		(void)timer_start(server->patience, left_us / 1000 + 1, 0);
		return false;
	}
	server->n_closed[client->request_bytes > 0 ? HM_REASON_NOT_READING : HM_REASON_IDLE]++;
	client_close(client);
	return true;
}

static bool on_listener(void *context, uint32_t events)
{
	struct control_server *server = context;

	(void)events;
	for (int i = 0; i < CONTROL_SOCKET_WAITING_MAX; i++) {
		/* When one of the clients goes, it calls us again. */
		if (server->n_clients >= server->clients_max && !make_place(server))
			return false;
		if (!accept_client(server))
			return false;
	}
	return true;
}

static void on_patience(void *context)
{
	struct control_server *server = context;

	loop_ready(server->source);
}

static struct control_server *server_new(struct loop *loop)
{
	struct control_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->loop = loop;
	server->socket.fd = -1;
	server->clients_max = CONTROL_CLIENTS_MAX;
	server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	TAILQ_INIT(&server->clients);
	return server;
}

/* One parameter over the limit: a struct for what is said once would not be clearer. */
/* NOLINTNEXTLINE(readability-function-size) */
int control_server_open(struct loop *loop, const char *path, const char *program,
			const struct control_verb *verbs, void *context,
			struct control_server **ret_server, int *ret_pid)
{
	struct control_server *server = server_new(loop);
	int result;

	if (!server)
		return -ENOMEM;
	server->program = program;
	server->verbs = verbs;
	server->context = context;
	result = timer_new(loop, on_patience, server, &server->patience);
	if (result == 0)
		result = control_socket_open(&server->socket, path, ret_pid);
	if (result == 0)
		result = loop_add(loop, server->socket.fd, on_listener, server, &server->source);
	if (result < 0)
		control_server_close(server);
	else
		*ret_server = server;
	return result;
}

void control_server_wake(struct control_server *server)
{
	struct client *client;

	TAILQ_FOREACH(client, &server->clients, link)
		loop_ready(client->source);
}

void control_server_set_clients_max(struct control_server *server, size_t n)
{
	server->clients_max = n < 1 ? 1 : n > CONTROL_CLIENTS_MAX ? CONTROL_CLIENTS_MAX : n;
}

uint64_t control_server_n_closed(const struct control_server *server, enum hm_reason reason)
{
	return server->n_closed[reason];
}

void control_server_close(struct control_server *server)
{
	struct client *client;
	struct client *next;

	if (!server)
		return;
	for (client = TAILQ_FIRST(&server->clients); client; client = next) {
		next = TAILQ_NEXT(client, link);
		client_close(client);
	}
	loop_remove(server->source);
	timer_free(server->patience);
	if (server->spare_fd >= 0)
		(void)close(server->spare_fd);
	control_socket_close(&server->socket);
	free(server);
}
