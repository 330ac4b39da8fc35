# SPDX-License-Identifier: MIT
"""Agents whose spool was copied or put back, and stores that were put back or lost: what agents still hold is stored
again, nothing twice, and what nobody holds any more is told as a gap."""

import os
import shutil
import unittest

import sampled
from support import Case, ctl, free_port, wait_until

CLONE_FIRST = 2000000


class Restored(Case):
    def setUp(self):
        super().setUp()
        if not os.path.isdir(sampled.PLUGINS):
            self.skipTest(f"{sampled.PLUGINS} was not built")
        self.address = f"127.0.0.1:{free_port()}"
        self.collector = self.start()

    def start(self):
        return self.start_collector(listen=self.address)

    def spool(self, host):
        return self.path(f"spool-{host.name}")

    def sample(self, n_rounds, *hosts):
        """Until each has taken so many more."""
        targets = [(host, len(host.listed()) + n_rounds) for host in hosts]
        for host, n in targets:
            wait_until(lambda host=host, n=n: len(host.listed()) >= n, 30, f"{host.name} takes samples")

    def wait_sent(self, *hosts, seconds=45):
        """What each has taken by now is stored."""
        for host in hosts:
            n = max(host.listed())
            wait_until(lambda host=host, n=n: f"\t{n}\n" in ctl(
                "--socket", self.collector.socket, "query", sampled.ROUNDS, "--all", "-o", "plain", "--host",
                host.hostname).out, seconds, f"{host.name}: round {n} is stored")

    def check(self, *hosts, gaps=None, **options):
        """Each sample of these hosts is there once, and in files, too."""
        missing = {}
        for _ in range(2):
            found = sampled.by_host(sampled.query_rows(self.collector))
            for host in hosts:
                missing[host.name] = host.check(found[host.hostname], gaps=(gaps or {}).get(host.name, ()), **options)
            self.assertEqual(ctl("--socket", self.collector.socket, "flush").code, 0)
        return missing

    def stop_all(self, *hosts):
        for host in hosts:
            host.drain(self.address)

    def epochs(self, host):
        """How many the store knows."""
        listed = ctl("dump", self.path("store", "hosts", host.hostname, ".host"), "-o", "plain").lines()
        return len({line.split("\t")[4].split(",")[0] for line in listed if line.split("\t")[2] == "epoch"})

    # -- the agent ---------------------------------------------------------------------------------

    def clone(self, host, **settings):
        """Another one, with a copy of its spool."""
        clone = sampled.Host(self, "clone", first=CLONE_FIRST, **settings)
        shutil.copytree(self.spool(host), self.spool(clone))
        return clone

    def test_a_clone_with_a_name_of_its_own(self):
        """Its epoch is another one from the beginning. By its id it is the same host, so what it has is there."""
        host = sampled.Host(self, "web01")
        host.start(self.address)
        self.sample(20, host)
        host.drain(self.address)
        clone = self.clone(host)
        host.start(self.address)
        clone.start(self.address)
        self.sample(60, host, clone)
        self.stop_all(host, clone)
        clone.hostname = "web01"
        self.check(host, clone, is_shared=True)
        self.assertGreaterEqual(self.epochs(host), 2)

    def test_a_clone_with_the_same_name(self):
        """Two agents in one epoch: of two messages with one sequence both are stored, the second in an epoch that its
        agent begins."""
        host = sampled.Host(self, "web01")
        host.start(self.address)
        self.sample(20, host)
        host.drain(self.address)
        clone = self.clone(host, hostname="web01")
        host.start(self.address)
        clone.start(self.address)
        self.sample(60, host, clone)
        # One of them was replaced: it comes back a minute later, or when it is told to end.
        self.stop_all(host, clone)
        self.check(host, clone, is_shared=True)
        self.assertEqual(self.epochs(host), 2)

    def test_a_clone_that_did_not_reach_the_collector_for_a_while(self):
        """It has messages of its own under numbers that the other one used. Which of these were sent nobody can tell by
        then, so a gap takes their place; all that came later is stored."""
        host = sampled.Host(self, "web01")
        host.start(self.address)
        self.sample(20, host)
        host.drain(self.address)
        clone = self.clone(host, hostname="web01")
        clone.start(f"127.0.0.1:{free_port()}")
        self.sample(100, clone)
        clone.agent.stop()
        host.start(self.address)
        self.sample(30, host)
        host.drain(self.address)
        clone.start(self.address)
        self.sample(20, clone)
        clone.drain(self.address)
        self.assertEqual(ctl("--socket", self.collector.socket, "flush").code, 0)
        missing = self.check(host, clone, gaps={"clone": clone.read_gaps(self.path("store"))}, is_shared=True)
        self.assertEqual(missing["web01"], [])
        self.assertGreater(len(missing["clone"]), 0)
        self.assertLess(len(missing["clone"]), 60)

    def restore_spool(self, is_down_then):
        """An older copy of a spool is put back. @param is_down_then  nothing of it was acknowledged when it was copied"""
        host = sampled.Host(self, "web01")
        host.start(self.address)
        self.sample(20, host)
        if is_down_then:
            self.wait_sent(host)
            self.collector.stop()
            self.sample(20, host)
        host.agent.stop()
        shutil.copytree(self.spool(host), self.path("older"))
        if is_down_then:
            self.collector = self.start()
        host.start(self.address)
        self.sample(40, host)
        host.drain(self.address)
        shutil.rmtree(self.spool(host))
        os.rename(self.path("older"), self.spool(host))
        host.start(self.address)
        self.sample(40, host)
        host.drain(self.address)
        self.assertEqual(self.check(host), {"web01": []})
        self.assertEqual(self.epochs(host), 2)

    def test_a_spool_that_is_older_than_what_is_stored(self):
        self.restore_spool(False)

    def test_a_spool_that_does_not_know_yet_what_was_acknowledged(self):
        self.restore_spool(True)

    # -- the collector -----------------------------------------------------------------------------

    def test_a_store_that_was_put_back(self):
        """One agent runs on meanwhile, one was started again, one begins only then."""
        hosts = [sampled.Host(self, name) for name in ("on", "again", "new")]
        for host in hosts[:2]:
            host.start(self.address)
        self.sample(40, *hosts[:2])
        self.wait_sent(*hosts[:2])
        self.collector.stop()
        shutil.copytree(self.path("store"), self.path("older"))
        self.collector = self.start()
        hosts[2].start(self.address)
        self.sample(40, *hosts)
        self.wait_sent(*hosts)
        self.assertEqual(ctl("--socket", self.collector.socket, "flush").code, 0)
        hosts[1].drain(self.address)
        hosts[1].start(self.address)
        self.sample(20, *hosts)
        self.wait_sent(*hosts)
        self.collector.stop()
        shutil.rmtree(self.path("store"))
        os.rename(self.path("older"), self.path("store"))
        self.collector = self.start()
        self.sample(20, *hosts)
        self.wait_sent(*hosts)
        self.stop_all(*hosts)
        self.assertEqual(self.check(*hosts), {host.name: [] for host in hosts})
        self.collector.stop()
        checked = ctl("check", self.path("store"))
        self.assertEqual(checked.code, 0, checked.out + checked.err)

    def test_a_store_that_was_lost(self):
        """What spools still have is stored again; of what they had no room for there is a gap."""
        hosts = [sampled.Host(self, "all"), sampled.Host(self, "again")]
        # Some 9 KiB each of a hundred rounds a second, and again as a batch.
        large = sampled.Host(self, "large", n_series=1000, interval_ms=10, spool_size="32M")
        for host in (*hosts, large):
            host.start(self.address)
        self.sample(2600, large)
        self.wait_sent(*hosts, large)
        hosts[1].drain(self.address)
        self.collector.stop()
        shutil.rmtree(self.path("store"))
        self.collector = self.start()
        hosts[1].start(self.address)
        self.sample(40, *hosts)
        self.wait_sent(*hosts, large)
        self.stop_all(*hosts, large)
        self.assertEqual(ctl("--socket", self.collector.socket, "flush").code, 0)
        rows = sampled.query_rows(self.collector, sampled.ROUNDS) + \
            sampled.query_rows(self.collector, 'counter_value{n=~"[0-9]"}')
        found = sampled.by_host(rows)
        for host in hosts:
            self.assertEqual(host.check(found[host.name]), [])
        gaps = large.read_gaps(self.path("store"))
        missing = large.check(found["large"], gaps=gaps, series=range(10))
        print(f"{len(missing)} of {len(large.listed())} rounds lie in {len(gaps)} gaps")
        self.assertGreater(len(missing), 0, "the spool had room for all")
        self.assertGreater(len(found["large"]), 0)
        # They are the oldest ones.
        self.assertEqual(missing, list(range(1, len(missing) + 1)))


if __name__ == "__main__":
    unittest.main()
