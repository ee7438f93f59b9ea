"""Power cuts: what was not on the disk is gone, and the oracle is asked.

    powercut.py [--cuts N] [--fs ext4,xfs,btrfs,unjournaled] [--layout together|apart]
                [--preload yes|no|both] [--wal small|all] [--break] [--also-broken N]
                [--until-loss] [--seed N] [--results FILE]

Data directory and folder lie on a file system in a file. While transactions
run, an instant copy of that file is taken (a reflink, atomic); the page cache
above it is not in the copy, as it would not be on a disk. Everything is killed,
the copy takes the place of the original, is mounted (which replays its journal),
the server recovers, and the work goes on from there.

Layout "apart" has two file systems in that one file, so that data directory and
folder are on different ones (ffu then syncs many files by one call) and are
still cut at the same instant.

The file system "unjournaled" is ext4 without a journal, which is repaired after
each cut. It loses names that were synced, of any program (docs/design.md), so
it is not among those that are cut if none is named.

With ffu preloaded a cut loses transaction ids of files that have their paths. So
strangers take ids and commit before the sweep decides.

--wal preloads ffu and sets ffu.wal. Three kinds of rounds take turns: small
files are stored and nothing else syncs their folder, while one checkpoint
follows another; the whole workload, with the checkpoints; files are stored,
deleted and swept, without checkpoints. With all the second kind also stores
files that are synced and take several records.

--break sets ffu.fsync to off, to show that the method sees loss.

Must be root. Mounts live in a name space of their own and vanish with us.
"""

import argparse
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
import tap
import workload
from server import Server

MB = 1024 * 1024
SIZES = {'ext4': 400, 'unjournaled': 400, 'xfs': 400, 'btrfs': 400}
MKFS = {
    'ext4': ['mkfs.ext4', '-q', '-F'],
    'unjournaled': ['mkfs.ext4', '-q', '-F', '-O', '^has_journal'],
    'xfs': ['mkfs.xfs', '-q', '-f'],
    'btrfs': ['mkfs.btrfs', '-q', '-f'],
}
# Transactions that commit between the recovery and the sweep
STRANGERS = 200
PG_USER = os.environ.get('FFU_SERVER_USER', 'postgres')


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f'{" ".join(command)}: {done.stdout.strip()}')
    return done.stdout.strip()


def impossible(systems):
    """Why power cuts cannot be made here, or None."""
    if os.getuid() != 0:
        return 'power cuts need root'
    if not os.path.exists('/dev/loop-control'):
        return 'power cuts need loop devices'
    for fs in ['xfs'] + systems:
        if not shutil.which(MKFS[fs][0]):
            return f'{MKFS[fs][0]} is missing (packages e2fsprogs, xfsprogs, btrfs-progs)'
    try:
        run('losetup', '--find')
        run('unshare', '--mount', 'true')
    except RuntimeError as e:
        return f'power cuts cannot be made here: {e}'
    return None


