/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_GROUP_MESSAGES_H
#define COLLECTOR_GROUP_MESSAGES_H

/* What a group has of hosts beside their samples: for struct tail_take, while a host is added. */

#include "collector/group.h"
#include "common/store_file.h"

struct engine;

/* @param context  the group. @return 0 or -ENOMEM */
int group_add_mark(void *context, struct epoch *epoch, const struct epoch_mark *mark);
int group_add_message(void *context, const struct log_record *record);

/* What is lost of the range that the tail found; and of a record that it could not decode.
 * @return 0 or -errno */
int group_add_holes(struct group *group, struct tail *tail);
int group_add_undecodable(struct group *group, struct tail *tail, uint64_t position);

/* What a SCHEDULE says. @param key  of the catalog. @return with a hash of 0: the message is none */
struct catalog_schedule group_get_schedule(const struct hash_key *key,
					   const struct store_file_message *message);

/*
 * Append the blocks that a host's own file gets: its epochs' marks, and its messages. A SCHEDULE holds until
 * another one comes: one that says what the file's last one does, of a later time, is left out, so that an agent which
 * starts often does not have it written each time.
 * @param is_first  the file is made: it says of all epochs what the one before said
 * @return as store_file_end_block()
 */
int group_put_messages(const struct group *group, const struct group_file *file, bool is_first,
		       struct engine *engine, struct buffer *out);

#endif
