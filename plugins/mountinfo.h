/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_MOUNTINFO_H
#define PLUGINS_MOUNTINFO_H

/* Lines of /proc/PID/mountinfo. */

#include "hostmetrics/sysfs.h"

/* A text grows so much at most when it becomes a label: what is no UTF-8 becomes U+FFFD. */
#define MOUNTINFO_LABEL_GROWTH 3

/* The words of a line of mountinfo that matter: proc(5). */
struct mountinfo_line {
	struct hm_span major;
	struct hm_span minor;
	struct hm_span path;
	struct hm_span options;
	struct hm_span type;
	struct hm_span device;
	struct hm_span super_options;
};

/*
 * Open the table of process 1, which has what is mounted on the host; where that is not to be had, this process's own, which
 * may have more, and less. @return as hm_text_open()
 */
int mountinfo_open(struct hm_text *table, const struct hm_host *host);

/* Has it changed since this was asked for last? The kernel says so; below a root that is not known, so it may have. */
bool mountinfo_has_changed(const struct hm_text *table, const struct hm_host *host);

/* @return false: it is no whole line */
bool mountinfo_parse(struct hm_span text, struct mountinfo_line *ret_line);

/* Is it one of the words with commas between them? */
bool mountinfo_has_option(struct hm_span list, const char *option);

/*
 * Copy a word, ended by a NUL, as it is to be asked for: "\040" stands for a blank there.
 * @param out  as long as the word, and a NUL
 */
void mountinfo_copy_path(char *out, struct hm_span word);

/*
 * The same as a label: only blanks and backslashes are told as they are.
 * @param out  MOUNTINFO_LABEL_GROWTH times as long as the word, and a NUL
 * @return behind the NUL
 */
char *mountinfo_copy_label(char *out, struct hm_span word);

#endif
