# SPDX-License-Identifier: MIT
"""Damage to the store of a collector that is down (P10): it starts, and what is whole is served."""

import glob
import os
import random
import signal

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
