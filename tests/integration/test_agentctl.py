# SPDX-License-Identifier: MIT
"""agentctl against real daemons: verbs, formats, exit codes, sentences."""

import csv
import io
import os
import shutil
import time
import unittest

from support import BUILD, ROOT, Case, ctl, free_port, run, status, wait_until

LAPTOP = os.path.join(ROOT, "tests", "fixtures", "laptop")


class OnACollector(Case):
    def setUp(self):
        super().setUp()
        self.collector = self.start_collector()
        self.send(self.collector.port,
                  '1795416401 b{x="2"} 2\n1795416401 b{x="1"} 1\n1795416402 b{x="1"} 0.1\n'
                  '1795416401 a;host=web02 5\n1795416461 a;host=web02 6\n')
        self.wait_stored(self.collector, 5)

    def ctl(self, *arguments, **options):
        return ctl("--socket", self.collector.socket, *arguments, **options)

    def test_every_series_is_listed_once_and_sorted(self):
        rows = self.ctl("list-metrics", "-o", "json").json()
        host = status(self.collector)["hostname"]
        self.assertEqual([(row["host"], row["series"], row["value"]) for row in rows], sorted(
            [(host, 'b{x="1"}', 0.1), (host, 'b{x="2"}', 2), ("web02", "a", 6)]))

    def test_the_table_has_a_header_and_an_age(self):
        out = self.ctl("list-metrics").out.splitlines()
        for word in ("HOST", "SERIES", "KIND", "UNIT", "VALUE", "AGE"):
            self.assertIn(word, out[0])
        self.assertEqual(len(out), 4)

    def test_plain_is_time_host_series_value(self):
        out = self.ctl("query", "b", "-o", "plain").lines()
        host = status(self.collector)["hostname"]
        self.assertEqual(out, [f'1795416401\t{host}\tb{{x="1"}}\t1', f'1795416402\t{host}\tb{{x="1"}}\t0.1',
                               f'1795416401\t{host}\tb{{x="2"}}\t2'])

    def test_csv_can_be_read_by_a_csv_reader(self):
        rows = list(csv.DictReader(io.StringIO(self.ctl("query", "b", "-o", "csv").out)))
        self.assertEqual([(row["series"], row["value"]) for row in rows],
                         [('b{x="1"}', "1"), ('b{x="1"}', "0.1"), ('b{x="2"}', "2")])

    def test_csv_is_what_a_spreadsheet_takes(self):
        self.send(self.collector.port, '1795416401.25 c{a="=1+1, \\"x\\""} 0.1\n1795416402 c{a="b"} -1e-300\n'
                                       '1795416403 c;host=-cmd 3\n')
        self.wait_stored(self.collector, 8)
        out = self.ctl("query", "c", "-o", "csv", "--utc").out
        self.assertEqual(out.count("\n"), 4)
        rows = {row["time"]: row for row in csv.DictReader(io.StringIO(out, newline=""), strict=True)}
        self.assertEqual(rows["2026-11-23T06:46:41.250000"]["series"], 'c{a="=1+1, \\"x\\""}')
        self.assertEqual(float(rows["2026-11-23T06:46:42"]["value"]), -1e-300)
        self.assertEqual(rows["2026-11-23T06:46:43"]["host"], "'-cmd")

    def test_times_are_in_the_users_zone_or_utc(self):
        # Clocks in Europe went back at 01:00 UTC, in America at 06:00 UTC a week later.
        self.send(self.collector.port, "".join(f"{time} t 1\n" for time in (
            1792888200, 1792891800, 1793511000, 1793514600)))
        self.wait_stored(self.collector, 9)
        for zone, posix, shown in (
                ("Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3",
                 ["2026-10-25 02:30:00+02:00", "2026-10-25 02:30:00+01:00", "2026-11-01 06:30:00",
                  "2026-11-01 07:30:00"]),
                ("America/New_York", "EST5EDT,M3.2.0,M11.1.0",
                 ["2026-10-24 20:30:00", "2026-10-24 21:30:00", "2026-11-01 01:30:00-04:00",
                  "2026-11-01 01:30:00-05:00"]),
                ("Asia/Kolkata", "IST-5:30",
                 ["2026-10-25 06:00:00", "2026-10-25 07:00:00", "2026-11-01 11:00:00", "2026-11-01 12:00:00"])):
            named = [zone] if os.path.exists(f"/usr/share/zoneinfo/{zone}") else []
            for name in [posix, *named]:
                environment = {"TZ": name}
                table = self.ctl("query", "t", environment=environment).lines()[1:]
                self.assertEqual([line[:len(text)] for line, text in zip(table, shown)], shown, name)
                self.assertEqual([line[19] for line, text in zip(table, shown) if len(text) == 19], [" "] * sum(
                    len(text) == 19 for text in shown), name)
                rows = list(csv.DictReader(io.StringIO(
                    self.ctl("query", "t", "-o", "csv", environment=environment).out)))
                self.assertEqual([row["time"] for row in rows], [text[:19].replace(" ", "T") for text in shown], name)
                # What was shown finds its sample again, both of them in the hour that comes twice.
                for text in shown:
                    found = self.ctl("query", "t", "--since", text, "--until", text, "-o", "plain",
                                     environment=environment).lines()
                    self.assertEqual(len(found), 1, (name, text))
                    both = self.ctl("query", "t", "--since", text[:19], "--until", text[:19], "-o", "plain",
                                    environment=environment).lines()
                    self.assertEqual(len(both), 2 if len(text) > 19 else 1, (name, text))
                utc = self.ctl("query", "t", "--utc", environment=environment).lines()[1:]
                self.assertEqual(utc[0][:21], "2026-10-25 00:30:00  ", name)
                self.assertEqual(self.ctl("query", "t", "-o", "json", environment=environment).json()[0]["time"],
                                 1792888200)

    def test_query_takes_times_in_every_form(self):
        for since, count in (("1795416402", 1), ("1795416401.5", 1), ("2026-11-23T06:46:42Z", 1),
                             ("-400d", 2), ("1970-01-01", 2)):
            result = self.ctl("query", 'b{x="1"}', "--since", since, "--until", "1999999999", "-o", "plain")
            self.assertEqual(len(result.lines()), count, (since, result.err))
        self.assertEqual(self.ctl("query", "b", "--until", "1795416400").code, 1)
        self.assertEqual(self.ctl("query", "b", "--since", "teatime").code, 2)

    def test_labels_in_any_order_and_globs_choose_series(self):
        self.send(self.collector.port, '1 two{b="2",a="1"} 9\n')
        self.wait_stored(self.collector, 6)
        for pattern in ('two{b="2",a="1"}', 'two{a="1",b="2"}', "tw?", 'two{*b="2"*}'):
            self.assertEqual(len(self.ctl("get", pattern, "-o", "plain").lines()), 1, pattern)

    def test_options_stand_before_or_after_the_verb(self):
        first = ctl("--socket", self.collector.socket, "-o", "plain", "list-metrics", "a").out
        last = ctl("list-metrics", "a", "-o", "plain", "--socket", self.collector.socket).out
        self.assertEqual(first, last)
        self.assertEqual(len(first.splitlines()), 1)

    def test_list_hosts(self):
        rows = {row["host"]: row for row in self.ctl("list-hosts", "-o", "json").json()}
        self.assertEqual(rows["web02"]["series"], 1)
        self.assertEqual(rows["web02"]["samples"], 2)

    def test_nothing_matched_is_1(self):
        for verb in (("list-metrics", "nosuch*"), ("get", "nosuch"), ("query", "nosuch")):
            self.assertEqual(self.ctl(*verb).code, 1, verb)

    def test_usage_is_2_and_says_what_is_meant(self):
        for arguments in (("list-metric",), ("get",), ("-o", "xml", "status"), ("--nosuch", "status"), ()):
            result = self.ctl(*arguments)
            self.assertEqual(result.code, 2, arguments)
            self.assertTrue(result.err.strip(), arguments)
        self.assertIn("list-metrics", self.ctl("list-metric").err)

    def test_a_verb_of_the_agent_says_so(self):
        result = self.ctl("list-plugins")
        self.assertEqual(result.code, 2)
        self.assertIn("this is the collector", result.err)
        self.assertIn("'list-plugins', a verb of the agent;", result.err)

    def test_dump_prints_a_store_file_as_lines(self):
        self.assertEqual(self.ctl("flush").code, 0)
        paths = [os.path.join(path, name) for path, _, names in os.walk(self.path("store", "hosts"))
                 for name in names if name == "a.hm"]
        self.assertEqual(len(paths), 1)
        result = ctl("dump", paths[0])
        self.assertEqual((result.code, result.lines()),
                         (0, ["1795416401\tweb02\ta\t5", "1795416461\tweb02\ta\t6"]))

    def test_dump_of_a_damaged_file_says_where(self):
        self.assertEqual(self.ctl("flush").code, 0)
        path = os.path.join(self.path("store", "hosts"), "web02", "a.hm")
        with open(path, "rb") as file:
            data = bytearray(file.read())
        data[-3] ^= 1
        damaged = self.path("damaged.hm")
        with open(damaged, "wb") as file:
            file.write(data)
        result = ctl("dump", damaged)
        self.assertEqual(result.code, 1)
        self.assertIn(damaged, result.err)

    def test_watch_prints_as_often_as_it_is_told(self):
        begin = time.monotonic()
        result = self.ctl("watch", "a", "--count", "3", "--interval", "100ms")
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(result.out.count("web02"), 3)
        self.assertGreaterEqual(time.monotonic() - begin, 0.2)

    def test_terminal_escapes_never_reach_the_terminal(self):
        self.send(self.collector.port, b"evil\x1b[31m 1\n")
        wait_until(lambda: status(self.collector)["lines_rejected"] == 1)
        for verb in ("status", "list-metrics"):
            self.assertNotIn("\x1b", self.ctl(verb).out)


    def test_a_closed_standard_output_is_an_error_and_not_the_daemons_socket(self):
        result = run("/bin/sh", "-c", 'exec "$0" "$@" >&-', os.path.join(BUILD, "agentctl"),
                     "--socket", self.collector.socket, "list-metrics")
        self.assertEqual(result.code, 1)
        self.assertIn("cannot write", result.err)


    @unittest.skipIf(not shutil.which("bash"), "needs bash")
    def test_bash_completes_verbs_options_and_names(self):
        socket = self.collector.socket
        self.send(self.collector.port, """1 quoted{a="it's"} 1\n1 quoted{a="$(id)"} 1\n""")
        self.wait_stored(self.collector, 7)
        for words, expected in (
                (["--socket", socket, "get", """'b{x="2"""], ['b{x="2"}']),
                (["--socket", socket, "query", "'q"], ['quoted{a="$(id)"}']),
                (["li"], ["list-metrics", "list-plugins", "list-hosts"]),
                (["-o", "j"], ["json"]), (["--output", "=", "j"], ["json"]),
                (["query", "a", "--un"], ["--until"]), (["query", "a", "--ut"], ["--utc"]),
                (["watch", "--sort", "-va"], ["-value"]), (["watch", "--sort", "x", "--fi"], ["--filter"]),
                (["--socket", socket, "get", ""], ["a", "b", "quoted"]),
                (["--socket", "=", socket, "list-metrics", "--host", "we"], ["web02"])):
            script = ('source "$0"; COMP_WORDS=(agentctl "$@"); COMP_CWORD=$#; _agentctl; '
                      'printf "%s\\n" "${COMPREPLY[@]}"')
            result = run(shutil.which("bash"), "-c", script,
                         os.path.join(ROOT, "packaging", "completion", "agentctl.bash"), *words,
                         environment={"PATH": BUILD + ":" + os.environ["PATH"]})
            self.assertEqual(result.lines(), expected, (words, result.err))


