#!/usr/bin/python3
"""Asks the questions of the benchmark; script/bench starts it.

All sides of a question take turns, in each round in another order, so that
what else the machine does, and what a side leaves for the disk to do, falls
on all of them. What is compared are the medians of the rounds' ratios.
"""

import argparse
import os
import sys
import time

import objects
import questions
import report
from server import Failed, Place, Server, has_journal, mount_of, run
from sides import in_turn

KINDS = {
    # rounds, seconds of each run, by what numbers of operations and of files are multiplied, and after how
    # many seconds no further round is begun
    "full": (5, 0.3, 1.0, 1.0, 40),
    "quick": (3, 0.15, 0.2, 0.03, 6),
    "smoke": (1, 0, 0.0, 0.0, 1),
}


class Bench:
    """What the questions work with."""

    def __init__(self, args):
        self.args = args
        self.kind = "smoke" if args.smoke else "quick" if args.quick else "full"
        self.rounds, self.limit, self.speed, self.scale, self.budget = KINDS[self.kind]
        self.fewest = self.rounds
        self.client_program = os.path.join(args.work, "client")
        self.magic_program = os.path.join(args.work, "magic")
        self.journaled = os.path.ismount(os.path.join(args.places, "data"))
        self.data = os.path.join(args.places, "data" if self.journaled else "base")
        self.servers, self.places = {}, {}
        self.objects = None

    @property
    def many(self):
        """Rounds for questions with sides that are near each other, of runs that are short."""
        return self.rounds * (3 if self.kind == "full" else 1)

    @property
    def wide(self):
        """Rounds for questions of many cells and sides."""
        return self.rounds * 2 - 1

    @property
    def smoke(self):
        return self.kind == "smoke"

    def while_(self, clients=1):
        """Options for a run whose length is a time; in a smoke test, a few operations.

        Many clients get longer, so that each does more than an operation or two."""
        return {"count": 2} if self.smoke else {"count": 1000000, "limit": self.limit * (4 if clients > 4 else 1)}

    def files(self, count):
        """How many files, where count is what the question asks for."""
        return max(int(count * self.scale), 20)

    def size(self, size):
        """A large size: smaller ones in a smoke test."""
        return min(size, 3_000_000) if self.smoke else size

    def server(self, name="main", directory=None, preload=False, more=""):
        if name not in self.servers:
            self.servers[name] = Server(self.args.bindir, directory or self.data, name, preload, not self.smoke, more)
        return self.servers[name]

    def place(self, name):
        """one: folder and database on one file system; own, xfs: the folder on its own
        ("own" with, "xfs" for another kind); base: both on what is there; bucket: with an
        object store. None if the machine cannot."""
        if name in self.places:
            return self.places[name]
        base = os.path.join(self.args.places, "base")
        place = None
        if name == "one":
            place = Place("one", self.server(), self.data, "database and folder on one file system")
        elif name == "base" and self.journaled:
            place = Place("base", self.server("base", base), base, "on the machine's own file system")
        elif name == "preload":
            place = Place("preload", self.server("preload", preload=True), self.data, "with ffu preloaded")
        elif name == "bucket" and not objects.missing():
            self.objects = objects.Store(self.args.work)
            server = self.server("bucket", preload=True, more=f"ffu.credentials_file = '{self.objects.credentials}'\n")
            place = objects.BucketPlace("bucket", server, self.data, self.objects)
        elif name == "preload base" and self.journaled:
            place = Place("preload_base", self.server("preload_base", base, preload=True), base,
                          "with ffu preloaded, on the machine's own file system")
        elif name == "crash":
            place = Place("crash", self.server("crash"), self.data, "to be killed")
        elif name in ("own", "xfs"):
            directory = os.path.join(self.args.places, name)
            if os.path.ismount(directory):
                place = Place(name, self.server(), directory, "folder on its own file system")
        if place and self.smoke:
            place.settle = lambda: None
        self.places[name] = place
        return place

    def client(self, verb, side, place, **options):
        """Runs the client; returns what it says, as numbers by name."""
        words = [self.client_program, verb, side, "conninfo=" + place.conninfo(), "dir=" + place.files]
        for name, value in options.items():
            if value is True:
                words.append(name)
            elif value not in (False, None):
                words.append(f"{name}={value}")
        said = run(words).split()
        return {word.split("=")[0]: float(word.split("=")[1]) for word in said}

    def statements(self, place, *statements, count=1):
        """Seconds of each SQL statement, all in one session, summed over count rounds."""
        said = run([self.client_program, "sql", "conninfo=" + place.conninfo(), f"count={count}", *statements])
        return [float(word.split("=")[1]) for word in said.split()]

    def each_round(self, rounds=None, patience=1):
        """Counts the rounds; a machine that is too slow for all of them gets fewer.

        patience says how many times as long as usual is still all right."""
        start = time.monotonic()
        rounds = rounds or self.rounds
        for done in range(rounds):
            if done > 0 and time.monotonic() - start > self.budget * patience:
                self.fewest = min(self.fewest, done)
                return
            yield done

    def interleave(self, sides, before=None, between=None, rounds=None, patience=1):
        """Calls each side in turn, rounds times; {side: [what it returned]}.

        The order is another one in each round, and the same in each run of the benchmark. before is called before each
        side, between whenever the usual number of rounds is over: it makes room on the disk for more."""
        values = {side: [] for side in sides}
        for number in self.each_round(rounds, patience):
            if between and number > 0 and number % self.rounds == 0:
                between()
            for side in in_turn(sides, number):
                if before:
                    before()
                values[side].append(sides[side]())
        return values

    def boto(self, side, place, **options):
        """Runs the applications that store objects; returns what they say, as numbers by name."""
        words = [f"{name}={value}" for name, value in options.items() if value not in (False, None)]
        said = run(["/usr/bin/python3", os.path.join(os.path.dirname(os.path.abspath(__file__)), "boto.py"), side,
                    "conninfo=" + place.conninfo(), "table=beside", *words]).split()
        return {word.split("=")[0]: float(word.split("=")[1]) for word in said}

    def stop(self):
        if self.objects:
            self.objects.stop()
        for server in self.servers.values():
            if os.path.exists(os.path.join(server.data, "postmaster.pid")):
                server.stop("immediate")


