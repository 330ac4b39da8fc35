/* SPDX-License-Identifier: MIT */
/* Tests of choosing series. */

#include "collector/selection.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/message.h"
#include "tests/support/sample_lines.h"
#include "tests/support/scratch.h"

static const char *scratch;
static struct rejects *rejects;
static struct store *store;

static void setup(void)
{
	char path[4096];

	message_init("test");
	scratch = scratch_folder();
	(void)snprintf(path, sizeof(path), "%s/store", scratch);
	cr_assert_eq(rejects_new(&rejects), 0);
	cr_assert_eq(store_open(path, 0, &store), 0);
	sample_lines_store(
		store, "m{l=\"2\",host=\"b\"} 1\nm{l=\"10\",host=\"b\"} 1\nm_x{host=\"b\"} 1\n"
		       "m{host=\"b\"} 1\nmm{host=\"b\"} 1\nm{host=\"a\"} 1\nm~{host=\"b\"} 1\n");
}

static void teardown(void)
{
	store_close(store);
	rejects_free(rejects);
	scratch_remove(scratch);
}

TestSuite(selection, .init = setup, .fini = teardown);

static void assert_selects(const char *series, const char *host, const char *expected)
{
	const struct limits limits = {0};
	struct selection selection;
	struct buffer all = {0};
	struct buffer name = {0};

	cr_assert_eq(selection_new(store_engine(store), series, host, &limits, &selection), 0);
	for (size_t i = 0; i < selection.n; i++)
		buffer_printf(&all, "%s %s\n", selection.series[i]->file->host->name,
			      selection_name(selection.series[i], &name));

	cr_assert_str_eq(buffer_text(&all), expected);
	buffer_done(&all);
	buffer_done(&name);
	selection_done(&selection);
}

Test(selection, is_sorted_by_host_and_by_the_series_text)
{
	/* As sort(1) of the texts in the C locale has it: '_' < '{' < '~'. */
	assert_selects(NULL, NULL, "a m\nb m\nb m_x\nb mm\nb m{l=\"10\"}\nb m{l=\"2\"}\nb m~\n");
}

Test(selection, takes_globs_over_metrics_and_hosts)
{
	assert_selects("m", "", "a m\nb m\nb m{l=\"10\"}\nb m{l=\"2\"}\n");
	assert_selects("m?*", NULL, "b m_x\nb mm\nb m~\n");
	assert_selects("m", "a*", "a m\n");
	assert_selects("nothing", NULL, "");
}

Test(selection, takes_what_came_in_between_of_others)
{
	/* Series of the three files took turns. */
	sample_lines_store(
		store, "m{l=\"3\",host=\"b\"} 1\nm{l=\"1\",host=\"a\"} 1\nm{l=\"4\",host=\"b\"} 1\n"
		       "m_x{l=\"1\",host=\"b\"} 1\nm{l=\"5\",host=\"b\"} 1\n");

	assert_selects("m", NULL,
		       "a m\na m{l=\"1\"}\nb m\nb m{l=\"10\"}\nb m{l=\"2\"}\nb m{l=\"3\"}\nb "
		       "m{l=\"4\"}\nb m{l=\"5\"}\n");
	assert_selects("*_x", "b", "b m_x\nb m_x{l=\"1\"}\n");
	assert_selects("m*{l=\"1\"}", NULL, "a m{l=\"1\"}\nb m_x{l=\"1\"}\n");
	assert_selects("*{l=\"[45]\"}", NULL, "b m{l=\"4\"}\nb m{l=\"5\"}\n");
}

Test(selection, takes_a_series_with_its_labels)
{
	assert_selects("m{l=\"2\"}", NULL, "b m{l=\"2\"}\n");
	assert_selects("m{l=\"*\"}", NULL, "b m{l=\"10\"}\nb m{l=\"2\"}\n");
}
