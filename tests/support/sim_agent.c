/* SPDX-License-Identifier: MIT */
/* An agent of a simulation. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/round.h"
#include "hostmetrics/plugin.h"
#include "tests/support/sim_agent_part.h"

#define TICK_US  (10 * SIM_SECOND_US)
#define OTHER_US (30 * SIM_SECOND_US) /* of the second half of the metrics */
#define SHIP_US  (60 * SIM_SECOND_US)
#define SYNC_US  (5 * SIM_SECOND_US)

/* As agent/outlet_folder.c has it. */
#define UNREAD_TRIES 12

/* Who does not come up is started again. */
#define START_AGAIN_US (5 * SIM_SECOND_US)

#define SEGMENT_BYTES ((uint64_t)32 << 10)

/* So many of 256 reads and writes of a disk are short, or none. */
#define SHORT_SHARE 8

static const struct hm_metric metrics[SIM_METRICS] = {
	{.name = "m0", .kind = HM_GAUGE, .unit = "seconds"},
	{.name = "m1", .kind = HM_COUNTER, .unit = ""},
	{.name = "m2", .kind = HM_GAUGE, .unit = "bytes"},
	{.name = "m3", .kind = HM_GAUGE, .unit = ""},
};

const char *sim_agent_event_name(enum sim_agent_event event)
{
	static const char *const names[SIM_AGENT_EVENTS] = {
		[SIM_AGENT_STARTS] = "starts",
		[SIM_AGENT_TICKS] = "ticks",
		[SIM_AGENT_SHIPMENTS] = "shipments",
		[SIM_AGENT_SESSIONS] = "sessions",
		[SIM_AGENT_EPOCHS] = "new epochs",
		[SIM_AGENT_REPETITIONS] = "declarations sent again",
		[SIM_AGENT_TIMEOUTS] = "sessions too slow",
		[SIM_AGENT_REFUSALS] = "sessions refused",
		[SIM_AGENT_GAPS] = "gaps",
		[SIM_AGENT_MEMORY] = "ticks in memory",
		[SIM_AGENT_UNREADABLE] = "starts without a folder",
		[SIM_AGENT_RETURNS] = "returns to a folder",
	};

	return names[event];
}

void sim_agent_init(struct sim_agent *agent, uint64_t seed, struct sim_counts *disk_counts)
{
	/* A small one is full after a quarter of an hour. */
	const uint64_t segment_bytes = SEGMENT_BYTES >> seed % 3 % 2;

	agent->random.state = seed;
	sim_machine_init(&agent->machine, seed, disk_counts);
	sim_disk_set_short(agent->machine.disk, seed % 2 * SHORT_SHARE);
	sim_machine_boot(&agent->machine, &agent->random);
	agent->series = 0xffffff;
	agent->options = (struct spool_options){
		.segment_bytes = segment_bytes,
		.max_bytes = SPOOL_SEGMENTS_MIN * segment_bytes,
		.max_age_us = SPOOL_MAX_AGE_US,
		.max_memory_bytes = segment_bytes,
		.sync_always = seed % 4 == 0,
	};
	sim_agent_become(agent, agent->host);
}

void sim_agent_become(struct sim_agent *agent, unsigned host)
{
	agent->host = host;
	sim_oracle_name_host(host, agent->name);
	agent->options.host_name = (struct series_text){agent->name, strlen(agent->name)};
	agent->options.host_id[0] = (uint8_t)(host + 1);
}

static void forget_process(struct sim_agent *agent)
{
	shipment_done(&agent->shipment);
	recorder_free(agent->recorder);
	spool_free(agent->in_memory);
	spool_free(agent->spool);
	schedule_turn_done(&agent->turn);
	schedule_done(&agent->schedule);
	buffer_done(&agent->round);
	frame_reader_done(&agent->tap);
	agent->recorder = NULL;
	agent->spool = NULL;
	agent->in_memory = NULL;
}

void sim_agent_done(struct sim_agent *agent)
{
	if (agent->spool)
		forget_process(agent);
	sim_sent_done(&agent->sent);
	sim_machine_done(&agent->machine);
}

