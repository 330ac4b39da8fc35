/* SPDX-License-Identifier: MIT */
/* What the collector's verbs answer, without its control socket. */

#include "tests/support/asked.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *asked_verb(struct verbs *verbs, const char *request_text, struct buffer *answer)
{
	struct control_request request;
	struct control_reply reply = {0};
	char line[HM_CONTROL_REQUEST_MAX_BYTES];
	const struct control_verb *verb = verbs_table;

	(void)snprintf(line, sizeof(line), "%s", request_text);
	if (control_request_parse(line, &request) < 0)
		abort();
	while (verb->name && strcmp(verb->name, request.verb) != 0)
		verb++;
	if (!verb->name)
		abort();
	verb->answer(verbs, &request, &reply);
	for (int result = 1; reply.produce && (result == 1 || result == -EAGAIN);) {
		result = reply.produce(reply.state, &reply);
		if (result == -EAGAIN)
			(void)usleep(1000);
	}
	buffer_clear(answer);
	buffer_append(answer, reply.out.data, reply.out.length);
	control_reply_done(&reply);
	return buffer_text(answer);
}
