# SPDX-License-Identifier: MIT
"""What happens to the time of an agent's host is stored, and so is the reason of each sample that is not there."""

import json
import re
import signal
import time
import unittest

from support import Case, ctl, query, status, wait_until

SERIES = "node_load1"


class Clocks(Case):
    def setUp(self):
        super().setUp()
        self.collector = self.start_collector()
        self.agent = self.start_agent({"interval": "1s", "ship_interval": "1s", "hostname": "web01",
                                       "collector": f"127.0.0.1:{self.collector.port}"})
        wait_until(lambda: len(query(self.collector, SERIES)) >= 2, what="samples")

    def events(self, name):
        """What a checkpoint has written of the clock: rows of the host's file, oldest first."""
        self.assertEqual(ctl("--socket", self.collector.socket, "flush").code, 0)
        dump = ctl("dump", self.path("store", "hosts", "web01", ".host"), "-o", "json")
        self.assertEqual(dump.code, 0, dump.err)
        return [row for row in json.loads(dump.out) if row["event"] == name]

    def times(self):
        return sorted(row["time"] for row in query(self.collector, SERIES))

    def test_an_agent_that_was_not_run_says_for_how_long(self):
        self.agent.process.send_signal(signal.SIGSTOP)
        begin = time.time()
        time.sleep(4)
        end = time.time()
        self.agent.process.send_signal(signal.SIGCONT)
        wait_until(lambda: self.times()[-1] > end + 1, what="samples behind the hole")
        held_up = self.events("agent_held_up")
        self.assertEqual(len(held_up), 1, held_up)
        until = held_up[0]["time"]
        since = until - float(re.match(r"by ([0-9.]+) s, ", held_up[0]["detail"]).group(1))
        self.assertLess(since, begin + 2)
        self.assertGreaterEqual(until, end)
        self.assertLess(until, end + 2)
        # It covers all grid points without a sample.
        taken = {round(when) for when in self.times()[1:]}
        missed = set(range(min(taken), max(taken))) - taken
        self.assertGreaterEqual(len(missed), 3)
        for point in missed:
            self.assertTrue(since - 1e-3 <= point <= until, (since, point, until))
        why = ctl("--socket", self.collector.socket, "why", SERIES, "--at", str(min(missed)), "-o", "json")
        self.assertEqual(why.code, 0, why.err)
        self.assertIn("agent_held_up", why.out)

    def test_start_and_stop_are_told_with_all_samples_between_them(self):
        self.agent.stop()
        (started,), (stopped,) = self.events("agent_started"), self.events("agent_stopped")
        self.assertLessEqual(started["time"], self.times()[0])
        self.assertGreaterEqual(stopped["time"], self.times()[-1])
        self.assertEqual(self.events("agent_held_up"), [])
        self.assertEqual(self.events("host_slept"), [])
        self.assertEqual(self.events("clock_set"), [])

    def test_what_is_sampled_is_told_at_the_start_and_when_it_changes(self):
        with open(self.path("agent.conf"), "a", encoding="utf-8") as config:
            config.write("[plugin loadavg]\ninterval = 2s\n[plugin cpu]\nenabled = no\n")
        begin = time.time()
        self.assertEqual(ctl("--socket", self.agent.socket, "reload").code, 0)
        end = time.time()
        self.agent.stop()
        first, second = self.events("schedule")
        self.assertLessEqual(first["time"], self.times()[0])
        self.assertIn("node_load1 every 1 s", first["detail"])
        self.assertIn("node_cpu_seconds_total every 1 s", first["detail"])
        self.assertTrue(begin <= second["time"] <= end, (begin, second, end))
        self.assertIn("node_load1 every 2 s", second["detail"])
        self.assertNotIn("node_cpu_seconds_total", second["detail"])


if __name__ == "__main__":
    unittest.main()
