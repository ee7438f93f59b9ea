"""Do the limits that ffu sets libmagic change what it says of a file?

    filetypes.py [--files N] [--results FILE]    (called by script/soak)

Asks libmagic about files of this machine twice, about the first bytes that ffu
looks at: with its own defaults, and with ffu's flags, ENCODING_BYTES, and REGEX_BYTES
by the number of lines. The numbers are read from the source. The same for inputs that
cost libmagic most: a megabyte of each byte, and of short patterns.
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
PARAM_REGEX_MAX, PARAM_ENCODING_MAX = 5, 7

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


def set_limit(lib, handle, parameter, value):
    limit = ctypes.c_size_t(value)
    if lib.magic_setparam(handle, parameter, ctypes.byref(limit)) != 0:
        sys.exit('libmagic has no such limit')


def open_magic(lib, limits=None):
    """A function that tells the type and the extensions of bytes."""
    handle = lib.magic_open(0)
    if not handle or lib.magic_load(handle, None) != 0:
        sys.exit('the database of libmagic cannot be loaded')
    flags = 0
    if limits is not None:
        flags = NO_CHECK_COMPRESS | NO_CHECK_ELF
        set_limit(lib, handle, PARAM_ENCODING_MAX, limits['ENCODING_BYTES'])

    def ask(data):
        answers = []
        if limits is not None:
            set_limit(lib, handle, PARAM_REGEX_MAX, limits['REGEX_BYTES_DENSE' if is_dense(data, limits) else 'REGEX_BYTES'])
        for what in (MIME_TYPE, EXTENSION):
            lib.magic_setflags(handle, flags | what)
            answers.append(lib.magic_buffer(handle, data, len(data)))
        return answers
    return ask


def is_dense(data, limits):
    return data[:limits['ENCODING_BYTES']].count(b'\n') > limits['DENSE_LINES']


def worst_inputs(size):
    """What makes libmagic work hard: long runs of one byte or of a short pattern."""
    patterns = [bytes([byte]) for byte in range(256)]
    patterns += [(a + b).encode() for a in '<{[(%#"=\n' for b in '!?-/ \n\tax*']
    patterns += [b'<!--', b'GIF8', b'<?xml', b'{"a":', b'class a{\n', b'a=\n', b'\n\n\n\n ', b'\r\n\n\n', b'#include \n', b'a,b\n', b'PK\3\4', b'<a><b>', b'\0\n']
    for pattern in patterns:
        yield repr(pattern), (pattern * (size // len(pattern) + 1))[:size]
    yield 'brackets', b'[' * (size // 2) + b']' * (size // 2)


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
    names = ('ENCODING_BYTES', 'REGEX_BYTES', 'REGEX_BYTES_DENSE', 'DENSE_LINES')
    limits = {name: source_number(args.source, 'text/mime.c', name) for name in names}
    limit = limits['ENCODING_BYTES']
    lib = load_library()
    theirs, ours = open_magic(lib), open_magic(lib, limits)
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
    worst = [f'{name}: {theirs(data)}, with the limits {ours(data)}' for name, data in worst_inputs(look_at) if theirs(data) != ours(data)]
    tap.ok(not worst, 'and of what costs it most', *worst)
    tap.ok(len(kinds) > 50 and long_texts > 100, 'there were enough files of enough kinds')
    note = f'{count:,} files of {len(kinds)} types, {long_texts:,} of them texts longer than the limit; {len(wrong)} other answers'
    tap.note(note)
    with open(args.results, 'a') as f:
        f.write(json.dumps(dict(kind='types', passed=tap.passed, failed=tap.failed, note=note)) + '\n')
    tap.done()


if __name__ == '__main__':
    main()
