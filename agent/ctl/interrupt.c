/* SPDX-License-Identifier: MIT */
/* Ctrl-C and SIGTERM as something to be looked at. */

#include "agent/ctl/interrupt.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t both(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	return signals;
}

void interrupt_open(struct interrupt *interrupt)
{
	sigset_t signals = both();

	*interrupt = (struct interrupt){.fd = -1};
	interrupt->fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (interrupt->fd >= 0 && sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		interrupt_close(interrupt);
}

bool interrupt_look(struct interrupt *interrupt)
{
	struct signalfd_siginfo info;

	if (interrupt->fd >= 0 && read(interrupt->fd, &info, sizeof(info)) > 0)
		interrupt->is_set = true;
	return interrupt->is_set;
}

void interrupt_permit(const struct interrupt *interrupt, bool may_end)
{
	sigset_t signals = both();

	if (interrupt->fd >= 0)
		(void)sigprocmask(may_end ? SIG_UNBLOCK : SIG_BLOCK, &signals, NULL);
}

static bool take(void *context)
{
	return interrupt_look(context);
}

struct client_interrupt interrupt_of_client(struct interrupt *interrupt)
{
	return (struct client_interrupt){.fd = interrupt->fd, .take = take, .context = interrupt};
}

void interrupt_close(struct interrupt *interrupt)
{
	if (interrupt->fd >= 0)
		(void)close(interrupt->fd);
	interrupt->fd = -1;
}
