/* SPDX-License-Identifier: MIT */
#ifndef AGENT_RECORDER_PART_H
#define AGENT_RECORDER_PART_H

/* What the parts of agent/recorder.h share: writing ticks, and sealing them in batches. */

#include <stdbool.h>

#include "agent/dictionary.h"
#include "agent/encoder.h"
#include "agent/notes.h"
#include "agent/recorder.h"
#include "agent/tick.h"
#include "common/buffer.h"

/*
 * The series of a sample of the round, by its place in it. Mostly the next round has the same one there, which its order
 * tells; then neither its name nor the dictionary is looked at.
 */
struct recorder_place {
	uint64_t order; /* see agent/round.h; 0: not known */
	uint32_t id;
};

struct recorder {
	struct spool *spool;
	struct dictionary dictionary;
	uint8_t epoch[HM_ID_BYTES]; /* of which the next is said */
	uint32_t n_declared;        /* series that it has declared */
	struct encoder *encoder;
	struct tick tick; /* being filled */
	struct tick sealed_tick;
	uint64_t last_lost_tick;       /* its number */
	struct recorder_place *places; /* of the round's samples */
	size_t n_places;
	struct buffer bytes;
	uint64_t n_unsealed;
	uint64_t n_bytes; /* written */
	uint64_t n_lost;
	struct notes notes;
	uint32_t n_rounds;
	uint64_t n_gone_batches; /* of the spool, that are known */
	bool owes_lasting; /* something was lost: what is said once of series is to be said again */
	uint32_t repeat_round; /* not before this one */
	bool is_full;          /* no further series can be declared */
	int told;              /* why samples are lost: what the log has said last */
};

/* Declare all series that are not yet. @return 0 or -errno */
int recorder_declare(struct recorder *recorder);

/* Make batches of all ticks. @return 0 or -errno */
int recorder_seal(struct recorder *recorder);

#endif
