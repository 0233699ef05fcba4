#!/usr/bin/env python3
"""relay.py ADDRESS PORT FILE: passes TCP connections on to ADDRESS:PORT.

Listens on a free port of the same address, which it prints, and appends to
FILE how many bytes came back on each connection.
"""

import socket
import sys
import threading

address, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def pump(source, sink):
    total = 0
    while data := source.recv(1 << 20):
        total += len(data)
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)
    return total


def serve(client):
    with client, socket.create_connection((address, port)) as server:
        up = threading.Thread(target=pump, args=(client, server))
        up.start()
        total = pump(server, client)
        up.join()
    with open(path, "a", encoding="ascii") as out:
        out.write(f"{total}\n")


listener = socket.create_server((address, 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],)).start()