bool sim_agent_is_up(const struct sim_agent *agent)
{
	return agent->spool != NULL;
}

static bool is_in_memory(const struct sim_agent *agent)
{
	struct spool_status status;

	spool_get_status(agent->spool, &status);
	return status.is_in_memory;
}

bool sim_agent_is_dead(const struct sim_agent *agent)
{
	return sim_disk_is_stopped(agent->machine.disk);
}

bool sim_agent_is_in_memory(const struct sim_agent *agent)
{
	return agent->spool && (agent->in_memory || is_in_memory(agent));
}

static void note_synced(struct sim_agent *agent)
{
	if (!is_in_memory(agent) && !sim_agent_is_dead(agent))
		sim_oracle_synced(agent->oracle, agent->number, agent->first_on_disk);
}

/* -- the process ------------------------------------------------------------------------------- */

static void note(struct sim_agent *agent, struct clock_event event)
{
	recorder_note(agent->recorder, &event);
}

/* As agent/pace.c does, whose timer is a real one. */
static void follow_clock(struct sim_agent *agent)
{
	struct clock_reading now;
	struct clock_change change;
	int64_t before_us;

	clock_reading_take(&now);
	change = clock_watch_look(&agent->watch, &now);
	before_us = now.real_us - change.stepped_us;
	schedule_pass(&agent->schedule, before_us, now.real_us, &agent->turn);
	if (change.slept_us > 0)
		note(agent, (struct clock_event){HM_CLOCK_RESUMED, before_us, now.boot_us,
						 change.slept_us});
	if (change.stepped_us != 0)
		note(agent, (struct clock_event){HM_CLOCK_STEPPED, now.real_us, now.boot_us,
						 change.stepped_us});
}

/* -- the folder, as agent/outlet_folder.c has it ------------------------------------------------- */

static bool has_folder(const struct sim_agent *agent)
{
	return agent->options.folder >= 0;
}

static int try_spool(struct sim_agent *agent, struct spool **ret_spool)
{
	int result;

	agent->options.folder = sim_disk_open_root(agent->machine.disk);
	agent->options.awaits_segments = agent->n_unread < UNREAD_TRIES;
	result = spool_open(&agent->options, ret_spool);
	agent->n_unread += result == -EIO;
	return result;
}

/* @return 0 or -ENOMEM: not even without the folder */
static int open_first_spool(struct sim_agent *agent)
{
	int result;

	agent->first_on_disk = 0;
	agent->n_unread = 0;
	result = try_spool(agent, &agent->spool);
	if (result == 0 || result == -ENOMEM)
		return result;
	agent->counts[SIM_AGENT_UNREADABLE]++;
	agent->options.folder = -1;
	return spool_open(&agent->options, &agent->spool);
}

static void send_from(struct sim_agent *agent, struct spool *spool, int64_t now_us)
{
	agent->shipment.spool = spool;
	sim_agent_drop_connection(agent, now_us);
	backoff_reset(&agent->backoff);
	agent->link = SIM_LINK_WAITING;
	agent->link_us = now_us;
}

/* When all that is in memory is stored, what is on disk is sent. */
static void leave_memory(struct sim_agent *agent, int64_t now_us)
{
	struct spool_status status;

	if (!agent->in_memory)
		return;
	spool_get_status(agent->in_memory, &status);
	if (status.n_messages > 0)
		return;
	send_from(agent, agent->spool, now_us);
	spool_free(agent->in_memory);
	agent->in_memory = NULL;
	agent->first_on_disk = 0;
}

static void retry_folder(struct sim_agent *agent)
{
	struct recorder *recorder = NULL;
	struct spool *spool = NULL;
	struct spool_status status;

	if (has_folder(agent))
		return;
	if (try_spool(agent, &spool) < 0) {
		agent->options.folder = -1;
		return;
	}
	recorder_ship(agent->recorder);
	spool_get_status(agent->spool, &status);
	if (status.n_ticks > 0 || recorder_new(spool, agent->machine.boot_id, &recorder) < 0)
		abort();
	recorder_free(agent->recorder);
	agent->recorder = recorder;
	agent->in_memory = agent->spool;
	agent->spool = spool;
	agent->first_on_disk = agent->oracle->n_ticks;
	agent->counts[SIM_AGENT_RETURNS]++;
}

