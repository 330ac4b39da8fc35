/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/dump.c. */

#include "agent/ctl/dump.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <endian.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/message.h"
#include "common/store_file.h"
#include "tests/support/scratch.h"

static const char *folder;
static char path[256];
static struct buffer bytes;
static struct options options;
static char *printed;

static void setup(void)
{
	cr_redirect_stderr();
	message_init("agentctl");
	folder = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/x.hm", folder);
	options.verb = verb_find("dump");
	options.argument = path;
}

static void teardown(void)
{
	free(printed);
	buffer_done(&bytes);
	scratch_remove(folder);
}

TestSuite(dump, .init = setup, .fini = teardown, .timeout = 60);

static void put_series(uint32_t id, const char *labels)
{
	struct buffer payload = {0};

	id = htole32(id);
	buffer_append(&payload, &id, sizeof(id));
	buffer_append_text(&payload, labels);
	store_file_put_block(&bytes, HM_BLOCK_SERIES, payload.data, payload.length);
	buffer_done(&payload);
}

static void put_samples(const struct store_file_sample *samples, size_t n)
{
	struct buffer payload = {0};

	for (size_t i = 0; i < n; i++)
		store_file_put_sample(&payload, &samples[i]);
	store_file_put_block(&bytes, HM_BLOCK_SAMPLES, payload.data, payload.length);
	buffer_done(&payload);
}

/* A file of two series and three samples in two blocks. */
static void put_file(void)
{
	static const struct store_file_sample first[] = {
		{0, INT64_C(1795416401250000), 0.1},
		{1, INT64_C(1795416401000000), -0.0},
	};
	static const struct store_file_sample second[] = {{1, -1, 1e300}};

	store_file_put_header(&bytes, "web01", "node_x");
	store_file_put_block(&bytes, HM_BLOCK_META, "\1\0\0\0celsius", 11);
	put_series(0, "");
	put_series(1, "{a=\"b c\"}");
	put_samples(first, 2);
	put_samples(second, 1);
}

static const char all[] = "1795416401.25\tweb01\tnode_x\t0.1\n"
			  "1795416401\tweb01\tnode_x{a=\"b c\"}\t-0\n"
			  "-0.000001\tweb01\tnode_x{a=\"b c\"}\t1e+300\n";

/* Write the first bytes to the file and dump it. */
static int dump(size_t n_bytes)
{
	size_t length;
	FILE *file = fopen(path, "w");
	int ending;

	cr_assert(file);
	cr_assert_eq(fwrite(bytes.data, 1, n_bytes, file), n_bytes);
	cr_assert_eq(fclose(file), 0);
	free(printed);
	printed = NULL;
	file = open_memstream(&printed, &length);
	ending = dump_file(&options, file);
	(void)fclose(file);
	return ending;
}

Test(dump, prints_the_samples_in_the_order_of_the_file)
{
	put_file();
	cr_expect_eq(dump(bytes.length), ENDING_FOUND);
	cr_expect_str_eq(printed, all);
	cr_expect_stderr_eq_str("");
}

Test(dump, prints_the_other_formats)
{
	cr_assert_eq(setenv("TZ", "UTC0", 1), 0);
	put_file();
	options.format = &output_csv;
	cr_expect_eq(dump(bytes.length), ENDING_FOUND);
	cr_expect_eq(
		strncmp(printed,
			"time,host,series,value\r\n2026-11-23T06:46:41.250000,web01,node_x,0.1\r\n",
			69),
		0);
}

Test(dump, passes_over_blocks_it_does_not_know)
{
	put_file();
	store_file_put_block(&bytes, (enum hm_block_type)77, "what?", 5);
	cr_expect_eq(dump(bytes.length), ENDING_FOUND);
	cr_expect_str_eq(printed, all);
}

