/* SPDX-License-Identifier: MIT */
/*
 * Print every event of every input device, for comparison with what the agent counts. A line each:
 * seconds of CLOCK_MONOTONIC, type, code, value, name of the device.
 */

#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define FOLDER      "/dev/input"
#define DEVICES_MAX 64

struct device {
	char node[32];
	char name[128];
};

/* Descriptor 0 of `polled` is told of new nodes; device i is at i. */
struct log {
	struct pollfd polled[DEVICES_MAX];
	struct device devices[DEVICES_MAX];
	nfds_t n_polled;
};

static void add_device(struct log *log, const char *node)
{
	struct device *device = &log->devices[log->n_polled];
	int clock = CLOCK_MONOTONIC;
	char path[64];
	int fd;

	for (nfds_t i = 1; i < log->n_polled; i++) {
		if (strcmp(log->devices[i].node, node) == 0)
			return;
	}
	if (log->n_polled == DEVICES_MAX || strncmp(node, "event", 5) != 0)
		return;
	(void)snprintf(path, sizeof(path), FOLDER "/%.31s", node);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (ioctl(fd, EVIOCSCLOCKID, &clock) < 0 ||
	    ioctl(fd, EVIOCGNAME(sizeof(device->name)), device->name) < 0) {
		close(fd);
		return;
	}
	(void)strlcpy(device->node, node, sizeof(device->node));
	log->polled[log->n_polled++] = (struct pollfd){.fd = fd, .events = POLLIN};
	printf("# opened %s: %s\n", node, device->name);
}

static void remove_device(struct log *log, nfds_t i)
{
	printf("# gone: %s\n", log->devices[i].name);
	close(log->polled[i].fd);
	log->n_polled--;
	log->polled[i] = log->polled[log->n_polled];
	log->devices[i] = log->devices[log->n_polled];
}

static void find_devices(struct log *log)
{
	DIR *folder = opendir(FOLDER);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		add_device(log, entry->d_name);
	if (folder)
		closedir(folder);
}

/* Whether the device is still there. */
static bool read_events(const struct log *log, nfds_t i)
{
	struct input_event events[64];
	ssize_t size;

	while ((size = read(log->polled[i].fd, events, sizeof(events))) > 0) {
		for (size_t at = 0; at < (size_t)size / sizeof(*events); at++) {
			const struct input_event *event = &events[at];

			if (event->type == EV_SYN && event->code == SYN_REPORT)
				continue;
			printf("%lld.%06lld %u %u %d %s\n", (long long)event->input_event_sec,
			       (long long)event->input_event_usec, event->type, event->code,
			       event->value, log->devices[i].name);
		}
	}
	return size < 0 && errno == EAGAIN;
}

int main(void)
{
	static struct log log;
	char note[4096];

	log.polled[0] = (struct pollfd){.fd = inotify_init1(IN_NONBLOCK), .events = POLLIN};
	if (log.polled[0].fd < 0 || inotify_add_watch(log.polled[0].fd, FOLDER, IN_CREATE) < 0) {
		perror(FOLDER);
		return EXIT_FAILURE;
	}
	log.n_polled = 1;
	find_devices(&log);
	for (;;) {
		(void)fflush(stdout);
		if (poll(log.polled, log.n_polled, -1) < 0)
			return EXIT_FAILURE;
		for (nfds_t i = log.n_polled - 1; i > 0; i--) {
			if (log.polled[i].revents && !read_events(&log, i))
				remove_device(&log, i);
		}
		if (log.polled[0].revents) {
			/* What it tells does not matter; if there is more, poll() says so. */
			(void)!read(log.polled[0].fd, note, sizeof(note));
			find_devices(&log);
		}
	}
}
