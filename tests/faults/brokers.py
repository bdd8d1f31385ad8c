# SPDX-License-Identifier: Apache-2.0
"""What alerts pass through: one Redis, one that is spoken to by TLS, a cluster, a pair with
Sentinels.

Each kind has the same few words for the rest: start(), call(), kill(), freeze(), mend(), url(),
settings(), and 'target', where a proxy finds it; None for those that have addresses of their own,
which must be reached without one.
"""
import os
import signal
import socket
import subprocess

PASSWORD = "right"
USER = "picket"
ACL = [USER, "on", ">" + PASSWORD, "~*", "&*", "+@all"]


class Redis:
    """A redis-server that keeps nothing, on a unix socket, and by a route on a port."""

    def __init__(self, world, name):
        self.world = world
        self.name = name
        self.sock = os.path.join(world.dir, name + ".sock")
        self.proc = None
        self.frozen = False

    @property
    def target(self):
        return self.sock

    def options(self):
        return ["--port", "0"]

    def running(self):
        return self.proc is not None and self.proc.poll() is None

    def start(self):
        if self.running():
            return
        if os.path.exists(self.sock):
            os.unlink(self.sock)
        with open(os.path.join(self.world.dir, self.name + ".log"), "ab") as log:
            self.proc = self.world.spawn(
                ["redis-server", *self.options(), "--unixsocket", self.sock, "--save", "",
                 "--appendonly", "no", "--dir", self.world.dir, "--loglevel", "notice",
                 "--repl-diskless-sync-delay", "0", "--user", *ACL], log)
        self.frozen = False
        self.world.until(20, self.answers, f"{self.name} to answer")

    def answers(self):
        return self.call("PING") == "PONG"

    def call(self, *args, wait=2.0):
        """The reply as text or list; None when there is none."""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(wait)
                s.connect(self.sock)
                out = b"*%d\r\n" % len(args)
                for a in args:
                    a = str(a).encode()
                    out += b"$%d\r\n%s\r\n" % (len(a), a)
                s.sendall(out)
                return read_reply(s.makefile("rb"))
        except (OSError, ValueError):
            return None

    def kill(self):
        if self.proc is not None:
            self.proc.kill()
            self.proc.wait()

    def freeze(self, frozen):
        if self.running():
            self.proc.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)
        self.frozen = frozen

    def mend(self):
        self.freeze(False)
        self.start()
        for command in (("REPLICAOF", "NO", "ONE"),
                        ("CONFIG", "SET", "maxmemory", self.world.maxmemory),
                        ("ACL", "SETUSER", ACL[0], "reset", *ACL[1:])):
            self.world.until(60, lambda: self.call(*command) == "OK",
                             f"Redis to obey {' '.join(map(str, command))}")

    def url(self, route):
        return f"redis://{USER}:{PASSWORD}@127.0.0.1:{self.world.ports[route]}"

    def settings(self):
        """What the programs need to be told beside the URL."""
        return []


def read_reply(f):
    line = f.readline()
    if not line.endswith(b"\r\n"):
        raise ValueError("cut short")
    what, rest = line[:1], line[1:-2].decode(errors="replace")
    if what == b"$":
        return None if rest == "-1" else f.read(int(rest) + 2)[:-2].decode(errors="replace")
    if what == b"*":
        return [read_reply(f) for _ in range(int(rest))]
    return int(rest) if what == b":" else rest


def free_port():
    """A port that nobody has, and the one for a cluster's bus; somebody else may be quicker."""
    while True:
        with socket.socket() as s, socket.socket() as bus:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
            try:
                bus.bind(("127.0.0.1", port + 10000))
                return port
            except (OSError, OverflowError):
                pass


class OnPort(Redis):
    """One with a TCP port of its own."""

    port = 0

    def start(self):
        """The first time, until a port is found that is really free."""
        for left in range(5, -1, -1):
            first = self.port == 0
            self.port = self.port or free_port()
            try:
                super().start()
                return
            except Exception:
                if not first or left == 0 or self.running():
                    raise
                self.port = 0

    def answers(self):
        if not self.running():
            raise OSError(f"{self.name} ended with status {self.proc.returncode}")
        return super().answers()


