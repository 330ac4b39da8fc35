/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_LOCALHOST_H
#define TESTS_SUPPORT_LOCALHOST_H

#include <stdbool.h>

/* Does this system know the name "localhost"? A bare one has no /etc/hosts. */
bool localhost_is_known(void);

#endif
