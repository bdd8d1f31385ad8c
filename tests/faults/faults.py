# SPDX-License-Identifier: Apache-2.0
"""What goes wrong.  Each fault begins at a moment of the run, and mends itself some time later;
World.mend() mends whatever is left at the end.

A fault takes the world and the second it begins in, and plans with World.after().  Its attribute
'sheds' says that a spool may lose by it what it then declares, 'prepare' is called before anything
runs and returns why the fault is impossible here, or None; 'weight' is how often it is drawn, and
'brokers' are the kinds of broker (brokers.py) that it is possible with.
"""
import glob
import os

FAULTS = {}


ALL = ("single", "tls", "cluster", "sentinel")
ONE = ("single", "tls")  # a server of which we say when it does what


def fault(weight=2, sheds=False, prepare=None, brokers=ALL):
    def take(f):
        f.weight = weight
        f.brokers = brokers
        f.sheds = sheds
        f.prepare = prepare or (lambda w: None)
        FAULTS[f.__name__.replace("_", "-")] = f
        return f
    return take


def pick(w):
    return w.rng.choice(w.sensors)


# --- processes


def next_life(w, s):
    if not s.running():
        s.start(w.rng.randrange(len(w.scenes)))


@fault(weight=5)
def kill_sensor(w, at):
    s, again = pick(w), w.rng.uniform(0, 1)

    def begin():
        if s.running() and s.kill():
            w.say(f"{s.site} killed")
        w.after(again, next_life, w, s)
    w.after(at, begin)


@fault(weight=3)
def torn_write(w, at):
    """Killed in the middle of a write to the spool."""
    s, again = pick(w), w.rng.uniform(0, 1)

    def begin():
        if s.running() and s.kill(torn=True):
            w.say(f"{s.site} killed, half a record behind its last")
        w.after(again, next_life, w, s)
    w.after(at, begin)


@fault()
def stop_sensor(w, at):
    """An orderly end, and a new start."""
    s, again = pick(w), w.rng.uniform(0, 1)

    def begin():
        if s.running():
            s.terminate()
            w.say(f"{s.site} told to end")
        w.after(again + 1, next_life, w, s)
    w.after(at, begin)


@fault(weight=4)
def kill_collector(w, at):
    def begin():
        w.collector.kill()
        w.say("the collector killed")
        w.after(w.rng.uniform(0, 1.5), w.collector.start)
    w.after(at, begin)


@fault()
def kill_collector_often(w, at):
    def begin(left):
        w.collector.kill()
        w.collector.start()
        if left > 0:
            w.after(w.rng.uniform(0.05, 0.6), begin, left - 1)
    w.after(at, begin, 6)
    w.say("the collector will be killed seven times")


@fault()
def freeze_collector(w, at):
    def signal(name):
        if w.collector.running():
            w.collector.proc.send_signal(name)
            w.say(f"the collector gets {name.name}")
    import signal as s
    w.after(at, signal, s.SIGSTOP)
    w.after(at + w.rng.uniform(1, 3), signal, s.SIGCONT)


# --- Redis


@fault(weight=4, brokers=ONE)
def redis_empty(w, at):
    """Killed, and back with nothing."""
    def begin():
        w.redis.kill()
        w.say("Redis killed")
        w.after(w.rng.uniform(0, 2), back)

    def back():
        w.redis.start()
        w.say("Redis is back and empty")
    w.after(at, begin)


@fault(brokers=ONE)
def redis_flushed(w, at):
    def begin():
        w.say(f"FLUSHALL: {w.redis.call('FLUSHALL')}")
    w.after(at, begin)


@fault(brokers=ONE)
def redis_frozen(w, at):
    def freeze(frozen):
        w.redis.freeze(frozen)
        w.say(f"Redis {'frozen' if frozen else 'goes on'}")
    w.after(at, freeze, True)
    w.after(at + w.rng.choice((1, 2, 3, 6.5)), freeze, False)


@fault(brokers=ONE)
def wrong_password(w, at):
    def password(text, drop):
        w.redis.call("ACL", "SETUSER", "picket", "resetpass", ">" + text)
        if drop:
            w.redis.call("CLIENT", "KILL", "USER", "picket")
        w.say(f"the password is {text}")
    w.after(at, password, "wrong", True)
    w.after(at + w.rng.uniform(0.5, 3), password, "right", False)


@fault(brokers=ONE)
def no_permission(w, at):
    what = w.rng.choice(("xadd", "get", "set", "xreadgroup", "xack"))

    def permit(sign):
        w.redis.call("ACL", "SETUSER", "picket", sign + what)
        w.say(f"permission {sign}{what}")
    w.after(at, permit, "-")
    w.after(at + w.rng.uniform(0.5, 3), permit, "+")


def used_memory(w):
    for line in (w.redis.call("INFO", "memory") or "").split("\r\n"):
        if line.startswith("used_memory:"):
            return int(line.split(":")[1])
    return 0


