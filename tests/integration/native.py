# SPDX-License-Identifier: MIT
"""An agent's side of the native protocol, written from docs/protocol.md and docs/format.md alone.

It sends what it is told to, also what no agent would send. For tests: slow, and plain.
"""

import collections
import dataclasses
import os
import re
import socket
import struct
import time

from store_reader import crc32c
from support import PATIENCE, ROOT

HELLO, WELCOME, DECLARE, BATCH, GAP, CLOCK, ACK, ERROR, BYE, SCHEDULE = range(1, 11)
HEADER_BYTES = 20
STAMP_BYTES = 41
FRAME_MAX_BYTES = 262144
LOGIN_MAX_BYTES = 65536
SERIES_MAX = 1 << 20
GAP_MAX = 1 << 24
UNKNOWN, GAUGE, COUNTER = range(3)
BOOT = b"\x33" * 16
BASE_US = 1795416400000000
NONE_US = -1 << 63
# The latest that anything may come that is waited for.
ANSWER_SECONDS = 15

# enum hm_reason, as far as it is sent.
REASONS = {
    0: "none", 3: "bad_name", 4: "bad_labels", 5: "too_many_labels", 7: "not_finite", 8: "bad_time", 9: "no_memory",
    10: "store_failed", 12: "too_many_connections", 14: "idle", 15: "not_reading", 17: "frame_magic",
    18: "frame_version", 19: "frame_type", 20: "frame_reserved", 21: "frame_length", 22: "frame_header_checksum",
    23: "frame_checksum", 24: "frame_cut", 25: "bad_message", 26: "bad_id", 27: "bad_sequence", 28: "bad_gap",
    29: "bad_clock", 30: "empty", 31: "bad_block", 32: "unknown_encoding", 33: "too_many_samples", 34: "not_declared",
    35: "declared_otherwise", 36: "too_many_series", 37: "out_of_turn", 38: "other_stamp", 39: "sequence_ahead",
    40: "sequence_other", 41: "replaced", 42: "too_many_epochs", 43: "too_slow", 44: "stopping"}


class ProtocolError(Exception):
    """The collector sent what the page does not allow."""


def require(is_true, what):
    if not is_true:
        raise ProtocolError(what)


# -- frames ----------------------------------------------------------------------------------------

def header(kind, length, payload_crc, magic=b"\xfahmw", version=1, reserved=0, crc=None):
    """Of a frame; each field may be a wrong one."""
    head = magic + struct.pack("<BBHII", version, kind, reserved, length & 0xFFFFFFFF, payload_crc)
    return head + struct.pack("<I", crc32c(head) if crc is None else crc)


def frame(kind, payload=b"", length=None, payload_crc=None, **fields):
    return header(kind, len(payload) if length is None else length,
                  crc32c(payload) if payload_crc is None else payload_crc, **fields) + payload


def text(data):
    data = data if isinstance(data, bytes) else data.encode()
    return struct.pack("<H", len(data)) + data


def hello(host, epoch, name="web01", boot=BOOT, clock=BASE_US, flags=0, version="1.0"):
    return host + epoch + boot + struct.pack("<qI", clock, flags) + text(name) + text(version)


def stamp(host, epoch, sequence):
    return b"\0" + epoch + struct.pack("<Q", sequence) + host


def declare(first, series):
    """Behind the stamp. @param series  [(kind, unit, name), ...]"""
    return struct.pack("<I", first) + b"".join(bytes([kind]) + text(unit) + text(name) for kind, unit, name in series)


def batch(*blocks):
    return b"".join(struct.pack("<I", len(block)) + block for block in blocks)


def gap(first, since=BASE_US, until=BASE_US, n_samples=0, reason=9):
    return struct.pack("<QqqQH", first, since, until, n_samples, reason)


def clock(event=1, boot=BOOT, now=BASE_US, since_boot=60000000, change=0):
    return bytes([event]) + boot + struct.pack("<qqq", now, since_boot, change)


def schedule(*metrics, since=BASE_US):
    """@param metrics  (microseconds, name), ..."""
    return struct.pack("<q", since) + b"".join(struct.pack("<Q", interval) + text(name) for interval, name in metrics)


