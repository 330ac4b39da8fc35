/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_STORE_H
#define COLLECTOR_STORE_H

/*
 * Where samples are kept: the engine with a folder that is this daemon's alone, and two threads that
 * drive it. One logs what came in within half a second and syncs it; one moves it into metric files
 * later. Any thread may call anything here but store_open() and store_close().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/bundle.h"
#include "collector/engine.h"
#include "collector/hash.h"
#include "common/wakeup.h"

/* Where the store's lock lies, below its folder. */
#define STORE_PID_FILE "collector.pid"

/* With more than this to be logged, it is logged at once. */
#define STORE_PENDING_MUCH_BYTES ((size_t)2 << 20)

/* With more than this, who brings much and can wait does so, and leaves the room to the others. */
#define STORE_PENDING_BUSY_BYTES ((size_t)8 << 20)

/* With more than this, whoever brings more waits; and with him all others of his reactor. So it is
 * what a flood brings in a second, in which a disk has its pauses. */
#define STORE_PENDING_MAX_BYTES ((size_t)32 << 20)

struct store;

/*
 * Open the store, make it where it is missing, recover it and start its threads. Says itself, as a
 * message, why it cannot.
 * @param segment_bytes  of the log; 0 = the usual size
 * @return 0 or -errno
 */
int store_open(const char *path, uint64_t segment_bytes, struct store **ret_store);

/* Log and sync what is left, end the threads. Nobody may use the store any more. Takes NULL. */
void store_close(struct store *store);

/* What it holds, for queries. Borrowed. */
struct engine *store_engine(struct store *store);

/* The key by which bundles for this store are hashed. */
const struct hash_key *store_hash_key(const struct store *store);

/*
 * Take all samples of a bundle. Waits while too much is to be logged (STORE_PENDING_MAX_BYTES), as on
 * a full disk. Samples that cannot be taken are counted in the bundle's rejects.
 */
void store_append(struct store *store, struct bundle *bundle);

/* The engine has taken messages of agents (collector/intake.h): they are logged within a few milliseconds. */
void store_note_messages(struct store *store);

/*
 * Wait until something that waited was logged, or could not be.
 * @return 0; -ETIMEDOUT; -errno: the store cannot be written at all
 */
int store_wait_commit(struct store *store, int64_t timeout_ms);

/*
 * Who is told, on the committing thread with the engine's mutex held, that messages of agents may be durable; does not
 * wait. NULL = nobody: from then on it is not called.
 */
void store_set_acknowledge(struct store *store, void (*acknowledge)(void *context), void *context);

/*
 * Have all that was taken before logged and synced, and wait for it.
 * @return 0; -ETIMEDOUT: it takes longer than timeout_ms, or cannot be done now
 */
int store_flush(struct store *store, int64_t timeout_ms);

/*
 * The same without waiting. What came of it is asked until it is done; the news come when it may be.
 * @return a ticket
 */
uint64_t store_flush_begin(struct store *store);

/* What became of it. @return 0; -EAGAIN: it is not done yet, which the disk may be the reason of */
int store_flush_result(struct store *store, uint64_t ticket);

/* Is so much to be logged that who brings much, and can wait, should? The news come when it is less. */
bool store_is_busy(struct store *store);

/* Have all that is durable by now moved into metric files. Does not wait. @return a ticket */
uint64_t store_checkpoint(struct store *store);

/* What became of it. @return 0; -EAGAIN: it is not done yet; other -errno: it failed */
int store_checkpoint_result(struct store *store, uint64_t ticket);

/* As retention_set(), and see at once what follows from it. */
int store_set_retention(struct store *store, const char *text);

/* Who is told whenever such a checkpoint has ended, or what was waited for was logged; borrowed. NULL = nobody */
void store_set_news(struct store *store, struct wakeup *news);

#endif