@fault(brokers=ONE)
def out_of_memory(w, at):
    def limit(more):
        used = used_memory(w)
        if more is None:
            w.redis.call("CONFIG", "SET", "maxmemory", w.maxmemory)
        elif used:
            w.redis.call("CONFIG", "SET", "maxmemory", used + more)
        w.say(f"maxmemory {'raised' if more is None else 'reached soon'}")
    w.after(at, limit, w.rng.choice((0, 4096, 300000)))
    w.after(at + w.rng.uniform(0.5, 3), limit, None)


def small_redis(w):
    w.maxmemory = int(used_memory(w)) + 1_300_000
    w.redis.call("CONFIG", "SET", "maxmemory", w.maxmemory)
    w.collector_late = w.rng.choice((0, 1, 2))


@fault(prepare=small_redis, brokers=ONE)
def redis_small(w, at):
    """Redis has room for a part of it only, from the beginning and for good."""


@fault(brokers=ONE)
def read_only(w, at):
    def replica(of):
        w.redis.call("REPLICAOF", *of)
        w.say(f"REPLICAOF {' '.join(of)}")
    w.after(at, replica, ("127.0.0.1", "1"))
    w.after(at + w.rng.uniform(0.3, 2), replica, ("NO", "ONE"))


@fault(brokers=ONE)
def loading(w, at):
    """Answers of a server that is busy with a script: BUSY."""
    def begin():
        w.redis.call("EVAL", "local t = redis.call('TIME')[1] + 1 "
                     "while redis.call('TIME')[1] - t < 1 do end return 1", "0", wait=0.05)
        w.say("Redis is busy with a script")
    w.redis.call("CONFIG", "SET", "busy-reply-threshold", "50")
    w.after(at, begin)


def second_redis(w):
    """A replica of the one there is; its link to the master is a route as well."""
    from brokers import Redis
    if len(w.redises) == 1:
        other = Redis(w, "b")
        w.redises.append(other)
        w.open_link("replication", w.redis.target)
        other.start()
        other.call("CONFIG", "SET", "masteruser", "picket")
        other.call("CONFIG", "SET", "masterauth", "right")
        other.call("REPLICAOF", "127.0.0.1", w.ports["replication"])


@fault(prepare=second_redis, brokers=("single",))
def failover(w, at):
    """The master dies and its replica takes over, sometimes without the last it should have."""
    lag = w.rng.choice((0, 0, 200, 500))

    def begin():
        old, new = w.redis, w.redises[1]
        if old is new:
            return
        new.call("REPLICAOF", "NO", "ONE")
        old.kill()
        w.redis = new
        w.maxmemory = 0  # was measured for the other
        for route in w.routes():
            w.link(f"target {route} {new.target}")
        w.say(f"the replica took over, {lag} ms behind")
    if lag:
        w.after(max(0, at - 1), w.link, f"delay replication {lag}")
    w.after(at, begin)


@fault(weight=6, brokers=("sentinel",))
def sentinel_failover(w, at):
    """The master dies, the Sentinels make its replica the master, and it comes back as a replica,
    or, when it is quicker than they are, as an empty master."""
    again = w.rng.choice((0.5, 4, 8))

    def begin():
        old = w.redis.master()
        if old is None:
            w.say("the Sentinels are not done with the last failover")
            return
        old.kill()
        w.say(f"master {old.name} killed, back in {again} s")
        w.after(again, back, old)

    def back(node):
        node.start()
        w.say(f"{node.name} is back and empty")
    w.after(at, begin)


@fault(weight=6, brokers=("cluster",))
def cluster_slot_move(w, at):
    """The slot of a sensor's keys moves to another master, or back, while they are used: first some
    keys are there and some are not yet, then the owner changes."""
    pause = w.rng.uniform(0.1, 1.5)

    def begin():
        c = w.redis
        old = c.owner()
        new = next((n for n in ([c.victim] + c.nodes[:3])
                    if n is not old and n.running() and c.is_master(n)), None)
        if c.moving or old is None or new is None:
            w.say("no slot can move just now")
            return
        c.moving = True
        new.call("CLUSTER", "SETSLOT", c.slot, "IMPORTING", old.call("CLUSTER", "MYID"))
        old.call("CLUSTER", "SETSLOT", c.slot, "MIGRATING", new.call("CLUSTER", "MYID"))
        w.say(f"slot {c.slot} begins to move from {old.name} to {new.name}")
        w.after(pause, keys, old, new)

    def keys(old, new):
        slot = w.redis.slot
        for key in old.call("CLUSTER", "GETKEYSINSLOT", slot, 1) or ():
            old.call("MIGRATE", "127.0.0.1", new.port, key, 0, 2000)
        if old.call("CLUSTER", "COUNTKEYSINSLOT", slot) != 0:
            w.after(0.05, keys, old, new)
        else:
            w.after(pause, owner, old, new)

    def owner(old, new):
        c = w.redis
        if old.call("CLUSTER", "COUNTKEYSINSLOT", c.slot) != 0:
            keys(old, new)
            return
        for n in [new, old, *c.nodes]:
            if c.is_master(n):
                n.call("CLUSTER", "SETSLOT", c.slot, "NODE", new.call("CLUSTER", "MYID"))
        c.moving = False
        w.say(f"slot {c.slot} belongs to {new.name}")
    w.after(at, begin)


