/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_GROUP_MESSAGES_H
#define COLLECTOR_GROUP_MESSAGES_H

/* What a group has of agents beside their samples: for struct tail_take, while a host is added. */

#include "collector/group.h"

/* @param context  the group. @return 0 or -ENOMEM */
int group_add_mark(void *context, struct epoch *epoch, const struct epoch_mark *mark);
int group_add_message(void *context, const struct log_record *record);

/*
 * Append the blocks that a host's own file gets: its epochs' marks, and its messages.
 * @param mutex     of the catalog
 * @param is_first  the file is made: it says of all epochs what the one before said
 * @return as store_file_end_block()
 */
int group_put_messages(const struct group *group, const struct group_file *file, bool is_first,
		       pthread_mutex_t *mutex, struct buffer *out);

#endif
