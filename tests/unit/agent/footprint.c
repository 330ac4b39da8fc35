/* SPDX-License-Identifier: MIT */
/* Tests of agent/footprint.c. */

#include "agent/footprint.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES ((size_t)1000)
#define N_PIECES    4000
#define MUCH_KIB    3000

static char *pieces[N_PIECES];
static struct footprint footprint;

/* A line of /proc/self/smaps_rollup. */
static long read_kib(const char *name)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	char line[200];
	long kib = -1;

	if (!file)
		return kib;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, strlen(name)) == 0)
			kib = strtol(line + strlen(name), NULL, 10);
	}
	(void)fclose(file);
	return kib;
}

/* All but the last of many pieces: malloc() itself can give nothing back. */
static void fill_and_free(void)
{
	footprint_init();
	for (size_t i = 0; i < N_PIECES; i++) {
		pieces[i] = malloc(PIECE_BYTES);
		cr_assert_not_null(pieces[i]);
		memset(pieces[i], 1, PIECE_BYTES);
	}
	for (size_t i = 0; i + 1 < N_PIECES; i++)
		free(pieces[i]);
}

static void setup(void)
{
	if (read_kib("Pss_Anon:") < 0)
		cr_skip_test("the kernel does not tell what a process has");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	cr_skip_test("malloc() is a sanitizer's");
#endif
	footprint = (struct footprint){.next_us = 0};
}

static void teardown(void)
{
	free(pieces[N_PIECES - 1]);
}

TestSuite(footprint, .init = setup, .fini = teardown);

Test(footprint, gives_back_what_is_free)
{
	long before;

	fill_and_free();
	before = read_kib("Pss_Anon:");
	cr_assert_gt(before, MUCH_KIB);
	footprint_trim(&footprint, 1);
	cr_expect_lt(read_kib("Pss_Anon:"), before - MUCH_KIB);
	cr_expect_eq(pieces[N_PIECES - 1][PIECE_BYTES - 1], 1);
}

Test(footprint, does_so_ever_more_seldom_up_to_a_limit)
{
	static const int64_t intervals_us[] = {5000000,  10000000, 20000000,
					       40000000, 50000000, 50000000};
	int64_t now_us = 1;

	footprint_trim(&footprint, now_us);
	for (size_t i = 0; i < sizeof(intervals_us) / sizeof(intervals_us[0]); i++) {
		long before;

		fill_and_free();
		before = read_kib("Pss_Anon:");
		now_us += intervals_us[i];
		footprint_trim(&footprint, now_us - 1);
		cr_expect_gt(read_kib("Pss_Anon:"), before - MUCH_KIB);
		footprint_trim(&footprint, now_us);
		cr_expect_lt(read_kib("Pss_Anon:"), before - MUCH_KIB);
		free(pieces[N_PIECES - 1]);
		pieces[N_PIECES - 1] = NULL;
	}
}

/* Written when the program was loaded, and read only since. */
static const char *const relocated[] = {"a", "b"};

Test(footprint, gives_back_what_is_mapped_of_files)
{
	long before = read_kib("Pss_File:");
	char text[10];

	cr_assert_geq(before, 0);
	footprint_trim(&footprint, 1);
	cr_expect_lt(read_kib("Pss_File:"), before);
	(void)snprintf(text, sizeof(text), "%s%s", relocated[0], relocated[1]);
	cr_expect_str_eq(text, "ab");
}
