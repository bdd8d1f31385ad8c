#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random faults, and a count of every alert.

    drive.py --bin DIR --proxy PROGRAM [--runs N] [--seed S] [--only FAULT,...] [--jobs N] [--keep]

A run starts Redis, a collector and one to three sensors, breaks one to four things at random
moments, mends all, lets the spools run empty and compares the store with what undisturbed sensors
raise of the same captures.  Everything about a run is drawn from its seed: run I of seed S is run 0
of seed S + I.  A run that fails keeps its directory.
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import faults  # noqa: E402
import oracle  # noqa: E402
import scene  # noqa: E402
import spool  # noqa: E402
import world  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
N_SCENES = 6
SECONDS = 4
PACKETS = 2500


class Scene:
    def __init__(self, path, lines):
        self.path = path
        self.lines = lines


def make_scenes(args):
    """Captures and what they raise, once for all runs."""
    for i in range(N_SCENES):
        path = os.path.join(args.shared, f"{i}.pcap")
        scene.capture(args.pcaps, i, path, SECONDS, PACKETS)
        lines = scene.reference(os.path.join(args.bin, "picket-sensor"),
                                os.path.join(HERE, "load.rules"), path,
                                os.path.join(args.shared, f"{i}.eve"))
        if len(set(lines)) != len(lines) or not lines:
            raise RuntimeError(f"scene {i}: alerts that cannot be told apart")
        with open(os.path.join(args.shared, f"{i}.lines"), "wb") as f:
            f.write(b"\n".join(lines))
    scene.empty_capture(os.path.join(args.shared, "empty.pcap"))


def load_scenes(args):
    out = []
    for i in range(N_SCENES):
        with open(os.path.join(args.shared, f"{i}.lines"), "rb") as f:
            out.append(Scene(os.path.join(args.shared, f"{i}.pcap"), f.read().split(b"\n")))
    return out


# --- one run


BROKERS = {"single": 6, "tls": 1, "cluster": 1, "sentinel": 1}  # and how often


def choose_broker(rng, args):
    """Of those that any of the wanted faults is possible with."""
    kinds = [args.broker] if args.broker else [
        k for k in BROKERS
        if not args.only or any(k in faults.FAULTS[name].brokers for name in args.only)]
    kind = rng.choices(kinds, [BROKERS[k] for k in kinds])[0]
    if kind == "tls" and not shutil.which("openssl"):
        return "single" if not args.broker else kind
    return kind


def choose(rng, only, broker):
    names = [name for name in only or sorted(faults.FAULTS)
             if broker in faults.FAULTS[name].brokers]
    weights = [faults.FAULTS[name].weight for name in names]
    return rng.choices(names, weights, k=rng.choice((1, 2, 2, 3, 3, 4)))


def prepare(w, names):
    """The faults that are possible here, with what they need in place."""
    out = []
    for name in names:
        why = faults.FAULTS[name].prepare(w)
        if why:
            w.say(f"{name}: {why}")
            w.skipped[name] = why
        else:
            out.append(name)
    return out


def drain(w):
    """Sensors start with nothing new to read until their spools are empty."""
    until = time.monotonic() + w.args.patience
    while True:
        left = {s.site: spool.waiting(s.spool) for s in w.sensors}
        late = [site for site, seqs in left.items() if seqs]
        if not late:
            return
        if time.monotonic() > until:
            raise world.Stuck(f"waited {w.args.patience} s for spools to empty; left are "
                              f"{ {site: seqs[:5] for site, seqs in left.items() if seqs} }")
        for s in w.sensors:
            if s.site in late:
                s.start(None, ["--set", "forward.drain-ms=10000"])
        w.run_until(w.args.patience, lambda: not any(s.running() for s in w.sensors),
                    "sensors that drain their spools to end")


def all_committed(w, s):
    """Whether the collector says to have all that lies in a spool, committed or not."""
    left = spool.read(s.spool)
    said = (w.redis.call("GET", f"picket:committed:{{{s.site}/tap1}}") or "").split()
    return not left.frames or (said[:1] == [str(left.epoch)] and
                               int(said[1]) >= max(seq for _, seq in left.frames))


def settle(w):
    """Sensors that go on running have to get rid of everything without a new start."""
    steady = [s for s in w.sensors if s.waits()]
    empty_since = w.now()

    def empty():
        nonlocal empty_since
        if any(s.waits() and (w.now() - s.lives[-1].begun < SECONDS + 1 or
                              not all_committed(w, s)) for s in steady):
            empty_since = w.now()
        return w.now() - empty_since > 0.6  # longer than a batch may gather
    if steady:
        w.run_until(w.args.patience, empty, "spools of running sensors to empty")
        w.say("spools of running sensors are empty")
    for s in steady:
        s.starve()


