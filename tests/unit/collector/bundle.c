/* SPDX-License-Identifier: MIT */
/* Tests of the samples of one turn. */

#include "collector/bundle.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/sample_lines.h"

static struct bundle bundle;

static void setup(void)
{
	sample_lines_init(&bundle);
}

static void teardown(void)
{
	sample_lines_done(&bundle);
}

TestSuite(bundle, .init = setup, .fini = teardown);

static void parse(struct line *line, const char *text)
{
	cr_assert_eq(line_parse(line, text, strlen(text), SAMPLE_LINES_NOW_US), HM_REASON_NONE);
}

Test(bundle, copies_all_of_a_sample)
{
	static struct line line;
	char text[] = "a{y=\"2\",x=\"1\",host=\"web\"} 5 17";
	struct bundle_meta meta = {HM_STORED_COUNTER, "bytes and more", 5};
	struct identity identity;

	parse(&line, text);
	cr_assert_eq(bundle_add(&bundle, &line, "default", &meta), HM_REASON_NONE);
	memset(text, 'z', sizeof(text));

	cr_assert_eq(bundle.n_samples, 1);
	identity = bundle_identity(&bundle, &bundle.samples[0]);
	cr_assert_str_eq(identity_host(&identity), "web");
	cr_assert_str_eq(identity_metric(&identity), "a");
	cr_assert_str_eq(identity_labels(&identity), "{x=\"1\",y=\"2\"}");
	cr_assert_str_eq(bundle_unit(&bundle, &bundle.samples[0]), "bytes");
	cr_assert_eq(bundle.samples[0].kind, HM_STORED_COUNTER);
	cr_assert_eq(bundle.samples[0].time_us, 17000000);
	cr_assert_eq(bundle.samples[0].value, 5);
}

Test(bundle, gives_the_default_host_to_lines_without_one)
{
	struct identity identity;

	sample_lines_add(&bundle, "a 1");

	identity = bundle_identity(&bundle, &bundle.samples[0]);
	cr_assert_str_eq(identity_host(&identity), SAMPLE_LINES_HOST);
	cr_assert_str_eq(bundle_unit(&bundle, &bundle.samples[0]), "");
}

Test(bundle, hashes_equal_series_alike_and_others_not)
{
	sample_lines_add(&bundle, "a{x=\"1\",y=\"2\"} 1\na;y=2;x=1 2\na{x=\"1\"} 3\nb{x=\"1\"} 3\n"
				  "a{x=\"1\",host=\"other\"} 3\n");

	cr_assert_eq(bundle.n_samples, 5);
	cr_assert_eq(bundle.samples[0].hash, bundle.samples[1].hash);
	for (size_t i = 1; i < 5; i++) {
		for (size_t k = i + 1; k < 5; k++)
			cr_assert_neq(bundle.samples[i].hash, bundle.samples[k].hash);
	}
}

Test(bundle, refuses_hosts_that_are_empty_or_too_long)
{
	static const struct bundle_meta nothing;
	static struct line line;
	char host[HM_HOST_NAME_MAX_BYTES + 2];

	memset(host, 'h', sizeof(host));
	host[HM_HOST_NAME_MAX_BYTES + 1] = '\0';
	parse(&line, "a 1");

	cr_assert_eq(bundle_add(&bundle, &line, "", &nothing), HM_REASON_BAD_NAME);
	cr_assert_eq(bundle_add(&bundle, &line, host, &nothing), HM_REASON_BAD_NAME);
	cr_assert_eq(bundle.n_samples, 0);
	host[HM_HOST_NAME_MAX_BYTES] = '\0';
	cr_assert_eq(bundle_add(&bundle, &line, host, &nothing), HM_REASON_NONE);
}

Test(bundle, takes_the_longest_label_set_with_every_byte_escaped)
{
	size_t n_quotes = HM_LABEL_SET_MAX_BYTES - 1;
	struct buffer text = {0};
	struct identity identity;

	buffer_append_text(&text, "a{b=\"");
	for (size_t i = 0; i < n_quotes; i++)
		buffer_append_text(&text, "\\\"");
	buffer_append_text(&text, "\"} 1");
	sample_lines_add(&bundle, buffer_text(&text));
	buffer_done(&text);

	cr_assert_eq(bundle.n_samples, 1);
	identity = bundle_identity(&bundle, &bundle.samples[0]);
	cr_assert_eq(identity.labels_length, 2 * n_quotes + strlen("{b=\"\"}"));
	cr_assert_eq(strlen(identity_labels(&identity)), identity.labels_length);
}

Test(bundle, is_empty_again_after_clear_and_knows_its_size)
{
	cr_assert_eq(bundle_bytes(&bundle), 0);
	for (int i = 0; i < 200000; i++)
		sample_lines_add(&bundle, "some_metric_name 1");
	cr_assert_gt(bundle_bytes(&bundle), 200000 * strlen("some_metric_name"));

	bundle_clear(&bundle);

	cr_assert_eq(bundle_bytes(&bundle), 0);
	sample_lines_add(&bundle, "b 2");
	cr_assert_eq(bundle.n_samples, 1);
}
