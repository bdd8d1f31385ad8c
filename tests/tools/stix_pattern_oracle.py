#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An evaluator of STIX 2.1 patterns that was written from the specification,
section 9, and from docs/formats.md where that leaves a choice; it knows nothing
of the sensor's.  It draws patterns and observations, says what each means, and
compares with what patterncases says:

    stix_pattern_oracle.py PATTERNCASES CASES [SEED]

A pattern is drawn as a tree and written out with as few parentheses as the
order of precedence allows.  Evaluation is by brute force: all sets of
observations that satisfy a part of the pattern are listed.
"""
import ipaddress
import random
import re
import subprocess
import sys

TEXT, LOWER, ADDR, INTEGER, BOOL, TIME = range(6)
BEGIN, TX, FILE, END = 1, 2, 4, 8
TYPES = ["ipv4-addr", "ipv6-addr", "domain-name", "url", "network-traffic",
         "x509-certificate", "file"]

VALUES = {
    "ipv4-addr:value": ["192.0.2.1", "192.0.2.9", "10.1.2.3"],
    "domain-name:value": ["a.example", "b.a.example", "evil.test", "x"],
    "url:value": ["http://a.example/", "http://a.example/x?y=1"],
    "network-traffic:src_ref.value": ["192.0.2.1", "10.1.2.3"],
    "network-traffic:dst_ref.value": ["192.0.2.9", "10.1.2.3"],
    "network-traffic:dst_ref.type": ["ipv4-addr"],
    "network-traffic:dst_port": [80, 443, 53],
    "network-traffic:protocols": ["ipv4", "tcp", "http"],
    "network-traffic:is_active": [1, 0],
    "network-traffic:src_byte_count": [10, 1000, 100000],
    "network-traffic:extensions.http-request-ext.request_method":
        ["get", "post"],
    "network-traffic:extensions.http-request-ext.request_value":
        ["/", "/x", "/a/b_c%d", "/A"],
    "network-traffic:extensions.http-request-ext.request_header.*":
        ["curl/7", "evil agent", "Evil"],
    "file:name": ["a.exe", "b.txt", "a'b\\c"],
    "file:size": [0, 7, 4096],
    "file:hashes.SHA-256": ["aa" * 32, "0b" * 32],
    "x509-certificate:subject": ["CN=a", "CN=b"],
    "network-traffic:start": [1700000000000000, 1700000060000000],
}
HEADERS = ["user-agent", "referer"]


class Property:
    def __init__(self, line):
        n, self.object, self.path, t, at = line.split("\t")
        self.n, self.type, self.at = int(n), int(t), int(at)
        self.name = self.object + ":" + self.path


# ---------------------------------------------------------------- drawing

def quote(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def stamp(us):
    import datetime
    t = datetime.datetime.fromtimestamp(us // 1000000, datetime.timezone.utc)
    return "t'" + t.strftime("%Y-%m-%dT%H:%M:%S") + ".%06dZ'" % (us % 1000000)


class Test:
    """One comparison."""

    def __init__(self, rng, props, op=None):
        self.p = p = rng.choice(props)
        self.negated = rng.random() < 0.15
        self.index = None
        self.header = rng.choice(HEADERS) if p.path.endswith("*") else None
        values = VALUES[p.name]
        ops = ["="] * 4 + ["!=", "IN", "IN", "EXISTS"]
        if p.type in (TEXT, LOWER):
            ops += ["LIKE", "LIKE", "MATCHES", "<", ">="]
        if p.type == ADDR:
            ops += ["ISSUBSET", "ISSUBSET", "ISSUPERSET", "LIKE"]
        if p.type in (INTEGER, TIME):
            ops += ["<", ">", "<=", ">="]
        self.op = rng.choice(ops)
        if p.path == "protocols":
            self.index = rng.choice(["*", "*", "*", 0, 1])
        pick = [rng.choice(values)
                for _ in range(rng.randint(1, 3) if self.op == "IN" else 1)]
        if self.op == "LIKE":
            pick = [self.like(rng, str(pick[0]))]
        elif self.op == "MATCHES":
            pick = [self.expression(rng, pick[0])]
        elif self.op == "ISSUBSET":
            pick = [rng.choice(["192.0.2.0/24", "10.0.0.0/8", "0.0.0.0/0",
                                "192.0.2.8/29"])]
        elif self.op == "ISSUPERSET":
            pick = [pick[0] + rng.choice(["", "/32"])]
        elif p.type == LOWER and rng.random() < 0.3:
            pick = [v.upper() for v in pick]
        elif p.type == INTEGER and rng.random() < 0.2:
            pick = [v + rng.choice([0.0, 0.5, -0.5]) for v in pick]
        self.values = [] if self.op == "EXISTS" else pick

    @staticmethod
    def like(rng, text):
        out = ""
        for c in text:
            r = rng.random()
            out += "%" if r < 0.15 else "_" if r < 0.25 else "" if r < 0.3 \
                else c
        return rng.choice(["", "%"]) + out + rng.choice(["", "%"])

    @staticmethod
    def expression(rng, text):
        a = re.escape(text[:rng.randint(1, 3)])
        b = re.escape(text[-rng.randint(1, 3):])
        return rng.choice(["^" + a, b + "$", a + ".*" + b, "[ae](x|\\.)", a])

    def literal(self, v):
        if self.p.type == BOOL:
            return "true" if v else "false"
        if self.p.type == TIME:
            return stamp(v)
        if self.p.type == INTEGER:
            return "%.1f" % v if isinstance(v, float) else str(v)
        return quote(v)

    def text(self, rng):
        steps = self.p.path.split(".")
        if self.header:
            steps[-1] = "User-Agent" if self.header == "user-agent" \
                else "Referer"
        path = self.p.object + ":" + ".".join(
            s if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", s) else quote(s)
            for s in steps)
        if self.index is not None:
            path += "[%s]" % self.index
        if self.op == "EXISTS":
            return ("NOT " if self.negated else "") + "EXISTS " + path
        v = [self.literal(x) for x in self.values]
        space = rng.choice(["", " "]) if self.op in ("=", "!=", "<", ">") \
            and not self.negated else " "
        return path + space + ("NOT " if self.negated else "") + self.op \
            + space + ("(" + ",".join(v) + ")" if self.op == "IN" else v[0])

    # -------------------------------------------------------- evaluation
    def true_of(self, v):
        if self.p.type == ADDR and self.op != "LIKE":
            nets = [ipaddress.ip_network(x) for x in self.values]
            if self.op == "ISSUPERSET":
                return ipaddress.ip_network(v).supernet_of(nets[0])
            found = any(ipaddress.ip_address(v) in n for n in nets)
            return not found if self.op == "!=" else found
        want = [x.lower() if self.p.type == LOWER and self.op != "MATCHES"
                else x for x in self.values]
        if self.op in ("=", "IN"):
            return v in want
        if self.op == "!=":
            return v not in want
        if self.op == "LIKE":
            return like_matches(v, want[0])
        if self.op == "MATCHES":
            return re.search(want[0], v, re.ASCII) is not None
        return {"<": v < want[0], ">": v > want[0], "<=": v <= want[0],
                ">=": v >= want[0]}[self.op]

    def on(self, o, i):
        """(held, news) of object i of the observation."""
        mine = [f for f in o.facts if f.object == i and f.p is self.p
                and (self.header is None or f.header == self.header)
                and (self.index in (None, "*") or f.index == self.index)]
        if self.op == "EXISTS" and self.negated:
            lacks = o.types[i] == self.p.object and not mine \
                and self.p in o.known
            return lacks, lacks and self.p in o.fresh
        if self.op == "EXISTS":
            good = mine
        else:
            good = [f for f in mine if self.true_of(f.value) != self.negated]
        return bool(good), any(f.news for f in good)

    def objects(self):
        return {self.p.object}


def like_matches(text, like):
    """By the table of all prefixes."""
    row = [True] + [False] * len(text)
    for c in like:
        new = [row[0] and c == "%"]
        for k, t in enumerate(text):
            if c == "%":
                new.append(row[k + 1] or new[k])
            else:
                new.append(row[k] and (c == "_" or c == t))
        row = new
    return row[-1]


class Joined:
    """Comparisons joined by AND or OR."""

    def __init__(self, op, left, right):
        self.op, self.left, self.right = op, left, right

    def objects(self):
        a, b = self.left.objects(), self.right.objects()
        return a & b if self.op == "AND" else a | b

    def text(self, rng):
        def part(x, right):
            t = x.text(rng)
            low = isinstance(x, Joined) and (
                (self.op == "AND" and x.op == "OR") or right)
            return "(" + t + ")" if low or rng.random() < 0.1 else t
        return part(self.left, False) + " " + self.op + " " \
            + part(self.right, True)

    def on(self, o, i):
        a, b = self.left.on(o, i), self.right.on(o, i)
        if self.op == "AND":
            held = a[0] and b[0]
            return held, held and (a[1] or b[1])
        return a[0] or b[0], a[1] or b[1]


def draw_cmp(rng, props, depth):
    if depth == 0 or rng.random() < 0.5:
        return Test(rng, props)
    op = rng.choice(["AND", "OR"])
    if op == "AND":
        # all of one object, or nothing could ever match
        kind = rng.choice(props).object
        props = [p for p in props if p.object == kind]
    j = Joined(op, draw_cmp(rng, props, depth - 1),
               draw_cmp(rng, props, depth - 1))
    return j


class Leaf:
    def __init__(self, rng, props):
        self.cmp = draw_cmp(rng, props, 2)

    def text(self, rng):
        return "[" + self.cmp.text(rng) + "]"

    def satisfied(self, o):
        return any(self.cmp.on(o, i)[1] for i in range(len(o.types)))

    def sets(self, seen):
        return {frozenset([k]) for k, o in enumerate(seen)
                if self.satisfied(o)}


PRECEDENCE = {"FOLLOWEDBY": 0, "OR": 1, "AND": 2}


class Pair:
    def __init__(self, op, left, right):
        self.op, self.left, self.right = op, left, right

    def text(self, rng):
        def part(x, right):
            t = x.text(rng)
            low = isinstance(x, Pair) and (
                PRECEDENCE[x.op] < PRECEDENCE[self.op] or
                (right and x.op == self.op))
            return "(" + t + ")" if low or rng.random() < 0.1 else t
        return part(self.left, False) + rng.choice([" ", "  "]) + self.op \
            + " " + part(self.right, True)

    def sets(self, seen):
        a, b = self.left.sets(seen), self.right.sets(seen)
        if self.op == "OR":
            return a | b
        out = set()
        for x in a:
            for y in b:
                if x & y:
                    continue
                if self.op == "FOLLOWEDBY" and \
                        max(seen[k].ts for k in x) > \
                        min(seen[k].ts for k in y):
                    continue
                out.add(x | y)
        return out


class Qualified:
    def __init__(self, rng, kind, what):
        self.kind, self.what = kind, what
        if kind == "WITHIN":
            self.seconds = rng.choice([1, 5, 30, 60, 0.5])
        elif kind == "REPEATS":
            self.times = rng.choice([1, 2, 2, 3])
        else:
            self.start = 1700000000000000 + rng.randint(-20, 20) * 1000000
            self.stop = self.start + rng.randint(1, 90) * 1000000

    def text(self, rng):
        t = self.what.text(rng)
        if isinstance(self.what, Pair):
            t = "(" + t + ")"
        if self.kind == "WITHIN":
            return t + " WITHIN %s SECONDS" % self.seconds
        if self.kind == "REPEATS":
            return t + " REPEATS %d TIMES" % self.times
        return t + " START " + stamp(self.start) + " STOP " \
            + stamp(self.stop)

    def sets(self, seen):
        a = self.what.sets(seen)
        if self.kind == "WITHIN":
            return {x for x in a if max(seen[k].ts for k in x)
                    - min(seen[k].ts for k in x) <= self.seconds * 1000000}
        if self.kind == "START":
            return {x for x in a
                    if all(self.start <= seen[k].ts < self.stop for k in x)}
        out = a
        for _ in range(self.times - 1):
            out = {x | y for x in out for y in a if not x & y}
        return out


def draw_obs(rng, props, depth):
    r = rng.random()
    if depth == 0 or r < 0.3:
        return Leaf(rng, props)
    if r < 0.7:
        return Pair(rng.choice(["AND", "OR", "FOLLOWEDBY"]),
                    draw_obs(rng, props, depth - 1),
                    draw_obs(rng, props, depth - 1))
    return Qualified(rng, rng.choice(["WITHIN", "WITHIN", "REPEATS", "START"]),
                     draw_obs(rng, props, depth - 1))


class Fact:
    def __init__(self, p, obj, news, index, header, value):
        self.p, self.object, self.news = p, obj, news
        self.index, self.header, self.value = index, header, value


class Observation:
    def __init__(self, rng, props, ts):
        self.ts = ts
        self.at = rng.choice([BEGIN, BEGIN, TX, TX, FILE, END])
        self.known = {p for p in props if p.at in (self.at, BEGIN)}
        self.fresh = {p for p in props if p.at == self.at}
        self.types, self.facts = [], []
        visible = [t for t in TYPES if t == "network-traffic" or any(
            p.object == t and p in self.known for p in props)]
        for t in visible:
            copies = rng.randint(0, 2) if t != "network-traffic" else 1
            for _ in range(copies):
                self.add_object(rng, props, t)

    def add_object(self, rng, props, t):
        facts = []
        for p in props:
            if p.object != t or p not in self.known or rng.random() < 0.25:
                continue
            news = p in self.fresh
            if p.path == "protocols":
                for k in range(rng.randint(1, 3)):
                    facts.append((p, news, k, None, VALUES[p.name][k]))
            elif p.path.endswith("*"):
                for h in HEADERS:
                    if rng.random() < 0.5:
                        facts.append((p, news, 0, h,
                                      rng.choice(VALUES[p.name])))
            else:
                facts.append((p, news, 0, None, rng.choice(VALUES[p.name])))
        if not facts:
            return
        for f in facts:
            self.facts.append(Fact(f[0], len(self.types), *f[1:]))
        self.types.append(t)

    def lines(self):
        def mask(s):
            return sum(1 << p.n for p in s)
        yield "O\t%d\t%d\t%d\t%d" % (self.at, self.ts, mask(self.known),
                                     mask(self.fresh))
        for f in self.facts:
            yield "F\t%d\t%d\t%d\t%d\t%d\t%s\t%s" % (
                f.p.n, f.object, TYPES.index(self.types[f.object]), f.news,
                f.index, f.header or "", f.value)


def draw_case(rng, props):
    few = rng.sample(props, rng.randint(1, 4))
    pattern = draw_obs(rng, few, rng.choice([0, 1, 2, 3]))
    ts, seen = 1700000000000000, []
    for _ in range(rng.randint(1, 9)):
        seen.append(Observation(rng, few, ts))
        ts += rng.choice([0, 0, 100000, 1000000, 7000000, 40000000])
        ts -= 2000000 if rng.random() < 0.05 else 0
    return pattern, seen


def expected(pattern, seen):
    out, since = "", []
    for o in seen:
        since.append(o)
        newest = len(since) - 1
        if any(newest in x for x in pattern.sets(since)):
            out += "1"
            since = []
        else:
            out += "0"
    return out


def compare(program, cases, said):
    text = "".join(c + "\n" for case in cases for c in case)
    done = subprocess.run([program], input=text.encode(), check=True,
                          stdout=subprocess.PIPE)
    heard = done.stdout.decode().split("\n")[:-1]
    if len(heard) != len(said):
        sys.exit("%d answers to %d cases" % (len(heard), len(said)))
    wrong = 0
    for case, want, got in zip(cases, said, heard):
        if want != got:
            wrong += 1
            if wrong <= 3:
                print("\n".join(case))
                print("expected %s, heard %s" % (want, got))
    return wrong


def main():
    program, total = sys.argv[1], int(sys.argv[2])
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    rows = subprocess.run([program, "--properties"], check=True,
                          stdout=subprocess.PIPE).stdout.decode()
    props = [Property(r) for r in rows.splitlines()]
    props = [p for p in props if p.name in VALUES]
    if len(props) != len(VALUES):
        sys.exit("a property has gone")
    wrong = matched = completed = 0
    while total > 0:
        cases, said = [], []
        for _ in range(min(total, 1000)):
            pattern, seen = draw_case(rng, props)
            case = ["P\t" + pattern.text(rng)]
            for o in seen:
                case += o.lines()
            cases.append(case + ["E"])
            said.append(expected(pattern, seen))
        completed += len(cases)
        matched += sum("1" in s for s in said)
        wrong += compare(program, cases, said)
        total -= len(cases)
    print("%d cases, %d with a match, %d disagreements"
          % (completed, matched, wrong))
    # A draw in which nothing matches would prove nothing.
    sys.exit(wrong > 0 or matched * 10 < completed)


main()
