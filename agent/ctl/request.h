/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CTL_REQUEST_H
#define AGENT_CTL_REQUEST_H

/* What is asked of a daemon, from the command line. */

#include "agent/ctl/options.h"
#include "common/buffer.h"

/* Append the request's line. @return 0; -E2BIG: longer than a daemon takes; -ENOMEM */
int request_format(const struct options *options, struct buffer *out);

#endif