class Disk:
    """The file that is cut, on an xfs of its own that can copy by reflink."""

    def __init__(self, work, fs, apart):
        self.work, self.fs, self.apart = work, fs, apart
        self.loops, self.mounts = [], []
        self.outer = os.path.join(work, 'outer')
        self.at = os.path.join(work, 'disk')
        self.top = os.path.join(self.at, 'data')
        self.folder = os.path.join(self.at, 'files') if apart else self.top
        os.makedirs(self.outer)
        os.makedirs(self.at)
        os.chmod(self.at, 0o711)
        os.chmod(work, 0o711)
        image = os.path.join(work, 'outer.img')
        with open(image, 'wb') as f:
            f.truncate(6000 * MB)
        run('mkfs.xfs', '-q', '-m', 'reflink=1', image)
        run('mount', '-o', 'loop', image, self.outer)
        self.image = os.path.join(self.outer, 'disk.img')
        self.parts = 2 if apart else 1
        with open(self.image, 'wb') as f:
            f.truncate(self.parts * SIZES[fs] * MB)
        self.plug()
        for loop in self.loops:
            run(*MKFS[fs], loop)
        self.mount()

    def plug(self):
        size = SIZES[self.fs] * MB
        for part in range(self.parts):
            self.loops.append(run('losetup', '--find', '--show', '--offset', str(part * size),
                                  '--sizelimit', str(size), self.image))

    def mount(self):
        for loop, directory in zip(self.loops, (self.top, self.folder)):
            os.makedirs(directory, exist_ok=True)
            run('mount', '-t', MKFS[self.fs][0].removeprefix('mkfs.'), loop, directory)
            self.mounts.append(directory)
        if not os.path.exists(self.top + '/server'):
            for directory in {self.top, self.folder}:
                os.chmod(directory, 0o755)
            os.mkdir(self.top + '/server')
            shutil.chown(self.top + '/server', PG_USER, PG_USER)
            os.makedirs(self.folder + '/root', exist_ok=True)
            os.chmod(self.folder + '/root', 0o750)
            shutil.chown(self.folder + '/root', PG_USER, PG_USER)

    def cut(self):
        """Takes the copy. Returns the times before and after."""
        before = time.monotonic()
        run('cp', '--reflink=always', self.image, self.image + '.cut')
        return before, time.monotonic()

    def unplug(self):
        for directory in reversed(self.mounts):
            for _ in range(50):
                try:
                    run('umount', directory)
                    break
                except RuntimeError:
                    time.sleep(0.1)
            else:
                run('umount', '-l', directory)
        for loop in self.loops:
            run('losetup', '-d', loop)
        self.mounts, self.loops = [], []

    def go_on_from_cut(self):
        self.unplug()
        os.rename(self.image + '.cut', self.image)
        self.plug()
        if self.fs == 'unjournaled':
            self.repair()
        self.mount()

    def repair(self):
        """Repairs file systems without a journal, as a boot does."""
        for loop in self.loops:
            done = subprocess.run(['e2fsck', '-fy', loop], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            if done.returncode > 1:
                raise RuntimeError(f'e2fsck: {done.stdout}')

    def remove(self):
        try:
            self.unplug()
        except RuntimeError as e:
            tap.note(str(e))
        subprocess.run(['umount', '-l', self.outer], stderr=subprocess.DEVNULL)


class Loop(threading.Thread):
    """Executes a statement again and again until the server is gone."""

    def __init__(self, server, sql):
        super().__init__(daemon=True)
        self.sql = sql
        self.cursor = server.connect().cursor()
        self.count = 0

    def run(self):
        try:
            while True:
                self.cursor.execute(self.sql)
                self.count += 1
        except psycopg2.Error:
            pass


class PowerCut:
    def __init__(self, work, fs, apart, preload, seed, broken, wal):
        self.disk = Disk(work, fs, apart)
        self.wal = wal
        self.turns = {'CHECKPOINT': 0, 'SELECT FROM ffu.sweep()': 0}
        self.fs, self.apart, self.seed, self.broken = fs, apart, seed, broken
        self.random = random.Random(f'{seed}/{fs}/{apart}')
        self.server = Server(self.disk.top + '/server', user=PG_USER, conf='autovacuum_naptime = 5s\n'
                             'log_min_messages = error\nwal_recycle = off\nmin_wal_size = 32MB\nmax_wal_size = 64MB\n'
                             + ("shared_preload_libraries = 'ffu'\n" if preload else '')
                             + (f'ffu.wal = {wal}\n' if wal else '')
                             + ('ffu.fsync = off\n' if broken else ''))
        # What of the server need not survive is elsewhere.
        self.server.socket = os.path.join(work, 'socket')
        os.makedirs(self.server.socket)
        shutil.chown(self.server.socket, PG_USER, PG_USER)
        self.server.log = os.path.join(work, 'log')
        self.root = self.disk.folder + '/root'
        self.counters = [0] * 4
        self.acknowledged = 0

    def start(self):
        self.server.init()
        self.server.start()
        cursor = self.server.connect().cursor()
        cursor.execute('CREATE EXTENSION ffu')
        cursor.execute(f"SELECT ffu.use_folder('{self.root}')")
        cursor.execute(workload.SETUP)
        cursor.connection.close()
        # The set-up itself is not what is tested.
        run('sync')

    def kind(self, number):
        """The workload of a round, and what is done again and again meanwhile."""
        if not self.wal:
            return workload.Worker, None
        whole = workload.Large if self.wal == 'all' else workload.Worker
        return ((workload.Storing, 'CHECKPOINT'), (whole, 'CHECKPOINT'),
                (workload.Churning, 'SELECT FROM ffu.sweep()'))[(number - 1) % 3]

    def wait_for_syncer(self):
        """Until then commits sync their files. Returns what is wrong."""
        cursor = self.server.connect().cursor()
        end = time.monotonic() + 60
        count = 0
        while count == 0 and time.monotonic() < end:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ffu syncer'")
            count = cursor.fetchone()[0]
            time.sleep(0.02)
        cursor.connection.close()
        return [] if count else ['there is no syncer']

    def put_back(self):
        """How many files the recoveries have found in the WAL, and how many of them the disk lacked."""
        with open(self.server.log) as f:
            logged = re.findall(r'ffu found (\d+) files .* and wrote (\d+) of them', f.read())
        return [sum(int(n) for n in numbers) for numbers in zip(*logged)] or [0, 0]

    def round(self, number):
        """Cuts the power once. Returns what the oracle found wrong."""
        rng = random.Random(f'{self.seed}/{self.fs}/{self.apart}/{number}')
        kind, meanwhile = self.kind(number)
        workers = [kind(self.server, i, f'{self.seed}/{number}', self.counters[i])
                   for i in range(len(self.counters))]
        for w in workers:
            w.start()
        wrong = []
        if self.wal:
            wrong = self.wait_for_syncer()
            loop = Loop(self.server, meanwhile)
            loop.start()
        time.sleep(rng.uniform(0.3, 1.5))
        before, _ = self.disk.cut()
        for w in workers:
            w.stopping.set()
        self.server.kill()
        for w in workers:
            w.join(30)
            self.counters[w.number] = w.n
        if self.wal:
            loop.join(30)
            self.turns[meanwhile] += loop.count
        cursor = self.come_back()
        wrong += self.prepared(cursor, workers, before)
        workload.end_prepared(cursor, workers, rng)
        wrong += model.sweep(cursor)
        rows = model.read_rows(cursor, workload.COLUMNS)
        wrong += [t for _, t in model.compare(rows, self.root)]
        # A ROLLBACK PREPARED may have come after the cut; the prepared transaction
        # is then there again, and is ended anew.
        for w in workers:
            w.denied -= w.rolled_back_prepared
        wrong += workload.compare_log(cursor, workers, before)
        wrong += [u for w in workers for u in w.unexpected]
        count = sum(when < before for w in workers for when in w.acknowledged.values())
        self.acknowledged += count
        cursor.execute('TRUNCATE log')
        if any('LOST' in t or 'WRONG' in t for t in wrong):
            # Go on with what there is.
            cursor.execute('TRUNCATE authors, blogs, notes')
        cursor.connection.close()
        return wrong, count, sum(r[4] is not None for r in rows)

    def come_back(self):
        """Starts the server from the copy. Returns a cursor, after one sweep."""
        self.disk.go_on_from_cut()
        # Its process is dead, but the number may be somebody else's by now.
        lock_file = os.path.join(self.server.data, 'postmaster.pid')
        if os.path.exists(lock_file):
            os.unlink(lock_file)
        self.server.start()
        cursor = self.server.connect().cursor()
        for _ in range(STRANGERS):
            cursor.execute('SELECT pg_current_xact_id()')
        cursor.execute('SELECT FROM ffu.sweep()')
        return cursor

    def removed_directory(self):
        """A sweep has removed a file; before it syncs the directory, another session removes that
        as well. Cuts the power after the deletion is struck off; returns what the oracle found wrong."""
        reader, gate, sweeper, other = (self.server.connect().cursor() for _ in range(4))
        insert = "INSERT INTO notes (id, part, file) VALUES (1, 1, ffu.file('a.txt', 'x'))"
        other.execute(insert)
        run('sync')
        reader.execute('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM notes')
        other.execute('DELETE FROM notes')
        reader.execute('ROLLBACK')
        gate.execute('SELECT pg_advisory_lock(4660)')

        def wait_at(cursor, point, sql):
            """Runs it in a thread until it waits at the point."""
            def execute():
                try:
                    cursor.execute(sql)
                except psycopg2.errors.QueryCanceled:
                    pass
            cursor.execute(f"SET ffu.fault = '{point}:wait'")
            thread = threading.Thread(target=execute)
            thread.start()
            count = 0
            while count == 0 and thread.is_alive():
                gate.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND pid = %s",
                             (cursor.connection.get_backend_pid(),))
                count = gate.fetchone()[0]
                time.sleep(0.01)
            return thread

        # Its file is there for a while, so that the directory is not empty.
        writing = wait_at(other, 'publish-after-file', insert)
        sweeping = wait_at(sweeper, 'sweep-before-sync', 'SELECT FROM ffu.sweep()')
        came_about = writing.is_alive() and sweeping.is_alive()
        other.connection.cancel()
        writing.join(60)
        came_about = came_about and not os.path.exists(self.root + '/notes')
        gate.execute('SELECT pg_advisory_unlock(4660)')
        sweeping.join(60)
        self.disk.cut()
        self.server.kill()
        cursor = self.come_back()
        wrong = [] if came_about else ['the case did not come about']
        wrong += model.sweep(cursor)
        wrong += [t for _, t in model.compare(model.read_rows(cursor, workload.COLUMNS), self.root)]
        cursor.connection.close()
        return wrong

    @staticmethod
    def prepared(cursor, workers, before):
        """Transactions whose PREPARE was acknowledged, and that nobody ended, are there."""
        cursor.execute('SELECT gid FROM pg_prepared_xacts')
        there = {gid for gid, in cursor.fetchall()}
        return [f'LOST PREPARED: {w.number}/{n}' for w in workers for n, when in w.prepared.items()
                if when < before and f'{w.number}/{n}' not in there and n not in w.lost]

    def remove(self):
        try:
            if self.server.process:
                self.server.kill()
        finally:
            self.disk.remove()


