"""Random transactions of concurrent sessions on shared rows.

Every transaction of worker w with number n also inserts the row (w, n) into the
table log: what the client was told can then be held against what is there.
Beside every file column stands the SHA-256 of what was sent for it, written by
the same statement; so whatever the interleaving, the rows say what the
directory must be.
"""

import base64
import random
import threading
import time

import psycopg2

import model

TABLES = [('authors', ['photo']), ('blogs', ['video', 'thumb']), ('notes', ['file'])]
COLUMNS = [model.Column(t, c) for t, columns in TABLES for c in columns]
AUTHORS, BLOGS, NOTES = 12, 30, 10

SETUP = """
    CREATE TABLE authors (id int PRIMARY KEY, want_photo text);
    SELECT ffu.add_column('authors', 'photo');
    CREATE TABLE blogs (id int PRIMARY KEY, author int REFERENCES authors ON DELETE CASCADE,
        want_video text, want_thumb text, n int DEFAULT 0);
    SELECT ffu.add_column('blogs', 'video'), ffu.add_column('blogs', 'thumb');
    CREATE TABLE notes (id int, want_file text, part int) PARTITION BY LIST (part);
    CREATE TABLE notes1 PARTITION OF notes DEFAULT;
    CREATE TABLE notes2 PARTITION OF notes FOR VALUES IN (2);
    SELECT ffu.add_column('notes', 'file');
    CREATE TABLE log (worker int, n int, fxid text, PRIMARY KEY (worker, n))
"""


