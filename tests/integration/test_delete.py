# SPDX-License-Identifier: MIT
"""agentctl delete: shows, asks, deletes for good, and the store is whole afterwards."""

import os
import time

import store_log
import store_reader
from support import Case, ctl, query, status, wait_until

COUNT = 60


class Delete(Case):
    def setUp(self):
        super().setUp()
        self.collector = self.start_collector()
        self.begin = int(time.time()) - 3600
        lines = [f"{self.begin + i} {name} {i}" for i in range(COUNT) for name in ("a", "b{x=\"1\"}", "b{x=\"2\"}")]
        self.send(self.collector.port, "\n".join(lines) + "\n")
        self.wait_stored(self.collector, 3 * COUNT)

    def ctl(self, *arguments, **options):
        return ctl("--socket", self.collector.socket, *arguments, **options)

    def count(self, pattern="*"):
        return len(query(self.collector, pattern, "--all"))

    def count_in_files(self):
        """As a reader of its own finds it."""
        store_id = store_log.read_id(self.path("store", "id"))
        folder = self.path("store", "hosts", *os.listdir(self.path("store", "hosts")))
        return sum(len(samples) for parts in store_reader.read_parts(folder, store_id).values()
                   for samples in store_reader.samples_of([block for part in parts for block in part]).values())

    def test_what_would_be_deleted_is_shown_and_nothing_is(self):
        shown = self.ctl("delete", "b", "-n", "-o", "json").json()
        self.assertEqual([row["samples"] for row in shown], [COUNT, COUNT])
        refused = self.ctl("delete", "b", text_in="y\n")
        self.assertEqual(refused.code, 2)
        self.assertIn("--yes", refused.err)
        self.assertEqual(self.count(), 3 * COUNT)

    def test_deleted_samples_stay_deleted_and_later_ones_stay(self):
        self.assertEqual(self.ctl("flush").code, 0)
        self.send(self.collector.port, f"{self.begin + COUNT} a {COUNT}\n")
        self.wait_stored(self.collector, 3 * COUNT + 1)
        done = self.ctl("delete", "b{x=\"1\"}", "--yes")
        self.assertEqual(done.code, 0, done.err)
        done = self.ctl("delete", "a", "--since", str(self.begin + 50), "--yes")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(self.count(), COUNT + 50)
        self.send(self.collector.port, f"{self.begin + 55} a 7\n")
        self.wait_stored(self.collector, 3 * COUNT + 2)
        self.assertEqual(self.count(), COUNT + 51)
        self.assertEqual(self.ctl("flush").code, 0)
        self.assertEqual(self.count(), COUNT + 51)
        checked = self.ctl("check", self.path("store"))
        self.assertEqual(checked.code, 0, checked.out + checked.err)
        self.assertEqual(self.count_in_files(), COUNT + 51)
        self.collector.stop()
        self.collector = self.start_collector(name="again")
        self.assertEqual(self.count(), COUNT + 51)
        self.assertEqual(self.ctl("delete", "b", "--yes").code, 0)
        self.assertEqual(self.ctl("flush").code, 0)
        self.assertEqual(self.count(), 51)
        checked = self.ctl("check", self.path("store"))
        self.assertEqual(checked.code, 0, checked.out + checked.err)

    def look(self, collector):
        """How many samples a query has, a query of means, an export, and the last values that are listed."""
        ask = ["--socket", collector.socket]
        means = ctl(*ask, "query", "*", "--step", "1h", "-f", "count", "-o", "json").json()
        exported = ctl(*ask, "export").out.splitlines()[1:]
        listed = ctl(*ask, "list-metrics", "-o", "json").json()
        got = ctl(*ask, "get", "*", "-o", "json").json()
        return (len(query(collector, "*", "--all")), sum(row["value"] for row in means if row["value"]), len(exported),
                {row["series"]: row["value"] for row in listed if row["value"] is not None},
                {row["series"]: row["value"] for row in got})

    def test_what_is_deleted_is_so_for_every_reader_and_can_be_imported_again(self):
        self.assertEqual(self.ctl("flush").code, 0)
        whole = self.path("whole.csv")
        with open(whole, "w", encoding="utf-8") as file:
            file.write(self.ctl("export", "a").out)
        self.assertEqual(self.ctl("delete", "a", "--since", str(self.begin + 50), "--yes").code, 0)
        self.assertEqual(self.ctl("delete", "b{x=\"1\"}", "--yes").code, 0)
        left = COUNT + 50
        last = {"a": 49, 'b{x="2"}': COUNT - 1}
        # What only the log says is deleted; then the files; then the collector of a copy, and this one again.
        self.assertEqual(self.look(self.collector), (left, left, left, last, last))
        for name, is_flushed in (("log", False), ("files", True)):
            if is_flushed:
                self.assertEqual(self.ctl("flush").code, 0)
                self.assertEqual(self.look(self.collector), (left, left, left, last, last))
            taken = self.ctl("snapshot", self.path(name))
            self.assertEqual(taken.code, 0, taken.err)
            copy = self.start_daemon("hostmetrics-collector", ["--listen", "127.0.0.1:0", "--store", self.path(name)],
                                     "copy-" + name)
            self.assertEqual(self.look(copy)[:3], (left, left, left))
            copy.stop()
            checked = self.ctl("check", self.path(name))
            self.assertEqual(checked.code, 0, checked.out + checked.err)
        imported = self.ctl("import", whole)
        self.assertEqual(imported.code, 0, imported.err)
        left += COUNT
        self.assertEqual(self.count(), left)
        self.assertEqual(self.ctl("flush").code, 0)
        self.assertEqual(self.count(), left)
        self.collector.stop()
        self.collector = self.start_collector(name="again")
        self.assertEqual(self.count(), left)
        self.assertEqual(len(self.ctl("export").out.splitlines()) - 1, left)

    def test_nothing_matches(self):
        self.assertEqual(self.ctl("delete", "none", "--yes").code, 1)
        self.assertEqual(self.ctl("delete", "a", "--until", str(self.begin - 10), "--yes").code, 1)


