/* SPDX-License-Identifier: MIT */
#ifndef COMMON_CONTROL_H
#define COMMON_CONTROL_H

/* Messages of the control protocol (hostmetrics/control.h): requests read, answers written. No
 * descriptors here. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "hostmetrics/control.h"

#define CONTROL_ARGUMENTS_MAX 16
#define CONTROL_WORDS_MAX     512 /* a record may tell of every reason, for lines and for connections */

/* A message cut into its words, escapes resolved. */
struct control_words {
	size_t n;
	char *at[CONTROL_WORDS_MAX]; /* NULL for the word \N */
};

/*
 * Cut a line (without newline, ended by a NUL; changed in place) into words.
 * @return 0; -EINVAL: more than CONTROL_WORDS_MAX, or an unknown escape
 */
int control_split(char *line, struct control_words *ret_words);

/* Append a word with escapes; NULL is \N. The caller appends TAB and newline. */
void control_append_word(struct buffer *out, const char *word);

/* A request: verb and arguments. Points into the line it was parsed from. */
struct control_request {
	const char *verb;
	size_t n_arguments;
	struct {
		const char *name;
		const char *value;
	} arguments[CONTROL_ARGUMENTS_MAX];
};

/* Parse a request line in place (no newline, ended by NUL). @return 0 or -EINVAL */
int control_request_parse(char *line, struct control_request *ret_request);

/* The value of an argument, or NULL. */
const char *control_argument(const struct control_request *request, const char *name);

/*
 * An answer being written. control_columns() first, then for each row one call a column and
 * control_row_end(), then control_end() once. An answer that does not fit into memory at once gives
 * a producer instead of its rows.
 */
struct control_reply {
	struct buffer out;
	size_t n_words; /* of the row being written */
	bool ended;
	/*
	 * Called while the client has room: writes some more rows. Returns 1 = there is more, 0 =
	 * that was the end (it called control_end()), -EAGAIN = it waits for something, after which
	 * control_server_wake() calls it again, other -errno = broken off.
	 */
	int (*produce)(void *state, struct control_reply *reply);
	void (*free_state)(void *state);
	void *state;
};

/* @param shape "rows" or "record"; then name:type pairs as one text each: {"host:text",
 * "value:number"} */
void control_columns(struct control_reply *reply, const char *shape, const char *const columns[],
		     size_t n_columns);
void control_text(struct control_reply *reply, const char *text); /* NULL = no value */
void control_number(struct control_reply *reply, double value);
void control_integer(struct control_reply *reply, int64_t value);
/* Also for times and durations, which are integers of microseconds. */
void control_nothing(struct control_reply *reply);
void control_row_end(struct control_reply *reply);
void control_note(struct control_reply *reply, const char *text);
void control_end(struct control_reply *reply, const char *status, const char *text);

/* Hand the rest of the answer to a producer; `free_state` is called once, whatever happens. */
void control_stream(struct control_reply *reply,
		    int (*produce)(void *state, struct control_reply *reply),
		    void (*free_state)(void *state), void *state);

/* Release buffer and state. */
void control_reply_done(struct control_reply *reply);

#endif
