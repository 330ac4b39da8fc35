# SPDX-License-Identifier: MIT
"""A guest with a kernel of its own: booted once, then each test begins from that moment.

The guest of tests/system/guest-image under QEMU, which emulates the processor: no /dev/kvm needed.
It reaches nothing but the collector of its test, on this machine's loopback.
"""

import contextlib
import functools
import hashlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))

from support import BUILD, PATIENCE, Case, wait_until  # pylint: disable=wrong-import-position

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGE = os.path.join(BUILD, "system", "guest")
DISK = os.path.join(IMAGE, "disk.qcow2")
LOGS = os.path.join(BUILD, "system")

MEMORY_MIB = 512
# What thermal.asl reads: the kernel leaves the page alone, the host writes it.
PAGE_ADDRESS = 0x10000000
COLLECTOR_IN_GUEST = "10.0.2.100:9999"
AGENTCTL_IN_GUEST = "/run/hm/agentctl --socket /run/hm/agent.sock"


class QemuError(Exception):
    """QEMU refused a command, or ended."""


def thermal_table():
    """thermal.asl, compiled."""
    source, table = os.path.join(HERE, "thermal.asl"), os.path.join(IMAGE, "thermal.aml")
    if not os.path.exists(table) or os.path.getmtime(table) < os.path.getmtime(source):
        subprocess.run(["iasl", "-p", os.path.splitext(table)[0], source], check=True, capture_output=True)
    return table


def machine(image=DISK):
    """The arguments that decide what the guest sees; a saved guest fits these alone."""
    return [
        "-machine", "q35,memory-backend=ram,vmport=off", "-accel", "tcg", "-smp", "1", "-m", str(MEMORY_MIB),
        "-object", f"memory-backend-memfd,id=ram,size={MEMORY_MIB}M,share=on",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-acpitable", f"file={thermal_table()}",
        "-kernel", os.path.join(IMAGE, "vmlinuz"), "-initrd", os.path.join(IMAGE, "boot.cpio.gz"),
        # Where other work takes the processors, timers are not as the kernel's check at the boot expects them.
        "-append", f"console=ttyS0 quiet panic=-1 no_timer_check memmap=64K${PAGE_ADDRESS:#x}",
        "-serial", "chardev:console",
        "-drive", f"file={image},if=virtio,cache=unsafe",
        "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=commands,name=commands",
        "-device", "virtio-9p-pci,fsdev=shared,mount_tag=shared", "-device", "virtio-net-pci,netdev=net,romfile=",
        "-device", "qemu-xhci,id=usb", *(word for slot in range(1, 4) for word in (
            "-device", f"pcie-root-port,id=slot{slot},chassis={slot}")),
    ]


@functools.lru_cache
def saved_name():
    """Of the saved guest that fits this machine, this QEMU and this table."""
    version = subprocess.run(["qemu-system-x86_64", "--version"], check=True, capture_output=True).stdout
    with open(thermal_table(), "rb") as table:
        parts = [version, table.read(), json.dumps(machine()).replace(IMAGE, "").encode()]
    return "booted-" + hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def is_saved():
    listed = subprocess.run(["qemu-img", "snapshot", "-l", DISK],
                            check=True, capture_output=True, text=True).stdout
    return saved_name() in listed.split()


