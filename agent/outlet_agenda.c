/* SPDX-License-Identifier: MIT */
/* What is sampled, on its way into the spool. */

#include "agent/outlet_agenda.h"

#include <errno.h>
#include <string.h>

#include "common/message.h"
#include "common/timestamp.h"

void outlet_agenda_write(struct outlet *outlet)
{
	struct agenda *agenda = &outlet->agenda;
	int result;

	if (!agenda->is_owed)
		return;
	result = recorder_note_schedule(outlet->recorder, agenda->body.data, agenda->body.length);
	if (result == 0) {
		agenda_written(agenda);
	} else {
		message_warning("cannot write into the spool what is sampled: %s",
				strerror(-result));
	}
}

/* @return 0 or -ENOMEM; -EAGAIN: nobody knows yet since when that is so */
static int update_agenda(struct outlet *outlet)
{
	const struct agenda_terms terms = {
		.since_us = outlet->since_us,
		.ship_interval_us = outlet->settings->ship_interval_us,
	};
	int result;

	if (!outlet->set || outlet->set->is_changing)
		return -EAGAIN;
	result = agenda_update(&outlet->agenda, outlet->set, &terms);
	if (result < 0)
		message_error("no memory to tell the collector what is sampled");
	return result;
}

void outlet_agenda_repeat(struct outlet *outlet)
{
	agenda_done(&outlet->agenda);
	/* Without memory it is tried again with the next shipment, and while they change, when other settings are in force. */
	if (update_agenda(outlet) < 0)
		outlet->n_made = SIZE_MAX;
}

void outlet_agenda_begin(struct outlet *outlet, const struct plugin_set *set, int64_t since_us)
{
	outlet->set = set;
	outlet->since_us = since_us;
	outlet->n_made = metric_registry_count(set->registry);
	(void)update_agenda(outlet);
	outlet_agenda_write(outlet);
}

void outlet_agenda_look(struct outlet *outlet)
{
	const size_t n_made = outlet->set ? metric_registry_count(outlet->set->registry) : 0;
	const int64_t now_us = timestamp_now_us();

	if (n_made == outlet->n_made)
		return;
	/* The clock may have been set back. */
	if (outlet->since_us > now_us)
		outlet->since_us = now_us;
	if (update_agenda(outlet) == 0)
		outlet->n_made = n_made;
}