Test(dump, reads_a_file_that_is_longer_than_a_read)
{
	static struct store_file_sample samples[50000];
	size_t n_lines = 0;

	for (size_t i = 0; i < 50000; i++)
		samples[i] = (struct store_file_sample){0, (int64_t)i * 1000000, (double)i};
	store_file_put_header(&bytes, "h", "m");
	put_series(0, "");
	put_samples(samples, 50000);
	put_samples(samples, 50000);
	cr_expect_eq(dump(bytes.length), ENDING_FOUND);
	for (const char *at = printed; (at = strchr(at, '\n')); at++)
		n_lines++;
	cr_expect_eq(n_lines, 100000);
}

Test(dump, says_that_there_is_nothing)
{
	store_file_put_header(&bytes, "h", "m");
	cr_expect_eq(dump(bytes.length), ENDING_NONE);
	cr_expect_str_eq(printed, "");
}

Test(dump, prints_what_verifies_before_the_damage)
{
	size_t good;
	char expected[400];

	put_file();
	good = bytes.length;
	put_samples(&(struct store_file_sample){0, 5, 5}, 1);
	bytes.data[bytes.length - 1] ^= 1;
	put_samples(&(struct store_file_sample){0, 6, 6}, 1);
	cr_expect_eq(dump(bytes.length), ENDING_FAILED);
	cr_expect_str_eq(printed, all);
	(void)snprintf(expected, sizeof(expected),
		       "agentctl: %s: offset %zu: a damaged block; what follows cannot be read\n",
		       path, good);
	cr_expect_stderr_eq_str(expected);
}

static void flip_bit(size_t n)
{
	unsigned char *byte = (unsigned char *)bytes.data + n / 8;

	*byte = (unsigned char)(*byte ^ 1U << n % 8);
}

Test(dump, never_prints_a_sample_that_was_not_written)
{
	size_t length;

	put_file();
	length = bytes.length;
	for (size_t n = 0; n < length; n++) {
		(void)dump(n);
		cr_expect_eq(strncmp(all, printed, strlen(printed)), 0, "cut at %zu: %s", n,
			     printed);
	}
	for (size_t n = 0; n < length * 8; n++) {
		flip_bit(n);
		cr_expect_eq(dump(length), ENDING_FAILED, "bit %zu", n);
		cr_expect_eq(strncmp(all, printed, strlen(printed)), 0, "bit %zu: %s", n, printed);
		flip_bit(n);
	}
}

Test(dump, refuses_a_block_that_claims_too_much)
{
	uint32_t header[3] = {htole32(HM_BLOCK_SAMPLES), htole32(0xffffffff), 0};

	store_file_put_header(&bytes, "h", "m");
	buffer_append(&bytes, header, sizeof(header));
	cr_expect_eq(dump(bytes.length), ENDING_FAILED);
}

Test(dump, refuses_a_sample_of_no_series)
{
	store_file_put_header(&bytes, "h", "m");
	put_samples(&(struct store_file_sample){0, 5, 5}, 1);
	cr_expect_eq(dump(bytes.length), ENDING_FAILED);
	cr_expect_str_eq(printed, "");
}

Test(dump, refuses_series_out_of_order)
{
	store_file_put_header(&bytes, "h", "m");
	put_series(1, "");
	cr_expect_eq(dump(bytes.length), ENDING_FAILED);
}

Test(dump, refuses_a_part_of_a_sample)
{
	store_file_put_header(&bytes, "h", "m");
	put_series(0, "");
	store_file_put_block(&bytes, HM_BLOCK_SAMPLES, "123456789012345678901", 21);
	cr_expect_eq(dump(bytes.length), ENDING_FAILED);
}

Test(dump, refuses_what_is_no_store_file)
{
	buffer_append_text(&bytes, "this is a letter to my aunt, and quite a long one at that\n");
	cr_expect_eq(dump(bytes.length), ENDING_FAILED);
}

Test(dump, waits_for_nobody)
{
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(dump_file(&options, stdout), ENDING_FAILED);
	options.argument = folder;
	cr_expect_eq(dump_file(&options, stdout), ENDING_FAILED);
	options.argument = "/nowhere";
	cr_expect_eq(dump_file(&options, stdout), ENDING_FAILED);
}
