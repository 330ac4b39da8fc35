/* SPDX-License-Identifier: MIT */
/* Lines of /proc/PID/mountinfo. */

#include "plugins/mountinfo.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

int mountinfo_open(struct hm_text *table, const struct hm_host *host)
{
	int result = hm_text_open(table, host, "/proc/1/mountinfo");

	if (result == -ENOENT || result == -EACCES)
		result = hm_text_open(table, host, "/proc/self/mountinfo");
	return result;
}

bool mountinfo_has_changed(const struct hm_text *table, const struct hm_host *host)
{
	struct pollfd poll_fd = {.fd = table->fd, .events = POLLPRI};

	return hm_is_redirected(host) || poll(&poll_fd, 1, 0) != 0;
}

/* "\040" stands for a blank there. A label has blanks and backslashes only; what is asked for has all. */
static void copy_text(char *out, struct hm_span word, bool is_label)
{
	for (size_t i = 0; i < word.length; i++) {
		const char *at = word.start + i;
		bool is_escape =
			word.length - i >= 4 && *at == '\\' && strspn(at + 1, "01234567") >= 3;
		char byte = *at;

		if (is_escape)
			byte = (char)((at[1] & 3) << 6 | (at[2] & 7) << 3 | (at[3] & 7));
		if (is_escape && is_label && byte != ' ' && byte != '\\')
			byte = *at;
		else if (is_escape)
			i += 3;
		*out++ = byte;
	}
	*out = '\0';
}

void mountinfo_copy_path(char *out, struct hm_span word)
{
	copy_text(out, word, false);
}

char *mountinfo_copy_label(char *out, struct hm_span word)
{
	copy_text(out, word, true);
	hm_label_clean(out, MOUNTINFO_LABEL_GROWTH * word.length + 1);
	return out + strlen(out) + 1;
}

bool mountinfo_has_option(struct hm_span list, const char *option)
{
	const size_t length = strlen(option);

	for (size_t i = 0; i + length <= list.length; i++) {
		bool begins = i == 0 || list.start[i - 1] == ',';
		bool ends = i + length == list.length || list.start[i + length] == ',';

		if (begins && ends && memcmp(list.start + i, option, length) == 0)
			return true;
	}
	return false;
}

static bool split_device(struct hm_span word, struct mountinfo_line *line)
{
	const char *colon = memchr(word.start, ':', word.length);

	if (!colon)
		return false;
	line->major = (struct hm_span){word.start, (size_t)(colon - word.start)};
	line->minor = (struct hm_span){colon + 1, word.length - line->major.length - 1};
	return true;
}

static bool skip_words(struct hm_span *text, unsigned n)
{
	struct hm_span word;

	while (n > 0 && hm_next_word(text, &word))
		n--;
	return n == 0;
}

bool mountinfo_parse(struct hm_span text, struct mountinfo_line *line)
{
	struct hm_span word;
	bool is_whole = skip_words(&text, 2) && hm_next_word(&text, &word) &&
			split_device(word, line) && skip_words(&text, 1) &&
			hm_next_word(&text, &line->path) && hm_next_word(&text, &line->options);

	/* Some optional fields, ended by a hyphen. */
	while (is_whole && hm_next_word(&text, &word) && !hm_span_equals(word, "-"))
		;
	return is_whole && hm_next_word(&text, &line->type) && hm_next_word(&text, &line->device) &&
	       hm_next_word(&text, &line->super_options);
}
