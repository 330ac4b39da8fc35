/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_RECOVERY_H
#define COLLECTOR_RECOVERY_H

/*
 * Reading the store back at start: every metric file's series, kind, unit and last values go into
 * the catalog. Never refuses: what is damaged is told and set aside, never removed.
 */

#include <stdint.h>

#include "collector/catalog.h"

struct recovery_result {
	uint64_t n_bytes;           /* of all files that count */
	uint64_t n_files_aside;     /* renamed to NAME.damaged, or passed over */
	uint64_t n_damaged_ranges;  /* inside files that count */
	uint64_t n_samples_unnamed; /* whose series was declared in a damaged range */
};

/*
 * @param hosts_fd  the folder of the hosts' folders
 * @param catalog   empty
 * @return 0; -ENOMEM; -errno of listing the folder
 */
int recovery_run(int hosts_fd, struct catalog *catalog, struct recovery_result *ret_result);

#endif
