"""The question about ffu.wal: see questions.py."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

from report import ratios, table, target
from server import Failed, has_journal, mount_of
from sides import KB, MB, answer, per_second, size_name, store, timed_call


def wal(bench):
    """One file per transaction with ffu.wal: how many a second, and what do checkpoints and redo take?

    ffu is preloaded, and *ffu* has ffu.wal = small. ffu.wal_max_file is 32 kB, its default: with *small*, files of 100 kB and
    more are synced, as with *off*. *not preloaded* is another server with the same settings. The second file system is the
    machine's own."""
    tables, targets = [], []
    for name, beside, sizes in (("preload", "one", (10 * KB, 32 * KB, 100 * KB, MB)),
                                ("preload base", "base", (10 * KB, 32 * KB))):
        place, unloaded = bench.place(name), bench.place(beside)
        if place is None:
            continue
        journal = "with a journal" if in_order(place) else "without a journal"
        start_syncer(bench, place)
        groups = []
        for size in sizes[:1] if bench.smoke else sizes:
            for clients in (1,) if bench.smoke else (1, 4, 16):
                cell = wal_cell(bench, place, unloaded, size, clients)
                of = f"{size_name(size)}, {clients} client{'s' if clients > 1 else ''}"
                groups.append((of, cell))
                targets += wal_targets(f"{of}, {journal}", cell, size, clients)
        tables.append(table(f"One file per transaction, ffu.wal, {journal}", "files per second", "more", groups))
    place = bench.place("preload")
    for measured in (wal_and_checkpoint, checkpoint_beside, redo):
        one, more = measured(bench, place)
        tables.append(one)
        targets += more
    return answer(tables, targets)


# Sides of a preloaded server: label, side of STORE, ffu.wal.
WAL = {"ffu": ("ffu", "small"), "ffu, all": ("ffu", "all"), "ffu, off": ("ffu", "off"), "bytea": ("bytea", "off"),
       "careful application": ("careful application", "off")}


def wal_store(bench, place, label, **options):
    """One run of a storing side with its ffu.wal."""
    side, setting = WAL[label]
    return store(bench, place, side, conninfo=f"{place.conninfo()} options='-c ffu.wal={setting}'", **options)


def in_order(place):
    """Whether a place has a file system that lets the sync of small files wait."""
    return has_journal(*mount_of(place.directory)[:2])


def start_syncer(bench, place):
    """Until the syncer runs, commits sync files that are in the WAL as well."""
    if not in_order(place):
        return
    deadline = time.monotonic() + 30
    while place.sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ffu syncer'") == "0":
        if time.monotonic() > deadline:
            raise Failed("there is no syncer")
        wal_store(bench, place, "ffu", size=1, clients=1, count=1)


def wal_cell(bench, place, unloaded, size, clients):
    """Files per second of all sides, with one size and a number of clients."""
    more = {"size": size, "clients": clients, **bench.while_(clients)}
    sides = {label: lambda label=label: per_second(wal_store(bench, place, label, **more)) for label in WAL}
    sides["ffu, not preloaded"] = lambda: per_second(store(bench, unloaded, "ffu", **more))

    def each(action):
        return lambda: [action(one) for one in (place, unloaded)]
    values = bench.interleave(sides, before=each(lambda one: one.settle()), between=each(lambda one: one.clear()),
                              rounds=bench.wide, patience=2)
    place.clear()
    unloaded.clear()
    return values


def wal_targets(of, cell, size, clients):
    """The targets of a cell."""
    less = {1: 0, 4: 1, 16: 2}[clients]
    asked = {10 * KB: [("ffu", "bytea", (1.0, 1.1, 1.1)), ("ffu", "careful application", (2.0, 2.0, 1.5))],
             32 * KB: [("ffu", "bytea", (1.0, 1.2, 1.5))],
             100 * KB: [("ffu", "ffu, not preloaded", (1.2, 1.2, 1.2))],
             MB: [("ffu", "ffu, not preloaded", (1.0, 1.0, 1.0)), ("ffu, all", "bytea", (1.0, 1.0, 1.0))]}[size]
    return [target(f"{of}: {ours} against {theirs}", ratios(cell[ours], cell[theirs], "more"), limits[less])
            for ours, theirs, limits in asked]


def wal_and_checkpoint(bench, place):
    """Small files until all of it is on the disk: the CHECKPOINT after them is in the time."""
    count = bench.files(2000)

    def one(label):
        seconds = wal_store(bench, place, label, size=10 * KB, clients=4, count=count // 4)["seconds"]
        return count / (seconds + timed_call(place.settle))
    values = bench.interleave({label: lambda label=label: one(label) for label in WAL}, before=place.settle,
                              between=place.clear, rounds=bench.wide, patience=2)
    place.clear()
    return (table("10 kB files with 4 clients, and the checkpoint after them", "files per second", "more",
                  [("10 kB, 4 clients", values)]),
            [target("10 kB and the checkpoint: ffu against bytea", ratios(values["ffu"], values["bytea"], "more"), 1.0)])


def checkpoint_beside(bench, place):
    """CHECKPOINT beside four clients that store."""
    def one(label):
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(wal_store, bench, place, label, size=10 * KB, clients=4,
                               **({"count": 2} if bench.smoke else {"count": 1000000, "limit": 1.2}))
            if not bench.smoke:
                time.sleep(0.6)         # what the load has left until then is the checkpoint's work
            took = 1000 * timed_call(lambda: place.sql("CHECKPOINT"))
            load.result()
        return took
    values = bench.interleave({label: lambda label=label: one(label) for label in WAL}, before=place.settle,
                              between=place.clear, rounds=bench.wide, patience=2)
    place.clear()
    return (table("CHECKPOINT beside four clients that store 10 kB", "milliseconds", "less", [("10 kB, 4 clients", values)]),
            [target(f"CHECKPOINT beside a load: {label} against off, milliseconds more",
                    [a - b for a, b in zip(values[label], values["ffu, off"])], 50, at_most=True, unit="ms")
             for label in ("ffu", "ffu, all")])


def redo(bench, place):
    """Files that crash recovery brings back a second, by what the server's log says of redo."""
    count = bench.files(4000)

    def one(label):
        wal_store(bench, place, label, size=10 * KB, clients=4, count=count // 4)
        place.server.kill()
        place.server.start()
        with open(place.server.log, encoding="utf-8") as file:
            took = re.findall(r"redo done at .* elapsed: ([0-9.]+) s", file.read())
        place.clear()
        return count / max(float(took[-1]), 0.01)
    values = bench.interleave({label: lambda label=label: one(label) for label in ("ffu", "ffu, all", "bytea")},
                              before=place.settle, rounds=bench.rounds, patience=2)
    return (table("Redo of files of 10 kB", "files per second", "more", [("10 kB", values)]),
            [target(f"redo: {label} against bytea", ratios(values[label], values["bytea"], "more"), 1.0)
             for label in ("ffu", "ffu, all")])
