#!/usr/bin/python3
"""Runs the blocks of docs/clients with the clients themselves.

    pages.py
"""

import io
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, '../..')
sys.path[:0] = [os.path.join(HERE, '../oracle'), os.path.join(TOP, 'clients/sqlalchemy')]

import psycopg
import psycopg2
import server as servers
import sqlalchemy as sa
import sqlalchemy_ffu
import tap
from sqlalchemy import orm
from tap import ok

FENCE = re.compile(r'^(?:<!-- test: (\S+) -->\n)?```\w+\n(.*?)^```$', re.M | re.S)
PAGES = os.path.join(TOP, 'docs/clients')

NODE = '''
const { Client } = require('pg');
const { bytes, refusal } = require(process.env.PACKAGE);
(async () => {
  const client = new Client({ host: process.env.PGHOST, user: 'postgres', database: 'postgres' });
  await client.connect();
  const file = new Blob(['bytes of the file']);
  BLOCKS
  console.log(photo.picture__size, photo.url.endsWith('.txt'), refused.constraint, refused.column);
  await client.end();
})();
'''

PERL = '''
use strict;
use warnings;
use DBD::Pg;
my $dbh = DBI->connect("dbi:Pg:dbname=postgres;host=$ENV{PGHOST};user=postgres", '', '', { RaiseError => 1 });
my $bytes = "bytes\\0of the file";
BLOCKS
print +($insert->fetchrow_array)[1];
'''


class Sent(io.BytesIO):
    def __init__(self, content, filename):
        super().__init__(content)
        self.filename = filename


def read_blocks():
    blocks = {}
    for page in sorted(os.listdir(PAGES)):
        with open(os.path.join(PAGES, page), encoding='utf-8') as file:
            for word, code in FENCE.findall(file.read()):
                ok(word, f'{page}: a block says what it is part of', code)
                blocks[word] = blocks.get(word, '') + code
    return blocks


def run_psycopg(module, code, connection):
    names = {'connection': connection, 'cursor': connection.cursor(), 'IntegrityError': module.IntegrityError}
    exec(compile(code, 'psycopg.md', 'exec'), names)
    names['cursor'].execute('SELECT photo__file_name, ffu.content(photo) FROM blogs WHERE id = %s', (names['blog'],))
    name, content = names['cursor'].fetchone()
    connection.close()
    ok(names['size'] == 17 and names['url'].endswith('.txt'), f'{module.__name__}: a file is stored', repr(names['url']))
    ok(names['refused'][:2] == ('photo', 'ffu_allowed_extensions'), f'{module.__name__}: a refused file', repr(names['refused']))
    ok((name, bytes(content)) == ('other.txt', b'other bytes'), f'{module.__name__}: bytes in the column', repr(name))


def run_sqlalchemy(code, socket):
    engine = sa.create_engine(f'postgresql+psycopg2:///postgres?host={socket}&user=postgres')
    with orm.Session(engine) as session:
        names = {'sqlalchemy_ffu': sqlalchemy_ffu, 'Base': orm.declarative_base(), 'Column': sa.Column, 'Integer': sa.Integer, 'engine': engine,
                 'session': session, 'upload': Sent(b'a text', 'dir/a.txt'), 'wrong': Sent(b'x', 'a.exe'), 'IntegrityError': sa.exc.IntegrityError}
        exec(compile(code, 'sqlalchemy.md', 'exec'), names)
        post = names['post']
        ok((post.photo__file_name, post.photo__size, post.photo_url.endswith('.txt')) == ('a.txt', 6, True), 'sqlalchemy: a file is stored')
        ok((names['refused'].column, names['refused'].constraint) == ('photo', 'ffu_allowed_extensions'), 'sqlalchemy: a refused file', repr(names['refused']))
    engine.dispose()


def run(command, socket, **environment):
    said = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, 'PGHOST': socket, **environment})
    return said.stdout.strip()


def main():
    work = servers.work_directory('pages')
    server = servers.Server(os.path.join(work, 'server'), 'autovacuum = off\nfsync = off')
    os.mkdir(server.work)
    try:
        server.init()
        server.start()
        blocks = read_blocks()
        connection = psycopg2.connect(host=server.socket, user='postgres', dbname='postgres')
        connection.autocommit = True
        cursor = connection.cursor()
        for statement in ('CREATE EXTENSION ffu', f"SELECT ffu.use_folder('{work}/folder')", blocks.pop('sql'), blocks.pop('node-sql')):
            cursor.execute(statement)
        code = blocks.pop('psycopg')
        for module in (psycopg2, psycopg):
            run_psycopg(module, code, module.connect(f'host={server.socket} user=postgres dbname=postgres'))
        run_sqlalchemy(blocks.pop('sqlalchemy'), server.socket)
        said = run(['node', '-e', NODE.replace('BLOCKS', blocks.pop('node'))], server.socket, PACKAGE=os.path.abspath(os.path.join(TOP, 'clients/npm')),
                   NODE_PATH='/usr/share/nodejs:/usr/lib/nodejs:/usr/local/lib/node_modules')
        ok(said == '17 true ffu_allowed_extensions picture', 'node-postgres: a file is stored, another refused', said)
        said = run(['/usr/bin/perl', '-e', PERL.replace('BLOCKS', blocks.pop('perl'))], server.socket)
        ok(said == '17', 'DBD::Pg: a file is stored, with its zero byte', said)
        for statement in ('ALTER TABLE blogs DROP COLUMN photo', 'ALTER TABLE photos DROP COLUMN picture', 'DROP TABLE posts'):
            cursor.execute(statement)
        cursor.execute('SELECT (SELECT count(*) FROM ffu.columns), (SELECT count(*) FROM ffu.check())')
        ok(cursor.fetchone() == (0, 0), 'and down again, which leaves nothing')
        ok(not blocks, 'every block was run', *blocks)
        connection.close()
    finally:
        server.remove()
    tap.done()


if __name__ == '__main__':
    main()
