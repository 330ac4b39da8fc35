# SPDX-License-Identifier: MIT
"""What a real Btrfs says of its devices, which its own tool says too; and one that does not answer (P11)."""

import os
import re
import signal
import sys
import time

import btrfs
from processes import name_of, processes_below
from support import Case, ctl, query, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
ERRORS = "node_btrfs_device_errors_total"
SIZE = "node_btrfs_device_size_bytes"
UNUSED = "node_btrfs_device_unused_bytes"


class Btrfs(Case):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root may mount")
        self.collector = self.start_collector()
        self.agent = self.start_agent(
            {"collector": self.collector.address, "hostname": "here", "interval": "100ms", "ship_interval": "300ms"},
            "[plugin filesystem]\nenabled = no\n",  # which has a process of its own where others are mounted
            ready=False, prefix=[sys.executable, os.path.join(HERE, "btrfs.py"), self.path()])
        wait_until(lambda: self.agent.process.poll() is not None or ctl("--socket", self.agent.socket, "status").code == 0,
                   60, "the agent answers")
        if self.agent.process.poll() == btrfs.CANNOT:
            self.skipTest(self.agent.log().strip())

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def last(self, metric, *more):
        """{(device, more labels ...): the last value}, of its devices: the host may have other file systems."""
        found = {}
        for row in ctl("--socket", self.agent.socket, "list-metrics", metric, "-o", "json").json():
            labels = dict(re.findall(r'(\w+)="([^"]*)"', row["series"]))
            if labels["device"] in self.devices:
                self.assertRegex(labels["btrfs_dev_uuid"], r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
                found[tuple(labels[name] for name in ("device", *more))] = row["value"]
        return found

    def test_says_what_its_tool_says(self):
        usage = self.read("usage")
        self.devices = re.findall(r"/dev/(\w+), ID", usage)
        wait_until(lambda: self.last(SIZE), 10, "there are values")
        self.assertEqual(self.last(SIZE), {(device,): btrfs.N_BYTES for device in self.devices})
        unused = map(int, re.findall(r"Unallocated:\s+(\d+)", usage))
        self.assertEqual(self.last(UNUSED), {(device,): n_bytes for device, n_bytes in zip(self.devices, unused)})
        stats = re.findall(r"\[/dev/(\w+)\]\.(\w+?)(?:_io)?_errs\s+(\d+)", self.read("stats"))
        self.assertEqual(len(stats), 10)
        self.assertIn("1", [n for _, _, n in stats])
        self.assertEqual(self.last(ERRORS, "type"), {(device, kind): int(n) for device, kind, n in stats})

    def tasks(self):
        return [pid for pid in processes_below(self.agent.pid) if name_of(pid) == "agent-task"]

    def times(self, metric, since=0):
        """When samples were taken that are stored."""
        return [at for at in (float(row["time"]) for row in query(self.collector, metric, "--since", "-10m")) if at > since]

    def wait_times(self, metric, since):
        wait_until(lambda: len(self.times(metric, since)) > 10, 20, f"{metric} goes on")

    def test_one_that_does_not_answer_costs_its_own_samples(self):
        self.wait_times(UNUSED, 0)
        tasks = self.tasks()
        self.assertEqual(len(tasks), 1)
        os.kill(tasks[0], signal.SIGSTOP)
        wait_until(lambda: "timed out" in self.agent_error(), 10, "it is told")
        begin = time.time()
        self.wait_times("node_btrfs_global_rsv_size_bytes", begin)
        self.assertEqual(self.times(UNUSED, begin), [])
        self.assertEqual(self.tasks(), tasks)
        os.kill(tasks[0], signal.SIGCONT)
        self.wait_times(UNUSED, begin)

    def agent_error(self):
        rows = ctl("--socket", self.agent.socket, "list-plugins", "-o", "json").json()
        return str([row for row in rows if "btrfs" in row.values()])
