# SPDX-License-Identifier: MIT
"""A disk under an agent's spool that does not answer: no sample is taken late for that, and none is lost."""

import fcntl
import os
import time

import sampled
from sampled import Host
from small_disk import SmallDisk, setUpModule  # pylint: disable=unused-import
from support import PATIENCE, wait_until

# So long it hangs, each time; the longer, the more is shown.
HANG_SECONDS = float(os.environ.get("HM_HANG_SECONDS", "2"))
N_HANGS = 3
INTERVAL_MS = 100
# A tick that is later than that was held up.
LATE_SECONDS = 0.3
# ioctls of linux/fs.h: whoever writes waits from the one to the other.
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878


class StuckDisk(SmallDisk):
    def freeze(self, request):
        folder = os.open(self.where, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, request, 0)
        except OSError as error:
            self.skipTest(f"{self.where} cannot be frozen: {error}")
        finally:
            os.close(folder)

    def n_threads(self, host):
        return len(os.listdir(f"/proc/{host.agent.pid}/task"))

    def hang(self, host):
        """@return how many threads there were in the end"""
        n_before = len(host.listed())
        self.freeze(FIFREEZE)
        time.sleep(HANG_SECONDS)
        n_threads = self.n_threads(host)
        n_rounds = len(host.listed()) - n_before
        self.freeze(FITHAW)
        self.assertGreater(n_rounds, HANG_SECONDS * 1000 / INTERVAL_MS / 2 / PATIENCE, "it takes no samples")
        return n_threads

    def test_samples_are_taken_in_time_while_the_spool_cannot_be_written(self):
        if not os.path.isdir(sampled.PLUGINS):
            self.skipTest(f"{sampled.PLUGINS} was not built")
        self.mount("ext4", 64 << 20)
        collector = self.start_collector()
        # Nothing is shipped before the end, so that it is the round itself that meets the disk.
        host = Host(self, "stuck", interval_ms=INTERVAL_MS, spool=os.path.join(self.where, "spool"), spool_size="32M",
                    ship_interval="1h")
        host.start(collector.address)
        wait_until(lambda: len(host.listed()) > 20, 30, "it takes samples")
        n_threads = self.n_threads(host)
        most = []
        for _ in range(N_HANGS):
            most.append(self.hang(host))
            wait_until(lambda: self.n_threads(host) == n_threads, 10, "nobody waits for the disk any more")
            time.sleep(0.5)
        times = list(host.listed().values())
        latest = max(b - a for a, b in zip(times, times[1:])) / 1e6 - INTERVAL_MS / 1000
        print(f"{len(times)} ticks, the latest after {latest * 1000:.1f} ms; threads: {n_threads}, and {most} meanwhile")
        self.assertLess(latest, LATE_SECONDS * PATIENCE, "a tick was held up")
        self.assertIn(n_threads + 1, most, "the thread that takes samples never met the disk")
        self.assertEqual(host.agent.stop()[0], 0)
        wait_until(lambda: host.tell_unsent() == 0, 10, "all is sent")
        self.assertEqual(host.check(sampled.query_rows(collector)), [])
