#!/usr/bin/python3
"""Answers for web servers that cannot check the signatures of ffu: Caddy and Apache.

    verify.py PORT [CONNECTION]

A WSGI application: your application can do the same in a view. It needs a role that
may connect, and nothing else: verify_url belongs to everybody. The connection string
is that of libpq, "dbname=blog user=web" for example.

Caddy asks for /verify with the URL in X-Forwarded-Uri, and wants 2xx or the answer.
Apache hands the request for the file over, and takes the name in X-Sendfile.
"""

import os
import sys
import urllib.parse
import wsgiref.simple_server

import psycopg2

FOLDER = os.environ.get('FFU_FOLDER', '/srv/ffu')
connection = None


def verified(url):
    """The path of a signed URL and headers for its file, or None: forged, or too old."""
    global connection
    name = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query).get('download', [None])[0]
    try:
        if connection is None or connection.closed:
            connection = psycopg2.connect(sys.argv[2] if len(sys.argv) > 2 else '')
            connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute('SELECT path, ffu.headers(path, %s, download => %s) FROM ffu.verify_url(%s) path'
                           ' WHERE path IS NOT NULL', [name, name is not None, url])
            return cursor.fetchone()
    except ValueError:  # a null character, which no text of PostgreSQL has
        return None
    except psycopg2.OperationalError:
        connection = None
        raise


def application(environ, start_response):
    asks = environ['PATH_INFO'] == '/verify'
    found = verified(environ.get('HTTP_X_FORWARDED_URI', '') if asks else environ['RAW_URI'])
    if found is None:
        start_response('403 Forbidden', [('Content-Length', '0')])
        return []
    path, headers = found
    if asks:
        start_response('204 No Content', list(headers.items()))
    else:
        start_response('200 OK', [('X-Sendfile', FOLDER + '/' + path), *headers.items()])
    return []


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def get_environ(self):
        # PATH_INFO is decoded, and the signature is of the URL as sent.
        return {**super().get_environ(), 'RAW_URI': self.path}

    def log_message(self, *_):
        """A signed URL is a right, and belongs in no log."""


if __name__ == '__main__':
    wsgiref.simple_server.make_server('127.0.0.1', int(sys.argv[1]), application, handler_class=Handler).serve_forever()
