/* SPDX-License-Identifier: MIT */
#ifndef COMMON_FILE_NAME_H
#define COMMON_FILE_NAME_H

/* Names from outside as names of files. */

#include <stddef.h>

/* Room for any escaped name and its NUL; a file name holds 255 bytes, some are left for endings. */
#define FILE_NAME_MAX_BYTES 241

/*
 * Escape a host's or metric's name: bytes outside [A-Za-z0-9_:.-] and a leading dot become %XX; a
 * result over 240 bytes is cut and ends in '~' and 16 hex digits of a hash of the whole name.
 * Different names give different file names (but for a collision of that hash, which the header of
 * the file shows).
 */
void file_name_escape(const char *name, size_t length, char out[static FILE_NAME_MAX_BYTES]);

#endif
