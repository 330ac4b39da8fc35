# SPDX-License-Identifier: MIT
"""Once it runs, an agent asks for no memory: neither in a round, nor, of the kernel, for a shipment."""

import os
import shutil
import statistics
import unittest

import sampled
from support import Case, query, wait_until

INTERVAL_MS = 200
SHIP_ROUNDS = 10
N_WARM_UP_ROUNDS = 40
N_ROUNDS = 60
# What a shipment may allocate: messages wait in memory of their own until they are sent.
SHIPMENT_MAX = 30
# Others may plug in devices, or mount file systems, meanwhile.
QUIET_PART = 0.8


@unittest.skipIf(os.environ.get("HM_SAN"), "sanitizers have a malloc() of their own")
class Allocations(Case):
    def start(self):
        plugins = os.path.join(os.path.dirname(sampled.PLUGINS), "plugins", "hostmetrics.so")
        counting = self.path("plugins", "allocations.so")
        os.makedirs(self.path("plugins"))
        shutil.copy(plugins, self.path("plugins"))
        shutil.copy(os.path.join(sampled.PLUGINS, "allocations.so"), counting)
        self.collector = self.start_collector()
        self.start_agent({"collector": self.collector.address, "hostname": "here", "interval": f"{INTERVAL_MS}ms",
                          "ship_interval": f"{SHIP_ROUNDS * INTERVAL_MS}ms"},
                         arguments=["--plugins", self.path("plugins")], environment={"LD_PRELOAD": counting})

    def growth(self, name):
        """How much it grew by each round, from the one before; with the round's number on the grid."""
        rows = query(self.collector, name, "--since", "-10m")
        rows = [(round(float(row["time"]) * 1000 / INTERVAL_MS), row["value"]) for row in rows]
        return [(number, value - before) for (_, before), (number, value) in zip(rows, rows[1:])][N_WARM_UP_ROUNDS:]

    def test_a_round_allocates_nothing(self):
        self.start()
        wait_until(lambda: len(query(self.collector, "test_allocations_total")) > 0, 30, "it counts")
        wait_until(lambda: len(self.growth("test_allocations_total")) >= N_ROUNDS, 60, "there are rounds")
        found = self.growth("test_allocations_total")
        # What a shipment takes is seen by the round behind it.
        plain = [grown for number, grown in found if number % SHIP_ROUNDS != 1]
        shipments = [grown for number, grown in found if number % SHIP_ROUNDS == 1]
        mapped = [grown for _, grown in self.growth("test_mappings_total")]
        print(f"{len(plain)} rounds: {sum(plain):.0f} allocations; {len(shipments)} shipments: {shipments}; {sum(mapped):.0f} mappings")
        self.assertGreaterEqual(plain.count(0), len(plain) * QUIET_PART, plain)
        self.assertGreaterEqual(mapped.count(0), len(mapped) * QUIET_PART, mapped)
        self.assertLessEqual(statistics.median(shipments), SHIPMENT_MAX, shipments)
