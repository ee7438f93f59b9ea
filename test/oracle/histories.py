"""Random histories: concurrent sessions, killed now and then, judged by the oracle.

    histories.py [--seconds N] [--seed N] [--workers N] [--place folder|bucket|both]
        [--harm PERCENT]

With a bucket the files of all columns are objects, with both those of every second
column, and all files move there and back while the sessions work. With --harm so much of
the requests to the store are late, lost, cut off, slow, or answered wrongly, and some
keys cannot be stored at all. Late requests arrive after the first sweep.
"""

import argparse
import faulthandler
import os
import random
import signal
import sys
import time

import model
import place
import tap
import workload
from server import Server, work_directory


class Histories:
    def __init__(self, work, seed, workers, kind, harms):
        self.seed, self.count = seed, workers
        self.random = random.Random(seed)
        self.root = os.path.join(work, 'root')
        self.place = place.make(kind, self.root, work, harms)
        self.server = Server(work, conf='autovacuum_naptime = 1s\nlog_min_messages = error\n'
                             'deadlock_timeout = 50ms\n' + self.place.conf)
        self.moves = 0
        self.counters = [0] * workers
        self.totals = {}
        self.hashes = {}
        self.kills = {'server': 0, 'backend': 0, 'none': 0}
        self.transactions = 0
        self.looks = 0

    def start(self):
        self.server.init()
        self.server.start()
        cursor = self.server.connect().cursor()
        cursor.execute('CREATE EXTENSION ffu')
        cursor.execute(f"SELECT ffu.use_folder('{self.root}')")
        self.place.start(cursor)
        cursor.execute(workload.SETUP)
        self.place.declare(cursor, workload.COLUMNS)
        cursor.connection.close()

    def round(self, number):
        """Runs sessions for a while, hurts them, lets them end, asks the oracle."""
        rng = random.Random(f'{self.seed}/{number}')
        # Alone, a session removes what it dooms at once; beside others it may not.
        workers = [workload.Worker(self.server, i, f'{self.seed}/{number}', self.counters[i])
                   for i in range(rng.choice([1, 2, self.count, self.count]))]
        reader = workload.Reader(self.server, self.place, f'{self.seed}/{number}')
        mover = workload.Mover(self.server)
        if self.place.harms:
            # The store does not answer: an error of the transaction.
            for w in workers + [mover]:
                w.EXPECTED = w.EXPECTED | {'58030'}
        self.place.harm()
        threads = workers + ([reader] if len(workers) > 1 else []) + ([mover] if self.place.kind == place.BOTH else [])
        for w in threads:
            w.start()
        kinds = []
        for _ in range(rng.randint(1, 3)):
            time.sleep(rng.uniform(0.1, 0.7))
            kind = rng.choice(['server', 'backend', 'none'])
            kinds.append(kind)
            self.kills[kind] += 1
            self.hurt(kind, workers, rng)
        for w in threads:
            w.stopping.set()
        for w in threads:
            w.join(60)
        self.server.wait_up()
        wrong = [self.hung(w) for w in workers if w.is_alive()]
        wrong += [u for w in workers for u in w.unexpected] + reader.wrong + mover.wrong
        if mover.is_alive():
            wrong.append(self.hung(mover))
        self.moves += mover.moves
        self.looks += reader.looks
        cursor = self.server.connect().cursor()
        cursor.execute('SET client_min_messages = error; SELECT FROM ffu.sweep()')
        self.place.calm()
        workload.end_prepared(cursor, workers, rng)
        wrong += model.sweep(cursor, self.place)
        rows = model.read_rows(cursor, workload.COLUMNS)
        # A server that is killed between the removal of a moved file and of its directory
        # leaves the directory.
        wrong += [t for _, t in model.compare(rows, self.root, self.hashes, self.place)
                  if self.place.kind != place.BOTH or not t.startswith('EMPTY DIRECTORY')]
        wrong += workload.compare_log(cursor, workers)
        cursor.execute('TRUNCATE log')
        cursor.connection.close()
        for w in workers:
            self.counters[w.number] = w.n
            for what, n in w.counts.items():
                self.totals[what] = self.totals.get(what, 0) + n
        transactions = sum(self.counters) - self.transactions
        self.transactions += transactions
        tap.ok(not wrong, f'round {number} of seed {self.seed}: {len(workers)} sessions, {transactions} transactions, '
               f'killed {", ".join(kinds)}; {sum(r[4] is not None for r in rows)} files', *wrong[:12])

    def hung(self, worker):
        """Says what a session waits for, and ends it."""
        cursor = self.server.connect().cursor()
        cursor.execute("SELECT pid, state, wait_event_type, wait_event, query FROM pg_stat_activity "
                       "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
        faulthandler.dump_traceback()
        return f'HANGS: {worker.name}: {cursor.fetchall()}'

    def hurt(self, kind, workers, rng):
        if kind == 'server':
            self.server.kill()
            self.server.start()
        elif kind == 'backend':
            pid = rng.choice(workers).pid
            if pid in self.server.pids() and pid != self.server.process.pid:
                os.kill(pid, 9)
                self.server.wait_up()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser()
    parser.add_argument('--seconds', type=float, default=20)
    parser.add_argument('--seed', default=None)
    parser.add_argument('--workers', type=int, default=6)
    parser.add_argument('--preload', action='store_true')
    parser.add_argument('--place', choices=[place.FOLDER, place.BUCKET, place.BOTH], default=place.FOLDER)
    parser.add_argument('--until-loss', action='store_true')
    parser.add_argument('--harm', type=float, default=0)
    parser.add_argument('--results')
    args = parser.parse_args()
    seed = args.seed or str(random.SystemRandom().randrange(10 ** 6))
    tap.note(f'seed {seed}')
    work = work_directory('histories')
    histories = Histories(work, seed, args.workers, args.place, args.harm)
    begin = time.time()
    try:
        if args.preload:
            histories.server.conf += "shared_preload_libraries = 'ffu'\n"
        histories.start()
        number = 0
        while time.time() < begin + args.seconds and not (args.until_loss and tap.failed):
            number += 1
            histories.round(number)
        tap.note(f'{histories.transactions} transactions in {number} rounds; killed {histories.kills}')
        if args.place == place.BOTH:
            tap.note(f'all files moved {histories.moves} times')
        tap.note(str(dict(sorted(histories.totals.items()))))
        if args.results:
            import json
            with open(args.results, 'a') as f:
                f.write(json.dumps(dict(kind='histories', seed=seed, rounds=number, preload=args.preload, place=args.place,
                                        harm=args.harm,
                                        transactions=histories.transactions, looks=histories.looks, kills=histories.kills,
                                        failed=tap.failed)) + '\n')
    finally:
        histories.place.remove()
        if os.environ.get('FFU_KEEP'):
            histories.server.kill()
            tap.note('kept ' + work)
        else:
            histories.server.remove()
    tap.done()


if __name__ == '__main__':
    main()
