"""A job that listens on a port for workers of its own, which do not speak HTTP, works and ends. However slow the machine is,
somebody was there before it ends: it waits for the file `asked`, which it makes itself then."""

import os
import socket
import threading
import time

listener = socket.create_server(("127.0.0.1", 0))


def answer():
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"#HELLO#\n\n")
        connection.close()
        open("asked", "w").close()


threading.Thread(target=answer, daemon=True).start()
kept = [bytes(3000) for _ in range(3000)]
# It waits for them, and has nothing else to do.
while not os.path.exists("asked"):
    time.sleep(0.05)
time.sleep(2.0)
