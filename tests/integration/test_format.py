# SPDX-License-Identifier: MIT
"""docs/format.md: who has nothing but this page can read the store's files."""

import os
import struct
import tempfile
import unittest

import store_block
import store_reader
from store_reader import DATA, EPOCH, EVENT, HOST, META, SERIES
from support import ctl

NOW = 1795416401000000


def make_block(salt, offset, kind, position, payload):
    length = struct.pack("<I", len(payload) + 24)
    rest = length + struct.pack("<B3sQ", kind, bytes(3), position) + payload + length
    return struct.pack("<I", store_reader.crc32c(struct.pack("<IQ", salt, offset) + rest)) + rest


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
        data += make_block(7, len(data), EPOCH, 1, struct.pack("<16sQQ", bytes(range(16)), 12, 34))
        data += make_block(7, len(data), EVENT, 1, struct.pack("<qQQI", 5000000, 56, 78, 6) + b"why")
        _, blocks, damage = store_reader.read_file(data)
        self.assertEqual(damage, [])
        self.assertEqual(store_reader.read_host(blocks[0].payload), (3, bytes(range(16)), 5, "web01.lan"))
        self.assertEqual(store_reader.read_epoch(blocks[1].payload), (bytes(range(16)), 12, 34))
        self.assertEqual(store_reader.read_event(blocks[2].payload), (5000000, 56, 78, 6, "why"))
        number = "000102030405060708090a0b0c0d0e0f"
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, ".host")
            with open(path, "wb") as file:
                file.write(data)
            result = ctl("dump", path)
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(result.lines(), [f"-\tweb01\thost\t3\tid {number}, name web01.lan",
                                          f"-\tweb01\tepoch\t12\tepoch {number}, position 34",
                                          "5\tweb01\tbad_value\t78\twhy"])
