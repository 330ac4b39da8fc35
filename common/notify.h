/* SPDX-License-Identifier: MIT */
#ifndef COMMON_NOTIFY_H
#define COMMON_NOTIFY_H

/*
 * Tell systemd how the service is (sd_notify(3)'s protocol: a datagram to $NOTIFY_SOCKET).
 * @param state  "READY=1", "STOPPING=1", "STATUS=..."
 * @return 0, also without a service manager; else -errno
 */
int notify_send(const char *state);

/* The configuration is being read again; a READY=1 must follow. @return as notify_send() */
int notify_reloading(void);

#endif
