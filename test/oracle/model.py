"""The oracle: what the directory must be, from the rows alone.

It shares no code with the extension and asks it nothing: beside each file
column the test keeps, in a column of its own, the SHA-256 of the bytes it sent
for it. From these rows follows all that may be on the disk.

  * the set of files is the set of the values of all file columns
  * each has the bytes the test sent
  * staging is empty, and so is ffu.deletion, after a sweep with no snapshots
  * there is nothing else under the root, empty directories neither
"""

import hashlib
import os
import re
import time

PATIENCE = 20

# What tests say of a file or a row that is not as it has to be
VERDICT = re.compile(r'\b(LOST (FILE|COMMIT|PREPARED)|WRONG BYTES|ORPHAN (FILE|OBJECT)|EMPTY DIRECTORY|STAGED FILE)\b|'
                     r'companions say|has the path of|was sent$|while its row is seen|was not to commit and did|'
                     r'folder has changed|unknown \.ffu/')


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def file_sha256(path):
    with open(path, 'rb') as f:
        return sha256(f.read())


def walk(root, below=''):
    """Files and empty directories below root/below, as paths below root."""
    files, empty = set(), set()
    for directory, names, others in os.walk(os.path.join(root, below) if below else root):
        if directory == root and '.ffu' in names:
            names.remove('.ffu')
        name = os.path.relpath(directory, root)
        files.update(os.path.normpath(os.path.join(name, other)) for other in others)
        if not names and not others and directory != root:
            empty.add(name)
    return files, empty


def is_verdict(text):
    """Is it about a file or a row? A session that hangs, or an error of the server, is wrong as well, but
    shows no fault that was built into ffu."""
    return VERDICT.search(text) is not None


def worst(wrong, count=12):
    """The first of what is wrong, verdicts before the rest."""
    return sorted(wrong, key=lambda text: not is_verdict(text))[:count]


class Column:
    """A file column, and the column beside it with the SHA-256 that was sent."""

    def __init__(self, table, column, want=None, key='id'):
        self.table, self.column, self.key = table, column, key
        self.want = want or 'want_' + column

    def select(self):
        c = self.column
        return (f"SELECT '{self.table}', {self.key}::text, '{c}', {self.want}, {c}::text, "
                f"{c}__size, {c}__sha256, {c}__file_name FROM {self.table}")


def existing(cursor, columns):
    """Those columns that there are: what was dropped has no rows."""
    cursor.execute("SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                   "WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND c.relname = ANY (%s)",
                   (list({c.table for c in columns}),))
    there = set(cursor.fetchall())
    return [c for c in columns if (c.table, c.column) in there]


def read_rows(cursor, columns):
    columns = existing(cursor, columns)
    if not columns:
        return []
    cursor.execute(' UNION ALL '.join(c.select() for c in columns))
    return cursor.fetchall()


def sweep(cursor, place=None):
    """Sweeps until nothing is left to do. Returns what is wrong.

    A deletion may have to wait for a snapshot, or be in the hands of another
    session or of the background worker; hence the patience.
    """
    end = time.time() + PATIENCE
    while True:
        cursor.execute('SELECT finished, undone, deleted, waiting, open, unclear, failed FROM ffu.sweep()')
        did = cursor.fetchone()
        cursor.execute('SELECT count(*), min(path) FROM ffu.deletion')
        count, path = cursor.fetchone()
        if did == (0, 0, 0, 0, 0, 0, 0) and count == 0:
            return []
        if place:
            place.sweep(cursor)
        if time.time() > end:
            return [f'the sweep comes to no end: finished, undone, deleted, waiting, open, unclear, failed {did}; '
                    f'{count} deletions such as {path}']
        time.sleep(0.01)


def judge(where, path, want, digest, size, found, found_size):
    """What is wrong with one copy of a file."""
    wrong = []
    if found != want:
        wrong.append((path, f'{where}: WRONG BYTES in {path}: {found} instead of {want}'))
    if digest != want or (found_size is not None and size != found_size):
        wrong.append((path, f'{where}: companions say {digest}, {size}'))
    return wrong


def compare(rows, root, hashes=None, place=None):
    """What is wrong with the directory, each with the path it is about (or '').

    hashes is a memory for the digests of files that a later call sees again;
    files never change, which is checked by inode, size and time. With a place
    that has a bucket, a file is in the folder, in the bucket or in both.
    """
    wrong, owners = [], {}
    objects = place.objects() if place else {}
    for table, key, column, want, path, size, digest, _ in rows:
        where = f'{table} {key} {column}'
        if (want is None) != (path is None):
            wrong.append((path or f'{table}/', f'{where}: path {path}, but {want} was sent'))
        if path is None:
            continue
        if path in owners:
            wrong.append((path, f'{where}: has the path of {owners[path]}'))
        owners[path] = where
        full = os.path.join(root, path)
        try:
            st = os.lstat(full)
            state = (st.st_ino, st.st_size, st.st_mtime_ns, path)
            if hashes is not None and state in hashes:
                found = hashes[state]
            else:
                found = file_sha256(full)
                if hashes is not None:
                    hashes[state] = found
            wrong += judge(where, path, want, digest, size, found, st.st_size)
        except OSError as e:
            if path not in objects:
                wrong.append((path, f'{where}: LOST FILE {path}: {e.strerror}'))
        if path in objects:
            tag = objects[path]
            if tag not in place.hashes:
                place.hashes[tag] = place.get(path)
            wrong += judge(where, path, want, digest, size, place.hashes[tag], None)
    wrong += [(key, f'ORPHAN OBJECT {key}') for key in sorted(objects.keys() - owners.keys())]
    files, empty = walk(root)
    wrong += [(f, f'ORPHAN FILE {f}') for f in sorted(files - owners.keys())]
    # A directory in use by others while it was to be removed may stay.
    wrong += [(d + '/', f'EMPTY DIRECTORY {d}') for d in sorted(empty)]
    staged_in = os.path.join(root, '.ffu/staging')
    # Directories, or else what does not belong there
    staging = sorted(name for part in os.listdir(staged_in)
                     for name in ([part] if not os.path.isdir(os.path.join(staged_in, part))
                                  else os.listdir(os.path.join(staged_in, part))))
    wrong += [(s.partition(':')[2].replace(':', '/'), f'STAGED FILE {s}') for s in staging]
    rest = set(os.listdir(os.path.join(root, '.ffu'))) - {'owner', 'staging'}
    rest -= {name for name in ('kept', 'uploads')
             if name in rest and not os.listdir(os.path.join(root, '.ffu', name))}
    wrong += [('', f'unknown .ffu/{name}') for name in sorted(rest)]
    return wrong
