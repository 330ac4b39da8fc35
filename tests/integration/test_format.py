# SPDX-License-Identifier: MIT
"""docs/format.md: who has nothing but this page can read the store's files."""

import collections
import decimal
import glob
import json
import os
import random
import signal
import struct
import tempfile
import time
import unittest

import store_block
import store_log
import store_reader
from store_reader import DATA, EPOCH, EVENT, HOST, MESSAGE, META, SERIES
from support import Case, ctl, status

NOW = 1795416401000000
NOW_S = NOW // 1000000


def make_block(salt, offset, kind, position, payload):
    length = struct.pack("<I", len(payload) + 24)
    rest = length + struct.pack("<B3sQ", kind, bytes(3), position) + payload + length
    return struct.pack("<I", store_reader.crc32c(struct.pack("<IQ", salt, offset) + rest)) + rest


def leb(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


class Format(unittest.TestCase):
    def test_the_checksum_is_the_page_s(self):
        self.assertEqual(store_reader.crc32c(b"123456789"), 0xE3069283)

    def test_the_example_says_what_the_page_says(self):
        data = store_reader.example()
        header, blocks, damage = store_reader.read_file(data)
        self.assertEqual((header.host, header.metric, header.unit, header.kind, header.type, header.salt),
                         ("web01", "temp", "celsius", 1, store_reader.METRIC, 0x0BADCAFE))
        self.assertEqual(header.store_id.hex(), "00112233445566778899aabbccddeeff")
        self.assertEqual((header.part, header.continues_bytes), (0, 0))
        self.assertEqual(damage, [])
        self.assertEqual([block.type for block in blocks], [SERIES, DATA])
        self.assertEqual({block.position for block in blocks}, {1 << 32 | 64})
        self.assertEqual(store_reader.read_series(blocks[0].payload), (0, {0: '{zone="0"}', 1: '{zone="1"}'}))
        self.assertEqual(store_reader.read_data(blocks[1].payload)[:4],
                         (1795416401000000, 1795416403000000, -2**63, 84))
        self.assertEqual(list(store_reader.read_backwards(data)), blocks[::-1])
        self.assertEqual(store_reader.names_backwards(data),
                         ({0: '{zone="0"}', 1: '{zone="1"}'}, (1, "celsius")))

    def test_the_example_holds_the_samples_of_the_page(self):
        _, blocks, _ = store_reader.read_file(store_reader.example())
        second = 1000000
        self.assertEqual(store_block.decode(store_reader.read_data(blocks[1].payload)[4]),
                         [(0, [(NOW, 20.5), (NOW + second, 20.5), (NOW + 2 * second, 21)]),
                          (1, [(NOW, 30), (NOW + 2 * second, 31)])])

    def test_every_flipped_bit_is_noticed(self):
        data = bytearray(store_reader.example())
        for bit in range(len(data) * 8):
            data[bit // 8] ^= 1 << bit % 8
            try:
                _, blocks, damage = store_reader.read_file(bytes(data))
                self.assertEqual((len(blocks), len(damage)), (1, 1))
            except store_reader.Damaged:
                self.assertLess(bit // 8, 84)
            data[bit // 8] ^= 1 << bit % 8

    def test_what_it_writes_agentctl_reads(self):
        data = store_reader.example()
        data += make_block(0x0BADCAFE, len(data), META, 1, struct.pack("<QB", 84, 2) + b"kelvin")
        data += make_block(0x0BADCAFE, len(data), 99, 1, b"of a later version")
        names, meta = store_reader.names_backwards(data)
        self.assertEqual((len(names), meta), (2, (2, "kelvin")))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "temp.hm")
            with open(path, "wb") as file:
                file.write(data)
            result = ctl("dump", path)
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertEqual(result.lines(), ['1795416401\tweb01\ttemp{zone="0"}\t20.5',
                                          '1795416402\tweb01\ttemp{zone="0"}\t20.5',
                                          '1795416403\tweb01\ttemp{zone="0"}\t21',
                                          '1795416401\tweb01\ttemp{zone="1"}\t30',
                                          '1795416403\tweb01\ttemp{zone="1"}\t31'])

    def test_a_host_s_file_that_it_writes_agentctl_reads(self):
        data = struct.pack("<8sIIII16sIIQ4BHH", b"hostmetr", 2, 73, 0, 0, bytes(16), 7, 0, 0, 3, 0, 5, 0, 0, 0)
        data += b"web01"
        data += struct.pack("<I", store_reader.crc32c(data))
        data += make_block(7, len(data), HOST, 1, struct.pack("<I16sQ", 3, bytes(range(16)), 5) + b"web01.lan")
        data += make_block(7, len(data), EPOCH, 1, struct.pack("<16sQI", bytes(range(16)), 12, 34))
        data += make_block(7, len(data), EVENT, 1, struct.pack("<qqQQI", 5000000, 5500000, 56, 78, 62) + b"why")
        gap = struct.pack("<B16sQ16sQqqQH", 0, bytes(range(16)), 9, bytes(range(16)), 7, 5000000, 6500000, 11, 9)
        data += make_block(7, len(data), MESSAGE, 1, struct.pack("<Bq", store_log.GAP, 8000000) + gap)
        _, blocks, damage = store_reader.read_file(data)
        self.assertEqual(damage, [])
        self.assertEqual(store_reader.read_host(blocks[0].payload), (3, bytes(range(16)), 5, "web01.lan"))
        self.assertEqual(store_reader.read_epoch(blocks[1].payload), (bytes(range(16)), 12, 34))
        self.assertEqual(store_reader.read_event(blocks[2].payload), (5000000, 5500000, 56, 78, 62, "why"))
        self.assertEqual(store_reader.read_message(blocks[3].payload), (store_log.GAP, 8000000, gap))
        self.assertEqual(store_log.read_gap(gap), ((bytes(range(16)), 9, bytes(range(16))), 7, 5000000, 6500000, 11, 9))
        number = "000102030405060708090a0b0c0d0e0f"
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, ".host")
            with open(path, "wb") as file:
                file.write(data)
            result = ctl("dump", path)
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(result.lines(), [f"-\tweb01\thost\t3\tid {number}, name web01.lan",
                                          f"-\tweb01\tepoch\t12\tepoch {number}, CRC32C 00000022",
                                          "5\tweb01\tquarantined\t78\tuntil 5.5, why",
                                          "5\tweb01\tgap\t11\tuntil 6.5, reason no_memory, "
                                          f"sequence 7 to 9 of epoch {number}"])


class Parts(Case):
    """Parts of a file that this test makes by the page: the page's reader, a collector and `agentctl check` agree."""

    store_id = bytes(range(16))

    def make(self, name, values, *, part=0, n_bytes=0, damaged=False, metric="m", odd=False):
        """A file of host h with a block for each list of values. Returns where each block ends."""
        salt = store_reader.salt_of(self.store_id, "h", name)
        data = struct.pack("<8sIIII16sIIQ4BHH", b"hostmetr", 2, 69 + len(metric), 0, 0, self.store_id, salt, part, n_bytes,
                           2 if odd else 1, 1, 1, len(metric), 0, 0) + b"h" + metric.encode()
        data += struct.pack("<I", store_reader.crc32c(data))
        if damaged:
            data = b"\xa5" * 64 + data[64:]
        names = len(data)
        data += make_block(salt, names, SERIES, 1, struct.pack("<Q", 0) + b"\0\0")
        ends, highest = [], -2**63
        for value in values:
            # One time, one column: the page's first example.
            time_us = NOW + value * 1000000
            column = b"\x01\x01\x00" + leb(len(leb(time_us << 1))) + leb(time_us << 1)
            column += b"\0\0" + leb(1 + len(leb(value << 1))) + b"\0" + leb(value << 1)
            data += make_block(salt, len(data), DATA, 1, struct.pack("<qqqQ", time_us, time_us, highest, names) + column)
            highest = max(highest, time_us)
            ends.append(len(data))
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(data)
        return ends

    def setUp(self):
        super().setUp()
        self.store = self.path("store")
        self.folder = os.path.join(self.store, "hosts", "h")
        os.makedirs(self.folder)
        data = b"hmstore\0" + struct.pack("<I", 1) + self.store_id
        with open(os.path.join(self.store, "id"), "wb") as file:
            file.write(data + struct.pack("<I", store_reader.crc32c(data)))

    def check(self, values, n_aside=0, code=0):
        """What counts of the metric m."""
        found = []
        for parts in store_reader.read_parts(self.folder, self.store_id).values():
            for blocks in parts:
                for block in blocks:
                    if block.type == DATA:
                        (_, column), = store_block.decode(store_reader.read_data(block.payload)[4])
                        found += [value for _, value in column]
        self.assertEqual(sorted(found), values, "the reader of the page")
        result = ctl("check", self.store)
        self.assertIn(f" {len(values)} samples; ", result.err)
        self.assertEqual(result.code, code, result.err)
        collector = self.start_collector("--store", self.store)
        rows = ctl("--socket", collector.socket, "query", "m", "--all", "-o", "json").json()
        self.assertEqual([row["value"] for row in rows], values)
        self.assertEqual(status(collector)["files_set_aside"], n_aside)
        collector.stop()

    def test_of_a_part_before_as_much_counts_as_the_next_one_says(self):
        ends = self.make("m.hm", [1, 2, 3])
        self.make(f"m~1@{ends[0]}.hm", [2, 4, 5], part=1, n_bytes=ends[0])
        self.make("m~2.hm", [6], part=2, n_bytes=store_reader.ALL)
        self.check([1, 2, 4, 5, 6])

    def test_a_damaged_header_changes_nothing(self):
        ends = self.make("m.hm", [1, 2, 3])
        ends = self.make(f"m~1@{ends[0]}.hm", [2, 4, 5], part=1, n_bytes=ends[0], damaged=True)
        self.make(f"m~2@{ends[1]}.hm", [6], part=2, n_bytes=ends[1], damaged=True)
        self.check([1, 2, 4, 6], code=1)

    def test_a_header_that_says_something_else_takes_the_name_s_say_away(self):
        ends = self.make("m.hm", [1, 2, 3])
        self.make(f"m~1@{ends[0]}.hm", [7], part=1, n_bytes=ends[1])
        self.make("m~2@5.hm", [8], part=2, n_bytes=5, metric="n")
        self.make("m~3@5.hm", [9], part=3, n_bytes=5, odd=True)
        self.make("m~04.hm", [10], part=4, n_bytes=store_reader.ALL)
        self.check([1, 2, 3], 4, code=2)

    def test_the_name_of_a_part_of_another_version_counts(self):
        ends = self.make("m.hm", [1, 2, 3])
        name = f"m~1@{ends[1]}.hm"
        self.make(name, [7], part=1, n_bytes=ends[1])
        with open(os.path.join(self.folder, name), "r+b") as file:
            file.write(b"hostmetr\3\0\0\0" + b"a header of its own, and blocks that are none of this version. " * 8)
        self.make("m~2.hm", [4], part=2, n_bytes=store_reader.ALL)
        self.check([1, 2, 4], 1, code=2)

    def test_where_nothing_of_a_part_counts_its_name_does(self):
        ends = self.make("m.hm", [1, 2, 3])
        self.make(f"m~1@{ends[1]}.hm", [7], part=1, n_bytes=ends[1])
        self.make("m~2@0.hm", [4], part=2)
        self.check([1, 2, 4])

    def test_of_two_of_one_number_one_counts(self):
        ends = self.make("m.hm", [1, 2, 3])
        for i, end in enumerate(ends[:2]):
            self.make(f"m~1@{end}.hm", [4 + i], part=1, n_bytes=end)
        self.check([1, 2, 5], 1, code=2)

    def test_a_number_far_above_the_others_does_not_count(self):
        self.make("m.hm", [1])
        self.make("m~1000@1.hm", [2], part=1000, n_bytes=1)
        self.make("m~2001.hm", [3], part=2001, n_bytes=store_reader.ALL)
        self.make("m~2500.hm", [4], part=2500, n_bytes=store_reader.ALL)
        self.check([1, 2], 2, code=2)


class Blocks(unittest.TestCase):
    def test_the_examples_hold_the_samples_of_the_page(self):
        self.assertEqual(store_block.decode(store_reader.example("block-one")), [(3, [(1795415594000000, 42)])])
        (number, samples), = store_block.decode(store_reader.example("block-ten"))
        self.assertEqual((number, [time for time, _ in samples]), (0, [i * 1000000 for i in range(9)]))
        values = [value for _, value in samples]
        self.assertEqual(values, [0, 0.25, 0.5, 0.75, 0, 1.25, 1.5, 1.75, 2])
        self.assertEqual(struct.pack("<d", values[4]), struct.pack("<d", -0.0))
        self.assertEqual(store_block.decode_absences(store_reader.example("block-ten")), [(0, [(9000000, 3)])])


class Log(unittest.TestCase):
    def test_the_example_says_what_the_page_says(self):
        segment = store_log.read_segment(store_log.example())
        self.assertEqual((segment.number, segment.salt, segment.made), (2, 0x0BADCAFE, 1795415594000000))
        self.assertEqual(segment.store_id.hex(), "00112233445566778899aabbccddeeff")
        records = [record for record, is_next in store_log.records(segment) if is_next]
        self.assertEqual([record.type for record in records],
                         [store_log.SNAPSHOT, store_log.HOST, store_log.SNAPSHOT_END, store_log.BATCH])
        self.assertEqual([record.position & 0xFFFFFFFF for record in records], [64, 112, 232, 280])
        self.assertEqual({record.durable for record in records}, {1 << 32 | 8192, 2 << 32 | 280})
        before = 1 << 32 | 4096
        self.assertEqual(store_log.read_hosts(records[1].payload),
                         [(1, b"\x11" * 16, "web01", before, before, [(b"\x22" * 16, 2)])])
        self.assertEqual((records[3].host, records[3].previous, records[3].received), (1, before, 1795415594500000))
        self.assertEqual(store_log.read_batch(records[3].payload)[:5],
                         (b"\x22" * 16, 3, b"\x11" * 16, "web01", [(1, "celsius", "temp", '{zone="0"}')]))
        self.assertEqual(store_log.samples_of_batch(records[3].payload),
                         ("web01", [("temp", '{zone="0"}', 1795415594000000, 42)]))

    def test_the_example_says_what_the_page_says_of_agents(self):
        segment = store_log.read_segment(store_log.example("log-messages"))
        records = [record for record, is_next in store_log.records(segment) if is_next]
        self.assertEqual([record.type for record in records],
                         [store_log.HOST, store_log.DECLARE, store_log.BATCH, store_log.GAP, store_log.NAMES, store_log.SCHEDULE])
        host, declare, batch, gap, names, schedule = records
        self.assertEqual([record.position & 0xFFFFFFFF for record in records], [64, 160, 312, 456, 584, 736])
        self.assertEqual([record.previous for record in records[1:]], [0] + [record.position for record in records[1:-1]])
        self.assertEqual([store_log.is_agents(record) for record in records], [False] + [True] * 5)
        epoch, host_id = b"\x22" * 16, b"\x11" * 16
        self.assertEqual(store_log.read_hosts(host.payload), [(1, host_id, "web01", 0, 0, [])])
        series = {0: (1, "", "node_load1", ""), 1: (2, "seconds", "node_cpu_seconds_total", '{cpu="0"}')}
        self.assertEqual(store_log.read_declare(declare.payload), ((epoch, 2, host_id), series))
        self.assertEqual(store_log.read_declare(names.payload)[1], series)
        self.assertEqual(store_log.read_agents_batch(batch.payload)[0], (epoch, 3, host_id))
        start = 1795416400000000
        self.assertEqual(store_log.samples_of_agents_batch(batch.payload, store_log.names_of([names.payload, declare.payload])),
                         [("node_load1", "", start, 0.25), ("node_load1", "", start + 10**6, 0.25),
                          ("node_load1", "", start + 2 * 10**6, 0.5),
                          ("node_cpu_seconds_total", '{cpu="0"}', start, 100.5),
                          ("node_cpu_seconds_total", '{cpu="0"}', start + 10**6, 101.25)])
        with self.assertRaises(store_reader.Damaged):
            store_log.samples_of_agents_batch(batch.payload, {})
        self.assertEqual(store_log.read_gap(gap.payload),
                         ((epoch, 5, host_id), 4, 1795416403000000, 1795416522000000, 240, 9))
        self.assertEqual(store_log.read_schedule(schedule.payload),
                         ((epoch, 6, host_id), 1795416525000000, {"node_load1": 5000000}))

    def test_agentctl_says_the_same_of_it(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "00000002.log")
            with open(path, "wb") as file:
                file.write(store_log.example("log-messages"))
            result = ctl("dump", path)
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertEqual(result.lines(), ["1795416400\tweb01\tnode_load1\t0.25",
                                          "1795416401\tweb01\tnode_load1\t0.25",
                                          "1795416402\tweb01\tnode_load1\t0.5",
                                          '1795416400\tweb01\tnode_cpu_seconds_total{cpu="0"}\t100.5',
                                          '1795416401\tweb01\tnode_cpu_seconds_total{cpu="0"}\t101.25',
                                          '1795416402\tweb01\tnode_cpu_seconds_total{cpu="0"}\t-\tstore_failed'])

    def test_flipped_bits_are_noticed_but_in_what_fills_up(self):
        data = bytearray(store_log.example())
        flips = random.Random(1).sample(range(len(data) * 8), 600)
        whole = list(store_log.records(store_log.read_segment(bytes(data))))
        for bit in flips:
            at = bit // 8
            data[at] ^= 1 << bit % 8
            segment = store_log.read_segment(bytes(data))
            found = [record for record, _ in store_log.records(segment) if record.payload is not None]
            n_wanted = 4 if at < 64 or at >= segment.end or at in (231, 429, 430, 431) else 3
            self.assertEqual(len(found), n_wanted, f"bit {bit}")
            self.assertTrue(all((record, True) in whole or (record, False) in whole for record in found))
            data[at] ^= 1 << bit % 8


class Agents(unittest.TestCase):
    """A store that this test makes by the page, of an agent whose first batch is in files: the page's reader and
    `agentctl check` agree."""

    store_id, epoch, host_id = bytes(range(16)), b"\x22" * 16, b"\x11" * 16
    clock = struct.pack("<B16sQ16sB16sqqq", 0, epoch, 7, host_id, 1, b"\x33" * 16, NOW, 5000000, 0)

    def setUp(self):
        segment = store_log.read_segment(store_log.example("log-messages"))
        self.payloads = {record.type: record.payload for record, _ in store_log.records(segment)}
        self.payloads[store_log.CLOCK] = self.clock
        # Its sequence says nothing.
        names = self.payloads[store_log.NAMES]
        self.payloads[store_log.NAMES] = names[:17] + struct.pack("<Q", 99) + names[25:]
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.log = struct.pack("<8s4I16sIIqI", b"hmlogseg", 1, 64, 0, 0, self.store_id, 1, 7, NOW, 0)
        self.log += struct.pack("<I", store_reader.crc32c(self.log))
        self.header = self.log
        self.last = 0
        for folder in ("log", "hosts", "hosts/web01"):
            os.mkdir(self.path(folder))
        data = b"hmstore\0" + struct.pack("<I", 1) + self.store_id
        self.save("id", data + struct.pack("<I", store_reader.crc32c(data)))

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def save(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def put(self, kind, payload=b"", host=0):
        """A record; one of a host is put into its chain. Returns its position."""
        position = 1 << 32 | len(self.log)
        head = struct.pack("<IIIQQqII", len(payload), kind, host, self.last if host else 0, position, NOW,
                           store_reader.crc32c(payload), 0)
        crc = store_reader.crc32c(struct.pack("<IQ", 7, position) + head)
        self.log += struct.pack("<I", crc) + head + payload + bytes(-len(payload) % 8)
        self.last = position if host else self.last
        return position

    def put_message(self, kind):
        return self.put(kind, self.payloads[kind], 1)

    def make(self, *behind):
        """What the log has behind the checkpoint."""
        self.put(store_log.SNAPSHOT)
        self.put(store_log.HOST, self.payloads[store_log.HOST])
        self.put(store_log.EPOCH, struct.pack("<I16sQI", 1, b"\x44" * 16, 8, 9))
        self.put(store_log.SNAPSHOT_END)
        self.put_message(store_log.DECLARE)
        checkpoint = self.put_message(store_log.BATCH)
        for kind in behind:
            self.put_message(kind)
        self.put(store_log.CHECKPOINT, struct.pack("<QIQ", 1, 1, checkpoint))
        self.put(store_log.MARK)
        self.save("log/00000001.log", self.log.ljust(8192, b"\0") + self.header)
        salt = store_reader.salt_of(self.store_id, "web01", ".host")
        data = struct.pack("<8sIIII16sIIQ4BHH", b"hostmetr", 2, 73, 0, 0, self.store_id, salt, 0, 0, 3, 0, 5, 0, 0, 0)
        data += b"web01"
        data += struct.pack("<I", store_reader.crc32c(data))
        gap = self.payloads[store_log.GAP]
        nothing = self.payloads[store_log.SCHEDULE][:41] + bytes(8)
        for position, kind, payload in ((checkpoint, EPOCH, struct.pack("<16sQI", b"\x55" * 16, 3, 4)),
                                        (checkpoint, MESSAGE, struct.pack("<Bq", store_log.GAP, NOW) + gap),
                                        (checkpoint, MESSAGE, struct.pack("<Bq", store_log.SCHEDULE, NOW) + nothing),
                                        (checkpoint + 1, EPOCH, struct.pack("<16sQI", b"\x55" * 16, 5, 6))):
            data += make_block(salt, len(data), kind, position, payload)
        self.save("hosts/web01/.host", data)

    def test_names_may_stand_behind_the_batch_that_needs_them(self):
        self.make(store_log.BATCH, store_log.NAMES, store_log.SCHEDULE, store_log.CLOCK)
        in_files, in_log = store_log.read_store(self.folder.name)
        self.assertEqual((len(in_files), len(in_log)), (0, 5))
        self.assertEqual(in_log[0], ("web01", "node_load1", "", 1795416400000000, 0.25))
        agent = store_log.read_agents(self.folder.name)["web01"]
        self.assertEqual(agent.marks, {b"\x44" * 16: (8, 9), b"\x55" * 16: (3, 4),
                                       self.epoch: (7, store_reader.crc32c(self.clock))})
        self.assertEqual([gap[1:] for gap in agent.gaps], [(4, 1795416403000000, 1795416522000000, 240, 9)])
        self.assertEqual([clock[1:] for clock in agent.clocks], [(1, b"\x33" * 16, NOW, 5000000, 0)])
        self.assertEqual([schedule[1:] for schedule in agent.schedules],
                         [(0, {}), (1795416525000000, {"node_load1": 5000000})])
        result = ctl("check", self.folder.name)
        self.assertEqual((result.code, result.out), (0, ""), result.err)

    def test_those_before_the_checkpoint_do_not_count(self):
        self.make(store_log.GAP, store_log.BATCH)
        with self.assertRaises(store_reader.Damaged):
            store_log.read_store(self.folder.name)
        result = ctl("check", self.folder.name, "-o", "plain")
        self.assertEqual(result.code, 1, result.err)
        self.assertRegex(result.out, "^1795416400\t1795416402\tlog/00000001.log\t.*does not name any more$")


class Store(Case):
    """A real collector: what files and log hold by the page is what it answers."""

    def setUp(self):
        super().setUp()
        self.collector = self.start_collector()
        self.wanted = collections.Counter()
        self.seed = int(time.time())
        self.random = random.Random(self.seed)
        print(f"# seed {self.seed}")

    def feed(self, n):
        """Several hosts; late, equal, broken and impossible times; values of all kinds."""
        lines = []
        for i in range(n):
            host = self.random.choice(("web01", "db-1.example.org", "h\u00f6st 3", "%/.."))
            metric, labels = self.random.choice((("temp", '{zone="0"}'), ("temp", '{zone="1"}'), ("load", ""), ("load.odd", ""),
                                                 ("odd/name", '{a="b c",d="\u00e9"}'), ("reads_total", "")))
            time_us = self.random.choice((
                (NOW_S + i // 7) * 1000000, (NOW_S - 3600 + i) * 1000000, NOW_S * 1000000,
                NOW_S * 1000000 + self.random.randrange(10**9), self.random.randrange(10**15),
                (NOW_S + 10**9 + i) * 1000000, -self.random.randrange(10**12)))
            value = self.random.choice((float(i), i / 8, self.random.random(), -0.0, 1e300, 5e-324, 2.0**60 + i * 4096,
                                        i * 1e-3, i / 1000 / 1000))
            sign = "-" if time_us < 0 else ""
            own = f"host=\"{host}\"" + ("," + labels[1:-1] if labels else "")
            lines.append(f"{sign}{abs(time_us) // 10**6}.{abs(time_us) % 10**6:06} {metric}{{{own}}} {value!r}\n")
            self.wanted[host, metric, labels, time_us, struct.pack("<d", value)] += 1
        self.send(self.collector.port, "".join(lines))
        self.wait_stored(self.collector, self.wanted.total())

    def flush(self):
        result = ctl("--socket", self.collector.socket, "flush")
        self.assertEqual(result.code, 0, result.err)

    def answer(self):
        """What `agentctl query` says of everything."""
        result = ctl("--socket", self.collector.socket, "query", "*", "--all", "-o", "json")
        rows = json.loads(result.out, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
        found = collections.Counter()
        for row in rows:
            metric, brace, labels = row["series"].partition("{")
            found[row["host"], metric, brace + labels, int(row["time"] * 10**6),
                  struct.pack("<d", float(row["value"]))] += 1
        return found

    def read(self):
        """What files and log say: (all, how many of them are in files)."""
        in_files, in_log = store_log.read_store(self.path("store"))
        found = collections.Counter()
        for host, metric, labels, time_us, value in in_files + in_log:
            found[host, metric, labels, time_us, struct.pack("<d", value)] += 1
        return found, len(in_files)

    def check(self, n_in_files):
        found, n = self.read()
        self.assertEqual(n, n_in_files)
        self.assertEqual(found, self.wanted, "the reader of the page")
        self.assertEqual(self.answer(), self.wanted, "agentctl query")

    def record_types(self):
        """Read every payload of the log. Returns which types of records there are."""
        types = set()
        for segment in store_log.Log(self.path("store")).segments.values():
            for record, _ in store_log.records(segment):
                store_log.read_payload(record)
                types.add(record.type)
        return types

    def test_files_and_log_by_the_page_are_what_query_answers(self):
        self.feed(500)
        self.check(0)
        self.flush()
        self.check(500)
        self.feed(500)
        self.check(500)
        self.flush()
        self.feed(300)
        self.check(1000)
        self.assertGreater(len(glob.glob(self.path("store", "hosts", "*", "*.odd.hm"))), 3)

    def test_after_a_kill_and_a_start_too(self):
        self.feed(400)
        self.flush()
        self.feed(300)
        self.collector.stop(signal.SIGKILL)
        before, n = self.read()
        self.assertEqual((before, n), (self.wanted, 400))
        self.collector = self.start_collector(name="again")
        self.check(400)
        fed, self.wanted = self.wanted, collections.Counter()
        self.feed(200)
        self.wanted += fed
        self.check(400)
        self.flush()
        self.check(900)
        self.assertEqual(self.record_types(), set(range(1, 8)))
