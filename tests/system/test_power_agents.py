# SPDX-License-Identifier: MIT
"""Power cuts under an agent and its collector (P2 to P4), both on one disk of a guest whose cache a cut empties
(volatile_disk.py).

The plugin of the agent lists its rounds in a file of this machine, outside of the guest, before it gives them. Until the
last moment it is noted here, too, what the collector showed and what the agent was told to be stored.
POWER_CUTS: so many, half of them on ext4, the others on btrfs and xfs (12).
"""

import json
import os
import time

from power import CTL, PORT_IN_GUEST, PowerCase  # first: it finds the others

import sampled
from ledger import parse
from support import PATIENCE, wait_until

AGENTCTL = "/run/hm/agentctl --socket /run/hm/agent.sock"
N_SERIES = 5
SHARES = {"ext4": 0.5, "btrfs": 0.25, "xfs": 0.25}
SETTINGS = f"""[agent]
hostname = guest
interval = 100ms
ship_interval = 500ms
spool = /data/spool
spool_size = 32M
socket = /run/hm/agent.sock
collector = 127.0.0.1:{PORT_IN_GUEST}
[plugin counter]
file = /mnt/guest.list
series = {N_SERIES}
"""
# Until it is gone: what the agent was told, and what the collector shows.
WATCH = f"""while {AGENTCTL} status -o json >/mnt/told.new; do mv /mnt/told.new /mnt/told
{CTL} query {sampled.ROUNDS} --all -o plain --since $(cat /mnt/since) >/mnt/shown.new && mv /mnt/shown.new /mnt/shown
[ -e /mnt/flush ] && {CTL} flush; done"""
# Of so many some has to hit a write.
CUTS_THAT_SHOW_IT = 10
# P4: what was taken in the last seconds before a cut may be gone: five, and a sync on a slow disk.
LOST_SECONDS = 5 + 3


class InGuest(sampled.Host):
    """The agent that runs in the guest: this machine has its list only."""

    def __init__(self, case):
        super().__init__(case, "guest", n_series=N_SERIES)
        self.list_path = case.path("shared", "guest.list")
        self.cuts = []  # when

    def on_the_way(self, listed, missing):
        return {number for number in missing if any(
            cut - LOST_SECONDS * PATIENCE <= listed[number] / 1e6 <= cut + PATIENCE for cut in self.cuts)}


