# SPDX-License-Identifier: MIT
"""agentctl snapshot, of a store that takes samples in at full speed and makes checkpoints, on several file systems."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time


from small_disk import MIB, SmallDisk, setUpModule  # noqa: F401 (the runner calls it)
from support import BUILD, PATIENCE, ctl, status, wait_until

HOSTS = 5
SERIES = 40
BEGIN = 1_795_400_000


class Sender(threading.Thread):
    """Sends a line after the other: number i belongs to host i % HOSTS, and says so."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.n_sent = 0
        self.is_fast = threading.Event()
        self.is_ending = False

    def run(self):
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            while not self.is_ending:
                lines = "".join(f'{BEGIN + i // 1000}.{i % 1000:03} m{{i="{i % SERIES}",host="h{i % HOSTS}"}} {i}\n'
                                for i in range(self.n_sent, self.n_sent + 2000))
                # Counted before: what arrives is never more than is told.
                self.n_sent += 2000
                connection.sendall(lines.encode())
                if not self.is_fast.is_set():
                    time.sleep(0.05)


class SnapshotTests(SmallDisk):
    def start_store(self, kind, n_bytes):
        self.mount(kind, n_bytes, n_inodes=2000)
        collector = self.start("collector")
        sender = Sender(collector.port)
        sender.start()
        return collector, sender

    def snapshot(self, collector, name):
        result = ctl("--socket", collector.socket, "snapshot", os.path.join(self.where, name), "-o", "json", seconds=120)
        self.assertEqual(result.code, 0, result.err)
        return result.json()

    def exported(self, store, name):
        """Starts a second collector on a copy. By host, the numbers that it has."""
        copy = self.start_daemon("hostmetrics-collector", ["--listen", "127.0.0.1:0", "--store", store], name)
        result = ctl("--socket", copy.socket, "export", seconds=120)
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(status(copy)["damaged_ranges"], 0)
        numbers = {}
        for line in result.out.splitlines()[1:]:
            words = line.split(",")
            at, host, number = words[0], words[1], int(words[-1])
            self.assertEqual(round(float(at) * 1000), BEGIN * 1000 + number)
            numbers.setdefault(host, []).append(number)
        copy.stop()
        return numbers

    def check_copy(self, name, n_before, n_after):
        store = os.path.join(self.where, name)
        checked = ctl("check", store, seconds=120)
        self.assertEqual(checked.code, 0, checked.out + checked.err)
        numbers = self.exported(store, f"on-{name}")
        n_all = 0
        for i in range(HOSTS):
            found = sorted(numbers[f"h{i}"])
            # Of each host a beginning, each sample once.
            self.assertEqual(found, list(range(i, i + len(found) * HOSTS, HOSTS)))
            n_all += len(found)
        self.assertGreaterEqual(n_all, n_before)
        self.assertLessEqual(n_all, n_after)
        return n_all

    def take_snapshots(self, kind, n_bytes, n=2):
        collector, sender = self.start_store(kind, n_bytes)
        # Each host has files to be copied.
        wait_until(lambda: status(collector)["samples_stored"] > HOSTS, 10)
        self.assertEqual(ctl("--socket", collector.socket, "flush", seconds=120).code, 0)
        made = []
        flushes = []
        for i in range(n):
            flush = subprocess.Popen([os.path.join(BUILD, "agentctl"), "--socket", collector.socket, "flush"],
                                     stdout=subprocess.DEVNULL)
            flushes.append(flush)
            time.sleep(self.chooser.random() * 0.3)
            sender.is_fast.set()
            time.sleep(0.1)
            n_before = status(collector)["samples_stored"]
            begin = time.monotonic()
            record = self.snapshot(collector, f"copy{i}")
            took = time.monotonic() - begin
            sender.is_fast.clear()
            made.append((f"copy{i}", n_before, sender.n_sent, record, took))
        for flush in flushes:
            flush.wait()
        stored = status(collector)["samples_stored"]
        sender.is_ending = True
        sender.join()
        # Text has no acknowledgement: what it has not read within a second of being stopped is not stored.
        wait_until(lambda: status(collector)["samples_stored"] == sender.n_sent, 30, "all that was sent is stored")
        collector.stop()
        self.assertGreater(stored, made[-1][1], "samples were taken in meanwhile")
        for name, n_before, n_after, record, took in made:
            n_all = self.check_copy(name, n_before, n_after)
            print(f"{kind}: {name}: {n_before} stored before, {n_all} in it, {n_after} sent; {record}, {took:.2f} s",
                  file=sys.stderr)
        # What went on is not changed by its copies.
        numbers = self.exported(os.path.join(self.where, "store"), "again")
        self.assertEqual(sum(map(len, numbers.values())), sender.n_sent)
        return [record for _, _, _, record, _ in made]

    def test_on_ext4_files_are_copied(self):
        for record in self.take_snapshots("ext4", 300 * MIB):
            self.assertEqual(record["files_shared"], 0)
            self.assertGreater(record["files"], HOSTS)

    def test_on_btrfs_files_share_their_blocks(self):
        for record in self.take_snapshots("btrfs", 400 * MIB):
            # Segments of the log have other blocks than files may share there.
            self.assertGreaterEqual(record["files_shared"], HOSTS)

    def test_on_xfs_files_share_their_blocks(self):
        for record in self.take_snapshots("xfs", 400 * MIB, n=2):
            self.assertGreaterEqual(record["files_shared"], HOSTS)

    def test_what_cannot_be_made_leaves_nothing(self):
        collector, sender = self.start_store("ext4", 64 * MIB)
        time.sleep(1.5)
        sender.is_ending = True
        sender.join()
        where = self.where

        def refused(path, why):
            result = ctl("--socket", collector.socket, "snapshot", path)
            self.assertEqual(result.code, 1, result.out)
            self.assertRegex(result.err, why)

        os.makedirs(os.path.join(where, "full"))
        with open(os.path.join(where, "full", "file"), "w", encoding="ascii"):
            pass
        os.symlink(os.path.join(where, "store", "log"), os.path.join(where, "link"))
        refused(os.path.join(where, "full"), "there is something already")
        refused(os.path.join(where, "full", "file"), "there is something already")
        refused(os.path.join(where, "store"), "there is something already")
        refused(os.path.join(where, "store", "hosts", "x"), "within the store")
        refused(os.path.join(where, "link", "x"), "within the store")
        refused(os.path.join(where, "missing", "x"), "cannot open")
        refused(self.where + "/..", "no new folder")
        self.fill_blocks(32 << 10)
        refused(os.path.join(where, "copy"), "No space left")
        self.assertEqual(sorted(os.listdir(where)), ["filler", "full", "link", "lost+found", "store"])
        self.make_space()
        os.makedirs(os.path.join(where, "empty"))
        self.snapshot(collector, "empty")
        os.makedirs(os.path.join(where, "copy.partial"))
        refused(os.path.join(where, "copy"), "one that did not end left this")

    def test_ctrl_c_takes_it_back(self):
        collector, sender = self.start_store("ext4", 300 * MIB)
        time.sleep(1)
        sender.is_ending = True
        sender.join()
        partial = os.path.join(self.where, "copy.partial")
        for i in range(5):
            program = subprocess.Popen([os.path.join(BUILD, "agentctl"), "--socket", collector.socket, "snapshot",
                                        os.path.join(self.where, "copy")], stdout=subprocess.DEVNULL)
            time.sleep(self.chooser.random() * 0.1)
            program.send_signal(signal.SIGINT)
            code = program.wait(timeout=10 * PATIENCE)
            wait_until(lambda: not os.path.exists(partial), 10, "the partial copy is gone")
            made = os.path.exists(os.path.join(self.where, "copy"))
            self.assertTrue(made or code != 0)
            if made:
                subprocess.run(["rm", "-r", os.path.join(self.where, "copy")], check=True)
