#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""page.py JSON docs/performance.md : the figures of "make bench" in the page

JSON is a file of BENCH_JSON; its last line counts.  What stands between
<!-- bench NAME --> and <!-- end --> in the page is written anew, and the
drawings performance-*.svg beside it.  Nothing else is touched.
"""
import html
import json
import pathlib
import re
import sys

STAGES = [("floor.read", "floor: read"), ("floor.decode", "floor: + decode"),
          ("floor.flow", "floor: + flow"), ("floor.tcp", "floor: + TCP order"),
          ("floor.scan", "floor: + scan, payload literals"),
          ("floor.scan_all", "floor: + scan, all literals"),
          ("capture", "Picket: capture"), ("decode", "Picket: + decode"),
          ("flow", "Picket: + flow"), ("stream", "Picket: + stream"),
          ("none", "Picket: whole, no rules"),
          ("rules", "Picket: whole, with rules")]
KINDS = [("mix", "mix"), ("http", "mostly HTTP"), ("tls", "mostly TLS"),
         ("small", "small packets")]


def count(n):
    n = int(n)
    for size, word in ((10**6, " million"), (10**3, ",000")):
        if n >= size and n % size == 0:
            return f"{n // size}{word}"
    return str(n)


def three(x):
    return "-" if x is None else f"{x:.3g}" if x < 1000 else f"{x:.0f}"


def table(head, rows):
    rows = [r for r in rows if any(c != "-" for c in r[1:])]
    lines = ["| " + " | ".join(head) + " |",
             "|" + "---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in rows])


class Figures:
    def __init__(self, line):
        self.all = json.loads(line)
        self.f = self.all["figures"]

    def get(self, name):
        return self.f.get(name)

    def cell(self, name, scale=1):
        x = self.get(name)
        return three(None if x is None else x / scale)

    def sizes(self, prefix, suffix):
        """The N of every figure PREFIX.N.SUFFIX, ascending."""
        found = [re.fullmatch(re.escape(prefix) + r"\.(\d+)\." + suffix, k)
                 for k in self.f]
        return sorted(int(m.group(1)) for m in found if m)


def targets(fig):
    rows = []
    for t in fig.all["targets"]:
        met = "not measured" if t["met"] is None else \
            "met" if t["met"] else "**not met**"
        sense = "at most" if t["sense"] == "<=" else "at least"
        unit = "" if t["unit"] == "x" else " " + t["unit"]
        times = " times" if t["unit"] == "x" else ""
        rows.append([t["what"], f"{sense} {t['bound']:g}{times}{unit}",
                     three(t["figure"]), met])
    return table(["", "target", "figure", ""], rows)


def stages(fig):
    return table(["on the mix", "cycles a packet", "million packets/s",
                  "Gbit/s"],
                 [[label, fig.cell(f"mix.{k}.cycles"),
                   three(rate(fig, "mix", k)), fig.cell(f"mix.{k}.gbits")]
                  for k, label in STAGES])


def rate(fig, kind, key):
    s, n = fig.get(f"{kind}.{key}.s"), fig.get(f"{kind}.packets")
    return None if s is None or n is None else n / s / 1e6


def captures(fig):
    rows = []
    for kind, label in KINDS:
        n, size = fig.get(f"{kind}.packets"), fig.get(f"{kind}.bytes")
        rows.append([label, three(size / n) if n else "-"] +
                    [fig.cell(f"{kind}.{k}.gbits") for k in
                     ("floor.tcp", "floor.scan", "none", "rules")])
    return table(["Gbit/s", "mean bytes", "floor", "floor and scan",
                  "no rules", "with rules"], rows)


def events(fig):
    names = [("nothing", "no rules, no events"),
             ("flows", "no rules, every event"),
             ("alerts", "with rules, alerts only"),
             ("all", "with rules, every event")]
    return table(["the mix, lines to a file", "cycles a packet",
                  "the writer's", "lines", "lines/s"],
                 [[label] + [fig.cell(f"events.{k}.{what}") for what in
                             ("cycles", "writer", "lines", "lines_s")]
                  for k, label in names])


def sets(fig):
    return table(["rules", "load, s", "memory, MB", "cycles a packet",
                  "Gbit/s"],
                 [[count(n), fig.cell(f"sets.{n}.load_s"),
                   fig.cell(f"sets.{n}.memory", 1e6),
                   fig.cell(f"sets.{n}.cycles"), fig.cell(f"sets.{n}.gbits")]
                  for n in fig.sizes("sets", "cycles")])


def indicators(fig):
    return table(["indicators", "load, s", "memory, MB",
                  "cycles a packet, no rules", "with rules"],
                 [[count(n)] + [fig.cell(f"indicators.{how}.{n}.{what}", by)
                                for how, what, by in
                                (("none", "load_s", 1), ("none", "memory", 1e6),
                                 ("none", "cycles", 1), ("rules", "cycles", 1))]
                  for n in fig.sizes("indicators.none", "cycles")])


def flows(fig):
    return table(["flows at once", "floor, cycles a packet", "Picket",
                  "cycles to open, a packet", "bytes a flow",
                  "in all, GiB"],
                 [[count(n), fig.cell(f"flows.{n}.floor"),
                   fig.cell(f"flows.{n}.cycles"), fig.cell(f"flows.{n}.open"),
                   fig.cell(f"flows.{n}.talked_bytes"),
                   fig.cell(f"flows.{n}.peak", 2**30)]
                  for n in fig.sizes("flows", "cycles")])


def hostile(fig):
    ordinary = fig.get("hostile.ordinary.cycles")
    names = [("ordinary", "payload of the mix"), ("noise", "random bytes"),
             ("near", "literals whose last byte is another"),
             ("pieces", "pieces of literals, four to eight bytes"),
             ("keys", "the four bytes of each literal looked for first"),
             ("crowd", "of these, what most literals share"),
             ("whole", "literals: each match is verified")]
    return table(["segments of 1,200 bytes", "cycles a packet", "times"],
                 [[label, fig.cell(f"hostile.{k}.cycles"),
                   three(None if not ordinary or fig.get(f"hostile.{k}.cycles")
                         is None
                         else fig.get(f"hostile.{k}.cycles") / ordinary)]
                  for k, label in names])


def workers(fig):
    return table(["workers", "with rules, s", "speed-up", "CPU s",
                  "without, s", "speed-up", "CPU s"],
                 [[str(n)] + [fig.cell(f"workers.{how}.{n}.{what}")
                              for how in ("rules", "plain")
                              for what in ("s", "speedup", "cpu")]
                  for n in fig.sizes("workers.rules", "s")])


def taken(fig):
    hz = fig.get("hz") or 0
    mix = fig.get("mix.bytes")
    size = f"; the mix has {mix / 1e6:.0f} MB in " \
           f"{fig.get('mix.packets'):,.0f} packets" if mix else ""
    return f"Processor: {fig.all['processor']}, {hz / 1e9:.1f} GHz while " \
           f"measuring{size}."


def bars(title, unit, rows):
    """A drawing of horizontal bars: (label, value)."""
    rows = [(label, v) for label, v in rows if v is not None]
    if not rows:
        return None
    most = max(v for _, v in rows)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="720" '
           f'height="{48 + 26 * len(rows)}" font-family="sans-serif" '
           f'font-size="13">',
           f'<title>{html.escape(title)}</title>',
           '<rect width="100%" height="100%" fill="#fff"/>',
           f'<text x="10" y="22" font-weight="bold">{html.escape(title)}, '
           f'{html.escape(unit)}</text>']
    for i, (label, v) in enumerate(rows):
        y = 40 + 26 * i
        fill = "#9aa5b1" if label.startswith("floor") else "#2f6f8f"
        out += [f'<text x="240" y="{y + 14}" text-anchor="end">'
                f'{html.escape(label)}</text>',
                f'<rect x="250" y="{y}" width="{max(1, 380 * v / most):.0f}" '
                f'height="18" fill="{fill}"/>',
                f'<text x="{258 + 380 * v / most:.0f}" y="{y + 14}">'
                f'{three(v)}</text>']
    return "\n".join(out + ["</svg>", ""])


def drawings(fig):
    return {
        "stages": bars("A packet of the mix, stage by stage", "cycles",
                       [(label, fig.get(f"mix.{k}.cycles"))
                        for k, label in STAGES]),
        "rules": bars("A packet, by how many rules", "cycles",
                      [(f"{count(n)} rules", fig.get(f"sets.{n}.cycles"))
                       for n in fig.sizes("sets", "cycles")]),
        "flows": bars("A packet, by how many flows at once", "cycles",
                      [(f"{count(n)} flows", fig.get(f"flows.{n}.cycles"))
                       for n in fig.sizes("flows", "cycles")]),
    }


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: page.py JSON PAGE")
    lines = pathlib.Path(sys.argv[1]).read_text().strip().splitlines()
    if not lines:
        sys.exit(f"page.py: {sys.argv[1]} is empty")
    fig = Figures(lines[-1])
    page = pathlib.Path(sys.argv[2])
    makers = {m.__name__: m for m in (targets, stages, captures, events, sets,
                                      indicators, flows, hostile, workers,
                                      taken)}

    def fill(match):
        name = match.group(1)
        if name not in makers:
            sys.exit(f"page.py: {page}: no table is called {name}")
        return f"<!-- bench {name} -->\n{makers[name](fig)}\n<!-- end -->"

    page.write_text(re.sub(r"<!-- bench (\w+) -->.*?<!-- end -->", fill,
                           page.read_text(), flags=re.S))
    for name, svg in drawings(fig).items():
        if svg is not None:
            page.with_name(f"performance-{name}.svg").write_text(svg)


main()
