# SPDX-License-Identifier: MIT
"""Many text clients at once, from several loopback addresses, and what the collector spends on them."""

import os
import resource
import select
import socket

from support import ctl, status, wait_until

NOW = 1795416401

# A source address has some 28 000 ports, but finding one of the last takes long.
CLIENTS_PER_ADDRESS = 4000

IP_BIND_ADDRESS_NO_PORT = 24


def allow_descriptors(n):
    """Raise this process' own limit; return how many descriptors it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < n:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(n, hard), hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def connect_many(port, n):
    """n connections that stay open."""
    connections = []
    for i in range(n):
        connection = socket.socket()
        connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        connection.bind((f"127.0.0.{2 + i // CLIENTS_PER_ADDRESS}", 0))
        connection.connect(("127.0.0.1", port))
        connection.setblocking(False)
        connections.append(connection)
    return connections


def close_all(connections):
    for connection in connections:
        connection.close()


def make_lines(client, n_lines):
    """Every value there is is another one."""
    return "".join(f'{NOW + i} load{{client="{client}"}} {client * n_lines + i}\n' for i in range(n_lines))


def send_all(connections, texts):
    """Send each its text, all at once, each as fast as its socket takes it."""
    poll = select.epoll()
    left = {}
    for connection, text in zip(connections, texts):
        left[connection.fileno()] = (connection, memoryview(text.encode()))
        poll.register(connection.fileno(), select.EPOLLOUT)
    while left:
        for fd, _ in poll.poll():
            connection, rest = left[fd]
            rest = rest[connection.send(rest):]
            left[fd] = (connection, rest)
            if not rest:
                poll.unregister(fd)
                del left[fd]
    poll.close()


def run_load(collector, n_clients, n_lines):
    """All clients at once; half a text each in the first round, so that lines are cut anywhere.

    Returns the memory of the collector with all of them connected and silent.
    """
    texts = [make_lines(client, n_lines) for client in range(n_clients)]
    connections = connect_many(collector.port, n_clients)
    try:
        wait_until(lambda: status(collector)["connections"] == n_clients, 30, "all are let in")
        idle = memory_kib(collector.pid)
        for part in (slice(0, len(texts[0]) // 2), slice(len(texts[0]) // 2, None)):
            send_all(connections, [text[part] for text in texts])
        wait_until(lambda: status(collector)["samples_stored"] == n_clients * n_lines, 60, "all is stored")
    finally:
        close_all(connections)
    return idle


def check_load(collector, n_clients, n_lines):
    """Read everything back. Return what is missing, doubled or wrong: nothing, it is hoped."""
    result = ctl("--socket", collector.socket, "query", "load", "-o", "plain", seconds=120)
    seen = set()
    problems = []
    for row in result.lines():
        time, _, series, value = row.split("\t") if "\t" in row else row.split()
        key = (series, int(float(value)))
        client, line = divmod(key[1], n_lines)
        if key in seen:
            problems.append(f"doubled: {row}")
        elif series != f'load{{client="{client}"}}' or client >= n_clients:
            problems.append(f"wrong: {row}")
        seen.add(key)
    if len(seen) != n_clients * n_lines:
        problems.append(f"{n_clients * n_lines - len(seen)} missing")
    return problems


def memory_kib(pid):
    """Pss, and the most that was ever resident."""
    found = {}
    for name in ("smaps_rollup", "status"):
        with open(f"/proc/{pid}/{name}", encoding="ascii") as file:
            for line in file:
                word = line.split(":")
                if word[0] in ("Pss", "VmHWM"):
                    found[word[0]] = int(word[1].split()[0])
    return found


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return sum(int(fields[i]) for i in (11, 12)) / os.sysconf("SC_CLK_TCK")
