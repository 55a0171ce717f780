"""A server with a forked worker; `get` as second argument asks it a few times and prints a figure."""

import http.server
import os
import sys
import urllib.request

port = int(sys.argv[1])


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        blocks = [bytes(3000) for _ in range(2000)]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"%d\n" % len(blocks))

    def log_message(self, *_):
        pass


if sys.argv[2:] == ["get"]:
    for _ in range(10):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/").read()
    print("requests: 10")
else:
    server = http.server.HTTPServer(("127.0.0.1", port), Answer)
    os.fork()
    server.serve_forever()
