# SPDX-License-Identifier: MIT
"""Power cuts and failing disks under a real kernel (P3, P8 to P10): what was said to be stored is there.

The collector runs in a guest, on a file system of a disk whose cache a cut empties (volatile_disk.py).
Lines come from here, and what its status said of them until the last moment is kept here.
"""

import collections
import json
import os
import random
import re
import socket
import threading
import time

from power import CTL, PORT_IN_GUEST, PowerCase  # first: it finds the others

from ledger import BASE_SECONDS, HOSTS, Life, parse
from support import PATIENCE, free_port, wait_until
from volatile_disk import SECTOR_BYTES

# Until it is gone: its status, a query (before it all is logged), then a flush if there is to be one.
WATCH = f"""while {CTL} status -o json >/mnt/status.new; do mv /mnt/status.new /mnt/status; {CTL} query nothing
[ -e /mnt/flush ] && {CTL} flush 2>/run/hm/flush.err && [ ! -s /run/hm/flush.err ] && cp /mnt/status /mnt/flushed.new &&
mv /mnt/flushed.new /mnt/flushed; done"""
NOTHING_FOUND = ("agentctl: no sample in that range\n", "agentctl: no series matches\n")
GOES_ON_SECONDS = 10


class Power(PowerCase):
    def setUp(self):
        super().setUp()
        self.lives = []
        self.port = None

    # -- lines, and what was said of them ----------------------------------------------------------

    def open_port(self):
        self.port = free_port()
        self.guest.tell_monitor(f"hostfwd_add net tcp:127.0.0.1:{self.port}-10.0.2.15:{PORT_IN_GUEST}")

    def watch(self, flushes):
        for name in ("status", "flushed", "flush"):
            if os.path.exists(self.path("shared", name)):
                os.unlink(self.path("shared", name))
        if flushes:
            self.write("shared/flush", "")
        self.guest.run(f"({WATCH}) >/dev/null 2>&1 &")

    def make_life(self, n_lines):
        life = Life(len(self.lives), self.chooser, n_lines, "power")
        self.lives.append(life)
        self.counts["lines"] += n_lines
        return life

    def send_on(self, life, chooser):
        """Some at a time, cut anywhere, until nobody takes them."""
        data = b"".join(life.lines)
        offset = 0
        try:
            with socket.create_connection(("127.0.0.1", self.port)) as connection:
                while offset < len(data):
                    n_bytes = chooser.randrange(1, 12000)
                    connection.sendall(data[offset:offset + n_bytes])
                    offset += n_bytes
                    time.sleep(chooser.random() * 0.05)
                while connection.recv(1):
                    pass
        except OSError:
            pass

    def send_all(self, n_lines):
        life = self.make_life(n_lines)
        before = self.status()["lines_accepted"]
        self.send(self.port, b"".join(life.lines))
        wait_until(lambda: self.status()["lines_accepted"] == before + n_lines, 60, "all is taken")
        return life

    def wait_all_stored(self, seconds=GOES_ON_SECONDS):
        def is_done():
            state = self.status()
            return state["samples_stored"] == state["lines_accepted"] and state["samples_waiting"] == 0
        wait_until(is_done, seconds, "all that was taken is stored")

    def read(self, name):
        try:
            with open(self.path("shared", name), encoding="utf-8") as file:
                return json.loads(file.read())
        except FileNotFoundError:
            return None

    def learn(self, life):
        """What the status said last, of the one life of this process."""
        state = self.read("status")
        if state:
            life.n_stored = state["samples_stored"]
            if state["samples_stored"] == state["lines_accepted"]:
                life.n_durable = state["lines_accepted"]
        flushed = self.read("flushed")
        if flushed:
            life.n_durable = max(life.n_durable, flushed["lines_accepted"])
            self.counts["lives with a flush"] += 1
        life.n_stored = max(life.n_stored, life.n_durable)
        self.counts["lines said to be stored"] += life.n_stored

    # -- what is there -----------------------------------------------------------------------------

    def find(self, since, says="^$"):
        code, printed = self.guest.try_run(
            f"{CTL} query power --all -o plain --since {BASE_SECONDS + since} >/mnt/found", 120)
        if code == 1 and printed in NOTHING_FOUND:
            return collections.defaultdict(collections.Counter)
        self.assertEqual(code, 0, printed)
        self.assertRegex(printed, says)
        found = collections.defaultdict(collections.Counter)
        with open(self.path("shared", "found"), encoding="utf-8") as file:
            for row, n in parse(file.read()).items():
                found[row[0] // 1000000 - BASE_SECONDS][row] = n
        return found

    def check(self, since=0, says="^$"):
        found = self.find(since, says)
        for number in range(since, len(self.lives)):
            problems = self.lives[number].check(found.pop(number, collections.Counter()))
            self.assertEqual(problems[:5], [], f"seed {self.seed}, life {number}, cut {self.counts['cuts']}: "
                                               f"{len(problems)} problems")
        self.assertEqual(dict(found), {})

    def check_all(self):
        """Everything once more, then in files alone; and no checksum is wrong."""
        self.check()
        self.guest.run(f"{CTL} flush", 120)
        self.check()
        self.assertEqual(self.status()["damaged_ranges"], 0)
        self.guest.run("kill $(cat /run/hm/pid); while [ -e /proc/$(cat /run/hm/pid) ]; do sleep 0.1; done")
        self.guest.run("/run/hm/agentctl check /data/store && umount /data", 120)

    # -- cuts --------------------------------------------------------------------------------------

    def live(self):
        """Lines come, it tells what is stored, the power is cut."""
        self.start()
        self.open_port()
        if self.lives:
            self.check(len(self.lives) - 1)
        life = self.make_life(20000)
        # Dice of its own, so that the seed tells what each does.
        sender = threading.Thread(target=self.send_on, args=(life, random.Random(self.chooser.random())))
        self.watch(self.chooser.random() < 0.5)
        sender.start()
        time.sleep(self.chooser.uniform(0.5, 4) * PATIENCE)
        if self.chooser.random() < 0.8:
            self.disk.wait_unflushed(2)
        self.cut_power()
        sender.join()
        self.learn(life)

    def check_cuts(self, kind, n_cuts):
        self.make_disk(kind)
        for _ in range(n_cuts):
            self.live()
            self.boot()
        self.start()
        self.check_all()
        self.tell()
        self.counts["writes lost or torn"] = self.counts["writes lost"] + self.counts["writes torn"]
        for name in ("cuts", "lines said to be stored", "writes lost or torn"):
            self.assertGreater(self.counts[name], 0, f"without {name} this shows nothing")

    def test_power_cuts_on_ext4(self):
        self.check_cuts("ext4", 6)

    def test_power_cuts_on_btrfs(self):
        self.check_cuts("btrfs", 3)

    def test_power_cuts_on_xfs(self):
        self.check_cuts("xfs", 3)

    # -- errors ------------------------------------------------------------------------------------

    def start_with_lines(self, kind):
        self.make_disk(kind)
        self.start()
        self.open_port()
        life = self.send_all(1500)
        self.wait_all_stored()
        life.n_durable = len(life.lines)

    def restart_after_cut(self):
        self.cut_power()
        self.boot()
        self.start()
        self.open_port()

    def check_refused_writes(self, kind):
        """For some seconds no write of the log comes to the disk: whatever segment it is tried in, it holds
        the name of this host. The file system itself is well."""
        self.start_with_lines(kind)
        self.disk.refused_bytes = HOSTS[-1].encode()
        life = self.send_all(1500)
        wait_until(lambda: self.status()["state"] == "read-only", 20, "it says that it cannot write")
        self.send_all(500)
        if kind == "ext4":
            # It waits for half a minute.
            self.assertNotEqual(self.guest.try_run(f"{CTL} flush", 120), (0, ""))
        self.check(says="the disk is slow: the last seconds may be missing")
        self.assertIn("Input/output error", self.status()["last_error"])
        self.assertGreater(self.status()["syncs_failed"], 0)
        wait_until(lambda: self.disk.n_refused_writes >= 3, 20, "it tries again and again")
        self.disk.refused_bytes = None
        wait_until(lambda: self.status()["state"] == "ok", GOES_ON_SECONDS, "it goes on by itself")
        self.wait_all_stored()
        for life in self.lives:
            life.n_durable = len(life.lines)
        self.check()
        self.restart_after_cut()
        self.check_all()
        self.tell()
        self.assertGreater(self.counts["writes refused"], 0)

    def test_a_log_that_cannot_be_written_for_some_seconds_on_ext4(self):
        self.check_refused_writes("ext4")

    def test_a_log_that_cannot_be_written_for_some_seconds_on_btrfs(self):
        self.check_refused_writes("btrfs")

    def test_a_log_that_cannot_be_written_for_some_seconds_on_xfs(self):
        self.check_refused_writes("xfs")

    def check_refused_flushes(self, kind):
        """No sync succeeds, of the file system's own neither, which ends it: what there is can be read, and
        after the next start it goes on."""
        self.start_with_lines(kind)
        self.disk.refuses_flush = True
        self.send_all(1500)
        wait_until(lambda: self.status()["state"] == "read-only", 20, "it says that it cannot write")
        self.disk.refuses_flush = False
        n_stored = self.status()["samples_stored"]
        self.restart_after_cut()
        self.lives[-1].n_stored = n_stored - len(self.lives[0].lines)
        self.check()
        # It is another process, which counts from 0.
        self.send_all(500)
        self.wait_all_stored()
        self.lives[-1].n_durable = 500
        self.check_all()
        self.tell()
        self.assertGreater(self.counts["flushes refused"], 0)

    def test_a_disk_that_refuses_to_flush(self):
        self.check_refused_flushes("ext4")

    def test_a_segment_with_a_bad_sector(self):
        """What lies in it is lost, and nothing else."""
        self.start_with_lines("ext4")
        for _ in range(4):
            self.send_all(1000)
            self.wait_all_stored()
        extents = self.guest.run(f"sync; filefrag -e -b{SECTOR_BYTES} /data/store/log/00000001.log")
        first = re.search(r" 0: +0[.][.] +(\d+): +(\d+)[.][.]", extents)
        self.assertGreater(int(first[1]), 8, extents)
        self.cut_power()
        self.disk.bad_sectors = {int(first[2]) + 8}
        self.boot()
        self.start()
        found = sum(self.find(0, "could not be read: something may be missing").values(), collections.Counter())
        sent = sum((collections.Counter(life.rows) for life in self.lives), collections.Counter())
        self.assertEqual(found - sent, collections.Counter())
        self.counts["lines lost"] = (sent - found).total()
        self.tell()
        self.assertGreater(self.counts["reads refused"], 0)
        self.assertGreater(self.counts["lines lost"], 0)
        self.assertLess(self.counts["lines lost"], sent.total() // 2)
        self.assertGreater(self.status()["damaged_ranges"], 0)
