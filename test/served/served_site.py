"""A server with ffu, and nginx with the configuration of examples/nginx before an application."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, '../..')
sys.path.insert(0, os.path.join(HERE, '../oracle'))

import psycopg2
import server as servers

PATIENCE = 60


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Site:
    def __init__(self, name, conf=''):
        self.work = servers.work_directory(name)
        self.folder = os.path.join(self.work, 'folder')
        self.server = servers.Server(os.path.join(self.work, 'server'), 'autovacuum = off\nfsync = off\n' + conf)
        os.mkdir(self.server.work)
        self.server.init()
        self.server.start()
        self.nginx = self.connection = None
        self.port = free_port()
        self.sql('CREATE EXTENSION ffu')
        self.sql('SELECT ffu.use_folder(%s)', self.folder)

    def connect(self, user='postgres'):
        connection = psycopg2.connect(host=self.server.socket, user=user, dbname='postgres')
        connection.autocommit = True
        return connection

    def sql(self, statement, *values):
        """The first column of the first row, or None."""
        self.connection = self.connection or self.connect()
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchone()[0] if cursor.description else None

    def write_secrets(self):
        with open(os.path.join(self.work, 'ffu-secrets.conf'), 'w', encoding='utf-8') as file:
            file.write(self.sql('SELECT ffu.nginx_secrets()'))

    def configure(self, application='http://127.0.0.1:8000;', more_http='', more_server=''):
        """The example as it stands, for these directories and as who we are."""
        work = self.work
        temporary = ' '.join(f'{what}_temp_path {work}/{what};' for what in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
        for name in ('nginx.conf', 'signed.conf'):
            with open(os.path.join(TOP, 'examples/nginx', name), encoding='utf-8') as file:
                conf = file.read()
            for old, new in ((r'(?m)^user .*', ''), (r'(?m)^pid .*', f'pid {work}/pid; daemon off; error_log {work}/error.log;'),
                             (r'(?m)^http \{', f'http {{ access_log {work}/access.log; {temporary} {more_http}'),
                             ('listen 80;', f'listen 127.0.0.1:{self.port}; {more_server}'),
                             ('/srv/ffu/', self.folder + '/'), ('/etc/nginx/ffu-', work + '/ffu-'), ('http://127.0.0.1:8000;', application)):
                conf = re.sub(old, new.replace('\\', r'\\'), conf)
            # The same without merging slashes, under a host of its own
            conf = re.sub(r'(?s)(    server \{.*\n    \})', lambda m: m[1] + '\n' + m[1].replace('listen', 'server_name raw; merge_slashes off;\nlisten'), conf)
            with open(os.path.join(work, 'nginx.conf' if name == 'nginx.conf' else 'ffu-signed.conf'), 'w', encoding='utf-8') as file:
                file.write(conf)

    def start(self):
        self.nginx = subprocess.Popen(['/usr/sbin/nginx', '-e', self.work + '/error.log', '-c', self.work + '/nginx.conf'])
        end = time.time() + PATIENCE
        while True:
            try:
                socket.create_connection(('127.0.0.1', self.port)).close()
                return
            except OSError:
                if time.time() > end or self.nginx.poll() is not None:
                    with open(self.work + '/error.log', encoding='utf-8') as log:
                        raise RuntimeError(log.read()) from None
                time.sleep(0.05)

    def stop_nginx(self):
        if self.nginx and self.nginx.poll() is None:
            self.nginx.terminate()
            self.nginx.wait(PATIENCE)

    def restart(self):
        self.stop_nginx()
        self.start()

    def get(self, target, method='GET', **headers):
        """Status, headers and bytes; the target goes out as it is."""
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE)
        connection.putrequest(method, target, skip_host='Host' in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace('_', '-'), value)
        connection.endheaders()
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    def remove(self):
        self.stop_nginx()
        if self.connection:
            self.connection.close()
        self.server.remove()
        shutil.rmtree(self.work, ignore_errors=True)
