# SPDX-License-Identifier: MIT
"""The agent by itself: one round, fixture roots, configuration, what it tells systemd."""

import os
import re
import socket
import unittest

from support import ROOT, Case, ctl, free_port, query, run, status, wait_until

FIXTURES = os.path.join(ROOT, "tests", "fixtures")


class Once(Case):
    def test_one_round_of_this_machine(self):
        result = run("hostmetrics-agent", "--once")
        self.assertEqual(result.code, 0, result.err)
        for line in result.lines():
            self.assertRegex(line, r'^\d+(\.\d{1,6})? [a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? [-+0-9.e]+$')
        with open("/proc/loadavg", encoding="ascii") as file:
            now = float(file.read().split()[0])
        load = [float(line.split()[-1]) for line in result.lines() if " node_load1 " in line]
        self.assertEqual(len(load), 1)
        self.assertAlmostEqual(load[0], now, delta=2)
        idle = [float(line.split()[-1]) for line in result.lines() if re.search(r'cpu="0",mode="idle"', line)]
        self.assertGreater(idle[0], 0)

    def test_a_root_without_anything_fails_and_says_why(self):
        result = run("hostmetrics-agent", "--once", "--root", os.path.join(FIXTURES, "empty"))
        self.assertNotEqual(result.code, 0)
        self.assertEqual(result.out, "")
        self.assertTrue(result.err.strip())

    def test_a_root_that_is_not_there(self):
        result = run("hostmetrics-agent", "--once", "--root", self.path("nosuch"))
        self.assertNotEqual(result.code, 0)
        self.assertIn("nosuch", result.err)


class Configuration(Case):
    def check(self, text, *arguments):
        config = self.write("agent.conf", text)
        return run("hostmetrics-agent", "--check-config", "--config", config, *arguments)

    def test_a_good_file(self):
        result = self.check("[agent]\ninterval = 5s\ncollector = [::1]:9999\n[plugin cpu]\nenabled = no\n")
        self.assertEqual(result.code, 0, result.err)

    def test_an_unknown_key_names_file_line_and_the_nearest(self):
        result = self.check("[agent]\n# a comment\nintervall = 5s\n")
        self.assertNotEqual(result.code, 0)
        self.assertIn(f"{self.path('agent.conf')}:3", result.err)
        self.assertRegex(result.err, "did you mean '?interval'?")

    def test_bad_values_and_sections(self):
        for text, word in (("[agent]\ninterval = soon\n", "interval"), ("[agent]\ninterval = 0\n", "interval"),
                           ("[agent]\ncollector = host:99999\n", "collector"), ("[agnet]\n interval = 1s\n", "agent"),
                           ("[plugin cpuu]\nenabled = no\n", "cpu"), ("[plugin cpu]\nenable = no\n", "enabled"),
                           ("[plugin cpu]\nenabled = perhaps\n", "enabled"), ("interval = 5s\n", "section"),
                           ("[agent]\nhostname = " + "x" * 5000 + "\n", "long")):
            result = self.check(text)
            self.assertNotEqual(result.code, 0, text)
            self.assertIn(word, result.err, text)

    def test_conf_d_is_read_in_order_and_wins(self):
        self.write("agent.conf.d/20-b.conf", "[agent]\nhostname = from-b\n")
        self.write("agent.conf.d/10-a.conf", "[agent]\nhostname = from-a\ninterval = 7s\n")
        self.write("agent.conf.d/30-c.disabled", "not read\n")
        agent = self.start_agent({"hostname": "from-file", "collector": f"127.0.0.1:{free_port()}"})
        self.assertEqual(status(agent)["hostname"], "from-b")
        self.assertEqual(status(agent)["interval"], 7)

    def test_a_file_that_was_named_must_exist(self):
        result = run("hostmetrics-agent", "--check-config", "--config", self.path("nosuch.conf"))
        self.assertNotEqual(result.code, 0)
        self.assertIn("nosuch.conf", result.err)

    def test_the_sample_file_checks(self):
        sample = run("hostmetrics-agent", "--sample-config")
        self.assertEqual(sample.code, 0, sample.err)
        self.assertEqual(self.check(sample.out).code, 0)
        # Uncommented, every default is a valid value.
        self.assertEqual(self.check(re.sub(r"^[#;] ?(\w+ = .+)$", r"\1", sample.out, flags=re.M)).code, 0)

    def test_usage(self):
        for program in ("hostmetrics-agent", "hostmetrics-collector"):
            self.assertEqual(run(program, "--nosuch").code, 2)
            self.assertEqual(run(program, "extra").code, 2)
            self.assertIn("--config", run(program, "--help").out)
            self.assertRegex(run(program, "--version").out, r"\d+\.\d+\.\d+")

    def test_the_collector_checks_its_file_too(self):
        config = self.write("collector.conf", "[collector]\nlistn = 127.0.0.1:1\n")
        result = run("hostmetrics-collector", "--check-config", "--config", config)
        self.assertNotEqual(result.code, 0)
        self.assertRegex(result.err, "did you mean '?listen'?")


