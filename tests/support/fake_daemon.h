/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_DAEMON_H
#define TESTS_SUPPORT_FAKE_DAEMON_H

/* Something behind a control socket that answers every request with what a test wants it to. */

enum fake_daemon_manners {
	FAKE_DAEMON_STAYS,  /* the connection is kept for the next request */
	FAKE_DAEMON_LEAVES, /* it is closed behind the answer */
	FAKE_DAEMON_FLOODS, /* behind the answer come 'x' without end, and no newline */
};

struct fake_daemon;

/*
 * Listen on a socket, in a thread. Ends the program when it cannot.
 * @param path    of the socket; borrowed until fake_daemon_stop()
 * @param answer  to every request; borrowed; NULL = none
 */
struct fake_daemon *fake_daemon_start(const char *path, const char *answer,
				      enum fake_daemon_manners manners);

/* All requests so far, newlines included. @return owned by the caller */
char *fake_daemon_requests(struct fake_daemon *daemon);

/* Connections taken so far. */
int fake_daemon_n_connections(struct fake_daemon *daemon);

/* End the thread, close the connections, remove the socket. Takes NULL. */
void fake_daemon_stop(struct fake_daemon *daemon);

#endif
