/* SPDX-License-Identifier: MIT */
#ifndef COLLECTOR_AGENT_CLAIMS_H
#define COLLECTOR_AGENT_CLAIMS_H

/*
 * Which session has which epoch, over all reactors: the newest one. Who loses one is told on the
 * loop of its own reactor. Any thread.
 */

#include <bsd/sys/queue.h>
#include <stdint.h>

#include "collector/hash.h"
#include "common/wakeup.h"
#include "hostmetrics/format.h"

struct agent_claims;
struct agent_claim;

TAILQ_HEAD(agent_claim_list, agent_claim);

/* A reactor, as the claims know it. */
struct agent_claimant {
	struct wakeup *wakeup;        /* sent when one of its claims was lost; borrowed */
	struct agent_claim_list lost; /* the claims' own */
};

enum agent_claim_state {
	AGENT_CLAIM_NONE,
	AGENT_CLAIM_HELD,
	AGENT_CLAIM_LOST, /* and agent_claims_next_lost() did not tell yet */
};

/* A session's hold on an epoch, in memory of the session's owner. Zeroed = it has none. */
struct agent_claim {
	uint8_t epoch[HM_ID_BYTES];
	void *owner; /* the session's owner's, who sets it; not looked at */
	struct agent_claimant *claimant;
	enum agent_claim_state state;
	TAILQ_ENTRY(agent_claim) by_epoch; /* or in the list of lost ones */
};

/* @param key  copied. @return 0 or -ENOMEM or -errno */
int agent_claims_new(const struct hash_key *key, struct agent_claims **ret_claims);

/* Takes NULL. No claim is held any more. */
void agent_claims_free(struct agent_claims *claims);

/*
 * Have the epoch; a claim that held it is lost.
 * @param claim     has none yet; borrowed until agent_claims_drop() or agent_claims_next_lost()
 * @param claimant  borrowed for as long
 */
void agent_claims_take(struct agent_claims *claims, struct agent_claim *claim,
		       struct agent_claimant *claimant, const uint8_t epoch[static HM_ID_BYTES]);

/* Give it up. Takes one that has none. */
void agent_claims_drop(struct agent_claims *claims, struct agent_claim *claim);

/* A claim that was lost, once; it has none then. @return NULL: there are no more */
struct agent_claim *agent_claims_next_lost(struct agent_claims *claims,
					   struct agent_claimant *claimant);

#endif
