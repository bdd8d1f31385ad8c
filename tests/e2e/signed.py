#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A batch's signature checked by a client of its own: docs/formats.md only.

usage: signed.py SITE/SENSOR KEYFILE < entry

KEYFILE is the public key in PEM, or hmac: and the file of the secret; the
entry is a JSON object of its fields in hexadecimal.  Exits 0 when the
signature holds, 77 when Python has no "cryptography".
"""

import hashlib
import hmac
import json
import struct
import sys


def number(fields, name):
    return int(fields.get(name, b"0"))


def signed_text(name, fields):
    """What the signature is of."""
    enc = fields["enc"]
    return (
        b"picket-batch\0"
        + fields["mac"][:10]
        + bytes([len(name)]) + name
        + bytes([len(enc)]) + enc
        + struct.pack(
            ">QQIBIIQQQ",
            number(fields, "epoch"), number(fields, "seq"),
            number(fields, "n"), number(fields, "sev"),
            number(fields, "crc"), number(fields, "raw"),
            number(fields, "gap_from"), number(fields, "gap_to"),
            number(fields, "gap_n"))
        + hashlib.sha256(fields["data"]).digest()
    )


def check_hmac(path, key_id, text, signature):
    secret = open(path, "rb").read().rstrip(b"\r\n")
    own = hmac.new(secret, b"picket-key-id\0", "sha256").digest()
    good = hmac.new(secret, text, "sha256").digest()
    return own[:8] == key_id and hmac.compare_digest(good, signature)


def check_ed25519(path, key_id, text, signature):
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import serialization as form
    except ImportError:
        sys.exit(77)
    key = form.load_pem_public_key(open(path, "rb").read())
    raw = key.public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)
    try:
        key.verify(signature, text)
    except InvalidSignature:
        return False
    return hashlib.sha256(raw).digest()[:8] == key_id


def main():
    name, key = sys.argv[1].encode(), sys.argv[2]
    fields = {k: bytes.fromhex(v) for k, v in json.load(sys.stdin).items()}
    version, algorithm = fields["mac"][0], fields["mac"][1]
    args = fields["mac"][2:10], signed_text(name, fields), fields["mac"][10:]
    if version != 1:
        return 1
    if key.startswith("hmac:"):
        return algorithm != 2 or not check_hmac(key[5:], *args)
    return algorithm != 1 or not check_ed25519(key, *args)


if __name__ == "__main__":
    sys.exit(main())
