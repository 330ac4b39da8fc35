/* SPDX-License-Identifier: MIT */
/*
 * Many agents at once, with real frames: each batch has other values, and the next sequence. For tests/bench/agents,
 * which starts the collector and looks at what it stored.
 *
 *     build/bench/agents PORT AGENTS SERIES TIMES PERIOD_MS SECONDS
 *
 * Each agent connects, declares, and sends a batch of SERIES x TIMES samples each PERIOD_MS, all of them spread over
 * the period. Then it waits for the last ACK. Prints "name value" lines. A value is known from agent,
 * series and time alone: see value_of(), and its twin in tests/bench/agents.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/batch.h"
#include "common/block.h"
#include "common/frame.h"
#include "common/timestamp.h"
#include "common/wire_ack.h"
#include "common/wire_declare.h"
#include "common/wire_hello.h"
#include "common/wire_welcome.h"
#include "tests/support/bench.h"

#define START_US     INT64_C(1795416000000000)
#define UNACKED_MAX  32
#define EVENTS_MAX   1024
#define SERIES_MAX   1000
#define TIMES_MAX    1000
#define AGE_MAX_US   INT64_C(120000000) /* without the last ACK by then it has failed */
#define SAMPLES_KEPT 20000000

struct agent {
	int fd;
	unsigned number;
	struct frame_reader reader;
	uint64_t sequence;            /* of the last message that was sent */
	uint64_t acked;               /* and acknowledged */
	int64_t sent_us[UNACKED_MAX]; /* by sequence */
	int64_t due_us;
	bool is_welcome;
	struct buffer out; /* what the socket did not take */
};

struct load {
	struct sockaddr_in address;
	struct agent *agents;
	size_t n_agents;
	size_t n_series;
	size_t n_times;
	int64_t period_us;
	int64_t begin_us;
	int64_t seconds_us; /* so long batches are sent */
	int64_t end_us;     /* until then */
	int epoll_fd;
	struct block_encoder *encoder;
	struct buffer payload;
	struct buffer block;
	uint64_t n_batches;
	uint64_t n_acked;
	uint64_t n_bytes;
	double *latencies; /* milliseconds */
	size_t n_latencies;
	size_t n_welcome;
	int64_t welcome_us; /* when the last one came */
	uint64_t n_held;    /* batches that waited since too many were not acknowledged */
};

static void fill_id(uint8_t id[static HM_ID_BYTES], unsigned number, uint8_t kind)
{
	memset(id, 0, HM_ID_BYTES);
	memcpy(id, &number, sizeof(number));
	id[HM_ID_BYTES - 1] = kind;
}

/* A third stand still, a third count, a third go up and down by hundredths. */
static double value_of(unsigned agent, size_t series, uint64_t n)
{
	uint64_t mixed =
		(agent * UINT64_C(0x9e3779b97f4a7c15) + series) * UINT64_C(0xbf58476d1ce4e5b9) +
		n * UINT64_C(0x94d049bb133111eb);

	mixed ^= mixed >> 31;
	if (series % 3 == 0)
		return (double)((uint64_t)agent * 1000 + series);
	if (series % 3 == 1)
		return (double)(n * 100 + mixed % 64);
	return (double)(mixed % 10000) / 100;
}

/* -- sending ------------------------------------------------------------------------------------ */

