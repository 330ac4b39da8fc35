# SPDX-License-Identifier: MIT
"""agentctl and the collector with 100 000 series."""

import os
import resource
import threading
import time
import unittest

from support import PATIENCE, Case, ctl, status, wait_until

HOSTS, METRICS, SERIES = 20, 50, 100
# Generous: the machine may be busy and the programs sanitized. Anything quadratic takes minutes.
CPU_SECONDS = 5 * PATIENCE


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Large(Case):
    def setUp(self):
        super().setUp()
        self.collector = self.start_collector()
        lines = (f'large_{metric:02}_total;cpu={series};mode=user;host=web{host:02} {series / 7} 1795416401\n'
                 for host in range(HOSTS) for metric in range(METRICS) for series in range(SERIES))
        self.send(self.collector.port, "".join(lines))
        self.wait_stored(self.collector, HOSTS * METRICS * SERIES, 60)

    def ctl(self, *arguments):
        """Its lines, and the CPU time of both sides."""
        begin = resource.getrusage(resource.RUSAGE_CHILDREN)
        collector_begin = cpu_seconds(self.collector.pid)
        result = ctl("--socket", self.collector.socket, *arguments)
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertEqual(result.code, 0, result.err)
        return result.lines(), (end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime +
                                cpu_seconds(self.collector.pid) - collector_begin)

    def test_every_format_lists_100000_series_quickly(self):
        for arguments, headings in (((), 1), (("-o", "plain"), 0), (("-o", "json"), 2), (("-o", "csv"), 1),
                                    (('large*{*mode="user"*}', "-o", "plain"), 0)):
            with self.subTest(arguments=arguments):
                lines, seconds = self.ctl("list-metrics", *arguments)
                self.assertEqual(len(lines), HOSTS * METRICS * SERIES + headings)
                self.assertLess(seconds, CPU_SECONDS)

    def test_watch_sorts_and_filters_them_quickly(self):
        for arguments, expected in ((("--sort", "-value"), 100001), (("--filter", 'cpu="7"'), 1001)):
            with self.subTest(arguments=arguments):
                lines, seconds = self.ctl("watch", "--count", "1", *arguments)
                self.assertEqual(len(lines), expected)
                self.assertLess(seconds, CPU_SECONDS)

    def test_lines_are_stored_while_others_list(self):
        done = threading.Event()

        def list_on():
            while not done.is_set():
                ctl("--socket", self.collector.socket, "list-metrics", "-o", "plain")

        listers = [threading.Thread(target=list_on) for _ in range(4)]
        for lister in listers:
            lister.start()
        try:
            for number in range(5):
                begin = time.monotonic()
                stored = status(self.collector)["samples_stored"]
                self.send(self.collector.port, f"meanwhile {number}\n")
                wait_until(lambda: status(self.collector)["samples_stored"] > stored, 10, "the line is stored")
                # A line is stored about a second after it was read.
                self.assertLess(time.monotonic() - begin, 4 * PATIENCE)
        finally:
            done.set()
            for lister in listers:
                lister.join()


if __name__ == "__main__":
    unittest.main()
