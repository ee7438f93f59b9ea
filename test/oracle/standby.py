"""Standbys with ffu.standby_files that are killed, cut and promoted under load.

    standby.py [--failovers N] [--between N] [--fs ext4,xfs] [--seed N]
               [--until-loss] [--results FILE]

Primary and standby each have a disk of their own as in powercut.py, with data
directory and folder on two file systems. Sessions store, replace and delete
files on the primary (ffu.wal = all) while both servers make one checkpoint after
another. A reader on the standby holds all rows of a snapshot against their
files, and once more as long as the snapshot is open.

Between two failovers, in turn: the standby is killed, its power is cut, or the
primary is killed, and starts again. Then the standby has to catch up, and its
folder has to follow.

A failover kills the primary; before that the standby may be killed or cut as
well. The standby is promoted. At once every row has to have its file; after a
sweep the folder has to be what the rows say; the folder of the old primary is
as it was. Every second failover is synchronous, and then every acknowledged
commit has to be there. The promoted standby is the next primary. The next
standby is made while sessions write: pg_basebackup, then a copy of the folder.

Must be root. Mounts live in a name space of their own and vanish with us.
"""

import argparse
import contextlib
import faulthandler
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2

import model
import powercut
import tap
import workload
from server import Server

MB = 1024 * 1024
WORKERS = 4
PATIENCE = 60
CONF = """autovacuum_naptime = 5s
log_min_messages = error
wal_recycle = off
min_wal_size = 32MB
max_wal_size = 64MB
wal_keep_size = 64MB
max_standby_archive_delay = 5min
max_standby_streaming_delay = 5min
shared_preload_libraries = 'ffu'
ffu.wal = all
ffu.standby_files = on
"""

# Each row of a file column with the digest that was sent, and that of its file
DIGESTS = ' UNION ALL '.join(
    f"SELECT '{c.table} ' || {c.key} || ' {c.column}', {c.column}::text, {c.want}, "
    f"encode(sha256(ffu.content({c.column})), 'hex') FROM {c.table} WHERE {c.column} IS NOT NULL"
    for c in workload.COLUMNS)

# An error of these classes says that a file cannot be read. It is a file of ffu if the error names a path;
# otherwise it is a relation of the server's, or the folder as a whole.
ABOUT_FILES = ('23', '55', '58', 'XX')
PATH = re.compile(r'\b(' + '|'.join(table for table, _ in workload.TABLES) + ')/')


def digests(cursor):
    """What is wrong with the files of all rows that are visible, by ffu.content; and their paths."""
    try:
        cursor.execute(DIGESTS)
    except psycopg2.Error as e:
        if e.pgcode and e.pgcode[:2] in ABOUT_FILES and e.pgcode != '55P03':
            text = ' '.join(str(e).split())
            return [('LOST FILE: ' if PATH.search(text) else 'NO ANSWER: ') + f'{e.pgcode} {text}'], []
        raise
    rows = cursor.fetchall()
    return ([f'WRONG BYTES: {row} has {path} with {found}, not {want}' for row, path, want, found in rows if found != want],
            [path for _, path, _, _ in rows])


class Reader(threading.Thread):
    """Holds the rows of snapshots on a standby against their files."""

    def __init__(self, side, seed):
        super().__init__(daemon=True)
        self.side, self.random = side, random.Random(seed)
        self.stopping = threading.Event()
        self.wrong, self.looks, self.rows = [], 0, 0

    def run(self):
        while not self.stopping.is_set():
            try:
                self.look()
            except psycopg2.Error:
                # Killed, or the server needs the snapshot to end.
                time.sleep(0.02)

    def look(self):
        conn = self.side.server.connect('reader')
        try:
            cursor = conn.cursor()
            # A killed primary leaves its locks to the standby.
            cursor.execute("SET lock_timeout = '1s'; BEGIN ISOLATION LEVEL REPEATABLE READ")
            wrong, paths = digests(cursor)
            self.wrong += ['SNAPSHOT: ' + text for text in wrong]
            for _ in range(self.random.randint(0, 3)):
                time.sleep(self.random.uniform(0, 0.1))
                gone = [path for path in paths if not os.path.exists(os.path.join(self.side.root, path))]
                # If the server has ended the snapshot meanwhile, the files may go.
                cursor.execute('SELECT 1')
                self.wrong += [f'SNAPSHOT: {path} is gone while its row is seen' for path in gone]
            self.looks += 1
            self.rows += len(paths)
        finally:
            conn.close()


