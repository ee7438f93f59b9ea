#!/usr/bin/env python3
"""A tus 1.0 server in front of ffu's resumable uploads.

    server.py PORT DSN        for example: server.py 1080 "dbname=blog user=tus"

Creation, termination and expiration; finished uploads become rows of the table
"videos" (schema.sql). It keeps nothing itself: the offset is in the database, so it
can be stopped, killed and doubled at any time. Put TLS and your own login in front.
"""
import base64
import hashlib
import sys
from datetime import timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2

PIECE = 1024 * 1024     # so much is appended, and committed, at a time
BASE = '/uploads/'      # another than ffu.base_url, where stored files are

# What the database refuses, as a status and, where tus has no better word, a text.
STATUS = {
    '22023': 400,       # not an id, not a file name
    '23514': 413,       # too large, or not a kind of file that the column takes
    '42501': 403,       # begun by another role
    '42704': 404,       # unknown, finished, given up or expired
    '53100': 507,       # disk full
    '53400': 507,       # a limit: a quota, or the number of uploads
    '55000': 409,       # the bytes do not follow what is there
    'XX001': 410,       # the bytes are lost, as after a failover: begin again
}


def digest(upload):
    return hashlib.sha256(upload.encode()).hexdigest()


def request(method):
    """A request: checks the version, connects, and answers what goes wrong."""
    def do(self):
        self.read_all = self.headers.get('Content-Length', '0') == '0' and 'Transfer-Encoding' not in self.headers
        if 'Transfer-Encoding' in self.headers:
            # A body in chunks would be read as the next request.
            return self.answer(411)
        if self.command != 'OPTIONS' and self.headers.get('Tus-Resumable') != '1.0.0':
            return self.answer(412, {'Tus-Version': '1.0.0'})
        self.db = None
        try:
            self.db = psycopg2.connect(self.server.dsn)
            method(self)
        except psycopg2.Error as error:
            self.answer(STATUS.get(error.pgcode, 503), text=error.diag.message_primary or 'try again later')
        except ValueError:
            self.answer(400)
        finally:
            if self.db:
                self.db.close()
    return do


class Tus(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    # The database: each call is a transaction

    def run(self, statement, *values):
        """The first row that a statement returns, committed."""
        with self.db, self.db.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()

    def look(self, upload):
        """(size, length, expires) of an upload; expires is None for one that is done."""
        try:
            return self.run('SELECT size, max_size, expires_at FROM ffu.upload_status(%s)', upload)
        except psycopg2.errors.UndefinedObject:
            done = self.run('SELECT video__size FROM videos WHERE upload_sha256 = %s', digest(upload))
            if done is None:
                raise
            return done[0], done[0], None

    def append(self, upload, start, piece, last):
        """The piece; with the last one the upload becomes a row, or nothing happens."""
        with self.db, self.db.cursor() as cursor:
            if piece:
                cursor.execute('SELECT ffu.upload_append(%s, %s, %s)', (upload, start, piece))
            if last:
                cursor.execute('INSERT INTO videos (upload_sha256, video) VALUES (%s, ffu.upload_finish(%s))',
                               (digest(upload), upload))

    # Requests

    @request
    def do_OPTIONS(self):
        self.answer(204, {'Tus-Version': '1.0.0', 'Tus-Extension': 'creation,termination,expiration'})

    @request
    def do_POST(self):
        if self.path.rstrip('/') != BASE.rstrip('/'):
            return self.answer(404)
        length = self.number('Upload-Length')
        if length is None:
            return self.answer(400, text='Upload-Length is missing, or no number')
        upload, = self.run('SELECT ffu.upload_begin(%s, true, %s)', self.file_name(), max(length, 1))
        if length == 0:
            self.append(upload, 0, b'', True)
        self.answer(201, {'Location': BASE + upload, 'Upload-Expires': self.expires(self.look(upload))})

    @request
    def do_HEAD(self):
        looked = self.look(self.upload())
        self.answer(200, {'Upload-Offset': looked[0], 'Upload-Length': looked[1],
                          'Upload-Expires': self.expires(looked), 'Cache-Control': 'no-store'})

    @request
    def do_PATCH(self):
        if self.headers.get('Content-Type') != 'application/offset+octet-stream':
            return self.answer(415)
        upload, offset, left = self.upload(), self.number('Upload-Offset'), self.number('Content-Length')
        if offset is None or left is None:
            return self.answer(400, text='Upload-Offset or Content-Length is missing')
        size, length, expires = self.look(upload)
        if offset != size or expires is None:
            return self.answer(409, text=f'the offset is {size}')
        if offset + left > length:
            return self.answer(413)
        while left > 0:
            # What has come by the time a client is cut off is kept.
            piece = self.rfile.read(min(PIECE, left))
            if not piece:
                break
            self.append(upload, offset, piece, offset + len(piece) == length)
            offset += len(piece)
            left -= len(piece)
        self.read_all = left == 0
        self.answer(204, {'Upload-Offset': offset, 'Upload-Expires': self.expires(self.look(upload))})

    @request
    def do_DELETE(self):
        self.run('SELECT ffu.upload_cancel(%s)', self.upload())
        self.answer(204)

    # What requests and answers are made of

    def upload(self):
        return self.path.removeprefix(BASE).replace('%3A', ':')

    def number(self, header):
        value = self.headers.get(header, '')
        return int(value) if value.isascii() and value.isdigit() else None

    def file_name(self):
        """The name in Upload-Metadata: "filename d29ybGQ=,filetype dmlkZW8="."""
        for pair in self.headers.get('Upload-Metadata', '').split(','):
            key, _, value = pair.strip().partition(' ')
            if key == 'filename' and value:
                return base64.b64decode(value).decode(errors='replace')
        return None

    @staticmethod
    def expires(looked):
        return looked[2] and format_datetime(looked[2].astimezone(timezone.utc), usegmt=True)

    def answer(self, status, headers=None, text=''):
        body = text.encode() if self.command != 'HEAD' else b''
        self.send_response(status)
        self.send_header('Tus-Resumable', '1.0.0')
        if status != 204:
            self.send_header('Content-Length', str(len(body)))
        if not self.read_all:
            self.send_header('Connection', 'close')
        for name, value in (headers or {}).items():
            if value is not None:
                self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)


def main():
    server = ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Tus)
    server.dsn = sys.argv[2]
    print(f'http://127.0.0.1:{server.server_port}{BASE}', flush=True)
    server.serve_forever()


if __name__ == '__main__':
    main()
