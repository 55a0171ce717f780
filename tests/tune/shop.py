"""A service of eight threads that builds each answer from so many rows, keeps a little of it, and gives the rest back:
`shop.py PORT ROWS`.

With many rows its memory grows with glibc's malloc: each thread has a heap of its own, of which the little that is kept holds
all the rest."""

import collections
import concurrent.futures
import http.server
import itertools
import sys
import threading
import time

port, rows = int(sys.argv[1]), int(sys.argv[2])
kept = collections.OrderedDict()
numbers = itertools.count()
lock = threading.Lock()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = [bytes(600 + row % 5000) for row in range(rows)]
        # A database would take as long: others have their rows at the same time.
        time.sleep(0.02)
        body = f"{sum(map(len, found))} bytes\n".encode()
        with lock:
            kept[next(numbers)] = bytes(2000)
            while len(kept) > 200:
                kept.popitem(last=False)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    threads = concurrent.futures.ThreadPoolExecutor(8)

    def process_request(self, *request):
        self.threads.submit(self.process_request_thread, *request)


Server(("127.0.0.1", port), Answer).serve_forever()