class WithoutADaemon(Case):
    def test_an_empty_path_is_no_socket(self):
        result = ctl("--socket", "", "status")
        self.assertEqual(result.code, 2)
        self.assertIn("--socket", result.err)

    def test_a_socket_that_is_not_there_is_3_and_says_what_to_do(self):
        result = ctl("--socket", self.path("none.sock"), "status")
        self.assertEqual(result.code, 3)
        self.assertIn(self.path("none.sock"), result.err)

    def test_help_and_version(self):
        self.assertEqual(run("agentctl", "--version").code, 0)
        for arguments in (("--help",), ("help",), ("help", "query"), ("query", "--help")):
            result = run("agentctl", *arguments)
            self.assertEqual(result.code, 0, arguments)
            self.assertIn("query", result.out)

    @unittest.skipIf(os.geteuid() != 0, "needs root to run agentctl as another user")
    def test_without_permission_it_names_the_group(self):
        collector = self.start_collector()
        os.chmod(self.run_folder, 0o755)
        result = run("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                     self.reachable_agentctl(), "--socket", collector.socket, "status")
        self.assertEqual(result.code, 3)
        self.assertIn("ermission denied", result.err)
        self.assertIn("group", result.err)

    def reachable_agentctl(self):
        folder = self.run_folder
        while folder != "/":
            if not os.stat(folder).st_mode & 0o001:
                self.skipTest(f"other users cannot reach {folder}")
            folder = os.path.dirname(folder)
        return os.path.join(os.environ.get("HM_BUILD", os.path.join(ROOT, "build")), "agentctl")


class OnAnAgent(Case):
    def setUp(self):
        super().setUp()
        self.agent = self.start_agent(
            {"interval": "1s", "hostname": "web01", "collector": f"127.0.0.1:{free_port()}"},
            arguments=["--root", LAPTOP])

    def test_the_same_verbs_answer(self):
        rows = ctl("--socket", self.agent.socket, "list-metrics", "node_load1", "-o", "json").json()
        self.assertEqual([(row["host"], row["series"], row["kind"]) for row in rows],
                         [("web01", "node_load1", "gauge")])
        self.assertEqual(ctl("--socket", self.agent.socket, "get", "node_load1").code, 0)
        self.assertEqual(status(self.agent)["hostname"], "web01")

    def test_list_plugins_tells_state_and_cost(self):
        rows = ctl("--socket", self.agent.socket, "list-plugins", "-o", "json").json()
        states = {row["name"]: row for row in rows}
        self.assertEqual(states["loadavg"]["state"], "running")
        self.assertEqual(states["loadavg"]["series"], 3)
        self.assertGreater(states["cpu"]["round_us"], 0)

    def test_cost_tells_what_each_plugin_and_part_takes(self):
        def read():
            rows = ctl("--socket", self.agent.socket, "cost", "-o", "json").json()
            return rows if rows and rows[-1]["part"] == "total" else None
        rows = wait_until(read, 10, "a round is in the spool")
        plugins = {row["name"]: row for row in rows if row["part"] == "plugin"}
        self.assertEqual(plugins["loadavg"]["series"], 3)
        self.assertTrue(all(row["cpu_us"] > 0 and row["bytes"] > 0 for row in plugins.values()), rows)
        costs = [row["cpu_us"] for row in rows if row["part"] == "plugin"]
        self.assertEqual(costs, sorted(costs, reverse=True))
        self.assertEqual([row["name"] for row in rows if row["part"] == "agent"], ["sampler", "recorder", "uplink"])
        self.assertEqual(rows[-1]["series"], sum(row["series"] for row in plugins.values()))
        self.assertGreater(rows[-1]["cpu_us"], 0)
        self.assertIn("CPU_US", ctl("--socket", self.agent.socket, "cost").lines()[0])

    def test_a_verb_of_the_collector_says_so(self):
        for verb in (("list-hosts",), ("query", "x")):
            result = ctl("--socket", self.agent.socket, *verb)
            self.assertEqual(result.code, 2)
            self.assertIn("this is the agent", result.err)
            self.assertIn(f"'{verb[0]}', a verb of the collector;", result.err)


if __name__ == "__main__":
    unittest.main()
