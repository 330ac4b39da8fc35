/* SPDX-License-Identifier: MIT */
/* How many interfaces each bond has, and how many of them work. */

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define FOLDER  "/sys/class/net"
#define MASTERS FOLDER "/bonding_masters"

/* A host with more bonds, or a bond with more interfaces than this, is not believed. */
#define BONDS_MAX  1024
#define SLAVES_MAX 1024

enum metric {
	METRIC_SLAVES,
	METRIC_ACTIVE,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_SLAVES] =
		{
			.name = "node_bonding_slaves",
			.unit = "",
			.help = "Interfaces that the bond has.",
			.source = FOLDER "/*/bonding/slaves, names",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("master"),
		},
	[METRIC_ACTIVE] =
		{
			.name = "node_bonding_active",
			.unit = "",
			.help = "Interfaces of the bond whose link is up.",
			.source = FOLDER "/*/lower_*/bonding_slave/mii_status, those that say up",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("master"),
		},
};

struct bond {
	char name[HM_DEVICE_NAME_MAX];
	struct hm_text file; /* its interfaces */
	int error;           /* 0, or why the file cannot be opened or read */
	size_t first_slave;
	size_t n_slaves;
};

struct state {
	const struct hm_host *host;
	struct hm_text masters;
	struct bond *bonds;
	size_t n_bonds;
	int *fds; /* of the mii_status of all interfaces, bond by bond; or why it cannot be opened */
	size_t n_fds;
	size_t current; /* the bond that add_slave() adds to */
	uint64_t
		known; /* what all names were when the files were opened; 0 = they are to be opened again */
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result = hm_text_open(&state->masters, host, MASTERS);

	state->host = host;
	return result == -ENOENT ? -ENODEV : result;
}

static void close_bonds(struct state *state)
{
	for (size_t i = 0; i < state->n_fds; i++) {
		if (state->fds[i] >= 0)
			close(state->fds[i]);
	}
	for (size_t i = 0; i < state->n_bonds; i++)
		hm_text_close(&state->bonds[i].file);
	state->n_fds = 0;
	state->n_bonds = 0;
}

/* Call `found` for each name. @return 0; what `found` returned */
static int find_names(struct state *state, const char *text,
		      int (*found)(struct state *state, const char *name))
{
	struct hm_span line;
	int result = 0;

	while (result == 0 && hm_next_line(&text, &line)) {
		struct hm_span word;

		while (result == 0 && hm_next_word(&line, &word)) {
			char name[HM_DEVICE_NAME_MAX];

			(void)snprintf(name, sizeof(name), "%.*s", (int)word.length, word.start);
			/* Nothing that leads out of the folder. */
			if (word.length < sizeof(name) && !strchr(name, '/'))
				result = found(state, name);
		}
	}
	return result;
}

static int add_bond(struct state *state, const char *name)
{
	struct bond *bonds;
	struct bond *bond;

	for (size_t i = 0; i < state->n_bonds; i++) {
		if (strcmp(state->bonds[i].name, name) == 0)
			return 0;
	}
	if (state->n_bonds == BONDS_MAX)
		return 0;
	bonds = reallocarray(state->bonds, state->n_bonds + 1, sizeof(*bonds));
	if (!bonds)
		return -ENOMEM;
	state->bonds = bonds;
	bond = &bonds[state->n_bonds++];
	*bond = (struct bond){0};
	(void)strlcpy(bond->name, name, sizeof(bond->name));
	return 0;
}

