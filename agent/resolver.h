/* SPDX-License-Identifier: MIT */
#ifndef AGENT_RESOLVER_H
#define AGENT_RESOLVER_H

/*
 * The addresses of a name, without waiting: getaddrinfo(3) blocks, so a thread that lives as long as
 * the question calls it.
 */

#include <stddef.h>

#include "common/address.h"
#include "common/loop.h"

#define RESOLVER_ADDRESSES_MAX 8

struct resolver;

/*
 * Called on the loop's thread.
 * @param problem  NULL, or why there is no address; borrowed for the call
 */
typedef void (*resolver_callback)(void *context, const struct address addresses[],
				  size_t n_addresses, const char *problem);

/* @return 0, -ENOMEM or -errno */
int resolver_new(struct loop *loop, resolver_callback callback, void *context,
		 struct resolver **ret_resolver);

/* Forget the open question: its answer is not called back. Takes one without. */
void resolver_cancel(struct resolver *resolver);

/* Takes NULL. A thread that still asks is left to itself and ends unheard. */
void resolver_free(struct resolver *resolver);

/*
 * Ask for HOST:PORT. For a numeric address the callback is called at once, before this returns. No
 * other question may be open.
 * @return 0; -EINVAL: not of that form; -ENOMEM; -errno of making the thread
 */
int resolver_ask(struct resolver *resolver, const char *text, int default_port);

#endif
