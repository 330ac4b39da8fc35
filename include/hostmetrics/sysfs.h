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

/* What is known of the records of a file of /proc, see struct hm_text: it has but one, or they are lines of numbers. */
#define HM_TEXT_ONE_RECORD    SIZE_MAX
#define HM_TEXT_SHORT_RECORDS 512

/* A name of a device is at most this long, with its NUL. */
#define HM_DEVICE_NAME_MAX 64

/* A text file whose descriptor and buffer are kept between rounds. Zeroed = not open. */
struct hm_text {
	bool is_open;
	int fd;
	char *data; /* what the last hm_text_read() found, and a NUL that `length` does not count */
	size_t length;
	size_t capacity;
	/*
	 * What the kernel writes at once into the file is not longer. Then its end is seen by a read that is shorter than
	 * it might have been; else by one more, which costs as much where the kernel looks anew for what comes next. Set
	 * behind hm_text_open() where it holds on every kernel; 0: not known.
	 */
	size_t record_max_bytes;
	struct hm_shared_text *shared; /* of hm_text_share(); NULL: nobody else reads it */
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
 * Does an error of hm_open() say nothing of the file: want of descriptors, or of memory? A plugin that went on without what it
 * could not open for that is started again when there are some, once a minute at most.
 */
HM_API bool hm_is_passing(int error);

/*
 * Open a text file and keep its descriptor. @return 0, or -errno as hm_open(); then `text` stays
 * closed.
 */
HM_API int hm_text_open(struct hm_text *text, const struct hm_host *host, const char *path);

/*
 * The same for a file of /proc that more than one plugin reads: in a round it is read once for all of them, as one kept
 * descriptor. Its text is not to be changed, and is valid until the plugin's round ends.
 */
HM_API int hm_text_share(struct hm_text *text, const struct hm_host *host, const char *path);

/*
 * Read the whole file again from its start, whatever its size; the buffer grows and is kept.
 * @return 0; -EFBIG above HM_TEXT_MAX_BYTES; -ENOMEM; -errno of pread(2). On failure data is "" and
 * length 0.
 */
HM_API int hm_text_read(struct hm_text *text);

/*
 * The same for a file that people change: editors and package managers put a new one in its place. Where the open
 * one was removed, or none is open, the path is opened again. @return as hm_text_open() and hm_text_read()
 */
HM_API int hm_text_read_newest(struct hm_text *text, const struct hm_host *host, const char *path);

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
 * Read a whole word as a hexadecimal number without 0x, as /proc/net has them.
 * @return as hm_span_uint64()
 */
HM_API int hm_span_hex(struct hm_span word, uint64_t *ret_value);

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

/*
 * Call `found` for each entry of a folder, in the order of hm_devices_find(), which has the details.
 * @param path  absolute as on a real host: "/sys/class/hwmon/hwmon0"
 * @return likewise; -ENOENT: there is no such folder
 */
HM_API int hm_folder_find(const struct hm_host *host, const char *path, const char *pattern,
			  int (*found)(void *context, const char *name), void *context);

/*
 * Open a file, read its first line as hm_read_string() does, and close it: for what does not change while the
 * device is there. @return 0 or -errno of hm_open() and hm_read_string(); then `out` is ""
 */
HM_API int hm_read_line_of(const struct hm_host *host, const char *path, char *out, size_t size);

/*
 * Make a text fit for a label, in place: each run of bytes that are no UTF-8, and each control character, becomes
 * U+FFFD. Firmware leaves such bytes in names and serial numbers.
 * @param size  bytes at `text`; what the replacements leave no room for is cut off
 */
HM_API void hm_label_clean(char *text, size_t size);

/* Take blanks, tabs and the like off both ends of a text, in place. */
HM_API void hm_trim(char *text);

/*
 * Where a symbolic link points to, as it says: "../../devices/pci0000:00/0000:00:1f.2".
 * @return 0; -ERANGE when it does not fit; -EINVAL when it is no link; -errno. On failure `out` is ""
 */
HM_API int hm_read_link(const struct hm_host *host, const char *path, char *out, size_t size);

/* What a number in a file is. Constant. */
struct hm_attribute {
	/* The end of its path: "temp1_input"; NULL: the folder is the whole path. */
	const char *file;
	const struct hm_metric *metric;
	double factor;  /* what the number is multiplied by, for the unit of the metric; 0 = 1 */
	double divisor; /* or divided by, as 1000 for milliunits; 0 = 1 */
	/*
	 * Where the kernel answers that it has no such value now (EINVAL, ENODATA, ENODEV, ENXIO, EOPNOTSUPP), or with
	 * what is no number, nothing is said of it.
	 */
	bool is_optional;
	/* Only a decimal integer counts as a number. */
	bool is_integer;
	/* It stays what it is as long as the device is there: once it could be read, that is not done again. */
	bool is_constant;
};

/* Numbers in files of their own, each a series, on kept descriptors. Zeroed = none. */
struct hm_attributes {
	struct hm_attribute_file *list;
	size_t n;
	size_t capacity;
	size_t n_open;
	/*
	 * Where it is not 0, a round's reading ends when it has taken so long, but not before the first file, and the
	 * next one goes on behind it. What had no turn is told as it was read last. What was never read has
	 * HM_ATTRIBUTES_FIRST_TIME times that; before, nothing is said of it.
	 */
	uint32_t budget_us;
	size_t first;  /* where this round began */
	size_t n_turn; /* files that it read; 0 = not taken yet */
};

/* So that the first round of a host that is not slow says all, also when the host is busy. */
#define HM_ATTRIBUTES_FIRST_TIME 100

/* Of one struct hm_attributes so many files stay open; the others are opened in each round. */
#define HM_ATTRIBUTES_OPEN_MAX 2048

/*
 * Add a file. What it holds may be decimal, with a point or not, or hexadecimal with 0x; blanks around it do not count.
 * @param attribute  copied
 * @param folder     what `attribute->file` lies in: "/sys/class/hwmon/hwmon0"
 * @param labels     values of the metric's labels, ended by NULL; copied
 * @return 0, also when it cannot be opened now: it is then told as missing in each round, with the reason, and is
 * opened in each round where that was for want of descriptors or memory;
 * -ENOENT: there is no such file, and nothing is added; -ENAMETOOLONG; -ENOMEM
 */
HM_API int hm_attributes_add_labels(struct hm_attributes *attributes, const struct hm_host *host,
				    const struct hm_attribute *attribute, const char *folder,
				    const char *const labels[]);

/* NOLINTBEGIN(readability-identifier-naming): used like the function it stands for */
#define hm_attributes_add(attributes, host, attribute, folder, ...)                                \
	hm_attributes_add_labels(attributes, host, attribute, folder, HM_LABEL_VALUES(__VA_ARGS__))
/* NOLINTEND(readability-identifier-naming) */

/* The same for a series that is told as missing in each round. @param error  the reason, a -errno */
HM_API int hm_attributes_add_missing_labels(struct hm_attributes *attributes,
					    const struct hm_metric *metric, int error,
					    const char *const labels[]);

/* The same for a series that has the same value in each round: what the labels say is all there is to it. */
HM_API int hm_attributes_add_constant_labels(struct hm_attributes *attributes,
					     const struct hm_metric *metric, double value,
					     const char *const labels[]);

/* NOLINTBEGIN(readability-identifier-naming): used like the functions they stand for */
#define hm_attributes_add_constant(attributes, metric, value, ...)                                 \
	hm_attributes_add_constant_labels(attributes, metric, value, HM_LABEL_VALUES(__VA_ARGS__))
#define hm_attributes_add_missing(attributes, metric, error, ...)                                  \
	hm_attributes_add_missing_labels(attributes, metric, error, HM_LABEL_VALUES(__VA_ARGS__))
/* NOLINTEND(readability-identifier-naming) */

/*
 * Read all files and emit what they hold.
 * @param host  as given to hm_attributes_add()
 * @return 0 when one had a value; else the first error, -ENODATA where there was none
 */
HM_API int hm_attributes_emit(struct hm_attributes *attributes, const struct hm_host *host,
			      struct hm_batch *out);

/*
 * The round is safe: where there is a budget, the next one goes on behind the files that this one read. For cleanup();
 * a round that is taken again before reads the same files.
 */
HM_API void hm_attributes_turn(struct hm_attributes *attributes);

/* Close the files and release the memory. Takes a zeroed one. */
HM_API void hm_attributes_close(struct hm_attributes *attributes);

/* A number that stands behind a word, on a line of its own: "MemTotal:   16303428 kB". Constant. */
struct hm_field {
	const char *word; /* the first one of the line, as it is: "MemTotal:" */
	const struct hm_metric *metric;
	double factor; /* what the number is multiplied by; 0 = 1 */
};

/*
 * Emit what a text has of a table of fields. Lines of other words are passed over; of two lines of one word the first
 * counts. Fast where fields stand in the table in the order of the text.
 * @param text  ended by NUL
 * @return the number of values, which may be 0. A number that is none is told as missing
 */
HM_API size_t hm_fields_emit(struct hm_batch *out, const char *text, const struct hm_field *fields,
			     size_t n_fields);

/*
 * Does one of the globs take the word? For options such as `ignore = loop* ram*`, which leave devices out before
 * they are read.
 * @param globs  of fnmatch(3), with blanks between them; "" takes nothing
 */
HM_API bool hm_globs_take(const char *globs, const char *word);

#endif
