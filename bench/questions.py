"""The questions of the benchmark.

Each is a function whose first line of documentation is the question; it returns
tables, targets (DESIGN section 9) and notes.
"""

import glob
import hashlib
import os
import statistics
import subprocess
import time

import objects
from report import ratios, table, target
from server import Failed, run
from sides import KB, MB, READ, STORE, answer, in_turn, per_second, size_name, store, storing, timed_call, verify_reading
from wal import wal

def commit_cell(bench, place, labels, size, clients):
    values = bench.interleave(storing(bench, place, labels, per_second, size=size, clients=clients,
                                      **bench.while_(clients)),
                              before=place.settle, between=place.clear, rounds=bench.many,
                              patience=8 if clients > 4 else 4)
    rows = {"photos": "ffu", "in_rows": "bytea", "in_objects": "lo_get", "beside": "file, by an application"}
    verify_reading(bench, place, [label for in_table, label in rows.items()
                                  if in_table in {STORE[side][1] for side in labels}], size, 1)
    place.clear()
    return values


def commit(bench):
    """One file per transaction: how many a second?

    10 kB, 100 kB and 1 MB, with 1, 4 and 16 clients. ffu and the applications make a directory for each row, unless the label
    says that all files go into one. "memory kept" is a session in which something of 9 MB was handled before. The bare C loop
    has no database: create, write, fsync."""
    place = bench.place("one")
    labels = ["ffu", "bytea", "lo_from_bytea", "lo_write", "careful application", "careless application", "bare C loop"]
    groups = []
    for size in (10 * KB, 100 * KB, MB):
        for clients in (1, 4, 16):
            if bench.smoke and size > 10 * KB and (size, clients) != (MB, 1):
                continue
            more = ["ffu, one directory", "careful, one directory"] if size == 10 * KB and clients == 1 else []
            more += ["bytea, memory kept"] if size == MB and clients == 1 else []
            groups.append((f"{size_name(size)}, {clients} client{'s' if clients > 1 else ''}",
                           commit_cell(bench, place, labels + more, size, clients)))
    found = dict(groups)
    targets = []
    for clients in ("1 client", "4 clients", "16 clients"):
        cell = found[f"10 kB, {clients}"]
        targets.append(target(f"10 kB, {clients}: no slower than the careful application",
                              ratios(cell["ffu"], cell["careful application"], "more"), 1.0))
    cell = found["10 kB, 1 client"]
    targets.append(target("the same, 1 client, all files in one directory",
                          ratios(cell["ffu, one directory"], cell["careful, one directory"], "more"), 1.0))
    cell = found["1 MB, 1 client"]
    targets.append(target("1 MB: faster than bytea", ratios(cell["ffu"], cell["bytea"], "more"), 1.5))
    for side in ("lo_from_bytea", "lo_write"):
        targets.append(target(f"1 MB: faster than a large object ({side})", ratios(cell["ffu"], cell[side], "more"), 2.0))
    return answer([table("One file per transaction", "files per second", "more", groups)], targets)


def base(bench):
    """One 10 kB file per transaction on the machine's own file system

    As above, but not on a file system that we made. Where it has no journal, directories have to be synced as well, by
    ffu and by the careful application."""
    place = bench.place("base")
    if place is None:
        return answer([], [], ["skipped: everything is measured on the machine's own file system"])
    labels = ["ffu", "bytea", "careful application", "careless application", "ffu, one directory",
              "careful, one directory"]
    cell = commit_cell(bench, place, labels, 10 * KB, 1)
    return answer([table("One 10 kB file per transaction, own file system of the machine", "files per second", "more",
                         [("10 kB, 1 client", cell)])],
                  [target("10 kB, 1 client, machine's own file system: no slower than the careful application",
                          ratios(cell["ffu"], cell["careful application"], "more"), 1.0)])


def sustained(bench):
    """1 MB files until all of it is on the disk: how many a second?

    One client stores 100 of them, then comes the CHECKPOINT that PostgreSQL would come to later, and a sync. A transaction with a
    bytea waits for its WAL only; the table itself is written by the checkpoint."""
    place = bench.place("one")
    labels = ["ffu", "bytea", "lo_from_bytea", "lo_write", "careful application", "bare C loop"]
    count = bench.files(100)

    def measure(label):
        def one():
            seconds = store(bench, place, label, size=MB, count=count)["seconds"]
            return count / (seconds + timed_call(place.settle))
        return one
    values = bench.interleave({label: measure(label) for label in labels}, before=place.settle, between=place.clear,
                              rounds=bench.many, patience=8)
    place.clear()
    return answer([table("1 MB files and the checkpoint after them", "files per second", "more", [("1 MB, 1 client", values)])])


