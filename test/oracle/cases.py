"""What a case of the matrix is made of: operations, endings, fault points.

A case has tables to itself with seven files in them. An operation is a list of
statements with what they make of the rows; an ending is what becomes of the
transaction they run in. The state of a case is {(table, id, column): text},
the text being the file's content, for every file there must be.
"""

import base64
import glob
import os
import re

from model import Column, sha256


def literal(text):
    return "'" + text.replace("'", "''") + "'"


class Tables:
    """A set of tables, and the content of their files. Cases use it in turn."""

    def __init__(self, n):
        self.n = n
        self.p, self.c, self.q = f'm{n}p', f'm{n}c', f'm{n}q'
        self.contents = 0
        self.made = False
        self.old, self.new = {}, {}

    def upload(self, name, content):
        return f"ffu.file({literal(name)}, convert_to({literal(content)}, 'UTF8'))"

    def content(self):
        """A new content, never used before."""
        self.contents += 1
        return f'case {self.n} content {self.contents}'

    def columns(self):
        return [Column(self.p, 'f'), Column(self.p, 'g'), Column(self.c, 'f'), Column(self.q, 'f')]

    def make(self):
        """SQL that makes the tables."""
        p, c, q = self.p, self.c, self.q
        self.made = True
        return f"""
            CREATE TABLE {p} (id int PRIMARY KEY, want_f text, want_g text);
            SELECT ffu.add_column('{p}', 'f', urls => false), ffu.add_column('{p}', 'g', urls => false);
            CREATE TABLE {c} (id int PRIMARY KEY, pid int REFERENCES {p} ON DELETE CASCADE, want_f text);
            SELECT ffu.add_column('{c}', 'f', urls => false);
            CREATE TABLE {q} (id int, part int, want_f text) PARTITION BY LIST (part);
            CREATE TABLE {q}1 PARTITION OF {q} FOR VALUES IN (1);
            CREATE TABLE {q}2 PARTITION OF {q} FOR VALUES IN (2);
            SELECT ffu.add_column('{q}', 'f', urls => false)"""

    def fill(self):
        """SQL that makes the seven files, instead of what is there."""
        p, c, q = self.p, self.c, self.q
        sql = [f"DELETE FROM {p}; DELETE FROM {c}; DELETE FROM {q}"]
        self.old = {}
        for key, column in ((1, 'f'), (1, 'g'), (2, 'f'), (3, 'f')):
            sql.append(self.put(p, key, column, f'f{key}.txt', self.old))
        for table, key, other in ((c, 1, 1), (c, 2, 1), (q, 1, 1)):
            content = self.old[(table, key, 'f')] = self.content()
            sql.append(f"INSERT INTO {table} VALUES ({key}, {other}, '{sha256(content.encode())}', "
                       f"{self.upload('f.txt', content)})")
        self.new = dict(self.old)
        return ';\n'.join(sql)

    def put(self, table, key, column, name, state, value=None, content=None):
        """SQL that gives a row a new file; the row is made if it is not there."""
        content = content or self.content()
        state[(table, key, column)] = content
        return (f"INSERT INTO {table} (id, want_{column}, {column}) VALUES ({key}, "
                f"'{sha256(content.encode())}', {value or self.upload(name, content)}) "
                f"ON CONFLICT (id) DO UPDATE SET {column} = EXCLUDED.{column}, want_{column} = EXCLUDED.want_{column}")

    def update(self, table, key, column, name):
        content = self.new[(table, key, column)] = self.content()
        return (f"UPDATE {table} SET {column} = {self.upload(name, content)}, "
                f"want_{column} = '{sha256(content.encode())}' WHERE id = {key}")

    def lose(self, *where):
        """The rows of which where is the beginning are gone."""
        for row in [r for r in self.new if r[:len(where)] == where]:
            del self.new[row]


# The operations: each returns its statements and changes tables.new.

def op_insert(t):
    content, data = t.content(), t.content()
    t.new[(t.p, 10, 'f')], t.new[(t.p, 10, 'g')] = content, data
    uri = 'data:text/plain;name=b.txt;base64,' + base64.b64encode(data.encode()).decode()
    return [f"INSERT INTO {t.p} (id, want_f, f, want_g, g) VALUES (10, '{sha256(content.encode())}', "
            f"{t.upload('a.txt', content)}, '{sha256(data.encode())}', '{uri}')"]


