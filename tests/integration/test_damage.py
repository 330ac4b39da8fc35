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
