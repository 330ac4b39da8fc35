# SPDX-License-Identifier: MIT
"""File systems that do not answer cost their own samples only (P11)."""

import os
import shutil
import sys
import time

import sampled
from processes import name_of, processes_below
from support import PATIENCE, Case, ctl, query, wait_until

# So long it hangs; the longer, the more is shown.
HANG_SECONDS = float(os.environ.get("HM_HANG_SECONDS", "6"))
INTERVAL = 0.1
LATE_SECONDS = 0.05
STOP_SECONDS = 2
FUSE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fuse.py")
SIZE = "node_filesystem_size_bytes"


class Hang(Case):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root may mount")
        if not os.path.exists("/dev/fuse"):
            self.skipTest("this kernel has no FUSE")
        os.makedirs(self.path("fs"))
        os.makedirs(self.path("plugins"))
        for source in (os.path.join(sampled.PLUGINS, "counter.so"),
                       os.path.join(os.path.dirname(sampled.PLUGINS), "plugins", "hostmetrics.so")):
            shutil.copy(source, self.path("plugins", os.path.basename(source)))

    def start(self, more=""):
        self.collector = self.start_collector()
        self.agent = self.start_agent(
            {"collector": self.collector.address, "hostname": "here", "interval": "100ms", "ship_interval": "500ms"},
            f"[plugin counter]\nfile = {self.path('list')}\n{more}", arguments=["--plugins", self.path("plugins")],
            prefix=[sys.executable, FUSE, self.path("fs")])

    def switch(self, name, is_on):
        if is_on:
            self.write(os.path.join("fs", name), "")
        else:
            os.unlink(self.path("fs", name))

    def values(self, mount, pattern=SIZE):
        found = query(self.collector, f'{pattern}{{mountpoint="{self.path("fs", mount)}"}}', "--since", "-10m")
        return {float(row["time"]): row["value"] for row in found}

    def listed(self):
        """When rounds of another plugin were taken."""
        with open(self.path("list"), "rb") as file:
            return [at / 1e6 for _, at in sampled.ROUND.iter_unpack(file.read())]

    def n_tasks(self):
        return [name_of(pid) for pid in processes_below(self.agent.pid)].count("agent-task")

    def n_threads(self):
        return [len(os.listdir(f"/proc/{pid}/task")) for pid in processes_below(self.agent.pid)
                if name_of(pid) == "hostmetrics-age"]

    def wait_value(self, mount, since, pattern=SIZE, value=4096000):
        wait_until(lambda: any(at > since and found == value for at, found in self.values(mount, pattern).items()),
                   15, f"{mount}: {pattern}")

    def hang(self, seconds):
        """Count the processes and threads meanwhile."""
        most_tasks, most_threads = 0, 0
        begin = time.time()
        while time.time() < begin + seconds:
            most_tasks = max(most_tasks, self.n_tasks())
            most_threads = max(most_threads, *self.n_threads())
            time.sleep(0.05)
        return begin, most_tasks, most_threads

    def check_ticks(self, begin, end):
        """Rounds of another plugin, from the beginning of the tick on."""
        times = [at for at in self.listed() if begin <= at <= end]
        late = sorted(at % INTERVAL for at in times)
        self.assertGreater(len(times), (end - begin) / INTERVAL * 0.9 / PATIENCE)
        print(f"{len(times)} ticks in {end - begin:.1f} s, the latest after {late[-1] * 1000:.1f} ms")
        # Whoever waited for it would be late each time; a busy machine makes one late now and then.
        self.assertLess(late[len(late) * 9 // 10], LATE_SECONDS * PATIENCE)

    def check_hang(self, mount, other, name, is_on):
        self.wait_value("hung", 0)
        self.wait_value("frozen", 0)
        threads = max(self.n_threads())
        self.switch(name, is_on)
        self.wait_value(mount, time.time(), "node_filesystem_device_error", 1)
        begin, n_tasks, n_threads = self.hang(HANG_SECONDS)
        end = time.time()
        self.assertEqual(n_threads, threads)
        self.assertLessEqual(n_tasks, 2, "one that is stuck, one for the other file system")
        self.check_ticks(begin, end)
        self.wait_value(other, end - 1)
        self.assertEqual([at for at in self.values(mount) if begin < at < end], [])
        return begin

    def check_back(self, mount, begin, name, is_on):
        back = time.time()
        self.switch(name, is_on)
        self.wait_value(mount, back)
        wait_until(lambda: self.n_tasks() == 1, 10, "the second process has gone")
        why = ctl("--socket", self.collector.socket, "why", f'{SIZE}{{mountpoint="{self.path("fs", mount)}"}}',
                  "--host", "here", "--at", str(begin + 1), "-o", "json")
        self.assertEqual(why.code, 0, why.err)
        self.assertIn("source_stuck", why.out)

    def test_a_statfs_that_never_answers(self):
        self.switch("answer", True)
        self.start()
        begin = self.check_hang("hung", "frozen", "answer", False)
        self.check_back("hung", begin, "answer", True)

    def test_a_server_that_is_stopped(self):
        self.switch("answer", True)
        self.start()
        begin = self.check_hang("frozen", "hung", "freeze", True)
        self.check_back("frozen", begin, "freeze", False)

    def test_the_agent_ends_while_one_does_not_answer(self):
        self.start()
        self.wait_value("hung", 0, "node_filesystem_device_error", 1)
        self.assertGreaterEqual(self.n_tasks(), 1)
        code, seconds = self.agent.stop()
        self.assertEqual(code, 0)
        self.assertLess(seconds, STOP_SECONDS * PATIENCE)

    def test_an_automount_is_not_asked(self):
        self.switch("answer", True)
        self.start()
        self.wait_value("hung", time.time() + 1)
        self.assertFalse(os.path.exists(self.path("fs", "triggered")))
        self.assertEqual(self.values("auto", "node_filesystem_readonly"), {})

    def test_an_automount_that_is_asked_would_be_noticed(self):
        self.switch("answer", True)
        self.start("[plugin filesystem]\nignore_types = proc sysfs\n")
        self.wait_value("auto", 0, "node_filesystem_device_error", 1)
        self.assertTrue(os.path.exists(self.path("fs", "triggered")))
