/* SPDX-License-Identifier: MIT */
/* Which values of [agent] can be used. */

#include "agent/settings_check.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "common/byte_size.h"
#include "common/privilege.h"
#include "common/text.h"
#include "hostmetrics/wire.h"

#define HOSTNAME_RULE "must be 1 to 200 bytes of UTF-8 without control bytes"
#define SPOOL_RULE    "must be a path"
#define SIZE_RULE     "must be 32M to 1T"
#define SOCKET_RULE   "must be a path of 1 to 107 bytes"
#define USER_RULE     "is no user of this system"

bool settings_is_interval(int64_t interval_us)
{
	return interval_us >= SETTINGS_INTERVAL_MIN_US && interval_us <= SETTINGS_INTERVAL_MAX_US;
}

bool settings_is_host_name(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length <= HM_HOST_NAME_MAX_BYTES && text_is_clean(name, length);
}

static bool is_socket_path(const char *path)
{
	return *path && strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

static bool is_spool_size(const char *text)
{
	uint64_t n_bytes;

	return byte_size_parse(text, &n_bytes) == 0 && n_bytes >= SETTINGS_SPOOL_MIN_BYTES &&
	       n_bytes <= SETTINGS_SPOOL_MAX_BYTES;
}

static bool is_user(const char *name)
{
	struct privilege privilege;

	return !*name || privilege_find(name, &privilege) != -ENOENT;
}

static const char *find_spool_fault(const struct settings *settings,
				    const struct config_entry *entry)
{
	if (strcmp(entry->key, "spool") == 0)
		return *settings->spool ? NULL : SPOOL_RULE;
	if (strcmp(entry->key, "spool_size") == 0)
		return is_spool_size(settings->spool_size) ? NULL : SIZE_RULE;
	return NULL;
}

const char *settings_find_fault(const struct settings *settings, const struct config_entry *entry)
{
	if (strcmp(entry->key, "interval") == 0)
		return settings_is_interval(settings->interval_us) ? NULL : SETTINGS_INTERVAL_RULE;
	if (strcmp(entry->key, "ship_interval") == 0)
		return settings_is_interval(settings->ship_interval_us) ? NULL
									: SETTINGS_INTERVAL_RULE;
	if (strcmp(entry->key, "hostname") == 0)
		return !*entry->value || settings_is_host_name(entry->value) ? NULL : HOSTNAME_RULE;
	if (strcmp(entry->key, "socket") == 0)
		return is_socket_path(entry->value) ? NULL : SOCKET_RULE;
	if (strcmp(entry->key, "user") == 0)
		return is_user(entry->value) ? NULL : USER_RULE;
	return find_spool_fault(settings, entry);
}
