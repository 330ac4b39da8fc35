/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BATCH_ADMISSION_H
#define AGENT_BATCH_ADMISSION_H

/* Which series of a plugin have a place, a part of agent/batch.h. */

#include "agent/batch.h"

/* @return where a metric stands in the plugin's table; n_metrics: it does not, the plugin has made it */
size_t batch_find_metric(const struct hm_batch *batch, const struct hm_metric *metric);

/* A round has a series that is not known: what becomes of it. @param probe  metric and labels */
enum batch_standing batch_judge(struct hm_batch *batch, const struct batch_series *probe);

/* May one be remembered that becomes this? */
bool batch_may_keep(const struct hm_batch *batch, enum batch_standing standing);

/* It is remembered from now on, and no longer. */
void batch_enter(struct hm_batch *batch, struct batch_series *series, enum batch_standing standing);
void batch_leave(struct hm_batch *batch, struct batch_series *series);

/* A round has one that is known: without a place it gets one, if there is one now. */
void batch_admit(struct hm_batch *batch, struct batch_series *series);

/* It is remembered, but somebody else may have its place. */
void batch_retire(struct hm_batch *batch, struct batch_series *series);

/* Of one that is out: what is to be said of it now. @return HM_REASON_NONE: it was said, or there is nothing to say */
enum hm_reason batch_out_reason(const struct hm_batch *batch, const struct batch_series *series);

#endif
