/* SPDX-License-Identifier: MIT */
/* Tests of agent/loader.c, with objects that a compiler makes here. */

#include "agent/loader.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/scratch.h"

/* A whole plugin that needs nothing of the agent. */
#define PLUGIN(name)                                                                               \
	"#include \"hostmetrics/plugin.h\"\n"                                                      \
	"static const struct hm_metric metric_" name " = {.name = \"node_" name "\",\n"            \
	"	.unit = \"\", .help = \"x\", .source = \"x\", .kind = HM_GAUGE};\n"                      \
	"static int start_" name "(void *s, const struct hm_host *h)\n"                            \
	"{ (void)s; (void)h; return 0; }\n"                                                        \
	"static int get_" name "(void *s, struct hm_batch *b) { (void)s; (void)b; return 0; }\n"   \
	"HM_PLUGIN(" name ") = {HM_PLUGIN_HEADER, .name = \"" name "\", .help = \"x\",\n"          \
	"	.looks_for = \"x\", .metrics = &metric_" name ", .n_metrics = 1,\n"                \
	"	.start_collect = start_" name ", .get_current_state = get_" name "};\n"

static const char *folder;
static char plugins[4096];
static struct loader loader;
static const char *problem;

static void setup(void)
{
	folder = scratch_folder();
	(void)snprintf(plugins, sizeof(plugins), "%s/plugins", folder);
	cr_assert_eq(mkdir(plugins, 0755), 0);
	cr_assert_eq(chmod(plugins, 0755), 0);
}

static void teardown(void)
{
	loader_close(&loader);
	scratch_remove(folder);
}

TestSuite(loader, .init = setup, .fini = teardown);

static void format_path(char *out, size_t size, const char *name)
{
	(void)snprintf(out, size, "%s/%s", plugins, name);
}

static void write_file(const char *name, const void *data, size_t length)
{
	char path[5000];
	FILE *file;

	format_path(path, sizeof(path), name);
	file = fopen(path, "wb");
	cr_assert_not_null(file);
	cr_assert_eq(fwrite(data, 1, length, file), length);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(chmod(path, 0644), 0);
}

static size_t read_file(const char *name, char *out, size_t size)
{
	char path[5000];
	FILE *file;
	size_t length;

	format_path(path, sizeof(path), name);
	file = fopen(path, "rb");
	cr_assert_not_null(file);
	length = fread(out, 1, size, file);
	(void)fclose(file);
	return length;
}

/* Exit code of a compiler that is not there, as in a shell. */
#define NOT_FOUND 127

