# SPDX-License-Identifier: MIT
"""`agentctl why` of agents as they run, and what happens to them."""

import os
import signal
import time
import unittest

from asking import Asking
from support import ctl, query, wait_until


class RealAgent(Asking):
    TICK = 0.5

    def setUp(self):
        super().setUp()
        self.begin = time.time()
        self.agents = 0

    def start_next(self, arguments=()):
        self.agents += 1
        return self.start_agent(
            {"hostname": "web01", "collector": f"127.0.0.1:{self.collector.port}", "interval": "500ms",
             "ship_interval": "500ms", "spool": self.path("spool")}, name=f"agent{self.agents}",
            arguments=arguments)

    def start(self):
        """It has samples before this returns, and for a while then."""
        agent = self.start_next()
        self.run_on()
        return agent

    def times(self):
        return sorted(row["time"] for row in query(self.collector, "node_load1"))

    def run_on(self):
        """Wait for some samples that are taken from now on."""
        now = time.time()
        wait_until(lambda: len([when for when in self.times() if when > now]) >= 3, 20, "samples")

    def reload(self, agent, plugins):
        with open(self.path(f"agent{self.agents}.conf"), "a", encoding="utf-8") as config:
            config.write(plugins)
        self.assertEqual(ctl("--socket", agent.socket, "reload").code, 0)

    def told(self):
        rows = ctl("--socket", self.collector.socket, "why", "node_load1", "--since", f"{self.begin:.6f}", "--until",
                   "now", "-o", "json").json()
        return [(row["from"], row["to"], row["reason"]) for row in rows]

    def test_a_source_that_fails_from_the_start_of_an_agent_has_failed(self):
        file = os.path.join(self.path("root"), "proc", "loadavg")
        os.makedirs(os.path.dirname(file))

        def run(is_whole):
            if os.path.lexists(file):
                os.unlink(file)
            if is_whole:
                self.write("root/proc/loadavg", "0.1 0.2 0.3 1/100 1000\n")
            else:
                os.symlink("loadavg", file)
            begin = time.time()
            agent = self.start_next(arguments=("--root", self.path("root")))
            wait_until((lambda: max(self.times(), default=0) > begin + 2) if is_whole else (lambda: time.time() > begin + 3))
            agent.stop()

        for is_whole in (True, False, True):
            run(is_whole)
        told = [reason for _, _, reason in self.told()]
        self.assertEqual(told.count("source_failed"), 1, told)
        self.assertLessEqual(set(told), {"agent_stopped", "source_failed"})

    def test_what_happens_to_an_agent(self):
        agent = self.start()
        agent.stop()
        time.sleep(2)
        agent = self.start()
        agent.stop(signal.SIGKILL)
        time.sleep(2)
        agent = self.start()
        agent.process.send_signal(signal.SIGSTOP)
        time.sleep(2)
        agent.process.send_signal(signal.SIGCONT)
        self.run_on()
        self.reload(agent, "[plugin loadavg]\nenabled = no\n")
        time.sleep(2)
        self.reload(agent, "enabled = yes\n")
        self.run_on()
        told = self.told()
        # A busy machine may hold the agent up more often.
        reasons = [row[2] for row in told]
        for reason in ("agent_stopped", "agent_killed", "agent_held_up", "not_sampled"):
            self.assertIn(reason, reasons)
            reasons.remove(reason)
        self.assertLessEqual(set(reasons), {"agent_held_up"}, told)
        # Each hole is one, and there is no other.
        times = self.times()
        holes = [pair for pair in zip(times, times[1:]) if pair[1] - pair[0] > self.TICK * 1.5 + 1e-6]
        self.assertEqual([(row[0], row[1]) for row in told], holes)
        agent.stop()
        # A sample would be due by then.
        time.sleep(1)
        last = self.told()[-1]
        self.assertEqual(last[1:], (None, "agent_stopped"))
        self.assertEqual(last[0], self.times()[-1])
        # Of all that it samples.
        rows = self.holes("web01", "--since", f"{self.begin:.6f}")
        self.assertIn("agent_stopped", [row[2] for row in rows])
        before = self.told()
        self.flush()
        self.assertEqual(self.told(), before)
        self.restart()
        self.assertEqual(self.told(), before)


if __name__ == "__main__":
    unittest.main()
