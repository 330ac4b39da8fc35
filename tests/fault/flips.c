/* SPDX-License-Identifier: MIT */
/*
 * Every 64th bit of a small store is flipped; for `make torture` every bit, a 64th of them in each round, so
 * that a short time is spread over all of the store: the store opens, reads no
 * wrong value, and loses no more than what lay in the record or block that holds the bit; and what is
 * missing was counted as damage. Then each sector in turn, or every 8th, cannot be read: it opens all the
 * same, and what is missing was counted.
 */

#include <stdio.h>
#include <string.h>

#include "tests/support/torture.h"

#define STEPS      40
#define ROUNDS     64 /* one bit of so many in each */
#define BAD_ROUNDS 8  /* likewise a sector */
#define FILES_MAX  256
#define PATH_BYTES 128

struct files {
	char paths[FILES_MAX][PATH_BYTES];
	unsigned n;
};

struct flips {
	struct torture *torture;
	const struct trial *trial; /* the undamaged store */
	size_t n_filed;            /* so many of its samples, the first ones, are in files */
	uint64_t n_harmless;
	uint64_t n_harmful;
	uint64_t n_bad_harmful;
	uint64_t n_returned; /* so many bad sectors brought back what was deleted, as they may */
};

static void take_path(void *argument, const char *path)
{
	struct files *files = argument;

	if (files->n < FILES_MAX)
		(void)snprintf(files->paths[files->n++], PATH_BYTES, "%s", path);
}

/* What is missing lies in one block: of one host, and in a metric file of one metric. */
static void check_missing(struct trial *trial, const char *path)
{
	const struct ledger *ledger = &trial->ledger;
	bool is_log = strncmp(path, "log/", 4) == 0;
	const char *first = NULL;
	size_t length = 0;

	for (size_t i = 0; i < ledger->n_samples; i++) {
		const struct ledger_sample *sample = &ledger->samples[i];
		const char *name = ledger->series[sample->series].name;

		if (sample->is_read || sample->state < LEDGER_SEEN)
			continue;
		if (!first) {
			first = name;
			length = is_log ? strcspn(name, " ") : strcspn(name, "{");
		} else if (strncmp(first, name, length) != 0) {
			ledger_complain(&trial->ledger, "one bit cost samples of %s and of %s",
					first, name);
		}
	}
}

/* What is in files needs nothing of the log. */
static void check_filed(const struct flips *flips, struct trial *trial, const char *path)
{
	const struct ledger *ledger = &trial->ledger;

	if (strncmp(path, "log/", 4) != 0)
		return;
	for (size_t i = 0; i < flips->n_filed; i++) {
		const struct ledger_sample *sample = &ledger->samples[i];

		if (!sample->is_read && sample->state >= LEDGER_SEEN) {
			ledger_complain(&trial->ledger,
					"damage in the log cost a sample of %s that is in a file",
					ledger->series[sample->series].name);
		}
	}
}

static void check_counted(struct trial *trial)
{
	struct engine_stats stats;

	engine_get_stats(trial->engine, &stats);
	if (ledger_n_missing(&trial->ledger) && !stats.n_damaged_ranges && !stats.n_files_aside)
		ledger_complain(&trial->ledger, "%zu samples are missing, and no damage is counted",
				ledger_n_missing(&trial->ledger));
}

static uint32_t get_le32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

/* Does some of a range of the undamaged log say what is deleted? */
static bool has_delete(const uint8_t *bytes, uint64_t size, uint64_t begin, uint64_t end)
{
	uint64_t offset = HM_LOG_HEADER_BYTES;

	while (offset + HM_RECORD_HEADER_BYTES <= size) {
		uint64_t behind = offset + HM_RECORD_HEADER_BYTES + get_le32(bytes + offset + 4);
		uint32_t type = get_le32(bytes + offset + 8);

		behind += (HM_RECORD_ALIGN - behind % HM_RECORD_ALIGN) % HM_RECORD_ALIGN;
		if (type == 0)
			break;
		if (offset < end && begin < behind &&
		    (type == HM_RECORD_DELETE || type == HM_RECORD_HORIZON))
			return true;
		offset = behind;
	}
	return false;
}

/* Does some of a range of the undamaged file? */
static bool has_tombstone(const struct flips *flips, const char *path, uint64_t begin, uint64_t end)
{
	uint64_t size = 0;
	const uint8_t *bytes = sim_disk_content(flips->trial->sim, path, &size);
	uint64_t offset;

	if (strncmp(path, "log/", 4) == 0)
		return has_delete(bytes, size, begin, end);
	offset = strncmp(path, "hosts/", 6) == 0 ? get_le32(bytes + 12) : size;
	while (offset + HM_BLOCK_MIN_BYTES <= size) {
		uint32_t length = get_le32(bytes + offset + 4);

		if (offset < end && begin < offset + length &&
		    (bytes[offset + 8] == HM_BLOCK_TOMBSTONE ||
		     bytes[offset + 8] == HM_BLOCK_FRONT))
			return true;
		/* Behind a hole the rest is not looked at: nothing was deleted before it. */
		if (length < HM_BLOCK_MIN_BYTES)
			break;
		offset += length;
	}
	return false;
}

/*
 * All that says what is deleted is said twice, so that one bit, which trial->ledger does not forgive, brings
 * back nothing. But the two stand beside each other: a sector may hold both. P10 has it that damage costs
 * what it hits, so here that is what a delete did, and it is counted.
 */
static void check_returned(struct flips *flips, struct trial *trial, const char *path,
			   uint64_t begin, uint64_t end)
{
	struct engine_stats stats;

	if (trial->ledger.n_returned == 0)
		return;
	engine_get_stats(trial->engine, &stats);
	if (has_tombstone(flips, path, begin, end) &&
	    stats.n_damaged_ranges + stats.n_files_aside > 0)
		flips->n_returned++;
	else
		ledger_complain(&trial->ledger, "%llu deleted samples have come back",
				(unsigned long long)trial->ledger.n_returned);
}

