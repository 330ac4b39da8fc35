/* SPDX-License-Identifier: MIT */
/* Signals as events of a loop, on a signalfd. */

#include "common/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct signals {
	int fd;
	struct loop_source *source;
	signals_callback callback;
	void *context;
};

static bool on_signal(void *context, uint32_t events)
{
	struct signals *signals = context;
	struct signalfd_siginfo info;

	(void)events;
	if (read(signals->fd, &info, sizeof(info)) != sizeof(info))
		return false;
	signals->callback(signals->context, (int)info.ssi_signo); /* may free the signals */
	/* One a turn, because of that. */
	return true;
}

static int set_mask(sigset_t *ret_mask)
{
	sigset_t mask;
	int error;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGTERM);
	(void)sigaddset(&mask, SIGINT);
	(void)sigaddset(&mask, SIGHUP);
	error = pthread_sigmask(SIG_BLOCK, &mask, NULL);
	if (error)
		return -error;
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	*ret_mask = mask;
	return 0;
}

int signals_new(struct loop *loop, signals_callback callback, void *context,
		struct signals **ret_signals)
{
	struct signals *signals = calloc(1, sizeof(*signals));
	sigset_t mask;
	int result;

	if (!signals)
		return -ENOMEM;
	signals->fd = -1;
	signals->callback = callback;
	signals->context = context;
	result = set_mask(&mask);
	if (result < 0)
		goto out;
	signals->fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals->fd < 0) {
		result = -errno;
		goto out;
	}
	result = loop_add(loop, signals->fd, on_signal, signals, &signals->source);
out:
	if (result < 0)
		signals_free(signals);
	else
		*ret_signals = signals;
	return result;
}

void signals_free(struct signals *signals)
{
	if (!signals)
		return;
	loop_remove(signals->source);
	if (signals->fd >= 0)
		(void)close(signals->fd);
	free(signals);
}
