/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

/* Folders that a test may write in: below $HM_TEST_TMP, by default build/tmp. */

/*
 * Make a fresh, empty folder. Ends the program when it cannot.
 * @return its path, short enough that a socket's fits below it; owned by the caller, who gives it to
 * scratch_remove()
 */
const char *scratch_folder(void);

/*
 * Remove a folder that scratch_folder() made, with all below it, and release its path. Refuses (and
 * ends the program) to remove anything else. Takes NULL.
 */
void scratch_remove(const char *path);

#endif