def where(bench):
    """Where does the time of one store go?

    By difference: *wire* is a SELECT with the bytes as a parameter; *hash* what SHA-256 adds to it; *staging* what an ffu.file()
    that is rolled back takes beyond both (file, type, write, removal); *row and WAL* what a committed row without a file takes;
    *fsync* what a whole store takes more than one with ffu.fsync = off; *publish* the rest of it (names, and the WAL that is
    flushed before). With several clients it is the time that each of them waits."""
    place = bench.place("one")
    names = ("wire", "hash", "staging", "row and WAL", "fsync", "publish")
    sides = {"wire": ("wire", "photos"), "hash": ("hash", "photos"), "staged": ("ffu_staged", "photos"),
             "row": ("row", "beside"), "unsynced": ("ffu", "photos"), "ffu": ("ffu", "photos")}
    unsynced = {"conninfo": place.conninfo() + " options='-c ffu.fsync=off'"}
    groups = []
    for size in (10 * KB, 100 * KB, MB):
        for clients in (1, 4, 16):
            if bench.smoke and clients == 16:
                continue

            def timed(name, size=size, clients=clients):
                side, in_table = sides[name]
                return lambda: clients * 1000 / per_second(bench.client(
                    "store", side, place, table=in_table, size=size, clients=clients,
                    **bench.while_(clients), **(unsynced if name == "unsynced" else {})))
            values = bench.interleave({name: timed(name) for name in sides}, before=place.settle, patience=2)
            parts = {name: [] for name in names}
            for wire, hashed, staged, row, unsynced_store, whole in zip(*(values[name] for name in sides)):
                known = [wire, max(hashed - wire, 0), max(staged - hashed, 0), row, max(whole - unsynced_store, 0)]
                for name, value in zip(names, (*known, max(whole - sum(known), 0))):
                    parts[name].append(value)
            groups.append((f"{size_name(size)}, {clients} client{'s' if clients > 1 else ''}", parts))
            place.clear()
    return answer([table("Where the time of one store goes", "milliseconds per file", "less", groups, "stacked", ours="")])


def protocol(bench):
    """Binary parameters or text, one parameter or pieces?

    A text-protocol client (psycopg2, anything that puts values into the statement) sends each byte as two hexadecimal
    digits, and the server parses them."""
    place = bench.place("one")
    labels = ["ffu", "ffu, text protocol", "ffu, in pieces", "bytea", "bytea, text protocol"]
    groups = []
    for size in (10 * KB, MB, bench.size(16 * MB)):
        groups.append((size_name(size), commit_cell(bench, place, labels, size, 1)))
    return answer([table("Binary and text protocol, one client", "files per second", "more", groups)])


def batch(bench):
    """1,000 files of 10 kB in one transaction, the folder on its own file system

    The bare C loop writes the files and calls syncfs once. The applications make each file durable (careful) or none
    (careless), and commit all rows together."""
    groups, targets = [], []
    labels = ["ffu", "ffu, one directory", "bytea", "lo_from_bytea", "lo_write", "careful application",
              "careless application", "bare C loop"]
    count = bench.files(1000)
    for name, title in (("own", "ext4"), ("xfs", "xfs")):
        place = bench.place(name)
        if place is None:
            continue
        values = bench.interleave(storing(bench, place, labels, lambda said: 1e6 / per_second(said), size=10 * KB,
                                          count=count, one=True), before=place.settle)
        groups.append((f"{count:,} files, {title}", values))
        place.clear()
    found = groups[0][1] if groups else None
    targets.append(target("1,000 files in one transaction: faster than the careful application",
                          found and ratios(found["ffu"], found["careful application"], "less"), 5.0))
    targets.append(target("1,000 files in one transaction: time of a bare C loop with one syncfs, one directory",
                          found and ratios(found["ffu, one directory"], found["bare C loop"], "more"), 1.5, at_most=True))
    notes = [] if groups else ["skipped: a folder on its own file system takes root and loop devices"]
    return answer([table("Many files in one transaction", "microseconds per file", "less", groups)] if groups else [],
                  targets, notes)


def memory_of(bench, place, count):
    """kB by which the backend grows while it stores count files in one transaction."""
    return store(bench, place, "ffu", size=100, count=count, one=True, rollback=True, memory=True)["memory_kb"]


def timed_sql(bench, place, *statements):
    return sum(bench.statements(place, *statements))


