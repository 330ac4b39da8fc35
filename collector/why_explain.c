/* SPDX-License-Identifier: MIT */
/* For which reasons samples are missing. */

#include "collector/why_part.h"

/* In which order reasons are looked for: what one does not explain the next one may. */
enum rank {
	RANK_TOO_OLD,
	RANK_KNOWN,
	RANK_GAP,
	RANK_LOST,
	RANK_DELETED,
	RANK_ENDED,
	RANK_UNTOLD,
	RANK_COUNT,
};

/* What was deleted of the series, once it matters. */
static int find_deleted(struct why *why)
{
	const struct why_causes *causes = why->causes;
	int result = 0;

	if (why->has_deleted)
		return 0;
	why->has_deleted = true;
	for (size_t i = 0; i < causes->n_deletes && result == 0; i++) {
		const struct why_delete *entry = &causes->deletes[i];

		if (why_delete_has(causes, entry, why->series.metric, why->series.labels))
			result = why_spans_add(&why->deleted, entry->from_us, entry->to_us,
					       HM_REASON_DELETED);
	}
	why_spans_settle(&why->deleted);
	return result;
}

/* The reasons of a rank. @return NULL: they do not matter here */
static const struct why_spans *spans_of(const struct why *why, enum rank rank)
{
	switch (rank) {
	case RANK_KNOWN:
		return why->is_early ? NULL : &why->causes->known;
	case RANK_GAP:
		return why->is_early ? NULL : &why->causes->gaps;
	case RANK_LOST:
		return &why->causes->lost;
	case RANK_DELETED:
		return &why->deleted;
	case RANK_ENDED:
		return why->is_early ? NULL : &why->causes->ended;
	case RANK_UNTOLD:
		return why->is_early ? NULL : &why->causes->untold;
	case RANK_TOO_OLD:
	case RANK_COUNT:
		break;
	}
	return NULL;
}

/* Where a span lies in a hole. What stays at its ends, and is too little for a sample, belongs to it. */
static struct why_span place(const struct why_part *hole, const struct why_span *span,
			     enum rank rank)
{
	const int64_t patience_us = why_patience(hole->segment);
	struct why_span placed = *span;

	/* A gap tells when the samples were that are gone: there are none up to the next ones. */
	if (rank == RANK_GAP) {
		placed.from_us = why_add_times(placed.from_us, -hole->segment->interval_us);
		placed.to_us = why_add_times(placed.to_us, hole->segment->interval_us);
	}
	if (placed.from_us < hole->from_us ||
	    why_distance(hole->from_us, placed.from_us) <= patience_us)
		placed.from_us = hole->from_us;
	if (placed.to_us > hole->to_us || why_distance(placed.to_us, hole->to_us) <= patience_us)
		placed.to_us = hole->to_us;
	return placed;
}

/* Did an agent begin there, and has it never told of this series since? @param ret_us  from when on */
static bool has_begun_without(const struct why *why, const struct why_part *hole, int64_t *ret_us)
{
	const struct why_spans *starts = &why->causes->starts;
	size_t next = why_spans_find(starts, why->last_us);
	int64_t begun_us = next < starts->n ? starts->at[next].to_us : WHY_STILL;

	if (begun_us >= hole->to_us)
		return false;
	*ret_us = begun_us;
	if (begun_us < hole->from_us ||
	    why_distance(hole->from_us, begun_us) <= why_patience(hole->segment))
		*ret_us = hole->from_us;
	return true;
}

/* Nothing explains it, but that the series is gone, which was lost, or the agent never had it; or that is no reason. */
static int tell_unexplained(struct why *why, const struct why_part *hole)
{
	int64_t begun_us = 0;
	int result;

	/* It may have been there. */
	if (why->series.is_damaged)
		return why_tell(why, hole->from_us, hole->to_us, HM_REASON_QUARANTINED);
	/* That it is gone is said once; so that was lost. */
	if (why->has_lost)
		return why_tell(why, hole->from_us, hole->to_us, why->lost_mark);
	if (!has_begun_without(why, hole, &begun_us))
		return why_tell(why, hole->from_us, hole->to_us, HM_REASON_NONE);
	result = why_tell(why, hole->from_us, begun_us, HM_REASON_NONE);
	return result == 0 ? why_tell(why, begun_us, hole->to_us, HM_REASON_SOURCE_GONE) : result;
}