# --- TLS


def openssl(where, *argv):
    done = subprocess.run(["openssl", *argv], cwd=where, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {argv[0]}: {done.stderr.decode(errors='replace')}")


def make_certificates(where):
    """An authority, a server and a client of it."""
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(where, "req", "-x509", *new, "-days", "2", "-subj", "/CN=authority", "-keyout",
            "ca.key", "-out", "ca.crt")
    for name in ("server", "client"):
        with open(os.path.join(where, name + ".ext"), "w", encoding="ascii") as f:
            f.write("subjectAltName=IP:127.0.0.1\n")
        openssl(where, "req", *new, "-subj", "/CN=" + name, "-keyout", name + ".key", "-out",
                name + ".csr")
        openssl(where, "x509", "-req", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", name + ".ext", "-out", name + ".crt")


class Tls(OnPort):
    """One that is spoken to by mutual TLS, through the proxies, which see none of it."""

    def __init__(self, world, name):
        super().__init__(world, name)
        make_certificates(world.dir)

    def file(self, name):
        return os.path.join(self.world.dir, name)

    @property
    def target(self):
        return str(self.port)

    def options(self):
        return ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "yes",
                "--tls-ca-cert-file", self.file("ca.crt"), "--tls-cert-file",
                self.file("server.crt"), "--tls-key-file", self.file("server.key")]

    def url(self, route):
        return f"rediss://{USER}:{PASSWORD}@127.0.0.1:{self.world.ports[route]}"

    def settings(self):
        return ["--set", "redis.tls.ca=" + self.file("ca.crt"),
                "--set", "redis.tls.cert=" + self.file("client.crt"),
                "--set", "redis.tls.key=" + self.file("client.key")]


# --- several


class Node(OnPort):
    """One of a cluster, or of a watched pair."""

    def __init__(self, world, name, *more):
        super().__init__(world, name)
        self.more = more

    def options(self):
        return ["--port", str(self.port), *self.more]


class Several:
    """What those have in common who have more than one server."""

    target = None
    frozen = False
    nodes = ()

    def __init__(self, world):
        self.world = world

    def running(self):
        return any(n.running() for n in self.nodes)

    def freeze(self, frozen):
        for n in self.nodes:
            n.freeze(frozen)

    def kill(self):
        for n in self.nodes:
            n.kill()

    def settings(self):
        return []

    def hosts(self):
        return ",".join(f"127.0.0.1:{n.port}" for n in self.nodes)


class Cluster(Several):
    """Three masters.  One of them has a replica: the one that the slot of the first sensor's keys
    moves to, so that it can die with what has moved there."""

    SENSOR = "{site0/tap1}"

    def __init__(self, world):
        super().__init__(world)
        self.nodes = [Node(world, f"node{i}", "--cluster-enabled", "yes", "--cluster-node-timeout",
                           "1500", "--cluster-config-file", f"node{i}.conf") for i in range(4)]
        self.moving = False
        self.slot = 0

    def cli(self, *argv):
        done = subprocess.run(["redis-cli", "--cluster", *argv], capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"redis-cli --cluster {argv[0]}: {done.stdout.decode()}")

    def start(self):
        for n in self.nodes:
            n.start()
        masters = self.nodes[:3]
        self.cli("create", *(f"127.0.0.1:{n.port}" for n in masters), "--cluster-yes")
        self.world.until(60, lambda: self.agree(masters), "the cluster to agree")
        self.slot = int(masters[0].call("CLUSTER", "KEYSLOT", self.SENSOR))
        owner = self.owner()
        self.victim = next(n for n in masters if n is not owner)
        self.cli("add-node", f"127.0.0.1:{self.nodes[3].port}", f"127.0.0.1:{masters[0].port}",
                 "--cluster-slave", "--cluster-master-id", self.victim.call("CLUSTER", "MYID"))
        self.world.until(60, lambda: "master_link_status:up" in
                         (self.nodes[3].call("INFO", "replication") or ""), "the replica")

    @staticmethod
    def agree(nodes):
        return all("cluster_state:ok" in (n.call("CLUSTER", "INFO") or "") for n in nodes)

    @staticmethod
    def is_master(node):
        return (node.call("ROLE") or [""])[0] == "master"

    def owner(self):
        """Who has the first sensor's slot, by his own word."""
        for n in self.nodes:
            for span in n.call("CLUSTER", "SLOTS") or () if n.running() else ():
                if span[0] <= self.slot <= span[1] and span[2][1] == n.port:
                    return n
        return None

    def call(self, *args, wait=2.0):
        """A reply of whoever has the key."""
        for n in self.nodes:
            reply = n.call(*args, wait=wait) if n.running() else None
            if reply is not None and not str(reply).startswith(
                    ("MOVED", "ASK", "CLUSTERDOWN", "LOADING", "MASTERDOWN")):
                return reply
        return None

    def url(self, _):
        return f"redis+cluster://{USER}:{PASSWORD}@{self.hosts()}"

    def mend(self):
        self.freeze(False)
        for n in self.nodes:
            n.start()
        self.world.until(60, lambda: self.agree(self.nodes), "the cluster to agree again")


class Watched(Several):
    """A master, a replica, and three Sentinels who watch them."""

    def __init__(self, world):
        super().__init__(world)
        self.nodes = [Node(world, f"node{i}") for i in range(2)]
        self.sentinels = []

    def start_sentinel(self, i):
        conf = os.path.join(self.world.dir, f"sentinel{i}.conf")
        sentinel = Node(self.world, f"sentinel{i}")

        def argv():
            return ["redis-server", conf, "--sentinel", "--unixsocket", sentinel.sock]
        for _ in range(5):
            sentinel.port = free_port()
            with open(conf, "w", encoding="ascii") as f:
                f.write(f"port {sentinel.port}\nbind 127.0.0.1\ndir {self.world.dir}\n"
                        f"sentinel monitor picket 127.0.0.1 {self.nodes[0].port} 2\n"
                        "sentinel down-after-milliseconds picket 1000\n"
                        "sentinel failover-timeout picket 5000\n")
            with open(os.path.join(self.world.dir, sentinel.name + ".log"), "ab") as log:
                sentinel.proc = self.world.spawn(argv(), log)
            try:
                self.world.until(20, sentinel.answers, f"{sentinel.name} to answer")
                self.sentinels.append(sentinel)
                return
            except OSError:  # the port was gone
                continue
        raise RuntimeError(f"{sentinel.name}: no port to be had")

    def start(self):
        for n in self.nodes:
            n.start()
        self.nodes[1].call("REPLICAOF", "127.0.0.1", self.nodes[0].port)
        self.world.until(60, lambda: "master_link_status:up" in
                         (self.nodes[1].call("INFO", "replication") or ""), "the replica")
        for i in range(3):
            self.start_sentinel(i)
        self.world.until(60, lambda: all(self.knows(s) for s in self.sentinels),
                         "the Sentinels to know all")

    @staticmethod
    def knows(sentinel):
        said = sentinel.call("SENTINEL", "MASTER", "picket") or []
        facts = dict(zip(said[::2], said[1::2]))
        return (facts.get("num-slaves"), facts.get("num-other-sentinels")) == ("1", "2")

    def master(self):
        """As most of them see it; None while that is not settled."""
        said = [s.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "picket") for s in self.sentinels]
        for n in self.nodes:
            if sum(a == ["127.0.0.1", str(n.port)] for a in said) >= 2 and n.running() and \
                    (n.call("ROLE") or [""])[0] == "master":
                return n
        return None

    def call(self, *args, wait=2.0):
        n = self.master()
        return n.call(*args, wait=wait) if n is not None else None

    def url(self, _):
        hosts = ",".join(f"127.0.0.1:{s.port}" for s in self.sentinels)
        return f"redis+sentinel://{USER}:{PASSWORD}@{hosts}/picket"

    def mend(self):
        self.freeze(False)
        for n in self.nodes:
            n.start()
        self.world.until(60, lambda: self.master() is not None, "a master that all agree on")


KINDS = {"single": lambda w: Redis(w, "a"), "tls": lambda w: Tls(w, "a"), "cluster": Cluster,
         "sentinel": Watched}
