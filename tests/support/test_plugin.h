/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_TEST_PLUGIN_H
#define TESTS_SUPPORT_TEST_PLUGIN_H

/* The agent's side of the fake plugin (tests/support/fake_plugin.h), with a clock of the test's own. */

#include <stddef.h>
#include <stdint.h>

#include "agent/host.h"
#include "agent/plugin.h"
#include "common/buffer.h"

#define TEST_PLUGIN_MINUTE_US INT64_C(60000000)

struct test_plugin {
	struct hm_host host;
	struct plugin *plugin;
	struct buffer lines; /* of the last round */
	int64_t now_us;      /* the monotonic clock */
};

/* On this host, of the device "d". */
void test_plugin_init(struct test_plugin *test);

/* Stops it. Ends the test where a start was without its stop. */
void test_plugin_done(struct test_plugin *test);

/* Have another one in its place, as the rest of `config` says. */
void test_plugin_make(struct test_plugin *test, struct plugin_config config);

/* Take a round that is not safe yet. @return its lines, borrowed until the next round */
const char *test_plugin_take(struct test_plugin *test);

/* Take one that is. @return as before */
const char *test_plugin_take_safely(struct test_plugin *test);

struct plugin_stats test_plugin_stats(const struct test_plugin *test);

/* How many series it shows. */
size_t test_plugin_count_values(struct test_plugin *test);

#endif
