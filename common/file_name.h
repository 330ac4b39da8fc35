/* SPDX-License-Identifier: MIT */
#ifndef COMMON_FILE_NAME_H
#define COMMON_FILE_NAME_H

/* Names from outside as names of files. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any escaped name and its NUL; a file name holds 255 bytes, some are left for endings. */
#define FILE_NAME_MAX_BYTES 201

/*
 * Escape a host's or metric's name: bytes outside [A-Za-z0-9_:.-], a leading dot and that of ".odd"
 * at the end (which is the mark of a file of ours) become %XX; a
 * result over 200 bytes is cut and ends in '~' and 16 hex digits of a hash of the whole name.
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

/* The highest number of a part: six digits. */
#define FILE_NAME_PART_MAX 999999

/* All that is whole of the part before counts. */
#define FILE_NAME_ALL UINT64_MAX

/* Room for the name of a metric's file and its NUL. */
#define FILE_NAME_METRIC_BYTES 256

/* What the name of a metric's file says: METRIC.hm, METRIC~PART.hm or METRIC~PART@BYTES.hm, and for
 * samples with impossible times .odd.hm instead of .hm. */
struct file_name {
	const char *metric; /* escaped; borrowed, and not ended by a NUL */
	size_t metric_length;
	uint32_t part; /* 0: the first */
	uint64_t
		continues_bytes; /* so much of the part before counts; FILE_NAME_ALL; 0 for part 0 */
	bool is_odd;
};

/*
 * Take a name apart. Only what file_name_format() gives has a part; all else in front of the ending is
 * the metric.
 * @return 0; -EINVAL: it is none of a metric's file
 */
int file_name_parse(const char *name, struct file_name *ret_name);

/* Put a name together. */
void file_name_format(const struct file_name *name, char out[static FILE_NAME_METRIC_BYTES]);

/* Are these two parts of one file, or the same one? */
bool file_name_is_one(const struct file_name *a, const struct file_name *b);

/* An order: by file, then the last part first; of one number the one that continues most. */
int file_name_compare(const struct file_name *a, const struct file_name *b);

/*
 * Is a part's number so far above the next lower one (or itself, where there is none) that it is no work of
 * ours? Each number is begun by a failed sync or a start; and there shall be further ones.
 */
bool file_name_is_far(uint32_t part, uint32_t below);

/* A host's folder is HOST, or HOST~2, HOST~3 ... where that was taken: how long is it without the number? */
size_t file_name_folder_base(const char *folder);

#endif
