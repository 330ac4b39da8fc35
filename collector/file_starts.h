/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_FILE_STARTS_H
#define COLLECTOR_FILE_STARTS_H

/* With which parts files begin that nothing is known of yet, since others of their names are in the way. Zeroed =
 * none do. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/hash.h"
#include "collector/table.h"
#include "common/file_name.h"

struct file_starts {
	struct table table;
};

void file_starts_done(struct file_starts *starts);

bool file_starts_is_empty(const struct file_starts *starts);

/*
 * Have a file begin with a part; said once of a file.
 * @param folder  of its host
 * @param name    its metric, escaped, its side, the part, and how much of the one before counts; copied
 * @return 0 or -ENOMEM
 */
int file_starts_add(struct file_starts *starts, const struct hash_key *key, const char *folder,
		    const struct file_name *name);

/* @param name  metric and side; part and continues_bytes are set. @return false: nothing was said of it */
bool file_starts_find(const struct file_starts *starts, const struct hash_key *key,
		      const char *folder, struct file_name *name);

#endif
