# SPDX-License-Identifier: MIT
"""Programs in namespaces of their own, of mounts and of processes, as root: what is mounted there goes with them."""

import ctypes
import os
import signal

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWPID = 0x20000, 0x20000000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18
PR_SET_PDEATHSIG = 1


def call(function, *arguments):
    if function(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def mount(source, target, kind, flags=0, data=None):
    call(LIBC.mount, source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags),
         data and data.encode())


def start(words):
    """Start the program, which SIGTERM goes to. @return its process"""
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.execv(words[0], words)
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(pid, number))
    return pid


def run(inside):
    """Call inside() as process 1 of new namespaces, whose exit code it returns. SIGTERM goes to it; all ends with it."""
    call(LIBC.unshare, CLONE_NEWNS | CLONE_NEWPID)
    pid = os.fork()
    if pid == 0:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setpgid(0, 0)
        mount("none", "/", None, MS_REC | MS_PRIVATE)
        mount("proc", "/proc", "proc")
        os._exit(inside())
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(pid, number))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
