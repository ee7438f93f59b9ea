"""A private PostgreSQL server that may be killed in every way there is.

Nothing here knows ffu. The server is a child of ours; its socket, its log and
its data directory are below the directory it is given.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import psycopg2

PATIENCE = 60

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
libc = ctypes.CDLL(None, use_errno=True)

# Backends that lose their postmaster become our children, so that nobody has
# to wait for the machine's first process to collect them.
libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def bindir():
    return subprocess.run(['pg_config', '--bindir'], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


def reap():
    """Collects children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def work_directory(name):
    """A new directory below the one script/test gave us, or below /tmp."""
    return tempfile.mkdtemp(prefix=name + '.', dir=os.environ.get('TMPDIR', '/tmp'))


class Server:
    def __init__(self, work, conf='', user=None):
        self.bin = bindir()
        self.work = work
        self.data = os.path.join(work, 'data')
        self.log = os.path.join(work, 'log')
        # A socket's name has room for 107 bytes.
        self.socket = work if len(work) < 80 else tempfile.mkdtemp(prefix='ffu.')
        self.conf = conf
        self.user = user
        self.process = None
        self.options = []
        self.starts = 0

    def as_user(self):
        """What has to be done between fork and exec of a program of the server."""
        entry = pwd.getpwnam(self.user) if self.user else None

        def become():
            if entry:
                os.setgroups([])
                os.setgid(entry.pw_gid)
                os.setuid(entry.pw_uid)
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        return become

    def init(self):
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(self.work, entry.pw_uid, entry.pw_gid)
        subprocess.run([self.bin + '/initdb', '-D', self.data, '-U', 'postgres', '-A', 'trust',
                        '-N', '--no-locale', '-E', 'UTF8'], check=True, cwd=self.work,
                       stdout=subprocess.DEVNULL, preexec_fn=self.as_user())
        with open(self.data + '/postgresql.conf', 'a') as f:
            f.write("listen_addresses = ''\n"
                    f"unix_socket_directories = '{self.socket}'\n"
                    "log_line_prefix = '%m [%p] %q%a '\n"
                    "shared_buffers = 16MB\n"
                    "max_connections = 150\n"
                    "max_prepared_transactions = 150\n"
                    "recovery_init_sync_method = syncfs\n"
                    "restart_after_crash = on\n" + self.conf + '\n')

    def start(self, **settings):
        """Starts the server; settings replace those of the last start."""
        if settings or not self.starts:
            self.options = [f'--{name}={value}' for name, value in settings.items()]
        self.starts += 1
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(
                [self.bin + '/postgres', '-D', self.data] + self.options, cwd=self.work,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=self.as_user())
        self.wait_up()

    def connect(self, name='oracle'):
        conn = psycopg2.connect(host=self.socket, user='postgres', dbname='postgres',
                                application_name=name)
        conn.autocommit = True
        return conn

    def wait_up(self):
        end = time.time() + PATIENCE
        while True:
            try:
                conn = self.connect()
                conn.cursor().execute('SELECT 1')
                conn.close()
                return
            except psycopg2.Error:
                if self.process.poll() is not None or time.time() > end:
                    sys.stderr.write(open(self.log, errors='replace').read()[-3000:])
                    raise
                time.sleep(0.02)

    def pids(self):
        """The processes that work in the data directory, postmaster included."""
        data = os.stat(self.data)
        found = []
        for name in os.listdir('/proc'):
            if name.isdigit():
                try:
                    cwd = os.stat(f'/proc/{name}/cwd')
                except OSError:
                    continue
                if (cwd.st_dev, cwd.st_ino) == (data.st_dev, data.st_ino):
                    found.append(int(name))
        return found

    def freeze(self):
        """Stops the postmaster alone: it learns of no dead child until it goes on."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self):
        """Kills everything at once, and waits until nothing is left of it."""
        end = time.time() + PATIENCE
        while True:
            pids = self.pids()
            if not pids:
                break
            if time.time() > end:
                raise RuntimeError(f'processes {pids} of the server do not end')
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.005)
        self.process.wait()
        reap()

    def stop(self):
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGINT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
        reap()

    def remove(self):
        try:
            self.kill() if self.process else None
        finally:
            shutil.rmtree(self.work, ignore_errors=True)
            if self.socket != self.work:
                shutil.rmtree(self.socket, ignore_errors=True)
