# SPDX-License-Identifier: MIT
"""A reader of the store's files, written from docs/format.md alone.

    python3 store_reader.py FILE    the blocks of a metric file, one a line
"""

import dataclasses
import os
import re
import struct
import sys

import store_block

HEADER_BYTES = 64
BLOCK_HEADER_BYTES = 20
BLOCK_MIN_BYTES = 24
BLOCK_MAX_BYTES = 16 << 20
METRIC, ODD, HOST_FILE = 1, 2, 3
ALL = (1 << 64) - 1
SERIES, META, DATA, TOMBSTONE, FRONT, HOST, EPOCH, EVENT, MESSAGE = 1, 2, 4, 5, 6, 9, 10, 11, 13


class Damaged(Exception):
    """The bytes are not what the page says."""


def make_crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = make_crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def require(is_true, what):
    if not is_true:
        raise Damaged(what)


def take(form, data, offset=0):
    """Numbers at an offset. Returns them, and what lies behind."""
    form = "<" + form
    require(len(data) - offset >= struct.calcsize(form), "cut short")
    return struct.unpack_from(form, data, offset), data[offset + struct.calcsize(form):]


def take_leb128(data):
    value = 0
    for i, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * i
        if not byte & 0x80:
            require(byte or i == 0, "not the shortest form")
            require(value < 1 << 32, "too large")
            return value, data[i + 1:]
    raise Damaged("a number is cut short")


@dataclasses.dataclass
class Header:
    header_bytes: int
    compatible: int
    store_id: bytes
    salt: int
    part: int
    continues_bytes: int
    type: int
    kind: int
    host: str
    metric: str
    unit: str


@dataclasses.dataclass
class Block:
    offset: int
    length: int
    type: int
    position: int
    payload: bytes


def read_header(data):
    (magic, version), _ = take("8sI", data)
    require(magic == b"hostmetr", "no file of the store")
    require(version == 2, "another version")
    fields, names = take("8s4I16sIIQ4BHH", data)
    (_, _, header_bytes, compatible, incompatible, store_id, salt, part, continues, kind_of_file, kind, n_host,
     n_metric, n_unit, zero) = fields
    require(n_host <= 200 and n_metric <= 200 and n_unit <= 64, "a name is too long")
    names_end = HEADER_BYTES + n_host + n_metric + n_unit
    require(header_bytes == names_end + 4 and header_bytes <= len(data), "length of the header")
    require(struct.unpack_from("<I", data, names_end)[0] == crc32c(data[:names_end]), "checksum of the header")
    require(zero == 0, "what should be 0")
    require(incompatible == 0 and kind_of_file in (METRIC, ODD, HOST_FILE), "another version")
    host, metric, unit = names[:n_host], names[n_host:n_host + n_metric], names[n_host + n_metric:][:n_unit]
    return Header(header_bytes, compatible, store_id, salt, part, continues, kind_of_file, kind if kind <= 2 else 0,
                  host.decode(), metric.decode(), unit.decode())


def read_block(data, offset, salt):
    """The block at an offset."""
    (crc, length, kind, zeros, position), _ = take("IIB3sQ", data, offset)
    require(BLOCK_MIN_BYTES <= length <= min(BLOCK_MAX_BYTES, len(data) - offset), "length of a block")
    require(kind != 0 and zeros == bytes(3), "type of a block")
    block = data[offset:offset + length]
    require(struct.unpack_from("<I", block, length - 4)[0] == length, "length at the end of a block")
    require(crc == crc32c(struct.pack("<IQ", salt, offset) + block[4:]), "checksum of a block")
    return Block(offset, length, kind, position, block[BLOCK_HEADER_BYTES:-4])


def find_block(data, offset, salt):
    """The next block at an offset or behind it, and what was passed over before it; None at the end."""
    for at in range(offset, len(data)):
        try:
            return read_block(data, at, salt), at - offset
        except Damaged:
            pass
    return None, len(data) - offset


def read_blocks(data, offset, salt):
    """Blocks, and the ranges (offset, bytes) that do not verify."""
    blocks, damage = [], []
    while offset < len(data):
        block, n_bytes = find_block(data, offset, salt)
        if n_bytes:
            damage.append((offset, n_bytes))
        if not block:
            break
        blocks.append(block)
        offset = block.offset + block.length
    return blocks, damage


def read_file(data):
    """Header, blocks, and the ranges (offset, bytes) that do not verify, from the front on."""
    header = read_header(data)
    blocks, damage = read_blocks(data, header.header_bytes, header.salt)
    front = front_of(blocks) or 0
    return header, [block for block in blocks if block.offset >= front], [hole for hole in damage if sum(hole) > front]


