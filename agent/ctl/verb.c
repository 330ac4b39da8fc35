/* SPDX-License-Identifier: MIT */
/* What agentctl can be told to do. */

#include "agent/ctl/verb.h"

#include <string.h>

#include "agent/ctl/ask.h"
#include "agent/ctl/check.h"
#include "agent/ctl/delete.h"
#include "agent/ctl/dump.h"
#include "agent/ctl/export.h"
#include "agent/ctl/help.h"
#include "agent/ctl/import.h"
#include "agent/ctl/options.h"
#include "agent/ctl/snapshot.h"
#include "agent/ctl/watch.h"
#include "agent/ctl/why.h"
#include "common/message.h"
#include "common/text.h"

#define SHOWS (OPTIONS_OUTPUT | OPTIONS_UTC)
#define ASKS  (OPTIONS_SOCKET | SHOWS)

#define GLOB_DETAILS                                                                                \
	"A GLOB is compared with the metric's name: 'node_cpu_*'. Behind it, or alone, may stand\n" \
	"conditions on labels: '{cpu=\"0\",mode!=\"idle\",host=~\"web.*\"}', by = != =~ !~.\n"

const struct verb verbs[] = {
	{
		.name = "list-metrics",
		.usage = "[GLOB] [--host GLOB]",
		.summary = "List every series with its last value",
		.details = GLOB_DETAILS,
		.examples = "  agentctl list-metrics\n"
			    "      every series\n"
			    "  agentctl list-metrics 'node_cpu*' --host 'web*'\n"
			    "      the CPUs of some hosts\n"
			    "  agentctl list-metrics -o plain | cut -f 2 | sort | uniq -c\n"
			    "      how many series a host has\n",
		.scope = VERB_ANY,
		.request = "list-metrics",
		.argument = "glob",
		.shows_age = true,
		.options = ASKS | OPTIONS_HOST,
		.run = ask_run,
	},
	{
		.name = "get",
		.usage = "SERIES [--host GLOB]",
		.summary = "Show the last value of a series",
		.details =
			"SERIES is a metric's name or a GLOB, with conditions on labels behind it. "
			"Quote it for the shell:\n"
			"  agentctl get 'node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"}'\n",
		.examples =
			"  agentctl get node_load1\n"
			"      one value\n"
			"  agentctl get 'node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"}' -o plain\n"
			"      one series, for a script\n",
		.scope = VERB_ANY,
		.request = "get",
		.argument = "series",
		.needs_argument = true,
		.options = ASKS | OPTIONS_HOST,
		.run = ask_run,
	},
	{
		.name = "watch",
		.usage = "[GLOB] [--sort [-]COLUMN] [--filter TEXT] [OPTION...]",
		.summary = "Show the last values live, until q or Ctrl-C",
		.details =
			"On a terminal the table is drawn over itself, and keys are taken:\n"
			"  q        end it, as Ctrl-C does\n"
			"  /        filter: type TEXT as for --filter, Enter keeps it, Esc drops it\n"
			"  h s u v r a\n"
			"           sort by host, series, unit, value, rate or age; again: reverse\n"
			"  arrows, Page Up and Down, Home, End\n"
			"           scroll\n"
			"Else, and with -o, it is printed each time, separated by an empty line.\n\n"
			"RATE is by how much a counter grew a second between its last two samples\n"
			"that were seen: there is none at first, nor when the counter began again.\n\n"
			"COLUMN is host, series, kind, unit, value, rate or age; with a - in front the\n"
			"largest come first. TEXT is a piece of series or host, in any case; with one\n"
			"of *?[ it is a GLOB.\n\n" GLOB_DETAILS,
		.examples = "  agentctl watch\n"
			    "      all there is\n"
			    "  agentctl watch 'node_cpu*' --sort -rate\n"
			    "      what the CPUs do most, on top\n"
			    "  agentctl watch --filter idle --interval 5s\n"
			    "      what has idle in its name\n"
			    "  agentctl watch node_load1 --count 10 -o plain >load\n"
			    "      ten times, into a file\n",
		.scope = VERB_ANY,
		.request = "list-metrics",
		.argument = "glob",
		.shows_age = true,
		.options = ASKS | OPTIONS_HOST | OPTIONS_INTERVAL | OPTIONS_COUNT | OPTIONS_SORT |
			   OPTIONS_FILTER,
		.run = watch_run,
	},
	{
		.name = "status",
		.usage = "",
		.summary = "Show how the daemon is",
		.details =
			"What it has taken, sent, stored and refused since its start, and the last error.\n",
		.examples = "  agentctl status\n"
			    "      of the collector, where there is one\n"
			    "  agentctl status -o json\n"
			    "      for a program\n"
			    "  agentctl --socket /run/hostmetrics/agent.sock status\n"
			    "      of the agent beside it\n",
		.scope = VERB_ANY,
		.request = "status",
		.options = ASKS,
		.run = ask_run,
	},
	{
		.name = "queue",
		.usage = "",
		.summary = "Show what waits in the agent's spool for the collector",
		.details =
			"OLDEST is how long the oldest sample has waited. KEPT_IN is memory where the "
			"spool's\nfolder cannot be written: DISK_ERROR says why.\n",
		.examples = "  agentctl queue\n"
			    "      how much, for how long, and why\n"
			    "  agentctl queue -o json\n"
			    "      for a program\n",
		.scope = VERB_AGENT,
		.request = "queue",
		.options = ASKS,
		.run = ask_run,
	},
	{
		.name = "list-plugins",
		.usage = "",
		.summary = "List the plugins: state, cost, last error",
		.details =
			"STATE is running, absent (nothing for it here), disabled, failed or refused.\n",
		.examples = "  agentctl list-plugins\n"
			    "      which run, and what the others lack\n",
		.scope = VERB_AGENT,
		.request = "list-plugins",
		.options = ASKS,
		.run = ask_run,
	},
	{
		.name = "cost",
		.usage = "",
		.summary = "Show what each plugin costs a round: CPU time, series, bytes",
		.details =
			"CPU_US are microseconds of CPU time, the mean of the last rounds that were measured\n"
			"(one in eight); BYTES are what the samples of a round take in the spool. Below the\n"
			"plugins, since the shipment before the last: what the sampler takes to gather their\n"
			"samples, the recorder to write them into the spool, the uplink and all else to send\n"
			"them, with the bytes that each writes or sends a round; and the total.\n"
			"What agent-task does, processes that ask file systems which may not answer, is not\n"
			"in it.\n",
		.examples = "  agentctl cost\n"
			    "      what to switch off first\n"
			    "  agentctl cost -o json\n"
			    "      for a program\n",
		.scope = VERB_AGENT,
		.request = "cost",
		.options = ASKS,
		.run = ask_run,
	},
	{
		.name = "reload",
		.usage = "[--dry-run]",
		.summary = "Read the configuration again, and show what has changed",
		.details =
			"Each row says what becomes of the change: 'applied', 'plugin NAME "
			"restarted', or\n'needs a restart' of the daemon. A configuration that is "
			"wrong changes nothing.\n",
		.examples = "  agentctl reload --dry-run\n"
			    "      what would change\n",
		.scope = VERB_ANY,
		.request = "reload",
		.options = ASKS | OPTIONS_DRY_RUN,
		.run = ask_run,
	},
	{
		.name = "flush",
		.usage = "",
		.summary = "Move all samples from the log into metric files, and wait for it",
		.details =
			"The collector does it by itself, about once an hour and when the log has "
			"grown.\nSamples are safe before that: the log is synced within a second.\n",
		.examples =
			"  agentctl flush && rsync -a /var/lib/hostmetrics/store/ backup:store/\n"
			"      copy metric files that have everything up to now\n",
		.scope = VERB_COLLECTOR,
		.request = "flush",
		.options = ASKS,
		.run = ask_run,
	},
	{
		.name = "input",
		.usage = "",
		.summary = "List mice, keyboards and the like: whether each is used, and why",
		.details =
			"What is used is open for reading. Of a pointer the kernel delivers "
			"motion, buttons and\nwheels; of a keyboard the modifiers and the keys of "
			"the hotkeys; it withholds all else.\n",
		.examples = "  agentctl input\n"
			    "      why a keyboard is not used\n",
		.scope = VERB_AGENT,
		.request = "input",
		.options = ASKS,
		.run = ask_run,
	},
	{
		.name = "list-hosts",
		.usage = "[--sort [-]COLUMN]",
		.summary = "List the hosts that have sent samples, and what each takes",
		.details =
			"RATE is how many samples a second came in the last five to ten minutes; BYTES and\n"
			"INODES are what the host's files take on the disk, and OLDEST_TIME is that of its\n"
			"oldest sample. What is in the log only takes no bytes of its own.\n\n"
			"COLUMN is host, series, samples, rate, bytes, inodes, oldest_time or last_time;\n"
			"with a - in front the largest come first.\n",
		.examples = "  agentctl list-hosts\n"
			    "      who has sent, and when last\n"
			    "  agentctl list-hosts --sort -bytes | head\n"
			    "      who takes the most of the disk\n",
		.scope = VERB_COLLECTOR,
		.request = "list-hosts",
		.options = ASKS | OPTIONS_HOST_SORT,
		.run = ask_run,
	},
	{
		.name = "query",
		.usage = "SERIES|GLOB [--since TIME] [--until TIME] [--step DURATION] [OPTION...]",
		.summary = "Print the stored samples, or a function over them",
		.details =
			"TIME is now, today, yesterday, -5m (so long ago), 02:13 (today), 2026-11-24,\n"
			"2026-11-24T02:13[:57[.5]][Z|+01:00] or Unix seconds. Without a zone it is in\n"
			"that of TZ, else of /etc/localtime, or with --utc in UTC.\n\n"
			"With --step there is a row for each window of that length, counted from 1970\n"
			"UTC, in which there are samples, at the time at which the window begins. With\n"
			"-f and no --step there is one window. FUNCTION is\n"
			"  avg min max sum  of the samples in the window\n"
			"  count last       how many samples, the newest one\n"
			"  quantile=Q       0.5 is the median, 0.99 what one in a hundred exceeds\n"
			"  increase rate    by how much a counter grew, in all and a second; a smaller\n"
			"                   value means that it began again at 0\n"
			"Without -f it is rate of counters, avg of gauges, last of all others.\n\n"
			"--by makes one of all series of a metric with the same values of these labels\n"
			"(`host` is one): rate, increase and last are those of each series, added up,\n"
			"all others are taken over the samples of all. --by '' makes one of a metric.\n\n" GLOB_DETAILS,
		.examples =
			"  agentctl query node_load1 --since -1h\n"
			"      the last hour\n"
			"  agentctl query node_load1 --since -1d --step 5m -f max\n"
			"      the highest of every five minutes\n"
			"  agentctl query 'node_cpu_seconds_total{mode!=\"idle\"}' --since -1h --step 1m "
			"--by host\n"
			"      how many CPUs each host kept busy\n"
			"  agentctl query 'node_load*' --host 'web*' --since today -o csv\n"
			"      for a spreadsheet\n"
			"  agentctl query node_load1 --since 2026-11-24 --until 2026-11-25 --utc\n"
			"      one day in UTC\n",
		.scope = VERB_COLLECTOR,
		.request = "query",
		.argument = "series",
		.needs_argument = true,
		.options = ASKS | OPTIONS_HOST | OPTIONS_SINCE | OPTIONS_UNTIL | OPTIONS_ALL |
			   OPTIONS_STEP | OPTIONS_FUNCTION | OPTIONS_BY,
		.run = ask_run,
	},
	{
		.name = "why",
		.usage = "SERIES|GLOB|HOST [--at TIME | --since TIME [--until TIME]] [--host GLOB]",
		.summary = "Tell why there is a hole in the stored samples",
		.details =
			"A sentence for each hole: from the last sample before it to the next one, and\n"
			"why there is none between them. A hole is what is longer than one and a half\n"
			"of the intervals at which the agent samples the metric. Of a HOST all series\n"
			"are looked at; what is the same of several is told once.\n\n"
			"With --at it is that of one moment, or what there is instead; else all of\n"
			"the time asked for, or of the last day. No hole is told of what came as text,\n"
			"whose interval nobody knows. What was sampled in the last three minutes may\n"
			"still be on its way.\n\n"
			"With --host the first word is no HOST. -o json has the fields from, to, reason\n"
			"(a key), text, host, series, n_series and of_series; `to` is null where the hole\n"
			"still goes on, `series` where it is of several.\n\n" GLOB_DETAILS,
		.examples = "  agentctl why web01 --at 03:12\n"
			    "      what was the matter at twelve past three\n"
			    "  agentctl why node_load1 --host web01 --since today\n"
			    "      all holes of a series\n"
			    "  agentctl why web01 --since -7d -o json\n"
			    "      of a week, for a program\n",
		.scope = VERB_COLLECTOR,
		.request = "why",
		.argument = "series",
		.needs_argument = true,
		.options = ASKS | OPTIONS_HOST | OPTIONS_AT | OPTIONS_SINCE | OPTIONS_UNTIL,
		.run = why_run,
	},
	{
		.name = "export",
		.usage = "[SERIES|GLOB] [--host GLOB] [--since TIME] [--until TIME] [-o FORMAT]",
		.summary = "Write all stored samples as text, exactly, for `import` and others",
		.details =
			"Any number of samples, with memory that does not grow. FORMAT is\n"
			"  csv          a header, then time,host,series,kind,unit,value\n"
			"  jsonl        an object a line\n"
			"  openmetrics  OpenMetrics 1.0, all hosts of a metric beside each other\n"
			"Times are seconds since 1970 UTC, exact to the microsecond. All samples of one\n"
			"time are written, in the order in which they came.\n\n" GLOB_DETAILS,
		.examples =
			"  agentctl export >store.csv\n"
			"      all there is\n"
			"  agentctl export 'node_cpu*' --host 'web*' --since -1d -o jsonl | gzip >cpu.gz\n"
			"      some of it\n",
		.scope = VERB_COLLECTOR,
		.request = "export",
		.argument = "series",
		.options = OPTIONS_SOCKET | OPTIONS_UTC | OPTIONS_EXPORT | OPTIONS_HOST |
			   OPTIONS_SINCE | OPTIONS_UNTIL,
		.run = export_run,
	},
	{
		.name = "import",
		.usage = "FILE|- [-i FORMAT] [--host NAME] [--skip N]",
		.summary = "Store samples out of a file, and wait until they are durable",
		.details =
			"FILE is what `export` wrote, or text of Prometheus or node_exporter with times\n"
			"(in milliseconds). Without -i the first line tells which, and in OpenMetrics the\n"
			"first time. Samples that name no host (as the label `host`) are NAME's, else\n"
			"those of the collector's own.\n\n"
			"Each line that is refused is told, all others are stored; what is told to be\n"
			"stored is synced. Where it ends early it says with which --skip to go on: these\n"
			"lines are read for what they declare, and not stored again.\n\n"
			"Exit status 1 also when a line was refused.\n",
		.examples = "  agentctl import store.csv\n"
			    "      a file\n"
			    "  zcat cpu.gz | agentctl import -\n"
			    "      out of another program\n",
		.scope = VERB_COLLECTOR,
		.request = "import",
		.argument = "file",
		.needs_argument = true,
		.options = OPTIONS_SOCKET | OPTIONS_INPUT | OPTIONS_HOST_NAME | OPTIONS_SKIP,
		.run = import_run,
	},
	{
		.name = "snapshot",
		.usage = "DIR",
		.summary = "Copy the store as it is now, while it goes on, for a second collector",
		.details =
			"The collector makes it: DIR is where the collector sees it, must not be there\n"
			"or be an empty folder, and lies outside of the store. All that is stored before\n"
			"the command is in it. Where the file system can (btrfs, xfs), files share their\n"
			"blocks until they change. It is made as DIR.partial, synced, then renamed.\n",
		.examples = "  agentctl snapshot /var/lib/hostmetrics/snapshots/monday\n"
			    "      where the packages let the collector write\n"
			    "  agentctl check /var/lib/hostmetrics/snapshots/monday\n"
			    "      whether all of it is whole\n",
		.scope = VERB_COLLECTOR,
		.request = "snapshot",
		.argument = "folder",
		.needs_argument = true,
		.options = ASKS,
		.run = snapshot_run,
	},
	{
		.name = "delete",
		.usage = "SERIES|GLOB [--host GLOB] [--since TIME] [--until TIME] [--yes | -n]",
		.summary = "Delete stored samples, for good, after showing which and asking",
		.details =
			"Shows for each series how many samples there are in the range of time, from "
			"when to\nwhen, then asks; with --yes it does not, with -n it only shows. No "
			"query shows them once\nit is done; the disk has their room back after the "
			"next checkpoints. What comes in\nwhile it asks is deleted with the rest; "
			"samples that come after that are not\ntouched, also where their times lie in the "
			"range.\n\n" GLOB_DETAILS,
		.examples = "  agentctl delete node_load1 --host web01 --until -1d\n"
			    "      all but the last day of one series\n"
			    "  agentctl delete 'tmp_*' --yes\n"
			    "      metrics that were a mistake, from a script\n",
		.scope = VERB_COLLECTOR,
		.request = "delete",
		.argument = "series",
		.needs_argument = true,
		.options = ASKS | OPTIONS_HOST | OPTIONS_SINCE | OPTIONS_UNTIL | OPTIONS_DRY_RUN |
			   OPTIONS_YES,
		.run = delete_run,
	},
	{
		.name = "check",
		.usage = "[STORE]",
		.summary = "Verify every checksum of a store; change nothing",
		.details =
			"Reads the files themselves, below STORE, or else the folder that the "
			"collector names,\nwhether it runs or not. A row for each damaged range: of "
			"which file, where, and what is\nlost, as far as it is known. What is not yet "
			"confirmed to anybody (the end of the log, what\na checkpoint was writing) is "
			"counted, and is no damage.\n\n"
			"Exit status: 0 all of it is whole, 1 there is damage, 2 something could not "
			"be read.\n",
		.examples = "  agentctl check\n"
			    "      the store of the collector that runs here\n"
			    "  agentctl check /mnt/backup/store -o json\n"
			    "      a copy, for a program\n",
		.scope = VERB_COLLECTOR,
		.request = "status",
		.argument = "store",
		.options = ASKS,
		.run = check_run,
	},
	{
		.name = "dump",
		.usage = "FILE",
		.summary = "Print what a file of the store holds, as it lies in it",
		.details =
			"Reads the file itself: of a metric (.hm), of a host (.host), or a "
			"segment of the log.\nSamples are lines `time host series value`, as of "
			"-o plain. What those of an agent are called\nmay stand in another segment "
			"of the log: it is looked for in those that lie beside.\n\nSays which ranges "
			"of a file are damaged, prints what lies behind them, and ends\nwith 1.\n",
		.examples = "  agentctl dump /var/lib/hostmetrics/store/hosts/web01/node_load1.hm\n"
			    "      one metric of one host\n",
		.scope = VERB_LOCAL,
		.argument = "file",
		.needs_argument = true,
		.options = SHOWS,
		.run = dump_run,
	},
	{
		.name = "help",
		.usage = "[VERB]",
		.summary = "Show this help, or that of a verb",
		.examples = "  agentctl help\n"
			    "      all verbs\n"
			    "  agentctl help query\n"
			    "      one of them\n",
		.scope = VERB_LOCAL,
		.argument = "verb",
		.run = help_run,
	},
	{.name = NULL},
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

const struct verb *verb_find(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (strcmp(verb->name, name) == 0)
			return verb;
	}
	return NULL;
}

const struct verb *verb_nearest(const char *name)
{
	const char *names[N_VERBS];
	const char *nearest;

	for (size_t i = 0; i < N_VERBS; i++)
		names[i] = verbs[i].name;
	nearest = text_nearest(name, names);
	return nearest ? verb_find(nearest) : NULL;
}

const struct verb *verb_require(const char *name)
{
	const struct verb *verb = verb_find(name);
	const struct verb *nearest = verb ? NULL : verb_nearest(name);

	if (nearest)
		message_error("there is no verb '%s'; did you mean '%s'?", name, nearest->name);
	else if (!verb)
		message_error("there is no verb '%s'; `agentctl help` names them all", name);
	return verb;
}
