"""The matrix: operation x ending x fault point x action x preload x strangers.

    matrix.py [--quick] [--seconds N] [--seed N] [--results FILE] [--source DIR]
              [--place folder|bucket|both]

Cases run in batches: the same fault point and action, all operations and
endings, each in a session of its own. Where the action kills, the postmaster is
stopped first, so that it learns nothing until every session has come to its
end; then either it is let go on (killed backends: it restarts by itself) or all
of it is killed and started again.

After a kill of the server strangers take transaction ids before ffu is used:
what was not flushed is given out again. Some commit, some roll back, some use
ffu themselves, some are still open during the first sweep.
"""

import argparse
import collections
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2

import cases
import model
import place
import tap
from server import PATIENCE, Server, work_directory

KILLS = ('server', 'backend')

# At these points cases run one after another: beside other transactions doomed
# files stay, since a snapshot might need them, and are removed by the sweep.
ALONE = ('none', 'commit-after-remove', 'unlink', 'rmdir')


# Points of other things, each with a test of its own: 'read' of the first use of a
# folder and of ffu.content, 'move' of files that are kept for a while
# (ffu.deletion_delay), repair, large files and what reads them, bytes that a savepoint
# takes back, resumable uploads that are not finished or expire, imports, files in the
# WAL, what a fetch of missing files has left.
UNMET = ['read', 'open', 'move', 'chmod', 'quarantine-after-link', 'digest-after-chunk', 'read-after-chunk', 'read-after-object',
         'write-behind', 'truncate', 'resume-after-sync', 'expire-after-row', 'expire-after-name', 'import-after-read',
         'import-after-directory', 'publish-after-queue', 'publish-after-log', 'clear-fetched']


# What a transaction or a sweep meets if its files are objects: all but the work on the
# folder.
OBJECT_POINTS = ['bucket-after-intent', 'bucket-before-put', 'bucket-after-put', 'bucket-after-remove', 'publish-begin',
                 'publish-after-flush', 'publish-end', 'prepare-after-record', 'commit-after-record', 'commit-after-staging',
                 'undo-after-final', 'undo-after-staging', 'own-after-mark', 'doom-after-insert', 'link-after-choose',
                 'stage-end', 'sweep-before-strike', 'sweep-after-strike']


class Case:
    def __init__(self, n, tables, operation, ending):
        self.n, self.operation, self.ending = n, operation, ending
        self.tables = tables
        self.sql = []
        self.fxid = None
        self.told = None            # what the client was told, None if nothing
        self.reached = False        # the fault point, or the kill
        self.reused = False         # a stranger got its transaction id
        self.wrong = []

    def make(self, cursor, where):
        if not self.tables.made:
            cursor.execute(self.tables.make())
            where.declare(cursor, self.tables.columns())
        cursor.execute(self.tables.fill())
        if self.ending == 'serialization failure':
            cursor.execute(f'INSERT INTO skew VALUES ({self.n}, 1, 0), ({self.n}, 2, 0)')
        self.sql = cases.OPERATIONS[self.operation](self.tables)

    def states(self):
        """The states the rows may be in, by what the client was told."""
        old, new = self.tables.old, self.tables.new
        if self.operation == cases.REFUSED_AT_COMMIT:
            return [old]
        if self.told in ('rollback', 'undone', 'open'):
            return [old]
        if self.told == 'commit':
            return [new]
        # Nothing is known: all or nothing. What may not commit at all:
        if self.ending in ('rollback', 'rollback to savepoint', 'release rollback', 'exception block',
                           'serialization failure', 'deferred error', 'prepare rollback',
                           'prepare other rolls back'):
            return [old]
        return [old, new]


