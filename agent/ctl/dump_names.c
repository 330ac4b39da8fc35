/* SPDX-License-Identifier: MIT */
/* What the log says of hosts' numbers and of the ids of agents' series. */

#include "agent/ctl/dump_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/log_entry.h"
#include "common/wire_declare.h"

void dump_names_done(struct dump_names *names)
{
	for (size_t i = 0; i < names->n_hosts; i++)
		free(names->hosts[i].name);
	for (size_t i = 0; i < names->n_epochs; i++) {
		struct dump_epoch *epoch = &names->epochs[i];

		for (size_t id = 0; id < epoch->n_names; id++)
			free(epoch->names[id]);
		free(epoch->names);
	}
	free(names->hosts);
	free(names->epochs);
	*names = (struct dump_names){0};
}

const char *dump_names_host(const struct dump_names *names, uint32_t number)
{
	for (size_t i = 0; i < names->n_hosts; i++) {
		if (names->hosts[i].number == number)
			return names->hosts[i].name;
	}
	return NULL;
}

static int set_name(char **name, const struct series_text *text)
{
	if (asprintf(name, "%.*s", (int)text->length, text->start) >= 0)
		return 0;
	*name = NULL;
	return -ENOMEM;
}

static int add_host(struct dump_names *names, const struct log_host *host)
{
	struct dump_host *hosts;

	if (dump_names_host(names, host->number))
		return 0;
	hosts = array_grow(names->hosts, names->n_hosts, &names->hosts_capacity, sizeof(*hosts));
	if (!hosts)
		return -ENOMEM;
	names->hosts = hosts;
	hosts[names->n_hosts].number = host->number;
	return set_name(&hosts[names->n_hosts++].name, &host->name);
}

static int take_hosts(struct dump_names *names, const struct log_record *record)
{
	struct cursor cursor = {.at = record->payload, .left = record->payload_bytes};
	struct log_host host;
	struct log_epoch epoch;
	int result;

	while ((result = log_entry_get_host(&cursor, &host)) == 0) {
		result = add_host(names, &host);
		for (uint32_t i = 0; i < host.n_epochs && result == 0; i++)
			result = log_entry_get_epoch(&cursor, &epoch);
		if (result < 0)
			return result;
	}
	return result == -ENODATA ? 0 : result;
}

static struct dump_epoch *find_epoch(const struct dump_names *names, const uint8_t *id)
{
	for (size_t i = 0; i < names->n_epochs; i++) {
		if (memcmp(names->epochs[i].id, id, HM_ID_BYTES) == 0)
			return &names->epochs[i];
	}
	return NULL;
}

static struct dump_epoch *get_epoch(struct dump_names *names, const uint8_t *id)
{
	struct dump_epoch *epoch = find_epoch(names, id);
	struct dump_epoch *epochs;

	if (epoch)
		return epoch;
	epochs = array_grow(names->epochs, names->n_epochs, &names->epochs_capacity,
			    sizeof(*epochs));
	if (!epochs)
		return NULL;
	names->epochs = epochs;
	epoch = &epochs[names->n_epochs++];
	*epoch = (struct dump_epoch){0};
	memcpy(epoch->id, id, HM_ID_BYTES);
	return epoch;
}

static int add_series(struct dump_epoch *epoch, uint32_t id, const struct series_text *name)
{
	while (epoch->n_names <= id) {
		char **all =
			array_grow(epoch->names, epoch->n_names, &epoch->capacity, sizeof(char *));

		if (!all)
			return -ENOMEM;
		epoch->names = all;
		all[epoch->n_names++] = NULL;
	}
	return epoch->names[id] ? 0 : set_name(&epoch->names[id], name);
}

static int take_series(struct dump_names *names, const struct log_record *record)
{
	struct wire_declare declare;
	struct wire_series series;
	enum hm_reason reason = wire_declare_open(&declare, record->payload, record->payload_bytes);
	struct dump_epoch *epoch = NULL;
	int result = reason == HM_REASON_NONE ? 0 : -EBADMSG;

	if (result == 0) {
		epoch = get_epoch(names, declare.stamp.epoch);
		result = epoch ? 0 : -ENOMEM;
	}
	while (result == 0 && wire_declare_next(&declare, &series))
		result = add_series(epoch, declare.first_id + declare.n_series - 1, &series.name);
	if (result == 0 && declare.reason != HM_REASON_NONE)
		result = declare.reason == HM_REASON_NO_MEMORY ? -ENOMEM : -EBADMSG;
	wire_declare_done(&declare);
	return result;
}

int dump_names_take(struct dump_names *names, const struct log_record *record)
{
	switch (record->type) {
	case HM_RECORD_HOST:
		return take_hosts(names, record);
	case HM_RECORD_DECLARE:
	case HM_RECORD_NAMES:
		return take_series(names, record);
	default:
		return 0;
	}
}

const char *dump_names_series(const struct dump_names *names,
			      const uint8_t epoch[static HM_ID_BYTES], uint32_t id)
{
	const struct dump_epoch *found = find_epoch(names, epoch);

	return found && id < found->n_names ? found->names[id] : NULL;
}