def transaction(bench):
    """10,000 files of 10 kB in one transaction: commit, rollback, deletion

    A deletion is timed until the rows are gone and committed (ffu: and the files are gone, by ffu.sweep(); large objects: 2,000
    in a transaction, since PostgreSQL as it comes has no locks for more). The bare C loop calls syncfs once."""
    place = bench.place("one")
    count = bench.files(10000)
    labels = ["ffu", "bytea", "lo_from_bytea", "lo_write", "careless application", "bare C loop"]
    stored = {label: [] for label in labels}
    undone = {label: [] for label in labels[:3]}
    deleted = {label: [] for label in undone}
    remove = {"ffu": ("DELETE FROM photos", "SELECT * FROM ffu.sweep()"), "bytea": ("DELETE FROM in_rows",),
              # Each large object takes a lock until the end of the transaction: 10,000 at once are refused.
              "lo_from_bytea": ("""DO $$ BEGIN LOOP
                  PERFORM lo_unlink(f) FROM (SELECT f FROM in_objects ORDER BY id LIMIT 2000) AS few;
                  EXIT WHEN NOT FOUND;
                  DELETE FROM in_objects WHERE id IN (SELECT id FROM in_objects ORDER BY id LIMIT 2000);
                  COMMIT;
              END LOOP; END $$""",)}
    for number in bench.each_round(patience=9):
        for label in in_turn(labels, number):
            place.settle()
            stored[label].append(1e6 / per_second(store(bench, place, label, size=10 * KB, count=count, one=True)))
        for label in in_turn(undone, number):
            place.settle()
            undone[label].append(1e6 / per_second(store(bench, place, label, size=10 * KB, count=count, one=True,
                                                        rollback=True)))
        for label in in_turn(deleted, number):
            place.settle()
            deleted[label].append(1e6 * timed_sql(bench, place, *remove[label]) / count)
        place.clear()
    growth = [memory_of(bench, place, count) / 1024 for _ in range(bench.rounds)]
    place.clear()
    return answer([table(f"{count:,} files of 10 kB in one transaction", "microseconds per file", "less",
                         [("store and commit", stored), ("store and roll back", undone), ("delete", deleted)])],
                  [target("10,000 uploads in one transaction: memory", growth, 8.0, at_most=True,
                          unit="MiB")])


def fill(place, in_table, count):
    """Fills a table with small files, in one transaction for each 20,000."""
    while count > 0:
        now = min(count, 20000)
        place.sql(f"INSERT INTO {in_table} (title, f) SELECT 'A note', ffu.file('note.bin', int8send(n))"
                  f" FROM generate_series(1, {now}) AS n")
        count -= now


def truncate(bench):
    """TRUNCATE of a table with 100,000 files: how long does its COMMIT take?

    Against COMMIT of a TRUNCATE of an empty table, and the writing of as many rows like those of ffu.deletion. The files go in
    the background, or by ffu.sweep(), which is the last row."""
    place = bench.place("one")
    count = bench.files(100000)
    place.sql("CREATE TABLE empty (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);"
              " SELECT ffu.add_column('empty', 'f', urls => false);"
              " CREATE TABLE deletions (LIKE ffu.deletion INCLUDING ALL)")
    values = {name: [] for name in ("TRUNCATE, full", "COMMIT, full", "TRUNCATE, empty", "COMMIT, empty",
                                    "writing the deletions", "ffu.sweep()")}
    for number in bench.each_round(patience=8):
        fill(place, "shared", count)
        for side, name in in_turn((("full", "shared"), ("empty", "empty")), number):
            place.settle()
            _, first, second, _ = bench.statements(place, "BEGIN", f"TRUNCATE {name}", "COMMIT", "SELECT 1")
            values[f"TRUNCATE, {side}"].append(first * 1000)
            values[f"COMMIT, {side}"].append(second * 1000)
        values["writing the deletions"].append(1000 * timed_sql(
            bench, place, "INSERT INTO deletions SELECT * FROM ffu.deletion"))
        values["ffu.sweep()"].append(1000 * timed_sql(bench, place, "SELECT * FROM ffu.sweep()"))
        place.sql("TRUNCATE deletions")
        place.clear()
    place.sql("DROP TABLE empty, deletions")
    whole = [a + b for a, b in zip(values["TRUNCATE, full"], values["COMMIT, full"])]
    least = [a + b + c for a, b, c in zip(values["TRUNCATE, empty"], values["COMMIT, empty"], values["writing the deletions"])]
    return answer([table(f"TRUNCATE of {count:,} files", "milliseconds", "less", [("one table", values)], ours="")],
                  [target("TRUNCATE and COMMIT: time of those of an empty table plus the writing of the deletions",
                          ratios(whole, least, "more"), 1.2, at_most=True)])


