# SPDX-License-Identifier: MIT
"""File systems that do not answer: FUSE, served from here in its own protocol (linux/fuse.h), for a program that runs
in namespaces of its own, as root.

    fuse.py FOLDER PROGRAM [ARGUMENT...]

FOLDER/hung takes each statfs(2), and answers only while the file FOLDER/answer is there; the process behind
FOLDER/frozen is stopped while FOLDER/freeze is there. FOLDER/auto is an automount: who asks it waits, and FOLDER/triggered is there
from then on. Process 1 of the namespaces is this one; SIGTERM goes to the program, and
all ends with it. Its exit code is the program's.
"""

import os
import select
import signal
import struct
import sys

import namespaces
from namespaces import mount

GETATTR, STATFS, INIT = 3, 17, 26
UNANSWERED = (2, 36, 42)  # FORGET, INTERRUPT, BATCH_FORGET
IN_HEADER = struct.Struct("IIQQIIII")
OUT_HEADER = struct.Struct("IiQ")
ENOSYS = 38
BLOCKS = 1000


class FileSystem:
    """One that has a root folder and nothing in it."""

    def __init__(self, path, answer_path=None):
        self.answer_path = answer_path  # statfs(2) waits for it; None: it does not
        self.waiting = []
        os.makedirs(path, exist_ok=True)
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        mount(os.path.basename(path), path, "fuse.test", data=f"fd={self.fd},rootmode=40000,user_id=0,group_id=0,allow_other")

    def reply(self, unique, body=b"", error=0):
        os.write(self.fd, OUT_HEADER.pack(OUT_HEADER.size + len(body), -error, unique) + body)

    def reply_statfs(self, unique):
        self.reply(unique, struct.pack("QQQQQIIII24x", BLOCKS, BLOCKS // 2, BLOCKS // 4, 10, 5, 4096, 255, 4096, 0))

    def take(self):
        request = os.read(self.fd, 1 << 17)
        _, opcode, unique, *_ = IN_HEADER.unpack_from(request)
        if opcode == INIT:
            self.reply(unique, struct.pack("IIIIHHIIHH32x", 7, 31, 0, 0, 1, 1, 4096, 1, 1, 0))
        elif opcode == GETATTR:
            self.reply(unique, struct.pack("QII" "QQQQQQ" "IIIIIIIIII", 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
                                           0o40755, 2, 0, 0, 0, 4096, 0))
        elif opcode == STATFS and self.answer_path:
            self.waiting.append(unique)
        elif opcode == STATFS:
            self.reply_statfs(unique)
        elif opcode not in UNANSWERED:
            self.reply(unique, error=ENOSYS)

    def serve(self):
        while True:
            if select.select([self.fd], [], [], 0.02)[0]:
                self.take()
            if self.waiting and os.path.exists(self.answer_path):
                for unique in self.waiting:
                    self.reply_statfs(unique)
                self.waiting = []


class Automount:
    """One that mounts nothing, and notes that somebody wanted it to."""

    def __init__(self, path, triggered_path):
        self.triggered_path = triggered_path
        os.makedirs(path, exist_ok=True)
        self.fd, write_fd = os.pipe()
        # This process group may pass without.
        mount("auto", path, "autofs", data=f"fd={write_fd},pgrp={os.getpgrp()},minproto=5,maxproto=5,direct")

    def serve(self):
        while os.read(self.fd, 1 << 12):
            with open(self.triggered_path, "w", encoding="ascii"):
                pass


def serve(file_system):
    pid = os.fork()
    if pid == 0:
        file_system.serve()
    os.close(file_system.fd)
    return pid


def follow(pid, frozen, freeze_path):
    """Until the program ends: stop, and let go on, the process that serves `frozen`."""
    is_stopped = False
    while True:
        ended, code = os.waitpid(-1, os.WNOHANG)  # who has no parent any more, too
        if ended == pid:
            return os.waitstatus_to_exitcode(code)
        if os.path.exists(freeze_path) != is_stopped:
            is_stopped = not is_stopped
            os.kill(frozen, signal.SIGSTOP if is_stopped else signal.SIGCONT)
        select.select([], [], [], 0.02)


def run_inside(folder, words):
    serve(FileSystem(os.path.join(folder, "hung"), os.path.join(folder, "answer")))
    frozen = serve(FileSystem(os.path.join(folder, "frozen")))
    serve(Automount(os.path.join(folder, "auto"), os.path.join(folder, "triggered")))
    return follow(namespaces.start(words), frozen, os.path.join(folder, "freeze"))


def main(folder, *words):
    return namespaces.run(lambda: run_inside(folder, words))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
