/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_ASKED_H
#define TESTS_SUPPORT_ASKED_H

/* What the collector's verbs answer, without its control socket. */

#include "collector/verbs.h"
#include "common/buffer.h"

/*
 * Ask as the control socket does, and wait for all of the answer. Ends the program when there is no such
 * verb.
 * @param answer  room for it, as it was or zeroed
 * @return its text, borrowed from `answer`
 */
const char *asked_verb(struct verbs *verbs, const char *request, struct buffer *answer);

#endif
