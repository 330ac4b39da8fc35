/* SPDX-License-Identifier: MIT */
/* Tests of the place at which a daemon is asked. */

#include "common/control_socket.h"

#include <bsd/string.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/scratch.h"

static const char *folder;
static char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
static struct control_socket control;
static struct control_socket other;

static void make_path(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
}

static void setup(void)
{
	folder = scratch_folder();
	make_path("s");
	control.fd = -1;
	other.fd = -1;
	alarm(60);
}

static void teardown(void)
{
	control_socket_close(&other);
	control_socket_close(&control);
	scratch_remove(folder);
}

TestSuite(control_socket, .init = setup, .fini = teardown);

static int open_at_path(struct control_socket *ret_control)
{
	int pid = -7;
	int result = control_socket_open(ret_control, path, &pid);

	cr_assert(result == -EEXIST || pid == -7);
	return result;
}

static struct sockaddr_un socket_address(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)strlcpy(address.sun_path, path, sizeof(address.sun_path));
	return address;
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	return fd;
}

/* Somebody who comes is let in there. */
static void assert_listens(const struct control_socket *at)
{
	struct sockaddr_un address = socket_address();
	int fd = new_socket();
	int accepted_fd;

	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0, "%s",
		     strerror(errno));
	accepted_fd = accept4(at->fd, NULL, NULL, SOCK_CLOEXEC);
	cr_assert_geq(accepted_fd, 0);
	close(accepted_fd);
	close(fd);
}

static mode_t mode_of_socket(void)
{
	struct stat status;

	cr_assert_eq(lstat(path, &status), 0);
	cr_assert(S_ISSOCK(status.st_mode));
	return status.st_mode & 07777;
}

Test(control_socket, is_for_owner_and_group_whatever_the_umask)
{
	static const mode_t masks[] = {0, 022, 077, 0777};

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		mode_t old_mask = umask(masks[i]);

		cr_assert_eq(open_at_path(&control), 0);
		cr_assert_eq(umask(old_mask), masks[i], "it is left as it was");
		cr_assert_eq(mode_of_socket(), 0660);
		control_socket_close(&control);
	}
	control = (struct control_socket){.fd = -1};
}

Test(control_socket, is_refused_to_a_second_one_with_the_pid_of_the_first)
{
	int pid = 0;
	int status;
	pid_t child;

	cr_assert_eq(open_at_path(&control), 0);
	cr_assert_eq(control_socket_open(&other, path, &pid), -EEXIST);
	cr_assert_eq(pid, getpid());

	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		struct control_socket own;
		int first_pid = 0;

		if (control_socket_open(&own, path, &first_pid) != -EEXIST)
			_exit(1);
		_exit(first_pid == getppid() ? 0 : 2);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	assert_listens(&control);
}

Test(control_socket, takes_the_place_of_one_that_was_killed)
{
	int ready[2];
	int status;
	int pid = 0;
	char byte;
	pid_t child;

	cr_assert_eq(pipe(ready), 0);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		if (open_at_path(&control) == 0)
			(void)!write(ready[1], "x", 1);
		(void)pause();
		_exit(1);
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	cr_assert_eq(control_socket_open(&other, path, &pid), -EEXIST);
	cr_assert_eq(pid, child);
	cr_assert_eq(kill(child, SIGKILL), 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(mode_of_socket(), 0660, "it left its socket");

	cr_assert_eq(open_at_path(&control), 0);
	assert_listens(&control);
}

Test(control_socket, takes_the_place_of_one_that_nobody_listens_on)
{
	struct sockaddr_un address = socket_address();
	int fd = new_socket();

	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	cr_assert_eq(open_at_path(&control), 0);
	assert_listens(&control);
}

Test(control_socket, leaves_a_living_one_without_a_pid_file_alone)
{
	char pid_path[sizeof(path) + 4];
	int pid = 0;

	cr_assert_eq(open_at_path(&control), 0);
	/* Somebody tidied up. */
	(void)snprintf(pid_path, sizeof(pid_path), "%s.pid", path);
	cr_assert_eq(unlink(pid_path), 0);
	cr_assert_eq(control_socket_open(&other, path, &pid), -EEXIST);
	cr_assert_eq(pid, getpid());
	assert_listens(&control);
}

Test(control_socket, does_not_remove_what_is_no_socket)
{
	struct stat status;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	close(fd);
	cr_assert_eq(open_at_path(&control), -ENOTSOCK);
	control_socket_close(&control);
	control = (struct control_socket){.fd = -1};
	cr_assert_eq(lstat(path, &status), 0);
	cr_assert(S_ISREG(status.st_mode));
}

Test(control_socket, says_that_the_folder_is_missing)
{
	make_path("no-such-folder/s");
	cr_assert_eq(open_at_path(&control), -ENOENT);
}

Test(control_socket, path_may_be_as_long_as_a_sockets)
{
	make_path("");
	memset(path + strlen(path), 'x', sizeof(path) - 1 - strlen(path));
	cr_assert_eq(strlen(path), sizeof(path) - 1);
	cr_assert_eq(open_at_path(&control), 0);
	assert_listens(&control);
}

Test(control_socket, path_longer_than_a_socket_can_have_is_refused)
{
	char too_long[sizeof(path) + 1];
	int pid = -7;

	memset(too_long, 'x', sizeof(path));
	too_long[sizeof(path)] = '\0';
	cr_assert_eq(control_socket_open(&control, too_long, &pid), -ENAMETOOLONG);
	cr_assert_eq(pid, -7);
}

Test(control_socket, leaves_nothing_behind)
{
	char pid_path[sizeof(path) + 4];

	(void)snprintf(pid_path, sizeof(pid_path), "%s.pid", path);
	cr_assert_eq(open_at_path(&control), 0);
	cr_assert_eq(access(pid_path, F_OK), 0);
	control_socket_close(&control);
	control = (struct control_socket){.fd = -1};
	cr_assert_eq(access(path, F_OK), -1);
	cr_assert_eq(access(pid_path, F_OK), -1);
}
