/* SPDX-License-Identifier: MIT */
/* Messages of a daemon to its administrator, on standard error. */

#include "common/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/text.h"

static const char *program_name = "hostmetrics";

/*
 * A standard stream that is closed would be the number of the next file or socket that is opened,
 * which would then get what is printed. Opened for reading only, so that writing still fails.
 */
static void hold_standard_streams(void)
{
	int fd;

	/* open(2) gives the lowest number that is free. */
	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

void message_init(const char *program)
{
	program_name = program;
	hold_standard_streams();
}

/* Does the journal read standard error? It says which file it gave us; a shell may have changed it. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat status;

	if (!stream || fstat(STDERR_FILENO, &status) < 0)
		return false;
	(void)snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)status.st_dev,
		       (uintmax_t)status.st_ino);
	return strcmp(stream, ours) == 0;
}

/* One write(2) a message, so that those of two threads do not mix. */
static void write_line(int priority, const char *text)
{
	struct buffer line = {0};

	if (is_journal())
		buffer_printf(&line, "<%d>", priority);
	else
		buffer_printf(&line, "%s: ", program_name);
	text_append_printable(&line, text, strlen(text));
	buffer_append_byte(&line, '\n');
	/* There is nowhere to tell that standard error is gone. */
	if (!buffer_failed(&line))
		(void)!write(STDERR_FILENO, line.data, line.length);
	buffer_done(&line);
}

__attribute__((format(printf, 2, 0))) static void write_message(int priority, const char *format,
								va_list arguments)
{
	int saved_errno = errno; /* for %m, and for the caller's own use after the message */
	char *text = NULL;

	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	/* Without memory the bare format still says what it is about. */
	write_line(priority, text ? text : format);
	free(text);
	errno = saved_errno;
}

void message_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_message(LOG_ERR, format, arguments);
	va_end(arguments);
}

void message_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_message(LOG_WARNING, format, arguments);
	va_end(arguments);
}

void message_info(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_message(LOG_INFO, format, arguments);
	va_end(arguments);
}
