"""Do the limits that ffu sets libmagic change what it says of a file?

    filetypes.py [--files N] [--results FILE]    (called by script/soak)

Asks libmagic about files of this machine twice, about the first bytes that ffu
looks at: with its own defaults, and with ffu's flags and ENCODING_BYTES. Both
numbers and the flags are read from the source.
"""

import argparse
import collections
import ctypes
import ctypes.util
import json
import os
import random
import re
import sys

import tap

MIME_TYPE, EXTENSION = 0x000010, 0x1000000
NO_CHECK_COMPRESS, NO_CHECK_ELF = 0x0001000, 0x0010000
PARAM_ENCODING_MAX = 7

PLACES = ('/usr', '/etc', '/opt', '/var/lib')
# So many of an extension in a directory tree as large as these: else headers and
# translations are all there is.
PER_EXTENSION = 60


def source_number(source, file, name):
    """A number that the source defines, such as 16384 or (1024 * 1024)."""
    with open(f'{source}/{file}') as f:
        found = re.search(rf'^#define {name}\s+\(?([0-9* ]+)\)?', f.read(), re.M)
    product = 1
    for factor in found.group(1).split('*'):
        product *= int(factor)
    return product


def open_magic(lib, encoding_bytes=None):
    """A function that tells the type and the extensions of bytes."""
    handle = lib.magic_open(0)
    if not handle or lib.magic_load(handle, None) != 0:
        sys.exit('the database of libmagic cannot be loaded')
    flags = 0
    if encoding_bytes is not None:
        flags = NO_CHECK_COMPRESS | NO_CHECK_ELF
        limit = ctypes.c_size_t(encoding_bytes)
        if lib.magic_setparam(handle, PARAM_ENCODING_MAX, ctypes.byref(limit)) != 0:
            sys.exit('libmagic has no limit for text')

    def ask(data):
        answers = []
        for what in (MIME_TYPE, EXTENSION):
            lib.magic_setflags(handle, flags | what)
            answers.append(lib.magic_buffer(handle, data, len(data)))
        return answers
    return ask


def load_library():
    lib = ctypes.CDLL(ctypes.util.find_library('magic') or 'libmagic.so.1')
    lib.magic_open.restype = ctypes.c_void_p
    lib.magic_open.argtypes = [ctypes.c_int]
    lib.magic_load.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    lib.magic_setflags.argtypes = [ctypes.c_void_p, ctypes.c_int]
    lib.magic_setparam.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
    lib.magic_buffer.restype = ctypes.c_char_p
    lib.magic_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    return lib


def machine_files(count):
    """Files of this machine, few of each extension, the same on each run."""
    by_extension = collections.defaultdict(list)
    for place in PLACES:
        for directory, _, names in os.walk(place):
            for name in names:
                path = f'{directory}/{name}'
                if os.path.isfile(path) and not os.path.islink(path) and os.access(path, os.R_OK):
                    by_extension[os.path.splitext(name)[1].lower()].append(path)
    chance = random.Random(1)
    chosen = []
    for extension in sorted(by_extension):
        paths = sorted(by_extension[extension])
        chosen += chance.sample(paths, min(PER_EXTENSION, len(paths)))
    return chance.sample(chosen, min(count, len(chosen)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--files', type=int, default=10000)
    parser.add_argument('--source', default=os.environ.get('FFU_SRC', 'src'))
    parser.add_argument('--results', default=os.devnull)
    args = parser.parse_args()
    look_at = source_number(args.source, 'base/ffu.h', 'FFU_MAGIC_BYTES')
    limit = source_number(args.source, 'text/mime.c', 'ENCODING_BYTES')
    lib = load_library()
    theirs, ours = open_magic(lib), open_magic(lib, limit)
    kinds, long_texts, count, wrong = set(), 0, 0, []
    for path in machine_files(args.files):
        with open(path, 'rb') as f:
            data = f.read(look_at)
        count += 1
        default = theirs(data)
        kinds.add(default[0])
        long_texts += len(data) > limit and default[0].startswith(b'text/')
        if ours(data) != default:
            wrong.append(f'{path}: {default}, with the limit {ours(data)}')
    tap.ok(not wrong, f'libmagic says the same with a limit of {limit} bytes for text', *wrong)
    tap.ok(len(kinds) > 50 and long_texts > 100, 'there were enough files of enough kinds')
    note = f'{count:,} files of {len(kinds)} types, {long_texts:,} of them texts longer than the limit; {len(wrong)} other answers'
    tap.note(note)
    with open(args.results, 'a') as f:
        f.write(json.dumps(dict(kind='types', passed=tap.passed, failed=tap.failed, note=note)) + '\n')
    tap.done()


if __name__ == '__main__':
    main()
