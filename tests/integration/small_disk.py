# SPDX-License-Identifier: MIT
"""A collector on a small file system that is filled, in a private mount namespace: what its tests share."""

import collections
import ctypes
import os
import random
import shutil
import signal
import subprocess
import sys

from ledger import BASE_SECONDS, Life, parse
from support import PATIENCE, Case, ctl, status, wait_until

CLONE_NEWNS = 0x20000
MIB = 1 << 20
# How each is made, and how large it is: as small as may be.
MKFS = {
    "ext4": ["mkfs.ext4", "-F", "-q", "-m", "0"],
    "btrfs": ["mkfs.btrfs", "-q"],
    "btrfs-mixed": ["mkfs.btrfs", "-q", "--mixed"],
    "xfs": ["mkfs.xfs", "-q"],
}
SIZES = {"ext4": 24 * MIB, "tmpfs": 16 * MIB, "btrfs": 128 * MIB, "btrfs-mixed": 40 * MIB, "xfs": 300 * MIB}
SMALL_SEGMENTS = "[collector]\nlog_segment_mib = 1\n"
# P8: it goes on by itself within so long after there is space.
GOES_ON_SECONDS = 10
reason = ""


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60)


def setUpModule():
    """What is mounted from now on is seen, and kept, by this process and its children only."""
    global reason
    if os.geteuid() != 0:
        reason = "mounting needs root"
    elif ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        reason = "no mount namespace of its own: " + os.strerror(ctypes.get_errno())
    elif subprocess.run(["mount", "--make-rprivate", "/"], check=False, capture_output=True).returncode != 0:
        reason = "no private mounts"


