/* SPDX-License-Identifier: MIT */
/* Tests of agent/host_id.c. */

#include "agent/host_id.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/wire_id.h"
#include "tests/support/scratch.h"

static const char *path;
static int folder;

static void setup(void)
{
	path = scratch_folder();
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(folder, 0);
}

static void teardown(void)
{
	(void)close(folder);
	scratch_remove(path);
}

TestSuite(host_id, .init = setup, .fini = teardown);

static void write_file(const char *text)
{
	int fd = openat(folder, "host", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(close(fd), 0);
}

Test(host_id, stays_once_it_was_drawn)
{
	uint8_t first[HM_ID_BYTES];
	uint8_t second[HM_ID_BYTES];

	cr_assert_eq(host_id_find(folder, first), 0);
	cr_assert(wire_id_is_set(first));
	cr_assert_eq(host_id_find(folder, second), 0);
	cr_assert_arr_eq(first, second, HM_ID_BYTES);
}

Test(host_id, is_what_the_file_says_or_another_where_that_cannot_be_read)
{
	uint8_t id[HM_ID_BYTES];

	write_file("0123456789abcdef0123456789abcdef\n");
	cr_assert_eq(host_id_find(folder, id), 0);
	cr_assert_eq(id[1], 0x23);
	cr_assert_eq(id[15], 0xef);
	write_file("0123456789abcdef0123456789abcde\n");
	cr_assert_eq(host_id_find(folder, id), 0);
	cr_assert(wire_id_is_set(id));
	cr_assert_neq(memcmp(id, "\x01\x23\x45\x67\x89", 5), 0);
}

static int parse(const char *text)
{
	uint8_t id[HM_ID_BYTES];

	return host_id_parse(text, strlen(text), id);
}

Test(host_id, is_read_as_the_kernel_writes_it)
{
	static const char *const bad[] = {
		"",
		"\n",
		"0123456789abcdef0123456789abcde",
		"0123456789abcdef0123456789abcdef0",
		"0123456789abcdeg0123456789abcdef",
		"0123456789ABCDEF0123456789ABCDEF",
		"00000000-0000-0000-0000-000000000000\n",
	};
	uint8_t id[HM_ID_BYTES];

	cr_assert_eq(host_id_read_boot(id), 0);
	cr_assert_eq(parse("01234567-89ab-cdef-0123-456789abcdef\n"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(parse(bad[i]), -EBADMSG, "%s", bad[i]);
}

Test(host_id, is_written_as_it_is_read)
{
	uint8_t id[HM_ID_BYTES];
	uint8_t again[HM_ID_BYTES];
	char text[HOST_ID_TEXT_BYTES];

	cr_assert_eq(host_id_draw(id), 0);
	host_id_format(id, text);
	cr_assert_eq(text[HOST_ID_TEXT_BYTES - 1], '\n');
	cr_assert_eq(host_id_parse(text, sizeof(text), again), 0);
	cr_assert_arr_eq(id, again, HM_ID_BYTES);
}