def op_insert_12(t):
    rows = []
    for key in range(10, 22):
        content = t.new[(t.p, key, 'f')] = t.content()
        rows.append(f"({key}, '{sha256(content.encode())}', {t.upload('a.txt', content)})")
    return [f"INSERT INTO {t.p} (id, want_f, f) VALUES " + ', '.join(rows)]


def op_large_object(t):
    content = t.new[(t.p, 10, 'f')] = t.content()
    return [f"SELECT lo_from_bytea({100000 + t.n}, convert_to({literal(content)}, 'UTF8'))",
            f"INSERT INTO {t.p} (id, want_f, f) VALUES (10, '{sha256(content.encode())}', "
            f"ffu.from_large_object('a.txt', {100000 + t.n}))",
            f"SELECT lo_unlink({100000 + t.n})"]


def in_pieces(t, resumable, append, value):
    """A block that uploads a new content in two pieces and gives it to a row."""
    content = t.new[(t.p, 10, 'f')] = t.content()
    first, second = content[:6], content[6:]
    return [f"""DO $p$ DECLARE u text := ffu.upload_begin('a.txt', {resumable}); BEGIN
        PERFORM {append(0, first)}; PERFORM {append(len(first), second)};
        INSERT INTO {t.p} (id, want_f, f) VALUES (10, '{sha256(content.encode())}', {value}); END $p$"""]


def op_pieces(t):
    return in_pieces(t, 'false', lambda start, text: f"ffu.upload_append(u, convert_to({literal(text)}, 'UTF8'))", 'u')


def op_resumable(t):
    return in_pieces(t, 'true', lambda start, text:
                     f"ffu.upload_append(u, {start}, convert_to({literal(text)}, 'UTF8'))", 'ffu.upload_finish(u)')


def op_replace(t):
    return [t.update(t.p, 1, 'f', 'other.txt'), t.update(t.c, 2, 'f', 'other.md')]


def op_same_name(t):
    return [t.update(t.p, 1, 'f', 'f1.txt')]


def op_upsert(t):
    return [t.put(t.p, 1, 'f', 'upsert.txt', t.new), t.put(t.p, 30, 'g', 'upsert.txt', t.new)]


def op_null(t):
    t.lose(t.p, 1, 'f')
    return [f"UPDATE {t.p} SET f = NULL, want_f = NULL WHERE id = 1"]


def op_delete(t):
    t.lose(t.p, 3)
    return [f"DELETE FROM {t.p} WHERE id = 3"]


def op_copy(t):
    t.new[(t.p, 11, 'f')] = t.old[(t.p, 1, 'f')]
    t.new[(t.c, 12, 'f')] = t.old[(t.p, 1, 'f')]
    return [f"INSERT INTO {t.p} (id, want_f, f) SELECT 11, want_f, f FROM {t.p} WHERE id = 1",
            f"INSERT INTO {t.c} (id, want_f, f) SELECT 12, want_f, f FROM {t.p} WHERE id = 11"]


def let_go(t, rows):
    """A block that lets all rows, (table, id, column), go of their files, and gives each the file of the row before it."""
    new = {row: t.new[rows[i - 1]] for i, row in enumerate(rows)}
    t.new.update(new)
    read = ' '.join(f"SELECT {c} INTO p{i} FROM {table} WHERE id = {key};" for i, (table, key, c) in enumerate(rows))
    null = ' '.join(f"UPDATE {table} SET {c} = NULL WHERE id = {key};" for table, key, c in rows)
    give = ' '.join(f"UPDATE {table} SET {c} = p{(i - 1) % len(rows)}, want_{c} = '{sha256(new[(table, key, c)].encode())}' "
                    f"WHERE id = {key};" for i, (table, key, c) in enumerate(rows))
    names = ' '.join(f'p{i} text;' for i in range(len(rows)))
    return f"DO $w$ DECLARE {names} BEGIN {read} {null} {give} END $w$"


def op_swap(t):
    return [let_go(t, [(t.p, 1, 'f'), (t.p, 2, 'f')])]


def op_rotate(t):
    return [let_go(t, [(t.p, 1, 'f'), (t.c, 1, 'f'), (t.p, 1, 'g'), (t.p, 3, 'f')])]


def op_swap_new(t):
    """Files that this transaction has stored change hands."""
    return [t.put(t.p, 42, 'f', 'a.txt', t.new), t.put(t.p, 43, 'f', 'b.txt', t.new),
            let_go(t, [(t.p, 42, 'f'), (t.p, 43, 'f'), (t.p, 2, 'f')])]


