/* SPDX-License-Identifier: MIT */
/* What a simulated disk did to its users, by name. */

#include "tests/support/sim_disk.h"

const char *sim_call_name(enum sim_call call)
{
	static const char *const names[SIM_CALLS] = {
		[SIM_OPEN] = "open",           [SIM_CLOSE] = "close",
		[SIM_PREAD] = "pread",         [SIM_PWRITE] = "pwrite",
		[SIM_FDATASYNC] = "fdatasync", [SIM_FSYNC] = "fsync",
		[SIM_SYNCFS] = "syncfs",       [SIM_FALLOCATE] = "fallocate",
		[SIM_FTRUNCATE] = "ftruncate", [SIM_FSTAT] = "fstat",
		[SIM_RENAME] = "rename",       [SIM_UNLINK] = "unlink",
		[SIM_MKDIR] = "mkdir",         [SIM_LIST] = "list",
		[SIM_RANDOM] = "random",       [SIM_PUNCH] = "punch",
	};

	return names[call];
}

const char *sim_event_name(enum sim_event event)
{
	static const char *const names[SIM_EVENTS] = {
		[SIM_CRASHES] = "crashes",
		[SIM_KILLS] = "kills",
		[SIM_STOPS] = "stops",
		[SIM_HALF_WRITES] = "half writes",
		[SIM_SECTORS_DONE] = "sectors done",
		[SIM_SECTORS_OMITTED] = "sectors omitted",
		[SIM_SECTORS_TORN] = "sectors torn",
		[SIM_SECTORS_GARBLED] = "sectors garbled",
		[SIM_SIZES_DONE] = "sizes done",
		[SIM_SIZES_LOST] = "sizes lost",
		[SIM_HOLES_DONE] = "holes done",
		[SIM_HOLES_LOST] = "holes lost",
		[SIM_ENTRIES_DONE] = "entries done",
		[SIM_ENTRIES_LOST] = "entries lost",
		[SIM_ENTRIES_REORDERED] = "entries reordered",
		[SIM_SHORT_READS] = "short reads",
		[SIM_SHORT_WRITES] = "short writes",
		[SIM_LOST_SYNCS] = "lost syncs",
		[SIM_NO_SPACE] = "no space",
		[SIM_NO_NODES] = "no nodes",
		[SIM_DIRECT_READS] = "direct reads",
		[SIM_FLIPS] = "flips",
		[SIM_BAD_READS] = "bad reads",
		[SIM_BAD_LISTS] = "bad lists",
	};

	return names[event];
}

void sim_counts_print(const struct sim_counts *counts, FILE *out)
{
	(void)fputs("# calls:", out);
	for (unsigned i = 0; i < SIM_CALLS; i++)
		(void)fprintf(out, " %s %llu", sim_call_name(i),
			      (unsigned long long)counts->calls[i]);
	(void)fputs("\n# made to fail:", out);
	for (unsigned i = 0; i < SIM_CALLS; i++)
		(void)fprintf(out, " %s %llu", sim_call_name(i),
			      (unsigned long long)counts->failed[i]);
	(void)fputs("\n#", out);
	for (unsigned i = 0; i < SIM_EVENTS; i++)
		(void)fprintf(out, "%s %s %llu", i ? "," : "", sim_event_name(i),
			      (unsigned long long)counts->events[i]);
	(void)fputc('\n', out);
}
