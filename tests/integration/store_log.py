# SPDX-License-Identifier: MIT
"""A reader of the store's log, and of log and files together, written from docs/format.md and docs/protocol.md alone.

    python3 store_log.py FILE     the records of a segment, one a line
    python3 store_log.py STORE    all samples that count, one a line
"""

import dataclasses
import glob
import os
import re
import struct
import sys

import store_block
import store_reader
from store_reader import Damaged, crc32c, require, take

HEADER_BYTES = 64
RECORD_BYTES = 48
PAYLOAD_MAX_BYTES = 1 << 20
ZEROS = bytes(65536)
SNAPSHOT, HOST, SNAPSHOT_END, BATCH, MARK, GROUP, CHECKPOINT = range(1, 8)
DECLARE, GAP, CLOCK, NAMES, EPOCH, SCHEDULE = range(11, 17)
SERIES_MAX = 1 << 20
INTERVAL_MAX_US = 1 << 53


@dataclasses.dataclass
class Segment:
    store_id: bytes
    number: int
    salt: int
    made: int
    data: bytes
    end: int        # where the second header begins
    used: int       # behind it lie only zeros, up to that


@dataclasses.dataclass
class Record:
    position: int
    type: int
    host: int
    previous: int
    durable: int
    received: int
    payload: bytes  # None: it does not verify
    behind: int     # position behind it


@dataclasses.dataclass
class Host:
    name: str
    last: int = 0
    checkpoint: int = 0


@dataclasses.dataclass
class Agent:
    """What the store knows of what a host's agent sent, beside its samples."""
    marks: dict = dataclasses.field(default_factory=dict)    # {epoch: (sequence of its last message, CRC32C of that)}
    gaps: list = dataclasses.field(default_factory=list)     # as read_gap() gives them, in the order of the log
    clocks: list = dataclasses.field(default_factory=list)   # as read_clock()
    schedules: list = dataclasses.field(default_factory=list)    # as read_schedule()

    def take_mark(self, epoch, sequence, crc):
        if sequence > self.marks.get(epoch, (0, 0))[0]:
            self.marks[epoch] = sequence, crc

    def take_message(self, kind, payload):
        if kind == GAP:
            self.gaps.append(read_gap(payload))
        elif kind == CLOCK:
            self.clocks.append(read_clock(payload))
        elif kind == SCHEDULE:
            self.schedules.append(read_schedule(payload))


def read_header(data):
    require(len(data) >= HEADER_BYTES, "cut short")
    (magic, version, length, _, incompatible, store_id, number, salt, made, _, crc), _ = take("8s4I16sIIqII", data[:HEADER_BYTES])
    require(magic == b"hmlogseg", "no segment of the log")
    require(crc == crc32c(data[:60]), "checksum of the header")
    require(version == 1 and length == HEADER_BYTES and incompatible == 0, "another version")
    return store_id, number, salt, made


def read_segment(data):
    """A whole file. One of its two headers is enough."""
    try:
        header = read_header(data)
    except Damaged:
        header = read_header(data[-HEADER_BYTES:])
    end = len(data) - HEADER_BYTES
    used = end
    while used > len(ZEROS) and data[used - len(ZEROS):used] == ZEROS:
        used -= len(ZEROS)
    return Segment(*header, data, end, len(data[:used].rstrip(b"\0")))


def read_record(segment, offset):
    """The record at an offset. One whose payload is damaged has none."""
    require(offset % 8 == 0 and HEADER_BYTES <= offset <= segment.end - RECORD_BYTES, "no record lies here")
    position = segment.number << 32 | offset
    head = segment.data[offset:offset + RECORD_BYTES]
    (crc, length, kind, host, previous, durable, received, payload_crc, _), _ = take("IIIIQQqII", head)
    require(crc == crc32c(struct.pack("<IQ", segment.salt, position) + head[4:]), "checksum of a record")
    require(length <= PAYLOAD_MAX_BYTES and offset + RECORD_BYTES + length <= segment.end, "length of a record")
    payload = segment.data[offset + RECORD_BYTES:offset + RECORD_BYTES + length]
    behind = position + (RECORD_BYTES + length + 7) // 8 * 8
    return Record(position, kind, host, previous, durable, received,
                  payload if crc32c(payload) == payload_crc else None, behind)


