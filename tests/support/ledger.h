/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_LEDGER_H
#define TESTS_SUPPORT_LEDGER_H

/*
 * A list of its own of every sample that was given to a store, with what the store said of it, against
 * which what is read back is checked: what was said to be durable is there exactly once, everything
 * else at most once, nothing was invented, and what was found missing once never comes back. Knows
 * nothing of the store. One thread. Ends the program where there is no memory.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEDGER_NAME_MAX_BYTES    128
#define LEDGER_PROBLEM_MAX_BYTES 320

enum ledger_state {
	LEDGER_GONE,    /* found missing after a restart: must never be read again */
	LEDGER_GIVEN,   /* may be lost */
	LEDGER_HELD,    /* its giver has it too, and gives it again if it is lost */
	LEDGER_SEEN,    /* read after a restart: stays, but for a power cut */
	LEDGER_DURABLE, /* the store said so: must be read, whatever happens */
};

struct ledger_sample {
	unsigned series;
	enum ledger_state state;
	int64_t time_us;
	uint64_t bits; /* of the value */
	bool is_read;  /* in this reading */
	bool is_doubtful;
	bool is_deleted; /* the store said so, and that this is durable */
	bool is_dying; /* it was deleted, or is too old, and nobody said yet that this is durable */
};

/* Before this time no sample of a host counts, whenever it came in. */
struct ledger_horizon {
	char host[LEDGER_NAME_MAX_BYTES];
	int64_t durable_us; /* the store said so */
	int64_t given_us;   /* it may be this one as well */
};

#define LEDGER_HORIZONS_MAX 8

struct ledger_series {
	char name[LEDGER_NAME_MAX_BYTES];
	int64_t last_time_us; /* of the last row read of it */
	size_t last_sample;   /* which it was */
	bool has_row;
};

struct ledger {
	struct ledger_sample *samples; /* in the order in which they were given */
	size_t n_samples;
	size_t samples_capacity;
	struct ledger_series *series;
	unsigned n_series;
	unsigned series_capacity;
	size_t *order; /* of the samples, for looking them up; while a reading goes on */
	size_t n_order;
	struct ledger_horizon horizons[LEDGER_HORIZONS_MAX];
	unsigned n_horizons;
	bool is_unsecured;   /* what a start found may be lost with the power: deletes, too */
	bool forgives;       /* what was deleted may be read: what says so may be damaged */
	uint64_t n_returned; /* how much of it was read */
	uint64_t n_deleted;  /* samples that the store said were deleted */
	uint64_t n_expired;  /* likewise that they are too old */
	unsigned recent;     /* series that was looked up last */
	size_t n_rows;
	char problem[LEDGER_PROBLEM_MAX_BYTES]; /* the first; "" = none */
};

/* How strict a reading is. */
enum ledger_reading {
	LEDGER_LIVE,    /* what is not durable may come yet */
	LEDGER_RESTART, /* the store was opened anew: what is missing is gone, what is there stays */
	LEDGER_DAMAGED, /* the disk was damaged: anything may be missing */
};

/* Takes a zeroed one. */
void ledger_done(struct ledger *ledger);

/* Over a zeroed one. */
void ledger_copy(struct ledger *to, const struct ledger *from);

/* Note a sample that the store is given. @param name  host, blank, metric with labels */
void ledger_give(struct ledger *ledger, const char *name, int64_t time_us, double value);

/* The givers of the samples from the n-th on keep them until they are told that they are durable. */
void ledger_hold(struct ledger *ledger, size_t n);

/* They are told so of `n` of them, from the i-th on. */
void ledger_confirm_held(struct ledger *ledger, size_t i, size_t n);

/* Of the samples from the n-th on some were refused: nobody knows which, so none must be there. */
void ledger_doubt(struct ledger *ledger, size_t n);

/* The store says that the first `n` samples are durable, those that are not gone nor held. */
void ledger_confirm(struct ledger *ledger, size_t n);

/* The store was told to delete what it was given until now of a series, within a range of time. */
void ledger_delete(struct ledger *ledger, const char *name, int64_t since_us, int64_t until_us);

/* Likewise all of a host that is older than a time, and what will be given of it. */
void ledger_expire(struct ledger *ledger, const char *host, int64_t horizon_us);

/* It says that all of this is durable. */
void ledger_settle(struct ledger *ledger);

/* The store was opened anew: which horizon it has. INT64_MIN = none */
void ledger_find_horizon(struct ledger *ledger, const char *host, int64_t horizon_us);

/* The power failed: what was only seen may be lost. */
void ledger_lose_power(struct ledger *ledger);

/* Begin to read the store; then each row, series by series by time; then the end. */
void ledger_read_begin(struct ledger *ledger);
void ledger_read_row(struct ledger *ledger, const char *name, int64_t time_us, double value);
void ledger_read_end(struct ledger *ledger, enum ledger_reading reading);

/* A problem of another kind; the first of all counts. */
void ledger_complain(struct ledger *ledger, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Samples that must be there and, in the last reading, were not. */
size_t ledger_n_missing(const struct ledger *ledger);

#endif
