/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SAMPLER_H
#define AGENT_SAMPLER_H

/*
 * The thread that runs the plugins: it starts them, takes their rounds on the wall clock's grid, puts
 * these into the queue, and stops them. Nothing that it waits for depends on network or disk.
 */

#include <stdbool.h>
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

struct sampler;

/*
 * @param set, queue  borrowed until sampler_free()
 * @param news        sent whenever there is a round, or what is there may be shipped, and when the thread has
 * ended; borrowed
 * @return 0, -ENOMEM or -errno
 */
int sampler_new(const struct plugin_set *set, int64_t ship_interval_us, struct queue *queue,
		struct wakeup *news, struct sampler **ret_sampler);

/* Start the thread. @return 0 or -errno */
int sampler_start(struct sampler *sampler);

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
