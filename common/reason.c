/* SPDX-License-Identifier: MIT */
/* The words for the stored reasons. */

#include "common/reason.h"

#include <stddef.h>

struct reason_words {
	const char *key;
	const char *text;
};

static const struct reason_words words[HM_REASON_COUNT] = {
	[HM_REASON_NONE] = {"none", "nothing is wrong"},
	[HM_REASON_LINE_TOO_LONG] = {"line_too_long", "the line is too long"},
	[HM_REASON_LINE_FIELDS] = {"line_fields", "the line has not two or three words"},
	[HM_REASON_BAD_NAME] =
		{"bad_name", "the name of the metric or host is empty, too long or not clean text"},
	[HM_REASON_BAD_LABELS] = {"bad_labels", "the labels are not well formed"},
	[HM_REASON_TOO_MANY_LABELS] = {"too_many_labels", "the labels are too many or too long"},
	[HM_REASON_BAD_VALUE] = {"bad_value", "the value is not a number"},
	[HM_REASON_NOT_FINITE] = {"not_finite", "the value is NaN or an infinity"},
	[HM_REASON_BAD_TIME] = {"bad_time", "the time is not a number of seconds since 1970"},
	[HM_REASON_NO_MEMORY] = {"no_memory", "there was no memory left"},
	[HM_REASON_STORE_FAILED] = {"store_failed", "the store could not be written"},
	[HM_REASON_TOO_MANY_DECLARATIONS] = {"too_many_declarations",
					     "too many metrics were declared"},
	[HM_REASON_TOO_MANY_CONNECTIONS] = {"too_many_connections",
					    "there are too many connections already"},
	[HM_REASON_NO_DESCRIPTOR] = {"no_descriptor", "there was no descriptor left"},
	[HM_REASON_IDLE] = {"idle", "the connection was idle for too long"},
	[HM_REASON_NOT_READING] = {"not_reading", "the client did not read its answer"},
	[HM_REASON_TOO_OLD] = {"too_old", "the time is older than [retention] keeps of the host"},
	[HM_REASON_FRAME_MAGIC] = {"frame_magic", "it does not begin as a frame does"},
	[HM_REASON_FRAME_VERSION] = {"frame_version",
				     "the frame is of a version that is not known here"},
	[HM_REASON_FRAME_TYPE] = {"frame_type", "the frame is of a type that does not exist"},
	[HM_REASON_FRAME_RESERVED] = {"frame_reserved", "reserved bytes of the frame are not 0"},
	[HM_REASON_FRAME_LENGTH] = {"frame_length", "the frame is too long or too short"},
	[HM_REASON_FRAME_HEADER_CHECKSUM] = {"frame_header_checksum",
					     "the checksum of the frame's header is wrong"},
	[HM_REASON_FRAME_CHECKSUM] = {"frame_checksum", "the checksum of the frame is wrong"},
	[HM_REASON_FRAME_CUT] = {"frame_cut", "the connection ended within a frame"},
	[HM_REASON_BAD_MESSAGE] = {"bad_message", "the message is not well formed"},
	[HM_REASON_BAD_ID] = {"bad_id", "an id is all zeros"},
	[HM_REASON_BAD_SEQUENCE] = {"bad_sequence", "the sequence is 0 or too high"},
	[HM_REASON_BAD_GAP] = {"bad_gap", "the gap is not in order, or too long"},
	[HM_REASON_BAD_CLOCK] = {"bad_clock", "the event of the clock makes no sense"},
	[HM_REASON_EMPTY] = {"empty", "there is nothing in the message"},
	[HM_REASON_BAD_BLOCK] = {"bad_block", "a block of samples cannot be decoded"},
	[HM_REASON_UNKNOWN_ENCODING] =
		{"unknown_encoding", "a block of samples has an encoding that is not known here"},
	[HM_REASON_TOO_MANY_SAMPLES] = {"too_many_samples",
					"there are too many samples in the batch"},
	[HM_REASON_NOT_DECLARED] = {"not_declared", "a series was not declared"},
	[HM_REASON_DECLARED_OTHERWISE] = {"declared_otherwise",
					  "a series was declared otherwise before"},
	[HM_REASON_TOO_MANY_SERIES] = {"too_many_series", "there are too many series in the epoch"},
	[HM_REASON_OUT_OF_TURN] = {"out_of_turn", "the frame may not come now"},
	[HM_REASON_OTHER_STAMP] = {"other_stamp",
				   "the message is of another host or epoch than the session"},
	[HM_REASON_SEQUENCE_AHEAD] = {"sequence_ahead", "messages before it are missing"},
	[HM_REASON_SEQUENCE_OTHER] = {"sequence_other",
				      "another message of this sequence is there already"},
	[HM_REASON_REPLACED] = {"replaced", "a newer session of the epoch has taken its place"},
	[HM_REASON_TOO_MANY_EPOCHS] = {"too_many_epochs", "the host has too many epochs"},
	[HM_REASON_TOO_SLOW] = {"too_slow", "it took too long"},
	[HM_REASON_STOPPING] = {"stopping", "it is being stopped"},
	[HM_REASON_SPOOL_FULL] = {"spool_full", "the spool was full"},
	[HM_REASON_SPOOL_AGE] = {"spool_age", "it waited in the spool for too long"},
	[HM_REASON_SPOOL_DAMAGED] = {"spool_damaged", "the spool was damaged"},
	[HM_REASON_SPOOL_UNSURE] = {"spool_unsure",
				    "it may be stored already, under another epoch"},
	[HM_REASON_SPOOL_ACKED] = {"spool_acked",
				   "it was acknowledged before, and the spool has it no more"},
	[HM_REASON_SOURCE_FAILED] = {"source_failed", "its source could not be read"},
	[HM_REASON_SOURCE_STUCK] = {"source_stuck", "its source did not answer in time"},
	[HM_REASON_SOURCE_GONE] = {"source_gone", "its source was not there any more"},
	[HM_REASON_NOT_SAMPLED] = {"not_sampled", "the agent was not configured to sample it"},
	[HM_REASON_AGENT_STOPPED] = {"agent_stopped", "the agent was stopped"},
	[HM_REASON_AGENT_KILLED] = {"agent_killed", "the agent ended without being told to"},
	[HM_REASON_AGENT_HELD_UP] = {"agent_held_up", "the agent was not run in time"},
	[HM_REASON_AGENT_LOST] = {"agent_lost", "the agent could not keep what it had taken"},
	[HM_REASON_HOST_SLEPT] = {"host_slept", "the host was suspended"},
	[HM_REASON_HOST_REBOOTED] = {"host_rebooted", "the host was started again"},
	[HM_REASON_CLOCK_STEPPED] = {"clock_stepped", "the clock was set"},
	[HM_REASON_NO_CONTACT] = {"no_contact", "nothing has come from the agent since"},
	[HM_REASON_QUARANTINED] = {"quarantined",
				   "what the store had was damaged, and was set aside"},
	[HM_REASON_DELETED] = {"deleted", "it was deleted"},
	[HM_REASON_QUOTA] = {"quota", "a limit on series left it out"},
};

/* A later version's reason, read from its file, has no words here. */
static const struct reason_words unknown = {"unknown", "a reason this version does not know"};

static const struct reason_words *find_words(enum hm_reason reason)
{
	if ((unsigned int)reason >= HM_REASON_COUNT || !words[reason].key)
		return &unknown;
	return &words[reason];
}

const char *reason_key(enum hm_reason reason)
{
	return find_words(reason)->key;
}

const char *reason_text(enum hm_reason reason)
{
	return find_words(reason)->text;
}
