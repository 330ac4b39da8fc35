/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_ROOT_H
#define TESTS_SUPPORT_FAKE_ROOT_H

/* A root folder that a test fills and changes as it goes: what /proc and /sys are to a plugin. */

#include <stddef.h>

/*
 * Write a file below the root, with the folders it needs. A file that is there keeps its inode, so
 * that kept descriptors see the new content, as they do in /proc and /sys. Ends the program when it
 * cannot.
 * @param path  as on a real host: "/proc/stat"
 */
void fake_root_write(const char *root, const char *path, const char *text);

/* The same for any bytes. */
void fake_root_write_bytes(const char *root, const char *path, const void *bytes, size_t n_bytes);

#endif
