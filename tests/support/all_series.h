/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_ALL_SERIES_H
#define TESTS_SUPPORT_ALL_SERIES_H

/* What an engine has, for tests. */

#include <stddef.h>

#include "collector/engine.h"

/*
 * All series, in the order in which they came. @param ret_series  an array, to be freed by the caller, of what is
 * borrowed from the engine; only fields marked "fixed" may be read
 * @return 0 or -ENOMEM
 */
int all_series_list(struct engine *engine, struct catalog_series ***ret_series, size_t *ret_n);

#endif
