/* SPDX-License-Identifier: MIT */
/* One plugin run by a test as the agent would. */

#include "tests/support/plugin_run.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void prepare(struct plugin_run *run, const struct hm_plugin *plugin, const char *root)
{
	const char *const *option_values = run->option_values;

	plugin_run_stop(run);
	cr_assert_eq(host_init(&run->host, root), 0, "cannot open the root '%s'", root);
	run->option_values = option_values;
	run->host.plugin = plugin;
	run->host.option_values = option_values;
	cr_assert_eq(metric_registry_init(&run->registry, 1), 0);
	metric_registry_add_table(&run->registry, plugin);
	run->host.registry = &run->registry;
	run->plugin = plugin;
	run->state = calloc(1, plugin->state_size);
	cr_assert_not_null(run->state);
}

int plugin_run_start(struct plugin_run *run, const struct hm_plugin *plugin, const char *root)
{
	prepare(run, plugin, root);
	return plugin->start_collect(run->state, &run->host);
}

int plugin_run_start_short(struct plugin_run *run, const struct hm_plugin *plugin, const char *root,
			   unsigned n_files)
{
	struct rlimit before;
	struct rlimit few;
	int result;
	int first_fd;

	prepare(run, plugin, root);
	first_fd = dup(STDIN_FILENO);
	cr_assert(first_fd >= 0);
	close(first_fd);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){(rlim_t)first_fd + n_files, before.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	result = plugin->start_collect(run->state, &run->host);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	return result;
}

int plugin_run_take(struct plugin_run *run)
{
	fake_batch_done(&run->batch);
	return run->plugin->get_current_state(run->state, &run->batch);
}

void plugin_run_cleanup(struct plugin_run *run)
{
	if (run->plugin->cleanup)
		run->plugin->cleanup(run->state);
}

void plugin_run_stop(struct plugin_run *run)
{
	if (run->plugin && run->plugin->stop_collect)
		run->plugin->stop_collect(run->state);
	free(run->state);
	fake_batch_done(&run->batch);
	metric_registry_done(&run->registry);
	host_done(&run->host);
	*run = (struct plugin_run){0};
}

double plugin_run_value(const struct plugin_run *run, const char *series)
{
	const struct fake_sample *sample = fake_batch_find(&run->batch, series);

	cr_assert_not_null(sample, "no sample of %s", series);
	cr_assert_eq(sample->error, 0, "%s is missing", series);
	return sample->value;
}

int plugin_run_error(const struct plugin_run *run, const char *series)
{
	const struct fake_sample *sample = fake_batch_find(&run->batch, series);

	return sample ? sample->error : -ENOENT;
}

bool plugin_run_has(const struct plugin_run *run, const char *series)
{
	return plugin_run_error(run, series) == 0;
}
