"""A server of four forked workers that share 40 MiB, and write to a fifth of it as they answer."""

import http.server
import os
import sys

SHARED = bytearray(os.urandom(1 << 20) * 40)


class Answer(http.server.BaseHTTPRequestHandler):
    written = 0

    def do_GET(self):
        if Answer.written < len(SHARED) // 5:
            for at in range(Answer.written, Answer.written + (1 << 20), 4096):
                SHARED[at] = 1
            Answer.written += 1 << 20
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class Server(http.server.HTTPServer):
    request_queue_size = 128


server = Server(("127.0.0.1", int(sys.argv[1])), Answer)
for _ in range(3):
    if os.fork() == 0:
        break
server.serve_forever()