def machine(bench):
    """What is known of the machine, as (name, value)."""
    facts = []
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    facts.append(("processor", f"{models[0] if models else 'unknown'}, {os.cpu_count()} cores"))
    with open("/proc/meminfo", encoding="utf-8") as file:
        kb = int(file.readline().split()[1])
    facts.append(("memory", f"{kb / 1024 ** 2:.0f} GiB"))
    facts.append(("kernel", " ".join(os.uname()[i] for i in (0, 2))))
    facts.append(("PostgreSQL", run([os.path.join(bench.args.bindir, "postgres"), "--version"]).split(") ")[-1].strip()))
    for name in ("data", "own", "xfs", "base"):
        path = os.path.join(bench.args.places, name)
        if name != "base" and not os.path.ismount(path):
            continue
        device, kind, options = mount_of(path)
        journal = "journal" if has_journal(device, kind) else "no journal"
        loop = ", in a file on a loop device" if "loop" in device else ""
        facts.append((f"file system \"{name}\"", f"{kind} ({options}), {journal}{loop}"))
    from server import SETTINGS  # pylint: disable=import-outside-toplevel
    facts.append(("settings", ", ".join(f"{name} = {value}" for name, value in SETTINGS.items())
                  + "; all else as PostgreSQL comes, fsync and synchronous_commit on"))
    return facts


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--bindir")
    parser.add_argument("--work")
    parser.add_argument("--places")
    parser.add_argument("--results")
    parser.add_argument("--commit", default="unknown")
    parser.add_argument("questions", nargs="*")
    args = parser.parse_args()
    known = {question.__name__: question for question in questions.ALL}
    if args.list:
        for name, question in known.items():
            print(f"{name:<12}{question.__doc__.splitlines()[0]}")
        sys.exit(0)
    for name in args.questions:
        if name not in known:
            parser.error(f"there is no question \"{name}\"; known are {', '.join(known)}")
    chosen = args.questions or [name for name in known if name != "millions" or args.smoke]
    return args, [known[name] for name in chosen]


def main():
    args, chosen = arguments()
    bench = Bench(args)
    results = report.Results(os.path.join(args.results, "results.json"))
    status = 0
    try:
        for question in chosen:
            start = time.monotonic()
            print(f"== {question.__name__}: {question.__doc__.splitlines()[0]}", flush=True)
            bench.fewest = bench.rounds
            answer = question(bench)
            if bench.fewest < bench.rounds:
                answer["notes"].append(f"the machine was too slow for {bench.rounds} rounds: some of this is from "
                                       f"{bench.fewest}")
            answer.update(name=question.__name__, doc=question.__doc__, commit=args.commit,
                          kind=bench.kind, rounds=bench.rounds, date=time.strftime("%Y-%m-%d"))
            results.add(answer)
            report.print_answer(answer)
            print(f"   ({time.monotonic() - start:.0f} s)\n", flush=True)
    except Failed as failure:
        print(f"the benchmark has failed:\n{failure}", file=sys.stderr)
        for server in bench.servers.values():
            print(f"-- end of {server.log}", file=sys.stderr)
            with open(server.log, encoding="utf-8", errors="replace") as file:
                print("".join(file.readlines()[-15:]), file=sys.stderr)
        status = 1
    finally:
        bench.stop()
    if results.answers:
        results.machine = machine(bench)
        results.write(args.results, [question.__name__ for question in questions.ALL])
        report.print_targets(results)
    sys.exit(status)


if __name__ == "__main__":
    main()
