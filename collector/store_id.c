/* SPDX-License-Identifier: MIT */
/* The random id of a store. */

#include "collector/store_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/buffer.h"
#include "common/file_reader.h"
#include "common/log_segment.h"
#include "common/message.h"

#define FILE_NAME_NEW "id.tmp"

int store_id_read(const struct disk *disk, int folder, uint8_t ret_id[static HM_ID_BYTES])
{
	struct buffer bytes = {0};
	int result = disk_read_file(disk, folder, STORE_FILE_ID_NAME, STORE_FILE_ID_BYTES, &bytes);

	if (result == -EFBIG)
		result = -EBADMSG;
	if (result == 0)
		result = store_file_get_id((const uint8_t *)bytes.data, bytes.length, ret_id);
	buffer_done(&bytes);
	return result;
}

/* Create and replace, so that there is always a whole one. */
static int write_file(const struct disk *disk, int folder, const uint8_t *id)
{
	struct buffer bytes = {0};
	int result;
	int fd;

	store_file_put_id(&bytes, id);
	fd = disk->open(disk->context, folder, FILE_NAME_NEW, O_RDWR | O_CREAT);
	result = buffer_failed(&bytes) ? -ENOMEM : fd < 0 ? fd : 0;
	if (result == 0)
		result = disk_write(disk, fd, bytes.data, bytes.length, 0);
	if (result == 0)
		result = disk->fsync(disk->context, fd);
	if (fd >= 0)
		(void)disk->close(disk->context, fd);
	if (result == 0)
		result = disk->rename(disk->context, folder, FILE_NAME_NEW, STORE_FILE_ID_NAME);
	if (result == 0)
		result = disk->fsync(disk->context, folder);
	buffer_done(&bytes);
	return result;
}

/* -- where the file is lost ----------------------------------------------------------------------- */

/* How many have an id. */
struct vote {
	uint8_t id[HM_ID_BYTES];
	size_t n;
	uint32_t newest; /* number of a segment */
};

struct search {
	const struct disk *disk;
	int folder; /* the log's, or that of all hosts */
	int host_folder;
	struct vote *votes;
	size_t n_votes;
	size_t capacity;
	size_t n_all;
	int error; /* of what may have one, and cannot be listed or opened; 0 = none */
};

/* @param number  of a segment; 0: of a host's files. @return 0 or -ENOMEM */
static int add_vote(struct search *search, const uint8_t *id, uint32_t number)
{
	struct vote *vote = search->votes;
	struct vote *end = vote + search->n_votes;

	while (vote < end && memcmp(vote->id, id, HM_ID_BYTES) != 0)
		vote++;
	if (vote == end) {
		struct vote *grown = array_grow(search->votes, search->n_votes, &search->capacity,
						sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		search->votes = grown;
		vote = &grown[search->n_votes++];
		*vote = (struct vote){0};
		memcpy(vote->id, id, HM_ID_BYTES);
	}
	vote->n++;
	search->n_all++;
	if (number > vote->newest)
		vote->newest = number;
	return 0;
}

static void note_error(struct search *search, int result)
{
	if (disk_is_withheld(result))
		search->error = result;
}

static int look_into_segment(void *argument, const char *name)
{
	struct search *search = argument;
	uint32_t number = log_file_number(name);
	struct log_segment segment;
	int result = 0;

	if (number > 0)
		result = log_segment_open(&segment, search->disk, search->folder, number);
	note_error(search, result);
	if (number == 0 || result < 0)
		return 0;
	result = add_vote(search, segment.header.store_id, number);
	log_segment_close(&segment);
	return result;
}

/* @return 1: it says an id; 0; -ENOMEM */
static int look_into_file(void *argument, const char *name)
{
	struct search *search = argument;
	const struct disk *disk = search->disk;
	struct file_reader reader = {.passes_bad_sectors = true};
	struct store_file_header header;
	int fd = disk->open(disk->context, search->host_folder, name, O_RDONLY);
	int result;

	note_error(search, fd);
	if (fd < 0)
		return 0;
	result = file_reader_init(&reader, disk, fd, UINT64_MAX, &header);
	if (result == 0)
		result = add_vote(search, header.store_id, 0) < 0 ? -ENOMEM : 1;
	file_reader_done(&reader);
	(void)disk->close(disk->context, fd);
	return result == 1 || result == -ENOMEM ? result : 0;
}

/* One file of each host is enough. */
static int look_into_host(void *argument, const char *name)
{
	struct search *search = argument;
	const struct disk *disk = search->disk;
	int result;

	search->host_folder =
		disk->open(disk->context, search->folder, name, O_RDONLY | O_DIRECTORY);
	note_error(search, search->host_folder);
	if (search->host_folder < 0)
		return 0;
	result = disk->list(disk->context, search->host_folder, look_into_file, search);
	(void)disk->close(disk->context, search->host_folder);
	note_error(search, result);
	return result == -ENOMEM ? result : 0;
}

static const struct vote *find_winner(const struct search *search)
{
	const struct vote *winner = NULL;

	for (size_t i = 0; i < search->n_votes; i++) {
		const struct vote *vote = &search->votes[i];

		if (!winner || vote->n > winner->n ||
		    (vote->n == winner->n && vote->newest > winner->newest))
			winner = vote;
	}
	return winner;
}

/* Find an id among the segments, or else among the files. @return 1: found; 0; -errno */
static int find_id(const struct disk *disk, int folder, int log_folder, uint8_t *ret_id)
{
	struct search search = {.disk = disk, .folder = log_folder};
	const char *what = "segments of the log";
	const struct vote *winner;
	int result = disk->list(disk->context, log_folder, look_into_segment, &search);

	if (result == 0 && search.n_votes == 0) {
		what = "hosts' files";
		search.folder = disk->open(disk->context, folder, "hosts", O_RDONLY | O_DIRECTORY);
		if (search.folder >= 0) {
			result = disk->list(disk->context, search.folder, look_into_host, &search);
			(void)disk->close(disk->context, search.folder);
		} else if (search.folder != -ENOENT) {
			result = search.folder;
		}
	}
	winner = find_winner(&search);
	/* Another id would make strangers of all that is there. */
	if (result == 0 && !winner)
		result = search.error;
	if (result == 0 && winner) {
		memcpy(ret_id, winner->id, HM_ID_BYTES);
		message_warning(
			"the id of the store is lost; %zu of %zu %s have the same one, which "
			"is taken",
			winner->n, search.n_all, what);
		result = 1;
	}
	free(search.votes);
	return result;
}

/* Is it lost, and not only hard to read now? */
static bool is_lost(int result)
{
	return disk_is_damage(result) || result == -ENOENT || result == -EISDIR ||
	       result == -EINVAL || result == -ELOOP || result == -ENXIO;
}

int store_id_get(const struct disk *disk, int folder, int log_folder,
		 uint8_t ret_id[static HM_ID_BYTES])
{
	int result = store_id_read(disk, folder, ret_id);
	int written;

	if (!is_lost(result))
		return result;
	result = find_id(disk, folder, log_folder, ret_id);
	if (result == 0)
		result = disk->random(disk->context, ret_id, HM_ID_BYTES);
	if (result < 0)
		return result;
	written = write_file(disk, folder, ret_id);
	if (written == -ENOMEM)
		return written;
	if (written < 0)
		message_warning("the id of the store cannot be written: %s", strerror(-written));
	return 0;
}