def front_of(blocks):
    """From where on a file counts, and none of its parts before; None: all of it does."""
    return max((read_front(block.payload)[1] for block in blocks if block.type == FRONT), default=None)


@dataclasses.dataclass
class Name:
    """What the name of a metric's file says; n_bytes: so much of the part before counts."""
    metric: str
    part: int
    n_bytes: int
    odd: bool


def parse_name(name):
    metric, part, n_bytes, odd = re.fullmatch(r"(.+?)(?:~([1-9][0-9]{0,5})(?:@(0|[1-9][0-9]*))?)?(\.odd)?\.hm", name).groups()
    limit = ALL if n_bytes is None else int(n_bytes)
    if n_bytes is not None and limit >= ALL:
        return Name(name.removesuffix(".hm").removesuffix(".odd"), 0, 0, odd is not None)
    return Name(metric, int(part or 0), limit if part else 0, odd is not None)


def escape(name):
    """A name as a file's; not of the long ones that are cut."""
    escaped = ""
    for i, byte in enumerate(name.encode()):
        character = chr(byte)
        dot = character == "." and 0 < i and not (name.endswith(".odd") and i == len(name.encode()) - 4)
        escaped += character if dot or re.fullmatch("[A-Za-z0-9_:-]", character) else f"%{byte:02X}"
    return escaped


def salt_of(store_id, host, name):
    """The salt of hosts/HOST/NAME."""
    return crc32c(store_id + f"{host}/{name}".encode())


def read_part(path, store_id):
    """The blocks of a metric's file that counts; its header may be damaged. Damaged: it does not count."""
    folder, name = os.path.split(path)
    host, says = os.path.basename(folder), parse_name(name)
    with open(path, "rb") as file:
        data = file.read()
    try:
        header = read_header(data)
    except Damaged as error:
        blocks, _ = read_blocks(data, HEADER_BYTES, salt_of(store_id, host, name))
        require(blocks, str(error))
        return blocks
    require((escape(header.host), escape(header.metric)) == (re.sub("~[0-9]{1,10}$", "", host), says.metric) and
            (header.part, header.continues_bytes) == (says.part, says.n_bytes) and
            header.type == (ODD if says.odd else METRIC), "not what its path says")
    require(header.store_id == store_id, "another store's")
    return read_blocks(data, header.header_bytes, header.salt)[0]


def read_parts(folder, store_id):
    """The blocks of a host's folder that count: {(metric, odd): [blocks of part 0, of part 1, ...]}. Only the page's
    rules for parts: whether a block's position counts is the log's to say."""
    files = {}
    for name in os.listdir(folder):
        if name.endswith(".hm") and name != ".hm":
            says = parse_name(name)
            files.setdefault((says.metric, says.odd), []).append((says, name))
    found = {}
    for key, parts in files.items():
        parts.sort(key=lambda part: (part[0].part, part[0].n_bytes))
        near = [part for i, part in enumerate(parts)
                if part[0].part <= 998999 and all(b[0].part - a[0].part <= 1000 for a, b in zip(parts[:i], parts[1:i + 1]))]
        behind, counted = None, {}
        for says, name in reversed(near):
            if behind and behind.part == says.part:
                continue
            is_followed = behind and behind.part == says.part + 1
            limit = behind.n_bytes if is_followed else ALL
            try:
                blocks = read_part(os.path.join(folder, name), store_id) if limit else []
            except Damaged as error:
                behind = says if is_followed or str(error) == "another version" else behind
                continue
            behind = says
            blocks = [block for block in blocks if block.offset + block.length <= limit]
            front = front_of(blocks)
            counted[says.part] = [block for block in blocks if block.offset >= (front or 0)]
            if front is not None:
                break
        found[key] = [counted[part] for part in sorted(counted)]
    return found


def read_backwards(data):
    """The blocks from the last to the first, by their lengths at the end."""
    header = read_header(data)
    end = len(data)
    while end > header.header_bytes:
        (length,), _ = take("I", data, end - 4)
        require(BLOCK_MIN_BYTES <= length <= end - header.header_bytes, "length at the end of a block")
        block = read_block(data, end - length, header.salt)
        require(block.length == length, "length of a block")
        yield block
        end -= length


def read_series(payload):
    """Where the names before lie, and {id: labels}."""
    (before,), rest = take("Q", payload)
    names = {}
    while rest:
        number, rest = take_leb128(rest)
        length, rest = take_leb128(rest)
        require(length <= len(rest), "labels are cut short")
        names[number] = rest[:length].decode()
        rest = rest[length:]
    return before, names


