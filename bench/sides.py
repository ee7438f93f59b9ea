"""The sides that the benchmark compares, and what its questions share."""

import random
import time

KB, MB = 1000, 1000 * 1000

# Label: side of the client, table, further options.
STORE = {
    "ffu": ("ffu", "photos", {}),
    "ffu, one directory": ("ffu", "shared", {}),
    "ffu, text protocol": ("ffu_text", "photos", {}),
    "ffu, in pieces": ("ffu_pieces", "photos", {}),
    "ffu, by large object": ("ffu_lo", "photos", {}),
    "ffu, import": ("ffu_import", "photos", {}),
    "ffu, import by move": ("ffu_import", "photos", {"move": True}),
    "bytea": ("bytea", "in_rows", {}),
    "bytea, memory kept": ("bytea", "in_rows", {"keep": True}),
    "bytea, text protocol": ("bytea_text", "in_rows", {}),
    "lo_from_bytea": ("lo", "in_objects", {}),
    "lo_write": ("lo_write", "in_objects", {}),
    "careful application": ("careful", "beside", {"per_row": True}),
    "careful, one directory": ("careful", "beside", {}),
    "careless application": ("careless", "beside", {"per_row": True}),
    "bare C loop": ("bare", None, {}),
}

READ = {
    "ffu": ("ffu", "photos", {}),
    "ffu, stream": ("ffu_stream", "photos", {}),
    "bytea": ("bytea", "in_rows", {}),
    "bytea, memory kept": ("bytea", "in_rows", {"keep": True}),
    "lo_get": ("lo", "in_objects", {}),
    "lo_read": ("lo_read", "in_objects", {}),
    "pg_read_binary_file": ("server", "beside", {}),
    "file, by an application": ("file", "beside", {}),
}


def in_turn(sides, number):
    """The sides in the order of a round, which is another one in each round, but the same in each run."""
    return random.Random(number).sample(list(sides), len(sides))


def answer(tables, targets=(), notes=()):
    return {"tables": list(tables), "targets": list(targets), "notes": list(notes)}


def size_name(size):
    return f"{size // MB} MB" if size >= MB else f"{size // KB} kB"


def store(bench, place, label, **options):
    """One run of a storing side."""
    side, in_table, more = STORE[label]
    return bench.client("store", side, place, table=in_table, **{**more, **options})


def storing(bench, place, labels, scale, **options):
    """Functions for interleave: each stores, and returns scale(what the client said)."""
    return {label: lambda label=label: scale(store(bench, place, label, **options)) for label in labels}


def per_second(said):
    return said["operations"] / said["seconds"]


def verify_reading(bench, place, labels, size, count):
    """In a smoke test: every side reads back, byte by byte, what its table has."""
    if not bench.smoke:
        return
    for label in labels:
        side, in_table, more = READ[label]
        bench.client("read", side, place, table=in_table, size=size, count=count, rows=count, first=1, verify=True, **more)


def timed_call(function):
    start = time.monotonic()
    function()
    return time.monotonic() - start
