# SPDX-License-Identifier: MIT
"""A guest on a disk whose power can be cut: what the tests of that share."""

import collections
import json
import os
import random
import shutil
import sys

from guest import BUILD, Guest, GuestCase
from support import wait_until
from volatile_disk import SECTOR_BYTES, VolatileDisk

MIB = 1 << 20
# How each is made, and how large.
FILE_SYSTEMS = {
    "ext4": ("mkfs.ext4 -q -F", 64 * MIB),
    "btrfs": ("mkfs.btrfs -q -f", 128 * MIB),
    "xfs": ("mkfs.xfs -q -f", 300 * MIB),
}
DEVICE = "/dev/disk/by-id/virtio-data"
PORT_IN_GUEST = 9900
CTL = "/run/hm/agentctl --socket /run/hm/collector.sock"
SETTINGS = "[collector]\nlog_segment_mib = 1\n"


class PowerCase(GuestCase):
    # What is copied into the guest, of the build folder.
    programs = ("hostmetrics-collector", "agentctl")

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("HM_SEED", random.randrange(1 << 32)))
        print(f"{self.id()}: seed {self.seed}", file=sys.stderr)
        self.chooser = random.Random(self.seed)
        self.counts = collections.Counter()
        os.mkdir(self.path("shared"))
        for name in self.programs:
            shutil.copy(os.path.join(BUILD, name), self.path("shared"))
        self.write("shared/collector.conf", SETTINGS)
        self.disk = self.kind = None

    def tearDown(self):
        if self.guest:
            self.guest.stop()
        if self.disk:
            self.disk.close()
        super().tearDown()

    # -- the guest and its collector ---------------------------------------------------------------

    def make_disk(self, kind):
        self.kind = kind
        mkfs, n_bytes = FILE_SYSTEMS[kind]
        self.disk = VolatileDisk(os.path.join(self.run_folder, "disk"), n_bytes, self.chooser)
        self.boot(f"{mkfs} {DEVICE}")

    def boot(self, before="true"):
        """Up to the mounted disk. The image of its own disk is a copy: it may be torn as well."""
        self.guest = Guest(self.log, self.path("shared"), 0, os.path.join(self.folder, "root.qcow2"))
        self.addCleanup(self.guest.stop)
        self.guest.start()
        names = " ".join(os.path.basename(name) for name in self.programs)
        self.guest.run(f"mkdir /run/hm && cd /mnt && cp -p {names} /run/hm")
        self.guest.plug_disk("data", self.disk.path, "slot1", SECTOR_BYTES)
        self.guest.run(before)
        self.guest.run(f"mkdir -p /data && mount {DEVICE} /data || {{ dmesg | tail -n 20; false; }}")

    def start(self):
        self.guest.run("cd /run/hm; ./hostmetrics-collector --config /mnt/collector.conf --socket collector.sock "
                       f"--listen 0.0.0.0:{PORT_IN_GUEST} --store /data/store >>/mnt/collector.log 2>&1 & "
                       "echo $! >/run/hm/pid")
        wait_until(lambda: self.guest.try_run(f"{CTL} status")[0] == 0, 30, "the collector answers")

    def status(self):
        return json.loads(self.guest.run(f"{CTL} status -o json"))

    def cut_power(self):
        self.disk.cut_power(self.guest.kill)
        self.counts["cuts"] += 1
        self.note(f"cut {self.counts['cuts']} of {self.kind}")

    def tell(self):
        disk = self.disk
        self.counts.update({
            "writes": disk.n_writes, "flushes of the disk": disk.n_flushes, "writes lost": disk.n_lost,
            "writes torn": disk.n_torn, "writes refused": disk.n_refused_writes,
            "flushes refused": disk.n_refused_flushes, "reads refused": disk.n_refused_reads})
        text = f"{self.kind}: " + ", ".join(f"{n} {name}" for name, n in self.counts.items())
        print(text, file=sys.stderr)
        self.note(text)
