/* SPDX-License-Identifier: MIT */
/* What ids of agents' series mean, told again in the log where a checkpoint moves beyond it. */

#include "collector/names.h"

#include "collector/controls.h"
#include "collector/engine.h"
#include "collector/epoch.h"

/* Have logged what the ids of an epoch mean. With the mutex held. @return 0 or -ENOMEM */
static int put_names(struct engine *engine, const struct epoch *epoch)
{
	struct buffer names = {0};
	size_t id = 0;
	int result = 0;

	while (id < epoch->n_series && result == 0) {
		buffer_clear(&names);
		id = epoch_put_names(epoch, id, &names);
		for (int i = 0; i < EPOCH_TOLD_TIMES && result == 0; i++)
			result = controls_put(engine, HM_RECORD_NAMES, epoch->host->number, &names);
	}
	buffer_done(&names);
	return result;
}

int names_tell_again(struct engine *engine, const struct catalog_host *host)
{
	int result = 0;

	for (struct epoch *epoch = host->epochs; epoch && result == 0; epoch = epoch->next) {
		epoch->n_named = 0;
		if (epoch->n_adding > 0)
			result = put_names(engine, epoch);
	}
	return result;
}

int names_tell_of_rest(struct engine *engine, const struct catalog_host *host)
{
	int result = 0;

	pthread_mutex_lock(&engine->mutex);
	for (const struct epoch *epoch = host->epochs; epoch && result == 0; epoch = epoch->next)
		result = put_names(engine, epoch);
	pthread_mutex_unlock(&engine->mutex);
	return result;
}
