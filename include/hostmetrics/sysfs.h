/* SPDX-License-Identifier: MIT */
#ifndef HOSTMETRICS_SYSFS_H
#define HOSTMETRICS_SYSFS_H

/*
 * Reading /proc and /sys, for plugins: files below the host's root on kept descriptors, their words
 * and numbers, and devices found through libudev. Nothing here logs; nothing allocates after the
 * first rounds.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostmetrics/plugin.h"

/* A file larger than this is not read: -EFBIG. */
#define HM_TEXT_MAX_BYTES ((size_t)16 << 20)

/* A name of a device is at most this long, with its NUL. */
#define HM_DEVICE_NAME_MAX 64

/* A text file whose descriptor and buffer are kept between rounds. Zeroed = not open. */
struct hm_text {
	bool is_open;
	int fd;
	char *data; /* what the last hm_text_read() found, and a NUL that `length` does not count */
	size_t length;
	size_t capacity;
};

/* A word or line inside a text: not ended by a NUL. */
struct hm_span {
	const char *start;
	size_t length;
};

/*
 * Open a file for reading, below the host's root (symbolic links stay inside it).
 * @param path  absolute as on a real host: "/proc/stat"
 * @return a descriptor owned by the caller, close-on-exec; or -errno of open(2)
 */
HM_API int hm_open(const struct hm_host *host, const char *path);

/*
 * Open a text file and keep its descriptor. @return 0, or -errno as hm_open(); then `text` stays
 * closed.
 */
HM_API int hm_text_open(struct hm_text *text, const struct hm_host *host, const char *path);

/*
 * Read the whole file again from its start, whatever its size; the buffer grows and is kept.
 * @return 0; -EFBIG above HM_TEXT_MAX_BYTES; -ENOMEM; -errno of pread(2). On failure data is "" and
 * length 0.
 */
HM_API int hm_text_read(struct hm_text *text);

/* Close the file and release the buffer. Takes a text that is not open. */
HM_API void hm_text_close(struct hm_text *text);

/*
 * Take the next line off *cursor, without its newline.
 * @param[in,out] cursor  inside a text ended by NUL; moved behind the line
 * @return false at the end of the text
 */
HM_API bool hm_next_line(const char **cursor, struct hm_span *ret_line);

/*
 * Take the next word off a line: bytes other than blank and tab.
 * @param[in,out] line  what is left of the line
 * @return false when the line holds no more words
 */
HM_API bool hm_next_word(struct hm_span *line, struct hm_span *ret_word);

/* Is the word exactly this text? */
HM_API bool hm_span_equals(struct hm_span word, const char *text);

/*
 * Read a whole word as a number, without locale.
 * @return 0; -EINVAL when it is not one; -ERANGE when it does not fit. hm_span_double() takes
 * decimal notation, no infinities or NaN. *ret_value is written only on success.
 */
HM_API int hm_span_uint64(struct hm_span word, uint64_t *ret_value);
HM_API int hm_span_int64(struct hm_span word, int64_t *ret_value);
HM_API int hm_span_double(struct hm_span word, double *ret_value);

/*
 * Read the first line of a small attribute (sysfs) from its start, without the newline.
 * @param fd    as hm_open() gave it
 * @param size  bytes at `out`, NUL included
 * @return 0; -ERANGE when it does not fit; -errno of pread(2): EAGAIN, EINVAL, EIO and ENODATA are
 * what sensors that sleep or fail answer. On failure `out` is "".
 */
HM_API int hm_read_string(int fd, char *out, size_t size);

/*
 * Read an attribute that is one integer.
 * @return 0; -EINVAL when it is not one; else as hm_read_string(). *ret_value is written only on
 * success.
 */
HM_API int hm_read_int64(int fd, int64_t *ret_value);

/*
 * Call `found` for each device of a subsystem, in the order of their names with numbers compared as
 * numbers. Asks libudev; below a fixture root, where udev cannot look, lists /sys/class/SUBSYSTEM
 * there.
 * @param subsystem  "thermal"
 * @param pattern    glob over device names: "thermal_zone*"
 * @param found      gets the device's name, borrowed for the call; a result other than 0 ends the
 * search
 * @return 0; what `found` returned; -ENOMEM; -errno of reading the folder. No device at all is 0 as
 * well.
 */
HM_API int hm_devices_find(const struct hm_host *host, const char *subsystem, const char *pattern,
			   int (*found)(void *context, const char *device), void *context);

#endif