def op_move_table(t):
    t.new[(t.c, 20, 'f')] = t.new[(t.p, 3, 'f')]
    t.lose(t.p, 3)
    return [f"DO $w$ DECLARE r record; BEGIN DELETE FROM {t.p} WHERE id = 3 RETURNING * INTO r; "
            f"INSERT INTO {t.c} (id, want_f, f) VALUES (20, r.want_f, r.f); END $w$"]


def op_copy_back(t):
    """All rows are deleted, one of them twice, and come back."""
    return [f"DO $w$ DECLARE r {t.c}[]; BEGIN SELECT array_agg(c) INTO r FROM {t.c} c; DELETE FROM {t.c}; "
            f"INSERT INTO {t.c} SELECT (unnest(r)).*; SELECT array_agg(c) INTO r FROM {t.c} c; "
            f"TRUNCATE {t.c}; INSERT INTO {t.c} SELECT (unnest(r)).*; END $w$"]


def op_cascade(t):
    t.lose(t.p, 1)
    t.lose(t.c)
    return [f"DELETE FROM {t.p} WHERE id = 1"]


def op_move_row(t):
    return [f"UPDATE {t.q} SET part = 2 WHERE id = 1"]


def op_truncate(t):
    t.lose(t.p)
    t.lose(t.c)
    return [f"TRUNCATE {t.p}, {t.c}"]


def op_drop_table(t):
    t.lose(t.c)
    t.made = False
    return [f"DROP TABLE {t.c}"]


def op_drop_column(t):
    for key in (1, 2, 3):
        t.lose(t.p, key, 'f')
    t.made = False
    return [f"ALTER TABLE {t.p} DROP COLUMN f CASCADE"]


def op_made_and_gone(t):
    """A file that is stored, replaced and deleted in one transaction."""
    sql = [t.put(t.p, 40, 'f', 'a.txt', t.new), t.update(t.p, 40, 'f', 'b.txt'),
           f"DELETE FROM {t.p} WHERE id = 40"]
    t.lose(t.p, 40)
    return sql


def op_taken_back(t):
    """A file stored in this transaction, whose deletion a subtransaction takes back."""
    return [t.put(t.p, 41, 'f', 'a.txt', t.new),
            f"DO $b$ BEGIN DELETE FROM {t.p} WHERE id = 41; PERFORM 1 / 0; "
            "EXCEPTION WHEN division_by_zero THEN NULL; END $b$"]


def op_never_used(t):
    """COMMIT and PREPARE refuse this one."""
    return ['SELECT ' + t.upload('unused.txt', t.content())]


def op_never_used_ignored(t):
    return ["SET LOCAL ffu.unused_upload = ignore", 'SELECT ' + t.upload('unused.txt', t.content())]


def op_mixed(t):
    return op_insert(t) + op_copy(t) + op_replace(t) + op_delete(t) + op_made_and_gone(t)


OPERATIONS = {name[3:].replace('_', ' '): function
              for name, function in list(globals().items()) if name.startswith('op_')}


# The endings. Each is a generator: it is given the operation's statements and the
# case, and yields SQL; 'check' where nothing may have changed on the disk yet;
# 'fails' where what follows is to fail; and the name of a method of
# matrix.Session. It returns what the client was told: 'commit', 'rollback',
# 'undone' (committed without the operation), 'open' (nothing yet), 'prepared to ...'.

def savepoint(sql):
    return ['SAVEPOINT s'] + sql


def end_commit(sql, case):
    yield from ['BEGIN', *sql, 'check', 'COMMIT']
    return 'commit'


def end_one_message(sql, case):
    yield '; '.join(sql)
    return 'commit'


def end_rollback(sql, case):
    yield from ['BEGIN', *sql, 'check', 'ROLLBACK']
    return 'rollback'


def end_rollback_to_savepoint(sql, case):
    yield from ['BEGIN', *savepoint(sql), 'check', 'ROLLBACK TO s', 'check', 'COMMIT']
    return 'undone'


def end_rollback_to_and_again(sql, case):
    yield from ['BEGIN', *savepoint(sql), 'ROLLBACK TO s', *sql, 'check', 'COMMIT']
    return 'commit'


def end_release_commit(sql, case):
    yield from ['BEGIN', 'SAVEPOINT r', *savepoint(sql), 'RELEASE s', 'RELEASE r', 'check', 'COMMIT']
    return 'commit'


def end_release_rollback(sql, case):
    yield from ['BEGIN', *savepoint(sql), 'RELEASE s', 'check', 'ROLLBACK']
    return 'rollback'