def one(fs, apart, preload, cuts, args):
    """Cuts on one file system. Returns a summary."""
    directory = '/dev/shm' if shutil.disk_usage('/dev/shm').free > 3000 * MB else None
    work = tempfile.mkdtemp(prefix='ffu-cut.', dir=directory or os.environ.get('TMPDIR'))
    layout = ('apart' if apart else 'together') + (', preload' if preload else '') + (f', ffu.wal = {args.wal}' if args.wal else '')
    summary = dict(kind='powercut', fs=fs, layout=layout, seed=args.seed, wal=args.wal,
                   broken=args.broken, cuts=0, failed=0, lossy=0, lost_files=0, acknowledged=0, files=0)
    power = None
    try:
        power = PowerCut(work, fs, apart, preload, args.seed, args.broken, args.wal)
        power.start()
        # With ffu preloaded the worker would sweep before the sessions of this case.
        if not args.broken and not preload:
            wrong = power.removed_directory()
            tap.ok(not wrong, f'{fs}, {summary["layout"]}: a directory that was removed before its sync', *wrong)
        for number in range(1, cuts + 1):
            wrong, count, files = power.round(number)
            summary['cuts'] += 1
            summary['acknowledged'] += count
            summary['files'] += files
            lost = sum('LOST FILE' in t or 'WRONG BYTES' in t for t in wrong)
            summary['lost_files'] += lost
            summary['lossy'] += lost > 0
            label = f'{fs}, {summary["layout"]}, cut {number} of seed {args.seed}: {count} commits, {files} files'
            if args.broken:
                tap.note(f'ffu.fsync = off, {label}: {lost} files lost')
                if lost and args.until_loss:
                    break
            elif not tap.ok(not wrong, label, *model.worst(wrong)):
                summary['failed'] += 1
                if args.until_loss and any(map(model.is_verdict, wrong)):
                    break
        if args.broken:
            tap.ok(summary['lost_files'] > 0, f'{fs}: with ffu.fsync = off the method sees loss: '
                   f'{summary["lost_files"]} files in {summary["lossy"]} of {summary["cuts"]} cuts')
        if args.wal:
            found, written = power.put_back()
            summary.update(checkpoints=power.turns['CHECKPOINT'], salvaged=found, put_back=written)
            tap.note(f'{summary["checkpoints"]} checkpoints; {found} files found in the WAL, {written} of them lost by the disk')
    finally:
        if power:
            power.remove()
        shutil.rmtree(work, ignore_errors=True)
    return summary


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--cuts', type=int, default=5, help='in all')
    parser.add_argument('--seconds', type=float, default=1e9)
    parser.add_argument('--fs', default='ext4,xfs,btrfs')
    parser.add_argument('--layout', default='together,apart')
    parser.add_argument('--preload', default='both', choices=('yes', 'no', 'both'))
    parser.add_argument('--wal', choices=('small', 'all'))
    parser.add_argument('--break', dest='broken', action='store_true')
    parser.add_argument('--also-broken', type=int, default=0, help='cuts of ext4 with --break, at the end')
    parser.add_argument('--until-loss', action='store_true', help='make no more cuts once one has lost something')
    parser.add_argument('--seed', default='1')
    parser.add_argument('--results')
    args = parser.parse_args()
    systems = args.fs.split(',')
    why = impossible(systems)
    if why:
        tap.skip_all(why)
    if not os.environ.get('FFU_OWN_NAMESPACE'):
        os.environ['FFU_OWN_NAMESPACE'] = 'yes'
        os.execvp('unshare', ['unshare', '--mount', '--propagation', 'private', sys.executable] + sys.argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    kinds = [(fs, layout == 'apart') for layout in args.layout.split(',') for fs in systems]
    # Both: every other kind, and the other half where there are enough cuts.
    if args.wal:
        args.preload = 'yes'
    kinds = [(fs, apart, args.preload == 'yes' or args.preload == 'both' and i % 2 == turn)
             for turn in range(2 if args.preload == 'both' and args.cuts >= 2 * len(kinds) else 1)
             for i, (fs, apart) in enumerate(kinds)]
    end = time.time() + args.seconds
    summaries = []
    try:
        for i, (fs, apart, preload) in enumerate(kinds):
            cuts = args.cuts // len(kinds) + (i < args.cuts % len(kinds))
            if cuts and time.time() < end:
                summaries.append(one(fs, apart, preload, cuts, args))
        if args.also_broken:
            args.broken = True
            summaries.append(one('ext4', False, False, args.also_broken, args))
    finally:
        if args.results:
            with open(args.results, 'a') as f:
                f.writelines(json.dumps(s) + '\n' for s in summaries)
    tap.done()


if __name__ == '__main__':
    main()
