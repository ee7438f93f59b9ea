#!/usr/bin/env python3
"""Direct uploads: a page whose files go from the browser into the bucket.

    server.py PORT DSN        for example: server.py 1080 "dbname=blog user=direct"

The page asks /begin for a signed URL, sends the bytes there, and calls /finish; then
the file is a row of the table "videos" (schema.sql). No byte passes this server or the
database. The bucket must allow the page's origin (cors.xml). Put TLS and your own login
in front: whoever may call /begin may store a file in the bucket.
"""
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'index.html')
LONGEST = 10000         # of a request to this server, which has no file in it

# What the database refuses, as a status.
STATUS = {
    '22023': 400,       # not a file name, not a checksum
    '23514': 422,       # too large, or not a kind of file that the column takes
    '42501': 403,       # begun by another role
    '42704': 404,       # unknown, finished, given up or expired
    '53400': 507,       # a limit: a quota, or the number of uploads
    '55000': 409,       # the bytes are not in the bucket
}


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, body, kind='application/json'):
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path != '/':
            return self.answer(404, b'{}')
        with open(PAGE, 'rb') as page:
            return self.answer(200, page.read(), 'text/html; charset=utf-8')

    def do_POST(self):
        work = {'/begin': begin, '/finish': finish}.get(self.path)
        length = int(self.headers.get('Content-Length') or 0)
        if work is None or length > LONGEST:
            return self.answer(404 if work is None else 413, b'{}')
        try:
            asked = json.loads(self.rfile.read(length))
            db = psycopg2.connect(self.server.dsn)
        except (ValueError, psycopg2.Error):
            return self.answer(400, b'{"error": "try again later"}')
        try:
            with db, db.cursor() as cursor:
                said = work(cursor, asked)
            status = 200
        except psycopg2.Error as error:
            status = STATUS.get(error.pgcode, 503)
            said = {'error': error.diag.message_primary or 'try again later'}
        finally:
            db.close()
        return self.answer(status, json.dumps(said).encode())


def begin(cursor, asked):
    cursor.execute('SELECT upload, url, headers FROM ffu.upload_begin(%s, direct => true, size => %s, sha256 => %s)',
                   (asked.get('name'), asked.get('size'), asked.get('sha256')))
    return dict(zip(('upload', 'url', 'headers'), cursor.fetchone()))


def finish(cursor, asked):
    cursor.execute('INSERT INTO videos (video) VALUES (ffu.upload_finish(%s)) '
                   'RETURNING video__file_name, ffu.bucket_url(video)', (asked.get('upload'),))
    return dict(zip(('name', 'url'), cursor.fetchone()))


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    server = ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler)
    server.dsn = sys.argv[2]
    print(f'http://127.0.0.1:{server.server_port}', flush=True)
    server.serve_forever()
