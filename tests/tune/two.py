"""A service for tests that answers HTTP on two ports: `two.py FIRST SECOND ...`. Each request is a line of `asked-PORT` in the folder
it runs in.

Which port opens first depends on where it runs: in every other container (by the last digit of ADDRESS) the second does, and the
other comes long after. `any` is a port of its own in each run, `-` is none."""

import http.server
import os
import sys
import threading
import time

address = os.environ.get("ADDRESS", "127.0.0.1")


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(f"asked-{self.server.server_port}", "a") as asked:
            asked.write(f"{address} {self.path}\n")
        body = b"%d\n" % len([bytes(3000) for _ in range(500)])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(port):
    server = http.server.ThreadingHTTPServer((address, port), Answer)
    threading.Thread(target=server.serve_forever).start()


print("starting", flush=True)
first, second = sys.argv[1:3] if int(address[-1]) % 2 else sys.argv[2:0:-1]
for port in (first, second):
    if port != "-":
        serve(0 if port == "any" else int(port))
    time.sleep(1.0)
