/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_NAMES_H
#define PLUGINS_NAMES_H

/*
 * The names that the lines of a file begin with, such as those of network interfaces, kept from round to
 * round: as text ended by NUL, each with whether the option `ignore` takes it, which costs too much to ask
 * again for each line. Names come and go; as many are kept as one round has.
 */

#include "hostmetrics/sysfs.h"

/* What one round has beyond this many is refused. */
#define NAMES_MAX 16384

/*
 * What `ignore` has by default: one end of the pair that each container has, as LXC, Docker, Calico and Cilium call
 * them. They come and go with the container, and what goes through them goes through a bridge (docker0, lxcbr0) as well.
 */
#define NAMES_OF_CONTAINERS "veth* cali* lxc[0-9a-f][0-9a-f]* lxc_health"

/* The option itself. */
#define NAMES_IGNORE                                                                                             \
	{                                                                                                        \
		.name = "ignore", .fallback = NAMES_OF_CONTAINERS,                                               \
		.help = "Interfaces that are left out, as globs with blanks between them; those of containers.", \
	}

struct name {
	char text[HM_DEVICE_NAME_MAX];
	size_t length;
	bool is_ignored;
	uint64_t number; /* the plugin's own; 0 where the name is new in its round */
};

/* Zeroed, but for `globs`. */
struct names {
	const char *globs; /* names to ignore, as hm_globs_take() has them; borrowed */
	struct name *list; /* the first `n_taken` are those of this round, in its order */
	size_t n_taken;
	size_t n_names;
	size_t capacity;
};

/* Begin a round. */
void names_begin(struct names *names);

/*
 * Find the name of a line. Fast where names come in the order of the last round.
 * @param ret_name  valid until the next call
 * @return 0 when it is the first of its name in this round; -EEXIST when it is not, *ret_name is set then too;
 * -ENAMETOOLONG: no device is called so; -ENOSPC; -ENOMEM
 */
int names_take(struct names *names, struct hm_span word, struct name **ret_name);

/* Release the memory. Takes a zeroed one. */
void names_done(struct names *names);

#endif