class Session:
    """Takes a case to its end."""

    def __init__(self, batch, case):
        self.batch, self.case = batch, case
        self.conn = batch.server.connect(f'case {case.n}')
        self.pid = self.conn.get_backend_pid()
        self.cursor = self.conn.cursor()

    def prepare(self):
        self.case.make(self.cursor, self.batch.place)
        rows = model.read_rows(self.cursor, self.case.tables.columns())
        self.old_paths = {r[4] for r in rows if r[4]}

    def check_disk(self):
        """Nothing is published before COMMIT begins, and nothing old is gone."""
        found = set()
        for table in (self.case.tables.p, self.case.tables.c, self.case.tables.q):
            found |= model.walk(self.batch.root, table)[0]
            found |= set(self.batch.place.objects(table + '/'))
        if found != self.old_paths:
            self.case.wrong.append(f'before the end: {sorted(found ^ self.old_paths)} differ')

    def run(self):
        case, fault = self.case, self.batch.fault
        refused = case.operation == cases.REFUSED_AT_COMMIT
        script = cases.ENDINGS[case.ending](case.sql, case)
        fails = False
        try:
            while True:
                try:
                    sql = next(script)
                except StopIteration as end:
                    case.told = end.value
                    break
                if sql == 'fails':
                    fails = True
                elif sql == 'check':
                    self.check_disk()
                elif sql in ('skew', 'cancel', 'disconnect', 'terminate'):
                    getattr(self, sql)()
                else:
                    self.cursor.execute(sql)
                    if sql.startswith('BEGIN'):
                        self.begun(fault)
        except psycopg2.Error as e:
            if self.conn.closed or e.pgcode is None:
                case.reached = True
                case.told = None
            else:
                self.failed(e, fails, refused)

    def begun(self, fault):
        self.cursor.execute('SELECT pg_current_xact_id()::text')
        self.case.fxid = int(self.cursor.fetchone()[0])
        if fault:
            self.cursor.execute(f"SET LOCAL ffu.fault = '{fault}'")

    def failed(self, error, expected, refused):
        case, text = self.case, str(error)
        action = self.batch.action
        injected = 'fault point' in text or (action not in ('none',) + KILLS and error.pgcode in ('58030', '53100', '55000'))
        case.reached = case.reached or injected
        if not (injected or expected or (refused and error.pgcode == '22023')):
            case.wrong.append(f'{error.pgcode} {text.splitlines()[0]}')
        if 'COMMIT PREPARED' in text or 'ROLLBACK PREPARED' in text:
            case.wrong.append(text)
        case.told = 'rollback'
        if not self.conn.closed:
            self.cursor.execute('ROLLBACK')

    def skew(self):
        """The other half of a write skew, which makes our COMMIT fail."""
        with self.batch.admin_lock:
            self.batch.admin.execute(
                f'BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT sum(n) FROM skew WHERE c = {self.case.n}; '
                f'UPDATE skew SET n = 1 WHERE c = {self.case.n} AND id = 2; COMMIT')

    def cancel(self):
        threading.Timer(0.3, self.conn.cancel).start()

    def disconnect(self):
        self.conn.close()

    def terminate(self):
        with self.batch.admin_lock:
            self.batch.admin.execute('SELECT pg_terminate_backend(%s, 5000)', (self.pid,))


