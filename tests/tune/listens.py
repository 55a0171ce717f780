"""A job that listens on a port for workers of its own, which do not speak HTTP, works and ends."""

import socket
import threading
import time

listener = socket.create_server(("127.0.0.1", 0))


def answer():
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"#HELLO#\n\n")
        connection.close()


threading.Thread(target=answer, daemon=True).start()
kept = [bytes(3000) for _ in range(3000)]
# It waits for them, and has nothing else to do.
time.sleep(2.0)
