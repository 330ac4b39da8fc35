#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 of agent and collector at random instants: every sample that reached the spool is stored, once.

    tests/integration/test_exactly_once.py [KILLS [SEED]]     (make check: 20)

A plugin counts its rounds in a file, before it gives the number. What is stored must be these numbers, each
once. Only those may be missing which the sampler had just taken when the agent was killed.
"""

import collections
import os
import random
import struct
import sys
import time
import unittest

from support import BUILD, Case, ctl, free_port, status, wait_until

INTERVAL_SECONDS = 0.05
# Of what was on its way from the sampler to the spool when the agent was killed.
ON_THE_WAY_MAX = 3


class ExactlyOnce(Case):
    n_kills = 20
    seed = None

    def setUp(self):
        super().setUp()
        self.plugins = os.path.join(BUILD, "test-plugins")
        if not os.path.isdir(self.plugins):
            self.skipTest(f"{self.plugins} was not built")
        self.port = free_port()
        self.n_started = 0

    def start_both(self, name):
        self.n_started += 1
        if name == "collector":
            return self.start_collector(listen=f"127.0.0.1:{self.port}", ready=False)
        return self.start_agent(
            {"interval": f"{int(INTERVAL_SECONDS * 1000)}ms", "ship_interval": "200ms", "hostname": "web01",
             "collector": f"127.0.0.1:{self.port}"},
            f"[plugin counter]\nfile = {self.path('count')}\n", arguments=["--plugins", self.plugins], ready=False)

    def counted(self):
        """The last number that the plugin may have given."""
        try:
            with open(self.path("count"), "rb") as file:
                data = file.read()
        except FileNotFoundError:
            data = b""
        return struct.unpack("<Q", data)[0] if data else 0

    def stored(self, collector):
        result = ctl("--socket", collector.socket, "query", "counter_rounds_total", "--all", "-o", "json")
        return [row["value"] for row in result.json()] if result.code == 0 else []

    def test_kill_9_on_both_sides(self):
        seed = self.seed if self.seed is not None else random.randrange(1 << 32)
        print(f"seed {seed}", file=sys.stderr)
        generator = random.Random(seed)
        running = {name: self.start_both(name) for name in ("collector", "agent")}
        ends = []
        for _ in range(self.n_kills):
            time.sleep(generator.choice((0.05, 0.3, 1.5)) * generator.random() * 2)
            name = generator.choice(("collector", "agent"))
            self.assertIsNone(running[name].process.poll(), f"{name} ended:\n{running[name].log()}")
            running[name].process.kill()
            running[name].process.wait()
            if name == "agent":
                ends.append(self.counted())
            if generator.random() < 0.3:
                time.sleep(generator.random())
            running[name] = self.start_both(name)
        self.check(running["collector"], running["agent"], ends)

    def check(self, collector, agent, ends):
        collector.wait_ready()
        agent.wait_ready()
        time.sleep(1)
        agent.stop()
        last = self.counted()
        # What the last agent could not send in its last second, another one does.
        again = self.start_both("agent")
        again.wait_ready()
        wait_until(lambda: last in self.stored(collector), 60, "the last sample is stored")
        wait_until(lambda: status(again)["queue_samples"] < 20, 60, "the spool is empty")
        stored = collections.Counter(self.stored(collector))
        self.assertEqual([value for value, n in stored.items() if n > 1], [], "stored more than once")
        allowed = {end - i for end in ends for i in range(ON_THE_WAY_MAX)}
        missing = {value for value in range(1, last + 1) if value not in stored}
        self.assertEqual(sorted(missing - allowed), [], f"lost; the agent was killed at {ends}")
        self.assertGreater(len(stored), 10 * len(missing))
        print(f"{last} samples, {len(ends)} ends of the agent, {len(missing)} on their way then", file=sys.stderr)
        self.assertEqual(ctl("check", self.path("store")).code, 0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ExactlyOnce.n_kills = int(sys.argv[1])
    if len(sys.argv) > 2:
        ExactlyOnce.seed = int(sys.argv[2])
    unittest.main(argv=sys.argv[:1])
