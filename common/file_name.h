/* SPDX-License-Identifier: MIT */
#ifndef COMMON_FILE_NAME_H
#define COMMON_FILE_NAME_H

/* Names from outside as names of files. */

#include <stddef.h>

/* Room for any escaped name and its NUL; a file name holds 255 bytes, some are left for endings. */
#define FILE_NAME_MAX_BYTES 241

/*
 * Escape a host's or metric's name: bytes outside [A-Za-z0-9_:.-], a leading dot and that of ".odd"
 * at the end (which is the mark of a file of ours) become %XX; a
 * result over 240 bytes is cut and ends in '~' and 16 hex digits of a hash of the whole name.
 * Different names give different file names (but for a collision of that hash, which the header of
 * the file shows).
 */
void file_name_escape(const char *name, size_t length, char out[static FILE_NAME_MAX_BYTES]);

/*
 * The name that was escaped.
 * @param length   of the escaped name, which need not be ended by a NUL
 * @param out      ended by a NUL
 * @return its length; -EINVAL: it was cut, or file_name_escape() does not give this
 */
int file_name_unescape(const char *escaped, size_t length, char out[static FILE_NAME_MAX_BYTES]);

#endif