def records(segment, offset=HEADER_BYTES):
    """The records from an offset on, each with whether it lies right behind the one before."""
    is_next = True
    while offset < segment.used:
        try:
            record = read_record(segment, offset)
        except Damaged:
            is_next = False
            offset += 8
            continue
        yield record, is_next
        is_next = True
        offset = record.behind & 0xFFFFFFFF


def take_text(data, most):
    (length,), rest = take("H", data)
    require(length <= most and length <= len(rest), "a text is cut short")
    return rest[:length].decode(), rest[length:]


def read_hosts(payload):
    """[(number, id, name, last, checkpoint, [(epoch, sequence), ...]), ...]"""
    hosts = []
    while payload:
        (number, host_id), payload = take("I16s", payload)
        name, payload = take_text(payload, 200)
        (last, checkpoint, n_epochs), payload = take("QQI", payload)
        require(number and name, "a host without number or name")
        epochs = []
        for _ in range(n_epochs):
            epoch, payload = take("16sQ", payload)
            epochs.append(epoch)
        hosts.append((number, host_id, name, last, checkpoint, epochs))
    return hosts


def read_blocks(rest):
    blocks = []
    while rest:
        (length,), rest = take("I", rest)
        require(length <= len(rest), "a block is cut short")
        blocks.append(rest[:length])
        rest = rest[length:]
    return blocks


def read_batch(payload):
    """Epoch, sequence, id and name of the host, [(kind, unit, metric, labels), ...], [block, ...]"""
    (flags, epoch, sequence, host_id), rest = take("B16sQ16s", payload)
    require(flags == 1 and sequence, "head of a batch")
    name, rest = take_text(rest, 200)
    (n_series,), rest = take("I", rest)
    require(name and n_series <= 8192, "head of a batch")
    series = []
    for _ in range(n_series):
        (kind,), rest = take("B", rest)
        unit, rest = take_text(rest, 64)
        metric, rest = take_text(rest, 200)
        labels, rest = take_text(rest, 65535)
        require(kind <= 2 and metric, "a series of a batch")
        series.append((kind, unit, metric, labels))
    return epoch, sequence, host_id, name, series, read_blocks(rest)


def is_agents(record):
    """Is it a message of an agent, or a DECLARE that was made up of such?"""
    return record.type in (DECLARE, GAP, CLOCK, NAMES, SCHEDULE) or record.type == BATCH and record.payload[:1] == b"\0"


def read_stamp(payload):
    """Epoch, sequence, id of the host; and what is behind the stamp."""
    (zero, epoch, sequence, host_id), rest = take("B16sQ16s", payload)
    require(zero == 0 and any(epoch) and any(host_id) and 1 <= sequence < 1 << 63, "a stamp")
    return (epoch, sequence, host_id), rest


def read_agents_batch(payload):
    """Stamp, [block, ...]"""
    stamp, rest = read_stamp(payload)
    require(rest, "a batch of nothing")
    return stamp, read_blocks(rest)


def read_declare(payload):
    """Stamp, {id: (kind, unit, metric, labels)}"""
    stamp, rest = read_stamp(payload)
    (number,), rest = take("I", rest)
    series = {}
    while rest:
        (kind,), rest = take("B", rest)
        unit, rest = take_text(rest, 64)
        name, rest = take_text(rest, 65535)
        metric, brace, labels = name.partition("{")
        require(kind <= 2 and 1 <= len(metric.encode()) <= 200 and number < SERIES_MAX, "a series that is declared")
        series[number] = (kind, unit, metric, brace + labels)
        number += 1
    require(series, "a declaration of nothing")
    return stamp, series


def read_gap(payload):
    """Stamp, first sequence, first and last time, number of samples, reason."""
    stamp, rest = read_stamp(payload)
    (first, since, until, n_samples, reason), rest = take("QqqQH", rest)
    require(not rest and 1 <= first <= stamp[1] < first + (1 << 24) and since <= until and reason, "a gap")
    return stamp, first, since, until, n_samples, reason


