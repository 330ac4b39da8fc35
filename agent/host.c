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

/*
 * On the running system a plain open(2), which preloaded fakes of devices (umockdev) can see.
 * O_NONBLOCK: a FIFO laid in the way must not stop the sampler.
 */
int hm_open(const struct hm_host *host, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = hm_is_redirected(host)
			 ? (int)syscall(SYS_openat2, host->root_fd, path, &how, sizeof(how))
			 : open(path, (int)how.flags);

	return fd < 0 ? -errno : fd;
}
