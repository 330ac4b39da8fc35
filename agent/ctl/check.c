/* SPDX-License-Identifier: MIT */
/* `agentctl check [STORE]`: every checksum of a collector's store. */

#include "agent/ctl/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/ctl/ask.h"
#include "agent/ctl/check_part.h"
#include "common/disk.h"
#include "common/message.h"
#include "common/store_file.h"

#define PROGRESS_US INT64_C(200000)

static const struct answer_columns columns = {
	.n = 6,
	.at =
		{
			{"file", ANSWER_TEXT},
			{"offset", ANSWER_NUMBER},
			{"length", ANSWER_NUMBER},
			{"since", ANSWER_TIME},
			{"until", ANSWER_TIME},
			{"lost", ANSWER_TEXT},
		},
};

/* Take the line of the progress away, so that something else can be said. */
static void clear_progress(const struct check *check)
{
	if (check->progress_us != 0)
		(void)fputs("\r\033[K", stderr);
}

int check_tell(struct check *check, const struct check_damage *damage)
{
	char numbers[4][24];
	struct buffer file = {0};
	const char *words[] = {NULL, numbers[0], numbers[1], NULL, NULL, damage->lost};
	int result;

	buffer_printf(&file, "%s%s%s", damage->folder ? damage->folder : "",
		      damage->folder ? "/" : "", damage->path);
	words[0] = buffer_text(&file);
	(void)snprintf(numbers[0], sizeof(numbers[0]), "%" PRIu64, damage->offset);
	(void)snprintf(numbers[1], sizeof(numbers[1]), "%" PRIu64, damage->length_bytes);
	(void)snprintf(numbers[2], sizeof(numbers[2]), "%" PRId64, damage->since_us);
	(void)snprintf(numbers[3], sizeof(numbers[3]), "%" PRId64, damage->until_us);
	if (damage->since_us != INT64_MIN)
		words[3] = numbers[2];
	if (damage->until_us != INT64_MIN)
		words[4] = numbers[3];
	check->n_damaged++;
	check->damaged_bytes += damage->length_bytes;
	clear_progress(check);
	result = output_row(&check->output, (char **)(uintptr_t)words);
	buffer_done(&file);
	return result;
}

void check_say(struct check *check, const char *folder, const char *path, const char *what)
{
	clear_progress(check);
	message_warning("%s/%s: %s", folder, path, what);
}

void check_skip(struct check *check, const char *folder, const char *path, int error)
{
	const char *slash = *path ? "/" : "";

	/* One that has gone meanwhile is none any more. */
	if (error == -ENOENT)
		return;
	clear_progress(check);
	if (error == -ENOTSUP) {
		message_error("%s%s%s is of another version of hostmetrics", folder, slash, path);
	} else if (error == -EREMOTE) {
		message_error("%s%s%s is of another store: none of it counts", folder, slash, path);
	} else if (error == -EXDEV) {
		message_error("%s%s%s holds another host, metric or part than its path says: none "
			      "of it counts",
			      folder, slash, path);
	} else if (error == -EEXIST) {
		message_error("%s%s%s: another file is this part: none of it counts", folder, slash,
			      path);
	} else if (error == -ERANGE) {
		message_error("%s%s%s: its number is far above all others: none of it counts",
			      folder, slash, path);
	} else {
		message_error("cannot read %s%s%s: %s", folder, slash, path, strerror(-error));
	}
	check->n_unread++;
}

void check_show_progress(struct check *check, const char *folder, size_t done, size_t all)
{
	int64_t now_us;

	if (!check->shows_progress)
		return;
	now_us = disk_kernel.monotonic_us(NULL);
	if (now_us - check->progress_us < PROGRESS_US)
		return;
	check->progress_us = now_us;
	(void)fprintf(stderr, "\r%s: %zu of %zu files\033[K", folder, done, all);
}

bool check_is_foreign(const struct check *check, const uint8_t *store_id)
{
	return check->has_id && memcmp(check->id, store_id, HM_ID_BYTES) != 0;
}

/* Without its own file the id stands in all others: nothing is lost. */
static int check_id(struct check *check)
{
	static const struct check_damage damage = {
		.path = STORE_FILE_ID_NAME,
		.since_us = INT64_MIN,
		.until_us = INT64_MIN,
		.lost = "nothing: the id of the store, which other files say as well",
	};
	struct buffer bytes = {0};
	int result = disk_read_file(&disk_kernel, check->store, STORE_FILE_ID_NAME,
				    STORE_FILE_ID_BYTES, &bytes);

	if (result == 0)
		result = store_file_get_id((const uint8_t *)bytes.data, bytes.length, check->id);
	buffer_done(&bytes);
	check->has_id = result == 0;
	if (result == 0 || result == -ENOENT || result == -ENOMEM)
		return result == -ENOENT ? 0 : result;
	return check_tell(check, &damage);
}

