#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A TAXII 2.1 server for tests: honest under /good/, hostile under others.

Prints its port; with CERT and KEY it speaks TLS, with CA it asks for a
client's certificate.  Every request is written to the file LOG.
"""
import base64
import http.server
import json
import ssl
import sys
import time
import urllib.parse

LOG = open(sys.argv[1], "a", buffering=1)
TYPE = "application/taxii+json;version=2.1"
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


def indicator(n, mark):
    return {"type": "indicator", "spec_version": "2.1",
            "id": "indicator--00000000-0000-4000-8000-%012d" % n,
            "created": "2026-01-01T00:00:00Z",
            "modified": "2026-01-01T00:00:00Z",
            "valid_from": "2026-01-01T00:00:00Z", "pattern_type": "stix",
            "object_marking_refs": [mark],
            "pattern": "[domain-name:value = 'd%d.test']" % n}


# The marking that the first ones bear is on the last page.
OWN = "marking-definition--11111111-1111-4111-8111-111111111111"
OBJECTS = [("2026-01-0%dT00:00:00.%03dZ" % (1 + n // 2, n), o)
           for n, o in enumerate(
               [indicator(i, OWN if i < 2 else GREEN) for i in range(5)] +
               [{"type": "marking-definition", "id": OWN,
                 "definition_type": "tlp", "definition": {"tlp": "amber"},
                 "created": "2026-01-01T00:00:00Z"}])]


def moment(date):
    """Dates of any precision, so that they compare."""
    return date.rstrip("Z").ljust(26, "0")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, body, kind=TYPE, status=200, **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.end_headers()
        self.wfile.write(body)

    def page(self, query, circle=False, objects=OBJECTS, by_date=False):
        after = query.get("added_after", [""])[0]
        at = int(query.get("next", ["0"])[0])
        limit = int(query.get("limit", ["100"])[0])
        types = query.get("match[type]", [""])[0].split(",")
        rows = [r for r in objects if moment(r[0]) > moment(after) and
                (types == [""] or r[1]["type"] in types)]
        some = rows[at:at + limit]
        body = {"more": circle or at + limit < len(rows),
                "objects": [o for _, o in some]}
        if body["more"] and not by_date:
            body["next"] = "7" if circle else str(at + limit)
        dates = {}
        if some:
            dates = {"X_TAXII_Date_Added_First": some[0][0],
                     "X_TAXII_Date_Added_Last": some[-1][0]}
        self.answer(body, **dates)

    def drip(self):
        self.send_response(200)
        self.send_header("Content-Type", TYPE)
        self.end_headers()
        while True:
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.1)

    def endless(self):
        self.send_response(200)
        self.send_header("Content-Type", TYPE)
        self.end_headers()
        self.wfile.write(b'{"objects":[')
        while True:
            self.wfile.write(b'{"type":"malware"},' * 10000)

    def collections(self, *names):
        self.answer({"collections": [
            {"id": n, "title": "T" + n, "can_read": n != "closed"}
            for n in names]})

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = urllib.parse.parse_qs(url.query)
        LOG.write("%s %s %s\n" % (self.path, self.headers["Accept"],
                                  self.headers.get("Authorization", "-")))
        part = url.path.strip("/").split("/")
        try:
            self.route(url.path, part, query)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def route(self, path, part, query):
        login = self.headers.get("Authorization", "-")
        if path == "/taxii2/":
            self.answer({"title": "x", "default": "/good/",
                         "api_roots": ["/good/"]})
        elif path == "/elsewhere/":
            self.answer({"title": "x",
                         "api_roots": ["https://192.0.2.1/good/"]})
        elif path in ("/good/", "/two/"):
            self.answer({"title": "x", "versions": [TYPE],
                         "max_content_length": 1})
        elif path == "/good/collections/":
            self.collections("c1", "closed")
        elif path == "/two/collections/":
            self.collections("c1", "c2")
        elif path.endswith("/collections/c1/objects/") and part[0] in (
                "good", "two"):
            self.page(query)
        elif part[0] == "live":
            # what the test has put there by now: [[DATE, OBJECT], ...]
            if login != "Bearer sesame":
                self.answer({}, status=403)
            else:
                with open(sys.argv[1] + ".live", encoding="utf-8") as f:
                    self.page(query, objects=json.load(f))
        elif part[0] == "basic":
            want = "Basic " + base64.b64encode(b"u:p w").decode()
            self.page(query) if login == want else self.answer(
                {}, status=401)
        elif part[0] == "token":
            self.page(query) if login == "Bearer sesame" else self.answer(
                {}, status=403)
        elif part[0] == "bydate":
            self.page(query, by_date=True)
        elif part[0] == "sameday":
            self.page(query, by_date=True,
                      objects=[(OBJECTS[0][0], o) for _, o in OBJECTS])
        elif part[0] == "late":
            # marked by what came long before
            self.page(query, objects=[("2025-12-01T00:00:00.000Z",
                                       OBJECTS[-1][1])] + OBJECTS[:-1])
        elif part[0] == "slow-down":
            self.answer({}, status=429, Retry_After="Wed, 21 Oct 2026 07:28")
        elif part[0] == "circle":
            self.page(query, circle=True)
        elif part[0] == "html":
            self.answer(b"<html>", kind="text/html")
        elif part[0] == "old":
            self.answer({"objects": []},
                        kind="application/vnd.oasis.taxii+json")
        elif part[0] == "busy":
            self.answer({}, status=503, Retry_After="17")
        elif part[0] == "moved":
            self.answer({}, status=302, Location="http://192.0.2.1/")
        elif part[0] == "drip":
            self.drip()
        elif part[0] == "endless":
            self.endless()
        elif part[0] == "broken":
            if "next" in query:
                self.answer(b'{"objects":[{"type":"indic')
            else:
                self.page(query)
        else:
            self.answer({}, status=404)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    if len(sys.argv) > 4:
        context.load_verify_locations(sys.argv[4])
        context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