class PowerAgents(PowerCase):
    programs = ("hostmetrics-collector", "hostmetrics-agent", "agentctl", "test-plugins/counter.so")

    def setUp(self):
        super().setUp()
        self.host = InGuest(self)
        self.write("shared/agent.conf", SETTINGS)
        self.shown = {}  # rows that the collector has shown

    def start_agent_too(self):
        self.guest.run("cd /run/hm; mkdir -p plugins; cp counter.so plugins; ./hostmetrics-agent --plugins plugins "
                       "--config /mnt/agent.conf >>/mnt/agent.log 2>&1 & echo $! >/run/hm/agent.pid")
        wait_until(lambda: self.guest.try_run(f"{AGENTCTL} status")[0] == 0, 30, "the agent answers")

    def find(self, pattern=sampled.ROUNDS):
        code, printed = self.guest.try_run(f"{CTL} query '{pattern}' --all -o plain >/mnt/found", 120)
        if code == 1 and printed.startswith("agentctl: no s"):
            return {}
        self.assertEqual((code, printed), (0, ""))
        return self.read_rows("found")

    def read_rows(self, name):
        try:
            with open(self.path("shared", name), encoding="utf-8") as file:
                return parse(file.read())
        except FileNotFoundError:
            return {}

    def n_told(self):
        """Of the samples that the agent took in this life it was told that so many are stored, at least."""
        try:
            with open(self.path("shared", "told"), encoding="utf-8") as file:
                status = json.load(file)
        except FileNotFoundError:
            return 0
        # What waits may be of earlier lives.
        return max(0, status["samples_taken"] - status["queue_samples"])

    def check_durable(self, found, n_least):
        lost = sorted(set(self.shown) - set(found))
        self.assertEqual(lost[:5], [], f"{self.why()}: {len(lost)} rounds are lost that were there")
        self.assertEqual([row for row, n in found.items() if n > 1][:5], [], f"{self.why()}: doubled")
        self.assertGreaterEqual(len(found) * (N_SERIES + 1), n_least, f"{self.why()}: lost, and was acknowledged")

    def why(self):
        return f"seed {self.seed}, cut {self.counts['cuts']}"

    def live(self):
        """Samples are taken, and the power is cut."""
        n_before = len(self.host.listed())
        for name in ("told", "shown", "flush"):
            if os.path.exists(self.path("shared", name)):
                os.unlink(self.path("shared", name))
        self.start()
        # The agent does not run yet: what is there was there when the power went.
        found = self.find()
        self.check_durable(found, self.n_least)
        self.write("shared/since", str(int(time.time()) - 60))
        if self.chooser.random() < 0.5:
            self.write("shared/flush", "")
        self.start_agent_too()
        self.guest.run(f"({WATCH}) >/dev/null 2>&1 &")
        time.sleep(self.chooser.choice((1, 4, 10)) * self.chooser.random() * PATIENCE)
        if self.chooser.random() < 0.8:
            self.disk.wait_unflushed(2)
        self.host.cuts.append(time.time())
        self.cut_power()
        self.shown = {**found, **self.read_rows("shown")}
        self.n_least = len(found) * (N_SERIES + 1) + self.n_told()
        self.counts["rounds"] += len(self.host.listed()) - n_before
        self.counts["samples told to be stored"] += self.n_told()

    def drain(self):
        """All that the spool has is stored, and no agent runs any more."""
        self.start_agent_too()
        last = max(self.host.listed())
        wait_until(lambda: any(float.fromhex(row[3]) >= last for row in self.find()), 60, "the spool is sent")
        for _ in range(10):
            self.guest.run("kill $(cat /run/hm/agent.pid); while [ -e /proc/$(cat /run/hm/agent.pid) ]; do sleep 0.1; done")
            with open(self.path("shared", "agent.log"), encoding="utf-8") as log:
                if "were not sent" not in log.read().rpartition("handing over")[2]:
                    return
            self.start_agent_too()
        self.fail("the agent does not get rid of its samples")

    def check_cuts(self, kind):
        n_cuts = max(1, round(int(os.environ.get("POWER_CUTS", "12")) * SHARES[kind]))
        self.n_least = 0
        self.make_disk(kind)
        for _ in range(n_cuts):
            self.live()
            self.boot()
        self.start()
        self.check_durable(self.find(), self.n_least)
        self.drain()
        for _ in range(2):
            missing = self.host.check(self.find("*"))
            self.guest.run(f"{CTL} flush", 120)
        self.counts["rounds lost with the power"] = len(missing)
        self.assertEqual(self.status()["damaged_ranges"], 0)
        self.guest.run("kill $(cat /run/hm/pid); while [ -e /proc/$(cat /run/hm/pid) ]; do sleep 0.1; done")
        self.guest.run("/run/hm/agentctl check /data/store && umount /data", 120)
        self.tell()
        # In a few cuts chance may have it that nothing was under way.
        self.counts["writes lost or torn"] = self.counts["writes lost"] + self.counts["writes torn"]
        for name in ("samples told to be stored", "writes lost or torn") if n_cuts >= CUTS_THAT_SHOW_IT else ():
            self.assertGreater(self.counts[name], 0, f"without {name} this shows nothing")

    def test_power_cuts_of_an_agent_and_its_collector_on_ext4(self):
        self.check_cuts("ext4")

    def test_power_cuts_of_an_agent_and_its_collector_on_btrfs(self):
        self.check_cuts("btrfs")

    def test_power_cuts_of_an_agent_and_its_collector_on_xfs(self):
        self.check_cuts("xfs")