class Retention(Case):
    def test_old_samples_go_also_after_a_reload_and_a_wrong_rule_is_refused(self):
        config = self.write("collector.conf", "[retention]\nother* = 1h\ndefault = 2h\n")
        collector = self.start_collector("--config", config)
        now = int(time.time())
        ages = (3 * 3600, 5400, 1800, 10)
        self.send(collector.port, "".join(f"{now - age} a {age}\n" for age in ages))
        self.wait_stored(collector, 4)
        wait_until(lambda: len(query(collector, "a")) == 3, 30, "what is older than two hours is gone")
        self.write("collector.conf", "[retention]\ndefault = 1h\n")
        reloaded = ctl("--socket", collector.socket, "reload")
        self.assertEqual(reloaded.code, 0, reloaded.err)
        self.assertIn("retention", reloaded.out)
        wait_until(lambda: len(query(collector, "a")) == 2, 30, "what is older than an hour is gone")
        self.send(collector.port, f"{now - 5000} a 1\n")
        wait_until(lambda: status(collector).get("rejected_too_old") == 1, 10, "a sample that is too old is refused")
        old = self.write("old.jsonl", "".join(f'{{"time":{now - age},"metric":"b","value":1}}\n' for age in (4000, 5)))
        imported = ctl("--socket", collector.socket, "import", old)
        self.assertIn("1 samples stored, 1 lines refused", imported.out + imported.err)
        self.assertIn("older than [retention] keeps", imported.out + imported.err)
        self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
        checked = ctl("--socket", collector.socket, "check", self.path("store"))
        self.assertEqual(checked.code, 0, checked.out + checked.err)
        self.write("collector.conf", "[retention]\ndefault = long\n")
        refused = ctl("--socket", collector.socket, "reload")
        self.assertNotEqual(refused.code, 0)
        self.assertIn("is not a duration", refused.out + refused.err)
        self.assertEqual(len(query(collector, "a")), 2)