/* It goes on up to now: perhaps the agent is not there, or what it has does not have to be here yet. */
static int tell_end(struct why *why, const struct why_part *hole)
{
	const int64_t now_us = why->ask.now_us;
	int64_t contact_us = why->causes->contact_us;
	struct why_part before = *hole;
	int result = 0;

	if (contact_us < hole->from_us)
		contact_us = hole->from_us;
	if (why_distance(hole->from_us, contact_us) > why_patience(hole->segment)) {
		if (why_distance(hole->from_us, now_us) <=
		    why_add_times(why_patience(hole->segment), why->causes->shipped_us))
			return 0;
		if (why_distance(contact_us, now_us) <= why->causes->shipped_us)
			return tell_unexplained(why, hole);
		before.to_us = contact_us;
		result = tell_unexplained(why, &before);
	} else {
		contact_us = hole->from_us;
	}
	if (result < 0 ||
	    why_distance(contact_us, now_us) <=
		    why_add_times(why_patience(hole->segment), why->causes->shipped_us))
		return result;
	return why_tell(why, contact_us, hole->to_us, HM_REASON_NO_CONTACT);
}

static int tell_rest(struct why *why, const struct why_part *hole)
{
	if (why->is_early && why->series.has_aside)
		return why_tell(why, hole->from_us, hole->to_us, HM_REASON_QUARANTINED);
	if (why->is_early)
		return 0;
	return hole->to_us == WHY_STILL ? tell_end(why, hole) : tell_unexplained(why, hole);
}

/* Samples and marks were there, which nobody has any more. */
static bool is_loss(enum rank rank, enum hm_reason reason)
{
	return rank == RANK_GAP || rank == RANK_LOST || rank == RANK_DELETED ||
	       reason == HM_REASON_AGENT_LOST;
}

/* What lies behind the present was told by a clock that was ahead. */
static bool is_to_come(const struct why *why, const struct why_part *hole,
		       const struct why_span *span)
{
	int64_t known_us = span->from_us == INT64_MIN ? span->to_us : span->from_us;

	return hole->to_us == WHY_STILL && known_us > why->ask.now_us;
}

/* What the spans of a rank explain, and what lies between them those of the next ones. */
static int explain(struct why *why, struct why_part hole, enum rank rank);

static int explain_before(struct why *why, const struct why_part *hole, int64_t to_us,
			  enum rank rank)
{
	struct why_part before = *hole;

	before.to_us = to_us;
	return explain(why, before, rank);
}

static int explain_by_spans(struct why *why, struct why_part hole, enum rank rank)
{
	const struct why_spans *spans = spans_of(why, rank);
	int64_t margin_us = rank == RANK_GAP ? hole.segment->interval_us : 0;
	int result = 0;

	for (size_t i = spans ? why_spans_find(spans, why_add_times(hole.from_us, -margin_us)) : 0;
	     spans && i < spans->n && hole.from_us < hole.to_us && result == 0; i++) {
		const struct why_span *span = &spans->at[i];
		struct why_span placed;

		/* Of one whose beginning is not known the end must be here. */
		if (span->from_us == INT64_MIN && rank == RANK_ENDED && span->to_us > hole.to_us)
			break;
		if (why_add_times(span->from_us, -margin_us) >= hole.to_us ||
		    is_to_come(why, &hole, span))
			break;
		placed = place(&hole, span, rank);
		if (placed.from_us >= placed.to_us)
			continue;
		result = explain_before(why, &hole, placed.from_us, rank + 1);
		if (result == 0)
			result = why_tell(why, placed.from_us, placed.to_us, span->reason);
		why->has_lost |= is_loss(rank, span->reason);
		hole.from_us = placed.to_us;
	}
	if (result == 0)
		result = explain(why, hole, rank + 1);
	return result;
}

static int explain(struct why *why, struct why_part hole, enum rank rank)
{
	int64_t horizon_us = why->causes->horizon_us;
	int result = 0;

	if (hole.from_us >= hole.to_us)
		return 0;
	if (rank == RANK_COUNT)
		return tell_rest(why, &hole);
	if (rank == RANK_TOO_OLD && hole.from_us < horizon_us) {
		int64_t to_us = horizon_us < hole.to_us ? horizon_us : hole.to_us;

		result = why_tell(why, hole.from_us, to_us, HM_REASON_TOO_OLD);
		hole.from_us = to_us;
	}
	if (rank == RANK_DELETED && result == 0)
		result = find_deleted(why);
	return result == 0 ? explain_by_spans(why, hole, rank) : result;
}

int why_explain(struct why *why, const struct why_part *part)
{
	return explain(why, *part, RANK_TOO_OLD);
}
