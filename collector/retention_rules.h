/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_RETENTION_RULES_H
#define COLLECTOR_RETENTION_RULES_H

/* What the section [retention] says: for how long samples of which hosts are kept, and up to which size. */

#include <stddef.h>
#include <stdint.h>

#include "common/config.h"

/* The key whose values count for hosts that no pattern takes. */
#define RETENTION_DEFAULT "default"

/* The key of the limit for all hosts together. */
#define RETENTION_MAX_SIZE "max_size"

/* No rule. */
#define RETENTION_NONE SIZE_MAX

/* One value of a line. */
struct retention_rule {
	char *glob;           /* of hosts, or one of the keys above */
	int64_t age_us;       /* 0: the rule is about the size */
	uint64_t limit_bytes; /* of the files of all hosts that it takes, together */
};

/* In the order of the file. Zeroed = none. */
struct retention_rules {
	struct retention_rule *at;
	size_t n;
	size_t capacity;
};

/*
 * Read a section of `PATTERN = AGE and/or SIZE` into one text: what retention_rules_parse() takes.
 * @param ret_text  owned by the caller, or NULL; what was there is released; unchanged on failure
 * @return 0; -ENOMEM; -EINVAL with *error set
 */
int retention_rules_read(const struct config *config, const char *section, char **ret_text,
			 struct config_error *error);

/* @param text  of retention_rules_read(), or NULL. @return 0 or -ENOMEM, with no rules then */
int retention_rules_parse(const char *text, struct retention_rules *ret_rules);

void retention_rules_done(struct retention_rules *rules);

/* How long a host's samples are kept: by the first rule with an age that takes it, else the default.
 * @return 0: for ever */
int64_t retention_rules_age(const struct retention_rules *rules, const char *host);

/* Which rule limits the size of a host's files, together with those of others: the first one with a size
 * that takes it, else the default. @return its place, or RETENTION_NONE. Never max_size's, which is for all */
size_t retention_rules_size(const struct retention_rules *rules, const char *host);

#endif