static int check_all(struct check *check)
{
	int result = output_begin(&check->output, &columns);

	if (result == 0)
		result = check_id(check);
	if (result == 0)
		result = check_list_files(check);
	if (result == 0)
		result = check_log(check);
	if (result == 0)
		result = check_files(check);
	return result;
}

static void say_summary(const struct check *check)
{
	clear_progress(check);
	message_info("%zu files of %zu hosts in the log, %" PRIu64 " blocks, %" PRIu64
		     " samples; %" PRIu64 " segments, %" PRIu64 " records; %" PRIu64 " bytes",
		     check->n_files, check->n_hosts, check->n_blocks, check->n_samples,
		     check->n_segments, check->n_records, check->n_bytes);
	if (check->unconfirmed_bytes > 0)
		message_info("%" PRIu64 " bytes are not yet confirmed: no damage, and not promised",
			     check->unconfirmed_bytes);
	if (check->n_damaged > 0)
		message_info("%" PRIu64 " damaged ranges, %" PRIu64 " bytes", check->n_damaged,
			     check->damaged_bytes);
	if (check->n_unread > 0)
		message_info("%" PRIu64 " files could not be checked", check->n_unread);
	if (check->n_damaged == 0 && check->n_unread == 0)
		message_info("all of it is whole");
}

static int conclude(struct check *check, const char *path, int error)
{
	int output_error = check->output.has_columns ? output_end(&check->output) : 0;

	if (output_error < 0)
		return ask_unwritable(output_error);
	if (error < 0) {
		clear_progress(check);
		message_error("cannot check %s: %s", path, strerror(-error));
		return ENDING_USAGE;
	}
	say_summary(check);
	if (check->n_damaged > 0)
		return ENDING_FAILED;
	return check->n_unread > 0 ? ENDING_USAGE : ENDING_FOUND;
}

static void check_done(struct check *check)
{
	for (size_t i = 0; i < check->n_files; i++)
		free(check->files[i].path);
	free(check->files);
	free(check->hosts);
	free(check->pending);
	free(check->ids);
	block_decoder_free(check->decoder);
	output_done(&check->output);
	if (check->store >= 0)
		(void)close(check->store);
}

int check_store(const struct options *options, const char *path, FILE *file)
{
	struct check check = {.decoder = block_decoder_new(),
			      .shows_progress = isatty(STDERR_FILENO) == 1};
	int error = 0;
	int ending;

	output_init(&check.output, options->format ? options->format : &output_table, file);
	check.store = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (check.store < 0)
		error = -errno;
	else if (!check.decoder)
		error = -ENOMEM;
	if (error == 0)
		error = check_all(&check);
	ending = conclude(&check, path, error);
	check_done(&check);
	return ending;
}

/* -- where the store is ---------------------------------------------------------------------------- */

struct status {
	size_t column; /* of the store's folder, or beyond all */
	char *store;
};

static int take_columns(void *context, const struct answer_columns *found)
{
	struct status *status = context;

	status->column = answer_find(found, "store");
	if (status->column == found->n)
		status->column = SIZE_MAX;
	return 0;
}

static int take_row(void *context, char *const words[])
{
	struct status *status = context;

	if (status->column == SIZE_MAX || status->store || !words[status->column])
		return 0;
	status->store = strdup(words[status->column]);
	return status->store ? 0 : -ENOMEM;
}

static int take_note(void *context, const char *text)
{
	(void)context;
	(void)text;
	return 0;
}

/* Ask the collector for its store. @param ret_store  owned by the caller, NULL = none
 * @return an enum ending */
static int ask_store(const struct options *options, char **ret_store)
{
	static const struct answer_handler handler = {
		.columns = take_columns, .row = take_row, .note = take_note};
	struct buffer request = {0};
	struct status status = {.column = SIZE_MAX};
	struct target target;
	struct answer answer;
	int result;

	target_init(&target, VERB_COLLECTOR, options->socket);
	result = target_open(&target);
	if (result < 0)
		return ask_unreachable(&target, result);
	buffer_append_text(&request, "status\n");
	answer_init(&answer, &handler, &status);
	result = buffer_failed(&request) ? -ENOMEM
					 : client_ask(&target.client, &request, &answer, NULL);
	answer_done(&answer);
	buffer_done(&request);
	target_close(&target);
	if (result < 0)
		return ask_unreachable(&target, result);
	if (!status.store) {
		message_error("%s names no store: give its folder", target.path);
		return ENDING_USAGE;
	}
	*ret_store = status.store;
	return ENDING_FOUND;
}

int check_run(const struct options *options)
{
	char *store = NULL;
	int ending;

	if (options->argument)
		return check_store(options, options->argument, stdout);
	ending = ask_store(options, &store);
	if (ending == ENDING_FOUND && store)
		ending = check_store(options, store, stdout);
	free(store);
	return ending;
}