@fault(weight=4, brokers=("cluster",))
def cluster_master_killed(w, at):
    """The master that has a replica dies, with what has moved to it."""
    again = w.rng.choice((1, 5, 9))

    def begin():
        c = w.redis
        if c.moving:  # a slot half moved is for an administrator to mend
            w.after(0.2, begin)
        elif c.victim.running() and c.is_master(c.victim):
            c.victim.kill()
            w.say(f"master {c.victim.name} killed, back in {again} s")
            w.after(again, back)

    def back():
        w.redis.victim.start()
        w.say(f"{w.redis.victim.name} is back and empty")
    w.after(at, begin)


# --- links


def on_link(w, at, begin, least, most):
    route = w.rng.choice(w.routes())

    def do(command):
        w.link(command)
        w.say(f"link: {command}")
    w.after(at, do, begin.format(route))
    if most > 0:
        w.after(at + w.rng.uniform(least, most), do, f"pass {route}")


@fault(brokers=ONE)
def link_reset(w, at):
    on_link(w, at, "reset {}", 0, 0)


@fault(brokers=ONE)
def link_refused(w, at):
    on_link(w, at, "refuse {}", 0.2, 3)


@fault(brokers=ONE)
def link_blackhole(w, at):
    on_link(w, at, "freeze {}", 0.5, 8)


@fault(brokers=ONE)
def link_half_open(w, at):
    on_link(w, at, "halfopen {}", 0.5, 7)


@fault(brokers=ONE)
def link_slow(w, at):
    on_link(w, at, f"slow {{}} {w.rng.choice((4000, 20000, 80000))}", 1, 3)


@fault(brokers=ONE)
def link_delayed(w, at):
    on_link(w, at, f"delay {{}} {w.rng.choice((20, 150, 400))}", 1, 3)


@fault(brokers=ONE)
def link_cut(w, at):
    """In the middle of a command, or of its reply."""
    verb = w.rng.choice(("cut", "cutreply"))
    on_link(w, at, f"{verb} {{}} {w.rng.randrange(1, 30000 if verb == 'cut' else 300)}", 0, 0)


@fault(brokers=ONE)
def link_garbage(w, at):
    on_link(w, at, "garbage {}", 0, 0)


# --- disks


def spool_disks(w):
    if all(w.mount(s.spool, "2m") for s in w.sensors if s.spool not in w.mounts):
        return None
    return "skipped: no right to mount a small disk"


@fault(sheds=True, prepare=spool_disks)
def spool_disk_full(w, at):
    s = pick(w)

    def begin():
        w.fill(s.spool)
        w.say(f"{s.site}: the spool's disk is full")
    w.after(at, begin)
    w.after(at + w.rng.uniform(0.3, 2), w.free)


def store_disk(w):
    if w.collector.dir in w.mounts or w.mount(w.collector.dir, "256m"):
        return None
    return "skipped: no right to mount a small disk"


@fault(prepare=store_disk)
def store_disk_full(w, at):
    def begin():
        w.fill(w.collector.dir)
        w.say("the store's disk is full")
    w.after(at, begin)
    w.after(at + w.rng.uniform(0.3, 2), w.free)


def small_spools(w):
    for s in w.sensors:
        s.options += ["--set", "spool.max-size=256kb"]


@fault(sheds=True, prepare=small_spools, brokers=ONE)
def spool_too_small(w, at):
    """Everything has to wait in a spool that cannot hold it."""
    on_link(w, at, "refuse {}", 2, 4)


# --- the clock


def fake_clock(w):
    libs = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    if not libs:
        return "skipped: faketime is not installed"
    w.clock = os.path.join(w.dir, "clock")
    with open(w.clock, "w", encoding="ascii") as f:
        f.write("+0")
    env = {"LD_PRELOAD": libs[0], "FAKETIME_TIMESTAMP_FILE": w.clock, "FAKETIME_NO_CACHE": "1",
           "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    for process in [*w.sensors, w.collector]:
        process.preload = env
    return None


@fault(prepare=fake_clock, brokers=("single", "cluster", "sentinel"))
def clock_back(w, at):
    """The wall clock of all is set back (or forth)."""
    def step(text):
        with open(w.clock, "w", encoding="ascii") as f:
            f.write(text)
        w.say(f"the clock is off by {text} s")
    w.after(at, step, w.rng.choice(("-3600", "-5", "-86400", "+7200")))