def end(reason=0, wait_ms=1000, words="stopping"):
    return struct.pack("<HI", reason, wait_ms) + text(words)


# -- blocks of samples -----------------------------------------------------------------------------

def number(value):
    """LEB128."""
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(data) + bytes([value])


def fold(value):
    """A signed number of 64 bits, for number()."""
    value &= (1 << 64) - 1
    return (value << 1 ^ (-1 if value >> 63 else 0)) & (1 << 64) - 1


def signed(value):
    return number(fold(value))


def packed(values, width=None):
    """Packed integers of order 0: the divisor, the base, the residuals. @param width  of each; None = what is needed"""
    base = values[0] if values else 0
    folded = [fold(value - base) for value in values]
    if width is None:
        width = max(folded, default=0).bit_length()
    bits = 0
    if width % 8 == 0:
        slots = b"".join(value.to_bytes(width // 8, "little") for value in folded)
    else:
        for i, value in enumerate(folded):
            bits |= value << i * width
        slots = bits.to_bytes((len(folded) * width + 7) // 8, "little")
    return number(1) + signed(base) + bytes([width]) + number(0) + slots


def bits_of(value):
    return struct.unpack("<q", struct.pack("<d", value))[0]


def times(microseconds):
    """A time column: packed, order 0."""
    payload = packed(microseconds)
    return b"\x01" + number(len(payload)) + payload


def values(doubles, width=None):
    """Behind a series' id: a column of doubles, bit for bit. None is one that is missing, for reason 10."""
    present = [value for value in doubles if value is not None]
    if not present:
        return b"\x20" + number(0) + number(len(doubles)) + b"\x0a" + number(0)
    runs = b""
    at = 0
    while len(present) < len(doubles) and at < len(doubles):
        begin = at
        while at < len(doubles) and doubles[at] is not None:
            at += 1
        behind = at
        while behind < len(doubles) and doubles[behind] is None:
            behind += 1
        runs += number(at - begin) + number(behind - at) + (b"\x0a" if behind > at else b"")
        at = behind
    payload = b"\x30" + packed([bits_of(value) for value in present], width)
    return bytes([0x01 | (0x20 if runs else 0)]) + runs + number(len(payload)) + payload


def same(value):
    """Behind a series' id: a constant column."""
    return b"\x00" + number(9) + b"\x30" + struct.pack("<d", value)


def ids(series):
    """The ids of a block's columns, growing, as they are written."""
    before = -1
    for one in series:
        yield number(one - before - 1)
        before = one


def block(microseconds, columns, time_column=None):
    """@param columns  {id: doubles, or the bytes of a column behind its id}"""
    parts = [number(len(microseconds)), number(len(columns)), time_column or times(microseconds)]
    for start, column in zip(ids(sorted(columns)), (columns[one] for one in sorted(columns))):
        parts += [start, column if isinstance(column, bytes) else values(column)]
    return b"".join(parts)


# -- the example of the page -----------------------------------------------------------------------

def example():
    """[(is it the agent's, type, payload), ...] of docs/protocol.md, whose checksums verify."""
    with open(os.path.join(ROOT, "docs", "protocol.md"), encoding="utf-8") as page:
        lines = re.search(r"```hex session\n(.*?)```", page.read(), re.S)[1].strip().split("\n\n")
    frames = []
    for part in lines:
        data = bytes.fromhex("".join(line.partition("#")[0] for line in part.splitlines()))
        kind = data[5]
        require(data == frame(kind, data[HEADER_BYTES:]), f"the example's frame {data.hex()}")
        frames.append((part.partition("#")[2].strip()[0] == ">", kind, data[HEADER_BYTES:]))
    return frames


# -- a connection ----------------------------------------------------------------------------------

@dataclasses.dataclass
class Welcome:
    store: bytes
    durable: int
    crc: int
    n_series: int
    max_unacked: int
    clock: int
    flags: int


@dataclasses.dataclass
class End:
    """An ERROR or a BYE."""
    kind: int
    reason: str
    wait_ms: int
    words: str


class Closed(Exception):
    """The collector closed the connection, or reset it, with nothing more to read."""


class Refused(Exception):
    """An ERROR came, or a BYE; its reason is the argument."""


class Wire:
    """A connection that sends bytes, and reads frames."""

    def __init__(self, port, receive_bytes=0):
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(ANSWER_SECONDS * PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = b""

    def send(self, data):
        self.socket.sendall(data)

    def fill(self, n_bytes):
        while len(self.data) < n_bytes:
            try:
                data = self.socket.recv(65536)
            except ConnectionError as error:
                raise Closed("reset") from error
            except TimeoutError as error:
                raise ProtocolError(f"nothing came for {ANSWER_SECONDS} s") from error
            if not data:
                require(not self.data, "the connection ends within a frame")
                raise Closed("closed")
            self.data += data

    def read(self):
        """The next frame: its type and payload, which verify."""
        self.fill(HEADER_BYTES)
        head = self.data[:HEADER_BYTES]
        magic, version, kind, reserved, length, payload_crc, crc = struct.unpack("<4sBBHIII", head)
        require((magic, version, reserved) == (b"\xfahmw", 1, 0) and crc == crc32c(head[:16]), f"a header: {head.hex()}")
        require(length <= 208, f"a frame of {length} bytes")
        self.fill(HEADER_BYTES + length)
        payload = self.data[HEADER_BYTES:HEADER_BYTES + length]
        self.data = self.data[HEADER_BYTES + length:]
        require(payload_crc == crc32c(payload), "checksum of a payload")
        return kind, payload

    def expect(self, kind):
        found, payload = self.read()
        if found in (ERROR, BYE):
            raise Refused(REASONS[struct.unpack_from("<H", payload)[0]])
        require(found == kind, f"type {found} for {kind}: {payload!r}")
        return payload

    def welcome(self):
        payload = self.expect(WELCOME)
        require(len(payload) == 48, "length of WELCOME")
        welcome = Welcome(*struct.unpack("<16sQIIIqI", payload))
        require(any(welcome.store) and welcome.max_unacked >= 1 and welcome.n_series <= SERIES_MAX, str(welcome))
        return welcome

    def ack(self):
        payload = self.expect(ACK)
        require(len(payload) == 8, "length of ACK")
        return struct.unpack("<Q", payload)[0]

    def end(self):
        """The ERROR or BYE that comes next, behind ACKs; nothing may follow it."""
        kind, payload = self.read()
        while kind in (ACK, WELCOME):
            kind, payload = self.read()
        require(kind in (ERROR, BYE), f"type {kind}")
        reason, wait_ms, length = struct.unpack_from("<HIH", payload)
        require(len(payload) == 8 + length, "length of an end")
        self.closed()
        return End(kind, REASONS[reason], wait_ms, payload[8:].decode())

    def closed(self):
        """Wait for the end; nothing may come before it."""
        try:
            found = self.read()
        except Closed as how:
            return str(how)
        raise ProtocolError(f"a frame of type {found[0]} instead of the end")

    def reset(self):
        """Close it by a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()


# -- an agent --------------------------------------------------------------------------------------

class Agent:
    """Who sends, and all that it ever made: nothing is forgotten, so everything can be sent again."""

    def __init__(self, host, epoch, name):
        self.host, self.epoch, self.name = host, epoch, name
        self.messages = []  # frames, by sequence from 1 on
        self.crcs = [0]  # of their payloads, by sequence
        self.declares = []  # sequences of these, and how many series there are behind them
        self.n_series = 0
        self.acknowledged = 0  # the highest that was heard
        self.wire = None
        self.welcome = None

    def hello(self, **fields):
        return frame(HELLO, hello(self.host, self.epoch, self.name, **fields))

    def make(self, kind, body, sequence=None):
        """A message that is not kept."""
        sequence = len(self.messages) + 1 if sequence is None else sequence
        return frame(kind, stamp(self.host, self.epoch, sequence) + body)

    def add(self, kind, body):
        """The next message of the epoch; its frame."""
        message = self.make(kind, body)
        self.crcs.append(struct.unpack_from("<I", message, 12)[0])
        self.messages.append(message)
        return message

    def skip(self, n, body):
        """A GAP, over so many sequences."""
        self.messages += [b""] * (n - 1)
        self.crcs += [None] * (n - 1)
        return self.add(GAP, body)

    def declare(self, *series):
        message = self.add(DECLARE, declare(self.n_series, series))
        self.n_series += len(series)
        self.declares.append((len(self.messages), self.n_series))
        return message

    def connect(self, port, receive_bytes=0):
        """Say HELLO; what WELCOME says has to be true."""
        for _ in range(10):
            self.wire = Wire(port, receive_bytes)
            self.wire.send(self.hello())
            try:
                self.welcome = welcome = self.wire.welcome()
                break
            except Refused as refused:
                # What the session before sent is not durable yet, on a slow disk: later, as the ERROR says.
                if refused.args != ("store_failed",):
                    raise
                self.wire.close()
                time.sleep(0.2)
        else:
            raise ProtocolError("HELLO is not answered")
        require(welcome.durable >= self.acknowledged, f"{welcome.durable} is durable, {self.acknowledged} was acknowledged")
        require(welcome.durable <= len(self.messages), f"{welcome.durable} is durable, and was never sent")
        require(welcome.crc == self.crcs[welcome.durable], f"another message has sequence {welcome.durable}")
        self.acknowledged = welcome.durable
        return welcome

    def again(self):
        """The DECLAREs that the collector has lost."""
        known = max((n for sequence, n in self.declares if sequence <= self.welcome.durable), default=0)
        if self.welcome.n_series >= known:
            return b""
        return b"".join(self.messages[sequence - 1] for sequence, _ in self.declares if sequence <= self.welcome.durable)

    def deliver(self):
        """Send all that is not durable, as many frames ahead as is allowed, and wait for the last ACK."""
        self.wire.send(self.again())
        sent = self.acknowledged
        while self.acknowledged < len(self.messages):
            upto = min(len(self.messages), self.acknowledged + self.welcome.max_unacked)
            if upto > sent:
                self.wire.send(b"".join(self.messages[sent:upto]))
                sent = upto
            self.hear(sent)

    def hear(self, sent):
        """One ACK; of nothing that was not sent."""
        sequence = self.wire.ack()
        require(self.acknowledged <= sequence <= sent, f"ACK {sequence} after {self.acknowledged}, {sent} are sent")
        self.acknowledged = sequence

    def leave(self):
        """Say BYE when all is acknowledged; what came again may be once more."""
        self.wire.send(frame(BYE, end()))
        try:
            while True:
                self.hear(self.acknowledged)
        except Closed as how:
            require(str(how) == "closed", "it was reset")
        self.wire.close()


SERIES = [(GAUGE, "", "node_load1"), (COUNTER, "seconds", 'node_cpu_seconds_total{cpu="0"}')]


def ident(*words):
    """16 bytes that are the same for the same words, and no zeros."""
    return (struct.pack("<I", crc32c(repr(words).encode())) * 4)[:15] + b"\1"


class Sender(Agent):
    """An agent with samples of its own, and the list of them."""

    def __init__(self, name):
        super().__init__(ident("host", name), ident("epoch", name), name)
        self.rows = collections.Counter()  # as ledger.parse() gives them
        self.absences = collections.Counter()  # reasons in place of values
        self.n_ticks = 0

    def begin(self):
        self.add(CLOCK, clock())
        self.declare(*SERIES)

    def tick(self, chooser, n_times=3):
        """A batch of some seconds more; the second series misses some."""
        at = [BASE_US + (self.n_ticks + i) * 1000000 + chooser.randrange(1000) for i in range(n_times)]
        self.n_ticks += n_times
        columns = {0: [chooser.gauss(0, 1e100) for _ in at],
                   1: [None if chooser.random() < 0.2 else float(chooser.randrange(1 << 40)) / 8 for _ in at]}
        for number, column in columns.items():
            for when, value in zip(at, column):
                if value is not None:
                    self.rows[when, self.name, SERIES[number][2], value.hex()] += 1
                else:
                    self.absences[when, self.name, SERIES[number][2], 10] += 1
        return self.add(BATCH, batch(block(at, columns)))