def read_clock(payload):
    """Stamp, event, boot, clock, time since boot, change."""
    stamp, rest = read_stamp(payload)
    (event, boot, now, since_boot, change), rest = take("B16sqqq", rest)
    require(not rest and 1 <= event <= 6 and any(boot) and since_boot >= 0, "a clock")
    require((change == 0) == (event <= 2) and (event < 4 or change > 0), "the change of a clock")
    return stamp, event, boot, now, since_boot, change


def read_schedule(payload):
    """Stamp, time from which on it holds, {metric: microseconds}"""
    stamp, rest = read_stamp(payload)
    (since,), rest = take("q", rest)
    intervals = {}
    before = b""
    while rest:
        (interval,), rest = take("Q", rest)
        metric, rest = take_text(rest, 200)
        require(1 <= interval <= INTERVAL_MAX_US and metric.encode() > before, "a metric of a schedule")
        before = metric.encode()
        intervals[metric] = interval
    return stamp, since, intervals


def read_marks(payload):
    """[(host, epoch, sequence, CRC32C), ...]"""
    require(len(payload) % 32 == 0, "marks are cut short")
    marks = list(struct.iter_unpack("<I16sQI", payload))
    require(all(mark[0] for mark in marks), "a mark of no host")
    return marks


def read_group(payload):
    """Number, [(host, name, bytes), ...]"""
    (number,), rest = take("Q", payload)
    files = []
    while rest:
        (host,), rest = take("I", rest)
        name, rest = take_text(rest, 255)
        (length,), rest = take("Q", rest)
        files.append((host, name, length))
    return number, files


def read_checkpoint(payload):
    """Number, [(host, position), ...]"""
    (number,), rest = take("Q", payload)
    require(len(rest) % 12 == 0, "a checkpoint is cut short")
    return number, list(struct.iter_unpack("<IQ", rest))


def samples_of_batch(payload, decode=store_block.decode):
    """Host, [(metric, labels, microseconds, value), ...]; with decode_absences reasons in place of values"""
    _, _, _, name, series, blocks = read_batch(payload)
    samples = []
    for block in blocks:
        for number, column in decode(block):
            require(number < len(series), "a series that the batch does not name")
            samples += [(*series[number][2:], time, value) for time, value in column]
    return name, samples


def samples_of_agents_batch(payload, names, decode=store_block.decode):
    """[(metric, labels, microseconds, value), ...], likewise @param names  {epoch: {id: (metric, labels)}}"""
    (epoch, _, _), blocks = read_agents_batch(payload)
    samples = []
    for block in blocks:
        for number, column in decode(block):
            require(number in names.get(epoch, {}), "a series that the log does not name")
            samples += [(*names[epoch][number], time, value) for time, value in column]
    return samples


def names_of(payloads):
    """{epoch: {id: (metric, labels)}} of DECLAREs and NAMES; an id means the same in all of them."""
    names = {}
    for payload in payloads:
        (epoch, _, _), series = read_declare(payload)
        for number, (_, _, *name) in series.items():
            known = names.setdefault(epoch, {}).setdefault(number, tuple(name))
            require(known == tuple(name), "an id of two series")
    return names


def example(name="log-segment"):
    """A segment that the page shows. tests/unit/collector/format_page.c holds the code to it."""
    return store_reader.example(name)


