/* SPDX-License-Identifier: MIT */
#ifndef AGENT_OUTLET_AGENDA_H
#define AGENT_OUTLET_AGENDA_H

/* The part of agent/outlet.h that writes what is sampled (agent/agenda.h) into the spool. */

#include "agent/outlet.h"

/* Other things are sampled since then. */
void outlet_agenda_begin(struct outlet *outlet, const struct plugin_set *set, int64_t since_us);

/* What was written is nowhere to be read any more: it is owed again. */
void outlet_agenda_repeat(struct outlet *outlet);

/* Plugins may have made metrics: they would have been sampled all the time. */
void outlet_agenda_look(struct outlet *outlet);

/* Write what is sampled, where that is not done yet; it is tried again with the next shipment. */
void outlet_agenda_write(struct outlet *outlet);

#endif
