/* SPDX-License-Identifier: MIT */
/* The lines of a file or a pipe. */

#include "agent/ctl/import_source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/ctl/import_parser.h"

#define READ_BYTES 65536

int import_source_open(struct import_source *source, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct stat status;

	*source = (struct import_source){.name = is_stdin ? "standard input" : path,
					 .fd = STDIN_FILENO,
					 .is_owned = !is_stdin};
	if (!is_stdin)
		source->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (source->fd < 0)
		return -errno;
	if (fstat(source->fd, &status) == 0 && S_ISDIR(status.st_mode)) {
		import_source_close(source);
		return -EISDIR;
	}
	return 0;
}

void import_source_close(struct import_source *source)
{
	if (source->is_owned && source->fd >= 0)
		(void)close(source->fd);
	source->fd = -1;
	buffer_done(&source->bytes);
}

/* Wait until there is something to read. @return 0 or -errno */
static int wait_readable(const struct import_source *source, struct interrupt *interrupt)
{
	struct pollfd watched[] = {
		{.fd = source->fd, .events = POLLIN},
		{.fd = interrupt->fd, .events = POLLIN},
	};

	while (poll(watched, 2, -1) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return interrupt_look(interrupt) ? -EINTR : 0;
}

static int read_some(struct import_source *source, struct interrupt *interrupt)
{
	struct buffer *bytes = &source->bytes;
	ssize_t n_read;
	int result = wait_readable(source, interrupt);

	if (result < 0)
		return result;
	buffer_consume(bytes, source->n_used);
	source->n_scanned -= source->n_used;
	source->n_used = 0;
	if (buffer_reserve(bytes, READ_BYTES) < 0)
		return -ENOMEM;
	n_read = read(source->fd, bytes->data + bytes->length, READ_BYTES);
	if (n_read < 0) {
		source->error = -errno;
		return source->error;
	}
	bytes->length += (size_t)n_read;
	source->has_ended = n_read == 0;
	return 0;
}

/* Is there a whole line? @param ret_length  of it, or of what there is of it */
static bool find_line(struct import_source *source, size_t *ret_length)
{
	struct buffer *bytes = &source->bytes;
	const char *newline = NULL;

	if (source->n_scanned < bytes->length)
		newline = memchr(bytes->data + source->n_scanned, '\n',
				 bytes->length - source->n_scanned);
	source->n_scanned = newline ? (size_t)(newline - bytes->data) : bytes->length;
	*ret_length = source->n_scanned - source->n_used;
	return newline;
}

/* Take a whole line. @return false: it is the end of one that was too long */
static bool take_line(struct import_source *source, size_t length, bool has_newline,
		      const char **ret_line)
{
	bool is_rest = source->is_discarding;

	*ret_line = source->bytes.data + source->n_used;
	source->n_used += length + has_newline;
	source->n_scanned = source->n_used;
	source->is_discarding = false;
	source->number += !is_rest;
	return !is_rest;
}

/* Pass over what there is of a line that is too long. @return false: it was told already */
static bool discard(struct import_source *source)
{
	bool is_new = !source->is_discarding;

	source->n_used = source->n_scanned;
	source->number += is_new;
	source->is_discarding = true;
	return is_new;
}

int import_source_next(struct import_source *source, struct interrupt *interrupt,
		       const char **ret_line, size_t *ret_length)
{
	for (;;) {
		bool is_whole = find_line(source, ret_length);
		int result;

		if (is_whole || (source->has_ended && *ret_length > 0)) {
			if (take_line(source, *ret_length, is_whole, ret_line))
				return 1;
			continue;
		}
		if (source->has_ended)
			return 0;
		if (*ret_length > IMPORT_LINE_MAX_BYTES && discard(source))
			return -EMSGSIZE;
		result = read_some(source, interrupt);
		if (result < 0)
			return result;
	}
}
