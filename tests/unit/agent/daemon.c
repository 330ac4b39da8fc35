/* SPDX-License-Identifier: MIT */
/* Tests of agent/daemon.c: whole agents, each in a process of its own. */

#include "agent/daemon.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/spool.h"
#include "common/address.h"
#include "common/disk.h"
#include "common/timestamp.h"
#include "common/wire_clock.h"
#include "tests/support/fake_plugin.h"
#include "tests/support/scratch.h"

#define SECOND_US INT64_C(1000000)

static char hostname[] = "web01";
static char spool[200];
static char spool_size[] = "32M";
static char user[64];
static char socket_path[200];
static char log_path[200];
static char collector[ADDRESS_TEXT_MAX_BYTES];

static const char *folder;
static int listener;
static struct hm_host host;
static struct loader loader;
static struct options options;
static struct settings_plugin section = {
	.table = &fake_plugin, .interval_us = 50000, .options = {NULL, NULL, NULL, NULL}};
static struct settings_plugin *sections[] = {&section};
static struct settings settings = {
	.series_max = 1000,
	.interval_us = 50000,
	.ship_interval_us = 3600 * SECOND_US,
	.hostname = hostname,
	.spool = spool,
	.spool_size = spool_size,
	.spool_age_us = 3600 * SECOND_US,
	.user = user,
	.socket = socket_path,
	.collector = collector,
	.plugins = sections,
	.n_plugins = 1,
};

/*
 * An agent is this program started again, told so by its environment: a child without exec would
 * have threads that ThreadSanitizer does not follow.
 */
#define ENV_AGENT "HM_TEST_AGENT"

static void take_variable(const char *name, char *out, size_t size)
{
	const char *value = getenv(name);

	(void)snprintf(out, size, "%s", value ? value : "");
}