static void start(struct sim_agent *agent, int64_t now_us)
{
	static const int64_t intervals_us[] = {TICK_US, OTHER_US};
	int result;

	agent->counts[SIM_AGENT_STARTS]++;
	(void)fprintf(stderr, "%.3f s: agent %u starts\n", (double)now_us / 1e6, agent->number);
	agent->options.disk = sim_disk_table(agent->machine.disk);
	result = open_first_spool(agent);
	agent->starts_us = now_us + START_AGAIN_US;
	if (result == -ENOMEM)
		return;
	if (result < 0 ||
	    recorder_new(agent->spool, agent->machine.boot_id, &agent->recorder) < 0 ||
	    schedule_init(&agent->schedule, intervals_us, 2, SHIP_US) < 0 ||
	    schedule_turn_init(&agent->turn, &agent->schedule) < 0) {
		(void)printf("# simulation: an agent does not start\n");
		abort();
	}
	shipment_init(&agent->shipment, agent->spool, agent->machine.boot_id);
	backoff_reset(&agent->backoff);
	agent->starts_us = INT64_MAX;
	agent->sync_us = sim_machine_monotonic_us(&agent->machine) + SYNC_US;
	agent->link = SIM_LINK_WAITING;
	agent->link_us = now_us;
	/* What it found it has sealed, and synced. */
	note_synced(agent);
	note(agent, clock_event_now(HM_CLOCK_STARTED));
	agent->watch.has_looked = false;
	follow_clock(agent);
	schedule_start(&agent->schedule, sim_machine_wall_us(&agent->machine), &agent->turn);
}

void sim_agent_kill(struct sim_agent *agent, int64_t now_us)
{
	if (!agent->spool)
		return;
	sim_oracle_ended(agent->oracle, agent->number, SIM_EXCUSE_KILLED);
	sim_disk_kill(agent->machine.disk);
	sim_agent_drop_connection(agent, now_us);
	forget_process(agent);
}

void sim_agent_lose_power(struct sim_agent *agent)
{
	if (agent->connection)
		sim_network_vanish(agent->network, agent->connection, SIM_AGENT_END);
	agent->connection = NULL;
	sim_oracle_ended(agent->oracle, agent->number, SIM_EXCUSE_POWER);
	sim_disk_crash(agent->machine.disk);
	if (agent->spool)
		forget_process(agent);
	sim_machine_boot(&agent->machine, &agent->random);
}

/* -- samples ----------------------------------------------------------------------------------- */

/* What one plugin measures: half of all. */
static void take_round(struct sim_agent *agent, unsigned plugin, int64_t time_us)
{
	const unsigned half = SIM_SERIES / 2;
	const uint64_t n_lost = recorder_n_lost(agent->recorder);
	struct sim_oracle *oracle = agent->oracle;
	size_t tick = sim_oracle_tick(oracle, agent->number, agent->host, time_us);
	char name[SIM_NAME_BYTES];

	buffer_clear(&agent->round);
	for (unsigned i = plugin * half; i < (plugin + 1) * half; i++) {
		struct round_sample sample = {.time_us = time_us,
					      .metric = &metrics[i / SIM_INSTANCES]};

		if (!(agent->series >> i & 1))
			continue;
		/* Now and then a source has nothing to say. */
		if (sim_random_chance(&agent->random, 1, 30))
			sample.reason = HM_REASON_SOURCE_FAILED;
		else
			sample.value = sim_oracle_sample(oracle, i);
		sim_oracle_name_series(i, name);
		sample.name = (struct series_text){name, strlen(name)};
		round_put(&agent->round, &sample);
	}
	recorder_take(agent->recorder, agent->round.data, agent->round.length);
	agent->counts[SIM_AGENT_TICKS]++;
	agent->counts[SIM_AGENT_MEMORY] += is_in_memory(agent);
	if (sim_agent_is_dead(agent))
		oracle->ticks[tick].excuse = SIM_EXCUSE_KILLED;
	else if (recorder_n_lost(agent->recorder) != n_lost)
		sim_oracle_complain(oracle, "agent %u: samples are lost", agent->number);
	else
		oracle->ticks[tick].is_taken = !is_in_memory(agent);
}

