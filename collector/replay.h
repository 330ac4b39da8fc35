/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_REPLAY_H
#define COLLECTOR_REPLAY_H

struct engine;
struct withheld;

/*
 * Note what the log has of each host beyond its files: last samples, and their number. Damage is
 * counted. At start, behind the loader.
 * @param ret_withheld  what the disk did not give, which counts as damaged
 * @return 0; -ENOMEM; -errno
 */
int replay_run(struct engine *engine, struct withheld *ret_withheld);

#endif
