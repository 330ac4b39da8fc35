# SPDX-License-Identifier: MIT
"""[retention] with sizes: the oldest samples go while files take more of the disk, and no others do."""

import os
import random
import signal
import time

from support import Case, ctl, query, status, wait_until

HOSTS, METRICS, ROUNDS, STEPS = ("a1", "a2", "b1"), 2, 12, 1500
STEP = 400  # seconds
SECONDS = 90  # within which room is to come back
KIB = 1024
BLOCK, PAGE = 13 * KIB, 4 * KIB


class SizeTests(Case):
    def setUp(self):
        super().setUp()
        self.chooser = random.Random(5)
        self.sent = {}  # (host, metric): [(time, value)]
        self.now = int(time.time()) - 2 * ROUNDS * STEPS * STEP
        self.begin = self.now

    def configure(self, *lines):
        return self.write("collector.conf", "\n".join(("[retention]", *lines, "")))

    def reload(self, *lines):
        self.configure(*lines)
        result = ctl("--socket", self.collector.socket, "reload")
        self.assertEqual(result.code, 0, result.err)

    def start(self, *lines, name="collector"):
        self.collector = self.start_collector("--config", self.configure(*lines), name=name)

    def fill(self, n_rounds, hosts=HOSTS):
        """Samples that do not pack well, and a checkpoint after each round."""
        for _ in range(n_rounds):
            before = status(self.collector)["samples_stored"]
            lines = []
            for _ in range(STEPS):
                for host in hosts:
                    for metric in range(METRICS):
                        value = self.chooser.random()
                        self.sent.setdefault((host, f"m{metric}"), []).append((self.now, value))
                        lines.append(f'{self.now} m{metric}{{host="{host}"}} {value!r}\n')
                self.now += STEP
            self.send(self.collector.port, "".join(lines))
            self.wait_stored(self.collector, before + len(lines), 60)
            self.assertEqual(ctl("--socket", self.collector.socket, "flush", seconds=60).code, 0)

    def allocated(self, *hosts):
        total = 0
        for host in hosts or os.listdir(self.path("store", "hosts")):
            folder = self.path("store", "hosts", host)
            for name in os.listdir(folder):
                total += os.stat(os.path.join(folder, name)).st_blocks * 512
        return total

    def hosts(self):
        rows = ctl("--socket", self.collector.socket, "list-hosts", "-o", "json").json()
        return {row["host"]: row for row in rows}

    def assert_only_the_oldest_are_gone(self, touched):
        """Of each host all samples from its oldest one on are there, and those of hosts not touched all are."""
        oldest = {name: row["oldest_time"] for name, row in self.hosts().items()}
        found = {}
        for row in query(self.collector, "*", "--all"):
            found.setdefault((row["host"], row["series"]), []).append((row["time"], row["value"]))
        for (host, metric), samples in self.sent.items():
            expected = [sample for sample in samples if sample[0] >= oldest[host]]
            self.assertEqual(found[(host, metric)], expected, (host, metric))
            self.assertGreaterEqual(len(expected), STEPS, "the newest ones stay")
            self.assertEqual(len(expected) < len(samples), host in touched, (host, len(expected), len(samples)))
        return oldest

    def assert_whole(self):
        checked = ctl("--socket", self.collector.socket, "check", self.path("store"))
        self.assertEqual(checked.code, 0, checked.out + checked.err)

    def wait_below(self, limit, *hosts):
        n_hosts = len(hosts or HOSTS)
        wait_until(lambda: self.allocated(*hosts) <= limit, SECONDS, f"below {limit}: {self.allocated(*hosts)}")
        # It stops there: what goes beyond it is the spare part, and a block and a page of each file.
        time.sleep(1)
        told = sum(row["bytes"] for name, row in self.hosts().items() if name in (hosts or HOSTS))
        self.assertAlmostEqual(told, self.allocated(*hosts), delta=n_hosts * METRICS * PAGE)
        self.assertGreater(told, limit // 64 * 63 - n_hosts * METRICS * (BLOCK + PAGE))

    def test_the_oldest_samples_go_until_the_store_is_small_enough(self):
        self.start("max_size = 512K")
        self.fill(3)
        before = self.allocated()
        self.assertLess(before, 512 * KIB, "nothing is to be done yet")
        self.assert_only_the_oldest_are_gone(())
        self.assertEqual(status(self.collector)["retention"], "")
        self.fill(ROUNDS - 3)
        self.wait_below(512 * KIB)
        oldest = self.assert_only_the_oldest_are_gone(HOSTS)
        self.assertIn("max_size = 524288 bytes: ", status(self.collector)["retention"])
        self.assertIn("bytes of samples before", status(self.collector)["retention"])
        self.assert_whole()
        # As much again and again: it goes on, and stays below.
        self.fill(2)
        self.wait_below(512 * KIB)
        later = self.assert_only_the_oldest_are_gone(HOSTS)
        self.assertGreater(min(later.values()), max(oldest.values()))
        # A smaller size acts on what is there.
        self.reload("max_size = 256K")
        self.wait_below(256 * KIB)
        self.assert_only_the_oldest_are_gone(HOSTS)
        self.collector.stop(signal.SIGKILL)
        self.start("max_size = 256K", name="again")
        kept = self.assert_only_the_oldest_are_gone(HOSTS)
        self.assertLessEqual(self.allocated(), 256 * KIB)
        self.assertEqual({name: row["bytes"] for name, row in self.hosts().items()},
                         {name: self.allocated(name) for name in HOSTS})
        # A larger one brings nothing back, and removes nothing.
        self.reload("max_size = 1T")
        time.sleep(1)
        self.assertEqual(self.assert_only_the_oldest_are_gone(HOSTS), kept)
        self.assert_whole()

    def test_a_pattern_limits_its_hosts_only_and_what_is_oldest_goes_first(self):
        self.start()
        self.fill(6, ("a1",))
        self.fill(4, ("a2", "b1"))
        others = self.allocated("a2", "b1")
        limit = self.allocated("a1", "a2") - 60 * KIB
        self.reload(f"a* = 4000d {limit >> 10}K", "default = 4000d")
        self.wait_below(limit >> 10 << 10, "a1", "a2")
        self.assert_only_the_oldest_are_gone(("a1",))
        self.assertEqual(self.allocated("a2", "b1"), others)
        self.assertIn("a* = ", status(self.collector)["retention"])
        self.assert_whole()

    def test_a_size_that_cannot_be_kept_removes_nothing(self):
        self.start("max_size = 40K")
        self.fill(1)
        wait_until(lambda: "cannot be kept" in status(self.collector)["retention"], 30, "it says so")
        self.assert_only_the_oldest_are_gone(())
        self.assertIn("cannot be kept", self.collector.log())

    def test_what_is_no_size_is_refused(self):
        self.start("max_size = 1G")
        for line in ("max_size = 30d", "max_size = 1", "max_size =", "a* = 1Q", "a* = 30d 1Q", "default = 0G", "b* = 0d"):
            self.configure(line)
            refused = ctl("--socket", self.collector.socket, "reload")
            self.assertEqual(refused.code, 1, line)
            self.assertIn("collector.conf:2: ", refused.err + refused.out, line)