class Worker(threading.Thread):
    """One session after another, until told to stop.

    acknowledged: {n: time} of transactions whose commit the client was told of
    denied: those the client was told did not commit
    """

    def __init__(self, server, number, seed, counter, size=200):
        super().__init__(daemon=True)
        self.server, self.number = server, number
        self.random = random.Random(f'{seed}/{number}')
        self.seed, self.size = seed, size
        self.n = counter
        self.contents = 0
        self.conn = None
        self.pid = None
        self.stopping = threading.Event()
        self.acknowledged, self.denied, self.prepared = {}, set(), {}
        self.lost = set()           # nothing is known of these
        self.rolled_back_prepared = set()
        self.counts = {}
        self.unexpected = []

    # contents and statements

    def content(self):
        self.contents += 1
        head = f'{self.seed}/{self.number}/{self.n}/{self.contents} '.encode()
        size = self.random.choice([0, 0, self.size, self.size * 50])
        return head + b'x' * size

    def value(self):
        """An upload as SQL, and its SHA-256."""
        content = self.content()
        if self.random.random() < 0.2:
            sql = "'data:text/plain;base64," + base64.b64encode(content).decode() + "'"
        else:
            name = self.random.choice(['same.txt', 'other.md', f'{self.contents}.txt'])
            sql = f"ffu.file('{name}', '\\x{content.hex()}'::bytea)"
        return sql, f"'{model.sha256(content)}'"

    def author(self):
        return self.random.randint(1, AUTHORS)

    def blog(self):
        return self.random.randint(1, BLOGS)

    def do_insert_author(self):
        sql, want = self.value()
        return (f"INSERT INTO authors (id, photo, want_photo) VALUES ({self.author()}, {sql}, {want}) "
                "ON CONFLICT (id) DO UPDATE SET photo = EXCLUDED.photo, want_photo = EXCLUDED.want_photo")

    def do_insert_blog(self):
        (video, want_video), (thumb, want_thumb) = self.value(), self.value()
        return (f"INSERT INTO blogs (id, author, video, want_video, thumb, want_thumb) SELECT {self.blog()}, id, "
                f"{video}, {want_video}, {thumb}, {want_thumb} FROM authors WHERE id = {self.author()} "
                "ON CONFLICT (id) DO NOTHING")

    def do_replace(self):
        column = self.random.choice(['video', 'thumb'])
        sql, want = self.value()
        return f"UPDATE blogs SET {column} = {sql}, want_{column} = {want} WHERE id = {self.blog()}"

    def do_replace_photo(self):
        sql, want = self.value()
        return f"UPDATE authors SET photo = {sql}, want_photo = {want} WHERE id = {self.author()}"

    def do_null(self):
        return f"UPDATE blogs SET thumb = NULL, want_thumb = NULL WHERE id = {self.blog()}"

    def do_touch(self):
        return f"UPDATE blogs SET n = n + 1 WHERE id BETWEEN {self.blog()} AND {self.blog()}"

    def do_copy(self):
        return (f"UPDATE blogs b SET thumb = o.video, want_thumb = o.want_video FROM blogs o "
                f"WHERE b.id = {self.blog()} AND o.id = {self.blog()} AND o.video IS NOT NULL AND o.id <> b.id")

    def do_copy_photo(self):
        return (f"INSERT INTO notes (id, part, file, want_file) SELECT {self.blog()}, 1, photo, want_photo "
                f"FROM authors WHERE id = {self.author()}")

    def do_note(self):
        sql, want = self.value()
        part = self.random.randint(1, 2)
        return f"INSERT INTO notes (id, part, file, want_file) VALUES ({self.blog()}, {part}, {sql}, {want})"

    def do_move(self):
        return f"UPDATE notes SET part = 3 - part WHERE id = {self.blog()}"

    def do_delete_note(self):
        low = self.blog()
        return f"DELETE FROM notes WHERE id BETWEEN {low} AND {low + 3}"

    def do_delete(self):
        return f"DELETE FROM blogs WHERE id = {self.blog()}"

    def do_cascade(self):
        return f"DELETE FROM authors WHERE id = {self.author()}"

    def do_many(self):
        rows = ', '.join(f"({100 + i}, 1, {sql}, {want})" for i in range(self.random.randint(5, 15))
                         for sql, want in [self.value()])
        return f"INSERT INTO notes (id, part, file, want_file) VALUES {rows}"

    def do_delete_many(self):
        return "DELETE FROM notes WHERE id >= 100"

    def do_swap(self):
        return ("UPDATE blogs SET video = thumb, thumb = video, want_video = want_thumb, want_thumb = want_video "
                f"WHERE id = {self.blog()}")

    def take(self, table, column, key):
        """Remembers the path of a row that is going to let go of it."""
        return (f"SELECT set_config('w.p', coalesce({column}, ''), true), set_config('w.w', coalesce(want_{column}, ''), true) "
                f"FROM {table} WHERE id = {key} FOR UPDATE")

    # The value and the digest that were taken last.
    TAKEN = "nullif(current_setting('w.p', true), ''), nullif(current_setting('w.w', true), '')"

    def do_hand_over(self):
        low = self.blog()
        return (f"{self.take('blogs', 'video', low)}; UPDATE blogs SET video = NULL, want_video = NULL WHERE id = {low}; "
                f"UPDATE blogs SET (video, want_video) = ROW({self.TAKEN}) WHERE id = {self.blog()}")

    def do_copy_back(self):
        key = self.blog()
        return (f"{self.take('notes', 'file', key)}; DELETE FROM notes WHERE id = {key}; "
                f"INSERT INTO notes (id, part, file, want_file) SELECT {key}, {self.random.randint(1, 2)}, {self.TAKEN}")

    def do_swap_rows(self):
        a, b = self.blog(), self.blog()
        return (f"UPDATE blogs b SET video = o.video, want_video = o.want_video FROM blogs o "
                f"WHERE b.id IN ({a}, {b}) AND o.id IN ({a}, {b}) AND o.id <> b.id")

    def do_unused(self):
        return "SET LOCAL ffu.unused_upload = ignore; SELECT " + self.value()[0]

    def do_truncate(self):
        return self.random.choice(['TRUNCATE notes', 'TRUNCATE blogs', 'TRUNCATE notes1'])

    def do_table(self):
        """A table that lives for one transaction, or whose drop is rolled back."""
        name, sql = f'scratch{self.number}', self.value()[0]
        return (f"CREATE TABLE {name} (id int); SELECT ffu.add_column('{name}', 'f', urls => false); "
                f"INSERT INTO {name} (id, f) VALUES (1, {sql}); DROP TABLE {name}")

    CHOICES = {'insert_author': 10, 'insert_blog': 14, 'replace': 14, 'replace_photo': 6, 'null': 4, 'touch': 3,
               'copy': 6, 'copy_photo': 4, 'note': 8, 'move': 4, 'delete_note': 4, 'delete': 4, 'cascade': 3,
               'many': 3, 'delete_many': 2, 'swap': 3, 'hand_over': 4, 'copy_back': 4,
               'swap_rows': 3, 'unused': 1, 'truncate': 0.7, 'table': 1}

    def statement(self):
        name = self.random.choices(list(self.CHOICES), list(self.CHOICES.values()))[0]
        self.count(name)
        return getattr(self, 'do_' + name)()

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    # transactions

    def run(self):
        while not self.stopping.is_set():
            try:
                if self.conn is None or self.conn.closed:
                    self.connect()
                for _ in range(self.random.randint(1, 30)):
                    if self.stopping.is_set() or self.conn.closed:
                        break
                    self.transaction()
                if self.random.random() < 0.2:
                    self.conn.close()
            except psycopg2.Error:
                # The server is being killed or started.
                self.close()
                time.sleep(0.02)
        self.close()

    def connect(self):
        self.conn = self.server.connect(f'worker {self.number}')
        self.pid = self.conn.get_backend_pid()
        self.conn.cursor().execute("SET lock_timeout = '250ms'")

    def close(self):
        if self.conn is not None:
            self.conn.close()
        self.conn = None

    def transaction(self):
        """One random transaction; notes what the client was told about it."""
        self.n += 1
        n, cursor = self.n, self.conn.cursor()
        isolation = self.random.choices(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'], [6, 2, 2])[0]
        end = self.random.choices(['commit', 'rollback', 'prepare', 'error', 'disconnect'], [64, 14, 14, 5, 3])[0]
        ending = False
        try:
            cursor.execute('BEGIN ISOLATION LEVEL ' + isolation)
            cursor.execute(f'INSERT INTO log VALUES ({self.number}, {n}, pg_current_xact_id()::text)')
            for _ in range(self.random.randint(1, 4)):
                self.piece(cursor, 2)
            ending = True
            self.end(cursor, n, end)
            self.count(end)
        except psycopg2.Error as e:
            if e.pgcode is not None and not self.conn.closed:
                return self.failed(cursor, n, e)
            self.count('lost')
            self.lost.add(n)
            if not ending:
                self.denied.add(n)
            raise psycopg2.OperationalError('lost')

    # Deadlock, lock timeout, serialization failure, the row an INSERT refers to
    # is gone, a file that was replaced meanwhile, our own 1/0, a duplicate row.
    EXPECTED = {'40P01', '55P03', '40001', '23503', '22012', '23505', '57P01'}

    def failed(self, cursor, n, error):
        self.count('failed ' + str(error.pgcode))
        if error.pgcode not in self.EXPECTED:
            self.unexpected.append(f'{self.number}/{n}: {error.pgcode} {error}')
        self.denied.add(n)
        cursor.execute('ROLLBACK')

    def end(self, cursor, n, end):
        if end == 'commit':
            cursor.execute('COMMIT')
            self.acknowledged[n] = time.monotonic()
        elif end == 'rollback':
            cursor.execute('ROLLBACK')
            self.denied.add(n)
        elif end == 'error':
            cursor.execute('SELECT 1/0')
        elif end == 'disconnect':
            self.conn.close()
            self.denied.add(n)
        else:
            self.two_phases(cursor, n)

    def two_phases(self, cursor, n):
        gid = f'{self.number}/{n}'
        cursor.execute(f"PREPARE TRANSACTION '{gid}'")
        self.prepared[n] = time.monotonic()
        if self.random.random() < 0.4:
            self.conn.close()       # another session ends it
            self.connect()
            cursor = self.conn.cursor()
        if self.random.random() < 0.05:
            return                  # somebody ends it after the round
        commit = self.random.random() < 0.6
        cursor.execute(f"{'COMMIT' if commit else 'ROLLBACK'} PREPARED '{gid}'")
        del self.prepared[n]
        if commit:
            self.acknowledged[n] = time.monotonic()
        else:
            self.denied.add(n)
            self.rolled_back_prepared.add(n)

    def piece(self, cursor, depth):
        """A statement, or several in a savepoint or an exception block."""
        kind = self.random.random()
        if depth == 0 or kind < 0.65:
            cursor.execute(self.statement())
        elif kind < 0.75:
            sql = ' '.join("EXECUTE '%s';" % s.replace("'", "''") for s in self.statement().split('; '))
            fails = 'RAISE division_by_zero;' if self.random.random() < 0.7 else ''
            cursor.execute(f"DO $x$ BEGIN {sql} {fails} EXCEPTION WHEN division_by_zero OR unique_violation "
                           "THEN NULL; END $x$")
        else:
            cursor.execute('SAVEPOINT s')
            for _ in range(self.random.randint(1, 3)):
                self.piece(cursor, depth - 1)
            cursor.execute('RELEASE s' if self.random.random() < 0.5 else 'ROLLBACK TO s; RELEASE s')


class Large(Worker):
    """Stores large files as well: with ffu.wal = all they take several records."""

    def content(self):
        content = super().content()
        return content + b'l' * 300_000 if self.random.random() < 0.1 else content


class Storing(Worker):
    """Stores small files. Neither copies nor sweeps sync their folder."""

    CHOICES = {'note': 1}


class Churning(Worker):
    """Stores small files, and lets go of them."""

    CHOICES = {'note': 3, 'delete_note': 1, 'replace_photo': 1, 'insert_author': 1}


class Reader(threading.Thread):
    """Looks at the rows of one snapshot for a while: their files must stay as long."""

    def __init__(self, server, place, seed):
        super().__init__(daemon=True)
        self.server, self.place, self.random = server, place, random.Random(f'{seed}/reader')
        self.stopping = threading.Event()
        self.wrong, self.looks = [], 0

    def run(self):
        while not self.stopping.is_set():
            try:
                self.look()
            except psycopg2.Error:
                time.sleep(0.02)

    def look(self):
        conn = self.server.connect('reader')
        try:
            cursor = conn.cursor()
            cursor.execute("SET lock_timeout = '250ms'; BEGIN ISOLATION LEVEL "
                           + self.random.choice(['REPEATABLE READ', 'SERIALIZABLE']))
            rows = model.read_rows(cursor, COLUMNS)
            for _ in range(self.random.randint(1, 4)):
                time.sleep(self.random.uniform(0, 0.2))
                wrong = []
                for table, key, column, want, path, *_ in rows:
                    try:
                        if path and self.place.read(path) != want:
                            wrong.append(f'SNAPSHOT: {table} {key} {column}: {path} has other bytes')
                    except FileNotFoundError:
                        wrong.append(f'SNAPSHOT: {table} {key} {column} lost {path} while it is seen')
                # If the server was killed meanwhile, the snapshot was gone as well.
                cursor.execute('SELECT 1')
                self.wrong += wrong
                self.looks += 1
        finally:
            conn.close()


class Mover(threading.Thread):
    """Moves all files to the bucket, and back, until told to stop."""

    EXPECTED = {'57P01', '57P02', '57P03'}

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.stopping = threading.Event()
        self.wrong, self.moves = [], 0

    def run(self):
        stores = ['folder', 'bucket']
        while not self.stopping.is_set():
            try:
                conn = self.server.connect('mover')
                cursor = conn.cursor()
                cursor.execute("SET lock_timeout = '2s'; SET client_min_messages = warning")
                while not self.stopping.is_set():
                    cursor.execute("CALL ffu.move_files('{}', '{}')".format(*stores))
                    self.wrong += [n for n in conn.notices if 'is not moved' in n]
                    stores.reverse()
                    self.moves += 1
            except psycopg2.errors.LockNotAvailable:
                pass
            except psycopg2.errors.DeadlockDetected:
                pass
            except psycopg2.Error as e:
                if e.pgcode and e.pgcode not in self.EXPECTED:
                    self.wrong.append(f'MOVE: {e.pgcode} {e}')
                time.sleep(0.02)


def end_prepared(cursor, workers, rng):
    """Ends what is still prepared, and notes how."""
    cursor.execute('SELECT gid FROM pg_prepared_xacts ORDER BY 1')
    for gid, in cursor.fetchall():
        number, n = (int(x) for x in gid.split('/'))
        worker = next((w for w in workers if w.number == number), None)
        commit = rng.random() < 0.5
        cursor.execute(f"{'COMMIT' if commit else 'ROLLBACK'} PREPARED '{gid}'")
        if worker:
            worker.prepared.pop(n, None)
            if commit:
                worker.acknowledged[n] = time.monotonic()
            else:
                worker.denied.add(n)


def compare_log(cursor, workers, before=None):
    """Holds what clients were told against the table log."""
    cursor.execute('SELECT worker, n FROM log')
    there = set(cursor.fetchall())
    wrong = []
    for w in workers:
        for n, when in w.acknowledged.items():
            if (w.number, n) not in there and (before is None or when < before):
                wrong.append(f'LOST COMMIT: transaction {w.number}/{n} was acknowledged and is gone')
        wrong += [f'transaction {w.number}/{n} was not to commit and did'
                  for n in w.denied if (w.number, n) in there]
    return wrong
