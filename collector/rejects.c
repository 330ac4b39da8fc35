/* SPDX-License-Identifier: MIT */
/* What was refused, by reason. */

#include "collector/rejects.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "common/timestamp.h"

#define CUT_MARK "..."

struct rejects {
	pthread_mutex_t mutex;
	struct reject reasons[HM_REASON_COUNT];
	int64_t example_us[HM_REASON_COUNT]; /* when it was taken, CLOCK_MONOTONIC */
};

int rejects_new(struct rejects **ret_rejects)
{
	struct rejects *rejects = calloc(1, sizeof(*rejects));
	int error;

	if (!rejects)
		return -ENOMEM;
	error = pthread_mutex_init(&rejects->mutex, NULL);
	if (error) {
		free(rejects);
		return -error;
	}
	*ret_rejects = rejects;
	return 0;
}

void rejects_free(struct rejects *rejects)
{
	if (!rejects)
		return;
	pthread_mutex_destroy(&rejects->mutex);
	free(rejects);
}

/* Where to cut text so that no character of several bytes is halved. */
static size_t cut_length(const char *text, size_t length)
{
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

static void make_example(char *out, const char *text, size_t length)
{
	struct buffer printable = {0};
	bool is_cut = length > REJECTS_EXAMPLE_MAX_BYTES;
	size_t n_bytes = is_cut ? REJECTS_EXAMPLE_MAX_BYTES : length;

	text_append_printable(&printable, text, n_bytes);
	n_bytes = printable.length;
	if (is_cut || n_bytes > REJECTS_EXAMPLE_MAX_BYTES) {
		size_t room = REJECTS_EXAMPLE_MAX_BYTES - strlen(CUT_MARK);

		if (n_bytes > room)
			n_bytes = cut_length(printable.data, room);
		is_cut = true;
	}
	if (n_bytes > 0)
		memcpy(out, printable.data, n_bytes);
	memcpy(out + n_bytes, is_cut ? CUT_MARK : "", is_cut ? sizeof(CUT_MARK) : 1);
	buffer_done(&printable);
}

void rejects_add(struct rejects *rejects, enum hm_reason reason, const char *text, size_t length)
{
	int64_t now_us = timestamp_monotonic_us();
	struct reject *reject = &rejects->reasons[reason];

	pthread_mutex_lock(&rejects->mutex);
	/* A flood of bad lines shall not pay for an example each. */
	if (reject->n == 0 || now_us - rejects->example_us[reason] >= TIMESTAMP_SECOND_US) {
		make_example(reject->example, text, length);
		rejects->example_us[reason] = now_us;
	}
	reject->n++;
	pthread_mutex_unlock(&rejects->mutex);
}

void rejects_get(struct rejects *rejects, enum hm_reason reason, struct reject *ret_reject)
{
	pthread_mutex_lock(&rejects->mutex);
	*ret_reject = rejects->reasons[reason];
	pthread_mutex_unlock(&rejects->mutex);
}

uint64_t rejects_total(struct rejects *rejects)
{
	uint64_t total = 0;

	pthread_mutex_lock(&rejects->mutex);
	for (size_t i = 0; i < HM_REASON_COUNT; i++)
		total += rejects->reasons[i].n;
	pthread_mutex_unlock(&rejects->mutex);
	return total;
}