class Side:
    """A server and its folder, on a disk that can be cut."""

    def __init__(self, work, fs, number):
        self.work = os.path.join(work, str(number))
        os.mkdir(self.work)
        self.disk = powercut.Disk(self.work, fs, True)
        self.root = self.disk.folder + '/root'
        self.server = Server(self.disk.top + '/server', user=powercut.PG_USER, conf=CONF)
        self.server.socket = os.path.join(self.work, 'socket')
        self.server.log = os.path.join(self.work, 'log')
        os.makedirs(self.server.socket)
        shutil.chown(self.server.socket, powercut.PG_USER, powercut.PG_USER)

    def ask(self, sql):
        cursor = self.server.connect().cursor()
        try:
            cursor.execute(sql)
            return cursor.fetchone()[0] if cursor.description else None
        finally:
            cursor.connection.close()

    def wait_promoted(self):
        end = time.monotonic() + PATIENCE
        while self.ask('SELECT pg_is_in_recovery()'):
            if time.monotonic() > end:
                raise RuntimeError('the standby is not promoted')
            time.sleep(0.05)

    def make_primary(self):
        self.server.init()
        self.server.start()
        self.ask('CREATE EXTENSION ffu')
        self.ask(f"SELECT ffu.use_folder('{self.root}')")
        self.ask(workload.SETUP)

    def make_standby(self, primary, path):
        """path is the folder's path in the database."""
        server = self.server
        subprocess.run([server.bin + '/pg_basebackup', '-h', primary.server.socket, '-U', 'postgres', '-c', 'fast', '-R',
                        '-D', server.data], check=True, cwd=server.work, preexec_fn=server.as_user())
        with open(server.data + '/postgresql.conf', 'a') as f:
            f.write(f"unix_socket_directories = '{server.socket}'\nffu.folder_map = '{path}={self.root}'\n"
                    "synchronous_standby_names = ''\n")
        # Names come and go meanwhile, which cp minds.
        done = subprocess.run(['cp', '-a', '--', primary.root + '/.', self.root], stderr=subprocess.PIPE, text=True)
        other = [line for line in done.stderr.splitlines() if 'No such file' not in line]
        if other:
            raise RuntimeError('\n'.join(other))
        server.start()
        # On file systems that were made alike the copy may have the inode number of the original.
        self.ask('SELECT ffu.adopt_folder(is_copy => true)')

    def cut(self):
        """The power goes. Returns when."""
        before, _ = self.disk.cut()
        self.server.kill()
        self.disk.go_on_from_cut()
        return before

    def start(self):
        # The process is dead, but the number may be somebody else's by now.
        lock_file = os.path.join(self.server.data, 'postmaster.pid')
        if os.path.exists(lock_file):
            os.unlink(lock_file)
        self.server.start()

    def kill(self):
        if self.server.process and self.server.process.returncode is None:
            self.server.kill()

    def remove(self):
        try:
            self.kill()
        finally:
            self.disk.remove()
            shutil.rmtree(self.work, ignore_errors=True)


class Load:
    """What goes on while something happens."""

    def __init__(self, primary, standby, seed, counters):
        self.counters, self.standby = counters, standby
        self.workers = [workload.Large(primary.server, i, seed, counters[i]) for i in range(WORKERS)]
        self.reader = Reader(standby, seed)
        self.loops = [powercut.Loop(side.server, 'CHECKPOINT') for side in (primary, standby)]
        self.threads = self.workers + [self.reader]
        for thread in self.threads + self.loops:
            thread.start()

    def end(self):
        """Ends the sessions. Returns what was wrong."""
        for thread in self.threads:
            thread.stopping.set()
        for thread in self.threads:
            thread.join(PATIENCE)
        for w in self.workers:
            self.counters[w.number] = w.n
        hung = [self.hung(thread) for thread in self.threads if thread.is_alive()]
        return hung + self.reader.wrong + [u for w in self.workers for u in w.unexpected]

    def hung(self, thread):
        """Says what the sessions of the standby wait for."""
        cursor = self.standby.server.connect().cursor()
        cursor.execute('SELECT pid, backend_type, state, wait_event_type, wait_event, query FROM pg_stat_activity '
                       'WHERE pid <> pg_backend_pid()')
        faulthandler.dump_traceback()
        return f'HANGS: {thread.name}: {cursor.fetchall()}'


