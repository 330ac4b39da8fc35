# SPDX-License-Identifier: MIT
"""Network links that lose, double, delay and forge frames, between network namespaces of their own.

The namespace of whoever calls enter() has a frame pass from one end of a link to the other, as it is told to: no
queueing discipline or filter of the kernel's is needed, and nothing of the system's is changed.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import signal
import socket
import struct
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
SIOCETHTOOL = 0x8946
# Checksums are to be in the frames, and frames no longer than a link takes: ETHTOOL_STXCSUM, SSG, STSO, SGSO.
OFFLOADS = (0x17, 0x19, 0x1f, 0x24)
ETH_P_ALL, ETH_P_IP = 3, 0x0800
OUTGOING = 4
ETHERNET_BYTES = 14
RST, ACK = 4, 16
UP, DOWN = "up", "down"  # to the collector, to the agent


def enter():
    """A network namespace for this process and its children. Return why there is none, or ""."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return "no network namespace of its own: " + os.strerror(ctypes.get_errno())
    try:
        run_ip("link", "add", "name", "probe", "type", "veth", "peer", "name", "eborp")
        run_ip("link", "delete", "probe")
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no veth: {getattr(error, 'stderr', error)}"
    return ""


def run_ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True, timeout=60)


class Namespace:
    """Lives as long as a process that sleeps in it."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.holder.stdout.read(1)
        self.prefix = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]

    def take(self, device, address):
        run_ip("link", "set", device, "netns", str(self.holder.pid))
        for words in (("address", "add", f"{address}/30", "dev", device), ("link", "set", device, "up")):
            subprocess.run([*self.prefix, "ip", *words], check=True, capture_output=True, timeout=60)

    def close(self):
        self.holder.send_signal(signal.SIGKILL)
        self.holder.wait()
        self.holder.stdout.close()


def disable_offloads(device):
    with socket.socket() as control:
        for command in OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            fcntl.ioctl(control, SIOCETHTOOL, struct.pack("16sP16x", device.encode(), ctypes.addressof(value)))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def is_internet(frame):
    return struct.unpack_from("!H", frame, 12)[0] == ETH_P_IP


class Segment:
    """What of a frame with TCP in it is needed to forge another."""

    def __init__(self, frame):
        self.ethernet, internet = frame[:ETHERNET_BYTES], frame[ETHERNET_BYTES:]
        n_bytes = (internet[0] & 15) * 4
        self.source, self.target = internet[12:16], internet[16:20]
        self.ports = struct.unpack_from("!HH", internet, n_bytes)
        self.sequence, self.acknowledged, offset, self.flags = struct.unpack_from("!IIBB", internet, n_bytes + 4)
        self.n_payload = struct.unpack_from("!H", internet, 2)[0] - n_bytes - (offset >> 4) * 4

    @staticmethod
    def of(frame):
        """None: there is none in it."""
        is_tcp = is_internet(frame) and len(frame) >= ETHERNET_BYTES + 40 and frame[ETHERNET_BYTES + 9] == socket.IPPROTO_TCP
        return Segment(frame) if is_tcp else None

    def reset(self, goes_on):
        """The frame of a RST. @param goes_on  as if the sender had sent it next; else it comes back to the sender"""
        ethernet, source, target, ports = self.ethernet, self.source, self.target, self.ports
        sequence = self.sequence + self.n_payload & 0xFFFFFFFF
        if not goes_on:
            ethernet = ethernet[6:12] + ethernet[:6] + ethernet[12:]
            source, target, ports, sequence = target, source, ports[::-1], self.acknowledged
        head = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, socket.IPPROTO_TCP, 0) + source + target
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        tcp = struct.pack("!HHIIBBHHH", *ports, sequence, 0, 5 << 4, RST, 0, 0, 0)
        crc = checksum(source + target + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(tcp)) + tcp)
        return ethernet + head + tcp[:16] + struct.pack("!H", crc) + tcp[18:]


class Link:
    """Between an agent's namespace and the collector's. What is told to it counts from the next frame on."""

    def __init__(self, number, agent, collector, seed):
        self.chooser = random.Random(seed)
        self.lost_share = self.doubled_share = self.delayed_share = 0.0
        self.delay_seconds = 0.05
        self.is_cut = {UP: False, DOWN: False}  # behind the next router: who is the neighbour is still known
        self.reset_ways = []  # of the next segment with data: whether each RST goes on, as in Segment.reset()
        self.n_frames = self.n_lost = self.n_doubled = self.n_delayed = self.n_resets = 0
        self.agent_address, self.address = f"10.0.{number}.1", f"10.0.{number}.2"
        self.waiting = []  # heap of (when, number, direction, frame)
        self.is_over = False
        for name, namespace, address in (("a", agent, self.agent_address), ("c", collector, self.address)):
            run_ip("link", "add", "name", f"{name}{number}", "type", "veth", "peer", "name", f"{name}{number}x")
            disable_offloads(f"{name}{number}")
            namespace.take(f"{name}{number}", address)
            run_ip("link", "set", f"{name}{number}x", "up")
        self.ends = {UP: self.open(f"a{number}x"), DOWN: self.open(f"c{number}x")}  # from where each direction comes
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    @staticmethod
    def open(device):
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        end.bind((device, ETH_P_ALL))
        return end

    def serve(self):
        while not self.is_over:
            wait = self.waiting[0][0] - time.monotonic() if self.waiting else 0.1
            ready, _, _ = select.select(list(self.ends.values()), [], [], min(0.1, max(0, wait)))
            for direction, end in self.ends.items():
                if end in ready:
                    frame, where = end.recvfrom(65536)
                    if where[2] != OUTGOING:
                        self.take(direction, frame)
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, _, direction, frame = heapq.heappop(self.waiting)
                self.put(direction, frame)

    def take(self, direction, frame):
        self.n_frames += 1
        if self.is_cut[direction] and is_internet(frame) or self.chooser.random() < self.lost_share:
            self.n_lost += 1
            return
        if self.chooser.random() < self.delayed_share:
            self.n_delayed += 1
            when = time.monotonic() + self.chooser.random() * self.delay_seconds
            heapq.heappush(self.waiting, (when, self.n_frames, direction, frame))
        else:
            self.put(direction, frame)
        if self.chooser.random() < self.doubled_share:
            self.n_doubled += 1
            self.put(direction, frame)
        segment = Segment.of(frame) if self.reset_ways else None
        if segment and segment.n_payload > 0 and segment.flags & ACK:
            for goes_on in self.reset_ways:
                self.put(direction if goes_on else (DOWN if direction == UP else UP), segment.reset(goes_on))
            self.n_resets += len(self.reset_ways)
            self.reset_ways = []

    def put(self, direction, frame):
        try:
            self.ends[DOWN if direction == UP else UP].send(frame)
        except OSError:
            self.n_lost += 1

    def heal(self):
        self.lost_share = self.doubled_share = self.delayed_share = 0.0
        self.is_cut = {UP: False, DOWN: False}
        self.reset_ways = []

    def close(self):
        self.is_over = True
        self.thread.join()
        for end in self.ends.values():
            end.close()
