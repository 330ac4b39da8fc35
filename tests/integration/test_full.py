# SPDX-License-Identifier: MIT
"""Disks that are full or fail (P8, P9), as real file systems of their own in a private mount namespace."""

import signal
import subprocess

from small_disk import MIB, SmallDisk, run, setUpModule  # pylint: disable=unused-import
from support import ctl


class Full(SmallDisk):
    def test_a_full_ext4(self):
        self.mount("ext4", 24 * MIB)
        self.check_start_on_full(self.check_full(self.fill_blocks), self.fill_blocks)

    def test_a_full_tmpfs(self):
        self.mount("tmpfs", 16 * MIB)
        self.check_start_on_full(self.check_full(self.fill_blocks), self.fill_blocks)

    def test_an_ext4_without_inodes(self):
        self.mount("ext4", 24 * MIB, 200)
        self.check_start_on_full(self.check_full(self.fill_inodes), self.fill_inodes)

    def test_a_flush_on_an_ext4_that_the_log_filled(self):
        self.fill_by_log("ext4")

    def test_a_flush_on_a_tmpfs_that_the_log_filled(self):
        self.fill_by_log("tmpfs")

    def test_a_file_system_that_stops_being_written(self):
        """What ext4 does after an error: nothing is written any more, until it is mounted again."""
        self.mount("ext4", 24 * MIB)
        collector = self.start("first")
        self.send_life(collector, 3000)
        self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
        self.send_life(collector, 3000)
        self.wait_all_stored(collector)
        for life in self.lives:
            life.n_durable = len(life.lines)
        try:
            run("mount", "-o", "remount,abort", self.where)
        except subprocess.CalledProcessError as error:
            self.skipTest(f"ext4 cannot be made to fail: {error.stderr}")
        self.send_life(collector, 3000)
        self.wait_state(collector, "read-only")
        self.check(collector)
        self.assertNotEqual(ctl("--socket", collector.socket, "flush").code, 0)
        collector.stop(signal.SIGKILL)
        run("umount", self.where)
        run("mount", "-o", "loop", self.image, self.where)
        collector = self.start("second")
        self.check(collector)
        self.send_life(collector, 3000)
        self.wait_all_stored(collector)
        self.check(collector)