def import_source(bench, place, size, move=False):
    """A file on the server to be imported, with another to be moved; on the folder's file system.

    Beside them are the small ones that the client warms up with."""
    path = os.path.join(place.directory, f"{place.name}.source")
    if not os.path.exists(path) or os.path.getsize(path) != size:
        run([bench.client_program, "sample", path, f"size={size}", "kind=png"])
    run([bench.client_program, "sample", f"{path}.small", "size=1000", "kind=png"])
    if move:
        run(["cp", f"{path}.small", f"{path}.small.0"])
        run(["cp", path, f"{path}.1"])
    return path


def large_sides(bench, place, labels, size, scale, **options):
    """Functions for interleave that store one large file and take it away again."""
    def measure(label):
        def one():
            more = dict(options)
            if label.startswith("ffu, import"):
                more["source"] = import_source(bench, place, size, label.endswith("move"))
            place.settle()
            value = scale(store(bench, place, label, size=size, count=1, **more))
            place.clear()
            return value
        return one
    return {label: measure(label) for label in labels}


def checksum(path):
    """Seconds for reading a file that is in the cache and its SHA-256, by OpenSSL."""
    start = time.monotonic()
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(256 * 1024), b""):
            digest.update(piece)
    return time.monotonic() - start


def large(bench):
    """64 MB: as one parameter, in pieces of 1 MB, from the server

    An import by move takes the file as it is: "checksum alone" is an application that reads it for its SHA-256, no more."""
    place = bench.place("one")
    size = bench.size(64 * MB)
    labels = ["ffu", "bytea", "lo_from_bytea", "ffu, in pieces", "lo_write", "ffu, by large object", "ffu, import",
              "ffu, import by move", "careful application", "bare C loop"]
    sides = large_sides(bench, place, labels, size, lambda said: size / MB * per_second(said))
    sides["checksum alone"] = lambda: size / MB / checksum(import_source(bench, place, size))
    values = bench.interleave(sides, patience=5)
    groups = [("as one parameter", {side: values[side] for side in labels[:3]}),
              ("in pieces", {side: values[side] for side in labels[3:6]}),
              ("from the server, or beside it", {side: values[side] for side in [*labels[6:], "checksum alone"]})]
    return answer([table("64 MB", "MB per second", "more", groups)],
                  [target("64 MB as one parameter: faster than bytea", ratios(values["ffu"], values["bytea"], "more"), 1.0),
                   target("64 MB in pieces: faster than bytea", ratios(values["ffu, in pieces"], values["bytea"], "more"), 2.0),
                   target("64 MB in pieces: faster than the large-object API",
                          ratios(values["ffu, in pieces"], values["lo_write"], "more"), 2.0),
                   target("64 MB that are on the server, by move: time of the checksum alone",
                          ratios(values["checksum alone"], values["ffu, import by move"], "more"), 1.5, at_most=True)])


def huge(bench):
    """1 GiB in pieces, by large object, by import: speed, and memory of the backend"""
    place = bench.place("one")
    size = bench.size(1024 ** 3 if bench.kind == "full" else 256 * 1024 ** 2)
    labels = ["ffu, in pieces", "ffu, by large object", "ffu, import", "ffu, import by move", "lo_write", "bare C loop"]
    said = bench.interleave(large_sides(bench, place, labels, size, dict, memory=True), patience=30)
    os.unlink(import_source(bench, place, size))
    speed = {side: [size / MB / one["seconds"] for one in said[side]] for side in labels}
    growth = {side: [one["memory_kb"] / 1024 for one in said[side]] for side in labels if side != "bare C loop"}
    most = max(max(growth[side]) for side in growth if side.startswith("ffu"))
    title = f"{size / 1024 ** 2:,.0f} MiB"
    return answer([table(title, "MB per second", "more", [("", speed)], ours="ffu, in pieces"),
                   table(f"{title}: how much the backend grew", "MiB", "less", [("", growth)], ours="")],
                  [target("memory for pieces, large objects and imports, whatever the size", most, 8.0, at_most=True,
                          unit="MiB")])


def read(bench):
    """Reading a file back

    One client, binary results, everything in the cache. "file" is an application on the same machine that has the path from the row.
    "memory kept" is a session in which something of 9 MB was handled before: bench/README.md has the effect."""
    place = bench.place("one")
    groups = []
    targets = []
    for size, rows in ((10 * KB, 100), (100 * KB, 100), (MB, 50), (bench.size(16 * MB), 4), (bench.size(64 * MB), 2)):
        for label in ("ffu", "bytea", "lo_from_bytea", "careless application"):
            store(bench, place, label, size=size, count=rows)
        place.settle()

        def reading(label, size=size, rows=rows):
            side, in_table, more = READ[label]

            return lambda: size / MB * per_second(bench.client(
                "read", side, place, table=in_table, size=size, rows=rows, first=1, verify=bench.smoke, **more,
                **bench.while_()))
        values = bench.interleave({label: reading(label) for label in READ}, rounds=bench.many, patience=5)
        groups.append((size_name(size), values))
        targets.append(target(f"reading {size_name(size)}: faster than bytea", ratios(values["ffu"], values["bytea"], "more"),
                              1.0))
        place.clear()
    return answer([table("Reading back", "MB per second", "more", groups, "lines")], targets)