def read_meta(payload):
    """Where the names before lie, kind, unit."""
    (before, kind), unit = take("QB", payload)
    require(len(unit) <= 64, "a unit is too long")
    return before, kind if kind <= 2 else 0, unit.decode()


def read_data(payload):
    """First, last and highest time before, where the names lie, and the block of samples."""
    (first, last, highest, names), samples = take("qqqQ", payload)
    require(first <= last and samples, "a block of samples")
    return first, last, highest, names, samples


def read_tombstone(payload):
    """Where the names before lie, position, first and last time, ids of the series."""
    (before, position, since, until), rest = take("QQqq", payload)
    ids = []
    while rest:
        number, rest = take_leb128(rest)
        require(not ids or number > ids[-1], "ids that do not grow")
        ids.append(number)
    require(ids and since <= until, "a tombstone of nothing")
    return before, position, since, until, ids


def read_front(payload):
    """Where the names before lie, offset, horizon."""
    fields, rest = take("QQq", payload)
    require(not rest, "a front is too long")
    return fields


def read_host(payload):
    (number, host_id, n_samples), name = take("I16sQ", payload)
    require(len(name) <= 200, "a name is too long")
    return number, host_id, n_samples, name.decode()


def read_epoch(payload):
    """Epoch, last sequence, CRC32C of that message."""
    (epoch, sequence, crc), rest = take("16sQI", payload)
    require(not rest, "an epoch is too long")
    return epoch, sequence, crc


def read_event(payload):
    """First and last time, position, count, reason, a text."""
    (since, until, position, count, reason), text = take("qqQQI", payload)
    require(since <= until, "an event that ends before it begins")
    return since, until, position, count, reason, text.decode()


def read_message(payload):
    """Type of the record, time of receipt, the agent's message."""
    (kind, received), message = take("Bq", payload)
    return kind, received, message


def names_backwards(data):
    """{id: labels} of a metric file, kind and unit, without reading what lies between."""
    header = read_header(data)
    names, meta = {}, None
    offset = 0
    for block in read_backwards(data):
        if block.type in (SERIES, META, TOMBSTONE, FRONT):
            offset = block.offset
        elif block.type == DATA:
            offset = read_data(block.payload)[3]
        else:
            continue
        break
    while offset:
        block = read_block(data, offset, header.salt)
        if block.type == SERIES:
            before, found = read_series(block.payload)
            names = {**names, **found}
        elif block.type == META:
            before, *found = read_meta(block.payload)
            meta = meta or tuple(found)
        else:
            before = {TOMBSTONE: read_tombstone, FRONT: read_front}[block.type](block.payload)[0]
        require(before < offset, "names that lie ahead")
        offset = before
    return names, meta or (header.kind, header.unit)


def example(name="metric-file"):
    """Bytes that the page shows. tests/unit/collector/format_page.c holds the collector to them."""
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "docs", "format.md"), encoding="utf-8") as file:
        shown = re.search(rf"^```hex {name}\n(.*?)^```$", file.read(), re.M | re.S)[1]
    return bytes.fromhex(re.sub(r"#.*", "", shown))


def samples_of(blocks, decode=store_block.decode):
    """{labels: [(microseconds, value), ...]} of the blocks of all parts of a file, but for what is deleted. With
    decode_absences it is the absences, and reasons in place of values."""
    names, samples = {}, {}
    tombstones = [read_tombstone(block.payload) for block in blocks if block.type == TOMBSTONE]

    def lives(block, number, time):
        return not any(block.position < position and number in ids and since <= time <= until
                       for _, position, since, until, ids in tombstones)

    # Where a front or a hole took the first ones away, names are said behind their samples.
    for block in blocks:
        if block.type == SERIES:
            names.update(read_series(block.payload)[1])
    for block in blocks:
        if block.type == DATA:
            for number, column in decode(read_data(block.payload)[4]):
                samples.setdefault(names[number], []).extend(
                    sample for sample in column if lives(block, number, sample[0]))
    return samples


READERS = {SERIES: read_series, META: read_meta, DATA: read_data, TOMBSTONE: read_tombstone, FRONT: read_front,
           HOST: read_host, EPOCH: read_epoch, EVENT: read_event, MESSAGE: read_message}


def main(path):
    with open(path, "rb") as file:
        header, blocks, damage = read_file(file.read())
    print(header)
    for block in blocks:
        fields = READERS[block.type](block.payload) if block.type in READERS else (block.payload,)
        print(block.offset, block.length, block.type, block.position, *fields)
    for offset, n_bytes in damage:
        print(f"{n_bytes} damaged bytes at {offset}")
    return 1 if damage else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
