# SPDX-License-Identifier: MIT
"""Agents and their collector, each on a network of its own, and links between them that lose, double and forge what
goes over them, or are down in one direction or both: afterwards all is stored once, and sampling never waited.

The links are down for longer than an agent waits for anything. HM_TORTURE=1: one trouble after another, for TORTURE_SECONDS
(an hour).
"""

import os
import random
import sys
import threading
import time
import unittest

import bad_link
import sampled
from bad_link import DOWN, UP
from support import PATIENCE, Case, ctl, status, wait_until

# After 32 batches, which are on their way at most, no byte goes any more; a minute later the agent gives up.
DOWN_SECONDS = 72
# One that ships less often: its system does.
SLOW_DOWN_SECONDS = 140
# A tick that is this late was held up.
LATE_SECONDS = 1
TORTURE_SECONDS = int(os.environ.get("TORTURE_SECONDS", "3600")) if os.environ.get("HM_TORTURE") else 0
PORT = 9999
reason = ""


def setUpModule():
    """Nothing of what follows is seen by others."""
    global reason
    reason = bad_link.enter()


class Partition(Case):
    def setUp(self):
        super().setUp()
        self.namespaces, self.links, self.hosts = [], [], []
        if reason:
            self.skipTest(reason)
        if not os.path.isdir(sampled.PLUGINS):
            self.skipTest(f"{sampled.PLUGINS} was not built")
        self.seed = int(os.environ.get("HM_SEED", random.randrange(1 << 32)))
        print(f"seed {self.seed}", file=sys.stderr)
        self.end = 0
        self.there = self.namespace()
        self.collector = self.start_collector(listen=f"0.0.0.0:{PORT}", prefix=self.there.prefix)

    def tearDown(self):
        for daemon in self.daemons:
            daemon.process.kill()
        for link in self.links:
            link.close()
        for namespace in self.namespaces:
            namespace.close()
        super().tearDown()

    def namespace(self):
        self.namespaces.append(bad_link.Namespace())
        return self.namespaces[-1]

    def host(self, name, n_series=10, **settings):
        """An agent, on a network of its own."""
        here = self.namespace()
        link = bad_link.Link(len(self.links), here, self.there, self.seed + len(self.links))
        self.links.append(link)
        host = sampled.Host(self, name, n_series, prefix=here.prefix, **settings)
        host.address = f"{link.address}:{PORT}"
        self.hosts.append(host)
        host.start(host.address)
        wait_until(lambda: status(host.agent)["connection"] == "connected", 10, f"{name} is connected")
        return link

    # -- what befalls a link; it is well before and after ----------------------------------------

    def lose(self, link, chooser):
        link.lost_share, link.doubled_share, link.delayed_share = 0.2, 0.05, 0.2
        time.sleep(chooser.uniform(50, 60))

    def cut(self, link, chooser):
        """In the midst of whatever is sent: each side has a connection that the other does not know of."""
        time.sleep(chooser.uniform(0, 1))
        link.is_cut = {UP: True, DOWN: True}
        time.sleep(DOWN_SECONDS)

    def cut_one_way(self, link, chooser):
        """The collector has what it cannot say; then the agent says what nobody hears."""
        for direction in (DOWN, UP):
            link.is_cut[direction] = True
            time.sleep(chooser.uniform(10, 20))
            link.is_cut[direction] = False
            time.sleep(chooser.uniform(3, 6))

    def reset(self, link, chooser):
        end = time.monotonic() + 55
        while time.monotonic() < end:
            link.reset_ways = chooser.choice(([True], [False], [True, False]))
            time.sleep(chooser.uniform(0.2, 4))

    def trouble(self, link, chooser, kinds):
        while True:
            chooser.choice(kinds)(link, chooser)
            link.heal()
            if time.monotonic() > self.end:
                return
            time.sleep(chooser.uniform(0, 30))

    def test_links_that_are_bad_in_every_way(self):
        kinds = {"lossy": self.lose, "cut": self.cut, "one-way": self.cut_one_way, "reset": self.reset}
        chooser = random.Random(self.seed)
        self.end = time.monotonic() + TORTURE_SECONDS
        threads = []
        for name, kind in kinds.items():
            link = self.host(name)
            # In minutes each would not see all of them.
            ways = list(kinds.values()) if TORTURE_SECONDS >= 1800 else [kind]
            threads.append(threading.Thread(target=self.trouble, args=(link, random.Random(chooser.random()), ways)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for host in self.hosts:
            wait_until(lambda host=host: status(host.agent)["connection"] == "connected", 60, f"{host.name} is connected")
        times = [list(host.listed().values()) for host in self.hosts]
        for host in self.hosts:
            host.drain(host.address)
        for _ in range(2):
            found = sampled.by_host(sampled.query_rows(self.collector))
            for host in self.hosts:
                self.assertEqual(host.check(found[host.name]), [], f"seed {self.seed}")
            self.assertEqual(ctl("--socket", self.collector.socket, "flush").code, 0)
        self.check_trouble(times)

    def check_slow(self):
        """What it sends meanwhile is little, and fits into what its system keeps for it."""
        link = self.host("slow", n_series=0, interval_ms=1000, ship_interval="20s")
        time.sleep(21)
        link.is_cut = {UP: True, DOWN: True}
        time.sleep(SLOW_DOWN_SECONDS)
        self.assertNotEqual(status(self.hosts[0].agent)["connection"], "connected")
        link.heal()
        wait_until(lambda: status(self.hosts[0].agent)["connection"] == "connected", 60, "it is connected")
        self.hosts[0].drain(self.hosts[0].address)
        self.hosts[0].check(sampled.query_rows(self.collector))

    def check_trouble(self, times):
        """It was there, and nobody waited for it to end. @param times  of the rounds of each host until then"""
        for host, link, taken in zip(self.hosts, self.links, times):
            longest = max(b - a for a, b in zip(taken, taken[1:])) / 1e6
            print(f"{host.name}: {len(taken)} rounds, {longest:.2f} s between two at most; {link.n_frames} frames, "
                  f"{link.n_lost} lost, {link.n_doubled} doubled, {link.n_delayed} delayed, {link.n_resets} resets",
                  file=sys.stderr)
            self.assertLess(longest, LATE_SECONDS * PATIENCE)
        lossy, cut, one_way, reset = self.links
        self.assertGreater(min(lossy.n_lost, lossy.n_doubled, lossy.n_delayed), 10)
        self.assertGreater(min(cut.n_lost, one_way.n_lost), 10)
        self.assertGreater(reset.n_resets, 3)
        if not os.environ.get("HM_TORTURE"):
            self.assertIn("no ACK came in time", self.hosts[1].agent.log())
            self.assertIn("connected again", self.hosts[3].agent.log())


if os.environ.get("HM_TORTURE"):
    class Slow(Partition):
        """It takes minutes."""

        def test_a_link_that_is_down_is_noticed_within_two_minutes_by_who_ships_seldom_too(self):
            self.check_slow()


if __name__ == "__main__":
    unittest.main()