class Batch:
    """Cases that share a fault point, an action and a kill."""

    def __init__(self, matrix, point, action, chosen, skip=0):
        self.matrix, self.server, self.root, self.place = matrix, matrix.server, matrix.root, matrix.place
        self.point, self.action, self.skip = point, action, skip
        self.cases = [matrix.case(*c) for c in chosen]
        self.admin_lock = threading.Lock()
        self.fault = None
        if point != 'none':
            verb = {'server': 'kill', 'backend': 'kill'}.get(action, action)
            self.fault = f'{point}:{verb}:{skip}'

    def connect_admin(self):
        self.admin = self.server.connect().cursor()

    def run(self):
        pool = self.matrix.pool
        sweep_point = self.point.startswith('sweep-') or self.point == 'bucket-after-remove'
        fault, self.fault = self.fault, None if sweep_point else self.fault
        self.connect_admin()
        sessions = [Session(self, c) for c in self.cases]
        list(pool.map(Session.prepare, sessions))
        for case, wrong in itertools.product(self.cases, model.sweep(self.admin, self.place)):
            case.wrong.append(f'beforehand: {wrong}')
        if sweep_point:
            self.leave_work(sessions)
        if self.action in KILLS:
            self.server.freeze()
        if sweep_point:
            self.sweep_fault(fault)
        elif self.point in ALONE:
            for session in sessions:
                session.run()
        else:
            list(pool.map(Session.run, sessions))
        if self.action in KILLS:
            self.kill(sessions)
            self.connect_admin()
        self.settle()
        for session in sessions:
            session.conn.close()
        self.judge()
        self.matrix.record(self)
        if self.point == 'rmdir' and self.action not in KILLS:
            # An empty directory that cannot be removed stays, and is used again.
            for directory in sorted(model.walk(self.root)[1]):
                os.removedirs(os.path.join(self.root, directory))

    def leave_work(self, sessions):
        """Cases end with nothing removed: that is what the sweep will be killed at."""
        self.fault = 'unlink:EIO:0'
        for session in sessions:
            session.cursor.execute("SET client_min_messages = error")
        list(self.matrix.pool.map(Session.run, sessions))
        self.fault = None

    def sweep_fault(self, fault):
        """The sweep meets the fault; a few are swept before it does."""
        conn = self.admin.connection
        try:
            conn.cursor().execute(f"SET ffu.fault = '{fault}'; SELECT FROM ffu.sweep()")
        except psycopg2.Error as e:
            if conn.closed or 'fault point' in str(e):
                for case in self.cases:
                    case.reached = True

    def kill(self, sessions):
        """The kill itself, and the restart."""
        old = set(self.server.pids()) - {self.server.process.pid}
        if self.point == 'none':
            for session in sessions:
                session.case.reached = True
            if self.action == 'backend':
                for session in sessions:
                    if session.case.told == 'open':
                        os.kill(session.pid, 9)
        if self.action == 'server':
            self.server.kill()
            self.server.start()
            self.strangers()
        else:
            self.server.thaw()
            if any(s.case.reached for s in sessions) or self.admin.connection.closed:
                end = time.time() + PATIENCE
                while old & set(self.server.pids()) and time.time() < end:
                    time.sleep(0.01)
            self.server.wait_up()

    def strangers(self):
        """Sessions that take transaction ids before anybody uses ffu."""
        lost = {c.fxid: c for c in self.cases if c.fxid}
        if not lost:
            return
        conns, still_open, n = [], [], 0
        while True:
            conn = self.server.connect('stranger')
            cursor = conn.cursor()
            kind = n % 4
            cursor.execute('BEGIN; SELECT pg_current_xact_id()::text')
            fxid = int(cursor.fetchone()[0])
            if fxid in lost:
                lost[fxid].reused = True
            if kind == 2:
                self.matrix.strangers += 1
                key = self.matrix.strangers
                text = f'stranger {key}'
                cursor.execute(f"INSERT INTO strangers VALUES ({key}, '{model.sha256(text.encode())}', "
                               f"ffu.file('s.txt', '{text}'::bytea))")
            if kind == 3 and len(still_open) < 10:
                still_open.append(cursor)
                conns.append(conn)
            else:
                cursor.execute('ROLLBACK' if kind == 1 else 'COMMIT')
                conn.close()
            n += 1
            if fxid > max(lost):
                break
        # A sweep while some are open.
        cursor = self.server.connect().cursor()
        cursor.execute('SELECT FROM ffu.sweep()')
        cursor.connection.close()
        for i, cursor in enumerate(still_open):
            cursor.execute('COMMIT' if i % 2 else 'ROLLBACK')
        for conn in conns:
            conn.close()

    def settle(self):
        """Ends what is prepared, after a sweep that must not touch it."""
        cursor = self.admin
        cursor.execute('SELECT gid FROM pg_prepared_xacts')
        prepared = {gid for gid, in cursor.fetchall()}
        if prepared:
            cursor.execute('SELECT FROM ffu.sweep()')
        for case in self.cases:
            gid = f'm{case.n}'
            rolls_back = case.ending in ('prepare rollback', 'prepare other rolls back')
            if gid in prepared:
                cursor.execute(f"{'ROLLBACK' if rolls_back else 'COMMIT'} PREPARED '{gid}'")
                case.told = 'rollback' if rolls_back else 'commit'
            elif case.told in ('prepared to commit', 'prepared to rollback'):
                case.wrong.append('the prepared transaction is gone')

    def judge(self):
        """Asks the oracle, and gives every complaint to the case it is about."""
        shared = model.sweep(self.admin, self.place)
        columns = self.matrix.columns + [c for t in self.matrix.tables for c in t.columns()]
        rows = model.read_rows(self.admin, columns)
        by_table = {t: c for c in self.cases for t in (c.tables.p, c.tables.c, c.tables.q)}
        for path, text in model.compare(rows, self.root, self.matrix.hashes, self.place):
            if text.startswith('EMPTY') and self.point == 'rmdir':
                continue
            case = by_table.get(path.split('/')[0])
            (case.wrong if case else shared).append(text)
        states = collections.defaultdict(dict)
        for table, key, column, want, path, size, digest, name in rows:
            if path is not None and table in by_table:
                states[by_table[table]][(table, int(key), column)] = want
        for case in self.cases:
            may = [{k: model.sha256(v.encode()) for k, v in s.items()} for s in case.states()]
            if states[case] not in may:
                case.wrong.append(f'told {case.told}, and the rows are neither of {len(may)} states: '
                                  f'{sorted(k for k, _ in set(states[case].items()) ^ set(may[0].items()))}')
        if shared:
            for case in self.cases:
                case.wrong += [f'batch: {s}' for s in shared[:2]]