__attribute__((constructor)) static void become_agent(void)
{
	if (!getenv(ENV_AGENT))
		return;
	take_variable("HM_TEST_SOCKET", socket_path, sizeof(socket_path));
	take_variable("HM_TEST_COLLECTOR", collector, sizeof(collector));
	take_variable("HM_TEST_USER", user, sizeof(user));
	take_variable("HM_TEST_SPOOL", spool, sizeof(spool));
	fake_plugin_control.blocks = getenv("HM_TEST_BLOCKS") != NULL;
	/* Soon enough for a test that waits until a shipment is overdue. */
	if (fake_plugin_control.blocks)
		settings.ship_interval_us = SECOND_US / 10;
	if (host_init(&host, "") < 0)
		exit(EXIT_FAILURE);
	exit(daemon_run(&options, &settings, &loader, &host) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* A collector that takes connections, but nobody reads them. */
static void start_listening(void)
{
	struct address address;

	cr_assert_eq(address_parse("127.0.0.1:0", 0, &address), 0);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(listener, &address.any, address.length), 0);
	cr_assert_eq(listen(listener, 8), 0);
	address.length = sizeof(address.storage);
	cr_assert_eq(getsockname(listener, &address.any, &address.length), 0);
	address_format(&address, collector);
}

static void setup(void)
{
	folder = scratch_folder();
	(void)snprintf(socket_path, sizeof(socket_path), "%s/a.sock", folder);
	(void)snprintf(log_path, sizeof(log_path), "%s/log", folder);
	(void)snprintf(spool, sizeof(spool), "%s/var/spool", folder);
	start_listening();
}

static void teardown(void)
{
	close(listener);
	scratch_remove(folder);
}

TestSuite(daemon, .init = setup, .fini = teardown, .timeout = 60);

static pid_t start_agent(void)
{
	pid_t pid = fork();
	int fd;

	cr_assert_geq(pid, 0);
	if (pid > 0)
		return pid;
	fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	(void)dup2(fd, STDERR_FILENO);
	(void)setenv(ENV_AGENT, "1", 1);
	(void)setenv("HM_TEST_SOCKET", socket_path, 1);
	(void)setenv("HM_TEST_COLLECTOR", collector, 1);
	(void)setenv("HM_TEST_USER", user, 1);
	(void)setenv("HM_TEST_SPOOL", spool, 1);
	if (fake_plugin_control.blocks)
		(void)setenv("HM_TEST_BLOCKS", "1", 1);
	(void)execl("/proc/self/exe", "agent", NULL);
	_exit(127);
}

/* Sanitized programs take their time at the end as well. */
static int64_t end_limit_us(void)
{
	const char *patience = getenv("HM_PATIENCE");

	return (int64_t)((patience ? strtod(patience, NULL) : 1) * 2e6);
}

static bool answers(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_connected;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", socket_path);
	is_connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return is_connected;
}

static void wait_for_socket(void)
{
	for (int i = 0; i < 2000 && !answers(); i++)
		(void)usleep(10000);
	cr_assert(answers());
	/* The socket comes first; then the plugins are started. */
	(void)usleep(300000);
}

/* End the agent. @return the microseconds that took; its exit code has to be 0 */
static int64_t end_agent(pid_t pid)
{
	int64_t begin_us = timestamp_monotonic_us();
	int status;

	cr_assert_eq(kill(pid, SIGTERM), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
	cr_assert_eq(WEXITSTATUS(status), 0);
	return timestamp_monotonic_us() - begin_us;
}

static const char *read_log(void)
{
	static char text[8192];
	FILE *file = fopen(log_path, "r");
	size_t length;

	cr_assert_not_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	(void)fclose(file);
	return text;
}

Test(daemon, leaves_in_the_spool_what_a_collector_did_not_acknowledge)
{
	pid_t pid = start_agent();

	wait_for_socket();
	cr_assert_leq(end_agent(pid), end_limit_us());
	cr_assert_not_null(strstr(read_log(), "they wait in the spool"), "%s", read_log());
	cr_assert_neq(access(socket_path, F_OK), 0);
}

Test(daemon, goes_on_in_memory_where_the_spool_cannot_be_used)
{
	pid_t pid;

	(void)snprintf(spool, sizeof(spool), "%s/log/spool", folder);
	pid = start_agent();
	wait_for_socket();
	cr_assert_leq(end_agent(pid), end_limit_us());

	cr_assert_not_null(
		strstr(read_log(), "/log/spool: Not a directory; samples wait in memory"), "%s",
		read_log());
	cr_assert_not_null(strstr(read_log(), "they were in memory, and are lost"), "%s",
			   read_log());
}

Test(daemon, says_how_much_it_could_not_hand_over_and_ends_within_two_seconds)
{
	pid_t pid;

	close(listener);
	listener = -1;
	pid = start_agent();
	wait_for_socket();

	cr_assert_leq(end_agent(pid), end_limit_us());
	cr_assert_not_null(strstr(read_log(), "samples were not sent"), "%s", read_log());
}

Test(daemon, ends_within_two_seconds_with_a_plugin_that_is_stuck)
{
	pid_t pid;

	fake_plugin_control.blocks = true;
	pid = start_agent();
	wait_for_socket();

	cr_assert_leq(end_agent(pid), end_limit_us());
	cr_assert_not_null(strstr(read_log(), "plugin fake does not come back"), "%s", read_log());
	cr_assert_neq(access(socket_path, F_OK), 0);
}

/* Which events of the clock are in the spool, in their order. @return their number */
static size_t read_events(struct wire_clock events[], size_t n_max)
{
	struct spool_options left = {
		.disk = &disk_kernel,
		.folder = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.segment_bytes = SPOOL_SEGMENT_BYTES,
		.max_bytes = (uint64_t)32 << 20,
		.max_age_us = SPOOL_MAX_AGE_US,
		.max_memory_bytes = SPOOL_MEMORY_MAX_BYTES,
		.host_id = {1},
		.host_name = {hostname, strlen(hostname)},
	};
	struct spool_message message = {.sequence = 0};
	struct spool_epoch_info info;
	struct spool *opened;
	size_t n = 0;

	cr_assert_eq(spool_open(&left, &opened), 0);
	cr_assert_eq(spool_get_epoch(opened, 0, &info), 0);
	while (n < n_max && spool_next(opened, info.id, message.sequence, &message) == 0) {
		if (message.type != HM_FRAME_CLOCK)
			continue;
		cr_assert_eq(wire_clock_get(message.payload, message.payload_bytes, &events[n++]),
			     HM_REASON_NONE);
	}
	spool_free(opened);
	(void)close(left.folder);
	return n;
}

Test(daemon, tells_for_how_long_a_plugin_held_it_up_that_never_came_back)
{
	struct wire_clock events[4];
	int64_t held_us;
	pid_t pid;

	fake_plugin_control.blocks = true;
	pid = start_agent();
	wait_for_socket();
	(void)end_agent(pid);

	cr_assert_eq(read_events(events, 4), 3);
	cr_assert_eq(events[0].event, HM_CLOCK_STARTED);
	cr_assert_eq(events[1].event, HM_CLOCK_HELD_UP);
	cr_assert_eq(events[2].event, HM_CLOCK_STOPPED);
	held_us = events[1].now_us - events[0].now_us;
	cr_assert_leq(events[1].change_us, held_us);
	cr_assert_geq(events[1].change_us, held_us / 2);
}

Test(daemon, says_which_plugin_holds_up_all_others_once)
{
	static const char message[] = "plugin fake does not come back: no plugin is read";
	const char *said;
	pid_t pid;

	fake_plugin_control.blocks = true;
	pid = start_agent();
	wait_for_socket();
	for (int i = 0; i < 1000 && !strstr(read_log(), message); i++)
		(void)usleep(10000);
	(void)usleep(300000);

	cr_assert_leq(end_agent(pid), end_limit_us());
	said = strstr(read_log(), message);
	cr_assert_not_null(said, "%s", read_log());
	cr_assert_null(strstr(said + 1, message), "%s", read_log());
}

Test(daemon, refuses_a_second_agent_with_the_pid_of_the_first)
{
	pid_t first = start_agent();
	char expected[40];
	pid_t second;
	int status;

	wait_for_socket();
	second = start_agent();
	cr_assert_eq(waitpid(second, &status, 0), second);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), EXIT_FAILURE);
	(void)snprintf(expected, sizeof(expected), "in use by process %d", (int)first);
	cr_assert_not_null(strstr(read_log(), expected), "%s", read_log());
	(void)end_agent(first);
}

