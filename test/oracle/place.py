"""Where the files of a run are: in a folder, in a bucket of an object store, or in both.

A path means the same bytes in both places. The client of the bucket is the tests' own
(test/bucket), not ffu's. With harm, ffu speaks to the store by way of test/proxy.
"""

import hashlib
import http.client
import importlib.machinery
import importlib.util
import os
import socket
import subprocess
import sys
import time

import model

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER = os.path.join(HERE, '..', os.environ.get('FFU_TEST_STORE', 'rgw'))
FOLDER, BUCKET, BOTH = 'folder', 'bucket', 'both'


def client():
    """The module of test/bucket, whose name has no ending."""
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader('bucket', os.path.join(HERE, '../bucket'))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('bucket', loader))
    loader.exec_module(module)
    return module


def free_ports(n):
    """The first of n ports in a row that nobody listens on.

    Others that look at the same time begin elsewhere: a server needs seconds to listen."""
    for port in range(20000 + os.getpid() % 2000 * n, 60000, n):
        try:
            for i in range(n):
                with socket.socket() as s:
                    s.bind(('127.0.0.1', port + i))
            return port
        except OSError:
            pass
    raise RuntimeError('no port is free')


class Place:
    """The folder alone."""

    kind, conf, harms = FOLDER, '', 0

    def __init__(self, root):
        self.root = root
        self.hashes = {}            # of files and objects, which never change

    def start(self, cursor):
        """After ffu.use_folder."""

    def remove(self):
        pass

    def declare(self, cursor, columns):
        """Says where new files of these columns go."""

    def read(self, path):
        """The digest of a file. Raises FileNotFoundError."""
        return model.file_sha256(os.path.join(self.root, path))

    def objects(self, start=''):
        """The objects of the bucket whose keys begin so: key, and a name for the bytes."""
        return {}

    def sweep(self, cursor):
        """Lets the time pass in which a late request may arrive."""

    def harm(self):
        """Lets the proxy do harm at random."""

    def calm(self):
        """Ends that, and waits until all late requests have arrived."""


class Bucket(Place):
    """A folder, which has the spool, and a bucket that has the files of columns."""

    def __init__(self, root, work, kind, harms):
        super().__init__(root)
        self.kind, self.harms = kind, harms
        self.dir = os.path.join(work, 'store')
        # The store has five, and the proxy the last.
        self.port = free_ports(6)
        self.direct = f'http://127.0.0.1:{self.port}/oracle'
        self.url = f'http://127.0.0.1:{self.port + 5}/oracle' if harms else self.direct
        self.client = None
        self.proxy = None
        self.run_server('start', str(self.port))
        self.conf = (f"ffu.credentials_file = '{self.dir}/keys'\n"
                     'ffu.store_timeout = 10s\n')
        if harms:
            self.start_proxy()

    def start_proxy(self):
        self.set_harms('')
        self.proxy = subprocess.Popen([sys.executable, '-B', os.path.join(HERE, '../proxy'), str(self.port + 5),
                                       str(self.port), self.dir + '/harms'])
        end = time.time() + 60
        while True:
            try:
                socket.create_connection(('127.0.0.1', self.port + 5)).close()
                return
            except OSError:
                if time.time() > end:
                    raise
                time.sleep(0.02)

    def set_harms(self, text):
        with open(self.dir + '/harms.mine', 'w') as f:
            f.write(text)
        os.rename(self.dir + '/harms.mine', self.dir + '/harms')

    def harm(self):
        if self.harms:
            self.set_harms(f'random {self.harms}\n')

    def calm(self):
        if self.harms:
            self.set_harms('release\n')
            connection = http.client.HTTPConnection('127.0.0.1', self.port + 5, timeout=60)
            connection.request('GET', '/idle')
            connection.getresponse().read()
            connection.close()

    def run_server(self, command, *args):
        subprocess.run([SERVER, command, self.dir, *args], check=True)

    def start(self, cursor):
        self.client = client().Bucket(self.dir + '/keys', self.direct)
        self.client.ask('PUT')
        cursor.execute(f"SET client_min_messages = error; SELECT ffu.use_bucket('{self.url}')")

    def remove(self):
        if self.proxy:
            self.proxy.kill()
            self.proxy.wait()
        self.run_server('stop')

    def declare(self, cursor, columns):
        for i, c in enumerate(columns):
            if self.kind == BUCKET or i % 2:
                cursor.execute(f"SELECT ffu.alter_column('{c.table}', '{c.column}', store => 'bucket')")

    def get(self, path):
        try:
            return hashlib.sha256(self.client.ask('GET', path)).hexdigest()
        except OSError as e:
            if 'NoSuchKey' not in str(e):
                raise
            raise FileNotFoundError(path) from e

    def read(self, path):
        # A file may move while it is looked for.
        for look in (super().read, self.get, super().read, self.get):
            try:
                return look(path)
            except FileNotFoundError:
                pass
        raise FileNotFoundError(path)

    def objects(self, start=''):
        return {key: tag for _, tag, key in self.client.keys(start) if not key.startswith('.ffu/')}

    def sweep(self, cursor):
        cursor.execute("UPDATE ffu.intent i SET noted_at = noted_at - interval '2 hours', "
                       "removed_at = removed_at - interval '2 hours' "
                       "FROM (SELECT ctid FROM ffu.intent FOR UPDATE SKIP LOCKED) l WHERE i.ctid = l.ctid")
        if self.harms:
            cursor.execute('UPDATE ffu.deletion SET next_try = NULL')


def make(kind, root, work, harms=0):
    return Place(root) if kind == FOLDER else Bucket(root, work, kind, harms)