static void flush(struct agent *agent)
{
	while (agent->out.length > 0) {
		ssize_t n = send(agent->fd, agent->out.data, agent->out.length, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			bench_die("a connection broke");
		memmove(agent->out.data, agent->out.data + n, agent->out.length - (size_t)n);
		agent->out.length -= (size_t)n;
	}
}

static void put_frame(struct load *load, struct agent *agent, enum hm_frame_type type)
{
	if (buffer_failed(&load->payload))
		bench_die("no memory");
	frame_put(&agent->out, type, load->payload.data, load->payload.length);
	load->n_bytes += load->payload.length + HM_FRAME_HEADER_BYTES;
	flush(agent);
}

static void put_stamp(struct wire_stamp *stamp, struct agent *agent)
{
	stamp->sequence = ++agent->sequence;
	fill_id(stamp->host_id, agent->number, 1);
	fill_id(stamp->epoch, agent->number, 2);
	agent->sent_us[stamp->sequence % UNACKED_MAX] = timestamp_monotonic_us();
}

static void say_hello(struct load *load, struct agent *agent)
{
	char name[32];
	struct wire_hello hello = {.now_us = START_US, .version = {"bench", 5}};

	hello.host = (struct series_text){
		name, (size_t)snprintf(name, sizeof(name), "agent%u", agent->number)};
	fill_id(hello.host_id, agent->number, 1);
	fill_id(hello.epoch, agent->number, 2);
	fill_id(hello.boot_id, agent->number, 3);
	buffer_clear(&load->payload);
	wire_hello_put(&load->payload, &hello);
	put_frame(load, agent, HM_FRAME_HELLO);
}

static void declare(struct load *load, struct agent *agent)
{
	struct wire_stamp stamp;

	put_stamp(&stamp, agent);
	buffer_clear(&load->payload);
	wire_declare_put(&load->payload, &stamp, 0);
	for (size_t i = 0; i < load->n_series; i++) {
		char name[80];
		struct wire_series series = {.kind = HM_STORED_GAUGE};

		series.name = (struct series_text){
			name,
			(size_t)snprintf(name, sizeof(name),
					 "node_bench_%zu_total{device=\"disk%zu\"}", i / 8, i)};
		wire_declare_put_series(&load->payload, &series);
	}
	put_frame(load, agent, HM_FRAME_DECLARE);
}

static void send_batch(struct load *load, struct agent *agent)
{
	static int64_t times_us[TIMES_MAX];
	static double values[SERIES_MAX][TIMES_MAX];
	static struct block_column columns[SERIES_MAX];
	uint64_t first = (agent->sequence - 1) * load->n_times;
	struct wire_stamp stamp;

	for (size_t t = 0; t < load->n_times; t++)
		times_us[t] = START_US + (int64_t)(first + t) * INT64_C(1000000);
	for (size_t i = 0; i < load->n_series; i++) {
		for (size_t t = 0; t < load->n_times; t++)
			values[i][t] = value_of(agent->number, i, first + t);
		columns[i] = (struct block_column){
			.series_id = (uint32_t)i, .values = values[i], .n_values = load->n_times};
	}
	buffer_clear(&load->block);
	if (block_encode(load->encoder, times_us, load->n_times, columns, load->n_series,
			 BLOCK_EFFORT_FAST, &load->block) < 0)
		bench_die("no block");
	put_stamp(&stamp, agent);
	buffer_clear(&load->payload);
	wire_stamp_put(&load->payload, &stamp);
	batch_put_block(&load->payload, load->block.data, load->block.length);
	put_frame(load, agent, HM_FRAME_BATCH);
	load->n_batches++;
}

/* -- receiving ---------------------------------------------------------------------------------- */

static void take_ack(struct load *load, struct agent *agent, const struct frame *frame)
{
	int64_t now_us = timestamp_monotonic_us();
	uint64_t sequence;

	if (wire_ack_get(frame->payload, frame->length, &sequence) != HM_REASON_NONE ||
	    sequence > agent->sequence)
		bench_die("a wrong ACK");
	while (agent->acked < sequence) {
		agent->acked++;
		/* The first is the DECLARE. */
		if (agent->acked == 1)
			continue;
		load->n_acked++;
		if (load->n_latencies < SAMPLES_KEPT) {
			load->latencies[load->n_latencies++] =
				(double)(now_us - agent->sent_us[agent->acked % UNACKED_MAX]) /
				1000;
		}
	}
}

static void take_frame(struct load *load, struct agent *agent, const struct frame *frame)
{
	switch (frame->type) {
	case HM_FRAME_WELCOME:
		agent->is_welcome = true;
		load->n_welcome++;
		load->welcome_us = timestamp_monotonic_us();
		declare(load, agent);
		break;
	case HM_FRAME_ACK:
		take_ack(load, agent, frame);
		break;
	default:
		bench_die("an agent is refused");
	}
}

static void receive(struct load *load, struct agent *agent)
{
	char bytes[4096];

	flush(agent);
	for (;;) {
		ssize_t n = recv(agent->fd, bytes, sizeof(bytes), 0);
		struct cursor cursor = {.at = (const uint8_t *)bytes, .left = (size_t)n};
		struct frame frame;

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			bench_die("the collector ended a connection");
		while (frame_reader_next(&agent->reader, &cursor, &frame) == 0)
			take_frame(load, agent, &frame);
		if (agent->reader.reason != HM_REASON_NONE)
			bench_die("no frame");
	}
}

/* -- the run ------------------------------------------------------------------------------------ */

static void open_agent(struct load *load, struct agent *agent)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = agent};
	int one = 1;

	agent->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (agent->fd < 0 ||
	    connect(agent->fd, (const struct sockaddr *)&load->address, sizeof(load->address)) < 0)
		bench_die("cannot connect");
	if (fcntl(agent->fd, F_SETFL, O_NONBLOCK) < 0 ||
	    setsockopt(agent->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, agent->fd, &event) < 0)
		bench_die("no epoll");
	agent->reader.max_bytes = HM_FRAME_MAX_BYTES;
	say_hello(load, agent);
}

