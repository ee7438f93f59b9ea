#!/usr/bin/python3
"""Starts a server for run.js, which tests the package with node-postgres.

    run.py
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../../test/oracle"))

import server as servers


def main():
    work = servers.work_directory("npm")
    server = servers.Server(os.path.join(work, "server"), "autovacuum = off\nfsync = off")
    os.mkdir(server.work)
    try:
        server.init()
        server.start()
        environment = {**os.environ, "PGHOST": server.socket, "PGUSER": "postgres", "PGDATABASE": "postgres", "FOLDER": os.path.join(work, "folder"),
                       "NODE_PATH": os.environ.get("NODE_PATH", "") + ":/usr/share/nodejs:/usr/lib/nodejs:/usr/local/lib/node_modules"}
        status = subprocess.run(["node", os.path.join(HERE, "run.js")], env=environment, stderr=subprocess.STDOUT).returncode
    finally:
        server.remove()
    sys.exit(status)


if __name__ == "__main__":
    main()