static void try_flip(struct flips *flips, const char *path, uint64_t bit)
{
	struct trial *trial = trial_fork(flips->trial, bit);
	char where[192];

	(void)snprintf(where, sizeof(where), "bit %llu of %s", (unsigned long long)bit, path);
	(void)sim_disk_flip(trial->sim, path, bit);
	if (trial_open(trial, LEDGER_DAMAGED)) {
		check_missing(trial, path);
		check_filed(flips, trial, path);
		check_counted(trial);
		if (ledger_n_missing(&trial->ledger))
			flips->n_harmful++;
		else
			flips->n_harmless++;
		trial_close(trial);
	}
	(void)torture_judge(flips->torture, trial, where);
	trial_free(trial);
}

static void try_bad_sector(struct flips *flips, const char *path, uint64_t offset)
{
	struct trial *trial = trial_fork(flips->trial, offset);
	char where[192];

	(void)snprintf(where, sizeof(where), "the sector of byte %llu of %s",
		       (unsigned long long)offset, path);
	trial->ledger.forgives = true;
	trial->is_patient = true;
	(void)sim_disk_spoil(trial->sim, path, offset, 1);
	if (trial_open(trial, LEDGER_DAMAGED)) {
		check_filed(flips, trial, path);
		check_counted(trial);
		check_returned(flips, trial, path, offset, offset + SIM_DISK_SECTOR_BYTES);
		flips->n_bad_harmful += ledger_n_missing(&trial->ledger) > 0;
		trial_close(trial);
	}
	(void)torture_judge(flips->torture, trial, where);
	trial_free(trial);
}

/* Another part of a file's bits and sectors in each round. */
static void try_file(struct flips *flips, const char *path, uint64_t round)
{
	const uint64_t sector = SIM_DISK_SECTOR_BYTES;
	uint64_t size = 0;

	(void)sim_disk_content(flips->trial->sim, path, &size);
	/* Not always the same bit of a byte. */
	for (uint64_t i = 0; i < size * 8 / ROUNDS && !torture_is_over(flips->torture);
	     i += TORTURE_SHARE)
		try_flip(flips, path, i * ROUNDS + (i + round) % ROUNDS);
	for (uint64_t i = 0; round < BAD_ROUNDS && i * sector < size; i++) {
		if (torture_is_over(flips->torture))
			break;
		/* Those that say what is deleted are few: all of them. */
		if (i % BAD_ROUNDS == round ||
		    (round == 0 && has_tombstone(flips, path, i * sector, (i + 1) * sector)))
			try_bad_sector(flips, path, i * sector);
	}
}

static void try_files(struct flips *flips, const struct files *files)
{
	unsigned n_rounds = flips->torture->ends_s ? ROUNDS : 1;

	for (unsigned round = 0; round < n_rounds && !torture_is_over(flips->torture); round++) {
		for (unsigned i = 0; i < files->n; i++)
			try_file(flips, files->paths[i], round);
		if (n_rounds > 1)
			(void)printf("# round %u of %u: %llu states\n", round + 1, n_rounds,
				     (unsigned long long)flips->torture->n_states);
	}
}

static void try_store(struct torture *torture)
{
	struct trial *trial = trial_new(torture->seed, &torture->counts);
	struct flips flips = {.torture = torture, .trial = trial};
	struct files files = {.n = 0};

	(void)trial_open(trial, LEDGER_RESTART);
	for (unsigned i = 0; i < STEPS && !trial_is_bad(trial); i++)
		trial_step(trial);
	trial_delete(trial);
	/* Some in files, some in the log. */
	trial_flush(trial);
	flips.n_filed = trial->ledger.n_samples;
	for (unsigned i = 0; i < 6 && !trial_is_bad(trial); i++) {
		trial_append(trial);
		(void)trial_commit(trial);
	}
	/* And what is deleted stands in the log, and in files. */
	trial_delete(trial);
	/* A mark, which says that it is durable. */
	(void)trial_commit(trial);
	trial_close(trial);
	sim_disk_settle(trial->sim);
	if (torture_judge(torture, trial, "while nothing was damaged")) {
		sim_disk_walk(trial->sim, take_path, &files);
		try_files(&flips, &files);
		(void)printf(
			"# seed %llu: %u files, %llu flips cost samples, %llu did not; %llu bad "
			"sectors did; %llu of these brought back deleted samples\n",
			(unsigned long long)torture->seed, files.n,
			(unsigned long long)flips.n_harmful, (unsigned long long)flips.n_harmless,
			(unsigned long long)flips.n_bad_harmful,
			(unsigned long long)flips.n_returned);
		torture_tell(torture, flips.n_returned > 0 || torture_is_over(torture),
			     "some of them cost what says that samples are deleted");
		torture_tell(torture,
			     (flips.n_harmful > 0 && flips.n_bad_harmful > 0) ||
				     torture_is_over(torture),
			     "flips and bad sectors that cost samples were among them");
	}
	trial_free(trial);
}

int main(int argc, char **argv)
{
	static const enum sim_event wanted[] = {SIM_FLIPS, SIM_BAD_READS};
	struct torture torture;

	torture_begin(&torture, argc, argv);
	while (torture_next(&torture, torture.n_states > 0))
		try_store(&torture);
	torture_tell(&torture, torture.n_bad == 0,
		     "a flipped bit or a bad sector costs what lay there, and never makes a wrong "
		     "value");
	torture_want_events(&torture, wanted, sizeof(wanted) / sizeof(*wanted));
	return torture_end(&torture);
}