def finish(w):
    w.mend()
    w.say("everything is mended")
    settle(w)
    w.run_until(w.args.patience, lambda: not any(s.running() for s in w.sensors),
                "sensors to end after their captures did")
    drain(w)
    c = w.collector
    if c.running():
        c.proc.terminate()
    # It may be about to be started again.
    w.todo = []
    w.until(w.args.patience, lambda: not c.running(), "the collector to end after SIGTERM")
    if c.proc is not None and c.proc.returncode not in (0, None):
        w.wrong(f"the collector ended with status {c.proc.returncode} on SIGTERM")
    c.proc = None
    c.start("--until-idle", "1")
    w.until(w.args.patience, lambda: not c.running(), "the collector to find nothing more")
    if c.proc.returncode != 0:
        w.wrong(f"the collector ended with status {c.proc.returncode} at last")


def look_for_reports(w):
    for name in os.listdir(w.dir):
        if name.endswith(".log"):
            with open(os.path.join(w.dir, name), "rb") as f:
                text = f.read()
            for word in (b"Sanitizer", b"runtime error:", b"Assertion"):
                if word in text:
                    w.wrong(f"{name}: {word.decode()}")


def act(w, names):
    """The run itself, up to the moment when everything is mended."""
    w.redis.start()
    for route in w.routes():
        w.open_link(route, w.redis.target)
    names = prepare(w, names)
    w.after(w.collector_late, w.collector.start)
    for s in w.sensors:
        w.after(w.rng.uniform(0, 0.5), s.start, w.rng.randrange(len(w.scenes)))
    start = w.now()
    for name in names:
        faults.FAULTS[name](w, w.rng.uniform(0.2, SECONDS + 1))
    w.run_until(60, lambda: w.now() > start + SECONDS + 1 and not w.todo, "the faults to pass")
    return names


def options(rng):
    pace = rng.choice(("1", "1", "2", "max"))
    return ["--pace", pace, "--workers", rng.choice(("1", "2")),
            "--set", f"forward.drain-ms={rng.choice((100, 1000, 5000))}"]


def run(args, seed):
    rng = random.Random(seed)
    scenes = load_scenes(args)
    broker = choose_broker(rng, args)
    names = choose(rng, args.only, broker)
    w = world.World(args.dir, rng, args, scenes, broker)
    result = {"seed": seed, "broker": broker, "faults": names, "wrong": []}
    v = None
    try:
        n = rng.choice((1, 2, 2, 3))
        w.sensors = [world.Sensor(w, i, options(rng), rng.random() < 0.4) for i in range(n)]
        names = act(w, names)
        finish(w)
        look_for_reports(w)
        v = oracle.check(w, any(faults.FAULTS[name].sheds for name in names))
    except (world.Stuck, RuntimeError, OSError) as e:
        w.wrong(str(e))
    finally:
        w.end()
        w.free()
    if v is not None:
        result.update(raised=v.raised, stored=v.stored, declared=v.declared, killed=v.killed, over=v.over,
                      undeclared=v.undeclared, twice=v.twice, wrong=v.wrong)
    else:
        result["wrong"] = w.mistakes
    result["sensors"] = len(w.sensors)
    result["skipped"] = w.skipped
    result["kills"] = w.collector.kills + sum(x.killed for s in w.sensors for x in s.lives)
    result["seconds"] = w.now()
    with open(os.path.join(args.dir, "story"), "w", encoding="utf-8") as f:
        f.write("\n".join([*w.story, *("WRONG: " + x for x in result["wrong"]), ""]))
    print(json.dumps(result))


# --- all runs


class Child:
    def __init__(self, args, seed, where):
        self.seed = seed
        self.dir = tempfile.mkdtemp(prefix=f"{seed}.", dir=where)
        argv = [sys.executable, os.path.abspath(__file__), "--one", str(seed), "--dir", self.dir,
                "--shared", args.shared, "--bin", args.bin, "--proxy", args.proxy,
                "--only", ",".join(args.only), "--broker", args.broker, "--patience", str(args.patience)]
        self.out = tempfile.TemporaryFile()
        self.proc = subprocess.Popen([*args.prefix, *argv], stdout=self.out,
                                     preexec_fn=world.die_with_parent)

    def result(self):
        self.out.seek(0)
        lines = self.out.read().decode(errors="replace").splitlines()
        try:
            return json.loads(lines[-1])
        except (IndexError, ValueError):
            return {"seed": self.seed, "faults": [],
                    "wrong": [f"the driver ended with status {self.proc.returncode}"]}


