/* SPDX-License-Identifier: MIT */
/* The folder of the spool, and what is done without one. */

#include "agent/outlet_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/host_id.h"
#include "agent/spool_folder.h"
#include "common/byte_size.h"
#include "common/disk.h"
#include "common/message.h"

/* So often, five seconds apart, a segment that the disk does not give is asked for. */
#define UNREAD_TRIES 12

static uint64_t spool_bytes(const struct settings *settings)
{
	uint64_t n_bytes = SPOOL_MAX_BYTES;

	(void)byte_size_parse(settings->spool_size, &n_bytes);
	return n_bytes;
}

void outlet_folder_close(struct outlet *outlet)
{
	if (outlet->folder >= 0)
		(void)close(outlet->folder);
	if (outlet->lock >= 0)
		(void)close(outlet->lock);
	outlet->folder = -1;
	outlet->lock = -1;
}

int outlet_folder_open_spool(const struct outlet *outlet, bool awaits_segments,
			     struct spool **ret_spool)
{
	const struct settings *settings = outlet->settings;
	struct spool_options options = {
		.disk = &disk_kernel,
		.folder = outlet->folder,
		.segment_bytes = SPOOL_SEGMENT_BYTES,
		.max_bytes = spool_bytes(settings),
		.max_age_us = settings->spool_age_us,
		.max_memory_bytes = SPOOL_MEMORY_MAX_BYTES,
		.awaits_segments = awaits_segments,
		.host_name = {settings->hostname, strlen(settings->hostname)},
	};

	memcpy(options.host_id, outlet->host_id, HM_ID_BYTES);
	return spool_open(&options, ret_spool);
}

/* Open the folder, and find the id of the host. @return 0 or -errno: the id is as it was */
static int open_folder(struct outlet *outlet)
{
	struct host_id_machine machine;
	int folder = spool_folder_open(outlet->settings->spool, &outlet->lock);
	int result;

	if (folder < 0)
		return folder;
	outlet->folder = folder;
	host_id_read_machine(HOST_ID_MACHINE_PATH, &machine);
	result = host_id_find(folder, &machine, outlet->host_id, outlet->host_id);
	if (result < 0)
		outlet_folder_close(outlet);
	return result;
}

static const char *folder_problem(int error)
{
	switch (error) {
	case -EPERM:
		return "it is another user's";
	case -EACCES:
		return "others may write to it, or it may not be opened";
	case -EBUSY:
		return "another agent uses it";
	default:
		return strerror(-error);
	}
}

/* @return 0 or -errno: not even without a folder */
static int find_folder(struct outlet *outlet)
{
	struct host_id_machine machine;
	int result;

	host_id_read_machine(HOST_ID_MACHINE_PATH, &machine);
	result = host_id_make(&machine, outlet->settings->spool, outlet->settings->hostname,
			      outlet->host_id);
	if (result < 0)
		return result;
	result = open_folder(outlet);
	if (result == 0)
		return 0;
	message_warning("spool %s: %s; samples wait in memory until it can be used",
			outlet->settings->spool, folder_problem(result));
	outlet->is_memory_told = true;
	return 0;
}

/* What the disk does not give now it may give in a while; a segment that is lost must not keep the others, and all that is
 * taken, from the disk for ever. */
static int try_spool(struct outlet *outlet, struct spool **ret_spool)
{
	int result = outlet_folder_open_spool(outlet, outlet->n_unread < UNREAD_TRIES, ret_spool);

	outlet->n_unread += result == -EIO;
	return result;
}

/* @return 0 or -errno: not even without a folder */
static int open_first_spool(struct outlet *outlet)
{
	int result = try_spool(outlet, &outlet->spool);

	if (result == 0 || result == -ENOMEM || outlet->folder < 0)
		return result;
	message_warning(
		"spool %s: what is in it cannot be read: %s; samples wait in memory until it can",
		outlet->settings->spool, strerror(-result));
	outlet->is_memory_told = true;
	outlet_folder_close(outlet);
	return outlet_folder_open_spool(outlet, false, &outlet->spool);
}

/* Write into the folder from now on. @return 0 or -errno: all goes on in memory */
static int use_folder(struct outlet *outlet)
{
	struct recorder *recorder = NULL;
	struct spool *spool = NULL;
	struct spool_status status;
	int result = try_spool(outlet, &spool);

	/* What was taken up to now stays in memory, in whole batches. */
	if (result == 0)
		recorder_ship(outlet->recorder);
	spool_get_status(outlet->spool, &status);
	if (result == 0 && status.n_ticks > 0)
		result = -ENOMEM;
	if (result == 0)
		result = recorder_new(spool, outlet->boot_id, &recorder);
	if (result < 0) {
		spool_free(spool);
		return result;
	}
	recorder_free(outlet->recorder);
	outlet->recorder = recorder;
	outlet->in_memory = outlet->spool;
	outlet->spool = spool;
	return 0;
}

int outlet_folder_begin(struct outlet *outlet)
{
	int result = find_folder(outlet);

	return result == 0 ? open_first_spool(outlet) : result;
}

int outlet_folder_try(struct outlet *outlet)
{
	uint8_t id_before[HM_ID_BYTES];
	int result;

	memcpy(id_before, outlet->host_id, HM_ID_BYTES);
	(void)spool_folder_make(outlet->settings->spool, (uid_t)-1, (gid_t)-1);
	result = open_folder(outlet);
	if (result < 0)
		return result;
	result = use_folder(outlet);
	if (result < 0) {
		if (result != outlet->retry_error)
			message_error("spool %s: cannot go on there: %s; it is tried again",
				      outlet->settings->spool, strerror(-result));
		memcpy(outlet->host_id, id_before, HM_ID_BYTES);
		outlet_folder_close(outlet);
	}
	outlet->retry_error = result;
	return result;
}

/* Does what is written now have the host's name? */
static bool has_hostname(const struct outlet *outlet)
{
	const char *hostname = outlet->settings->hostname;
	struct spool_epoch_info info = {.last = 0};

	for (size_t i = 0; spool_get_epoch(outlet->spool, i, &info) == 0; i++)
		;
	return info.host_name.length == strlen(hostname) &&
	       memcmp(info.host_name.start, hostname, info.host_name.length) == 0;
}

/* Open the spool again; where that cannot be now, one without a folder, which is tried again. @return 0 or -errno */
static int reopen_spool(struct outlet *outlet)
{
	int result;

	spool_free(outlet->spool);
	outlet->spool = NULL;
	result = outlet_folder_open_spool(outlet, true, &outlet->spool);
	if (result < 0) {
		message_warning("spool %s: cannot open it again: %s; samples wait in memory until "
				"it can be used",
				outlet->settings->spool, strerror(-result));
		outlet->is_memory_told = true;
		outlet_folder_close(outlet);
		result = outlet_folder_open_spool(outlet, false, &outlet->spool);
	}
	return result;
}

void outlet_folder_rename_host(struct outlet *outlet)
{
	struct spool_status status;
	int result;

	if (has_hostname(outlet))
		return;
	recorder_ship(outlet->recorder);
	(void)spool_retry(outlet->spool);
	spool_get_status(outlet->spool, &status);
	if (status.is_in_memory) {
		message_warning("the host keeps its name until the spool can be written");
		return;
	}
	result = reopen_spool(outlet);
	if (result == 0)
		result = recorder_use_spool(outlet->recorder, outlet->spool);
	if (result < 0) {
		message_error("cannot open the spool again: %s", strerror(-result));
		_exit(EXIT_FAILURE);
	}
	if (!outlet->in_memory)
		uplink_use_spool(outlet->uplink, outlet->spool);
}
