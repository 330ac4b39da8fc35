# SPDX-License-Identifier: MIT
"""Ten thousand text clients at once: every value comes back, once."""

import unittest

import load
from support import Case, status

N_CLIENTS = 10000
N_LINES = 100

# Ours and the collector's, which has the same hard limit.
DESCRIPTORS_BESIDE = 200


class Load(Case):
    def test_every_value_of_10000_clients_comes_back_once(self):
        n_clients = min(N_CLIENTS, load.allow_descriptors(N_CLIENTS + DESCRIPTORS_BESIDE) - DESCRIPTORS_BESIDE)
        if n_clients < N_CLIENTS:
            self.skipTest(f"the limit of open files is too low for {N_CLIENTS} clients")
        collector = self.start_collector()
        before = load.memory_kib(collector.pid)
        idle = load.run_load(collector, N_CLIENTS, N_LINES)
        self.assertEqual(load.check_load(collector, N_CLIENTS, N_LINES), [])
        self.assertEqual(status(collector)["lines_rejected"], 0)
        self.assertEqual(status(collector)["connections_refused"], 0)
        # It is a quarter of a KiB; the kernel's part comes on top.
        self.assertLess((idle["Pss"] - before["Pss"]) / N_CLIENTS, 2, "KiB for an idle connection")


if __name__ == "__main__":
    unittest.main()
