/* SPDX-License-Identifier: MIT */
/* Tests of plugins/uname.c, on the running system. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "tests/support/plugin_run.h"

extern const struct hm_plugin uname_plugin;

static struct plugin_run run;

static void teardown(void)
{
	plugin_run_stop(&run);
}

TestSuite(uname, .fini = teardown);

Test(uname, tells_what_the_system_call_does)
{
	char series[sizeof(struct utsname) + 200];
	struct utsname name;

	cr_assert_eq(uname(&name), 0);
	(void)snprintf(
		series, sizeof(series),
		"node_uname_info{sysname=\"%s\",release=\"%s\",version=\"%s\",machine=\"%s\","
		"nodename=\"%s\",domainname=\"%s\"}",
		name.sysname, name.release, name.version, name.machine, name.nodename,
		name.domainname);
	cr_assert_eq(plugin_run_start(&run, &uname_plugin, ""), 0);

	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(plugin_run_take(&run), 0);
		cr_expect_eq(run.batch.n_samples, 1);
		cr_expect(plugin_run_value(&run, series) == 1);
	}
}

Test(uname, says_enotsup_below_a_root)
{
	cr_expect_eq(plugin_run_start(&run, &uname_plugin, "tests/fixtures/laptop"), -ENOTSUP);
}
