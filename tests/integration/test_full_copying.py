# SPDX-License-Identifier: MIT
"""Full disks (P8) whose file systems copy on write: an overwrite needs room too, unless they are told otherwise."""

import os
import shutil

from small_disk import SmallDisk, run, setUpModule  # pylint: disable=unused-import
from support import ctl, status


class FullCopying(SmallDisk):
    def test_a_full_btrfs(self):
        self.mount("btrfs")
        self.check_start_on_full(self.check_full(self.fill_blocks), self.fill_blocks)

    def test_a_full_btrfs_of_mixed_blocks(self):
        self.mount("btrfs-mixed")
        self.check_start_on_full(self.check_full(self.fill_blocks), self.fill_blocks)

    def test_a_full_xfs(self):
        self.mount("xfs")
        self.check_start_on_full(self.check_full(self.fill_blocks), self.fill_blocks)

    def check_copied(self, copy, why):
        """Each block of the log that is written again has to go elsewhere: a write into a segment that
        was whole on the disk finds it full."""
        def copy_and_fill():
            copy()
            self.fill_blocks()

        collector = self.check_full(copy_and_fill, has_room=False)
        self.assertGreater(status(collector)["syncs_failed"], 0, why)
        self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
        self.check_complete(collector)

    def test_a_full_btrfs_with_a_snapshot(self):
        self.mount("btrfs")
        if not shutil.which("btrfs"):
            self.skipTest("btrfs-progs is not installed")
        self.check_copied(lambda: run("btrfs", "subvolume", "snapshot", self.where, os.path.join(self.where, "copy")),
                          "a snapshot leaves the log its room")

    def test_a_full_xfs_with_a_copy_of_the_log(self):
        self.mount("xfs")
        log = os.path.join(self.where, "store", "log")
        self.check_copied(lambda: run("cp", "-r", "--reflink=always", log, os.path.join(self.where, "copy")),
                          "a copy leaves the log its room")

    def test_a_flush_on_a_btrfs_that_the_log_filled(self):
        self.fill_by_log("btrfs")

    def test_a_flush_on_an_xfs_that_the_log_filled(self):
        self.fill_by_log("xfs")
