/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: plugins/input.c and hotkeys.c. A line of hotkeys, then events of six bytes: which
 * descriptor and how much later, type, code (two bytes), value. Whatever comes, no count is negative, and
 * what is asked twice is told twice.
 */

#include "tests/fuzz/plugin.h"
#include "tests/support/fake_input.h"

#define N_INPUTS    4
#define EVENT_BYTES 6

/* A byte that stands for: the descriptor is unplugged and plugged in again. */
#define REPLUG 0xff

extern const struct hm_plugin input_plugin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static const enum hm_input_role roles[N_INPUTS] = {HM_INPUT_MOTION, HM_INPUT_CLICKS, HM_INPUT_KEYS,
						   HM_INPUT_KEYS};

static void fuzz_events(const uint8_t *data, size_t n_bytes)
{
	static const unsigned int down[] = {KEY_LEFTCTRL, KEY_F1, 0};
	int numbers[N_INPUTS];
	int64_t time_us = 0;

	for (int i = 0; i < N_INPUTS; i++)
		numbers[i] = fake_input_add("device", roles[i], i == 3 ? down : NULL);
	for (; n_bytes >= EVENT_BYTES; data += EVENT_BYTES, n_bytes -= EVENT_BYTES) {
		int input = data[0] % N_INPUTS;

		time_us += (int64_t)(data[0] / N_INPUTS) * 100000;
		if (data[1] == REPLUG) {
			fake_input_remove(numbers[input]);
			numbers[input] = fake_input_add("device", roles[input], down);
			continue;
		}
		fake_input_send(numbers[input], time_us, data[1] % EV_CNT, data[2] | data[3] << 8,
				(int)data[4] - data[5] * 0x800000);
		if (data[0] & 1)
			(void)fake_input_ready(numbers[input]);
	}
	for (int i = 0; i < N_INPUTS; i++)
		(void)fake_input_ready(numbers[i]);
}

static void fuzz_round(void *state)
{
	struct hm_batch first = {0};
	struct hm_batch again = {0};

	(void)input_plugin.get_current_state(state, &first);
	(void)input_plugin.get_current_state(state, &again);
	fuzz_require_same(&first, &again);
	for (size_t i = 0; i < first.n_samples; i++)
		fuzz_require(first.samples[i].value >= 0, "less than no events");
	input_plugin.cleanup(state);
	fake_batch_done(&first);
	fake_batch_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	char hotkeys[256];
	const char *values[] = {hotkeys};
	struct hm_host host = {.plugin = &input_plugin, .option_values = values};
	const uint8_t *newline = memchr(data, '\n', n_bytes);
	size_t length = newline ? (size_t)(newline - data) : n_bytes;
	void *state = calloc(1, input_plugin.state_size);
	char reason[64];

	fuzz_require(state, "no memory");
	length = length < sizeof(hotkeys) ? length : sizeof(hotkeys) - 1;
	memcpy(hotkeys, data, length);
	hotkeys[length] = '\0';
	fuzz_require((input_plugin.options[0].check(hotkeys, reason, sizeof(reason)) == 0) ==
			     (input_plugin.start_collect(state, &host) == 0),
		     "a list that checks does not start");
	if (fake_input_request && newline) {
		fuzz_events(newline + 1, n_bytes - (size_t)(newline + 1 - data));
		fuzz_round(state);
		fuzz_round(state);
	}
	input_plugin.stop_collect(state);
	fake_input_reset();
	free(state);
	return 0;
}