def end_release_rollback_to_outer(sql, case):
    yield from ['BEGIN', 'SAVEPOINT r', *savepoint(sql), 'RELEASE s', 'ROLLBACK TO r', 'check', 'COMMIT']
    return 'undone'


def end_exception_block(sql, case):
    body = ' '.join(f'EXECUTE {literal(s)};' for s in sql)
    yield from ['BEGIN', f"DO $x$ BEGIN {body} RAISE division_by_zero; "
                "EXCEPTION WHEN division_by_zero THEN NULL; END $x$", 'check', 'COMMIT']
    return 'undone'


def end_statement_error(sql, case):
    yield from ['BEGIN', *sql, 'fails', 'SELECT 1/0', 'COMMIT']
    return 'rollback'


def end_deferred_error(sql, case):
    yield from ['BEGIN', *sql, f'INSERT INTO deferred VALUES ({case.n}, -1)', 'check', 'fails', 'COMMIT']
    return 'rollback'


def end_serialization_failure(sql, case):
    """Fails after PRE_COMMIT: what is published must be taken back."""
    yield from ['BEGIN ISOLATION LEVEL SERIALIZABLE', f'SELECT sum(n) FROM skew WHERE c = {case.n}', *sql,
                f'UPDATE skew SET n = 1 WHERE c = {case.n} AND id = 1', 'skew', 'fails', 'COMMIT']
    return 'rollback'


def end_cancel_in_commit(sql, case):
    """A deferred trigger waits in COMMIT until it is cancelled."""
    yield from ['BEGIN', *sql, f'INSERT INTO slow VALUES ({case.n})', 'cancel', 'fails', 'COMMIT']
    return 'rollback'


def end_disconnect(sql, case):
    yield from ['BEGIN', *sql, 'check', 'disconnect']
    return 'rollback'


def end_terminated(sql, case):
    yield from ['BEGIN', *sql, 'check', 'terminate']
    return 'rollback'


def end_open(sql, case):
    """Left open: the server, or the backend, is killed now."""
    yield from ['BEGIN', *sql, 'check']
    return 'open'


def end_prepare_commit(sql, case):
    yield from ['BEGIN', *sql, 'check', f"PREPARE TRANSACTION 'm{case.n}'", f"COMMIT PREPARED 'm{case.n}'"]
    return 'commit'


def end_prepare_rollback(sql, case):
    yield from ['BEGIN', *sql, 'check', f"PREPARE TRANSACTION 'm{case.n}'", f"ROLLBACK PREPARED 'm{case.n}'"]
    return 'rollback'


def end_prepare_savepoints(sql, case):
    yield from ['BEGIN', *savepoint(sql), 'RELEASE s', *savepoint([]), f'DELETE FROM {case.tables.p} WHERE id = 2',
                'ROLLBACK TO s', f"PREPARE TRANSACTION 'm{case.n}'", f"COMMIT PREPARED 'm{case.n}'"]
    return 'commit'


def end_prepare_other_commits(sql, case):
    yield from ['BEGIN', *sql, f"PREPARE TRANSACTION 'm{case.n}'"]
    return 'prepared to commit'


def end_prepare_other_rolls_back(sql, case):
    yield from ['BEGIN', *sql, f"PREPARE TRANSACTION 'm{case.n}'"]
    return 'prepared to rollback'


ENDINGS = {name[4:].replace('_', ' '): function
           for name, function in list(globals().items()) if name.startswith('end_')}

# Endings that a fault can be met in, beside plain ones that are the same path.
FAULT_ENDINGS = ['commit', 'rollback', 'rollback to savepoint', 'release commit', 'release rollback',
                 'exception block', 'serialization failure', 'prepare commit', 'prepare rollback',
                 'prepare other commits', 'prepare other rolls back', 'deferred error']

# Endings that make sense where the transaction is killed from outside.
KILL_ENDINGS = ['open', 'commit', 'prepare other commits', 'prepare other rolls back']

# The operation that COMMIT and PREPARE refuse.
REFUSED_AT_COMMIT = 'never used'


def points(source):
    """The fault points in the source: {name: kind}, kinds 'error', 'safe', 'errno'."""
    found = {}
    for path in sorted(glob.glob(os.path.join(source, '**', '*.c'), recursive=True)):
        with open(path) as f:
            for kind, name in re.findall(r'\bFFU_FAULT(_SAFE|_ERRNO)?\("([^"]+)"\)', f.read()):
                found[name] = kind[1:].lower() or 'error'
    return found
