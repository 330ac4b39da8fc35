/* SPDX-License-Identifier: MIT */
/* Tests of what the store knows. */

#include "collector/catalog.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector/id_map.h"
#include "tests/support/sample_lines.h"

static struct bundle bundle;
static struct catalog catalog;

static void setup(void)
{
	sample_lines_init(&bundle);
	catalog_init(&catalog, &bundle.key);
}

static void teardown(void)
{
	catalog_done(&catalog);
	sample_lines_done(&bundle);
}

TestSuite(catalog, .init = setup, .fini = teardown);

/* The series of a text line, added when it is new. */
static struct catalog_series *get(const char *text)
{
	struct catalog_series *series;
	struct identity identity;

	bundle_clear(&bundle);
	sample_lines_add(&bundle, text);
	cr_assert_eq(bundle.n_samples, 1, "%s", text);
	identity = bundle_identity(&bundle, &bundle.samples[0]);
	series = catalog_find(&catalog, &identity);
	if (!series)
		cr_assert_eq(catalog_add(&catalog, &identity, CATALOG_NEXT_ID, &series), 0);
	return series;
}

Test(catalog, has_one_file_for_all_series_of_a_metric_and_host)
{
	struct catalog_series *a = get("m{x=\"1\"} 1");
	struct catalog_series *b = get("m{x=\"2\"} 1");
	struct catalog_series *c = get("m 1");

	cr_assert_eq(a->file, b->file);
	cr_assert_eq(a->file, c->file);
	cr_assert_eq(a->id, 0);
	cr_assert_eq(b->id, 1);
	cr_assert_eq(c->id, 2);
	cr_assert_eq(get("m{x=\"2\"} 5"), b);
	cr_assert_eq(catalog.series.n, 3);
	cr_assert_eq(catalog.files.n, 1);
	cr_assert_eq(catalog.n_hosts, 1);
	cr_assert_eq(a->file->host->n_series, 3);
}

Test(catalog, gives_no_id_that_readers_would_not_take)
{
	struct catalog_file *file = get("m{x=\"1\"} 1")->file;
	struct catalog_series *series = NULL;
	struct identity identity;

	sample_lines_add(&bundle, "m{x=\"2\"} 1");
	identity = bundle_identity(&bundle, &bundle.samples[bundle.n_samples - 1]);
	/* As a file of somebody else's making may have it. */
	file->next_id = ID_MAP_MAX;
	cr_assert_eq(catalog_add(&catalog, &identity, CATALOG_NEXT_ID, &series), -ENOSPC);
	cr_assert_eq(catalog.series.n, 1);
	file->next_id = ID_MAP_MAX - 1;
	cr_assert_eq(catalog_add(&catalog, &identity, CATALOG_NEXT_ID, &series), 0);
	cr_assert_eq(series->id, ID_MAP_MAX - 1);
}

Test(catalog, keeps_hosts_and_metrics_apart)
{
	struct catalog_series *a = get("m{host=\"a\"} 1");
	struct catalog_series *b = get("m{host=\"b\"} 1");
	struct catalog_series *c = get("M{host=\"a\"} 1");

	cr_assert_neq(a->file, b->file);
	cr_assert_neq(a->file, c->file);
	cr_assert_eq(a->file->host, c->file->host);
	cr_assert_str_neq(a->file->metric, c->file->metric);
	cr_assert_eq(catalog.files.n, 3);
	cr_assert_eq(catalog.n_hosts, 2);
}

Test(catalog, makes_harmless_file_names_of_any_name)
{
	const struct catalog_file *file = get("../../etc/passwd{host=\"..\"} 1")->file;
	char name[CATALOG_FILE_NAME_BYTES];

	catalog_file_name(file, CATALOG_SIDE_MAIN, 0, 0, name);
	cr_assert_null(strchr(name, '/'));
	cr_assert_neq(name[0], '.');
	cr_assert_neq(file->host->folder[0], '.');
	cr_assert_str_eq(file->host->name, "..");
	cr_assert_str_eq(file->metric, "../../etc/passwd");
}

