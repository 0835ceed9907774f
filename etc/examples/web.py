"""A web server that takes its socket from whoever started it (LISTEN_FDS) and says when it is ready (NOTIFY_SOCKET): what
etc/examples/web.toml runs. Needs nothing but Python itself."""

import http.server
import os
import socket


class Greeting(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = f"hello from process {os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


assert os.environ["LISTEN_FDS"] == "1" and int(os.environ["LISTEN_PID"]) == os.getpid(), "no socket for me"
server = http.server.ThreadingHTTPServer(("", 0), Greeting, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speak:
    speak.connect(os.environ["NOTIFY_SOCKET"])
    speak.send(b"READY=1\nSTATUS=answering\n")
server.serve_forever()
