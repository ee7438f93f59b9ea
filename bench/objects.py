"""The object store of the benchmark: Ceph's, started as the tests start it."""

import os
import shutil
import sys
import time

from server import Failed, Place, run

ORACLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../test/oracle")
CONNECTIONS = 8


class Store:
    """A gateway of its own, which keeps all in memory; a bucket for ffu and one for applications."""

    def __init__(self, work):
        sys.path.append(ORACLE)
        import place  # pylint: disable=import-outside-toplevel
        self.rgw, self.dir = os.path.join(ORACLE, "../rgw"), os.path.join(work, "store")
        # What an earlier run has left, where the directory is kept
        shutil.rmtree(self.dir, ignore_errors=True)
        port = place.free_ports(3)
        self.endpoint = f"http://127.0.0.1:{port}"
        self.run("start", str(port))
        self.bucket = place.client().Bucket
        client = self.bucket(self.credentials, self.endpoint + "/ffu")
        client.ask("PUT")
        self.keys = f"{client.id}:{client.secret}"
        self.applications = None
        self.number = 0
        self.empty()

    def run(self, command, *args):
        # The store's own lines are in files below its directory.
        run([self.rgw, command, self.dir, *args], env={**os.environ, "FFU_STORE_SIZE": "16G"})

    @property
    def credentials(self):
        return os.path.join(self.dir, "keys")

    def admin(self, *words):
        run(["radosgw-admin", "-c", os.path.join(self.dir, "ceph.conf"), *words])

    def empty(self):
        """Takes the objects of the applications away, and what ffu has removed."""
        if self.applications:
            self.admin("bucket", "rm", "--bucket=" + self.applications, "--purge-objects", "--bypass-gc")
            self.admin("gc", "process", "--include-all")
        self.number += 1
        self.applications = f"applications{self.number}"
        self.bucket(self.credentials, self.url).ask("PUT")

    @property
    def url(self):
        """The bucket of the applications."""
        return f"{self.endpoint}/{self.applications}"

    def stop(self):
        self.run("stop")


def missing():
    """Why there is no object store on this machine; "" if there can be one."""
    tools = [tool for tool in ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin") if shutil.which(tool) is None]
    if tools:
        return f"Ceph is not installed ({', '.join(tools)})"
    try:
        run(["/usr/bin/python3", "-c", "import boto3, psycopg2"])
    except Failed:
        return "boto3 or psycopg2 is not installed for /usr/bin/python3"
    return ""


class BucketPlace(Place):
    """A database whose table "photos" is in a bucket; the files of the table "shared" are in the folder."""

    def __init__(self, name, server, directory, store):
        super().__init__(name, server, directory, "in a bucket")
        self.store = store
        self.sql("SET client_min_messages = error", f"SELECT ffu.use_bucket('{store.endpoint}/ffu')",
                 "SELECT ffu.alter_column('photos', 'f', store => 'bucket')")

    def sweep(self):
        # The server's worker removes objects as well.
        deadline = time.monotonic() + 60
        while super().sweep() and time.monotonic() < deadline:
            time.sleep(0.05)
        return super().sweep()

    def clear(self):
        super().clear()
        left = self.sql("SELECT count(*) FROM ffu.intent")
        if left != "0":
            raise Failed(f"{left} intents are left in {self.name}")
        self.sql("VACUUM ffu.intent")
        self.store.empty()
