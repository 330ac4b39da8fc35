# SPDX-License-Identifier: MIT
"""A disk for a guest: one with a cache that a power cut empties, and that fails where it is told to.

QEMU is its client, by the protocol of network block devices (NBD). What was written and not flushed is
in the cache: a cut keeps some of it, loses some, and tears some, each sector for itself.
"""

import mmap
import os
import random
import socket
import struct
import threading
import time

SECTOR_BYTES = 4096

HELLO, OPTION, OPTION_REPLY = b"NBDMAGICIHAVEOPT", b"IHAVEOPT", 0x3e889045565a9
FIXED_NEWSTYLE_NO_ZEROES = 3
ABORT, INFO, GO = 2, 6, 7
REPLY_ACK, REPLY_INFO, REPLY_UNSUPPORTED = 1, 3, 0x80000001
HAS_FLAGS, SEND_FLUSH = 1, 4

REQUEST, REPLY = 0x25609513, 0x67446698
READ, WRITE, DISCONNECT, FLUSH = 0, 1, 2, 3
EIO, EINVAL = 5, 22


class Gone(Exception):
    """QEMU has ended."""


def receive(connection, n_bytes):
    data = bytearray()
    while len(data) < n_bytes:
        try:
            part = connection.recv(n_bytes - len(data))
        except OSError as error:
            raise Gone from error
        if not part:
            raise Gone
        data += part
    return bytes(data)


class VolatileDisk:
    """Outlives the guests that it is plugged into, one after the other."""

    def __init__(self, path, n_bytes, chooser, flush_seconds=0.1):
        """path: of the socket where QEMU finds it. A flush takes up to so long, so that a cut often comes before
        its end."""
        self.path = path
        self.n_bytes = n_bytes
        self.seen = mmap.mmap(-1, n_bytes)  # what reads get
        self.held = mmap.mmap(-1, n_bytes)  # what no cut can take
        self.unflushed = []  # (offset, bytes), in the order of their writing
        self.chooser = chooser  # of the dice for cuts
        self.flush_seconds = flush_seconds
        self.slowness = random.Random(chooser.random())
        self.lock = threading.Lock()
        self.is_off = threading.Event()
        # What fails.
        self.refused_bytes = None  # each write that has these bytes in it
        self.refuses_flush = False
        self.bad_sectors = set()  # numbers of those that cannot be read
        # What happened.
        self.n_writes = self.n_flushes = self.n_lost = self.n_torn = 0
        self.n_refused_writes = self.n_refused_flushes = self.n_refused_reads = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.connection = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        if self.connection:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        os.unlink(self.path)

    # -- what the tests do to it -------------------------------------------------------------------

    def wait_unflushed(self, seconds):
        """Until something would be lost, or for so long."""
        end = time.monotonic() + seconds
        while not self.unflushed and time.monotonic() < end:
            time.sleep(0.001)

    def cut_power(self, kill):
        """At once; the guest goes with it. Of what was not flushed chance decides."""
        self.is_off.set()
        kill()
        while self.connection:
            time.sleep(0.01)
        with self.lock:
            # None at all is the worst, but a share of them is what tears a file system apart.
            share = self.chooser.choice((0, 0, 0.5, 0.9))
            for offset, data in self.unflushed:
                if self.chooser.random() < share:
                    self.held[offset:offset + len(data)] = data
                elif self.chooser.random() < 0.2:
                    self._tear(offset, data)
                else:
                    self.n_lost += 1
            for offset, data in self.unflushed:
                self.seen[offset:offset + len(data)] = self.held[offset:offset + len(data)]
            self.unflushed = []
        self.is_off.clear()

    def _tear(self, offset, data):
        self.n_torn += 1
        for first in range(0, len(data), SECTOR_BYTES):
            if self.chooser.random() < 0.5:
                end = first + SECTOR_BYTES
                self.held[offset + first:offset + end] = data[first:end]

    # -- what QEMU does ----------------------------------------------------------------------------

    def _serve(self):
        while True:
            try:
                self.connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                self._greet(self.connection)
                while True:
                    self._answer(self.connection)
            except (Gone, OSError):
                self.connection.close()
                self.connection = None

    def _greet(self, connection):
        connection.sendall(HELLO + struct.pack(">H", FIXED_NEWSTYLE_NO_ZEROES))
        receive(connection, 4)
        option = None
        while option != GO:
            _, option, n_bytes = struct.unpack(">8sII", receive(connection, 16))
            receive(connection, n_bytes)
            if option in (GO, INFO):
                self._reply(connection, option, REPLY_INFO,
                            struct.pack(">HQH", 0, self.n_bytes, HAS_FLAGS | SEND_FLUSH))
                self._reply(connection, option, REPLY_ACK)
            else:
                self._reply(connection, option, REPLY_ACK if option == ABORT else REPLY_UNSUPPORTED)

    @staticmethod
    def _reply(connection, option, kind, data=b""):
        connection.sendall(struct.pack(">QIII", OPTION_REPLY, option, kind, len(data)) + data)

    def _answer(self, connection):
        magic, _, kind, cookie, offset, n_bytes = struct.unpack(">IHHQQI", receive(connection, 28))
        assert magic == REQUEST
        data = receive(connection, n_bytes) if kind == WRITE else b""
        if kind == FLUSH:
            self.is_off.wait(self.slowness.uniform(0, self.flush_seconds))
        if kind == DISCONNECT or self.is_off.is_set():
            raise Gone
        with self.lock:
            if kind in (READ, WRITE) and offset + n_bytes > self.n_bytes:
                error, answer = EINVAL, b""
            elif kind == READ:
                error, answer = self._read(offset, n_bytes)
            elif kind == WRITE:
                error, answer = self._write(offset, data), b""
            else:
                error, answer = self._flush() if kind == FLUSH else EINVAL, b""
        connection.sendall(struct.pack(">IIQ", REPLY, error, cookie) + answer)

    def _read(self, offset, n_bytes):
        sectors = range(offset // SECTOR_BYTES, (offset + n_bytes) // SECTOR_BYTES)
        if not self.bad_sectors.isdisjoint(sectors):
            self.n_refused_reads += 1
            return EIO, b""
        return 0, self.seen[offset:offset + n_bytes]

    def _write(self, offset, data):
        if self.refused_bytes and self.refused_bytes in data:
            self.n_refused_writes += 1
            return EIO
        self.n_writes += 1
        self.seen[offset:offset + len(data)] = data
        self.unflushed.append((offset, data))
        return 0

    def _flush(self):
        if self.refuses_flush:
            self.n_refused_flushes += 1
            return EIO
        for offset, data in self.unflushed:
            self.held[offset:offset + len(data)] = data
        self.unflushed = []
        self.n_flushes += 1
        return 0
