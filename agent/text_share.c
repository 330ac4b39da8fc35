/* SPDX-License-Identifier: MIT */
/* Text files that more than one plugin reads. */

#include "agent/text_share.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/host.h"

struct hm_shared_text {
	struct hm_shared_text *next;
	struct text_share *share;
	size_t n_users;
	struct hm_text text;
	int64_t turn; /* in which it was read last, with this result */
	int result;
	char path[];
};

static struct hm_shared_text *find(struct text_share *share, const char *path)
{
	struct hm_shared_text *shared = share->first;

	while (shared && strcmp(shared->path, path) != 0)
		shared = shared->next;
	return shared;
}

static int open_new(const struct hm_host *host, const char *path,
		    struct hm_shared_text **ret_shared)
{
	struct hm_shared_text *shared = calloc(1, sizeof(*shared) + strlen(path) + 1);
	int result;

	if (!shared)
		return -ENOMEM;
	result = hm_text_open(&shared->text, host, path);
	if (result < 0) {
		free(shared);
		return result;
	}
	shared->share = host->texts;
	(void)stpcpy(shared->path, path);
	shared->next = host->texts->first;
	host->texts->first = shared;
	*ret_shared = shared;
	return 0;
}

/* Show what was read last. */
static void show(struct hm_text *text)
{
	text->fd = text->shared->text.fd;
	text->data = text->shared->text.data;
	text->length = text->shared->text.length;
	text->capacity = text->shared->text.capacity;
}

int hm_text_share(struct hm_text *text, const struct hm_host *host, const char *path)
{
	struct hm_shared_text *shared = host->texts ? find(host->texts, path) : NULL;
	int result = 0;

	if (!host->texts)
		return hm_text_open(text, host, path);
	if (!shared)
		result = open_new(host, path, &shared);
	if (result < 0)
		return result;
	shared->n_users++;
	*text = (struct hm_text){.is_open = true, .shared = shared};
	show(text);
	return 0;
}

int text_share_read(struct hm_text *text)
{
	struct hm_shared_text *shared = text->shared;
	const int64_t turn = shared->share->turn;

	if (turn == 0 || shared->turn != turn) {
		shared->text.record_max_bytes = text->record_max_bytes;
		shared->result = hm_text_read(&shared->text);
		shared->turn = turn;
	}
	show(text);
	return shared->result;
}

void text_share_close(struct hm_text *text)
{
	struct hm_shared_text *shared = text->shared;
	struct hm_shared_text **at = &shared->share->first;

	*text = (struct hm_text){0};
	if (--shared->n_users > 0)
		return;
	while (*at != shared)
		at = &(*at)->next;
	*at = shared->next;
	hm_text_close(&shared->text);
	free(shared);
}
