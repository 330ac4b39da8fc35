/* SPDX-License-Identifier: MIT */
/* `agentctl check`: which parts of a metric's file count, and how much of each. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ctl/check_part.h"
#include "common/file_front.h"
#include "common/file_reader.h"

static bool is_damaged(int result)
{
	return result == -EINVAL || result == -EBADMSG;
}

/* Begin behind a damaged header. @return 0; as file_reader_pass_header() */
static int pass_header(const struct check *check, const struct check_file *file,
		       struct file_reader *reader)
{
	char folder[FILE_NAME_METRIC_BYTES];

	/* The id is in the salt. */
	if (!check->has_id || file->folder_length >= sizeof(folder) || reader->length_bytes == 0)
		return -ENODATA;
	memcpy(folder, file->path, file->folder_length);
	folder[file->folder_length] = '\0';
	return file_reader_pass_header(reader,
				       store_path_salt(check->id, folder, check_file_name(file)));
}

static bool fits(const struct check_file *file, const struct store_file_header *header)
{
	char folder[FILE_NAME_METRIC_BYTES];

	/* A host's own file is what it is by its name. */
	if (strcmp(check_file_name(file), STORE_PATH_HOST_FILE) == 0)
		return true;
	if (file->folder_length >= sizeof(folder))
		return false;
	memcpy(folder, file->path, file->folder_length);
	folder[file->folder_length] = '\0';
	return store_path_fits(folder, check_file_name(file), header);
}

const char *check_file_name(const struct check_file *file)
{
	return file->path + file->folder_length + 1;
}

int check_begin_file(const struct check *check, const struct check_file *file, int fd,
		     struct file_reader *reader, bool *ret_is_headless)
{
	uint64_t length_bytes =
		file->length_bytes < file->limit_bytes ? file->length_bytes : file->limit_bytes;
	struct store_file_header header;
	int result;

	*ret_is_headless = false;
	*reader = (struct file_reader){.passes_bad_sectors = true};
	result = file_reader_init(reader, &disk_kernel, fd, length_bytes, &header);
	if (is_damaged(result)) {
		int found = pass_header(check, file, reader);

		*ret_is_headless = found == 0;
		return found == -ENODATA ? result : found;
	}
	if (result == 0 && check_is_foreign(check, header.store_id))
		return -EREMOTE;
	return result == 0 && !fits(file, &header) ? -EXDEV : result;
}

/* Is a file for certain not what its path says? */
static bool is_none(int result)
{
	return is_damaged(result) || result == -ELOOP || result == -ENXIO || result == -EXDEV ||
	       result == -EREMOTE;
}

/* Does the file say that of the parts before it nothing counts? */
static bool has_front(const struct check *check, int hosts, const struct check_file *file,
		      struct file_reader *reader)
{
	const struct check_host *host = check_find_host(check, hosts, file);
	bool has_front = false;

	(void)file_front_seek(reader, host ? host->checkpoint : UINT64_MAX, &has_front);
	return has_front;
}

/* Does what a file's name says count? Also where it cannot be read. */
static bool counts(const struct check *check, int hosts, struct check_file *file)
{
	struct file_reader reader = {0};
	bool is_headless;
	int fd = disk_kernel.open(NULL, hosts, file->path, O_RDONLY);
	int result;

	if (fd < 0)
		return !is_none(fd);
	result = check_begin_file(check, file, fd, &reader, &is_headless);
	if (result == 0)
		file->has_front = has_front(check, hosts, file, &reader);
	file_reader_done(&reader);
	(void)disk_kernel.close(NULL, fd);
	return !is_none(result);
}

static bool is_one_folder(const struct check_file *a, const struct check_file *b)
{
	return a->folder_length == b->folder_length &&
	       memcmp(a->path, b->path, a->folder_length) == 0;
}

/* By folder; then as the parts of a file are looked at. */
static int compare_parts(const void *left, const void *right)
{
	const struct check_file *a = *(struct check_file *const *)left;
	const struct check_file *b = *(struct check_file *const *)right;
	size_t shorter = a->folder_length < b->folder_length ? a->folder_length : b->folder_length;
	int order = memcmp(a->path, b->path, shorter);

	if (order == 0 && a->folder_length != b->folder_length)
		order = a->folder_length < b->folder_length ? -1 : 1;
	return order ? order : file_name_compare(&a->says, &b->says);
}

/* Judge the parts of one file, the last one first. */
static void judge(const struct check *check, int hosts, struct check_file *const *files, size_t n)
{
	const struct file_name *behind = NULL;
	bool is_left = false;
	uint32_t below = files[n - 1]->says.part;
	size_t n_far = n;

	while (n_far > 0 && !file_name_is_far(files[n_far - 1]->says.part, below))
		below = files[--n_far]->says.part;
	for (size_t i = 0; i < n_far; i++)
		files[i]->refusal = -ERANGE;
	for (size_t i = n_far; i < n; i++) {
		struct check_file *file = files[i];
		bool is_followed = behind && behind->part == file->says.part + 1;

		if (behind && behind->part == file->says.part) {
			file->refusal = -EEXIST;
			continue;
		}
		if (is_followed)
			file->limit_bytes = behind->continues_bytes;
		/* Not even a header is nothing. */
		if (is_left || file->limit_bytes <= sizeof(struct hm_file_header))
			file->limit_bytes = 0;
		/* Before a part there was one of that number, whatever is in its place now. */
		if (file->limit_bytes == 0 || counts(check, hosts, file) || is_followed)
			behind = &file->says;
		is_left |= file->has_front;
	}
}

int check_judge_parts(struct check *check, int hosts)
{
	struct check_file **files = calloc(check->n_files + 1, sizeof(struct check_file *));
	size_t n_files = 0;
	size_t n = 0;

	if (!files)
		return -ENOMEM;
	for (size_t i = 0; i < check->n_files; i++) {
		struct check_file *file = &check->files[i];

		if (file_name_parse(check_file_name(file), &file->says) == 0)
			files[n_files++] = file;
	}
	if (n_files > 0)
		qsort(files, n_files, sizeof(struct check_file *), compare_parts);
	for (size_t first = 0; first < n_files; first += n) {
		n = 1;
		while (first + n < n_files && is_one_folder(files[first], files[first + n]) &&
		       file_name_is_one(&files[first]->says, &files[first + n]->says))
			n++;
		/* One that is alone, and no part, needs no look at it. */
		if (n > 1 || files[first]->says.part > 0)
			judge(check, hosts, &files[first], n);
	}
	free(files);
	return 0;
}
