# SPDX-License-Identifier: MIT
"""Tests that ask the collector why samples are missing: before and after a checkpoint and a restart."""

import time

from story import INTERVAL
from support import Case, ctl


class Asking(Case):
    def setUp(self):
        super().setUp()
        self.is_damaged = False
        self.collector = self.start_collector()
        # So long ago that nothing is on its way any more; on the grid.
        self.begin = int(time.time()) // INTERVAL * INTERVAL - 7200

    def holes(self, what, *arguments):
        """[(first second, last second or None, reason, series or number of series), ...]"""
        result = ctl("--socket", self.collector.socket, "why", what, "-o", "json", *arguments)
        self.assertEqual(result.code, 0, result.err)
        if not self.is_damaged:
            self.assertEqual(result.err, "")
        rows = result.json()
        self.assertNotIn("unknown", [row["reason"] for row in rows])
        return [(self.second(row["from"]), self.second(row["to"]), row["reason"],
                 row["series"] if row["n_series"] == 1 else row["n_series"]) for row in rows]

    def second(self, when):
        return None if when is None else round(when - self.begin)

    def restart(self, between=lambda: None):
        self.collector.stop()
        between()
        self.collector = self.start_collector(name="collector-again")

    def flush(self):
        self.assertEqual(ctl("--socket", self.collector.socket, "flush").code, 0)

    def expect(self, expected, what="web01", arguments=()):
        """The same before a checkpoint, behind it, behind another, and after a restart."""
        self.assertEqual(self.holes(what, *arguments), expected, "in the log")
        self.flush()
        self.assertEqual(self.holes(what, *arguments), expected, "in files")
        self.restart()
        self.assertEqual(self.holes(what, *arguments), expected, "after a restart")

    def at(self, second):
        return f"{self.begin + second}"

    def since(self, second=0, until=7200):
        return ("--since", self.at(second), "--until", self.at(until))
