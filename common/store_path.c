/* SPDX-License-Identifier: MIT */
/* What the path of a file below hosts/ says of it. */

#include "common/store_path.h"

#include <errno.h>
#include <string.h>

#include "common/crc32c.h"

uint32_t store_path_salt(const uint8_t *store_id, const char *folder, const char *name)
{
	uint32_t crc = crc32c(0, store_id, HM_ID_BYTES);

	crc = crc32c(crc, folder, strlen(folder));
	crc = crc32c(crc, "/", 1);
	return crc32c(crc, name, strlen(name));
}

static bool is_host_file(const char *name)
{
	return strcmp(name, STORE_PATH_HOST_FILE) == 0;
}

/* What the name of a metric's file says. @return 0 or -EINVAL */
static int expect_metric(struct store_path *path, const char *name)
{
	struct file_name says;
	int length = file_name_parse(name, &says);

	if (length == 0)
		length = file_name_unescape(says.metric, says.metric_length, path->metric);
	if (length < 0)
		return length;
	path->header.metric_length = (size_t)length;
	path->header.part = says.part;
	path->header.continues_bytes = says.continues_bytes;
	path->header.type = says.is_odd ? HM_FILE_ODD : HM_FILE_METRIC;
	return 0;
}

int store_path_expect(struct store_path *path, const uint8_t *store_id, const char *folder,
		      const char *name)
{
	int length = file_name_unescape(folder, file_name_folder_base(folder), path->host);

	if (length < 0)
		return length;
	path->metric[0] = '\0';
	path->header = (struct store_file_header){
		.store_id = store_id,
		.salt = store_path_salt(store_id, folder, name),
		.type = HM_FILE_HOST,
		.host = path->host,
		.host_length = (size_t)length,
		.metric = path->metric,
		.unit = "",
	};
	return is_host_file(name) ? 0 : expect_metric(path, name);
}

static bool is_name(const char *name, size_t length, const char *escaped, size_t escaped_length)
{
	char again[FILE_NAME_MAX_BYTES];

	file_name_escape(name, length, again);
	return strlen(again) == escaped_length && memcmp(again, escaped, escaped_length) == 0;
}

bool store_path_fits(const char *folder, const char *name, const struct store_file_header *header)
{
	struct file_name says;

	if (!is_name(header->host, header->host_length, folder, file_name_folder_base(folder)))
		return false;
	if (is_host_file(name))
		return header->type == HM_FILE_HOST;
	return file_name_parse(name, &says) == 0 &&
	       is_name(header->metric, header->metric_length, says.metric, says.metric_length) &&
	       header->part == says.part && header->continues_bytes == says.continues_bytes &&
	       header->type == (says.is_odd ? HM_FILE_ODD : HM_FILE_METRIC);
}
