"""A server whose threads leave holes in their heaps; `get` as second argument asks it some times."""

import random
import socketserver
import sys
import threading
import urllib.request

KEPT = []
AGAIN = threading.Barrier(4)


def work():
    blocks = [bytes(random.choice((600, 3000, 9000))) for _ in range(4000)]
    KEPT.extend(blocks[::100])
    AGAIN.wait()


class Answer(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline().strip():
            pass
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\nok")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


port = int(sys.argv[1])
if sys.argv[2:] == ["get"]:
    for _ in range(6):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/").read()
else:
    Server(("127.0.0.1", port), Answer).serve_forever()
