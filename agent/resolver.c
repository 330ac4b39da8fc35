/* SPDX-License-Identifier: MIT */
/* The addresses of a name, asked for on a thread of its own. */

#include "agent/resolver.h"

#include <bsd/string.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wakeup.h"

/* A question, shared by its thread and the resolver; who lets go last frees it. */
struct question {
	pthread_mutex_t lock;
	unsigned n_holders;
	struct wakeup *answered; /* NULL: nobody listens any more */
	char host[ADDRESS_HOST_MAX_BYTES];
	char port[8];
	bool is_answered;
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	size_t n_addresses;
	const char *problem; /* a constant text */
};

struct resolver {
	struct wakeup *answered;
	resolver_callback callback;
	void *context;
	struct question *question; /* that is open */
};

static void question_release(struct question *question)
{
	unsigned n_holders;

	pthread_mutex_lock(&question->lock);
	n_holders = --question->n_holders;
	pthread_mutex_unlock(&question->lock);
	if (n_holders > 0)
		return;
	pthread_mutex_destroy(&question->lock);
	free(question);
}

static void take_addresses(struct question *question, const struct addrinfo *found)
{
	for (; found && question->n_addresses < RESOLVER_ADDRESSES_MAX; found = found->ai_next) {
		struct address *address = &question->addresses[question->n_addresses];

		if (found->ai_addrlen > sizeof(address->storage))
			continue;
		memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
		address->length = found->ai_addrlen;
		question->n_addresses++;
	}
}

static void *ask(void *context)
{
	struct question *question = context;
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int error = getaddrinfo(question->host, question->port, &hints, &found);
	const char *problem = NULL;

	if (error == EAI_SYSTEM)
		problem = strerror(errno);
	else if (error)
		problem = gai_strerror(error);

	pthread_mutex_lock(&question->lock);
	take_addresses(question, error ? NULL : found);
	if (question->n_addresses == 0)
		question->problem = problem ? problem : "it has no address";
	question->is_answered = true;
	/* Under the lock: the resolver takes the wakeup away before it frees it. */
	if (question->answered)
		wakeup_send(question->answered);
	pthread_mutex_unlock(&question->lock);
	if (!error)
		freeaddrinfo(found);
	question_release(question);
	return NULL;
}

static void on_answered(void *context)
{
	struct resolver *resolver = context;
	struct question *question = resolver->question;
	bool is_answered;

	if (!question)
		return;
	pthread_mutex_lock(&question->lock);
	is_answered = question->is_answered;
	pthread_mutex_unlock(&question->lock);
	if (!is_answered)
		return;
	/* Closed first: the callback may ask again. The thread does not write to it any more. */
	resolver->question = NULL;
	resolver->callback(resolver->context, question->addresses, question->n_addresses,
			   question->problem);
	question_release(question);
}

int resolver_new(struct loop *loop, resolver_callback callback, void *context,
		 struct resolver **ret_resolver)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	int result;

	if (!resolver)
		return -ENOMEM;
	resolver->callback = callback;
	resolver->context = context;
	result = wakeup_new(loop, on_answered, resolver, &resolver->answered);
	if (result < 0)
		resolver_free(resolver);
	else
		*ret_resolver = resolver;
	return result;
}

void resolver_cancel(struct resolver *resolver)
{
	struct question *question = resolver->question;

	if (!question)
		return;
	pthread_mutex_lock(&question->lock);
	question->answered = NULL;
	pthread_mutex_unlock(&question->lock);
	question_release(question);
	resolver->question = NULL;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	resolver_cancel(resolver);
	wakeup_free(resolver->answered);
	free(resolver);
}

static int start_thread(struct question *question)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error = pthread_attr_init(&attributes);

	if (error)
		return -error;
	error = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (!error)
		error = pthread_create(&thread, &attributes, ask, question);
	pthread_attr_destroy(&attributes);
	return -error;
}

static int ask_on_thread(struct resolver *resolver, const char *text, int default_port)
{
	struct question *question = calloc(1, sizeof(*question));
	int port;
	int result;

	if (!question)
		return -ENOMEM;
	pthread_mutex_init(&question->lock, NULL);
	question->n_holders = 2;
	question->answered = resolver->answered;
	result = address_split(text, default_port, question->host, &port);
	if (result == 0) {
		(void)snprintf(question->port, sizeof(question->port), "%d", port);
		result = start_thread(question);
	}
	if (result < 0) {
		pthread_mutex_destroy(&question->lock);
		free(question);
		return result;
	}
	resolver->question = question;
	return 0;
}

int resolver_ask(struct resolver *resolver, const char *text, int default_port)
{
	struct address address;
	int result = address_parse(text, default_port, &address);

	if (result == -EADDRNOTAVAIL)
		return ask_on_thread(resolver, text, default_port);
	if (result == 0)
		resolver->callback(resolver->context, &address, 1, NULL);
	return result;
}
