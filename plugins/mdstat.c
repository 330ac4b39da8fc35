/* SPDX-License-Identifier: MIT */
/* What /proc/mdstat says of an array, line by line. */

#include "plugins/mdstat.h"

#include <errno.h>
#include <string.h>

const char *const mdstat_states[MDSTAT_N_STATES] = {"active", "inactive", "recovering",
						    "resync", "check",    "reshape"};

/* What the word of the progress says of the state, in this order. */
static const struct {
	const char *word;
	const char *state;
} progresses[] = {
	{"recovery", "recovering"},
	{"reshape", "reshape"},
	{"check", "check"},
	{"resync", "resync"},
};

static bool line_has(struct hm_span line, const char *text)
{
	return memmem(line.start, line.length, text, strlen(text)) != NULL;
}

/* How often a text stands in the line. */
static size_t line_count(struct hm_span line, const char *text)
{
	const char *end = line.start + line.length;
	const char *at = line.start;
	size_t length = strlen(text);
	size_t n = 0;

	while ((at = memmem(at, (size_t)(end - at), text, length))) {
		at += length;
		n++;
	}
	return n;
}

void mdstat_begin(struct mdstat *mdstat, struct hm_span line)
{
	struct hm_span rest = line;
	struct hm_span name;
	struct hm_span word;
	bool is_striped =
		false; /* no disk may lack, and the second line does not tell how many there are */

	*mdstat = (struct mdstat){.n_failed = line_count(line, "(F)"),
				  .n_spare = line_count(line, "(S)")};
	if (!hm_next_word(&rest, &name) || name.length >= sizeof(mdstat->name) ||
	    !hm_next_word(&rest, &word) || !hm_span_equals(word, ":") ||
	    !hm_next_word(&rest, &word) || hm_span_equals(name, "Personalities"))
		return;
	memcpy(mdstat->name, name.start, name.length);
	mdstat->is_active = hm_span_equals(word, "active");
	for (size_t i = 0; i < MDSTAT_N_STATES; i++) {
		if (hm_span_equals(word, mdstat_states[i]))
			mdstat->state = mdstat_states[i];
	}
	while (hm_next_word(&rest, &word))
		is_striped |= hm_span_equals(word, "raid0") || hm_span_equals(word, "linear");
	if (is_striped || (mdstat->state && strcmp(mdstat->state, "inactive") == 0)) {
		mdstat->has_disks = true;
		mdstat->n_required = is_striped ? line_count(line, "[") : 0;
		mdstat->n_active = mdstat->n_required;
	}
}

/* "A/B" between two brackets. */
static int parse_pair(struct hm_span text, uint64_t *ret_first, uint64_t *ret_second)
{
	const char *slash = memchr(text.start, '/', text.length);
	struct hm_span first;
	struct hm_span second;

	if (!slash)
		return -EINVAL;
	first = (struct hm_span){text.start, (size_t)(slash - text.start)};
	second = (struct hm_span){slash + 1, text.length - first.length - 1};
	if (hm_span_uint64(first, ret_first) < 0)
		return -EINVAL;
	return hm_span_uint64(second, ret_second);
}

/* "523968 blocks super 1.2 [2/1] [U_]"; arrays of which no disk may lack end before the brackets. */
static void parse_blocks(struct mdstat *mdstat, struct hm_span line)
{
	struct hm_span word = {"", 0};

	(void)hm_next_word(&line, &word);
	mdstat->blocks_error = hm_span_uint64(word, &mdstat->blocks);
	mdstat->synced = mdstat->blocks;
	while (!mdstat->has_disks && hm_next_word(&line, &word)) {
		if (word.length < 2 || word.start[0] != '[' || word.start[word.length - 1] != ']')
			continue;
		word = (struct hm_span){word.start + 1, word.length - 2};
		mdstat->has_disks = parse_pair(word, &mdstat->n_required, &mdstat->n_active) == 0;
	}
}

/* "[=>...]  recovery =  8.5% (16775552/195310144) finish=17.0min", or "resync=DELAYED". */
static void parse_progress(struct mdstat *mdstat, struct hm_span line)
{
	uint64_t ignored;
	struct hm_span word;

	for (size_t i = 0; i < sizeof(progresses) / sizeof(progresses[0]); i++) {
		if (!line_has(line, progresses[i].word))
			continue;
		mdstat->state = progresses[i].state;
		mdstat->synced = 0;
		/* Waiting for another array, or for the first write. */
		if (line_has(line, "DELAYED") || line_has(line, "PENDING"))
			return;
		mdstat->synced_error = -ENODATA;
		while (mdstat->synced_error < 0 && hm_next_word(&line, &word)) {
			if (word.length < 2 || word.start[0] != '(')
				continue;
			word = (struct hm_span){word.start + 1, word.length - 2};
			mdstat->synced_error = parse_pair(word, &mdstat->synced, &ignored);
		}
		return;
	}
}

void mdstat_add(struct mdstat *mdstat, struct hm_span line)
{
	if (mdstat->n_lines++ == 0)
		parse_blocks(mdstat, line);
	else
		parse_progress(mdstat, line);
}