class Failovers:
    def __init__(self, work, fs, seed):
        self.work, self.fs, self.seed = work, fs, seed
        self.random = random.Random(f'{seed}/{fs}')
        self.sides = 0
        self.counters = [0] * WORKERS
        self.looks = self.rows = self.files = self.acknowledged = self.rounds = self.copied = 0
        self.primary = self.side()
        self.standby = None

    def side(self):
        self.sides += 1
        return Side(self.work, self.fs, self.sides)

    def start(self):
        self.primary.make_primary()
        self.path = self.primary.root

    def load(self):
        self.rounds += 1
        return Load(self.primary, self.standby, f'{self.seed}/{self.rounds}', self.counters)

    def end_load(self, load):
        wrong = load.end()
        self.looks += load.reader.looks
        self.rows += load.reader.rows
        self.acknowledged += sum(len(w.acknowledged) for w in load.workers)
        return wrong

    def add_standby(self):
        """While sessions write. Returns what is wrong."""
        self.standby = self.side()
        workers = [workload.Large(self.primary.server, i, f'{self.seed}/{self.rounds}/new', self.counters[i])
                   for i in range(WORKERS)]
        for w in workers:
            w.start()
        try:
            self.standby.make_standby(self.primary, self.path)
            if self.sides % 2 == 0:
                # Of the copied folder nothing else has been synced yet.
                self.standby.cut()
                self.standby.start()
        finally:
            for w in workers:
                w.stopping.set()
            for w in workers:
                w.join(PATIENCE)
                self.counters[w.number] = w.n
        self.settle(workers)
        # A transaction that was rolled back after its file had been copied has left no record.
        wrong = self.follows('ORPHAN FILE')
        for text in [text for text in wrong if text.startswith('ORPHAN FILE')]:
            wrong.remove(text)
            self.forget(text.split()[2])
        return wrong

    def forget(self, path):
        """Removes an orphan from the standby's folder, which may have removed it meanwhile."""
        self.copied += 1
        path = os.path.join(self.standby.root, path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        try:
            os.removedirs(os.path.dirname(path))
        except OSError:
            pass

    def settle(self, workers):
        """Ends what is prepared, and forgets what clients were told."""
        cursor = self.primary.server.connect().cursor()
        workload.end_prepared(cursor, workers, self.random)
        cursor.execute('TRUNCATE log')
        cursor.connection.close()

    def follows(self, allow=None):
        """What is wrong with a standby that has caught up, and with its folder. Does not wait until texts
        that begin with allow are gone."""
        lsn = self.primary.ask('SELECT pg_current_wal_flush_lsn()')
        end = time.monotonic() + PATIENCE
        while not self.standby.ask(f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'"):
            if time.monotonic() > end:
                return ['the standby does not catch up']
            time.sleep(0.02)
        cursor = self.standby.server.connect().cursor()
        rows = model.read_rows(cursor, workload.COLUMNS)
        wrong, _ = digests(cursor)
        end = time.monotonic() + PATIENCE
        while True:
            folder = self.compare(rows)
            if all(allow and text.startswith(allow) for text in folder) or time.monotonic() > end:
                break
            time.sleep(0.1)
        cursor.connection.close()
        self.files += sum(r[4] is not None for r in rows)
        return wrong + folder

    def compare(self, rows):
        """What is wrong with the standby's folder. A staging name that says a run came with the copy
        of the folder, and its commit is doubtful until the promotion: its file must not be an orphan."""
        paths = {row[4] for row in rows}
        wrong = []
        for path, text in model.compare(rows, self.standby.root):
            came = re.match(r'STAGED FILE \d+\.\d+\.\d+:', text)
            if not came or path not in paths and os.path.exists(os.path.join(self.standby.root, path)):
                wrong.append(text)
        return wrong

    def between(self, what):
        """Hurts a server, and lets the standby catch up. Returns what is wrong."""
        load = self.load()
        time.sleep(self.random.uniform(0.3, 1.2))
        if what == 'primary killed':
            self.primary.kill()
            self.primary.start()
        elif what == 'standby cut':
            self.standby.cut()
            self.standby.start()
        else:
            self.standby.kill()
            self.standby.start()
        time.sleep(self.random.uniform(0.1, 0.5))
        wrong = self.end_load(load)
        self.settle(load.workers)
        cursor = self.primary.server.connect().cursor()
        wrong += model.sweep(cursor)
        cursor.connection.close()
        return wrong + self.follows()

    def set_synchronous(self, on):
        self.primary.ask("ALTER SYSTEM SET synchronous_standby_names = " + ("'*'" if on else "''"))
        self.primary.ask('SELECT pg_reload_conf()')

    def failover(self, what, synchronous):
        """Returns what is wrong."""
        self.set_synchronous(synchronous)
        load = self.load()
        time.sleep(self.random.uniform(0.3, 1.2))
        before = None
        if what == 'cut':
            before = self.standby.cut()
        elif what == 'killed':
            self.standby.kill()
        self.primary.kill()
        was = model.walk(self.primary.root)
        if what != 'running':
            self.standby.start()
        wrong = self.end_load(load)
        # A query that waits for the promotion may be in the way of redo.
        self.standby.ask('SELECT pg_promote(false)')
        self.standby.wait_promoted()
        cursor = self.standby.server.connect().cursor()
        wrong += digests(cursor)[0]
        if synchronous:
            wrong += powercut.PowerCut.prepared(cursor, load.workers, before or time.monotonic())
        cursor.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
        cursor.execute('SELECT pg_reload_conf()')
        workload.end_prepared(cursor, load.workers, self.random)
        wrong += model.sweep(cursor)
        rows = model.read_rows(cursor, workload.COLUMNS)
        wrong += [t for _, t in model.compare(rows, self.standby.root)]
        self.files += sum(r[4] is not None for r in rows)
        for w in load.workers:
            w.denied -= w.rolled_back_prepared
            if not synchronous:
                w.acknowledged = {}
        wrong += workload.compare_log(cursor, load.workers, before)
        cursor.execute('TRUNCATE log')
        if any('LOST' in t or 'WRONG' in t for t in wrong):
            # Go on with what there is.
            cursor.execute('TRUNCATE authors, blogs, notes')
        cursor.connection.close()
        if model.walk(self.primary.root) != was:
            wrong.append("the old primary's folder has changed")
        self.primary.remove()
        self.primary, self.standby = self.standby, None
        return wrong

    def remove(self):
        for side in (self.primary, self.standby):
            if side:
                side.remove()


def one(fs, failovers, args):
    """Failovers on one file system. Returns a summary."""
    directory = '/dev/shm' if shutil.disk_usage('/dev/shm').free > 6000 * MB else None
    work = tempfile.mkdtemp(prefix='ffu-standby.', dir=directory or os.environ.get('TMPDIR'))
    os.chmod(work, 0o711)
    summary = dict(kind='standby', fs=fs, seed=args.seed, failovers=0, rounds=0, failed=0)
    run = None
    try:
        run = Failovers(work, fs, args.seed)
        run.start()
        hurt = ['standby killed', 'standby cut', 'primary killed']
        for number in range(1, failovers + 1):
            wrong = run.add_standby()
            label = f'{fs}, seed {args.seed}, standby {number} made'
            summary['failed'] += not tap.ok(not wrong, label, *model.worst(wrong))
            for i in range(args.between):
                what = hurt[(number + i) % 3]
                wrong = run.between(what)
                summary['rounds'] += 1
                label = f'{fs}, seed {args.seed}, before failover {number}: {what}'
                summary['failed'] += not tap.ok(not wrong, label, *model.worst(wrong))
                if args.until_loss and any(map(model.is_verdict, wrong)):
                    return summary
            what = ['running', 'killed', 'cut'][number % 3]
            synchronous = number % 2 == 0
            wrong = run.failover(what, synchronous)
            summary['failovers'] += 1
            label = f'{fs}, seed {args.seed}, {"synchronous " if synchronous else ""}failover {number}, standby {what}'
            summary['failed'] += not tap.ok(not wrong, label, *model.worst(wrong))
            if args.until_loss and any(map(model.is_verdict, wrong)):
                return summary
    finally:
        if run:
            summary.update(looks=run.looks, looked=run.rows, files=run.files, acknowledged=run.acknowledged)
            run.remove()
            tap.note(f'{fs}: {run.looks} snapshots with {run.rows} rows, {run.acknowledged} commits, '
                     f'{run.files} files held against rows, '
                     f'{run.copied} orphans copied')
        shutil.rmtree(work, ignore_errors=True)
    return summary


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--failovers', type=int, default=4, help='in all')
    parser.add_argument('--between', type=int, default=2, help='rounds before each failover')
    parser.add_argument('--fs', default='ext4,xfs')
    parser.add_argument('--until-loss', action='store_true', help='end once something is lost')
    parser.add_argument('--seed', default='1')
    parser.add_argument('--results')
    args = parser.parse_args()
    systems = args.fs.split(',')
    why = powercut.impossible(systems)
    if why:
        tap.skip_all(why)
    if not os.environ.get('FFU_OWN_NAMESPACE'):
        os.environ['FFU_OWN_NAMESPACE'] = 'yes'
        os.execvp('unshare', ['unshare', '--mount', '--propagation', 'private', sys.executable] + sys.argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for i, fs in enumerate(systems):
        failovers = args.failovers // len(systems) + (i < args.failovers % len(systems))
        if not failovers:
            continue
        summary = one(fs, failovers, args)
        if args.results:
            with open(args.results, 'a') as f:
                f.write(json.dumps(summary) + '\n')
    tap.done()


if __name__ == '__main__':
    main()