def url(bench):
    """ffu.url over 1,000,000 rows"""
    place = bench.place("one")
    count = bench.files(1000000)
    place.sql(f"CREATE TABLE paths AS SELECT 'photos/' || n || '/f-7k2vh5c2zq4tq5c3jx6w2l4a5b.png' AS path"
              f" FROM generate_series(1, {count}) AS n", "VACUUM paths")
    # One process, so that it is the function that is compared.
    sides = {"ffu.url(path)": "SELECT count(ffu.url(path)) FROM paths",
             "'prefix' || path": "SELECT count('/files/' || path) FROM paths"}
    values = bench.interleave({label: lambda sql=sql: 1000 * bench.statements(
        place, "SET max_parallel_workers_per_gather = 0", sql)[1] for label, sql in sides.items()}, rounds=bench.many)
    place.sql("DROP TABLE paths")
    return answer([table(f"URLs of {count:,} rows", "milliseconds", "less", [("", values)], ours="ffu.url(path)")],
                  [target("ffu.url: time of 'prefix' || path", ratios(values["ffu.url(path)"], values["'prefix' || path"],
                                                                        "less"), 1.3, at_most=True)])


def bucket_sides(bench, place, size, count, source, commits):
    """Functions that store in the bucket; each returns milliseconds per file, and adds those of ffu's COMMIT to commits.

    count is how many files a transaction has: one, and as many transactions as there is time for; or more, once."""
    way = "ffu, in pieces" if size > 16 * MB else "ffu"
    connections = objects.CONNECTIONS
    if count == 1:
        how, boto = {"count": 1} if size > 16 * MB else bench.while_(), {}
        bare, threads = "put_row", 1
    else:
        how, boto = {"count": count, "one": True, "warm": True}, {"connections": connections}
        bare, threads = "put", connections

    def stored(said):
        return 1000 / per_second(said)

    def asked():
        return {"url": place.store.url, "keys": place.store.keys}
    bare_how = how if count == 1 else {"count": max(count // threads, 1)}
    def store_all():
        said = store(bench, place, way, size=size, **how)
        commits.append(1000 * said["committing"] / said["operations"])
        return stored(said)
    return {
        "ffu": store_all,
        "bare PUT and a row" if count == 1 else f"bare C loop, {threads} connections": lambda: stored(bench.client(
            "put", bare, place, table="beside", size=size, clients=threads, **bare_how, **asked())),
        "boto3, then the row": lambda: stored(bench.boto("put_row", place, source=source, **how, **boto, **asked())),
        "the row, then boto3": lambda: stored(bench.boto("row_put", place, source=source, **how, **boto, **asked())),
    }


def bucket_cell(bench, place, size, count, patience=2):
    source = os.path.join(place.directory, "object")
    run([bench.client_program, "sample", source, f"size={size}", "kind=png"])
    crowded = count * size > 100 * MB

    def before():
        place.settle()
        if crowded:
            place.clear()
    commits = []
    values = bench.interleave(bucket_sides(bench, place, size, count, source, commits), before=before, patience=patience)
    if count > 1:
        values["ffu, COMMIT alone"] = commits
    if bench.smoke and size <= MB:
        bench.client("read", "ffu", place, table="photos", size=size, count=count, rows=count, first=1, verify=True)
    place.clear()
    os.unlink(source)
    return values


def bucket_rollback(bench, place, count):
    """Microseconds per file of a transaction that is rolled back, with columns of both kinds."""
    return bench.interleave({name: lambda in_table=in_table: 1e6 / per_second(bench.client(
        "store", "ffu", place, table=in_table, size=10 * KB, count=count, one=True, rollback=True, warm=True))
        for name, in_table in (("ffu", "photos"), ("ffu, in the folder", "shared"))},
        before=place.settle, rounds=bench.many)


def bucket_urls(bench, place):
    """Microseconds of a signed URL."""
    count = bench.files(500000)
    place.sql(f"CREATE TABLE paths AS SELECT 'photos/' || n || '/f-7k2vh5c2zq4tq5c3jx6w2l4a5b.png' AS path"
              f" FROM generate_series(1, {count}) AS n", "VACUUM paths")
    sides = {"ffu": "SELECT count(ffu.bucket_url(path, '10 minutes')) FROM paths",
             "ffu, with a file name": "SELECT count(ffu.bucket_url(path, '10 minutes', 'photo.png')) FROM paths"}
    values = bench.interleave({label: lambda sql=sql: 1e6 / count * bench.statements(
        place, "SET max_parallel_workers_per_gather = 0", sql)[1] for label, sql in sides.items()})
    place.sql("DROP TABLE paths")
    return values


def bucket(bench):
    """Files in a bucket of an object store, against boto3 and a row

    The store is Ceph's gateway on this machine, with all objects in memory: its work takes most of the processor time. All send over
    connections that are open. *bare PUT and a row* is C with libcurl; *boto3, then the row* an application that takes care; *the
    row, then boto3* Active Storage's order, which sends many files one after the other. With many files in a transaction the bare C
    loop has no rows; ffu and boto3 use as many connections as the loop. 1,000 files of 64 MB do not fit into memory: it is 8."""
    why = objects.missing()
    if why:
        return answer([], [], [f"skipped: {why}"])
    place = bench.place("bucket")
    single, many, targets = [], [], []
    for size in (10 * KB, MB, bench.size(64 * MB)):
        values = bucket_cell(bench, place, size, 1)
        single.append((size_name(size), values))
        targets.append(target(f"{size_name(size)} into a bucket: time of a bare PUT and a row",
                              ratios(values["ffu"], values["bare PUT and a row"], "more"), 1.3, at_most=True))
    for size, count in ((10 * KB, bench.files(1000)), (MB, bench.files(1000)), (bench.size(64 * MB), 8)):
        count = min(count, 8) if bench.smoke else count
        values = bucket_cell(bench, place, size, count)
        many.append((f"{count:,} files of {size_name(size)}", values))
        loop = next(side for side in values if side.startswith("bare"))
        targets.append(target(f"{count:,} files of {size_name(size)} into a bucket: time of a bare C loop with as many connections",
                              ratios(values["ffu"], values[loop], "more"), 1.2, at_most=True))
    undone = bucket_rollback(bench, place, bench.files(1000))
    urls = bucket_urls(bench, place)
    return answer([table("One file per transaction, in a bucket", "milliseconds", "less", single),
                   table("Many files in one transaction, in a bucket", "milliseconds per file", "less", many),
                   table("Rollback", "microseconds per file", "less", [("10 kB", undone)]),
                   table("Signed URLs", "microseconds", "less", [("", urls)])],
                  [*targets,
                   target("rollback of files for a bucket: time of one in a folder",
                          ratios(undone["ffu"], undone["ffu, in the folder"], "more"), 1.1, at_most=True),
                   target("ffu.bucket_url", urls["ffu"], 4.0, at_most=True, unit="µs")])


def update(bench):
    """An UPDATE that does not touch the file, against the same table without ffu"""
    place = bench.place("one")
    count = bench.files(20000)
    fill(place, "shared", count)
    place.sql("CREATE TABLE plain AS SELECT * FROM shared; ALTER TABLE plain ADD PRIMARY KEY (id)")
    one, bulk = {}, {}
    rows = max(int(1500 * bench.speed), 2)
    sides = {"ffu": "shared", "plain table": "plain"}
    place.sql("VACUUM ANALYZE shared, plain")
    one = bench.interleave({label: lambda name=name: 1e6 / rows * bench.statements(
        place, f"UPDATE {name} SET title = 'Another ' || $1 WHERE id = $1::text::bigint", count=rows)[0]
        for label, name in sides.items()}, before=place.settle, rounds=bench.many, patience=3)
    bulk = bench.interleave({label: lambda name=name: 1e6 / count * bench.statements(
        place, f"UPDATE {name} SET title = 'Yet another'", f"VACUUM {name}")[0]
        for label, name in sides.items()}, before=place.settle)
    place.sql("DROP TABLE plain")
    place.clear()
    return answer([table("UPDATE of another column", "microseconds per row", "less",
                         [("one row per transaction", one), ("all rows at once", bulk)])],
                  [target("UPDATE of one row: time of that without ffu", ratios(one["ffu"], one["plain table"], "more"), 1.05,
                          at_most=True),
                   target("UPDATE of all rows: time of that without ffu", ratios(bulk["ffu"], bulk["plain table"], "more"), 1.7,
                          at_most=True)])


def magic(bench):
    """What does it cost to find out a file's type?

    libmagic alone, with its database loaded for each file or once; and the whole of ffu.file() in a transaction that is rolled back.
    Then the first store of a new connection, with and without ffu in shared_preload_libraries."""
    place = bench.place("one")
    kinds = {"PNG": "png", "text": "text", "unknown bytes": "none"}
    groups = []
    sample = os.path.join(place.directory, "sample")
    for name, kind in kinds.items():
        run([bench.client_program, "sample", sample, f"kind={kind}", "size=10000"])

        def alone(how, count):
            return lambda: 1e6 / count * float(run([bench.magic_program, how, str(count), "1048576", sample])
                                               .split()[0].split("=")[1])
        count = max(int(400 * bench.speed), 2)
        sides = {"libmagic, loaded each time": alone("each", max(int(15 * bench.speed), 1)), "libmagic, loaded once": alone("once", count),
                 "ffu": lambda: 1e6 / per_second(store(bench, place, "ffu", size=10 * KB, count=count, one=True, rollback=True,
                                                       kind=kind))}
        groups.append((f"10 kB, {name}", bench.interleave(sides)))
    os.unlink(sample)
    return answer([table("Finding out a file's type", "microseconds per file", "less", groups),
                   table("First store of a new connection", "milliseconds", "less", first_store(bench), ours="ffu, preloaded")])


def first_store(bench):
    """The first and the second store of a connection, with ffu preloaded and not."""
    groups = []
    for name, sent in (("PNG", r"ffu.file('a.png', '\x89504e470d0a1a0a0000000d4948445200000280000001e00802000000bab34bb3')"),
                       ("text", "ffu.file('a.txt', convert_to(repeat(E'Some words in a line.\\n', 400), 'UTF8'))")):
        sides = {}
        for number in (1, 2):
            for label, place in (("ffu, preloaded", bench.place("preload")), ("ffu, not preloaded", bench.place("one"))):
                # A connection that has touched a table and its triggers' catalogs, but no file.
                sides[f"{label}{', second' if number == 2 else ''}"] = lambda place=place, number=number: 1000 * bench.statements(
                    place, "SELECT count(*) FROM photos", *[f"INSERT INTO photos (title, f) VALUES ('x', {sent})"] * number)[number]
        groups.append((name, bench.interleave(sides, rounds=bench.rounds * 2)))
    for name in ("one", "preload"):
        bench.place(name).clear()
    return groups


def check(bench):
    """ffu.check over 100,000 files, against find

    find only lists the names; ffu.check compares names, sizes and rows."""
    place = bench.place("one")
    count = bench.files(100000)
    fill(place, "shared", count)
    place.settle()
    values = bench.interleave({
        "ffu.check": lambda: 1000 * timed_sql(bench, place, "SELECT * FROM ffu.check()"),
        "find -size": lambda: 1000 * timed_run(["find", place.folder, "-type", "f", "-size", "-100M", "-fprint", "/dev/null"]),
        "find": lambda: 1000 * timed_run(["find", place.folder, "-type", "f", "-fprint", "/dev/null"])})
    found = int(place.sql("SELECT count(*) FROM ffu.check()"))
    if found:
        raise Failed(f"ffu.check found {found} problems")
    place.clear()
    return answer([table(f"Looking through {count:,} files", "milliseconds", "less", [("", values)], ours="ffu.check")])


def timed_run(args):
    start = time.monotonic()
    run(args)
    return time.monotonic() - start


def restart(bench):
    """A server that is killed with files in flight: how long until all is well?

    Start of the server until it answers, and ffu.sweep() until nothing is left; beside the files in flight there are as many others."""
    place = bench.place("crash")
    few = bench.files(1000)
    fill(place, "shared", few * 10)
    place.settle()
    sides = {f"{count:,} in flight": count for count in (0, few, few * 10)}
    said = bench.interleave({side: lambda count=count: crash(bench, place, count) for side, count in sides.items()},
                            patience=3)
    starting = {side: [one[0] * 1000 for one in said[side]] for side in sides}
    sweeping = {side: [one[1] * 1000 for one in said[side]] for side in sides}
    place.server.stop()
    names = list(sides)
    per_file = [[(b - a) / sides[name] for a, b in zip(sweeping[names[0]], sweeping[name])] for name in names[1:]]
    return answer([table("After kill -9", "milliseconds", "less", [("start", starting), ("sweep", sweeping)], ours="")],
                  [target("recovery: time per file with 10 times as many in flight", ratios(per_file[1], per_file[0], "more"), 1.5,
                          at_most=True)])


def crash(bench, place, count):
    """Kills the server while a transaction has count files; seconds of the start and of the sweep."""
    with subprocess.Popen([bench.client_program, "sql", "conninfo=" + place.conninfo(), "BEGIN",
                           "INSERT INTO photos (title, f) SELECT 'x', ffu.file('a.bin', int8send(n))"
                           f" FROM generate_series(1, {count}) AS n", "SELECT pg_sleep(600)"],
                          stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as session:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'"
        while place.sql(waiting) == "0":
            if session.poll() is not None:
                raise Failed("the transaction to be killed has failed")
            time.sleep(0.02)
        place.server.kill()
        session.wait()
    start = timed_call(place.server.start)
    swept = timed_sql(bench, place, "SELECT * FROM ffu.sweep()")
    left = len(glob.glob(os.path.join(place.folder, ".ffu", "staging", "*", "*")))
    if left:
        raise Failed(f"{left} staging names are left after a crash")
    return start, swept


def add_linked(bench, place, first, count):
    """Adds rows first ... and their files to the table "many": names by link(2), rows by COPY without triggers."""
    rows = os.path.join(place.directory, "rows")
    while count > 0:
        now = min(count, 1000000)
        run([bench.client_program, "links", place.folder, f"source={rows}", f"first={first}", f"count={now}"])
        place.sql("SET session_replication_role = replica",
                  "COPY many (id, f, f__file_name, f__mime_type, f__ext, f__size, f__sha256)"
                  f" FROM '{rows}' (FORMAT csv)")
        first, count = first + now, count - now
    os.unlink(rows)
    place.sql("VACUUM ANALYZE many")


def millions(bench):
    """10 million files under one table: does each still cost the same?

    The files are names of small files, made by link(2), and their rows come by COPY without triggers. Then 10 kB files are stored,
    random ones read (by ffu.content; and as a web server does it, the row's path and then the file itself) and deleted, each in a
    transaction of its own, and ffu.check looks at all. A row without a file goes into another table, which stays small: it tells
    how the disk is at the time."""
    place = bench.place("one")
    place.sql("CREATE TABLE many (id bigint GENERATED ALWAYS AS IDENTITY (START WITH 1000000000) PRIMARY KEY, title text);"
              " SELECT ffu.add_column('many', 'f', allowed_extensions => '{*}',"
              " path_template => '{table}/{token:2}/{column}-{token}{ext}')")
    levels = {"full": (10_000, 100_000, 1_000_000, 10_000_000), "quick": (1_000, 10_000, 100_000),
              "smoke": (20, 40)}[bench.kind]
    groups, have = [], 0
    for level in levels:
        add_linked(bench, place, have + 1, level - have)
        have = level
        place.settle()
        groups.append((f"{level:,}", at_level(bench, place, level)))
    place.server.stop("immediate")
    del bench.places["one"], bench.servers["main"]
    first, last = groups[0][1], groups[-1][1]
    return answer([table("Cost of one file by the number of files", "microseconds", "less", groups, "lines")],
                  [target(f"{name}: time with {levels[-1]:,} files, against {levels[0]:,}",
                          # The levels had their rounds at different times: no pairs.
                          statistics.median(last[name]) / statistics.median(first[name]), 1.5, at_most=True)
                   for name in first if name not in ("read, the file itself", "a row without a file")])


def at_level(bench, place, level):
    """The costs with so many files in the table, in microseconds."""
    count = max(min(int(300 * max(bench.speed, 0.01)), level // 10), 2)
    deleted = iter(range(1, 100))

    def delete():
        first = next(deleted) * count
        return 1e6 / count * bench.statements(
            place, f"DELETE FROM many WHERE id = (SELECT min(id) FROM many WHERE id > {first} + $1::text::bigint)",
            count=count)[0]
    values = bench.interleave({
        "store": lambda: 1e6 / per_second(bench.client("store", "ffu", place, table="many", size=10 * KB, count=count)),
        "read": lambda: 1e6 / per_second(bench.client("read", "ffu", place, table="many", size=100, count=count * 3,
                                                      stride=7919, rows=level // 2, first=level // 2)),
        "read, the file itself": lambda: 1e6 / per_second(bench.client(
            "read", "ffu_path", place, table="many", dir=place.folder, size=100, count=count * 3,
            stride=7907, rows=level // 2, first=level // 2)),
        "delete": delete,
        "a row without a file": lambda: 1e6 / per_second(bench.client("store", "row", place, table="beside", count=count))})
    place.sql("SELECT * FROM ffu.sweep()")
    values["check, per file"] = [1e6 / level * timed_sql(bench, place, "SELECT * FROM ffu.check()")
                                 for _ in range(bench.rounds)]
    return values


ALL = (commit, wal, base, sustained, where, protocol, batch, transaction, truncate, large, huge, read, bucket, url, update, magic,
       check, restart, millions)
