/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_STORE_ID_H
#define COLLECTOR_STORE_ID_H

/* The random id of a store, by which its files know that they belong together; in <store>/id. */

#include <stdint.h>

#include "common/disk.h"
#include "hostmetrics/format.h"

/* Read the id from its file. @return 0 or -errno */
int store_id_read(const struct disk *disk, int folder, uint8_t ret_id[static HM_ID_BYTES]);

/*
 * The same. Where its file is missing or damaged, the id that most segments of the log have counts, of
 * equally many the one of the newest; without any, that of most hosts' files. Without these the store is
 * new and gets one, unless something could not be read that may have it. What was found is told, and written; where that fails it will be found again.
 * @param folder      the store's
 * @param log_folder  the log's
 * @return 0 or -errno
 */
int store_id_get(const struct disk *disk, int folder, int log_folder,
		 uint8_t ret_id[static HM_ID_BYTES]);

#endif
