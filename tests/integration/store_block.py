# SPDX-License-Identifier: MIT
"""Decodes a block of samples, written from docs/format.md alone. For tests: slow, and plain."""

import math
import struct

TIMES_MAX = COLUMNS_MAX = 65536
SAMPLES_MAX = 1 << 22
CONSTANT, PACKED, ENTROPY = 0, 1, 2
HAS_ODD, HAS_RUNS = 0x10, 0x20


class BadBlock(Exception):
    """The bytes are no block."""


def require(is_true, what):
    if not is_true:
        raise BadBlock(what)


def wrap(value):
    """64 bits in two's complement."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def unfold(number):
    return number >> 1 ^ -(number & 1)


class Bytes:
    """Bytes that are read from their beginning."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def left(self):
        return len(self.data) - self.at

    def take(self, n):
        require(n <= self.left(), "cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def byte(self):
        return self.take(1)[0]

    def number(self):
        value = 0
        for i in range(10):
            byte = self.byte()
            value |= (byte & 0x7F) << 7 * i
            if not byte & 0x80:
                require(byte or i == 0, "not the shortest form")
                require(i < 9 or byte <= 1, "more than 64 bits")
                return value
        raise BadBlock("a number of more than ten bytes")

    def signed(self):
        return unfold(self.number())

    def rest(self):
        return self.take(self.left())


class Bits:
    """A bit stream: the lowest bit of a byte first."""

    def __init__(self, data):
        self.value = int.from_bytes(data, "little")
        self.n_bits = 8 * len(data)
        self.at = 0

    def take(self, n):
        self.at += n
        require(self.at <= self.n_bits, "a bit stream is cut short")
        return self.value >> self.at - n & (1 << n) - 1

    def end(self):
        require(self.n_bits - self.at < 8 and self.value >> self.at == 0, "bits are left over")


def unpack(source, m):
    width = source.byte()
    require(width <= 64, "width")
    n_exceptions = source.number()
    require(n_exceptions <= m, "too many exceptions")
    bits = Bits(source.take((m * width + 7) // 8))
    residuals = [unfold(bits.take(width)) for _ in range(m)]
    bits.end()
    at = -1
    for _ in range(n_exceptions):
        at += 1 + source.number()
        require(at < m, "an exception behind the end")
        residuals[at] = source.signed()
    return residuals


def read_table(source):
    """start and frequency by symbol."""
    first, last = source.byte(), source.byte()
    require(8 <= first <= last <= 120, "symbols")
    n = last - first + 1
    halves = [half for byte in source.take((n + 1) // 2) for half in (byte & 15, byte >> 4)]
    require(len(halves) == n or halves[n] == 0, "half a byte")
    levels = {first + i: level for i, level in enumerate(halves[:n]) if level}
    require(levels, "no symbol")
    weights = {symbol: 1 << level - 1 for symbol, level in levels.items()}
    total = sum(weights.values())
    frequency = {symbol: 1 + weight * (2048 - len(levels)) // total for symbol, weight in weights.items()}
    highest = max(levels.values())
    frequency[min(symbol for symbol in levels if levels[symbol] == highest)] += 2048 - sum(frequency.values())
    slots = [symbol for symbol in sorted(levels) for _ in range(frequency[symbol])]
    start = {symbol: slots.index(symbol) for symbol in levels}
    return slots, start, frequency


def decode_symbols(source, m):
    n_contexts = source.byte()
    require(1 <= n_contexts <= 3, "contexts")
    thresholds = list(source.take(n_contexts - 1))
    require(all(1 <= threshold <= 56 for threshold in thresholds), "thresholds")
    require(thresholds == sorted(set(thresholds)), "thresholds do not grow")
    tables = [read_table(source) for _ in range(n_contexts)]
    n_words = source.number()
    require(n_words <= m, "words")
    states = list(struct.unpack("<4I", source.take(16)))
    require(min(states) >= 1 << 16, "states")
    words = iter(struct.unpack(f"<{n_words}H", source.take(2 * n_words)))
    length = -(-m // 4)
    symbols = [0] * m
    classes = [0] * 4
    for step in range(length):
        for lane in range(4):
            at = lane * length + step
            if at >= min((lane + 1) * length, m):
                continue
            slots, start, frequency = tables[sum(threshold <= classes[lane] for threshold in thresholds)]
            x = states[lane]
            symbol = slots[x % 2048]
            symbols[at] = symbol
            classes[lane] = abs(symbol - 64)
            x = frequency[symbol] * (x // 2048) + x % 2048 - start[symbol]
            if x < 65536:
                word = next(words, None)
                require(word is not None, "words are missing")
                x = x * 65536 + word
            states[lane] = x
    require(next(words, None) is None and states == [65536] * 4, "the end of the symbols")
    return symbols


def decode_entropy(source, m):
    require(m >= 64, "too few residuals")
    symbols = decode_symbols(source, m)
    bits = Bits(source.rest())
    residuals = []
    for symbol in symbols:
        n_bits = abs(symbol - 64)
        low = bits.take(n_bits - 1) if n_bits > 1 else 0
        least = 0 if n_bits == 0 else 1 << n_bits - 1 if symbol > 64 else -((1 << n_bits) - 1)
        residuals.append(least + low)
    bits.end()
    return residuals


def decode_integers(source, n, coding, order):
    """Up to the end of the payload."""
    if coding == CONSTANT:
        value = source.signed()
        require(not source.left(), "bytes are left over")
        return [value] * n
    require(order <= n, "order")
    start = [source.signed() for _ in range(order)]
    divisor = source.number()
    base = source.signed()
    residuals = (unpack if coding == PACKED else decode_entropy)(source, n - order)
    require(not source.left(), "bytes are left over")
    terms = [base + divisor * residual for residual in residuals]
    if order == 0:
        return [wrap(term) for term in terms]
    values = [start[0]]
    difference = 0
    if order == 2:
        difference = start[1]
        values.append(start[0] + start[1])
    for term in terms:
        difference = difference + term if order == 2 else term
        values.append(values[-1] + difference)
    return [wrap(value) for value in values]


def value_of(integer, form, places):
    if form == 3:
        return struct.unpack("<d", struct.pack("<q", integer))[0]
    require(-2**51 <= integer < 2**51, "an integer that is not exact")
    if form == 0:
        return integer / 10.0**places
    if form == 1:
        return integer * float(f"1e-{places}")
    return integer / 1000 / 10.0**(places - 3)


def decode_values(payload, n, encoding):
    coding, order = encoding & 3, encoding >> 2 & 3
    source = Bytes(payload)
    if n == 0:
        require(encoding == HAS_RUNS and not payload, "a column without values")
        return []
    scale = source.byte()
    places, form = scale & 15, scale >> 4 & 3
    least = (0, 1, 4, 0)[form]
    require(scale < 64 and least <= places and (form != 3 or places == 0), "scale")
    odd = {}
    if encoding & HAS_ODD:
        require(coding != CONSTANT, "odd values of a constant")
        at = -1
        count = source.number()
        require(1 <= count <= n, "odd values")
        for _ in range(count):
            at += 1 + source.number()
            require(at < n, "an odd value behind the end")
            odd[at] = struct.unpack("<d", source.take(8))[0]
    if coding == CONSTANT and form == 3:
        value = struct.unpack("<d", source.take(8))[0]
        require(not source.left(), "bytes are left over")
        return [value] * n
    integers = decode_integers(source, n, coding, order)
    return [odd[i] if i in odd else value_of(integer, form, places) for i, integer in enumerate(integers)]


def read_runs(source, n_times):
    """For each time None, where there is a sample, or the reason why there is none."""
    reasons = []
    while len(reasons) < n_times:
        n_present, n_missing = source.number(), source.number()
        require(0 < n_present + n_missing <= n_times - len(reasons), "a run")
        reasons += [None] * n_present
        if n_missing:
            reasons += [source.byte()] * n_missing
    require(any(reason is not None for reason in reasons), "no sample is missing")
    return reasons


def check_encoding(encoding):
    coding, order = encoding & 3, encoding >> 2 & 3
    require(coding != 3 and order != 3 and encoding < 64, "an encoding of a later version")
    require(coding != CONSTANT or (order == 0 and not encoding & HAS_ODD), "a combination that there is not")


def decode_columns(data):
    """[(series id, [(microseconds, value), ...], [(microseconds, reason), ...]), ...]"""
    source = Bytes(data)
    n_times, n_columns = source.number(), source.number()
    require(1 <= n_times <= TIMES_MAX and 1 <= n_columns <= COLUMNS_MAX, "a size")
    encoding = source.byte()
    check_encoding(encoding)
    require(not encoding & (HAS_ODD | HAS_RUNS), "encoding of times")
    times = decode_integers(Bytes(source.take(source.number())), n_times, encoding & 3, encoding >> 2)
    require(all(a <= b for a, b in zip(times, times[1:])), "times decrease")
    columns = []
    number = -1
    for _ in range(n_columns):
        number += 1 + source.number()
        require(number < 1 << 32, "a series' id")
        encoding = source.byte()
        check_encoding(encoding)
        reasons = read_runs(source, n_times) if encoding & HAS_RUNS else [None] * n_times
        present = [time for time, reason in zip(times, reasons) if reason is None]
        values = decode_values(source.take(source.number()), len(present), encoding)
        # Of a reason of 0 nothing is said.
        columns.append((number, list(zip(present, values)),
                        [(time, reason) for time, reason in zip(times, reasons) if reason]))
    require(not source.left(), "bytes are left over")
    require(sum(len(samples) + len(absences) for _, samples, absences in columns) <= SAMPLES_MAX, "too many samples")
    return columns


def decode(data):
    """[(series id, [(microseconds, value), ...]), ...]"""
    return [(number, samples) for number, samples, _ in decode_columns(data)]


def decode_absences(data):
    """Times without a sample, of which was said why: [(series id, [(microseconds, reason), ...]), ...]"""
    return [(number, absences) for number, _, absences in decode_columns(data)]


def is_same(a, b):
    """Bit for bit, but for the payloads of NaN, which Python may change."""
    return math.isnan(a) and math.isnan(b) or struct.pack("<d", a) == struct.pack("<d", b)