class Service(Case):
    def test_systemd_is_told_when_it_is_ready(self):
        path = os.path.join(self.run_folder, "n")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(20)
            agent = self.start_agent({"collector": f"127.0.0.1:{free_port()}"}, ready=False,
                                     environment={"NOTIFY_SOCKET": path})
            self.assertIn(b"READY=1", notify.recv(4096))
            collector = self.start_collector(ready=False)
            wait_until(lambda: ctl("--socket", collector.socket, "status").code == 0)
            self.assertEqual(agent.stop()[0], 0)

    def test_a_plugin_can_be_turned_off_and_have_its_own_interval(self):
        agent = self.start_agent({"interval": "1s", "collector": f"127.0.0.1:{free_port()}"},
                                 "[plugin cpu]\nenabled = no\n[plugin loadavg]\ninterval = 2s\n")
        rows = {row["name"]: row for row in
                ctl("--socket", agent.socket, "list-plugins", "-o", "json").json()}
        self.assertEqual(rows["cpu"]["state"], "disabled")
        self.assertEqual(rows["loadavg"]["interval"], 2)
        self.assertEqual(ctl("--socket", agent.socket, "list-metrics", "node_cpu*").code, 1)

    def test_start_says_where_the_spool_is(self):
        agent = self.start_agent({"collector": f"127.0.0.1:{free_port()}"})
        self.assertIn(f"is kept in {self.path('spool-agent')} (at most 256M)", agent.log())

    def test_many_files_of_plugins_leave_descriptors_for_the_rest(self):
        for cpu in range(40):
            for file in ("cpuinfo_cur_freq", "cpuinfo_max_freq", "scaling_cur_freq", "scaling_max_freq"):
                self.write(f"root/sys/devices/system/cpu/cpu{cpu}/cpufreq/{file}", "2000000\n")
        collector = self.start_collector()
        self.start_agent({"interval": "100ms", "ship_interval": "200ms", "collector": f"127.0.0.1:{collector.port}"},
                         "[plugin cpufreq]\nbudget = 1000\n", arguments=("--root", self.path("root")),
                         prefix=("prlimit", "--nofile=64:4096"))
        wait_until(lambda: len(ctl("--socket", collector.socket, "list-metrics", "node_cpu_scaling_frequency_hertz", "-o",
                                   "csv").lines()) == 1 + 40)

    def test_queue_tells_what_waits(self):
        agent = self.start_agent({"interval": "100ms", "ship_interval": "100ms",
                                  "collector": f"127.0.0.1:{free_port()}"})
        def queue():
            return ctl("--socket", agent.socket, "queue", "-o", "json").json()
        wait_until(lambda: queue()["samples"] > 10 and "refused" in queue()["last_error"])
        self.assertEqual(queue()["kept_in"], "disk")
        self.assertEqual(queue()["samples_sent"], 0)
        table = ctl("--socket", agent.socket, "queue")
        self.assertEqual(table.code, 0, table.err)
        self.assertIn(self.path("spool-agent"), table.out)

    def test_without_a_spool_it_goes_on_in_memory_and_says_so_once(self):
        collector = self.start_collector()
        agent = self.start_agent({"interval": "100ms", "ship_interval": "100ms", "spool": self.write("file", "x"),
                                  "collector": f"127.0.0.1:{collector.port}"})
        wait_until(lambda: len(query(collector, "node_load1")) >= 5)
        self.assertEqual(agent.log().count("wait in memory"), 1)


if __name__ == "__main__":
    unittest.main()