Test(catalog, finds_all_of_many_series)
{
	struct catalog_series *first[500];
	char text[64];

	for (int i = 0; i < 500; i++) {
		(void)snprintf(text, sizeof(text), "m%d{l=\"%d\",host=\"h%d\"} 1", i % 7, i,
			       i % 11);
		first[i] = get(text);
	}
	for (int i = 0; i < 500; i++) {
		(void)snprintf(text, sizeof(text), "m%d{l=\"%d\",host=\"h%d\"} 1", i % 7, i,
			       i % 11);
		cr_assert_eq(get(text), first[i]);
	}
	cr_assert_eq(catalog.series.n, 500);
	cr_assert_eq(catalog.files.n, 77);
	cr_assert_eq(catalog.n_hosts, 11);
}

Test(catalog, keeps_the_newest_sample_and_of_equal_times_the_last)
{
	struct catalog_series *series = get("m 1");

	cr_assert_eq(series->last_time_us, CATALOG_NO_TIME);
	catalog_note(series, 100, 1, false);
	catalog_note(series, 50, 2, false);
	cr_assert_eq(series->last_value, 1);
	catalog_note(series, 100, 3, false);

	cr_assert_eq(series->last_value, 3);
	cr_assert_eq(series->last_time_us, 100);
	cr_assert_eq(series->file->host->last_time_us, 100);
}

Test(catalog, shows_a_sample_of_an_impossible_time_while_there_is_no_other)
{
	struct catalog_series *series = get("m 1");

	catalog_note(series, 900, 1, true);
	cr_assert_eq(series->last_value, 1);
	catalog_note(series, 100, 2, false);
	catalog_note(series, 950, 3, true);

	cr_assert_eq(series->last_value, 2);
	cr_assert_eq(series->file->host->last_time_us, 100);
}

Test(catalog, keeps_samples_in_their_order_until_they_are_sealed)
{
	struct catalog_series *a = get("a 1");
	struct catalog_series *b = get("b 1");
	struct catalog_host *host = a->file->host;

	for (int i = 0; i < 100; i++)
		cr_assert_eq(catalog_gather(i % 3 ? a : b, 1000 - i, i), 0);

	cr_assert_eq(host->n_gathered, 100);
	for (int i = 0; i < 100; i++) {
		cr_assert_eq(host->gathered[i].series, i % 3 ? a : b);
		cr_assert_eq(host->gathered[i].time_us, 1000 - i);
		cr_assert_eq(host->gathered[i].value, i);
	}
}

Test(catalog, believes_the_first_kind_and_unit_that_are_known)
{
	struct catalog_file *file = get("a 1")->file;

	cr_assert_eq(catalog_describe(&catalog, file, HM_STORED_UNKNOWN, "", 0), 0);
	cr_assert_not(file->has_new_meta);
	cr_assert_eq(catalog_describe(&catalog, file, HM_STORED_COUNTER, "", 0), 0);
	cr_assert(file->has_new_meta);
	cr_assert_eq(catalog_describe(&catalog, file, HM_STORED_GAUGE, "bytes and more", 5), 0);
	cr_assert_eq(catalog_describe(&catalog, file, HM_STORED_GAUGE, "seconds", 7), 0);

	cr_assert_eq(file->kind, HM_STORED_COUNTER);
	cr_assert_str_eq(file->unit, "bytes");
}

/* A checkpoint reads it without the lock. */
Test(catalog, leaves_a_unit_that_somebody_borrowed_as_it_is)
{
	struct catalog_file *file = get("a 1")->file;
	const char *before = file->unit;

	cr_assert_eq(catalog_describe(&catalog, file, HM_STORED_COUNTER, "bytes", 5), 0);
	cr_assert_str_eq(before, "");
	cr_assert_str_eq(file->unit, "bytes");
}

Test(catalog, names_files_by_side_and_part)
{
	const struct catalog_file *file = get("a/b 1")->file;
	char name[CATALOG_FILE_NAME_BYTES];

	catalog_file_name(file, CATALOG_SIDE_MAIN, 0, 0, name);
	cr_assert_str_eq(name, "a%2Fb.hm");
	catalog_file_name(file, CATALOG_SIDE_ODD, 0, 0, name);
	cr_assert_str_eq(name, "a%2Fb.odd.hm");
	catalog_file_name(file, CATALOG_SIDE_MAIN, 12, 345, name);
	cr_assert_str_eq(name, "a%2Fb~12@345.hm");
	catalog_file_name(file, CATALOG_SIDE_ODD, 1, FILE_NAME_ALL, name);
	cr_assert_str_eq(name, "a%2Fb~1.odd.hm");
}
