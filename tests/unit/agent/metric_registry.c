/* SPDX-License-Identifier: MIT */
/* Tests of agent/metric_registry.c, and of hm_metric_new(). */

#include "agent/metric_registry.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/batch.h"
#include "agent/host.h"

static const struct hm_metric own = {
	.name = "own", .unit = "", .help = "Own.", .source = "test", .kind = HM_GAUGE};
static const struct hm_plugin plugins[2] = {
	{.name = "one", .metrics = &own, .n_metrics = 1},
	{.name = "two"},
};

static struct metric_registry registry;
static struct hm_host hosts[2];

static void setup(void)
{
	cr_assert_eq(metric_registry_init(&registry, 2), 0);
	for (size_t i = 0; i < 2; i++) {
		hosts[i] = (struct hm_host){.plugin = &plugins[i], .registry = &registry};
		metric_registry_add_table(&registry, &plugins[i]);
	}
}

static void teardown(void)
{
	metric_registry_done(&registry);
}

TestSuite(metric_registry, .init = setup, .fini = teardown);

static const char *const one_label[] = {"a", NULL};

/* A metric of the second plugin with this name and one label. */
static struct hm_metric named(const char *name)
{
	return (struct hm_metric){.name = name,
				  .unit = "",
				  .help = "Made.",
				  .source = "test",
				  .kind = HM_GAUGE,
				  .labels = one_label};
}

static int make(const struct hm_host *host, const struct hm_metric *metric,
		const struct hm_metric **ret_metric)
{
	*ret_metric = NULL;
	return hm_metric_new(host, metric, ret_metric);
}

Test(metric_registry, copies_what_it_is_given)
{
	char name[] = "made";
	char label[] = "label";
	struct hm_metric wanted = named(name);
	const struct hm_metric *made;

	wanted.labels = HM_LABELS("a", label);
	cr_assert_eq(make(&hosts[1], &wanted, &made), 0);
	memset(name, 'M', 1);
	memset(label, 'L', 1);

	cr_expect_str_eq(made->name, "made");
	cr_expect_str_eq(made->unit, "");
	cr_expect_str_eq(made->help, "Made.");
	cr_expect_str_eq(made->source, "test");
	cr_expect_eq(made->kind, HM_GAUGE);
	cr_expect_str_eq(made->labels[0], "a");
	cr_expect_str_eq(made->labels[1], "label");
	cr_expect_null(made->labels[2]);
}

Test(metric_registry, gives_the_same_metric_again)
{
	struct hm_metric wanted = named("made");
	struct hm_metric other = named("made");
	const struct hm_metric *first;
	const struct hm_metric *again;

	cr_assert_eq(make(&hosts[1], &wanted, &first), 0);
	wanted.help = "Another help.";
	cr_assert_eq(make(&hosts[1], &wanted, &again), 0);
	cr_expect_eq(again, first);

	other.kind = HM_COUNTER;
	cr_assert_eq(make(&hosts[1], &other, &again), 0);
	cr_expect_neq(again, first);
	other = named("made");
	other.labels = NULL;
	cr_assert_eq(make(&hosts[1], &other, &again), 0);
	cr_expect_neq(again, first);
	other = named("made");
	other.unit = "bytes";
	cr_assert_eq(make(&hosts[1], &other, &again), 0);
	cr_expect_neq(again, first);
	cr_expect_eq(registry.n_metrics, 4);
}

Test(metric_registry, refuses_names_of_others)
{
	struct hm_metric wanted = named("made");
	struct hm_metric other = named("made");
	struct hm_metric in_table = named("own");
	const struct hm_metric *made;

	cr_assert_eq(make(&hosts[1], &wanted, &made), 0);
	other.labels = HM_LABELS("b");

	cr_expect_eq(make(&hosts[0], &wanted, &made), -EEXIST);
	cr_expect_eq(make(&hosts[0], &other, &made), -EEXIST);
	cr_expect_eq(make(&hosts[0], &in_table, &made), -EEXIST);
	cr_expect_eq(make(&hosts[1], &in_table, &made), -EEXIST);
	cr_expect_null(made);
	cr_expect_eq(registry.n_metrics, 1);
}

Test(metric_registry, refuses_what_no_table_may_have)
{
	struct hm_metric wrong[8];
	const struct hm_metric *made;

	for (size_t i = 0; i < 8; i++)
		wrong[i] = named("made");
	wrong[0].name = "a-b";
	wrong[1].name = NULL;
	wrong[2].unit = NULL;
	wrong[3].help = "";
	wrong[4].source = NULL;
	wrong[5].kind = (enum hm_kind)0;
	wrong[6].labels = HM_LABELS("host");
	wrong[7].labels = HM_LABELS("a", "a");

	for (size_t i = 0; i < 8; i++)
		cr_expect_eq(make(&hosts[1], &wrong[i], &made), -EINVAL, "%zu", i);
	cr_expect_eq(registry.n_metrics, 0);
}

Test(metric_registry, bounds_how_many_are_made)
{
	struct hm_metric wanted = named("made_0");
	const struct hm_metric *made;
	char name[32];

	for (size_t i = 0; i < METRIC_REGISTRY_MAX; i++) {
		wanted.name = name;
		(void)snprintf(name, sizeof(name), "made_%zu", i);
		cr_assert_eq(make(&hosts[1], &wanted, &made), 0);
	}
	wanted.name = "made_too_many";
	cr_expect_eq(make(&hosts[1], &wanted, &made), -ENOSPC);
	wanted.name = "made_0";
	cr_expect_eq(make(&hosts[1], &wanted, &made), 0);
}

Test(metric_registry, tells_whose_a_metric_is)
{
	struct hm_metric wanted = named("made");
	const struct hm_metric *made;

	cr_assert_eq(make(&hosts[1], &wanted, &made), 0);

	cr_expect(metric_registry_has(&registry, &plugins[1], made));
	cr_expect_not(metric_registry_has(&registry, &plugins[0], made));
	cr_expect_not(metric_registry_has(&registry, &plugins[1], &wanted), "a copy");
	cr_expect_not(metric_registry_has(NULL, &plugins[1], made));
}

Test(metric_registry, is_what_a_batch_goes_by)
{
	struct hm_batch batch;
	struct hm_metric wanted = named("made");
	const struct hm_metric *made;

	cr_assert_eq(make(&hosts[1], &wanted, &made), 0);
	batch_init(&batch, &plugins[1]);
	batch.registry = &registry;
	batch_begin(&batch);
	hm_emit(&batch, made, 1, "x");
	cr_expect_eq(batch.n_problems, 0);
	cr_expect_eq(batch.n_series, 1);
	hm_emit(&batch, &wanted, 1, "x");
	cr_expect_eq(batch.n_problems, 1);
	batch_done(&batch);
}

Test(metric_registry, makes_none_without_a_place_for_them)
{
	const struct hm_host bare = {.plugin = &plugins[1]};
	struct hm_metric wanted = named("made");
	const struct hm_metric *made;

	cr_expect_eq(make(&bare, &wanted, &made), -ENOSPC);
}
