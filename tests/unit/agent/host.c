/* SPDX-License-Identifier: MIT */
/* Tests of agent/host.c. */

#include "agent/host.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostmetrics/sysfs.h"
#include "tests/support/fake_root.h"
#include "tests/support/scratch.h"

static const char *root;
static struct hm_host host;

static void setup(void)
{
	root = scratch_folder();
	cr_assert_eq(host_init(&host, root), 0);
}

static void teardown(void)
{
	host_done(&host);
	scratch_remove(root);
}

TestSuite(host, .init = setup, .fini = teardown);

/* The first line of a file as a plugin sees it. */
static void read_line(const char *path, char *line, size_t size)
{
	int fd = hm_open(&host, path);

	cr_assert_geq(fd, 0, "cannot open %s: %s", path, strerror(-fd));
	cr_assert_eq(hm_read_string(fd, line, size), 0);
	close(fd);
}

static void make_link(const char *target, const char *name)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	cr_assert_eq(symlink(target, path), 0);
}

Test(host, reads_the_running_system_without_a_root)
{
	static const char *const roots[] = {"", "/"};

	for (size_t i = 0; i < 2; i++) {
		struct hm_host system;

		cr_assert_eq(host_init(&system, roots[i]), 0);
		cr_expect_not(hm_is_redirected(&system));

		int fd = hm_open(&system, "/proc/self/stat");

		cr_expect_geq(fd, 0);
		close(fd);
		host_done(&system);
	}
}

Test(host, reads_below_its_root)
{
	char line[32];

	fake_root_write(root, "/proc/loadavg", "inside\n");

	read_line("/proc/loadavg", line, sizeof(line));

	cr_expect(hm_is_redirected(&host));
	cr_expect_str_eq(line, "inside");
}

Test(host, says_why_a_root_cannot_be_opened)
{
	struct hm_host other;

	cr_expect_eq(host_init(&other, "/nowhere/at/all"), -ENOENT);
	host_done(&other);
	cr_expect_eq(host_init(&other, "/proc/self/stat"), -ENOTDIR);
	host_done(&other);
}

Test(host, done_leaves_the_descriptors_of_others_alone)
{
	struct hm_host zeroed = {0};
	int input_flags = fcntl(STDIN_FILENO, F_GETFD);

	host_done(&zeroed);

	cr_expect_eq(fcntl(STDIN_FILENO, F_GETFD), input_flags);
}

Test(host, keeps_symbolic_links_inside_the_root)
{
	char line[32];

	fake_root_write(root, "/etc/passwd", "inside\n");
	make_link("/etc/passwd", "absolute");
	make_link("../../../../../../../../etc/passwd", "relative");

	read_line("/absolute", line, sizeof(line));
	cr_expect_str_eq(line, "inside");
	read_line("/relative", line, sizeof(line));
	cr_expect_str_eq(line, "inside");
	read_line("/../../../etc/passwd", line, sizeof(line));
	cr_expect_str_eq(line, "inside");
}

Test(host, says_why_a_file_cannot_be_opened)
{
	make_link("loop", "loop");
	fake_root_write(root, "/file", "");

	cr_expect_eq(hm_open(&host, "/nothing"), -ENOENT);
	cr_expect_eq(hm_open(&host, "/file/below"), -ENOTDIR);
	cr_expect_eq(hm_open(&host, "/loop"), -ELOOP);
}

Test(host, does_not_wait_for_the_writer_of_a_fifo, .timeout = 10)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/fifo", root);
	cr_assert_eq(mkfifo(path, 0600), 0);

	int fd = hm_open(&host, "/fifo");

	cr_expect_geq(fd, 0);
	close(fd);
}

Test(host, opens_files_that_no_child_inherits)
{
	fake_root_write(root, "/file", "");

	int fd = hm_open(&host, "/file");

	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

Test(host, gives_options_as_configured_or_their_fallback)
{
	static const struct hm_option options[] = {
		{.name = "first", .fallback = "1", .help = "The first."},
		{.name = "second", .fallback = "2", .help = "The second."},
	};
	static const struct hm_plugin plugin = {
		HM_PLUGIN_HEADER,
		.options = options,
		.n_options = 2,
	};
	static const char *const values[] = {NULL, "two"};

	cr_expect_null(hm_option(&host, "first"), "without a plugin there are no options");
	host.plugin = &plugin;
	cr_expect_str_eq(hm_option(&host, "second"), "2");
	host.option_values = values;
	cr_expect_str_eq(hm_option(&host, "first"), "1");
	cr_expect_str_eq(hm_option(&host, "second"), "two");
	cr_expect_null(hm_option(&host, "third"));
}

Test(host, reads_the_first_line_of_a_file)
{
	char line[8];

	fake_root_write(root, "/sys/a", "first\nsecond\n");
	cr_expect_eq(hm_read_line_of(&host, "/sys/a", line, sizeof(line)), 0);
	cr_expect_str_eq(line, "first");
	cr_expect_eq(hm_read_line_of(&host, "/sys/b", line, sizeof(line)), -ENOENT);
	cr_expect_str_eq(line, "");
	cr_expect_eq(hm_read_line_of(&host, "/sys/a", line, 4), -ERANGE);
}

Test(host, tells_where_a_link_points_to)
{
	char target[64];

	fake_root_write(root, "/sys/a", "");
	make_link("../../devices/pci0", "sys/device");
	cr_expect_eq(hm_read_link(&host, "/sys/device", target, sizeof(target)), 0);
	cr_expect_str_eq(target, "../../devices/pci0");
	cr_expect_eq(hm_read_link(&host, "/sys/device", target, 4), -ERANGE);
	cr_expect_str_eq(target, "");
	cr_expect_eq(hm_read_link(&host, "/sys/a", target, sizeof(target)), -EINVAL);
	cr_expect_eq(hm_read_link(&host, "/sys/b", target, sizeof(target)), -ENOENT);

	struct hm_host system;

	cr_assert_eq(host_init(&system, ""), 0);
	cr_expect_eq(hm_read_link(&system, "/proc/self/exe", target, 2), -ERANGE);
	cr_expect_eq(hm_read_link(&system, "/proc", target, sizeof(target)), -EINVAL);
}
