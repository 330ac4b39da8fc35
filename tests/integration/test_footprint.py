# SPDX-License-Identifier: MIT
"""What memory of the host the agent takes up (docs/metrics.md, Costs)."""

import os
import re
import unittest

import support

# What is promised for a host like any other, and what its libraries, which others may have mapped or not, add to it.
PROMISED_KIB = 1536
SLACK_KIB = 512

# By then all has happened that happens each minute.
N_ROUNDS = 12

# A host with more has larger files to read, and its series are known by name.
COMMON_SERIES = 400
SERIES_KIB = 0.7

# A malloc() of theirs, and shadows.
SANITIZED = bool(os.environ.get("HM_SAN"))


def read_kib(pid):
    """Of smaps_rollup: the part that is the process's alone, of what it shares its share."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        return {name: int(kib) for name, kib in re.findall(r"^(\w+): +(\d+) kB$", file.read(), re.M)}


@unittest.skipIf(SANITIZED, "sanitizers take memory of their own")
@unittest.skipUnless(os.path.exists("/proc/self/smaps_rollup"), "the kernel does not tell what a process has")
class Footprint(support.Case):
    def test_the_agent_takes_no_more_than_is_promised(self):
        collector = self.start_collector()
        agent = self.start_agent({"interval": "1s", "ship_interval": "3s", "collector": collector.address})
        support.wait_until(lambda: support.status(agent)["rounds"] > N_ROUNDS, 30, f"{N_ROUNDS} rounds")
        self.assertTrue(support.query(collector, "node_load1"), "nothing was shipped")
        n_series = support.status(agent)["series"]
        limit = PROMISED_KIB + SLACK_KIB + max(0, n_series - COMMON_SERIES) * SERIES_KIB
        try:
            # What starting took, and what a shipment takes, is given back in steps.
            support.wait_until(lambda: read_kib(agent.pid)["Pss"] <= limit, 20, f"{limit:.0f} KiB")
        finally:
            kib = read_kib(agent.pid)
            print(f"{n_series} series: PSS {kib['Pss']} KiB, {kib['Private_Dirty'] + kib['Private_Clean']} of it alone")


if __name__ == "__main__":
    unittest.main()
