/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_BOARD_SUITE_H
#define TESTS_SUPPORT_BOARD_SUITE_H

/* What the tests of each plugin of tests/fixtures/board have in common. */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/fake_root.h"
#include "tests/support/plugin_run.h"
#include "tests/support/scratch.h"

#define BOARD_OPTIONS_MAX 4

#define VALUE(series) plugin_run_value(&run, series)

/*
 * Define the suite, with an empty folder `root`, a `run` that is stopped behind each test, and take(), which starts the plugin below
 * a root and takes a round. Behind the name: values of options, in their order; NULL = the fallback.
 */
#define BOARD_SUITE(name, ...)                                                                     \
	extern const struct hm_plugin name##_plugin;                                               \
                                                                                                   \
	static struct plugin_run run;                                                              \
	static const char *root;                                                                   \
	static const char *option_values[BOARD_OPTIONS_MAX] = {__VA_ARGS__};                       \
                                                                                                   \
	static void setup(void)                                                                    \
	{                                                                                          \
		root = scratch_folder();                                                           \
		run.option_values = option_values;                                                 \
	}                                                                                          \
                                                                                                   \
	static void teardown(void)                                                                 \
	{                                                                                          \
		plugin_run_stop(&run);                                                             \
		scratch_remove(root);                                                              \
	}                                                                                          \
                                                                                                   \
	TestSuite(name, .init = setup, .fini = teardown);                                          \
                                                                                                   \
	static void take(const char *folder)                                                       \
	{                                                                                          \
		cr_assert_eq(plugin_run_start(&run, &name##_plugin, folder), 0);                   \
		cr_assert_eq(plugin_run_take(&run), 0);                                            \
	}                                                                                          \
                                                                                                   \
	Test(name, says_the_same_when_it_is_asked_twice)                                           \
	{                                                                                          \
		size_t n_samples;                                                                  \
                                                                                                   \
		take("tests/fixtures/board");                                                      \
		n_samples = run.batch.n_samples;                                                   \
		cr_assert_eq(plugin_run_take(&run), 0);                                            \
		cr_expect_eq(run.batch.n_samples, n_samples);                                      \
	}                                                                                          \
                                                                                                   \
	Test(name, says_enodev_on_a_host_without_any)                                              \
	{                                                                                          \
		cr_expect_eq(plugin_run_start(&run, &name##_plugin, "tests/fixtures/empty"),       \
			     -ENODEV);                                                             \
	}                                                                                          \
                                                                                                   \
	extern const struct hm_plugin name##_plugin

#endif
