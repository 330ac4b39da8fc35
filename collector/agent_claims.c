/* SPDX-License-Identifier: MIT */
/* Which session has which epoch. */

#include "collector/agent_claims.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A power of two. Of 10 000 agents two or three share a list. */
#define LISTS 4096

struct agent_claims {
	pthread_mutex_t lock;
	struct hash_key key;
	struct agent_claim_list held[LISTS]; /* by the hash of the epoch */
};

int agent_claims_new(const struct hash_key *key, struct agent_claims **ret_claims)
{
	struct agent_claims *claims = malloc(sizeof(*claims));
	int error;

	if (!claims)
		return -ENOMEM;
	error = pthread_mutex_init(&claims->lock, NULL);
	if (error) {
		free(claims);
		return -error;
	}
	claims->key = *key;
	for (size_t i = 0; i < LISTS; i++)
		TAILQ_INIT(&claims->held[i]);
	*ret_claims = claims;
	return 0;
}

void agent_claims_free(struct agent_claims *claims)
{
	if (!claims)
		return;
	pthread_mutex_destroy(&claims->lock);
	free(claims);
}

static struct agent_claim_list *find_list(struct agent_claims *claims, const uint8_t *epoch)
{
	return &claims->held[hash_bytes(&claims->key, epoch, HM_ID_BYTES) & (LISTS - 1)];
}

/* Take the epoch from whom has it. */
static void lose(struct agent_claim_list *list, const uint8_t *epoch)
{
	struct agent_claim *claim;

	TAILQ_FOREACH(claim, list, by_epoch)
		if (memcmp(claim->epoch, epoch, HM_ID_BYTES) == 0)
			break;
	if (!claim)
		return;
	TAILQ_REMOVE(list, claim, by_epoch);
	TAILQ_INSERT_TAIL(&claim->claimant->lost, claim, by_epoch);
	claim->state = AGENT_CLAIM_LOST;
	wakeup_send(claim->claimant->wakeup);
}

void agent_claims_take(struct agent_claims *claims, struct agent_claim *claim,
		       struct agent_claimant *claimant, const uint8_t epoch[static HM_ID_BYTES])
{
	struct agent_claim_list *list = find_list(claims, epoch);

	pthread_mutex_lock(&claims->lock);
	lose(list, epoch);
	memcpy(claim->epoch, epoch, HM_ID_BYTES);
	claim->claimant = claimant;
	claim->state = AGENT_CLAIM_HELD;
	TAILQ_INSERT_HEAD(list, claim, by_epoch);
	pthread_mutex_unlock(&claims->lock);
}

/* Take it out of the list that it is in. Under the lock. */
static void release(struct agent_claims *claims, struct agent_claim *claim)
{
	if (claim->state == AGENT_CLAIM_HELD)
		TAILQ_REMOVE(find_list(claims, claim->epoch), claim, by_epoch);
	else if (claim->state == AGENT_CLAIM_LOST)
		TAILQ_REMOVE(&claim->claimant->lost, claim, by_epoch);
	claim->state = AGENT_CLAIM_NONE;
}

void agent_claims_drop(struct agent_claims *claims, struct agent_claim *claim)
{
	pthread_mutex_lock(&claims->lock);
	release(claims, claim);
	pthread_mutex_unlock(&claims->lock);
}

struct agent_claim *agent_claims_next_lost(struct agent_claims *claims,
					   struct agent_claimant *claimant)
{
	struct agent_claim *claim;

	pthread_mutex_lock(&claims->lock);
	claim = TAILQ_FIRST(&claimant->lost);
	if (claim)
		release(claims, claim);
	pthread_mutex_unlock(&claims->lock);
	return claim;
}