class Matrix:
    def __init__(self, source, preload=False, apart=None, known=None, kind=place.FOLDER):
        work = work_directory('matrix')
        # apart: a directory on another file system, where many files are synced at once.
        self.apart = tempfile.mkdtemp(prefix='ffu-test.', dir=apart) if apart else None
        self.root = os.path.join(self.apart or work, 'root')
        self.place = place.make(kind, self.root, work)
        self.server = Server(work, conf='autovacuum = off\nwal_writer_delay = 10s\n'
                             'log_min_messages = fatal\n'
                             # Not every file system that tests run on keeps things in order.
                             + ("shared_preload_libraries = 'ffu'\n" if preload else 'ffu.pretend_in_order = on\n')
                             + self.place.conf)
        self.points = cases.points(source)
        self.numbers = itertools.count(1)
        self.pool = ThreadPoolExecutor(16)
        self.strangers = 0
        self.hashes = {}
        self.columns = [model.Column('strangers', 'f')]
        self.tables = []            # of all cases so far
        self.free = []              # those that another case may use
        self.results = []
        self.preload = preload
        # (point, operation, ending) that are known to meet the point or not.
        self.known = known if known is not None else {}

    def start(self):
        self.server.init()
        self.server.start()
        cursor = self.server.connect().cursor()
        cursor.execute(f"CREATE EXTENSION ffu; SELECT ffu.use_folder('{self.root}')")
        self.place.start(cursor)
        cursor.execute("""
            CREATE TABLE strangers (id int PRIMARY KEY, want_f text);
            SELECT ffu.add_column('strangers', 'f', urls => false);
            CREATE TABLE deferred (id int PRIMARY KEY,
                pid int REFERENCES deferred DEFERRABLE INITIALLY DEFERRED);
            CREATE TABLE skew (c int, id int, n int, PRIMARY KEY (c, id));
            CREATE TABLE slow (id int);
            CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON slow
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()""")
        self.place.declare(cursor, self.columns)
        cursor.connection.close()

    def remove(self):
        self.place.remove()
        self.server.remove()
        if self.apart:
            shutil.rmtree(self.apart, ignore_errors=True)

    def case(self, operation, ending):
        n = next(self.numbers)
        if not self.free:
            self.tables.append(cases.Tables(n))
            self.free.append(self.tables[-1])
        return Case(n, self.free.pop(), operation, ending)

    def run(self, point, action, chosen, skip=0):
        """Runs cases in batches of at most 48."""
        chosen = [c for c in chosen if self.sensible(*c)]
        for i in range(0, len(chosen), 48):
            Batch(self, point, action, chosen[i:i + 48], skip).run()

    @staticmethod
    def sensible(operation, ending):
        # SET LOCAL needs a transaction block.
        return not (ending == 'one message' and operation == 'never used ignored')

    def clean(self):
        """Drops all tables; their files must go with them."""
        cursor = self.server.connect().cursor()
        cursor.execute("SELECT string_agg(relname, ', ') FROM pg_class WHERE relkind IN ('r', 'p') "
                       "AND NOT relispartition AND relname ~ '^m[0-9]+[pcq]$'")
        cursor.execute('SET client_min_messages = error; DROP TABLE ' + cursor.fetchone()[0] + ' CASCADE')
        self.tables, self.free = [], []
        wrong = model.sweep(cursor, self.place)
        wrong += [t for _, t in model.compare(model.read_rows(cursor, self.columns), self.root, None, self.place)]
        tap.ok(not wrong, 'all tables dropped: nothing is left', *wrong[:5])
        cursor.connection.close()

    def record(self, batch):
        for case in batch.cases:
            # One that lost a part, or has something wrong, is not used again.
            if case.tables.made and not case.wrong:
                self.free.append(case.tables)
            label = f'{case.operation}, {case.ending}'
            if batch.point != 'none':
                label += f', {batch.action} at {batch.point}' + (f' {batch.skip}' if batch.skip else '')
            elif batch.action != 'none':
                label += f', {batch.action} killed'
            label += ', preload' if self.preload else ''
            label += ', folder apart' if self.apart else ''
            label += '' if self.place.kind == place.FOLDER else f', {self.place.kind}'
            label += ', xid reused' if case.reused else ''
            if batch.point != 'none' and not case.reached:
                label += ' (not met)'
                self.known[(batch.point, case.operation, case.ending)] = False
            elif batch.point != 'none':
                self.known[(batch.point, case.operation, case.ending)] = True
            tap.ok(not case.wrong, label, *case.wrong[:6])
            self.results.append(dict(
                kind='matrix', operation=case.operation, ending=case.ending, point=batch.point, action=batch.action,
                preload=self.preload, apart=bool(self.apart), place=self.place.kind, reached=case.reached, reused=case.reused, ok=not case.wrong))

    def fault_points(self):
        """Points a transaction or a sweep can meet, as opposed to claiming a folder or a bucket."""
        if self.place.kind != place.FOLDER:
            return OBJECT_POINTS
        elsewhere = ('bucket-', 'claim-', 'put-back-', 'syncer-', 'deliver-', 'fetch-')
        return [p for p in self.points if not p.startswith(elsewhere) and p not in UNMET]

    def actions(self, point):
        kind = self.points[point]
        return {'error': ['server', 'backend', 'error'], 'safe': ['server', 'backend'],
                'errno': ['server', 'backend', 'EIO']}[kind]

    def plan(self):
        """All there is to do: point, action, and the cases."""
        everything = list(cases.OPERATIONS)
        yield 'none', 'none', product(everything, cases.ENDINGS)
        for action in KILLS:
            yield 'none', action, product(everything, cases.KILL_ENDINGS)
        for point in self.fault_points():
            endings = ['commit', 'rollback'] if point.startswith('sweep-') or point == 'bucket-after-remove' else cases.FAULT_ENDINGS
            for action in self.actions(point):
                yield point, action, product(everything, endings)