class Guest:
    """A running guest. Everything it has ends with stop()."""

    def __init__(self, log, shared, collector_port, image=DISK):
        """shared: a folder of this machine, which is /mnt in the guest. image: of its own disk, made if it is not there;
        a guest that is to be killed, or booted again, should not have that of all others."""
        self.log = log
        self.image = image
        self.shared = shared
        self.collector_port = collector_port
        self.process = self.qmp = self.commands = self.page = None
        self.events = []  # what QEMU has told by itself, and nobody has waited for
        self.clock_offset = self.clock_error = 0.0

    # -- start and stop --------------------------------------------------------------------------

    def start(self):
        """Go on from the saved guest; without one, boot and save it."""
        if not is_saved():
            self._launch([], DISK)
            self.write_page(0, [2732 + 200, 2732 + 200, 0, 0])
            self.tell("cont")
            wait_until(self._is_booted, 300, "the guest has booted")
            # What the boot began is to be over when tests measure.
            self.run("systemctl is-system-running --wait; sync; sleep 2", seconds=300)
            self.tell_monitor(f"savevm {saved_name()}")
            self.stop()
        if not os.path.exists(self.image):
            shutil.copyfile(DISK, self.image)
        self._launch(["-loadvm", saved_name()], self.image)
        self.tell("cont")
        self.run(f"date -s @{time.time():.3f}")
        self._arrive()

    def _arrive(self):
        """Once it runs: what each boot begins with."""
        self.run("mount -t 9p -o trans=virtio,version=9p2000.L shared /mnt;"
                 " card=$(cd /sys/class/net && echo e*); ip address add 10.0.2.15/24 dev $card; ip link set $card up")
        self._read_clock()

    def reboot(self, command=None):
        """Boot its kernel again, after a shutdown that the command begins, or at once. What wrote to /mnt is gone."""
        self.events.clear()
        self.tell("set-action", reboot="reset")
        if command:
            self.run(f"{command} >/dev/null 2>&1 &")
        else:
            self.tell("system_reset")
        self.wait_event("RESET")
        wait_until(self._is_booted, 300, "the guest has booted again")
        self._arrive()

    def sleep(self, seconds):
        """Suspend it to memory, wake it up after so long. Nobody may use /mnt. Returns when it fell asleep, and woke up."""
        self.events.clear()
        # Linux cannot do that to 9p. What is under way would not be answered: it is, before it sleeps.
        self.run("umount /mnt; cd /sys/bus/virtio/drivers/9pnet_virtio; echo virtio* >/run/shared; cat /run/shared >unbind")
        self.run("(sleep 0.5; echo mem >/sys/power/state) >/dev/null 2>&1 &")
        self.wait_event("SUSPEND")
        asleep = time.time()
        time.sleep(seconds)
        self.tell("system_wakeup")
        self.wait_event("WAKEUP")
        awake = time.time()
        self.run("cat /run/shared >/sys/bus/virtio/drivers/9pnet_virtio/bind;"
                 " mount -t 9p -o trans=virtio,version=9p2000.L shared /mnt")
        return asleep, awake

    def _launch(self, arguments, image):
        ours = {}
        theirs = {}
        for name in ("qmp", "commands"):
            ours[name], theirs[name] = socket.socketpair()
        arguments = [
            "qemu-system-x86_64", "-S", *machine(image), *arguments,
            "-chardev", f"file,id=console,path={self.log},append=on",
            "-chardev", f"socket,id=qmp,fd={theirs['qmp'].fileno()}", "-mon", "chardev=qmp,mode=control",
            "-chardev", f"socket,id=commands,fd={theirs['commands'].fileno()}",
            "-fsdev", f"local,id=shared,path={self.shared},security_model=none",
            "-netdev", f"user,id=net,restrict=on,guestfwd=tcp:{COLLECTOR_IN_GUEST}-cmd:"
                       f"socat - TCP4:127.0.0.1:{self.collector_port}",
        ]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            pass_fds=[end.fileno() for end in theirs.values()])
        for end in theirs.values():
            end.close()
        self.qmp = ours["qmp"].makefile("rw", encoding="utf-8")
        self.commands = ours["commands"]
        for end in ours.values():
            end.settimeout(120 * PATIENCE)
        ours["qmp"].close()  # stays open in self.qmp
        self._hear()
        self.tell("qmp_capabilities")
        self.page = self._open_page()

    def stop(self):
        if not self.process:
            return
        try:
            self.tell("quit")
            self.process.wait(timeout=20)
        except (OSError, QemuError, subprocess.TimeoutExpired):
            self.process.kill()
        self._end()

    def kill(self):
        """The power is cut."""
        self.process.kill()
        self._end()

    def _end(self):
        self.process.wait()
        self.qmp.close()
        self.commands.close()
        if self.page is not None:
            os.close(self.page)
        self.process = self.page = None

    def _is_booted(self):
        """The port answers once its service runs; until then what we write waits in QEMU."""
        if self.process.poll() is not None:
            raise AssertionError(f"QEMU ended: {self.log}")
        return self.run("echo ready", seconds=300) == "ready\n"

    # -- the monitor -----------------------------------------------------------------------------

    def _hear(self):
        line = self.qmp.readline()
        if not line:
            raise QemuError(f"QEMU ended: {self.log}")
        return json.loads(line)

    def tell(self, command, **arguments):
        """A command of QMP; returns what it returned."""
        return self.tell_all(command, [arguments])[0]

    def tell_all(self, command, each):
        """The same command several times, without waiting in between; `each`: arguments."""
        for arguments in each:
            self.qmp.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.qmp.flush()
        returned = []
        while len(returned) < len(each):
            answer = self._hear()
            if "error" in answer:
                raise QemuError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                returned.append(answer["return"])
            else:
                self.events.append(answer["event"])
        return returned

    def wait_event(self, name):
        """Until QEMU has told it."""
        while name not in self.events:
            self.events.append(self._hear().get("event"))
        self.events.remove(name)

    def tell_monitor(self, line):
        """A command of the monitor that people use; those that print have failed."""
        printed = self.tell("human-monitor-command", **{"command-line": line})
        if printed:
            raise QemuError(f"{line}: {printed}")

    def plug(self, driver, name, **properties):
        self.tell("device_add", driver=driver, id=name, **properties)

    def plug_disk(self, name, path, slot, sector_bytes):
        """What lies behind a socket, as /dev/disk/by-id/virtio-NAME; errors of it are the guest's."""
        self.tell("blockdev-add", **{"driver": "nbd", "node-name": name, "server": {"type": "unix", "path": path}})
        self.plug("virtio-blk-pci", name, drive=name, serial=name, bus=slot, werror="report", rerror="report",
                  logical_block_size=sector_bytes, physical_block_size=sector_bytes)
        self.run(f"for i in {{1..300}}; do [ -e /dev/disk/by-id/virtio-{name} ] && exit; sleep 0.1; done; exit 1")

    def unplug(self, name):
        self.tell("device_del", id=name)

    # -- inside ----------------------------------------------------------------------------------

    def try_run(self, command, seconds=60):
        """Run it with bash; return its exit code and what it printed on either output."""
        self.commands.settimeout(seconds * PATIENCE)
        self.commands.sendall(command.encode() + b"\0")
        answer = b""
        while answer.count(b"\0") < 2:
            received = self.commands.recv(65536)
            if not received:
                raise QemuError(f"the guest is gone: {self.log}")
            answer += received
        printed, code, _ = answer.split(b"\0")
        return int(code), printed.decode(errors="replace")

    def run(self, command, seconds=60):
        code, printed = self.try_run(command, seconds)
        if code != 0:
            raise AssertionError(f"in the guest: {command}: exit code {code}\n{printed}")
        return printed

    def _read_clock(self):
        """How far CLOCK_MONOTONIC of the guest is ahead of ours; the closest of some looks."""
        closest = None
        for _ in range(20):
            before = time.monotonic()
            # /proc/uptime has hundredths; this is CLOCK_MONOTONIC in nanoseconds.
            printed = self.run("while read -r a b c; do [ \"$a $b\" = 'now at' ] && echo $c && break; "
                               "done </proc/timer_list")
            after = time.monotonic()
            if closest is None or after - before < closest[0]:
                closest = (after - before, int(printed.split()[0]) / 1e9 - (before + after) / 2)
        self.clock_error, self.clock_offset = closest

    def monotonic(self):
        """CLOCK_MONOTONIC of the guest, in seconds."""
        return time.monotonic() + self.clock_offset

    # -- the page that thermal.asl reads ---------------------------------------------------------

    def _open_page(self):
        folder = f"/proc/{self.process.pid}/fd"
        for fd in os.listdir(folder):
            if os.readlink(os.path.join(folder, fd)).startswith("/memfd:"):
                return os.open(os.path.join(folder, fd), os.O_RDWR | os.O_CLOEXEC)
        raise QemuError("QEMU has no memory that could be shared")

    def write_page(self, first, words):
        """Write 32-bit words, from number `first` on."""
        os.pwrite(self.page, struct.pack(f"<{len(words)}I", *words), PAGE_ADDRESS + 4 * first)


