/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_LOOKUP_H
#define COLLECTOR_LOOKUP_H

/*
 * Files and their series in the engine's catalog. Its mutex is held for some of them at a time. What is
 * listed is borrowed from the engine; only fields marked "fixed" may be read.
 */

#include <stddef.h>

#include "collector/engine.h"

/*
 * List files, in no order, those of one host and series after series as they came mostly beside each other.
 * @param metric     of this metric only, which are found without looking at all others; NULL: of all
 * @param ret_files  to be freed by the caller
 * @return 0 or -ENOMEM
 */
int lookup_files(struct engine *engine, const char *metric, struct catalog_file ***ret_files,
		 size_t *ret_n);

/* List all series of files, those of one beside each other. @param ret_series  to be freed by the caller
 * @return 0 or -ENOMEM */
int lookup_series(struct engine *engine, struct catalog_file *const *files, size_t n_files,
		  struct catalog_series ***ret_series, size_t *ret_n);

#endif