def full(matrices, seconds, rng):
    """The whole product, as long as there is time.

    First what is likely to meet its fault, a few of everything in turn, so that
    whatever time there is has been spent on all points alike.
    """
    end = time.time() + seconds
    for likely in (True, False):
        piles = []
        for point, action, chosen in matrices[0].plan():
            some = [c for c in chosen if likely_met(point, *c) == likely]
            piles += [(m, point, action, rng.sample(some, len(some))) for m in matrices]
        while any(pile for *_, pile in piles):
            for matrix, point, action, pile in piles:
                if time.time() > end:
                    left = sum(len(pile) for *_, pile in piles)
                    tap.note(f'the time is over; {left} {"likely" if likely else "unlikely"} cases are left')
                    return
                some = [pile.pop() for _ in range(min(24, len(pile)))]
                # What did not meet the point is not tried again.
                some = [c for c in some if matrix.known.get((point, *c), True)]
                if some:
                    matrix.run(point, action, some)
    for matrix in matrices:
        matrix.clean()


def quick(matrices, seconds, rng):
    """A part of each batch, another part with every seed."""
    begin = time.time()
    for i, (point, action, chosen) in enumerate(matrices[0].plan()):
        matrix = matrices[-1 if point == 'syncfs' else 0 if 'write-out' in point else i % 2]
        # Never much more than our share of the time, but some of everything.
        some = 120 if action == 'none' else 40 if point == 'none' else 16 if time.time() < begin + seconds else 4
        likely = [c for c in chosen if likely_met(point, *c)]
        matrix.run(point, action, rng.sample(likely, min(some, len(likely))))
    # A small sample can miss a point. Draw again, rather than fail by chance.
    for matrix in matrices:
        for point, action, chosen in matrix.plan():
            likely = [c for c in chosen if likely_met(point, *c)]
            if point in unmet_points(matrices) and (point != 'syncfs' or matrix.apart):
                matrix.run(point, action, rng.sample(likely, min(48, len(likely))))
    for matrix in matrices:
        matrix.clean()


