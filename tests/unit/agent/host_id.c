/* SPDX-License-Identifier: MIT */
/* Tests of agent/host_id.c. */

#include "agent/host_id.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
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

static struct host_id_machine machine(uint8_t number)
{
	struct host_id_machine machine = {.is_known = number != 0};

	memset(machine.id, number, sizeof(machine.id));
	return machine;
}

static const uint8_t *make(uint8_t number, const char *spool, const char *name)
{
	static uint8_t id[HM_ID_BYTES];
	const struct host_id_machine known = machine(number);

	cr_assert_eq(host_id_make(&known, spool, name, id), 0);
	cr_assert(wire_id_is_set(id));
	return id;
}

/* The id that the folder has on a machine; where it has none it is to be `id` again and again. */
static const uint8_t *find(uint8_t number, uint8_t id)
{
	static uint8_t found[HM_ID_BYTES];
	const struct host_id_machine known = machine(number);
	uint8_t fallback[HM_ID_BYTES];

	memset(fallback, id, sizeof(fallback));
	cr_assert_eq(host_id_find(folder, &known, fallback, found), 0);
	return found;
}

static void expect(const uint8_t *found, uint8_t id)
{
	for (size_t i = 0; i < HM_ID_BYTES; i++)
		cr_assert_eq(found[i], id, "%d in place of %d", found[i], id);
}

Test(host_id, is_made_of_the_machine_the_spool_s_path_and_the_name)
{
	uint8_t first[HM_ID_BYTES];

	memcpy(first, make(1, "/var/spool", "web01"), sizeof(first));
	cr_assert_arr_eq(first, make(1, "/var/spool", "web01"), sizeof(first));
	cr_assert_neq(memcmp(first, make(2, "/var/spool", "web01"), sizeof(first)), 0);
	cr_assert_neq(memcmp(first, make(1, "/var/spool2", "web01"), sizeof(first)), 0);
	cr_assert_neq(memcmp(first, make(1, "/var/spool", "web02"), sizeof(first)), 0);
	cr_assert_neq(memcmp(first, make(1, "/var/spoolw", "eb01"), sizeof(first)), 0);
	/* Fixed for good: another hash would make all hosts new ones. */
	cr_assert_arr_eq(first, "\xa1\x3e\xc6\xbf\xff\x04\x7b\x34\xf0\xb5\xb8\x60\xc7\xa2\xff\xc7",
			 sizeof(first));
}

Test(host_id, is_drawn_where_the_machine_is_not_known)
{
	uint8_t first[HM_ID_BYTES];

	memcpy(first, make(0, "/var/spool", "web01"), sizeof(first));
	cr_assert_neq(memcmp(first, make(0, "/var/spool", "web01"), sizeof(first)), 0);
}

Test(host_id, stays_in_its_folder)
{
	expect(find(1, 10), 10);
	expect(find(1, 11), 10);
	expect(find(0, 12), 10);
}

Test(host_id, is_another_on_another_machine)
{
	expect(find(1, 10), 10);
	expect(find(2, 20), 20);
	expect(find(2, 21), 20);
	expect(find(1, 11), 11);
}

Test(host_id, of_no_known_machine_becomes_that_of_the_first_that_is)
{
	expect(find(0, 10), 10);
	expect(find(0, 11), 10);
	expect(find(1, 12), 10);
	expect(find(2, 20), 20);
}

Test(host_id, is_what_the_file_says_though_nothing_can_be_written)
{
	expect(find(0, 10), 10);
	cr_assert_eq(mkdirat(folder, "host.new", 0700), 0);
	expect(find(1, 11), 10);
	cr_assert_eq(unlinkat(folder, "host.new", AT_REMOVEDIR), 0);
	expect(find(1, 11), 10);
	expect(find(2, 20), 20);
}

Test(host_id, is_what_the_file_says_or_another_where_that_cannot_be_read)
{
	static const char *const bad[] = {
		"",
		"0123456789abcdef0123456789abcde\n",
		"11111111111111111111111111111111\n0123",
		"11111111111111111111111111111111\n00000000000000000000000000000000\n",
		"1111111111111111111111111111111111111111111111111111111111111111\n",
		"11111111111111111111111111111111\n11111111111111111111111111111111\n0",
	};

	write_file("11111111111111111111111111111111\n");
	expect(find(1, 10), 0x11);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_file(bad[i]);
		expect(find(1, 10), 10);
		expect(find(1, 11), 10);
	}
}

Test(host_id, reads_the_machine_s_id)
{
	struct host_id_machine read;

	host_id_read_machine("/nowhere", &read);
	cr_assert_not(read.is_known);
	host_id_read_machine("/proc/sys/kernel/random/boot_id", &read);
	cr_assert(read.is_known);
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

	memcpy(id, make(0, "", "web01"), sizeof(id));
	host_id_format(id, text);
	cr_assert_eq(text[HOST_ID_TEXT_BYTES - 1], '\n');
	cr_assert_eq(host_id_parse(text, sizeof(text), again), 0);
	cr_assert_arr_eq(id, again, HM_ID_BYTES);
}