def tell(r, where):
    words = " ".join(f"{k} {r[k]}" for k in ("sensors", "raised", "stored", "declared", "killed",
                                             "undeclared", "over", "twice") if k in r)
    print(f"{'FAIL' if r['wrong'] else 'ok  '} seed {r['seed']} {r.get('broker', '')} "
          f"{','.join(r['faults'])}: {words}"
          f" ({r.get('seconds', 0):.0f} s)", flush=True)
    for x in r["wrong"]:
        print(f"     {x}")
    if r["wrong"]:
        print(f"     all about it is in {where}; again: make faults RUNS=1 SEED={r['seed']}"
              f"{r['again']}", flush=True)


def namespace():
    """A mount namespace of our own, where that is allowed: small disks go with it."""
    for prefix in (["unshare", "-m", "--propagation", "private"], ["unshare", "-rm"]):
        if shutil.which("unshare") and subprocess.run(
                [*prefix, "true"], capture_output=True, check=False).returncode == 0:
            return prefix
    return []


def main_loop(args, where):
    total = {"raised": 0, "stored": 0, "declared": 0, "undeclared": 0, "twice": 0, "killed": 0,
             "over": 0, "kills": 0}
    used, skipped, failed, started, begin = {}, {}, 0, 0, time.monotonic()
    running = []
    while running or started < args.runs:
        while len(running) < args.jobs and started < args.runs and not (
                args.first and failed):
            running.append(Child(args, args.seed + started, where))
            started += 1
        if not running:
            break
        time.sleep(0.05)
        for child in [c for c in running if c.proc.poll() is not None]:
            running.remove(child)
            r = child.result()
            r["again"] = ((f" ONLY={','.join(args.only)}" if args.only else "") +
                          (f" BROKER={args.broker}" if args.broker else ""))
            failed += bool(r["wrong"])
            for k in total:
                total[k] += r.get(k, 0)
            skipped.update(r.get("skipped", {}))
            for name in r["faults"]:
                used[name] = used.get(name, 0) + 1
            tell(r, child.dir)
            if not r["wrong"] and not args.keep:
                shutil.rmtree(child.dir, ignore_errors=True)
    print(", ".join(f"{name} {n}" for name, n in sorted(used.items()) if name not in skipped))
    for name, why in sorted(skipped.items()):
        print(f"{name}: {why}")
    print(f"{started} runs, {total['stored']} alerts, {total['kills']} kills, "
          f"{total['declared']} declared lost ({total['killed']} in memory at a kill), "
          f"{total['undeclared']} lost undeclared, {total['over']} declared but not lost, "
          f"{total['twice']} twice, seed {args.seed}, {time.monotonic() - begin:.0f} s")
    return failed


def read_options():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--bin", required=True, help="where the programs are")
    p.add_argument("--proxy", required=True, help="fault_proxy")
    p.add_argument("--pcaps", default=os.path.join(HERE, "..", "..", "pcaps"))
    p.add_argument("--runs", type=int, default=10)
    p.add_argument("--seed", type=int, default=None)
    p.add_argument("--only", default="", help="these faults and no others")
    p.add_argument("--broker", default="", choices=["", *BROKERS], help="always this kind")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--keep", action="store_true", help="keep directories of good runs too")
    p.add_argument("--first", action="store_true", help="stop at the first failure")
    p.add_argument("--patience", type=float, default=120,
                   help="seconds for what should take moments, on a machine that is busy")
    p.add_argument("--scrap", action="store_true", help="keep no directory")
    p.add_argument("--one", type=int, default=None, help=argparse.SUPPRESS)
    p.add_argument("--dir", help=argparse.SUPPRESS)
    p.add_argument("--shared", help=argparse.SUPPRESS)
    args = p.parse_args()
    args.only = [x for x in args.only.split(",") if x]
    for name in args.only:
        if name not in faults.FAULTS:
            p.error(f"no fault is called {name}; there are {', '.join(sorted(faults.FAULTS))}")
    if args.broker and not any(args.broker in faults.FAULTS[name].brokers
                               for name in args.only or faults.FAULTS):
        p.error(f"none of these faults is possible with broker {args.broker}")
    args.bin, args.proxy = os.path.abspath(args.bin), os.path.abspath(args.proxy)
    args.faults = HERE
    return args


def main():
    args = read_options()
    if args.one is not None:
        run(args, args.one)
        return 0
    if args.seed is None:
        args.seed = random.SystemRandom().randrange(1, 1_000_000_000)
    where = tempfile.mkdtemp(prefix="picket-faults.", dir="/tmp")
    args.shared = os.path.join(where, "shared")
    os.mkdir(args.shared)
    args.prefix = namespace()
    make_scenes(args)
    failed = main_loop(args, where)
    if args.scrap or (failed == 0 and not args.keep):
        shutil.rmtree(where, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
