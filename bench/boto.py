#!/usr/bin/python3
"""The sides of the benchmark that store objects by boto3, as applications do.

    boto.py put_row|row_put [option=value]...

    put_row     the object, then the row and its COMMIT
    row_put     the row and its COMMIT, then the object, as Active Storage does it

Options as of the client (client.c): conninfo, table, url, keys, source (a file with the
bytes), count, limit, one, and connections. All in one go, put_row sends over as many
connections; row_put sends one object after the other, as Active Storage does. The
connections and one store are not timed. It prints what the client prints.
"""

import concurrent.futures
import os
import sys
import time

import boto3
import botocore.config
import psycopg2


class Application:
    def __init__(self, options):
        self.options = options
        self.endpoint, self.bucket = options["url"].rsplit("/", 1)
        self.connections = int(options.get("connections", 1))
        with open(options["source"], "rb") as file:
            self.bytes = file.read()
        self.insert = f"INSERT INTO {options['table']} (title, name, path) VALUES ('A photo', 'photo.png', %s)"
        key, secret = options["keys"].split(":", 1)
        self.store = boto3.client(
            "s3", endpoint_url=self.endpoint, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1",
            config=botocore.config.Config(max_pool_connections=self.connections, s3={"addressing_style": "path"}))
        self.database = psycopg2.connect(options["conninfo"])

    def put(self, key):
        self.store.put_object(Bucket=self.bucket, Key=key, Body=self.bytes, ContentType="image/png")

    def rows(self, keys):
        with self.database, self.database.cursor() as cursor:
            for key in keys:
                cursor.execute(self.insert, (key,))

    def put_row(self, keys, pool):
        if pool is None:
            for key in keys:
                self.put(key)
        else:
            list(pool.map(self.put, keys))
        self.rows(keys)

    def row_put(self, keys, _):
        self.rows(keys)
        for key in keys:
            self.put(key)


def main(side, *words):
    options = {name: value for name, _, value in (word.partition("=") for word in words)}
    application = Application(options)
    one = getattr(application, side)
    count, limit = int(options.get("count", 1)), float(options.get("limit", 0))
    keys = [f"boto/{os.getpid()}-{i}.png" for i in range(count)]
    with concurrent.futures.ThreadPoolExecutor(application.connections) as pool:
        one([f"boto/{os.getpid()}-first.png"], None)
        if "one" in options:
            # As many connections as there are threads.
            list(pool.map(application.put, [f"boto/{os.getpid()}-first-{i}.png" for i in range(application.connections)]))
        start = time.monotonic()
        done = 0
        if "one" in options:
            one(keys, pool)
            done = count
        else:
            while done < count and (not limit or time.monotonic() < start + limit):
                one([keys[done]], None)
                done += 1
        print(f"seconds={time.monotonic() - start:.6f} operations={done} memory_kb=0")


if __name__ == "__main__":
    main(*sys.argv[1:])
