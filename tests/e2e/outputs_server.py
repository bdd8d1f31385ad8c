# SPDX-License-Identifier: Apache-2.0
"""Receivers of outputs: outputs_server.py KIND WHERE LOG [SECRET]

KIND is socket (WHERE: a path), webhook or bulk (WHERE: a file for the port).
What was taken is appended to LOG, a JSON value a line.  The HTTP ones fail at
first, as real ones do: an error, an answer that is cut off, partial refusals.
"""
import hashlib
import hmac
import http.server
import json
import os
import socket
import sys
import time

kind, where, log = sys.argv[1:4]
secret = sys.argv[4].encode() if len(sys.argv) > 4 else None
out = open(log, "a", buffering=1)


def take(text):
    json.loads(text)
    out.write(text + "\n")


def serve_socket():
    if os.path.exists(where):
        os.unlink(where)
    s = socket.socket(socket.AF_UNIX)
    s.bind(where)
    s.listen()
    while True:
        c, _ = s.accept()
        for line in c.makefile("r", encoding="utf-8"):
            if line.endswith("\n"):
                take(line[:-1])


class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0
    ids = set()

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"{}"):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        Handler.asked += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if secret:
            stamp = self.headers["X-Picket-Time"]
            mac = hmac.new(secret, stamp.encode() + b"." + body,
                           hashlib.sha256).hexdigest()
            if (self.headers["X-Picket-Signature"] != "sha256=" + mac
                    or abs(time.time() - int(stamp)) > 600):
                out.write('"bad signature"\n')
                return self.answer(403)
        if Handler.asked == 1:
            return self.answer(503)
        if kind == "webhook":
            return self.webhook(body)
        return self.bulk(body)

    def webhook(self, body):
        events = json.loads(body)
        # a receiver with a limit: more than 20 are too many for it, and it
        # never takes an incident
        if len(events) > 20 or events[0]["event_type"] == "incident":
            return self.answer(413)
        for e in events:
            take(json.dumps(e))
        self.answer(204)

    def bulk(self, body):
        lines = body.decode().split("\n")
        assert lines.pop() == "", "no newline at the end"
        items = []
        for head, doc in zip(lines[::2], lines[1::2]):
            make = json.loads(head)["create"]
            doc = json.loads(doc)
            if make["_id"] in Handler.ids:
                status = 409
            elif Handler.asked == 2 and len(items) > 3:
                status = 429
            elif doc.get("rule", {}).get("id") == "1":
                status = 400
            else:
                status = 201
                Handler.ids.add(make["_id"])
                doc["_id"], doc["_index"] = make["_id"], make["_index"]
                take(json.dumps(doc))
            items.append({"create": {"_id": make["_id"], "status": status}})
        answer = json.dumps({"errors": True, "items": items}).encode()
        if Handler.asked == 3:
            # it has them, and we do not learn of it
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer[:10])
            self.close_connection = True
            return
        self.answer(200, answer)


if kind == "socket":
    serve_socket()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(where + ".new", "w") as f:
    f.write("%d\n" % server.server_port)
os.rename(where + ".new", where)
server.serve_forever()