static void turn(struct load *load, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(load->epoll_fd, events, EVENTS_MAX, timeout_ms);

	for (int i = 0; i < n; i++)
		receive(load, events[i].data.ptr);
}

/* Send what is due, the agents in their order round and round. @return behind the last one */
static size_t send_due(struct load *load, size_t next)
{
	int64_t now_us = timestamp_monotonic_us();

	while (load->agents[next].due_us <= now_us && load->agents[next].due_us < load->end_us) {
		struct agent *agent = &load->agents[next];

		if (agent->sequence - agent->acked < UNACKED_MAX - 1)
			send_batch(load, agent);
		else
			load->n_held++;
		agent->due_us += load->period_us;
		next = next + 1 < load->n_agents ? next + 1 : 0;
	}
	return next;
}

static void run(struct load *load)
{
	size_t next = 0;
	for (size_t i = 0; i < load->n_agents; i++) {
		open_agent(load, &load->agents[i]);
		if (i % 64 == 0)
			turn(load, 0);
	}
	while (load->n_welcome < load->n_agents)
		turn(load, 1000);
	printf("welcome_seconds %.3f\n", (double)(load->welcome_us - load->begin_us) / 1e6);
	(void)fflush(stdout);
	load->begin_us = timestamp_monotonic_us();
	for (size_t i = 0; i < load->n_agents; i++)
		load->agents[i].due_us =
			load->begin_us + load->period_us * (int64_t)i / (int64_t)load->n_agents;
	load->end_us = load->begin_us + load->seconds_us;
	while (timestamp_monotonic_us() < load->end_us) {
		next = send_due(load, next);
		turn(load, 1);
	}
	while (load->n_acked < load->n_batches) {
		turn(load, 100);
		if (timestamp_monotonic_us() > load->end_us + AGE_MAX_US)
			bench_die("not all batches are acknowledged");
	}
}

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return difference < 0 ? -1 : difference > 0;
}

static void report(struct load *load)
{
	size_t n = load->n_latencies;

	qsort(load->latencies, n, sizeof(double), compare);
	printf("batches %llu\nacked %llu\nheld %llu\nbytes %llu\ncpu_seconds %.2f\n",
	       (unsigned long long)load->n_batches, (unsigned long long)load->n_acked,
	       (unsigned long long)load->n_held, (unsigned long long)load->n_bytes,
	       bench_cpu_seconds());
	if (n > 0) {
		printf("ack_p50_ms %.2f\nack_p99_ms %.2f\nack_max_ms %.2f\n",
		       load->latencies[n / 2], load->latencies[n * 99 / 100],
		       load->latencies[n - 1]);
	}
}

static size_t read_number(const char *text, size_t max)
{
	char *end;
	unsigned long long number = strtoull(text, &end, 10);

	if (*end != '\0' || number == 0 || number > max)
		bench_die("usage: agents PORT AGENTS SERIES TIMES PERIOD_MS SECONDS");
	return (size_t)number;
}

int main(int argc, char **argv)
{
	struct load load = {.address = {.sin_family = AF_INET}};

	if (argc != 7)
		bench_die("usage: agents PORT AGENTS SERIES TIMES PERIOD_MS SECONDS");
	load.address.sin_port = htons((uint16_t)read_number(argv[1], 65535));
	load.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	load.n_agents = read_number(argv[2], 100000);
	load.n_series = read_number(argv[3], SERIES_MAX);
	load.n_times = read_number(argv[4], TIMES_MAX);
	load.period_us = (int64_t)read_number(argv[5], 3600000) * 1000;
	load.seconds_us = (int64_t)read_number(argv[6], 86400) * 1000000;
	load.begin_us = timestamp_monotonic_us();
	load.agents = bench_need(calloc(load.n_agents, sizeof(*load.agents)));
	load.latencies = bench_need(malloc(SAMPLES_KEPT * sizeof(double)));
	load.encoder = bench_need(block_encoder_new());
	load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < load.n_agents; i++)
		load.agents[i].number = (unsigned)i;
	run(&load);
	report(&load);
	return 0;
}
