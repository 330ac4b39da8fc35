/* SPDX-License-Identifier: MIT */
/* The host's side of hostmetrics/input.h for tests of plugins. */

#include "tests/support/fake_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fake_input {
	struct hm_input shown;
	const unsigned int *down;
	char name[128];
	bool keys_down[512];
	int write_fd;
	bool is_used;
	bool is_open;
};

const struct hm_input_request *fake_input_request;
int fake_input_result;

static void *plugin_state;
static struct fake_input inputs[FAKE_INPUT_MAX];

static void require(bool is_kept, const char *rule)
{
	if (is_kept)
		return;
	(void)fprintf(stderr, "fake_input: %s\n", rule);
	abort();
}

static void set_keys_down(struct fake_input *input)
{
	for (size_t i = 0; i < fake_input_request->n_keys; i++) {
		input->keys_down[i] = false;
		for (size_t j = 0; input->down && input->down[j]; j++)
			input->keys_down[i] |= input->down[j] == fake_input_request->keys[i];
	}
	input->shown.keys_down = input->keys_down;
}

static void open_one(struct fake_input *input)
{
	if (input->shown.role == HM_INPUT_KEYS)
		set_keys_down(input);
	require(fake_input_request->opened(plugin_state, &input->shown) == 0, "not wanted");
	input->shown.keys_down = NULL;
	input->is_open = true;
}

int hm_open_input(const struct hm_host *host, void *state, const struct hm_input_request *request)
{
	(void)host;
	require(!fake_input_request, "opened twice");
	if (fake_input_result < 0)
		return fake_input_result;
	fake_input_request = request;
	plugin_state = state;
	for (size_t i = 0; i < FAKE_INPUT_MAX; i++) {
		if (inputs[i].is_used)
			open_one(&inputs[i]);
	}
	return 0;
}

void hm_close_input(const struct hm_host *host)
{
	(void)host;
	for (int i = 0; i < FAKE_INPUT_MAX; i++) {
		if (inputs[i].is_open)
			fake_input_remove(i);
	}
	fake_input_request = NULL;
}

int fake_input_add(const char *name, enum hm_input_role role, const unsigned int *down)
{
	int number = 0;
	int fds[2];
	struct fake_input *input;

	while (number < FAKE_INPUT_MAX && inputs[number].is_used)
		number++;
	require(number < FAKE_INPUT_MAX && pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0, "no pipe");
	input = &inputs[number];
	*input = (struct fake_input){.is_used = true, .down = down, .write_fd = fds[1]};
	(void)snprintf(input->name, sizeof(input->name), "%s", name);
	input->shown = (struct hm_input){
		.fd = fds[0], .role = role, .since_us = FAKE_INPUT_SINCE_US, .name = input->name};
	if (fake_input_request)
		open_one(input);
	return number;
}

void fake_input_send_bytes(int number, const void *bytes, size_t n_bytes)
{
	require(write(inputs[number].write_fd, bytes, n_bytes) == (ssize_t)n_bytes, "pipe is full");
}

void fake_input_send(int number, int64_t time_us, unsigned int type, unsigned int code, int value)
{
	struct input_event event = {
		.type = (unsigned short)type,
		.code = (unsigned short)code,
		.value = value,
	};

	event.input_event_sec = (__typeof__(event.input_event_sec))(time_us / 1000000);
	event.input_event_usec = (__typeof__(event.input_event_usec))(time_us % 1000000);
	fake_input_send_bytes(number, &event, sizeof(event));
}

int64_t fake_input_ready(int number)
{
	return fake_input_request->ready(plugin_state, &inputs[number].shown);
}

void fake_input_remove(int number)
{
	struct fake_input *input = &inputs[number];

	if (input->is_open)
		fake_input_request->closed(plugin_state, &input->shown);
	close(input->shown.fd);
	close(input->write_fd);
	*input = (struct fake_input){.is_used = false};
}

void fake_input_reset(void)
{
	for (int i = 0; i < FAKE_INPUT_MAX; i++) {
		if (inputs[i].is_used)
			fake_input_remove(i);
	}
	fake_input_request = NULL;
	fake_input_result = 0;
}
