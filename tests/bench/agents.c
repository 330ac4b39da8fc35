/* SPDX-License-Identifier: MIT */
/*
 * Many agents at once, for tests/bench/agents, which starts the collector, and kills it.
 *
 *     build/bench/agents PORT AGENTS SERIES TIMES PERIOD_MS SECONDS CUTS
 *
 * Each agent makes a batch of SERIES x TIMES samples each PERIOD_MS, all agents spread over the period, for SECONDS.
 * Connections may break only where there are CUTS. When all is acknowledged "name value" lines are printed, then an empty
 * one; then the rows of a query of everything are taken from stdin, and each is held against what was made.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/timestamp.h"
#include "tests/support/bench.h"
#include "tests/support/bench_fleet.h"
#include "tests/support/bench_rows.h"
#include "tests/support/bench_source.h"

#define AGE_MAX_US INT64_C(120000000) /* without the last ACK by then it has failed */

struct load {
	struct bench_fleet fleet;
	int64_t period_us;
	int64_t seconds_us; /* so long batches are made */
};

static size_t read_number(const char *text, size_t min, size_t max)
{
	char *end;
	unsigned long long number = strtoull(text, &end, 10);

	if (*end != '\0' || number < min || number > max)
		bench_die("usage: agents PORT AGENTS SERIES TIMES PERIOD_MS SECONDS CUTS");
	return (size_t)number;
}

static void parse(struct load *load, char *argv[])
{
	struct bench_fleet *fleet = &load->fleet;

	fleet->address.in = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)read_number(argv[1], 1, 65535)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	fleet->address.length = sizeof(fleet->address.in);
	fleet->n_agents = read_number(argv[2], 1, 100000);
	fleet->source = bench_source_new(read_number(argv[3], 1, BENCH_SERIES_MAX),
					 read_number(argv[4], 1, BENCH_TIMES_MAX));
	load->period_us = (int64_t)read_number(argv[5], 1, 3600000) * 1000;
	load->seconds_us = (int64_t)read_number(argv[6], 1, 86400) * 1000000;
	fleet->may_break = read_number(argv[7], 0, 1000) > 0;
}

static void connect_all(struct bench_fleet *fleet)
{
	int64_t begin_us = timestamp_monotonic_us();

	bench_fleet_begin(fleet);
	printf("welcome_seconds %.3f\n", (double)(timestamp_monotonic_us() - begin_us) / 1e6);
	(void)fflush(stdout);
}

/* The agents in their order, round and round. */
static void run(struct load *load)
{
	struct bench_fleet *fleet = &load->fleet;
	const int64_t begin_us = timestamp_monotonic_us();
	const int64_t end_us = begin_us + load->seconds_us;
	int64_t n_made = 0;

	for (int64_t now_us = begin_us; now_us < end_us; now_us = timestamp_monotonic_us()) {
		int64_t n_due = (int64_t)((double)(now_us - begin_us) * (double)fleet->n_agents /
					  (double)load->period_us);

		while (n_made < n_due)
			bench_fleet_make(fleet, (size_t)n_made++ % fleet->n_agents);
		bench_fleet_turn(fleet, 1);
	}
	while (!bench_fleet_is_drained(fleet)) {
		bench_fleet_turn(fleet, 10);
		if (timestamp_monotonic_us() > end_us + AGE_MAX_US)
			bench_die("not all batches are acknowledged");
	}
}

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return difference < 0 ? -1 : difference > 0;
}

static void report(const struct bench_fleet *fleet)
{
	const struct tcp_traffic *traffic = &fleet->traffic;
	size_t n = fleet->n_latencies;

	qsort(fleet->latencies, n, sizeof(double), compare);
	printf("batches %" PRIu64 "\nacked %" PRIu64 "\nheld %" PRIu64 "\nagain %" PRIu64
	       "\nbroken %" PRIu64 "\nrefused %" PRIu64 "\nframe_bytes %" PRIu64 "\n",
	       fleet->n_batches, fleet->n_acked, fleet->n_held, fleet->n_again, fleet->n_broken,
	       fleet->n_refused, fleet->n_bytes);
	printf("tcp_bytes_out %" PRIu64 "\ntcp_bytes_in %" PRIu64 "\nsegments_out %" PRIu64
	       "\nsegments_in %" PRIu64 "\n",
	       traffic->n_bytes_out, traffic->n_bytes_in, traffic->n_segments_out,
	       traffic->n_segments_in);
	printf("outages %zu\nagain_welcome_seconds %.3f\nagain_acked_seconds %.3f\n",
	       fleet->n_outages, fleet->longest.welcome_seconds, fleet->longest.acked_seconds);
	if (n > 0) {
		printf("ack_p50_ms %.2f\nack_p99_ms %.2f\nack_max_ms %.2f\n",
		       fleet->latencies[n / 2], fleet->latencies[n * 99 / 100],
		       fleet->latencies[n - 1]);
	}
	printf("\n");
	(void)fflush(stdout);
}

static bool check(const struct bench_fleet *fleet)
{
	uint64_t *n_batches = bench_need(calloc(fleet->n_agents, sizeof(*n_batches)));
	struct bench_rows rows;
	bool is_good;

	for (size_t i = 0; i < fleet->n_agents; i++)
		n_batches[i] = fleet->agents[i].made - 1;
	bench_rows_init(&rows, fleet->source, n_batches, fleet->n_agents);
	bench_rows_read(&rows, stdin);
	printf("read %" PRIu64 "\nmissing %" PRIu64 "\ndoubled %" PRIu64 "\ninvented %" PRIu64 "\n",
	       rows.n_read, rows.n_missing, rows.n_doubled, rows.n_invented);
	is_good = rows.n_missing + rows.n_doubled + rows.n_invented == 0;
	if (*rows.example)
		(void)fprintf(stderr, "agents: as %s", rows.example);
	bench_rows_done(&rows);
	free(n_batches);
	return is_good;
}

int main(int argc, char *argv[])
{
	struct load load = {.period_us = 0};
	bool is_good;

	if (argc != 8)
		bench_die("usage: agents PORT AGENTS SERIES TIMES PERIOD_MS SECONDS CUTS");
	parse(&load, argv);
	connect_all(&load.fleet);
	run(&load);
	bench_fleet_end(&load.fleet);
	report(&load.fleet);
	is_good = check(&load.fleet);
	bench_fleet_done(&load.fleet);
	bench_source_free(load.fleet.source);
	return is_good ? 0 : 1;
}
