# SPDX-License-Identifier: MIT
"""Damage to the store of a collector that is down (P10): it starts, and what is whole is served."""

import glob
import os
import random
import signal

import native
import store_log
import store_reader
from native import BASE_US
from support import Case, ctl, query, status, wait_until

BASE_SECONDS = 1795416401
N_LINES = 300000


class Damage(Case):
    def fill(self):
        """A log of some segments, and no files."""
        self.config = self.write("small.conf", "[collector]\nlog_segment_mib = 1\n")
        collector = self.start_collector("--config", self.config)
        # Values that no encoding makes small.
        dice = random.Random(1)
        self.values = [dice.gauss(0, 1e200) for _ in range(N_LINES)]
        self.send(collector.port, "".join(f'{BASE_SECONDS + i} m{{host="h"}} {self.values[i]!r}\n' for i in range(N_LINES)))
        wait_until(lambda: status(collector)["samples_stored"] == N_LINES, 30, "all is stored")
        collector.stop(signal.SIGKILL)
        return sorted(glob.glob(self.path("store", "log", "*.log")))

    def test_a_segment_of_the_log_that_is_gone_costs_what_it_held(self):
        segments = self.fill()
        self.assertGreaterEqual(len(segments), 3)
        os.unlink(segments[-2])
        collector = self.start_collector("--config", self.config, name="again")
        rows = query(collector, "m")
        self.assertTrue(N_LINES // 10 < len(rows) < N_LINES, len(rows))
        for row in rows:
            self.assertEqual(row["value"], self.values[row["time"] - BASE_SECONDS])
        self.assertGreater(status(collector)["damaged_ranges"], 0)
        self.assertGreaterEqual(status(collector)["damaged_ranges"], 1)
        self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
        self.assertEqual(len(query(collector, "m")), len(rows))

    def flip(self, position):
        """A byte of the log that is there, inside of the samples of a batch."""
        path = self.path("store", "log", f"{position >> 32:08x}.log")
        with open(path, "r+b") as file:
            file.seek((position & 0xFFFFFFFF) + store_log.RECORD_BYTES + native.STAMP_BYTES + 20)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 0x10]))

    def events(self, host):
        with open(self.path("store", "hosts", host, ".host"), "rb") as file:
            _, blocks, damage = store_reader.read_file(file.read())
        self.assertEqual(damage, [])
        return [store_reader.read_event(block.payload) for block in blocks if block.type == store_reader.EVENT]

    def test_flipped_bytes_of_batches_are_told_in_the_host_s_own_file(self):
        collector = self.start_collector()
        agent = native.Sender("web01")
        agent.begin()
        agent.connect(collector.port)
        ends = []
        for _ in range(12):
            agent.tick(random.Random(1), n_times=5)
            ends.append(agent.n_ticks)
            agent.deliver()
        collector.stop(signal.SIGKILL)
        batches = [record.position for _, record, _ in store_log.Log(self.path("store")).read_from(1 << 32)
                   if record.type == store_log.BATCH]
        self.assertEqual(len(batches), 12)
        for lost in (3, 4, 8):
            self.flip(batches[lost])
        for i in range(3):
            collector = self.start_collector(name=f"again{i}")
            ticks = {int(row["time"]) - BASE_US // 1000000 for row in query(collector, "node_load1")}
            self.assertEqual(ticks, {tick for tick in range(60) if tick // 5 not in (3, 4, 8)})
            self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
            events = self.events("web01")
            self.assertEqual([(count, reason) for _, _, _, count, reason, _ in events], [(2, 62), (1, 62)])
            for (since, until, *_), (first, behind) in zip(events, ((ends[2], ends[4]), (ends[7], ends[8]))):
                self.assertTrue(since <= BASE_US + first * 1000000, (since, first))
                self.assertTrue(until >= BASE_US + (behind - 1) * 1000000, (until, behind))
            collector.stop(signal.SIGKILL)
        result = ctl("dump", self.path("store", "hosts", "web01", ".host"))
        self.assertEqual([line.split("\t")[2] for line in result.lines() if "\tquarantined\t" in line], ["quarantined"] * 2)

    def test_a_file_that_is_gone_costs_what_it_held_and_a_query_says_so(self):
        collector = self.start_collector()
        self.send(collector.port, "".join(f'{BASE_SECONDS + i} {name}{{host="h"}} {i}\n' for i in range(10) for name in "mn"))
        self.wait_stored(collector, 20)
        self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
        os.unlink(self.path("store", "hosts", "h", "m.hm"))
        result = ctl("--socket", collector.socket, "query", "*", "-o", "json")
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual({row["series"] for row in result.json()}, {"n"})
        self.assertEqual(len(result.json()), 10)
        self.assertIn("could not be read: something may be missing", result.err)
        self.assertEqual(status(collector)["damaged_ranges"], 1)
        self.assertIn("h/m.hm: No such file or directory; what it held is missing", collector.log())
        result = ctl("--socket", collector.socket, "query", "n", "-o", "json")
        self.assertEqual((len(result.json()), result.err), (10, ""))
