/* SPDX-License-Identifier: MIT */
/* What a plugin is told about where it runs: the root of the files it reads, its options. */

#include "agent/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostmetrics/sysfs.h"

int host_init(struct hm_host *host, const char *root)
{
	*host = (struct hm_host){.root = "", .root_fd = -1};
	if (strcmp(root, "") == 0 || strcmp(root, "/") == 0)
		return 0;

	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	host->root = root;
	host->root_fd = fd;
	return 0;
}

void host_done(struct hm_host *host)
{
	if (!hm_is_redirected(host))
		return;
	close(host->root_fd);
	*host = (struct hm_host){.root = "", .root_fd = -1};
}

bool hm_is_redirected(const struct hm_host *host)
{
	/* Not by root_fd: in a zeroed host it would be standard input. */
	return host->root && host->root[0] != '\0';
}

const char *hm_option(const struct hm_host *host, const char *name)
{
	const struct hm_plugin *plugin = host->plugin;

	for (size_t i = 0; plugin && i < plugin->n_options; i++) {
		if (strcmp(plugin->options[i].name, name) != 0)
			continue;
		if (host->option_values && host->option_values[i])
			return host->option_values[i];
		return plugin->options[i].fallback;
	}
	return NULL;
}

/* On the running system plain calls, which preloaded fakes of devices (umockdev) can see. */
static int open_with(const struct hm_host *host, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = hm_is_redirected(host)
			 ? (int)syscall(SYS_openat2, host->root_fd, path, &how, sizeof(how))
			 : open(path, flags);

	return fd < 0 ? -errno : fd;
}

bool hm_is_passing(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -EINTR;
}

/* O_NONBLOCK: a FIFO laid in the way must not stop the sampler. */
int hm_open(const struct hm_host *host, const char *path)
{
	int fd = open_with(host, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (hm_is_passing(fd) && host->is_short)
		*host->is_short = true;
	return fd;
}

bool host_has_room(void)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static ssize_t read_link(const struct hm_host *host, const char *path, char *out, size_t size)
{
	ssize_t n_bytes;
	int fd;

	if (!hm_is_redirected(host)) {
		n_bytes = readlink(path, out, size);
		return n_bytes < 0 ? -errno : n_bytes;
	}
	fd = open_with(host, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fd;
	n_bytes = readlinkat(fd, "", out, size);
	/* Where it is no link, that says ENOENT. */
	if (n_bytes < 0)
		n_bytes = errno == ENOENT ? -EINVAL : -errno;
	close(fd);
	return n_bytes;
}

int hm_read_link(const struct hm_host *host, const char *path, char *out, size_t size)
{
	ssize_t n_bytes = size > 0 ? read_link(host, path, out, size) : -ERANGE;

	if (n_bytes >= 0 && (size_t)n_bytes < size) {
		out[n_bytes] = '\0';
		return 0;
	}
	if (size > 0)
		out[0] = '\0';
	return n_bytes < 0 ? (int)n_bytes : -ERANGE;
}
