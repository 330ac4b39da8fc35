/* SPDX-License-Identifier: MIT */
/* Tests of agent/ctl/target.c. */

#include "agent/ctl/target.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hostmetrics/control.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/scratch.h"

static const char *folder;
static char collector_path[107];
static char agent_path[107];
static struct target target;
static struct buffer out;

static void setup(void)
{
	folder = scratch_folder();
	(void)snprintf(collector_path, sizeof(collector_path), "%s/c", folder);
	(void)snprintf(agent_path, sizeof(agent_path), "%s/a", folder);
	target_init(&target, VERB_ANY, NULL);
	target.paths[0] = collector_path;
	target.paths[1] = agent_path;
}

static void teardown(void)
{
	target_close(&target);
	buffer_done(&out);
	scratch_remove(folder);
}

TestSuite(target, .init = setup, .fini = teardown, .timeout = 60);

static const char *explained(int error)
{
	buffer_clear(&out);
	target_explain(&target, error, &out);
	return buffer_text(&out);
}

Test(target, is_by_default_who_knows_the_verb)
{
	target_init(&target, VERB_ANY, NULL);
	cr_assert_eq(target.n_paths, 2);
	cr_expect_str_eq(target.paths[0], HM_COLLECTOR_SOCKET);
	cr_expect_str_eq(target.paths[1], HM_AGENT_SOCKET);
	target_init(&target, VERB_COLLECTOR, NULL);
	cr_assert_eq(target.n_paths, 2, "an agent says that it does not know it");
	cr_expect_str_eq(target.paths[0], HM_COLLECTOR_SOCKET);
	target_init(&target, VERB_AGENT, NULL);
	cr_assert_eq(target.n_paths, 1);
	cr_expect_str_eq(target.paths[0], HM_AGENT_SOCKET);
}

Test(target, is_only_the_given_socket)
{
	target_init(&target, VERB_ANY, "/x");
	cr_assert_eq(target.n_paths, 1);
	cr_expect_str_eq(target.paths[0], "/x");
}

Test(target, is_the_collector_where_both_are)
{
	struct fake_daemon *collector = fake_daemon_start(collector_path, NULL, FAKE_DAEMON_STAYS);
	struct fake_daemon *agent = fake_daemon_start(agent_path, NULL, FAKE_DAEMON_STAYS);

	cr_expect_eq(target_open(&target), 0);
	cr_expect_str_eq(target.path, collector_path);
	cr_expect(target_is_open(&target));
	cr_expect_eq(target_open(&target), 0, "it is open already");
	fake_daemon_stop(agent);
	fake_daemon_stop(collector);
}

Test(target, is_the_agent_where_no_collector_is)
{
	struct fake_daemon *agent = fake_daemon_start(agent_path, NULL, FAKE_DAEMON_STAYS);

	cr_expect_eq(target_open(&target), 0);
	cr_expect_str_eq(target.path, agent_path);
	fake_daemon_stop(agent);
}

Test(target, stays_with_the_daemon_that_answered)
{
	struct fake_daemon *agent = fake_daemon_start(agent_path, NULL, FAKE_DAEMON_STAYS);
	struct fake_daemon *collector;

	cr_assert_eq(target_open(&target), 0);
	target_close(&target);
	cr_expect_not(target_is_open(&target));
	collector = fake_daemon_start(collector_path, NULL, FAKE_DAEMON_STAYS);
	cr_expect_eq(target_open(&target), 0);
	cr_expect_str_eq(target.path, agent_path);
	fake_daemon_stop(collector);
	fake_daemon_stop(agent);
}

Test(target, that_is_not_there_is_told_with_both_sockets)
{
	const char *text;

	cr_assert_eq(target_open(&target), -ENOENT);
	text = explained(-ENOENT);
	cr_expect(strstr(text, collector_path), "%s", text);
	cr_expect(strstr(text, agent_path), "%s", text);
	cr_expect(strstr(text, "systemctl status hostmetrics-collector hostmetrics-agent"), "%s",
		  text);
}

Test(target, that_is_not_there_is_told_with_its_own_service)
{
	target_init(&target, VERB_AGENT, NULL);
	cr_expect(strstr(explained(-ENOENT), "systemctl status hostmetrics-agent`"));
	target_init(&target, VERB_ANY, HM_COLLECTOR_SOCKET);
	cr_expect(strstr(explained(-ECONNREFUSED), "systemctl status hostmetrics-collector`"));
}

Test(target, that_is_a_file_is_told)
{
	(void)close(open(collector_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	target_init(&target, VERB_ANY, collector_path);
	cr_assert_eq(target_open(&target), -ECONNREFUSED);
	cr_expect(strstr(explained(-ECONNREFUSED), "is not a socket"));
}

Test(target, that_is_forbidden_is_told_with_its_group)
{
	const struct group *group;
	char expected[256];

	target_init(&target, VERB_ANY, collector_path);
	(void)close(open(collector_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	if (geteuid() != 0)
		cr_skip("only root can give a file to another group");
	group = getgrgid(1);
	cr_assert_not_null(group);
	(void)snprintf(expected, sizeof(expected), "it belongs to the group '%s'", group->gr_name);
	cr_assert_eq(chown(collector_path, 0, 1), 0);
	cr_expect(strstr(explained(-EACCES), expected), "%s", explained(-EACCES));
	cr_assert_eq(chown(collector_path, 0, 0), 0);
	cr_expect(strstr(explained(-EACCES), "as root"));
	cr_assert_eq(chown(collector_path, 0, 54321), 0);
	cr_expect(strstr(explained(-EACCES), "54321"));
}

Test(target, whose_folder_is_forbidden_is_told_with_the_group_of_that)
{
	const struct group *group;

	target_init(&target, VERB_ANY, collector_path);
	if (geteuid() != 0)
		cr_skip("only root can give a folder to another group");
	group = getgrgid(1);
	cr_assert_not_null(group);
	cr_assert_eq(chown(folder, 0, 1), 0);
	cr_expect(strstr(explained(-EACCES), group->gr_name), "%s", explained(-EACCES));
}

Test(target, that_does_not_answer_is_told)
{
	cr_expect(strstr(explained(-ETIMEDOUT), "does not answer"));
	cr_expect(strstr(explained(-ECONNRESET), "without an answer"));
	cr_expect(strstr(explained(-ECONNABORTED), "in the middle of its answer"));
	cr_expect(strstr(explained(-ENAMETOOLONG), "too long"));
	cr_expect(strstr(explained(-EPROTO), "makes no sense"));
	cr_expect(strstr(explained(-EMFILE), strerror(EMFILE)));
}
