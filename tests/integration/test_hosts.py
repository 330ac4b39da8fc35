# SPDX-License-Identifier: MIT
"""What the collector tells of each host's files and samples, compared with the file system and with what was sent."""

import os
import signal
import time

from support import Case, ctl, status

BEGIN = 1_795_400_000
PAGE = 4096


class HostTests(Case):
    def hosts(self, *arguments):
        rows = ctl("--socket", self.collector.socket, "list-hosts", *arguments, "-o", "json").json()
        return {row["host"]: row for row in rows}

    def files(self, host):
        folder = self.path("store", "hosts", host)
        return [os.stat(os.path.join(folder, name)) for name in os.listdir(folder)]

    def allocated(self, *names):
        folder = self.path("store", *names)
        return sum(os.stat(os.path.join(folder, name)).st_blocks * 512 for name in os.listdir(folder))

    def flush(self):
        result = ctl("--socket", self.collector.socket, "flush", seconds=60)
        self.assertEqual(result.code, 0, result.err)

    def send_lines(self, lines):
        """Sends samples (host, metric, time, value) and waits until they are stored."""
        before = status(self.collector)["samples_stored"]
        self.send(self.collector.port,
                  "".join(f'{when} {metric}{{host="{host}"}} {value!r}\n' for host, metric, when, value in lines))
        self.wait_stored(self.collector, before + len(lines), 30)

    def assert_hosts(self, oldest, is_exact):
        """oldest: of each host. Exact after a start; else what a file system did when it wrote back may be missing."""
        hosts = self.hosts()
        self.assertEqual(set(hosts), set(oldest))
        for name, row in hosts.items():
            files = self.files(name)
            n_bytes = sum(file.st_blocks * 512 for file in files)
            self.assertEqual(row["inodes"], len(files) + 1, name)
            self.assertLessEqual(abs(row["bytes"] - n_bytes), 0 if is_exact else PAGE * len(files), (name, row))
            self.assertEqual(row["oldest_time"], oldest[name], name)
        totals = status(self.collector)
        for total, column in (("store_disk_bytes", "bytes"), ("store_inodes", "inodes")):
            self.assertEqual(totals[total], sum(row[column] for row in hosts.values()))
        self.assertEqual(totals["oldest_time"], min(oldest.values()))
        # Segments are preallocated; what a file system needs to note where they lie comes on top.
        self.assertAlmostEqual(totals["log_disk_bytes"], self.allocated("log"), delta=64 << 10)
        return hosts

    def restart(self, number):
        self.collector.stop(number)
        self.collector = self.start_collector(name=f"again-{len(self.daemons)}")

    def test_what_is_told_of_hosts_is_what_the_disk_has(self):
        self.collector = self.start_collector()
        # Values that do not pack well, so that a file has many pages.
        self.send_lines([(host, f"m{m}", BEGIN + i, (i * 7919 + m) % 104729 / 7.0)
                         for host, n in (("big", 4000), ("small", 1000)) for i in range(n) for m in range(10)])
        self.assertEqual({row["bytes"] for row in self.hosts().values()}, {0}, "all is in the log")
        self.flush()
        oldest = {"big": BEGIN, "small": BEGIN}
        hosts = self.assert_hosts(oldest, is_exact=False)
        self.assertGreater(hosts["small"]["bytes"], 10 * 2 * PAGE)
        self.assertGreater(hosts["big"]["bytes"], 2 * hosts["small"]["bytes"])
        self.restart(signal.SIGTERM)
        hosts = self.assert_hosts(oldest, is_exact=True)

        # Late samples: in the log, behind younger ones in files, and after kill -9 each time. Impossible times do not count.
        self.send_lines([("small", "m1", BEGIN - 5000, 1.0), ("big", "late", 1_262_304_000, 1.0),
                         ("new", "m1", BEGIN + 17, 1.0)])
        oldest.update(small=BEGIN - 5000)
        self.assertEqual(self.hosts()["small"]["oldest_time"], BEGIN - 5000)
        self.restart(signal.SIGKILL)
        self.assertEqual(self.hosts()["small"]["oldest_time"], BEGIN - 5000)
        self.flush()
        oldest.update(new=BEGIN + 17)
        self.assert_hosts(oldest, is_exact=False)
        self.restart(signal.SIGKILL)
        self.assert_hosts(oldest, is_exact=True)

        # A host's own file is lost: the first blocks of the others tell, and the next checkpoint notes it again.
        self.collector.stop(signal.SIGKILL)
        os.unlink(self.path("store", "hosts", "big", ".host"))
        self.collector = self.start_collector(name="headless")
        self.assert_hosts(oldest, is_exact=True)
        self.assertEqual(ctl("check", self.path("store")).code, 0)

    def test_hosts_are_sorted_and_have_a_rate(self):
        self.collector = self.start_collector()
        begin = time.monotonic()
        for i in range(4):
            self.send_lines([(host, f"m{m}", BEGIN + i, 1.0) for host, n in (("a", 300), ("b", 30)) for m in range(n)])
        seconds = time.monotonic() - begin
        self.flush()
        hosts = self.hosts("--sort", "-bytes")
        self.assertEqual(list(hosts), ["a", "b"])
        self.assertEqual(list(self.hosts("--sort", "bytes")), ["b", "a"])
        # Three times so many came since the first ones.
        for name, n in (("a", 900), ("b", 90)):
            self.assertGreaterEqual(hosts[name]["rate"], n / seconds)
        self.assertAlmostEqual(hosts["a"]["rate"] / hosts["b"]["rate"], 10, delta=3)
        self.assertGreaterEqual(status(self.collector)["samples_a_second"], int(hosts["a"]["rate"]))
        table = ctl("--socket", self.collector.socket, "list-hosts", "--sort", "-inodes").lines()
        self.assertEqual(table[0].split()[:6], ["HOST", "SERIES", "SAMPLES", "RATE", "BYTES", "INODES"])
        self.assertEqual([line.split()[0] for line in table[1:]], ["a", "b"])
        refused = ctl("--socket", self.collector.socket, "list-hosts", "--sort", "size")
        self.assertEqual(refused.code, 2)
        self.assertIn("bytes, inodes", refused.err)