class GuestCase(Case):
    """A test with a guest and a collector of its own; what is left of both is in build/system/TEST.log."""

    def setUp(self):
        if not os.path.exists(os.path.join(IMAGE, "made-from")):
            self.skipTest(f"no guest in {IMAGE}: make check-system makes it")
        super().setUp()
        self.guest = self.collector = None
        self.log = os.path.join(LOGS, f"{self._testMethodName[len('test_'):]}.log")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.log)

    def tearDown(self):
        if self.guest:
            self.guest.stop()
            with contextlib.suppress(FileNotFoundError), open(self.path("shared", "agent.log"), encoding="utf-8") as log:
                for line in log:
                    self.note(f"agent: {line.rstrip()}")
        super().tearDown()

    def note(self, line):
        """To the log, beside what kernel and agent say."""
        with open(self.log, "a", encoding="utf-8") as log:
            print(f"== {line}", file=log)

    def start_guest(self, image=DISK):
        self.collector = self.start_collector()
        os.mkdir(self.path("shared"))
        for name in ("hostmetrics-agent", "agentctl", "system/input_log"):
            shutil.copy(os.path.join(BUILD, name), self.path("shared"))
        shutil.copytree(os.path.join(BUILD, "plugins"), self.path("shared", "plugins"))
        self.guest = Guest(self.log, self.path("shared"), self.collector.port, image)
        self.addCleanup(self.guest.stop)
        self.guest.start()
        self.guest.run("cp -r /mnt /run/hm")

    def start_agent_in_guest(self, plugins="", before=""):
        """As root unless `before` is a command that becomes another; a round each second. Returns its pid there."""
        self.write("shared/agent.conf", f"[agent]\ninterval = 1s\nship_interval = 1s\ncollector = {COLLECTOR_IN_GUEST}\n"
                                        f"hostname = guest\nsocket = /run/hm/agent.sock\n{plugins}")
        pid = int(self.guest.run(f"cd /run/hm; {before} ./hostmetrics-agent --plugins plugins --config /mnt/agent.conf "
                                 ">>/mnt/agent.log 2>&1 & echo $!"))
        wait_until(lambda: self.guest.try_run(f"{AGENTCTL_IN_GUEST} status")[0] == 0, 30, "the agent in the guest answers")
        return pid
