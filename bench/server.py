"""The throwaway servers of the benchmark, and the programs that it starts."""

import os
import signal
import subprocess
import time

SETTINGS = {
    "shared_buffers": "256MB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "max_connections": "40",
    "max_prepared_transactions": "2",
}


class Failed(Exception):
    """A program of the benchmark has failed; its message says how."""


def run(args, **options):
    """Runs a program and returns what it prints; its failure is an error."""
    done = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(str(a)[:200] for a in args)}\n{done.stdout}{done.stderr}")
    return done.stdout


def mount_of(path):
    """Device, kind and options of the file system that a path is on."""
    best = ("?", "", "?", "?")
    real = os.path.realpath(path)
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            device, point, kind, options = line.split()[:4]
            if (real + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best[1]):
                best = (device, point, kind, options)
    return best[0], best[2], best[3]


def has_journal(device, kind):
    """Whether a file system has a journal, as far as that can be told."""
    if kind not in ("ext2", "ext3", "ext4"):
        return kind in ("xfs", "btrfs")
    name = os.path.basename(device)
    try:
        return any(entry.startswith(name + "-") for entry in os.listdir("/proc/fs/jbd2"))
    except OSError:
        return False


class Server:
    """A cluster of its own, reached by a socket in its directory."""

    def __init__(self, bindir, directory, name, preload=False, durable=True, more=""):
        self.bindir, self.name = bindir, name
        self.data = os.path.join(directory, name)
        self.log = self.data + ".log"
        self.socket = os.path.join(directory, name + ".s")
        os.makedirs(self.socket, mode=0o700)
        run([self.tool("initdb"), "-D", self.data, "-U", "postgres", "-A", "trust",
             "-N", "--no-locale", "-E", "UTF8"])
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as conf:
            conf.write(f"listen_addresses = ''\nunix_socket_directories = '{self.socket}'\n")
            for setting, value in SETTINGS.items():
                conf.write(f"{setting} = '{value}'\n")
            if not durable:
                conf.write("fsync = off\n")
            if preload:
                conf.write("shared_preload_libraries = 'ffu'\n")
            conf.write(more)
        self.start()

    def tool(self, name):
        return os.path.join(self.bindir, name)

    def start(self):
        run([self.tool("pg_ctl"), "-D", self.data, "-l", self.log, "-w", "-t", "300", "-s", "start"])

    def stop(self, mode="fast"):
        run([self.tool("pg_ctl"), "-D", self.data, "-m", mode, "-s", "-t", "300", "stop"])

    def kill(self):
        """Kills every process of the server at once, and waits until they are gone."""
        with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
            postmaster = int(file.readline())
        family = [postmaster] + [int(p) for p in run(
            ["ps", "-o", "pid=", "--ppid", str(postmaster)]).split()]
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + 60
        while any(os.path.exists(f"/proc/{pid}") for pid in family):
            if time.monotonic() > deadline:
                raise Failed(f"the server in {self.data} does not go away")
            time.sleep(0.01)

    def conninfo(self, database):
        return f"host={self.socket} user=postgres dbname={database}"

    def sql(self, *commands, database="postgres"):
        """Runs SQL commands and returns what psql prints, unaligned and without headings."""
        words = [word for command in commands for word in ("-c", command)]
        return run([self.tool("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1",
                    "-d", self.conninfo(database), *words]).rstrip("\n")


class Place:
    """A database with its tables, and beside its folder one for the files of applications."""

    def __init__(self, name, server, directory, title):
        self.name, self.server, self.title = name, server, title
        self.folder = os.path.join(directory, f"{name}.folder")
        self.files = os.path.join(directory, f"{name}.files")
        os.makedirs(self.folder, mode=0o750)
        os.makedirs(self.files, mode=0o750)
        self.directory = directory
        server.sql(f"CREATE DATABASE {name}")
        self.sql(f"""
            CREATE EXTENSION ffu;
            SELECT ffu.use_folder('{self.folder}');
            CREATE TABLE photos (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text);
            SELECT ffu.add_column('photos', 'f', allowed_extensions => '{{*}}');
            CREATE TABLE shared (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text);
            SELECT ffu.add_column('shared', 'f', allowed_extensions => '{{*}}',
                                  path_template => '{{table}}/{{column}}-{{token}}{{ext}}');
            CREATE TABLE in_rows (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text,
                                  name text, f bytea);
            ALTER TABLE in_rows ALTER f SET STORAGE EXTERNAL;
            CREATE TABLE in_objects (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text,
                                     name text, f oid);
            CREATE TABLE beside (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text,
                                 name text, path text);
        """)

    def sql(self, *commands):
        return self.server.sql(*commands, database=self.name)

    def conninfo(self):
        return self.server.conninfo(self.name)

    def clear(self):
        """Takes all files and rows away; the next row of each table has id 1."""
        self.sql("TRUNCATE photos, shared, in_rows, in_objects, beside RESTART IDENTITY")
        # Each large object takes a lock until the end of the transaction.
        self.sql("""DO $$ BEGIN LOOP
                        PERFORM lo_unlink(oid) FROM (SELECT oid FROM pg_largeobject_metadata LIMIT 2000) AS few;
                        EXIT WHEN NOT FOUND;
                        COMMIT;
                    END LOOP; END $$""")
        self.sql("VACUUM pg_largeobject")
        # The worker of a preloaded server may be at work on the same deletions.
        deadline = time.monotonic() + 60
        while left := self.sweep():
            if time.monotonic() > deadline:
                raise Failed(f"{left} deletions are left in {self.name}")
        self.sql("VACUUM ffu.deletion")
        run(["find", self.files, "-mindepth", "1", "-delete"])

    def sweep(self):
        """Removes the files of rows that are gone; how many are left."""
        self.sql("SELECT ffu.sweep()")
        return int(self.sql("SELECT count(*) FROM ffu.deletion"))

    def settle(self):
        """Lets nothing be written any more that an earlier measurement has left."""
        self.server.sql("CHECKPOINT")
        run(["sync", "-f", self.files])
