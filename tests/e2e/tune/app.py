"""A service whose threads allocate much and keep little, as one behind a template engine does."""

import http.server
import signal
import sys
import time

kept = []


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        rows = [b"%d" % number * 150 for number in range(6000)]
        kept.append(rows[len(kept) % 6000])
        time.sleep(0.02)
        body = b"%d\n" % len(rows)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


# The first process of a container ends on no signal that it does not ask for.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Answer).serve_forever()