class Log:
    """What the log says: hosts by number, their names, C and last batches."""

    def __init__(self, folder):
        store_id = read_id(os.path.join(folder, "id"))
        self.segments = {}
        for path in glob.glob(os.path.join(folder, "log", "*.log")):
            number = int(re.fullmatch(r"([0-9a-f]{8})\.log", os.path.basename(path))[1], 16)
            with open(path, "rb") as file:
                segment = read_segment(file.read())
            require(segment.number == number and segment.store_id == store_id, "a foreign segment")
            self.segments[number] = segment
        self.hosts = {}
        self.agents = {}
        self.damage = []
        base = self.find_base()
        require(base, "no whole snapshot")
        self.durable = max(record.durable for _, record, _ in self.read_from(base))
        self.take_records(base)

    def read_from(self, base):
        """(segment, record, is_next) from a position on."""
        for number in sorted(self.segments):
            if number >= base >> 32:
                offset = base & 0xFFFFFFFF if number == base >> 32 else HEADER_BYTES
                for record, is_next in records(self.segments[number], offset):
                    yield number, record, is_next

    def find_base(self):
        for number in sorted(self.segments, reverse=True):
            begin = found = 0
            for record, is_next in records(self.segments[number]):
                if not is_next or record.payload is None:
                    begin = 0
                if record.type == SNAPSHOT:
                    begin = record.position
                elif record.type == SNAPSHOT_END and begin:
                    found = begin
            if found:
                return found
        return 0

    def limit(self, number):
        """From where on nothing of a segment counts."""
        for behind in sorted(self.segments):
            if behind <= number:
                continue
            try:
                record = read_record(self.segments[behind], HEADER_BYTES)
            except Damaged:
                continue
            if record.type == SNAPSHOT:
                return record.durable
        return 1 << 64

    def take_records(self, base):
        ended = set()
        expected = base
        for number, record, is_next in self.read_from(base):
            if number != expected >> 32:
                expected = number << 32 | HEADER_BYTES
            has_hole = not is_next or record.payload is None
            hole_end = record.behind if record.payload is None else record.position
            if record.position >= self.limit(number) or has_hole and hole_end > self.durable:
                ended.add(number)
            if number in ended:
                continue
            if has_hole:
                self.damage.append(expected)
            expected = record.behind
            if record.payload is not None:
                self.take_record(record)

    def take_record(self, record):
        if record.type == HOST:
            for number, _, name, last, checkpoint, _ in read_hosts(record.payload):
                host = self.hosts.setdefault(number, Host(name))
                host.last = max(host.last, last)
                host.checkpoint = max(host.checkpoint, checkpoint)
        elif record.type == EPOCH:
            for number, *mark in read_marks(record.payload):
                self.agent(number).take_mark(*mark)
        elif is_agents(record):
            # Its number is told before, by a snapshot or by a HOST of its own.
            self.hosts[record.host].last = record.position
            if record.type != NAMES:
                (epoch, sequence, _), _ = read_stamp(record.payload)
                self.agent(record.host).take_mark(epoch, sequence, crc32c(record.payload))
        elif record.type == BATCH:
            host = self.hosts.setdefault(record.host, Host(read_batch(record.payload)[3], 0, record.previous))
            host.last = record.position
        elif record.type == CHECKPOINT:
            for number, position in read_checkpoint(record.payload)[1]:
                self.hosts[number].checkpoint = max(self.hosts[number].checkpoint, position)

    def agent(self, number):
        return self.agents.setdefault(self.hosts[number].name, Agent())

    def chain(self, number):
        """The records of a host beyond C, by their back links, the oldest first."""
        host = self.hosts[number]
        found = []
        position = host.last
        while position > host.checkpoint:
            record = read_record(self.segments[position >> 32], position & 0xFFFFFFFF)
            require(record.type in LINKS and record.host == number and record.payload is not None, "a back link")
            found.append(record)
            require(record.previous < position, "a back link that leads ahead")
            position = record.previous
        return found[::-1]


    def samples(self, number, decode=store_block.decode):
        """[(host, metric, labels, microseconds, value), ...] beyond C. All names are had first: where a checkpoint went
        by, they stand behind batches that they are needed for."""
        chain = self.chain(number)
        names = names_of(record.payload for record in chain if record.type in (DECLARE, NAMES))
        host = self.hosts[number].name
        found = []
        for record in chain:
            if record.type != BATCH:
                continue
            if is_agents(record):
                samples = samples_of_agents_batch(record.payload, names, decode)
            else:
                name, samples = samples_of_batch(record.payload, decode)
                require(name == host, "a batch of another host")
            found += [(host, *sample) for sample in samples]
        return found


