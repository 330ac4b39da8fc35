/* SPDX-License-Identifier: MIT */
#ifndef AGENT_LOADER_H
#define AGENT_LOADER_H

/*
 * The plugins folder: every *.so in it, in the order of their names. Nothing of a plugin runs when
 * it is loaded. What cannot be trusted or is not as the contract says is refused, each for itself.
 */

#include <stdbool.h>
#include <stddef.h>

#include "hostmetrics/plugin.h"

#define LOADER_OBJECTS_MAX 256
#define LOADER_PLUGINS_MAX 1024

/* What was refused, and why. */
struct loader_refusal {
	char *name;   /* of the file, "x.so"; or of one plugin in it */
	char *reason; /* a phrase: "not a shared object" */
	bool is_object;
};

/* A loaded object. Its descriptor stays open: its number is the object's name to dlopen(3). */
struct loader_object {
	void *handle;
	int fd;
};

/* Zeroed = nothing loaded. */
struct loader {
	const struct hm_plugin **plugins; /* tables; they live as long as the loader */
	size_t n_plugins;
	struct loader_refusal *refusals;
	size_t n_refusals;
	struct loader_object *objects;
	size_t n_objects;
	bool is_privileged;
};

/*
 * Load what is in the folder.
 * @param is_privileged  refuse files and a folder that are not root's, or that others may write
 * @param ret_reason     why the folder as a whole cannot be used; borrowed; written on failure only
 * @return 0; -EPERM when the folder is refused; -ENOMEM; -errno of reading it. After a failure
 * nothing is loaded.
 */
int loader_open(struct loader *loader, const char *folder, bool is_privileged,
		const char **ret_reason);

/* Unload everything. No plugin may be in use. Takes a zeroed loader. */
void loader_close(struct loader *loader);

/* The table of a plugin, or NULL. */
const struct hm_plugin *loader_find(const struct loader *loader, const char *name);

/*
 * May this plugin be one that was refused: by its own name, or in an object that was refused whole,
 * so that nobody knows what it holds?
 */
bool loader_may_have_refused(const struct loader *loader, const char *name);

#endif
