/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_STORE_FOLDER_H
#define COLLECTOR_STORE_FOLDER_H

/* The folder of a store, and the pid file in it, held locked, by which a second daemon is kept out. */

struct pidfh;

/* Zeroed but for fd, which is -1: not open. */
struct store_folder {
	int fd;
	struct pidfh *pid_file;
};

/*
 * Open the folder, which is made where it is missing, and lock it. Why it is refused is told.
 * @return 0; -EEXIST: another daemon has it; -errno: to be closed then as well
 */
int store_folder_open(struct store_folder *folder, const char *path);

/* Takes one that is not open. */
void store_folder_close(struct store_folder *folder);

#endif
