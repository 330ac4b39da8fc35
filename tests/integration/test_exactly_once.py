#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 and SIGSTOP of agents and collector at random instants (P2 to P4): every sample that reached a spool is
stored, once, and as it was.

    tests/integration/test_exactly_once.py [KILLS [SEED]]     (make check: 200; HM_TORTURE=1: 10 000)

The plugin of the agents lists its rounds before it gives them. What is stored, as agentctl tells it, must be these
rounds. Only those may be missing which the sampler had just taken when its agent was killed.
"""

import collections
import os
import random
import signal
import sys
import threading
import time
import unittest

import sampled
from support import PATIENCE, Case, ctl, free_port, status

KILLS_PER_STORE = 400
# How often each agent ships; what it has not shipped yet lies in its spool as ticks.
SHIP_INTERVALS = ("200ms", "200ms", "1s", "3s")
SMALL_SEGMENTS = "[collector]\nlog_segment_mib = 1\n"
# How a life ends, and how often.
MODES = {"kill": 50, "kill as it starts": 20, "kill in a checkpoint": 25, "kill all": 3, "stop": 14, "stop for long": 3}
# The others give up on who is stopped: an agent waits 5 s for WELCOME.
LONG_STOP_SECONDS = 7
# Nobody waits for an ACK for longer than a minute.
LONG_STOP_SECONDS_TORTURE = 70


class ExactlyOnce(Case):
    def setUp(self):
        super().setUp()
        if not os.path.isdir(sampled.PLUGINS):
            self.skipTest(f"{sampled.PLUGINS} was not built")
        self.address = f"127.0.0.1:{free_port()}"
        self.config = self.write("collector.conf", SMALL_SEGMENTS)
        self.hosts = [sampled.Host(self, f"web{i}", n_series=40, ship_interval=interval)
                      for i, interval in enumerate(SHIP_INTERVALS)]
        self.running = {}
        self.stopped = {}  # name: when it was stopped, and is to go on
        self.flushes = []
        self.counts = collections.Counter()

    # -- daemons ----------------------------------------------------------------------------------

    def start_one(self, name):
        if name == "collector":
            self.running[name] = self.start_collector("--config", self.config, listen=self.address, ready=False)
        else:
            self.running[name] = self.host(name).start(self.address, ready=False)

    def host(self, name):
        return next(host for host in self.hosts if host.name == name)

    def kill(self, name):
        daemon = self.running.pop(name)
        self.assertIsNone(daemon.process.poll(), f"{name} ended:\n{daemon.log()}")
        stopped = self.stopped.pop(name, None)
        before = time.time()
        daemon.process.kill()
        daemon.process.wait()
        self.daemons.remove(daemon)
        self.counts["kills of agents" if name != "collector" else "kills of the collector"] += 1
        self.counts["kills"] += 1
        if name != "collector":
            self.host(name).killed(stopped[0] if stopped else before)

    def stop_for(self, name, seconds):
        """It does not run for so long, unless it is killed before."""
        if name not in self.stopped:
            self.stopped[name] = (time.time(), time.monotonic() + seconds)
            self.running[name].process.send_signal(signal.SIGSTOP)
            self.counts["stops"] += 1

    def let_go_on(self, at):
        for name in [name for name, (_, until) in self.stopped.items() if until <= at]:
            del self.stopped[name]
            self.running[name].process.send_signal(signal.SIGCONT)

    def begin_checkpoint(self):
        thread = threading.Thread(target=ctl, args=("--socket", self.running["collector"].socket, "flush"),
                                  kwargs={"seconds": 300})
        thread.start()
        self.flushes = [flush for flush in self.flushes if flush.is_alive()] + [thread]

    def wait_samples(self, seconds=3):
        """Until the collector has some that it did not have when it started, or for so long: agents that lost it come
        back a second or two later."""
        collector, end = self.running["collector"], time.monotonic() + seconds
        while "collector" not in self.stopped and time.monotonic() < end:
            result = ctl("--socket", collector.socket, "status", "-o", "json")
            if result.code == 0 and result.json()["samples_stored"] > 0:
                self.counts["kills with samples"] += 1
                return
            time.sleep(0.01)

    # -- torture ----------------------------------------------------------------------------------

    def torture(self, name, mode, chooser):
        if mode == "stop":
            self.stop_for(name, chooser.uniform(0, 2))
            return
        if mode == "stop for long":
            is_torture = os.environ.get("HM_TORTURE") and chooser.random() < 0.2
            self.stop_for(name, LONG_STOP_SECONDS_TORTURE if is_torture else LONG_STOP_SECONDS)
            return
        names = list(self.running) if mode == "kill all" else [name]
        if "collector" in names and mode != "kill as it starts" and chooser.random() < 0.8:
            self.wait_samples()
        if mode == "kill in a checkpoint":
            self.begin_checkpoint()
            # Its program needs two of these milliseconds to begin, and the checkpoint takes the rest.
            time.sleep(chooser.uniform(0.001, 0.008))
        for each in names:
            self.kill(each)
        if chooser.random() < 0.2:
            time.sleep(chooser.uniform(0, 0.5))
        for each in names:
            self.start_one(each)
        if mode == "kill as it starts":
            time.sleep(chooser.uniform(0, 0.04))
            self.kill(name)
            self.start_one(name)

    def run_store(self, seed, n_kills):
        print(f"seed {seed}", file=sys.stderr)
        chooser = random.Random(seed)
        names = ["collector", *(host.name for host in self.hosts)]
        for name in names:
            self.start_one(name)
        modes = list(MODES)
        while self.counts["kills"] < n_kills:
            time.sleep(chooser.choice((0.05, 0.2, 0.4)) * 2 * chooser.random())
            self.let_go_on(time.monotonic())
            mode = chooser.choices(modes, MODES.values())[0]
            # It is one of five, and half of what there is to be broken.
            is_agent = mode != "kill in a checkpoint" and chooser.random() < 0.6
            self.torture(chooser.choice(names[1:]) if is_agent else "collector", mode, chooser)
        self.let_go_on(float("inf"))
        self.check(seed)

    def check(self, seed):
        collector = self.running["collector"]
        collector.wait_ready()
        for host in self.hosts:
            self.running[host.name].wait_ready()
        for host in self.hosts:
            host.drain(self.address)
        for flush in self.flushes:
            flush.join()
        for turn in ("as it is", "after a checkpoint", "after another kill"):
            found = sampled.query_rows(collector)
            self.assertEqual({row[1] for row in found}, {host.name for host in self.hosts})
            for host in self.hosts:
                problems, missing = host.problems(found)
                self.assertEqual(problems[:5], [], f"seed {seed}, {turn}: {len(problems)} problems of {host.name}")
                self.counts[f"rounds, {turn}"] += len(host.listed())
                self.counts[f"rounds on their way, {turn}"] += len(missing)
            if turn == "as it is":
                self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
            elif turn == "after a checkpoint":
                self.kill("collector")
                self.start_one("collector")
                collector = self.running["collector"]
                collector.wait_ready()
        self.assertEqual(status(collector)["damaged_ranges"], 0)
        self.assertEqual(collector.stop()[0], 0)
        checked = ctl("check", self.path("store"))
        self.assertEqual(checked.code, 0, checked.out + checked.err)
        # At most the one that was being taken.
        self.assertLessEqual(self.counts["rounds on their way, as it is"], self.counts["kills of agents"] * PATIENCE)
        print(", ".join(f"{n} {name}" for name, n in self.counts.items()), file=sys.stderr)

    def test_kills_and_stops_on_both_sides(self):
        n_kills = int(os.environ.get("HM_KILLS", "10000" if os.environ.get("HM_TORTURE") else
                                     "40" if os.environ.get("HM_SAN") else "200"))
        seed = int(os.environ.get("HM_SEED", random.randrange(1 << 32)))
        for first in range(0, n_kills, KILLS_PER_STORE):
            self.run_store(seed + first // KILLS_PER_STORE, min(KILLS_PER_STORE, n_kills - first))
            if first + KILLS_PER_STORE < n_kills:
                self.tearDown()
                self.setUp()


if __name__ == "__main__":
    os.environ.update(zip(("HM_KILLS", "HM_SEED"), sys.argv[1:]))
    unittest.main(argv=sys.argv[:1])
