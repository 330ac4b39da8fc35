# SPDX-License-Identifier: MIT
# The whole of a client: connect, write lines, close.
import socket
import sys
import time

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as collector:
    for i in range(3):
        collector.sendall(f'{time.time():.6f} demo_value{{unit="none"}} {i}\n'.encode())
        time.sleep(0.01)
