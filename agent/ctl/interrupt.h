/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_INTERRUPT_H
#define AGENT_CTL_INTERRUPT_H

/* Ctrl-C and SIGTERM as something to be looked at, so that what has begun is ended whole. */

#include <stdbool.h>

#include "agent/ctl/client.h"

struct interrupt {
	int fd;      /* -1 = signals do what they always do */
	bool is_set; /* one has come */
};

/* From now on the two signals only set it. Where that cannot be had they end the process. */
void interrupt_open(struct interrupt *interrupt);

/* Has one come? */
bool interrupt_look(struct interrupt *interrupt);

/* While something may block that does not look: the signals end the process. */
void interrupt_permit(const struct interrupt *interrupt, bool may_end);

/* For client_ask(), borrowing it: the answer that is waited for is given up. */
struct client_interrupt interrupt_of_client(struct interrupt *interrupt);

/* The signals stay blocked: the process is about to end. */
void interrupt_close(struct interrupt *interrupt);

#endif
