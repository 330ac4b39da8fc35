/* SPDX-License-Identifier: MIT */
/* Which kernel runs, on which machine, and the host's name. */

#include <errno.h>
#include <sys/utsname.h>

#include "hostmetrics/plugin.h"

static const struct hm_metric info = {
	.name = "node_uname_info",
	.unit = "",
	.help = "Always 1; its labels tell the kernel, the kind of machine and the host's name.",
	.source = "uname(2), 1",
	.kind = HM_GAUGE,
	.labels = HM_LABELS("sysname", "release", "version", "machine", "nodename", "domainname"),
};

static int start_collect(void *memory, const struct hm_host *host)
{
	(void)memory;
	return hm_is_redirected(host) ? -ENOTSUP : 0;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct utsname name;

	(void)memory;
	if (uname(&name) < 0)
		return -errno;
	hm_emit(out, &info, 1, name.sysname, name.release, name.version, name.machine,
		name.nodename, name.domainname);
	return 0;
}

HM_PLUGIN(uname) = {
	HM_PLUGIN_HEADER,
	.name = "uname",
	.help = "Which kernel runs, on which machine, and the host's name.",
	.looks_for = "uname(2)",
	.metrics = &info,
	.n_metrics = 1,
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds; no .stop_collect: nothing is kept. */
};
