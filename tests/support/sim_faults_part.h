/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SIM_FAULTS_PART_H
#define TESTS_SUPPORT_SIM_FAULTS_PART_H

/* What the sources of the faults have in common. Here the collector has a number behind those of the agents. */

#include "tests/support/simulation.h"

#define SIM_FAULTS_COLLECTOR SIM_AGENTS

/* -- sim_faults.c ------------------------------------------------------------------------------ */

bool sim_faults_chance(struct simulation *simulation, unsigned n, unsigned of);

/* A time from so many seconds on. */
int64_t sim_faults_seconds(struct simulation *simulation, unsigned from, unsigned to);

/* It ends later. */
void sim_faults_end_after(struct simulation *simulation, enum sim_fault fault, unsigned agent,
			  int64_t after_us);

void sim_faults_drop_copy(struct sim_copy *copy);

/* -- sim_faults_network.c ---------------------------------------------------------------------- */

/* @return was it done? There may be no connection */
bool sim_faults_disturb_network(struct simulation *simulation, enum sim_fault fault,
				unsigned agent);

/* Nothing passes for a while, or does again. @param agent  SIM_FAULTS_COLLECTOR: to and from all of them */
void sim_faults_cut_off(struct simulation *simulation, unsigned agent, bool is_cut);

/* What goes to an agent comes so much later. */
void sim_faults_delay(struct simulation *simulation, unsigned agent, int64_t delay_us);

/* A machine answers again: who still sends to what it was is told. */
void sim_faults_answer(struct simulation *simulation, unsigned agent, enum sim_end end);

/* -- sim_faults_machine.c ---------------------------------------------------------------------- */

/* @return was it done? What is down cannot go down */
bool sim_faults_harm_agent(struct simulation *simulation, enum sim_fault fault, unsigned number);
bool sim_faults_harm_collector(struct simulation *simulation, enum sim_fault fault);

/* Its machine goes down, and comes again later. */
void sim_faults_cut_power(struct simulation *simulation, struct sim_agent *agent);
void sim_faults_cut_collector(struct simulation *simulation);

/* Its process ended, and begins again soon. */
void sim_faults_start_agent(struct simulation *simulation, struct sim_agent *agent);
void sim_faults_start_collector(struct simulation *simulation);

/* Somebody looks after a collector: one that could not read some hosts' files reads them at its next start. */
void sim_faults_tend_collector(struct simulation *simulation);

/* The clock shows the right time again. */
void sim_faults_correct_clock(struct sim_machine *machine);

void sim_faults_heal_disk(struct sim_disk *disk);

#endif