def read_id(path):
    with open(path, "rb") as file:
        data = file.read()
    require(len(data) == 32 and data[:12] == b"hmstore\0\1\0\0\0", "the store's id")
    require(struct.unpack("<I", data[28:])[0] == crc32c(data[:28]), "checksum of the store's id")
    return data[12:28]


def samples_of_file(path, checkpoint, store_id, decode=store_block.decode):
    """Host, [(metric, labels, microseconds, value), ...] up to C, likewise. Parts are not followed."""
    with open(path, "rb") as file:
        header, blocks, damage = store_reader.read_file(file.read())
    require(not damage and header.part == 0 and header.store_id == store_id, path)
    place = "/".join(path.split("/")[-2:]).encode()
    require(header.salt == crc32c(store_id + place), "the salt of a file")
    names, samples = {}, []
    for block in blocks:
        if block.position > checkpoint:
            continue
        if block.type == store_reader.SERIES:
            names.update(store_reader.read_series(block.payload)[1])
        elif block.type == store_reader.DATA:
            for number, column in decode(store_reader.read_data(block.payload)[4]):
                samples += [(header.metric, names[number], time, value) for time, value in column]
    return header.host, samples


def read_store(folder, decode=store_block.decode):
    """All samples that count: from files [(host, metric, labels, microseconds, value), ...], and from the log; with
    decode_absences all absences, and reasons in place of values."""
    log = Log(folder)
    require(not log.damage, "damage in the log")
    store_id = read_id(os.path.join(folder, "id"))
    checkpoints = {host.name: host.checkpoint for host in log.hosts.values()}
    in_files, in_log = [], []
    for path in glob.glob(os.path.join(folder, "hosts", "*", "*.hm")):
        with open(path, "rb") as file:
            host = store_reader.read_header(file.read()).host
        in_files += [(host, *sample) for sample in samples_of_file(path, checkpoints[host], store_id, decode)[1]]
    for number in log.hosts:
        in_log += log.samples(number, decode)
    return in_files, in_log


def read_agents(folder):
    """{host: Agent} of all hosts with an agent: from .host files up to C, and from the log."""
    log = Log(folder)
    require(not log.damage, "damage in the log")
    checkpoints = {host.name: host.checkpoint for host in log.hosts.values()}
    agents = log.agents
    for path in glob.glob(os.path.join(folder, "hosts", "*", ".host")):
        with open(path, "rb") as file:
            header, blocks, damage = store_reader.read_file(file.read())
        require(not damage, path)
        for block in blocks:
            if block.position > checkpoints[header.host]:
                continue
            if block.type == store_reader.EPOCH:
                agents.setdefault(header.host, Agent()).take_mark(*store_reader.read_epoch(block.payload))
            elif block.type == store_reader.MESSAGE:
                kind, _, message = store_reader.read_message(block.payload)
                agents.setdefault(header.host, Agent()).take_message(kind, message)
    for number, host in log.hosts.items():
        for record in log.chain(number):
            if record.type in (GAP, CLOCK, SCHEDULE):
                agents[host.name].take_message(record.type, record.payload)
    return agents


# DELETE is none that this reader follows.
LINKS = (BATCH, DECLARE, GAP, CLOCK, NAMES, SCHEDULE)
READERS = {HOST: read_hosts, BATCH: read_batch, GROUP: read_group, CHECKPOINT: read_checkpoint, DECLARE: read_declare,
           NAMES: read_declare, GAP: read_gap, CLOCK: read_clock, EPOCH: read_marks, SCHEDULE: read_schedule}


def read_payload(record):
    if record.type == BATCH and is_agents(record):
        return read_agents_batch(record.payload)
    return READERS[record.type](record.payload) if record.type in READERS else record.payload


def main(path):
    if os.path.isdir(path):
        for samples in read_store(path):
            for sample in samples:
                print(*sample)
        return 0
    with open(path, "rb") as file:
        segment = read_segment(file.read())
    print(segment.number, hex(segment.salt), segment.made, segment.store_id.hex())
    for record, _ in records(segment):
        payload = "damaged" if record.payload is None else read_payload(record)
        print(record.position & 0xFFFFFFFF, record.type, record.host, record.previous, record.durable, record.received,
              payload)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
