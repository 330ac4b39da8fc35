# SPDX-License-Identifier: MIT
"""A session of a real agent and a real collector, byte by byte, that ends at every offset of either direction, in every
way: what the agent has sampled is stored once, and as it was.

make check takes every offset once, the ways by turns, in an order that the seed tells; HM_TORTURE=1: every offset in every way.
"""

import itertools
import os
import random
import shutil
import sys
import threading
import unittest

import proxy
import sampled
from proxy import CLOSE, DOWN, NOTHING, RESET, UP
from support import PATIENCE, Case, ctl, status

N_AT_ONCE = 16
# A session lives for so long before its agent is told to stop: some batches.
LIFE_SECONDS = 0.1
# What is told to the agent, and what to the collector.
WAYS = ((RESET, RESET), (CLOSE, CLOSE), (RESET, CLOSE), (CLOSE, RESET), (RESET, NOTHING), (CLOSE, NOTHING))
# An agent that is told nothing waits for an ACK that never comes, and is slow to end: one turn in so many.
SLOW_WAY = (NOTHING, RESET)
TURNS = (*WAYS, *WAYS, SLOW_WAY)


class Cuts(Case):
    def setUp(self):
        super().setUp()
        if not os.path.isdir(sampled.PLUGINS):
            self.skipTest(f"{sampled.PLUGINS} was not built")
        self.seed = int(os.environ.get("HM_SEED", random.randrange(1 << 32)))
        self.collector = self.start_collector()
        self.hosts = []
        self.problems = []
        self.n_done = {UP: 0, DOWN: 0}

    def live(self, name, cut):
        """The life of an agent whose first connection is cut. Return that connection."""
        link = proxy.Proxy(self.collector.port, cut)
        host = sampled.Host(self, name, n_series=1, ship_interval="100ms")
        self.hosts.append(host)
        try:
            host.start(link.address, ready=False)
            (cut.is_done if cut else threading.Event()).wait(LIFE_SECONDS * PATIENCE)
            host.drain(link.address)
        finally:
            link.close()
        self.daemons.remove(host.agent)
        shutil.rmtree(self.path(f"spool-{name}"))
        return link.links[0]

    def length(self):
        """Of a whole session, in each direction; a little more, since none is like another."""
        lengths = [self.live(f"whole-{i}", None).n_bytes for i in range(3)]
        return {direction: max(length[direction] for length in lengths) + 8 for direction in (UP, DOWN)}

    def cut_all(self, cuts):
        for direction, offset, (towards_agent, towards_collector) in cuts:
            name = f"{direction}-{offset}-{towards_agent}-{towards_collector}"
            cut = proxy.Cut(direction, offset, towards_agent, towards_collector)
            try:
                self.live(name, cut)
            except Exception as error:  # pylint: disable=broad-except
                self.problems.append(f"{name}: {error!r}")
            self.n_done[direction] += cut.is_done.is_set()

    def test_a_session_that_ends_at_any_byte_of_either_direction_loses_and_doubles_nothing(self):
        print(f"seed {self.seed}", file=sys.stderr)
        chooser = random.Random(self.seed)
        lengths = self.length()
        cuts = []
        for direction, length in lengths.items():
            if os.environ.get("HM_TORTURE"):
                cuts += itertools.product((direction,), range(length + 1), (*WAYS, SLOW_WAY))
            else:
                first = chooser.randrange(len(TURNS))
                cuts += [(direction, offset, TURNS[(first + offset) % len(TURNS)]) for offset in range(length + 1)]
        chooser.shuffle(cuts)
        if os.environ.get("HM_SAN"):
            del cuts[200:]
        if os.environ.get("HM_TORTURE"):
            # All of them, unless it is to be short.
            del cuts[20 * int(os.environ.get("TORTURE_SECONDS", "3600")):]
        threads = [threading.Thread(target=self.cut_all, args=(cuts[i::N_AT_ONCE],)) for i in range(N_AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.problems[:3], [], f"seed {self.seed}")
        for _ in range(2):
            found = sampled.by_host(sampled.query_rows(self.collector))
            self.assertEqual(set(found) - {host.name for host in self.hosts}, set())
            for host in self.hosts:
                host.check(found.get(host.name, {}))
            self.assertEqual(ctl("--socket", self.collector.socket, "flush").code, 0)
        n_rounds = sum(len(host.listed()) for host in self.hosts)
        print(f"sessions of {lengths} bytes; {len(cuts)} were to be cut, {self.n_done} were; {n_rounds} rounds",
              file=sys.stderr)
        # The end of a session is not reached by all, since some are shorter.
        self.assertGreater(sum(self.n_done.values()), 0.8 * len(cuts))
        self.assertEqual(status(self.collector)["damaged_ranges"], 0)


if __name__ == "__main__":
    unittest.main()
