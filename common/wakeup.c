/* SPDX-License-Identifier: MIT */
/* A way for another thread to have a callback run on a loop's thread, on an eventfd. */

#include "common/wakeup.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct wakeup {
	int fd;
	struct loop_source *source;
	wakeup_callback callback;
	void *context;
};

static bool on_event(void *context, uint32_t events)
{
	struct wakeup *wakeup = context;
	uint64_t n_sent;

	(void)events;
	/* Read first: what is sent while the callback runs brings the next call. */
	if (read(wakeup->fd, &n_sent, sizeof(n_sent)) != sizeof(n_sent))
		return false;
	wakeup->callback(wakeup->context); /* may free the wakeup */
	return false;
}

int wakeup_new(struct loop *loop, wakeup_callback callback, void *context,
	       struct wakeup **ret_wakeup)
{
	struct wakeup *wakeup = calloc(1, sizeof(*wakeup));
	int result;

	if (!wakeup)
		return -ENOMEM;
	wakeup->callback = callback;
	wakeup->context = context;
	wakeup->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (wakeup->fd < 0) {
		result = -errno;
		goto out;
	}
	result = loop_add(loop, wakeup->fd, on_event, wakeup, &wakeup->source);
out:
	if (result < 0)
		wakeup_free(wakeup);
	else
		*ret_wakeup = wakeup;
	return result;
}

void wakeup_send(struct wakeup *wakeup)
{
	static const uint64_t one = 1;

	/* Fails only when 2^64 - 1 are waiting already. */
	(void)!write(wakeup->fd, &one, sizeof(one));
}

void wakeup_free(struct wakeup *wakeup)
{
	if (!wakeup)
		return;
	loop_remove(wakeup->source);
	if (wakeup->fd >= 0)
		(void)close(wakeup->fd);
	free(wakeup);
}
