/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SAMPLER_PART_H
#define AGENT_SAMPLER_PART_H

/* What the parts of agent/sampler.h share: the thread, and what it does when something is due. */

#include <pthread.h>
#include <stdbool.h>

#include "agent/limit_log.h"
#include "agent/pace.h"
#include "agent/sampler.h"
#include "common/buffer.h"
#include "common/loop.h"

struct sampler {
	const struct plugin_set *set;
	struct queue *queue;
	struct wakeup *news;
	struct sampler_desk desk;

	/* Of the thread: */
	struct loop *loop;
	struct wakeup *requests;
	struct pace pace;
	struct loop_source *timer;
	struct buffer samples; /* of the round being taken, or that nobody has yet */
	size_t n_samples;
	struct queue_span span; /* of their times */
	bool has_round;         /* that nobody has yet */
	bool owes_news;
	bool has_begun; /* the first turn is over */
	struct limit_log log;

	pthread_t thread;
	pthread_t relieved; /* that one was in its place, and is to end */
	bool is_started;
	bool has_relieved;
	pthread_mutex_t lock;
	bool wants_stop;
	bool is_done;
	bool is_at_desk;
	unsigned n_reliefs;
	const struct settings *settings; /* to be taken over, or NULL */
	struct sampler_stats stats;
};

bool sampler_wants_stop(struct sampler *sampler);

/* Take the rounds that are due. What was taken before must have been handed over. */
void sampler_take_turn(struct sampler *sampler);

/* Take what is due. @return the time up to which it was */
int64_t sampler_take_due(struct sampler *sampler);

/* Others have the round that was taken now. @param result  -errno: they do not, it is lost */
void sampler_settle_round(struct sampler *sampler, int result);

/* Give what was taken, and nobody has yet, to the queue. */
void sampler_queue_round(struct sampler *sampler);

/*
 * Hand over what was taken: to the desk where nobody else is at it, or else to the queue; and tell when the next turn is due.
 * @return false: another thread has taken over, and nothing of the sampler may be touched any more
 */
bool sampler_hand_over(struct sampler *sampler);

#endif