def unmet_points(matrices):
    """The fault points that no case has met so far."""
    met = {r['point'] for m in matrices for r in m.results if r['reached']}
    return set(matrices[0].fault_points()) - met - {'syncfs' if not matrices[-1].apart else None}


def likely_met(point, operation, ending):
    """Is a case likely to meet a point? Only says what is tried first."""
    stores = operation not in ('null', 'delete', 'cascade', 'truncate', 'drop table', 'drop column',
                               'never used', 'never used ignored')
    dooms = operation in ('replace', 'same name', 'upsert', 'null', 'delete', 'cascade', 'move row', 'truncate',
                          'drop table', 'drop column', 'mixed', 'swap', 'rotate', 'swap new', 'move table', 'copy back')
    prepares, commits = ending.startswith('prepare'), ending in ('commit', 'release commit')
    if point in ('syncfs', 'write-out', 'publish-after-write-out'):
        return operation == 'insert 12' and (commits or prepares)
    if point.startswith('stage-') or point in ('create', 'write'):
        return stores or operation.startswith('never')
    if point.startswith(('pieces-', 'resume-')) or point == 'commit-after-resumed':
        return operation == ('pieces' if point.startswith('pieces') else 'resumable')
    if point == 'learn-after-chunk':
        return operation in ('copy', 'mixed', 'resumable', 'swap', 'rotate', 'swap new', 'move table', 'copy back')
    if point in ('link-after-choose', 'own-after-mark', 'link'):
        return stores
    if point == 'doom-after-insert':
        return dooms
    if point in ('sweep-before-log', 'sweep-before-strike', 'sweep-after-strike'):
        return dooms and commits
    if point.startswith('publish-') or point in ('fsync', 'rename', 'mkdir'):
        mkdir = 'mkdir' not in point or operation in ('insert', 'insert 12', 'upsert', 'copy', 'mixed', 'large object',
                                                        'pieces', 'resumable', 'taken back', 'swap new', 'move table')
        return stores and mkdir and (commits or prepares or ending == 'serialization failure')
    if point.startswith('bucket-'):
        return stores and (commits or prepares)
    if point == 'prepare-after-record':
        return prepares and operation != 'never used'
    if point == 'commit-after-staging':
        return stores and commits
    if point == 'commit-after-remove':
        return dooms and commits
    if point == 'commit-after-record':
        return (stores or dooms) and commits
    if point.startswith('undo-') or point == 'unlink':
        return stores and ending in ('rollback', 'rollback to savepoint', 'release rollback', 'exception block',
                                     'serialization failure', 'deferred error')
    if point == 'rmdir':
        return operation == 'delete' and commits
    return True


def product(operations, endings):
    return list(itertools.product(operations, endings))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser()
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--seed', default='1')
    parser.add_argument('--results')
    parser.add_argument('--place', choices=[place.FOLDER, place.BUCKET, place.BOTH], default=place.FOLDER)
    parser.add_argument('--source', default=os.environ.get('FFU_SRC'))
    args = parser.parse_args()
    rng = random.Random(args.seed)
    tap.note(f'seed {args.seed}')
    known, begin = {}, time.time()
    shm = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
    matrices = [Matrix(args.source, known=known, kind=args.place),
                Matrix(args.source, preload=True, apart=shm, known=known, kind=args.place)]
    results = []
    try:
        for matrix in matrices:
            matrix.start()
        if args.quick:
            quick(matrices, args.seconds, rng)
        else:
            full(matrices, args.seconds, rng)
        results = [r for m in matrices for r in m.results]
        met = [r for r in results if r['reached'] or r['point'] == 'none']
        unmet = unmet_points(matrices)
        tap.ok(matrices[0].points, 'the source has fault points')
        if args.quick:
            tap.ok(not unmet, 'every fault point was met', *unmet)
        tap.note(f'{len(results)} cases, {len(met)} of them met their fault; '
                 f'{sum(r["reused"] for r in met)} transaction ids went to strangers; '
                 f'{time.time() - begin:.0f} s')
    finally:
        if args.results:
            with open(args.results, 'a') as f:
                f.writelines(json.dumps(r) + '\n' for r in results)
        for matrix in matrices:
            matrix.remove()
    tap.done()


if __name__ == '__main__':
    main()
