/* SPDX-License-Identifier: MIT */
#ifndef COMMON_STORE_PATH_H
#define COMMON_STORE_PATH_H

/* What the path of a file below hosts/ says of it: its salt, and what its header must say. */

#include <stdbool.h>
#include <stdint.h>

#include "common/file_name.h"
#include "common/store_file.h"

/* The name of a host's own file. */
#define STORE_PATH_HOST_FILE ".host"

/* The one that is to take its place; its salt is that of the other. */
#define STORE_PATH_NEW_HOST_FILE ".host.new"

/* What a header says, by the path. */
struct store_path {
	struct store_file_header header; /* borrows the names below, and store_id */
	char host[FILE_NAME_MAX_BYTES];
	char metric[FILE_NAME_MAX_BYTES];
};

/*
 * The salt of a file that is to be made: known by where it lies, so that its blocks verify without
 * their header.
 * @param folder  of the host, escaped. @param name  of the file, whole
 */
uint32_t store_path_salt(const uint8_t *store_id, const char *folder, const char *name);

/*
 * Set what a file's header says, but for kind and unit.
 * @param store_id  HM_ID_BYTES; borrowed
 * @return 0; -EINVAL: the path does not say it, since a name in it was cut or is none of ours
 */
int store_path_expect(struct store_path *path, const uint8_t *store_id, const char *folder,
		      const char *name);

/* Does a file whose header verifies lie where that says? Not looked at: whose store it is of. */
bool store_path_fits(const char *folder, const char *name, const struct store_file_header *header);

#endif