static void take_turn(struct sim_agent *agent)
{
	for (unsigned i = 0; i < 2; i++) {
		if (agent->turn.times_us[i] != SCHEDULE_NOT_DUE && !agent->ends_making)
			take_round(agent, i, agent->turn.times_us[i]);
	}
	/* A series comes or goes. */
	if (sim_random_chance(&agent->random, 1, 20))
		agent->series ^= 1U << sim_random_below(&agent->random, (uint64_t)SIM_SERIES);
	if (!agent->turn.ships)
		return;
	agent->counts[SIM_AGENT_SHIPMENTS]++;
	recorder_ship(agent->recorder);
	note_synced(agent);
	if (recorder_n_unsealed(agent->recorder) == 0 && !is_in_memory(agent) &&
	    !sim_agent_is_dead(agent))
		agent->first_unsealed = agent->oracle->n_ticks;
	agent->is_awake = true;
}

static void sync_spool(struct sim_agent *agent, int64_t now_us)
{
	agent->sync_us += SYNC_US;
	retry_folder(agent);
	if (has_folder(agent))
		(void)spool_retry(agent->spool);
	leave_memory(agent, now_us);
	if (spool_sync(agent->spool) == 0)
		note_synced(agent);
	agent->is_awake = true;
}

void sim_agent_note_step(struct sim_agent *agent)
{
	if (agent->spool)
		follow_clock(agent);
}

void sim_agent_stop(struct sim_agent *agent, int64_t now_us)
{
	if (!agent->spool)
		return;
	note(agent, clock_event_now(HM_CLOCK_STOPPED));
	recorder_ship(agent->recorder);
	note_synced(agent);
	if (agent->link == SIM_LINK_CONNECTED && !sim_agent_is_dead(agent)) {
		delivery_stop(&agent->shipment.delivery, "stopping");
		(void)sim_agent_write_output(agent, now_us);
	}
	/* A process that ends: nothing that it wrote is lost. */
	sim_agent_kill(agent, now_us);
}

/* -- driving it -------------------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t sim_agent_due_us(struct sim_agent *agent)
{
	int64_t due_us = agent->starts_us;

	if (agent->spool) {
		due_us = sim_machine_when_wall(&agent->machine, schedule_next_us(&agent->schedule));
		due_us = earlier(due_us, sim_machine_when(&agent->machine, agent->sync_us));
		due_us = earlier(due_us, sim_agent_link_due_us(agent));
		if (agent->is_awake)
			due_us = agent->machine.reached_us;
	}
	return due_us > agent->frozen_us ? due_us : agent->frozen_us;
}

void sim_agent_run(struct sim_agent *agent, int64_t now_us)
{
	sim_machine_enter(&agent->machine, now_us);
	if (!agent->spool) {
		start(agent, now_us);
		if (agent->spool)
			take_turn(agent);
		return;
	}
	agent->is_awake = false;
	follow_clock(agent);
	if (sim_machine_wall_us(&agent->machine) >= schedule_next_us(&agent->schedule)) {
		schedule_take(&agent->schedule, sim_machine_wall_us(&agent->machine), &agent->turn);
		take_turn(agent);
	}
	if (sim_machine_monotonic_us(&agent->machine) >= agent->sync_us)
		sync_spool(agent, now_us);
	sim_agent_run_link(agent, now_us);
	if (agent->in_memory && delivery_is_idle(&agent->shipment.delivery) &&
	    shipment_is_drained(&agent->shipment))
		leave_memory(agent, now_us);
}

bool sim_agent_is_drained(const struct sim_agent *agent)
{
	struct spool_status status;

	/* Without a disk some of it waits, and is not offered. */
	spool_get_status(agent->spool, &status);
	return !sim_agent_is_in_memory(agent) && status.n_ticks == 0 &&
	       shipment_is_drained(&agent->shipment);
}
