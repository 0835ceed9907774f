"""A server for checks of health probes: `health_server.py PORT [answer FILE]`. It answers HTTP on loopback, IPv4 and IPv6, and on
the Unix socket FILE; what it says follows from the path that is asked for."""
import http.server
import os
import socket
import sys
import threading
import time


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "somebody"

    def log_message(self, *_):
        pass

    def reply(self, code, body=b"", **fields):
        self.send_response(code)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def chunks(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in (b"all is ", b"we", b"ll\n"):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):
        path = self.path
        if path == "/host":
            self.reply(200, ("host=" + self.headers["Host"] + "\n").encode())
        elif path == "/moved":
            self.reply(302, Location="/500")
        elif path == "/chunks":
            self.chunks()
        elif path == "/slow":
            time.sleep(30)
        elif path == "/garbage":
            self.wfile.write(b"SSH-2.0-x\r\n\r\n")
            self.close_connection = True
        elif path == "/early":
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            self.reply(204)
        elif path[1:].isdigit():
            self.reply(int(path[1:]))
        else:
            self.reply(200, b"line one\nall is well\n")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


class Server6(Server):
    address_family = socket.AF_INET6

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()


class LocalServer(Server):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "local", 0

    def get_request(self):
        return self.socket.accept()[0], ("local", 0)


def main():
    port, path = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    servers = [Server(("127.0.0.1", port), Answers), Server6(("::1", port), Answers)]
    if path:
        if os.path.exists(path):
            os.unlink(path)
        servers.append(LocalServer(path, Answers))
        os.chmod(path, 0o666)
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("it serves", flush=True)
    servers[0].serve_forever()


main()
