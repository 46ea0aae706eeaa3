#!/usr/bin/env python3
"""A server in the place of an API server, with its flags: it answers READY to /readyz, and STATUS to everything else. Whoever makes a
release of it puts HTTP status codes in the place of the two words."""
import http.server
import ssl
import sys

flags = dict(argument[2:].split("=", 1) for argument in sys.argv[1:] if "=" in argument)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, text = (int("READY"), b"ok") if self.path.startswith("/readyz") else (int("STATUS"), b"no")
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer((flags["bind-address"], int(flags["secure-port"])), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(flags["tls-cert-file"], flags["tls-private-key-file"])
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
