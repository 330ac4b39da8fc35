# SPDX-License-Identifier: MIT
"""Full disks under agents' spools, and under the store of a collector that agents send to (P5, P8): sampling never
stops, all goes on by itself when there is room again, and what is gone is told."""

import os
import signal
import time

import sampled
from sampled import Host
from small_disk import GOES_ON_SECONDS, SMALL_SEGMENTS, SmallDisk, setUpModule  # pylint: disable=unused-import
from support import PATIENCE, ctl, free_port, status, wait_until

# A tick that is this late was held up.
LATE_SECONDS = 1
# 32 batches, of 200 ms each; on a busy machine of twice as long.
ON_THE_WAY_ROUNDS = 32 * 40
# Some 8 KiB a round; with a sanitizer a checkpoint of so many would take too long.
N_SERIES = 400 if os.environ.get("HM_SAN") else 1000
# What is looked at of a host with many series.
SERIES = range(3)


class FullAgent(SmallDisk):
    def setUp(self):
        super().setUp()
        if not os.path.isdir(sampled.PLUGINS):
            self.skipTest(f"{sampled.PLUGINS} was not built")
        self.address = f"127.0.0.1:{free_port()}"
        self.large = Host(self, "large", n_series=N_SERIES, interval_ms=10, spool_size="32M")

    def start_collector_at(self, store):
        collector = self.start_daemon("hostmetrics-collector", [
            "--config", self.write("small.conf", SMALL_SEGMENTS), "--listen", self.address, "--store", store],
            "collector")
        return collector

    def wait_stored(self, collector, host, seconds=GOES_ON_SECONDS):
        """What it has taken by now. Return the number of the last round of that."""
        n = max(host.listed())
        wait_until(lambda: any(row[2] == sampled.ROUNDS and row[1] == host.name and float.fromhex(row[3]) >= n
                               for row in sampled.query_rows(collector, sampled.ROUNDS)),
                   seconds, f"{host.name}: round {n} is stored")
        return n

    def check_host(self, collector, host, store, last=None):
        """Return what is missing; a gap tells of each."""
        result = ctl("--socket", collector.socket, "flush", seconds=120)
        self.assertEqual(result.code, 0, result.err)
        rows = sampled.query_rows(collector, sampled.ROUNDS)
        for i in SERIES:
            rows += sampled.query_rows(collector, f'counter_value{{n="{i}"}}')
        return host.check(rows, gaps=host.read_gaps(store), series=SERIES, is_shared=True, last=last)

    def check_ticks(self, host):
        times = list(host.listed().values())
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), LATE_SECONDS * PATIENCE * 1e6, "a tick was held up")

    def queue(self, host):
        return ctl("--socket", host.agent.socket, "queue", "-o", "json").json()

    # -- of the agent ------------------------------------------------------------------------------

    def fill_spool(self, host):
        """Until samples wait in memory; what it gives back meanwhile is taken, too."""
        def is_in_memory():
            self.fill_blocks()
            return self.queue(host)["kept_in"] == "memory"
        wait_until(is_in_memory, 60, "the spool cannot be written")

    def goes_on(self, host):
        self.make_space()
        begin = time.monotonic()
        wait_until(lambda: self.queue(host)["kept_in"] == "disk", GOES_ON_SECONDS, "samples wait on disk again")
        return time.monotonic() - begin

    def test_a_full_disk_under_a_spool(self):
        self.mount("tmpfs", 40 << 20)
        collector = self.start_collector_at(self.path("store"))
        host = self.large
        host.start(self.address, spool=os.path.join(self.where, "spool"))
        self.wait_stored(collector, host)
        self.fill_spool(host)
        # Nothing is lost while the collector takes all.
        self.wait_stored(collector, host)
        self.assertEqual(status(host.agent)["samples_dropped"], 0)
        # It takes nothing: there is room in memory for a while, then the oldest go; more of them than were on their way.
        os.kill(collector.pid, signal.SIGSTOP)
        n_rounds = len(host.listed())
        wait_until(lambda: status(host.agent)["samples_dropped"] > ON_THE_WAY_ROUNDS * N_SERIES, 60, "there is no room in memory")
        n_rounds = len(host.listed()) - n_rounds
        os.kill(collector.pid, signal.SIGCONT)
        seconds = self.goes_on(host)
        last = self.wait_stored(collector, host)
        n_missing = len(self.check_host(collector, host, self.path("store"), last))
        self.check_ticks(host)
        print(f"on disk again after {seconds:.1f} s; {n_missing} of {len(host.listed())} rounds are gone")
        self.assertGreater(n_missing, 0)
        self.assertLess(n_missing, n_rounds)
        # What waits now is on the disk.
        collector.stop()
        n_before = len(host.listed())
        wait_until(lambda: len(host.listed()) > n_before + 50, 30, "it takes samples")
        before = time.time()
        host.agent.stop(signal.SIGKILL)
        host.killed(before)
        collector = self.start_collector_at(self.path("store"))
        host.start(self.address, spool=os.path.join(self.where, "spool"))
        host.drain(self.address, spool=os.path.join(self.where, "spool"))
        self.assertLessEqual(len(self.check_host(collector, host, self.path("store"))), n_missing + 3)

    # -- of the collector --------------------------------------------------------------------------

    def test_a_full_disk_under_a_store_that_agents_send_to(self):
        self.mount("tmpfs", 24 << 20)
        store = os.path.join(self.where, "store")
        collector = self.start_collector_at(store)
        hosts = [self.large, Host(self, "small")]
        for host in hosts:
            host.start(self.address)
        for host in hosts:
            self.wait_stored(collector, host)
        self.fill_blocks()
        self.wait_state(collector, "disk full", 30)
        # Who sends more meanwhile, and asks.
        n_before = len(hosts[1].listed())
        wait_until(lambda: len(hosts[1].listed()) > n_before + 60, 30, "it takes samples")
        self.assertEqual(ctl("--socket", collector.socket, "query", sampled.ROUNDS).code, 0)
        self.assertEqual(status(collector)["state"], "disk full")
        self.make_space()
        begin = time.monotonic()
        self.wait_state(collector, "ok")
        for host in hosts:
            self.wait_stored(collector, host, GOES_ON_SECONDS)
        print(f"all is stored {time.monotonic() - begin:.1f} s after there was space")
        # It ends and begins on a full disk, too.
        self.fill_blocks()
        self.wait_state(collector, "disk full", 30)
        collector.stop(signal.SIGKILL)
        self.fill_blocks()
        collector = self.start_collector_at(store)
        time.sleep(2)
        self.make_space()
        self.wait_state(collector, "ok")
        for host in hosts:
            # It has to find its collector, too.
            self.wait_stored(collector, host, 2 * GOES_ON_SECONDS)
            self.check_ticks(host)
            host.drain(self.address)
            self.assertEqual(self.check_host(collector, host, store), [])
        self.assertEqual(status(collector)["damaged_ranges"], 0)