static int run_compiler(const char *out)
{
	const char *chosen = getenv("CC");
	const char *compiler = chosen ? chosen : "cc";
	char first[5000];
	char second[5000];
	int status;
	pid_t pid;

	format_path(first, sizeof(first), "../first.c");
	format_path(second, sizeof(second), "../second.c");
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		(void)execlp(compiler, compiler, "-std=gnu17", "-shared", "-fPIC", "-Iinclude",
			     "-o", out, first, second, NULL);
		_exit(NOT_FOUND);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Compile sources into plugins/NAME; `second` may be NULL. */
static void build_two(const char *name, const char *source, const char *second)
{
	char path[5000];
	int status;

	write_file("../first.c", source, strlen(source));
	write_file("../second.c", second ? second : "", second ? strlen(second) : 0);
	format_path(path, sizeof(path), name);
	status = run_compiler(path);
	if (status == NOT_FOUND)
		cr_skip_test("there is no C compiler");
	cr_assert_eq(status, 0);
	cr_assert_eq(chmod(path, 0755), 0);
}

static void build(const char *name, const char *source)
{
	build_two(name, source, NULL);
}

static void load(void)
{
	int result = loader_open(&loader, plugins, geteuid() == 0, &problem);

	cr_assert_eq(result, 0, "%s", result < 0 ? problem : "");
}

static void expect_refused(const char *name, const char *why)
{
	for (size_t i = 0; i < loader.n_refusals; i++) {
		if (strcmp(loader.refusals[i].name, name) != 0)
			continue;
		cr_assert_not_null(strstr(loader.refusals[i].reason, why), "%s: %s", name,
				   loader.refusals[i].reason);
		cr_assert_null(strchr(loader.refusals[i].reason, '\n'));
		return;
	}
	cr_assert_fail("%s is not refused", name);
}

Test(loader, loads_every_plugin_of_every_object_in_the_order_of_their_names)
{
	build("20-b.so", PLUGIN("b"));
	build_two("10-two.so", PLUGIN("c"), PLUGIN("a"));
	load();

	cr_assert_eq(loader.n_plugins, 3);
	cr_assert_str_eq(loader.plugins[0]->name, "c");
	cr_assert_str_eq(loader.plugins[1]->name, "a");
	cr_assert_str_eq(loader.plugins[2]->name, "b");
	cr_assert_eq(loader.n_refusals, 0);
	cr_assert_eq(loader_find(&loader, "a"), loader.plugins[1]);
	cr_assert_null(loader_find(&loader, "d"));
}

Test(loader, passes_over_other_files)
{
	build("a.so", PLUGIN("a"));
	write_file("README", "x", 1);
	write_file(".hidden.so", "x", 1);
	write_file("a.so.bak", "x", 1);
	load();

	cr_assert_eq(loader.n_plugins, 1);
	cr_assert_eq(loader.n_refusals, 0);
}

Test(loader, refuses_what_is_no_object_and_goes_on)
{
	char path[5000];

	write_file("a-empty.so", "", 0);
	write_file("a-text.so",
		   "not an object, but long enough to be one: ................"
		   "............................................................",
		   110);
	format_path(path, sizeof(path), "a-folder.so");
	cr_assert_eq(mkdir(path, 0755), 0);
	format_path(path, sizeof(path), "a-fifo.so");
	cr_assert_eq(mkfifo(path, 0644), 0);
	build("b.so", PLUGIN("b"));
	format_path(path, sizeof(path), "c-link.so");
	cr_assert_eq(symlink("b.so", path), 0);
	load();

	cr_assert_eq(loader.n_plugins, 1);
	cr_assert_eq(loader.n_refusals, 5);
	expect_refused("a-empty.so", "shared object");
	expect_refused("a-text.so", "shared object");
	expect_refused("a-folder.so", "regular file");
	expect_refused("a-fifo.so", "regular file");
	expect_refused("c-link.so", "symbolic link");
}

Test(loader, refuses_an_object_that_is_cut_short_anywhere)
{
	static char data[1 << 20];
	size_t length;

	build("b.so", PLUGIN("b"));
	length = read_file("b.so", data, sizeof(data));
	for (size_t n_bytes = 0; n_bytes < length * 3 / 4; n_bytes += length / 50) {
		write_file("cut.so", data, n_bytes);
		load();
		cr_assert_eq(loader.n_plugins, 1);
		cr_assert_eq(loader.n_refusals, 1, "cut after %zu bytes", n_bytes);
		loader_close(&loader);
	}
}

Test(loader, refuses_an_object_without_a_list)
{
	build("a.so", "int nothing;");
	load();

	cr_assert_eq(loader.n_plugins, 0);
	expect_refused("a.so", "hm_plugin_list");
}

Test(loader, refuses_an_object_that_needs_what_nobody_has)
{
	build("a.so",
	      "int hm_nobody_has_this(void); int f(void) { return hm_nobody_has_this(); }\n" PLUGIN(
		      "a"));
	load();

	expect_refused("a.so", "hm_nobody_has_this");
	cr_assert_null(strstr(loader.refusals[0].reason, "/proc/self/fd"));
}

Test(loader, refuses_an_object_of_another_abi)
{
	build("a.so", "#include \"hostmetrics/plugin.h\"\n#undef HM_PLUGIN_ABI\n"
		      "#define HM_PLUGIN_ABI 99\n" PLUGIN("a"));
	load();

	cr_assert_eq(loader.n_plugins, 0);
	expect_refused("a.so", "ABI 99");
}

/* Nothing is set but the name. */
#define BAD_PLUGIN                                                                                 \
	"#include \"hostmetrics/plugin.h\"\n"                                                      \
	"HM_PLUGIN(bad) = {HM_PLUGIN_HEADER, .name = \"bad\"};\n"

Test(loader, refuses_one_plugin_that_breaks_the_contract_and_takes_its_neighbour)
{
	build_two("a.so", BAD_PLUGIN, PLUGIN("good"));
	load();

	cr_assert_eq(loader.n_plugins, 1);
	cr_assert_str_eq(loader.plugins[0]->name, "good");
	expect_refused("bad", "help");
	expect_refused("bad", "a.so");
}

Test(loader, refuses_a_second_plugin_of_the_same_name)
{
	build("a.so", PLUGIN("a"));
	build_two("b.so", PLUGIN("a"), PLUGIN("b"));
	load();

	cr_assert_eq(loader.n_plugins, 2);
	expect_refused("a", "b.so");
}

Test(loader, refuses_a_plugin_with_a_metric_that_another_has)
{
	char source[sizeof(PLUGIN("b"))];

	/* The plugin b, whose metric is called as that of a. */
	(void)memcpy(source, PLUGIN("b"), sizeof(source));
	strstr(source, "\"node_b\"")[strlen("\"node_")] = 'a';
	build("a.so", PLUGIN("a"));
	build("b.so", source);
	load();

	cr_assert_eq(loader.n_plugins, 1);
	expect_refused("b", "plugin a has its metric 'node_a' already (in b.so)");
}

Test(loader, loads_another_object_after_the_first_was_closed)
{
	build("a.so", PLUGIN("a"));
	load();
	cr_assert_str_eq(loader.plugins[0]->name, "a");
	loader_close(&loader);

	char path[5000];

	format_path(path, sizeof(path), "a.so");
	cr_assert_eq(unlink(path), 0);
	build("b.so", PLUGIN("b"));
	load();
	cr_assert_str_eq(loader.plugins[0]->name, "b");
}

Test(loader, says_which_sections_may_belong_to_what_was_refused)
{
	build_two("a.so", BAD_PLUGIN, PLUGIN("good"));
	load();
	cr_assert(loader_may_have_refused(&loader, "bad"));
	cr_assert_not(loader_may_have_refused(&loader, "worse"));
	loader_close(&loader);

	write_file("b.so", "x", 1);
	load();
	cr_assert(loader_may_have_refused(&loader, "worse"));
}

Test(loader, refuses_for_root_what_others_may_write)
{
	char path[5000];

	if (geteuid() != 0)
		cr_skip_test("only root can make files of root's");
	build("a.so", PLUGIN("a"));
	format_path(path, sizeof(path), "a.so");
	for (int bit = 0020; bit; bit = bit == 0020 ? 0002 : 0) {
		cr_assert_eq(chmod(path, (mode_t)(0644 | bit)), 0);
		load();
		cr_assert_eq(loader.n_plugins, 0);
		expect_refused("a.so", "write");
		loader_close(&loader);
	}

	cr_assert_eq(chmod(path, 0644), 0);
	cr_assert_eq(chown(path, 65534, 0), 0);
	load();
	expect_refused("a.so", "not owned by root");
}

Test(loader, takes_what_others_may_write_where_it_is_not_root)
{
	char path[5000];

	build("a.so", PLUGIN("a"));
	format_path(path, sizeof(path), "a.so");
	cr_assert_eq(chmod(path, 0666), 0);

	cr_assert_eq(loader_open(&loader, plugins, false, &problem), 0);
	cr_assert_eq(loader.n_plugins, 1);
}

Test(loader, refuses_for_root_a_folder_that_others_may_write)
{
	cr_assert_eq(chmod(plugins, 0777), 0);

	cr_assert_eq(loader_open(&loader, plugins, true, &problem), -EPERM);
	cr_assert_eq(loader.n_plugins, 0);
	cr_assert_neq(*problem, '\0');
}

Test(loader, says_when_there_is_no_folder)
{
	cr_assert_eq(rmdir(plugins), 0);
	cr_assert_eq(loader_open(&loader, plugins, false, &problem), -ENOENT);
	cr_assert_str_eq(problem, "No such file or directory");

	FILE *file = fopen(plugins, "w");

	cr_assert_not_null(file);
	(void)fclose(file);
	cr_assert_eq(loader_open(&loader, plugins, false, &problem), -ENOTDIR);
}

static int count_descriptors(void)
{
	int n_open = 0;

	for (int fd = 0; fd < 1000; fd++)
		n_open += fcntl(fd, F_GETFD) >= 0;
	return n_open;
}

Test(loader, leaves_no_descriptor_behind)
{
	int before = count_descriptors();

	build("a.so", PLUGIN("a"));
	build("b.so", PLUGIN("a"));
	build("c.so", "int nothing;");
	write_file("d.so", "x", 1);
	load();
	loader_close(&loader);

	cr_assert_eq(count_descriptors(), before);
}