class SmallDisk(Case):
    def setUp(self):
        super().setUp()
        self.mounts = []
        if reason:
            self.skipTest(reason)
        self.seed = random.randrange(1 << 32)
        print(f"{self.id()}: seed {self.seed}", file=sys.stderr)
        self.chooser = random.Random(self.seed)
        self.config = self.write("full.conf", SMALL_SEGMENTS)
        self.lives = []

    def tearDown(self):
        for daemon in self.daemons:
            daemon.stop(signal.SIGKILL)
        for path in self.mounts:
            subprocess.run(["umount", "-l", path], check=False)
        super().tearDown()

    # -- file systems ------------------------------------------------------------------------------

    def mount(self, kind, n_bytes=None, n_inodes=1000):
        n_bytes = n_bytes or SIZES[kind]
        self.where = self.path("disk")
        os.makedirs(self.where)
        try:
            if kind == "tmpfs":
                run("mount", "-t", "tmpfs", "-o", f"size={n_bytes},nr_inodes={n_inodes}", "tmpfs", self.where)
            else:
                self.image = self.path("image")
                with open(self.image, "wb") as file:
                    file.truncate(n_bytes)
                run(*MKFS[kind], *(["-N", str(n_inodes)] if kind == "ext4" else []), self.image)
                run("mount", "-o", "loop", self.image, self.where)
        except (OSError, subprocess.CalledProcessError) as error:
            self.skipTest(f"{kind} cannot be mounted: {getattr(error, 'stderr', error)}")
        self.mounts.append(self.where)

    def fill_blocks(self, n_left=0):
        """All that is free, but for so much."""
        with open(os.path.join(self.where, "filler"), "ab", buffering=0) as file:
            # Some give what was freed only after a sync.
            for _ in range(2):
                n_bytes = MIB
                while n_bytes >= 4096:
                    try:
                        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), n_bytes)
                    except OSError:
                        n_bytes //= 2
                run("sync", "-f", self.where)
            # How much that would be to begin with, not every file system knows.
            file.truncate(file.seek(0, os.SEEK_END) - n_left)
            run("sync", "-f", self.where)

    def fill_inodes(self):
        folder = os.path.join(self.where, "filler.d")
        os.makedirs(folder, exist_ok=True)
        try:
            for i in range(len(os.listdir(folder)), 100000):
                with open(os.path.join(folder, str(i)), "wb"):
                    pass
        except OSError:
            pass

    def make_space(self):
        for name in ("filler", "filler.d"):
            path = os.path.join(self.where, name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.unlink(path)

    # -- the collector on one ----------------------------------------------------------------------

    def start(self, name, ready=True):
        collector = self.start_daemon(
            "hostmetrics-collector",
            ["--config", self.config, "--listen", "127.0.0.1:0", "--store", os.path.join(self.where, "store")], name,
            ready)
        if not ready:
            return collector
        collector.port = int(status(collector)["listen"].rsplit(":", 1)[1])
        return collector

    def send_life(self, collector, n_lines, is_steady=False):
        """Send, and wait until it is taken; whether it is stored is another matter."""
        life = Life(len(self.lives), self.chooser, n_lines, "full", is_steady)
        self.lives.append(life)
        before = status(collector)["lines_accepted"]
        self.send(collector.port, b"".join(life.lines))
        wait_until(lambda: status(collector)["lines_accepted"] == before + n_lines, 30, "all is taken")
        return life

    def wait_state(self, collector, state, seconds=GOES_ON_SECONDS):
        wait_until(lambda: status(collector)["state"] == state, seconds, f"the state is {state}")

    def wait_all_stored(self, collector, seconds=GOES_ON_SECONDS):
        def is_done():
            state = status(collector)
            return state["samples_stored"] == state["lines_accepted"] and state["samples_waiting"] == 0
        wait_until(is_done, seconds, "all that was taken is stored")

    def find(self, collector):
        """What can be read, by the life that sent it."""
        result = ctl("--socket", collector.socket, "query", "full", "--all", "-o", "plain")
        self.assertEqual(result.code, 0, result.err)
        found = collections.defaultdict(collections.Counter)
        for row, n in parse(result.out).items():
            found[row[0] // 1000000 - BASE_SECONDS][row] = n
        return found

    def check(self, collector):
        found = self.find(collector)
        for number, life in enumerate(self.lives):
            self.assertEqual(life.check(found.pop(number, collections.Counter()))[:5], [],
                             f"seed {self.seed}, life {number}")
        self.assertEqual(dict(found), {})

    def check_complete(self, collector):
        """Every line that was ever sent is there, once."""
        for life in self.lives:
            life.n_durable = len(life.lines)
        self.check(collector)

    def check_room(self, collector):
        """What the present segment has room for is stored, however little is free besides."""
        for _ in range(10):
            self.send_life(collector, 10)
            self.wait_all_stored(collector)
        self.assertEqual(status(collector)["state"], "ok")
        self.assertEqual(status(collector)["syncs_failed"], 0)

    def check_full(self, fill, has_room=True):
        """The disk fills, while what is sent goes on; it is killed there, and then there is space."""
        collector = self.start("first")
        self.send_life(collector, 3000)
        self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
        self.send_life(collector, 3000)
        self.wait_all_stored(collector)
        fill()
        if has_room:
            self.check_room(collector)
        n_before = len(self.lives)
        for _ in range(20):
            self.send_life(collector, 20000)
            # That has what was sent logged at once.
            ctl("--socket", collector.socket, "query", "nothing")
            state = status(collector)
            if state["state"] == "disk full":
                break
        self.assertEqual(state["state"], "disk full")
        self.assertIn("No space left", state["last_error"])
        self.send_life(collector, 1000)
        for life in self.lives[:n_before]:
            life.n_durable = len(life.lines)
        self.check(collector)
        self.make_space()
        self.wait_state(collector, "ok")
        self.wait_all_stored(collector)
        self.check_complete(collector)
        return collector

    def check_start_on_full(self, collector, fill):
        fill()
        collector.stop(signal.SIGKILL)
        # What it gave back before it was killed.
        fill()
        collector = self.start("second")
        # It may go on by itself: what it moves into files is not needed in the log any more.
        self.assertIn("the log cannot be written: No space left on device", collector.log())
        self.check(collector)
        # The pid file could not be written; the lock is on it all the same.
        other = self.start("third", ready=False)
        self.assertNotEqual(other.process.wait(timeout=20 * PATIENCE), 0)
        self.assertIn("is in use by", other.log())
        self.send_life(collector, 2000)
        self.make_space()
        self.wait_state(collector, "ok")
        self.wait_all_stored(collector)
        self.check_complete(collector)
        self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
        self.check(collector)
        self.assertEqual(collector.stop()[0], 0)
        result = ctl("check", os.path.join(self.where, "store"))
        self.assertEqual(result.code, 0, result.out + result.err)

    def fill_by_log(self, kind):
        """The log itself takes all there is: a flush moves it into files with what is kept for that, and
        goes on."""
        self.mount(kind)
        collector = self.start("first")
        # A file names its series twice.
        for _ in range(2):
            self.send_life(collector, 1000, True)
            self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
        self.fill_blocks(3 * MIB)
        while status(collector)["state"] != "disk full":
            self.send_life(collector, 2000, True)
            self.assertLess(len(self.lives), 100, "the disk does not fill")
            ctl("--socket", collector.socket, "query", "nothing")
        result = ctl("--socket", collector.socket, "flush")
        self.assertEqual(result.code, 0, result.err)
        self.wait_state(collector, "ok")
        self.wait_all_stored(collector)
        self.check_complete(collector)
