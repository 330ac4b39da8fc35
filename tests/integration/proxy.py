# SPDX-License-Identifier: MIT
"""A TCP proxy on loopback that gives on what comes in small pieces, and ends a connection where it is told to."""

import selectors
import socket
import struct
import threading
import time

UP, DOWN = "up", "down"  # to the collector, to the agent
# How a connection ends: what each side is told.
RESET, CLOSE, NOTHING = "reset", "close", "nothing"


def end_socket(connection, how):
    """@param how  RESET, CLOSE, or NOTHING: it is left open"""
    if how == NOTHING:
        return
    if how == RESET:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Cut:
    """Where a connection ends, and how."""

    def __init__(self, direction, offset, towards_agent=RESET, towards_collector=RESET):
        self.direction, self.offset = direction, offset
        self.towards = {UP: towards_collector, DOWN: towards_agent}
        self.is_done = threading.Event()


class Link:
    """A connection, both sides of it."""

    def __init__(self, agent, collector, cut, piece_bytes):
        self.ends = {UP: agent, DOWN: collector}  # from where each direction comes
        self.cut = cut
        self.piece_bytes = piece_bytes
        self.n_bytes = {UP: 0, DOWN: 0}
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def other(self, direction):
        return self.ends[DOWN if direction == UP else UP]

    def serve(self):
        selector = selectors.DefaultSelector()
        for direction, connection in self.ends.items():
            selector.register(connection, selectors.EVENT_READ, direction)
        try:
            if self.cut and self.cut.offset == 0:
                self.end()
                return
            while len(selector.get_map()) > 0:
                for key, _ in selector.select():
                    if not self.give_on(key.data):
                        selector.unregister(key.fileobj)
                    if self.cut and self.n_bytes[self.cut.direction] == self.cut.offset:
                        self.end()
                        return
            for connection in self.ends.values():
                connection.close()
        except OSError:
            # One side reset it, or the proxy ends: so it is for the other.
            for connection in self.ends.values():
                end_socket(connection, RESET)
        finally:
            selector.close()

    def give_on(self, direction):
        """A piece of what has come. Return False at the end of it."""
        n_bytes = self.piece_bytes
        if self.cut and self.cut.direction == direction:
            n_bytes = min(n_bytes, self.cut.offset - self.n_bytes[direction])
        data = self.ends[direction].recv(n_bytes)
        if not data:
            self.other(direction).shutdown(socket.SHUT_WR)
            return False
        self.other(direction).sendall(data)
        self.n_bytes[direction] += len(data)
        return True

    def end(self):
        # What was given on is to be read before.
        time.sleep(0.001)
        end_socket(self.ends[UP], self.cut.towards[DOWN])
        end_socket(self.ends[DOWN], self.cut.towards[UP])
        self.cut.is_done.set()

    def close(self):
        for connection in self.ends.values():
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.thread.join()
        for connection in self.ends.values():
            connection.close()


class Proxy:
    """Between whoever connects to `address` and a collector."""

    def __init__(self, port, cut=None, piece_bytes=1):
        """@param cut  of the first connection; all others are left whole"""
        self.port, self.cut, self.piece_bytes = port, cut, piece_bytes
        self.links = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                agent, _ = self.listener.accept()
            except OSError:
                return
            try:
                collector = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                end_socket(agent, RESET)
                continue
            for connection in (agent, collector):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.links.append(Link(agent, collector, self.cut if not self.links else None, self.piece_bytes))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        for link in self.links:
            link.close()