/* All four of a process' user ids, or group ids, as /proc/PID/status has them. */
static void expect_ids(pid_t pid, const char *name, unsigned id)
{
	char path[64];
	char line[256];
	char expected[100];
	bool is_found = false;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	(void)snprintf(expected, sizeof(expected), "%s:\t%u\t%u\t%u\t%u\n", name, id, id, id, id);
	file = fopen(path, "r");
	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file))
		is_found |= strcmp(line, expected) == 0;
	(void)fclose(file);
	cr_assert(is_found, "no '%s'", expected);
}

Test(daemon, becomes_another_user_and_gives_that_user_its_socket)
{
	const struct passwd *nobody = getpwnam("nobody");
	struct stat status;
	pid_t pid;

	if (geteuid() != 0 || !nobody)
		cr_skip_test("only root can become somebody else");
	(void)snprintf(user, sizeof(user), "nobody");
	cr_assert_eq(chown(folder, nobody->pw_uid, nobody->pw_gid), 0);
	pid = start_agent();
	wait_for_socket();

	expect_ids(pid, "Uid", nobody->pw_uid);
	expect_ids(pid, "Gid", nobody->pw_gid);
	cr_assert_eq(stat(socket_path, &status), 0);
	cr_assert_eq(status.st_uid, nobody->pw_uid);
	cr_assert_eq(status.st_gid, nobody->pw_gid);
	(void)end_agent(pid);
}

Test(daemon, does_not_start_as_a_user_that_is_not_there)
{
	int status;
	pid_t pid;

	(void)snprintf(user, sizeof(user), "no-such-user");
	pid = start_agent();
	cr_assert_eq(waitpid(pid, &status, 0), pid);

	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), EXIT_FAILURE);
	cr_assert_not_null(strstr(read_log(), "no-such-user"));
}