static int add_slave(struct state *state, const char *name)
{
	struct bond *bond = &state->bonds[state->current];
	char path[256];
	int *fds;
	int fd;

	if (bond->n_slaves == SLAVES_MAX)
		return 0;
	fds = reallocarray(state->fds, state->n_fds + 1, sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	state->fds = fds;
	(void)snprintf(path, sizeof(path), FOLDER "/%s/lower_%s/bonding_slave/mii_status",
		       bond->name, name);
	fd = hm_open(state->host, path);
	if (fd == -ENOENT) {
		/* Before Linux 3.15. */
		(void)snprintf(path, sizeof(path), FOLDER "/%s/slave_%s/bonding_slave/mii_status",
			       bond->name, name);
		fd = hm_open(state->host, path);
	}
	fds[state->n_fds++] = fd;
	bond->n_slaves++;
	return 0;
}

/* FNV-1a, which no two lists of names that a host ever has share. */
static uint64_t add_to_digest(uint64_t digest, const struct hm_text *text)
{
	for (size_t i = 0; i < text->length; i++)
		digest = (digest ^ (unsigned char)text->data[i]) * UINT64_C(0x100000001b3);
	return digest ^ text->length;
}

/* All names as they were read last. @return 0 where a file is not open: then it is tried again in each round */
static uint64_t digest_names(const struct state *state)
{
	uint64_t digest = add_to_digest(UINT64_C(0xcbf29ce484222325), &state->masters);

	for (size_t i = 0; i < state->n_bonds; i++) {
		if (!state->bonds[i].file.is_open)
			return 0;
		digest = add_to_digest(digest, &state->bonds[i].file);
	}
	return digest;
}

/* Open all files anew. Interfaces join and leave without any event of udev. */
static int look_up(struct state *state)
{
	int result;

	close_bonds(state);
	result = find_names(state, state->masters.data, add_bond);
	for (size_t i = 0; result == 0 && i < state->n_bonds; i++) {
		struct bond *bond = &state->bonds[i];
		char path[128];

		(void)snprintf(path, sizeof(path), FOLDER "/%s/bonding/slaves", bond->name);
		state->current = i;
		bond->first_slave = state->n_fds;
		bond->error = hm_text_open(&bond->file, state->host, path);
		if (bond->error == 0)
			bond->error = hm_text_read(&bond->file);
		if (bond->error == 0)
			result = find_names(state, bond->file.data, add_slave);
	}
	state->known = result == 0 ? digest_names(state) : 0;
	return result;
}

static int read_names(struct state *state)
{
	int result = hm_text_read(&state->masters);

	if (result < 0)
		return result;
	for (size_t i = 0; i < state->n_bonds; i++) {
		struct bond *bond = &state->bonds[i];

		if (bond->file.is_open)
			bond->error = hm_text_read(&bond->file);
	}
	return state->known != 0 && digest_names(state) == state->known ? 0 : look_up(state);
}

/* @return 0 or -errno: one of them does not say */
static int count_active(const struct state *state, const struct bond *bond, size_t *ret_n_active)
{
	size_t n_active = 0;

	for (size_t i = 0; i < bond->n_slaves; i++) {
		char status[16];
		int error = state->fds[bond->first_slave + i];

		if (error >= 0)
			error = hm_read_string(error, status, sizeof(status));
		if (error < 0)
			return error;
		n_active += strcmp(status, "up") == 0;
	}
	*ret_n_active = n_active;
	return 0;
}

/* @return 0; -errno: it has no value */
static int emit_bond(struct state *state, const struct bond *bond, struct hm_batch *out)
{
	size_t n_active = 0;
	int error = bond->error;

	if (error < 0) {
		hm_emit_missing(out, &metrics[METRIC_SLAVES], error, bond->name);
		hm_emit_missing(out, &metrics[METRIC_ACTIVE], error, bond->name);
		return error;
	}
	hm_emit(out, &metrics[METRIC_SLAVES], (double)bond->n_slaves, bond->name);
	error = count_active(state, bond, &n_active);
	if (error == 0) {
		hm_emit(out, &metrics[METRIC_ACTIVE], (double)n_active, bond->name);
		return 0;
	}
	hm_emit_missing(out, &metrics[METRIC_ACTIVE], error, bond->name);
	/* Another interface may have come under the same name. */
	state->known = 0;
	return 0;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int first_error = 0;
	bool has_value = false;
	int result = read_names(state);

	if (result < 0)
		return result;
	for (size_t i = 0; i < state->n_bonds; i++) {
		int error = emit_bond(state, &state->bonds[i], out);

		has_value |= error == 0;
		if (first_error == 0)
			first_error = error;
	}
	/* The module may be there without any bond. */
	return has_value ? 0 : first_error;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	close_bonds(state);
	free(state->bonds);
	free(state->fds);
	hm_text_close(&state->masters);
}

HM_PLUGIN(bonding) = {
	HM_PLUGIN_HEADER,
	.name = "bonding",
	.help = "How many interfaces each bond has, and how many of them work.",
	.looks_for = MASTERS,
	.metrics = metrics,
	.n_metrics = N_METRICS,
	/* The file comes with the first bond. */
	.udev_subsystem = "net",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
