#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 of the collector at random instants (P2, P3), against an independent list of every line sent.

    tests/integration/test_kill.py [KILLS [SEED]]     (make check: 200; HM_TORTURE=1: 10 000)

What the collector called stored before it was killed is read back exactly once, bit for bit; any other
line at most once; nothing else is there.
"""

import collections
import glob
import os
import random
import signal
import socket
import sys
import threading
import time
import unittest

import store_reader
from ledger import BASE_SECONDS, Life, parse
from support import PATIENCE, Case, ctl, status, wait_until

KILLS_PER_STORE = 200
# How a life of the collector ends, and how often.
MODES = {"sending": 90, "flushing": 60, "starting": 45, "late": 4, "flood": 3, "growth": 1}
SMALL_SEGMENTS = "[collector]\nlog_segment_mib = 1\n"


class Kill(Case):
    def start(self, ready=True):
        collector = self.start_collector("--config", self.config, ready=False)
        self.daemons = [collector]
        if ready:
            self.wait_open(collector)
        return collector

    def wait_open(self, collector):
        """As soon as it answers: a restart is quick."""
        begin = time.monotonic()
        while collector.process.poll() is None:
            result = ctl("--socket", collector.socket, "status", "-o", "json")
            if result.code == 0:
                collector.port = int(result.json()["listen"].rsplit(":", 1)[1])
                return
            self.assertLess(time.monotonic() - begin, 10 * PATIENCE, "it does not answer")
            time.sleep(0.002)
        self.fail(f"ended with {collector.process.returncode}:\n{collector.log()}")

    def end(self, collector):
        self.assertIsNone(collector.process.poll(), f"it ended by itself:\n{collector.log()}")
        collector.process.send_signal(signal.SIGKILL)
        collector.process.wait()
        self.n_kills += 1

    # -- what is done to it while it lives --------------------------------------------------------

    def note(self, collector, life):
        """Ask what is stored. Return whether it answered."""
        result = ctl("--socket", collector.socket, "status", "-o", "json")
        if result.code != 0:
            return False
        state = result.json()
        life.n_stored = state["samples_stored"]
        if state["samples_stored"] == state["lines_accepted"]:
            life.n_durable = state["lines_accepted"]
        self.seen_state[collector.pid] = state
        return True

    def flush(self, collector, life):
        result = ctl("--socket", collector.socket, "status", "-o", "json")
        n_accepted = result.json()["lines_accepted"] if result.code == 0 else 0
        result = ctl("--socket", collector.socket, "flush")
        if result.code == 0 and not result.err:
            life.n_durable = max(life.n_durable, n_accepted)
            self.n_flushes += 1

    def look(self, collector, life):
        result = self.query(collector, life)
        if result.code == 0 and not result.err:
            life.seen |= parse(result.out)

    def query(self, collector, life=None, pattern="*"):
        since = ["--since", f"{life.since_us // 1000000}"] if life else []
        return ctl("--socket", collector.socket, "query", pattern, *since, "--all", "-o", "plain")

    def ask_on(self, collector, life, chooser):
        while collector.process.poll() is None:
            chooser.choice((self.note, self.note, self.flush, self.look))(collector, life)

    def send_on(self, collector, life, chooser):
        """Some lines at a time, cut anywhere, until it is gone."""
        data = b"".join(life.lines)
        offset = 0
        try:
            with socket.create_connection(("127.0.0.1", collector.port)) as connection:
                while offset < len(data):
                    n_bytes = chooser.randrange(1, 40000)
                    connection.sendall(data[offset:offset + n_bytes])
                    offset += n_bytes
                    time.sleep(chooser.random() * 0.01)
                collector.process.wait()
        except OSError:
            pass

    def live(self, collector, life, chooser, seconds):
        """Send and ask until it is killed."""
        # Threads have dice of their own, so that the seed tells what each does.
        threads = [threading.Thread(target=run, args=(collector, life, random.Random(chooser.random())))
                   for run in (self.send_on, self.ask_on)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self.end(collector)
        for thread in threads:
            thread.join()

    def send_all(self, collector, life):
        self.send(collector.port, b"".join(life.lines))
        wait_until(lambda: status(collector)["lines_accepted"] == len(life.lines), 30, "all is taken")

    def end_sending(self, chooser, number):
        life = Life(number, chooser, chooser.randrange(200, 3000), "kill")
        self.live(self.collector, life, chooser, chooser.uniform(0, 0.3))
        return life

    def end_flood(self, chooser, number):
        """Far more than a segment of the log."""
        life = Life(number, chooser, 150000, "flood")
        self.live(self.collector, life, chooser, chooser.uniform(0.3, 1.5))
        return life

    def end_growth(self, chooser, number):
        """A checkpoint that nobody asks for: that the log has grown is looked at every ten seconds."""
        life = Life(number, chooser, 250000, "flood")
        begin = time.monotonic()
        self.send_all(self.collector, life)
        wait_until(lambda: status(self.collector)["samples_stored"] == len(life.lines), 8, "all is stored")
        self.note(self.collector, life)
        wait_until(lambda: time.monotonic() - begin > 9.9 or status(self.collector)["checkpoints"], 12, "the time")
        time.sleep(chooser.uniform(0, 0.3))
        self.note(self.collector, life)
        self.end(self.collector)
        return life

    def end_flushing(self, chooser, number):
        life = Life(number, chooser, chooser.randrange(100, 2000), "kill")
        self.send_all(self.collector, life)
        thread = threading.Thread(target=self.flush, args=(self.collector, life))
        thread.start()
        time.sleep(chooser.uniform(0.005, 0.05))
        self.end(self.collector)
        thread.join()
        return life

    def end_late(self, chooser, number):
        """Nobody asks: what was taken is stored within a second."""
        life = Life(number, chooser, 500, "kill")
        self.send_all(self.collector, life)
        time.sleep(chooser.uniform(1, 1.1) * PATIENCE)
        life.n_durable = len(life.lines)
        self.end(self.collector)
        return life

    def end_starting(self, chooser, number):
        """Again and again while it recovers."""
        life = Life(number, chooser, 300, "kill")
        self.send_all(self.collector, life)
        self.flush(self.collector, life) if chooser.random() < 0.5 else self.look(self.collector, life)
        self.end(self.collector)
        for _ in range(chooser.randrange(1, 4)):
            collector = self.start(ready=False)
            time.sleep(chooser.uniform(0, 1.5) * self.start_seconds)
            self.end(collector)
        return life

    # -- one store, many lives --------------------------------------------------------------------

    def run_store(self, seed, n_kills):
        print(f"seed {seed}", file=sys.stderr, flush=True)
        chooser = random.Random(seed)
        self.config = self.write("kill.conf", SMALL_SEGMENTS)
        self.n_kills = self.n_flushes = 0
        self.seen_state = {}
        self.start_seconds = 0.02
        lives = []
        modes = [mode for mode, n in MODES.items() for _ in range(n)] if n_kills >= KILLS_PER_STORE else list(MODES)
        self.collector = self.start()
        counts = collections.Counter()
        while self.n_kills < n_kills:
            if not modes:
                modes = [mode for mode, n in MODES.items() for _ in range(n)]
            mode = modes.pop(chooser.randrange(len(modes)))
            counts[mode] += 1
            life = getattr(self, f"end_{mode}")(chooser, len(lives))
            lives.append(life)
            begin = time.monotonic()
            self.collector = self.start()
            self.start_seconds = time.monotonic() - begin
            problems = life.check(parse(self.query(self.collector, life).out))
            self.assertEqual(problems[:5], [], f"seed {seed}, kill {self.n_kills} ({mode}): {len(problems)} problems")
        self.check_end(seed, lives)
        print(f"{self.n_kills} kills {dict(counts)}, {sum(len(life.lines) for life in lives)} lines, "
              f"{self.n_flushes} flushes done, "
              f"{sum(state['checkpoints'] for state in self.seen_state.values())} checkpoints seen, "
              f"{max(state['log_segments'] for state in self.seen_state.values())} segments at most",
              file=sys.stderr, flush=True)

    def check_end(self, seed, lives):
        """Everything once more, at once; then in files alone, as another program reads them."""
        for pattern in ("kill", "flood"):
            found = parse(self.query(self.collector, pattern=pattern).out)
            parts = collections.defaultdict(collections.Counter)
            for row, n in found.items():
                parts[row[0] // 1000000 - BASE_SECONDS][row] = n
            for number, life in enumerate(lives):
                if life.rows and life.rows[0][2].startswith(pattern):
                    self.assertEqual(life.check(parts.pop(number, collections.Counter()))[:5], [],
                                     f"seed {seed}, life {number}")
            self.assertEqual(list(parts), [])
            if pattern == "kill":
                self.flush(self.collector, lives[-1])
                self.assertEqual(self.read_files("kill"), found)
        self.assertEqual(status(self.collector)["damaged_ranges"], 0)
        # Segments that nothing needs go when the next one begins, as at a start.
        self.assertEqual(self.collector.stop()[0], 0)
        self.collector = self.start()
        self.assertLessEqual(len(glob.glob(self.path("store", "log", "0*"))), 4, "the log is not cut")
        self.assertEqual(self.collector.stop()[0], 0)
        checked = ctl("check", self.path("store"))
        self.assertEqual(checked.code, 0, checked.out + checked.err)
        if self.n_kills >= KILLS_PER_STORE:
            self.assertGreater(sum(state["checkpoints"] for state in self.seen_state.values()), 0)

    def read_files(self, metric):
        rows = collections.Counter()
        for path in glob.glob(self.path("store", "hosts", "*", f"{metric}*.hm")):
            with open(path, "rb") as file:
                data = file.read()
            header, blocks, damage = store_reader.read_file(data)
            self.assertEqual(damage, [])
            for labels, samples in store_reader.samples_of(blocks).items():
                for time_us, value in samples:
                    rows[time_us, header.host, header.metric + labels, float(value).hex()] += 1
        return rows

    def test_what_was_stored_before_a_kill_is_there_once(self):
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
