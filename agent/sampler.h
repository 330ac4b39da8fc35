/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SAMPLER_H
#define AGENT_SAMPLER_H

/*
 * The thread that runs the plugins: it starts them, takes their rounds on the wall clock's grid, hands
 * these over, and stops them.
 *
 * A round is handed over at the desk (struct sampler_desk), where the thread writes it itself, so that no other one has to
 * wake up for that; where somebody else is at the desk, it goes into the queue. A disk may keep the thread at the desk for as long as
 * it likes: sampler_relieve() has another thread take the rounds meanwhile. So none of them ever waits for network or disk.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/plugin_set.h"
#include "agent/queue.h"
#include "common/wakeup.h"

struct sampler_stats {
	uint64_t n_rounds; /* ticks at which samples were taken */
	uint64_t n_missed_rounds;
	uint64_t n_samples; /* put into the queue */
	int64_t since_us;   /* the settings that were given last are in force */
};

/* Where rounds are written. All is called on the sampler's thread. */
struct sampler_desk {
	void *context;
	/* Come to the desk. @return false: somebody else is there */
	bool (*begin)(void *context);
	/*
	 * Write what the queue had when the desk was come to, then this round, as agent/round.h, and leave the desk.
	 * @return is there more to do, that others have to?
	 */
	bool (*write)(void *context, const void *samples, size_t length);
	/*
	 * The sampler is waiting for its next turn. The one behind that is due in `wait_us`, and `period_us` after it:
	 * when this is not called again by then, the sampler is held up.
	 */
	void (*expect)(void *context, int64_t wait_us, int64_t period_us);
};

struct sampler;

/*
 * @param set, queue  borrowed until sampler_free()
 * @param news        sent whenever there is a round in the queue, or what is there may be shipped, when the desk wants it,
 * and when the thread has ended; borrowed
 * @return 0, -ENOMEM or -errno
 */
int sampler_new(const struct plugin_set *set, int64_t ship_interval_us, struct queue *queue,
		struct wakeup *news, struct sampler **ret_sampler);

/* Hand rounds over there. Before sampler_start(); without, all of them go into the queue. @param desk  copied */
void sampler_use_desk(struct sampler *sampler, const struct sampler_desk *desk);

/* Start the thread. @return 0 or -errno */
int sampler_start(struct sampler *sampler);

/*
 * Where the thread is at the desk, have another one go on in its place at once: it does not come back from there. On the
 * thread that has made the sampler.
 */
void sampler_relieve(struct sampler *sampler);

/* Have the thread take restart requests of the plugins. From any thread. */
void sampler_wake(struct sampler *sampler);

/*
 * Have the thread run the plugins as other settings say, from the next tick on; it sends the
 * news when it does. Not before the settings given last have been taken.
 * @param settings  borrowed until sampler_is_configured()
 */
void sampler_configure(struct sampler *sampler, const struct settings *settings);

/* Have the settings that were given last been taken? From any thread. */
bool sampler_is_configured(struct sampler *sampler);

/* Have it stop the plugins and end; it sends the news when it has. From any thread. */
void sampler_stop(struct sampler *sampler);

/* Has the thread stopped the plugins, or never been started? */
bool sampler_is_done(struct sampler *sampler);

/* Takes NULL. The sampler must be done. */
void sampler_free(struct sampler *sampler);

void sampler_get_stats(struct sampler *sampler, struct sampler_stats *ret_stats);

#endif
