# SPDX-License-Identifier: MIT
"""agentctl check: what it says of a store, with and without a collector."""

import os
import shutil
import signal
import struct

from store_reader import crc32c, example
from support import Case, ctl, query, status


class Check(Case):
    def setUp(self):
        super().setUp()
        self.store = self.path("a-store")
        os.makedirs(os.path.join(self.store, "hosts", "web01"))
        self.data = example()

    def save(self, data):
        with open(os.path.join(self.store, "hosts", "web01", "temp.hm"), "wb") as file:
            file.write(data)

    def test_a_whole_store(self):
        self.save(self.data)
        result = ctl("check", self.store)
        self.assertEqual((result.code, result.out), (0, ""))
        self.assertIn("1 files of 0 hosts in the log, 2 blocks, 5 samples", result.err)
        self.assertIn("all of it is whole", result.err)

    def test_a_damaged_range_is_a_row_of_each_format(self):
        self.save(self.data[:150] + bytes([self.data[150] ^ 1]) + self.data[151:])
        result = ctl("check", self.store, "-o", "json")
        self.assertEqual(result.code, 1)
        self.assertEqual(result.json(), [{"file": "hosts/web01/temp.hm", "offset": 140, "length": 101, "since": None,
                                          "until": None, "lost": "samples or names of series"}])
        result = ctl("check", self.store)
        self.assertEqual(result.code, 1)
        self.assertRegex(result.out, r"FILE +OFFSET +LENGTH +SINCE +UNTIL +LOST\n"
                                     r"hosts/web01/temp.hm +140 +101 +")
        self.assertIn("1 damaged ranges, 101 bytes", result.err)

    def test_a_file_of_another_version_cannot_be_checked(self):
        # Whole, but for a version that is not known; with another checksum it would be a damaged one of ours.
        end = struct.unpack_from("<I", self.data, 12)[0] - 4
        header = self.data[:8] + b"\3" + self.data[9:end]
        self.save(header + struct.pack("<I", crc32c(header)) + self.data[end + 4:])
        result = ctl("check", self.store)
        self.assertEqual(result.code, 2)
        self.assertIn("hosts/web01/temp.hm is of another version", result.err)

    def test_no_store(self):
        result = ctl("check", self.path("nowhere"))
        self.assertEqual(result.code, 2)
        self.assertIn("No such file", result.err)
        self.assertEqual(ctl("check", "--socket", self.path("nobody")).code, 3)

    def test_it_changes_nothing(self):
        self.save(self.data[:-1])
        path = os.path.join(self.store, "hosts", "web01", "temp.hm")
        before = os.stat(path)
        self.assertEqual(ctl("check", self.store).code, 1)
        after = os.stat(path)
        self.assertEqual((before.st_mtime_ns, before.st_size), (after.st_mtime_ns, after.st_size))
        self.assertEqual(os.listdir(self.store), ["hosts"])

    def test_what_a_power_cut_tore_is_no_damage_when_more_was_logged(self):
        collector = self.start_collector("--store", self.store)
        self.send(collector.port, "m 1\n")
        self.wait_stored(collector, 1)
        collector.stop(signal.SIGKILL)
        # Of the last commit only the end came to the disk.
        path = os.path.join(self.store, "log", "00000001.log")
        with open(path, "r+b") as file:
            end = len(file.read()[:-64].rstrip(b"\0"))
            file.seek(end + 4096)
            file.write(b"\xff" * 100)
        collector = self.start_collector("--store", self.store)
        self.send(collector.port, "m 2\n")
        self.wait_stored(collector, 1)
        self.assertEqual(len(query(collector, "m")), 2)
        self.assertEqual(status(collector)["damaged_ranges"], 0)
        self.assertEqual(collector.stop()[0], 0)
        result = ctl("check", self.store)
        self.assertEqual((result.code, result.out), (0, ""))
        self.assertIn("bytes are not yet confirmed: no damage", result.err)
        self.assertIn("all of it is whole", result.err)

    def test_the_store_of_the_collector_that_runs(self):
        collector = self.start_collector()
        result = ctl("--socket", collector.socket, "check")
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("all of it is whole", result.err)

    def test_a_metric_file_that_is_gone_is_missed(self):
        collector = self.start_collector("--store", self.store)
        self.send(collector.port, "m 1\nm 2\nx 3\nother{host=\"b\"} 4\n")
        self.wait_stored(collector, 4)
        self.assertEqual(ctl("flush", "--socket", collector.socket).code, 0)
        self.assertEqual(ctl("check", "--socket", collector.socket).code, 0)
        folder = os.path.join(self.store, "hosts")
        host = [name for name in os.listdir(folder) if os.path.exists(os.path.join(folder, name, "m.hm"))][0]
        os.remove(os.path.join(folder, host, "m.hm"))
        for arguments in (["--socket", collector.socket], [self.store]):
            result = ctl("check", *arguments, "-o", "json")
            self.assertEqual(result.code, 1)
            self.assertEqual([(row["file"], row["lost"]) for row in result.json()],
                             [(f"hosts/{host}", "2 samples that are in no file: one is gone, or was cut")])

    def test_what_has_the_name_of_a_hosts_folder_is_named(self):
        self.save(self.data)
        os.symlink("web01", os.path.join(self.store, "hosts", "web02"))
        with open(os.path.join(self.store, "hosts", "web03"), "w"):
            pass
        os.mkdir(os.path.join(self.store, "log"))
        result = ctl("check", self.store, "-o", "json")
        self.assertEqual((result.code, result.json()), (0, []))
        for name in "web02", "web03":
            self.assertIn(f"hosts/{name}: no folder: a host of this name has its files in another", result.err)
        collector = self.start_collector("--store", self.store)
        self.send(collector.port, 'm{host="web02"} 1\nm{host="web03"} 2\nm{host="web04"} 3\n')
        self.wait_stored(collector, 3)
        self.assertIn("no folder", status(collector)["last_error"])
        self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
        folders = os.listdir(os.path.join(self.store, "hosts"))
        self.assertLessEqual({"web02~2", "web03~2", "web04"}, set(folders))
        self.assertTrue(os.path.islink(os.path.join(self.store, "hosts", "web02")))
        self.assertEqual(len(query(collector, "m")), 3)

    def test_what_is_of_another_store_is_named(self):
        for name, value in ("one", 1), ("other", 2):
            collector = self.start_collector("--store", self.path(name), name=name)
            self.send(collector.port, f'm{{host="h"}} {value}\nn{{host="h"}} {value}\n')
            self.wait_stored(collector, 2)
            self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
            collector.stop()
            self.assertEqual(ctl("check", self.path(name)).code, 0)
        self.start_collector("--store", self.path("other"), name="more").stop()
        for name in ("hosts", "h", "m.hm"), ("log", "00000002.log"):
            shutil.copy(self.path("other", *name), self.path("one", *name))
        collector = self.start_collector("--store", self.path("one"), name="again")
        self.assertEqual([row["value"] for row in query(collector, "*")], [1])
        self.assertEqual(status(collector)["files_set_aside"], 1)
        self.assertEqual(status(collector)["last_error"], "hosts/h/m.hm: it is of another store")
        self.send(collector.port, 'm{host="h"} 3\n')
        self.wait_stored(collector, 1)
        self.assertEqual(ctl("--socket", collector.socket, "flush").code, 0)
        result = ctl("--socket", collector.socket, "check")
        self.assertEqual((result.code, result.out), (2, ""))
        self.assertIn("hosts/h/m.hm is of another store: none of it counts", result.err)
        self.assertIn("2 files could not be checked", result.err)
        with open(self.path("other", "hosts", "h", "m.hm"), "rb") as theirs, \
                open(self.path("one", "hosts", "h", "m.hm"), "rb") as here:
            self.assertEqual(theirs.read(), here.read())

    def test_a_damaged_id_is_named_and_found_again(self):
        collector = self.start_collector()
        collector.stop()
        path = self.path("store", "id")
        with open(path, "rb") as file:
            before = file.read()
        with open(path, "r+b") as file:
            file.write(b"x")
        result = ctl("check", self.path("store"), "-o", "json")
        self.assertEqual(result.code, 1)
        self.assertEqual([row["file"] for row in result.json()], ["id"])
        self.start_collector(name="again")
        with open(path, "rb") as file:
            self.assertEqual(file.read(), before)
