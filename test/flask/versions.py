#!/usr/bin/python3
"""Databases of flask-file-upload 0.0.4, 0.0.11, 0.1.2, 0.1.5 and 0.2.1, moved over, and applications that were forgotten.

    versions.py
"""

import os
import shutil
import subprocess
import warnings
from contextlib import closing

HERE = os.path.dirname(os.path.abspath(__file__))

import module
import moving
import psycopg2
import readme
import server as servers
import sqlalchemy as sa
import tap
from module import example, raises
from sqlalchemy import orm
from tap import ok

# What each version called its columns, in its order, and how long they are.
VERSIONS = {
    '0.0.4': (('file_name', 'file_type', 'mime_type'), lambda name: 'varchar'),
    '0.0.11': (('file_name', 'file_type', 'mime_type'), lambda name: f'varchar({len(name)})'),
    '0.1.2': (('file_name', 'file_type', 'mime_type'), lambda name: f'varchar({1000 + len(name)})'),
    '0.1.5': (('file_name', 'file_type', 'mime_type'), lambda name: f'varchar({1000 + len(name)})'),
    '0.2.1': (('mime_type', 'ext', 'file_name'), lambda name: f'varchar({1000 + len(name)})'),
}
HELD = {'file_name': 'a.mp4', 'file_type': 'video/mp4', 'mime_type': 'mp4'}     # before 0.2
HELD_02 = {'file_name': 'a.mp4', 'mime_type': 'video/mp4', 'ext': 'mp4'}
ATTRIBUTES = ('my_placeholder', 'my_video')
MODELS = '''
@file_upload.Model
class Blog(db.Model):
    __tablename__ = "blogs"
    id = db.Column(db.Integer, primary_key=True)
    my_placeholder = file_upload.Column()
    my_video = file_upload.Column()
    name = db.Column(db.String(100), nullable=False)
'''


class Old:
    """A database and a folder as a version left them."""

    def __init__(self, setting, work, version):
        self.setting, self.version, self.folder = setting, version, os.path.join(work, 'old-' + version)
        suffixes, length = VERSIONS[version]
        held = HELD if 'file_type' in suffixes else HELD_02
        self.columns = [f'{attribute}__{suffix}' for attribute in ATTRIBUTES for suffix in suffixes]
        values = [held[suffix] for _ in ATTRIBUTES for suffix in suffixes]
        setting.run('blog', 'CREATE TABLE blogs (id serial PRIMARY KEY, name varchar(100) NOT NULL, %s)'
                    % ', '.join(f'{name} {length(name)}' for name in self.columns),
                    'ALTER TABLE blogs OWNER TO blog',
                    *[f'INSERT INTO blogs (name, {", ".join(self.columns)}) VALUES ({number}, {", ".join(map(repr, values))})' for number in (1, 2, 3)])
        for number in (1, 2):
            os.makedirs(f'{self.folder}/blogs/{number}')
            self.write(number)

    def write(self, number):
        with open(f'{self.folder}/blogs/{number}/a.mp4', 'wb') as f:
            f.write(example('pan.mp4'))

    def session(self, options=''):
        """A session of the owner of the table."""
        return psycopg2.connect(host=self.setting.server.socket, user='blog', dbname='blog', options=options)

    def remove(self):
        self.setting.run('blog', 'DROP TABLE blogs', 'SELECT ffu.sweep()')
        ok(self.setting.files() == [], f'{self.version}: no file is left', *self.setting.files())


def check_version(setting, work, version):
    """Adopted, the models of the module are what the table has; it writes, and the old application cannot."""
    old = Old(setting, work, version)
    setting.run('blog', 'BEGIN', *[f"SELECT ffu.adopt('blogs', '{name}', '{old.folder}', dry_run => false)" for name in ATTRIBUTES], 'COMMIT')
    migrations = readme.Migrations(os.path.join(work, 'app-' + version), setting.server.socket, MODELS)
    migrations.run('-m', 'flask', 'db', 'init')
    migrations.run('-m', 'flask', 'db', 'stamp', 'head')
    said = migrations.run('-m', 'flask', 'db', 'migrate')
    ok('No changes in schema detected' in said, f'{version}: flask db migrate finds nothing to do', said)
    migrations.run('-m', 'flask', 'db', 'upgrade')
    migrations.run('-c', '''
from flask_app import *
from werkzeug.datastructures import FileStorage
import io
with app.app_context():
    blog = file_upload.save_files(Blog(name="new"), files={"my_video": FileStorage(io.BytesIO(b"hello"), filename="%s.txt")})
    assert blog.my_video__file_name == "%s.txt", blog.my_video__file_name
    assert db.session.get(Blog, 1).my_video__size == %d
''' % ('x' * 100, 'x' * 100, len(example('pan.mp4'))))
    setting.run('blog', 'DROP TABLE IF EXISTS alembic_version')
    check_forgotten(old)
    old.remove()


def check_forgotten(old):
    """The application that still has flask-file-upload's own models."""
    Base = orm.declarative_base()

    class Blog(Base):
        __tablename__ = 'blogs'
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(100))
    for name in old.columns:
        setattr(Blog, name, sa.Column(sa.String(1000 + len(name))))
    engine = sa.create_engine(f'postgresql:///blog?host={old.setting.server.socket}&user=blog')
    names = {name: (HELD if 'my_video__file_type' in old.columns else HELD_02)[name.split('__')[1]] for name in old.columns if name.startswith('my_video')}
    before = old.setting.run('blog', 'SELECT * FROM blogs ORDER BY id')

    def save():
        with orm.Session(engine) as session:
            session.add(Blog(name='forgotten', **names))
            session.commit()

    def update():
        with orm.Session(engine) as session:
            session.get(Blog, 1).my_video__file_name = 'b.mp4'
            session.commit()

    def delete():
        with orm.Session(engine) as session:
            blog = session.get(Blog, 1)
            for name in names:
                setattr(blog, name, None)
            session.commit()

    for call in (save, update, delete):
        error = raises(sa.exc.DBAPIError, call)
        ok(error and error.orig.pgcode == ('42703' if 'my_video__file_type' in old.columns else '55000'),
           f'{old.version}: the old application fails at its first write: {call.__name__}', repr(error))
    ok(old.setting.run('blog', 'SELECT * FROM blogs ORDER BY id') == before, f'{old.version}: and has changed nothing')
    if 'my_video__file_type' not in old.columns:
        ok('flask_ffu' in error.orig.diag.message_hint, f'{old.version}: it is told what to do', error.orig.diag.message_hint)
        with orm.Session(engine) as session:
            session.add(Blog(name='no file'))
            session.get(Blog, 1).name = 'read and renamed'
            session.commit()
            ok(session.get(Blog, 1).my_video__file_name == 'a.mp4', f'{old.version}: rows without a file it can write, and all of them read')
    engine.dispose()


def check_readers(setting, work):
    """Who can read while tables are adopted, as the page says."""
    old = Old(setting, work, '0.2.1')
    read = 'SELECT my_video__file_name, my_video__mime_type, my_video__ext FROM blogs WHERE id = 1'
    with closing(old.session()) as reader, closing(old.session('-c lock_timeout=100ms')) as waiting, \
            closing(psycopg2.connect(host=setting.server.socket, user='postgres', dbname='blog', options='-c lock_timeout=5s')) as admin:
        with admin.cursor() as adopting, waiting.cursor() as cursor:
            adopting.execute(f"SELECT ffu.adopt('blogs', 'my_video', '{old.folder}', dry_run => false)")
            error = raises(psycopg2.Error, lambda: cursor.execute(read))
            ok(error and error.pgcode == '55P03', 'readers wait for the COMMIT of ffu.adopt', repr(error))
            admin.rollback()
            waiting.rollback()
        admin.autocommit = True
        with admin.cursor() as adopting:
            adopting.execute(f"CALL ffu.adopt_in_batches('blogs', 'my_video', '{old.folder}')")
        # A reader that never ends its transaction, and one file more
        with reader.cursor() as cursor, admin.cursor() as adopting:
            cursor.execute(read)
            os.makedirs(f'{old.folder}/blogs/3')
            old.write(3)
            adopting.execute(f"CALL ffu.adopt_in_batches('blogs', 'my_video', '{old.folder}')")
            cursor.execute(read.replace('1', '3'))
            ok(cursor.fetchone() == ('a.mp4', 'video/mp4', 'mp4'), 'the batches do not wait for readers, nor these for them')
    ok(setting.ask('SELECT count(my_video) FROM blogs') == 3, 'and the file was adopted')
    old.remove()
    old = Old(setting, work, '0.1.5')
    setting.run('blog', f"CALL ffu.adopt_in_batches('blogs', 'my_video', '{old.folder}')")
    error = raises(psycopg2.Error, lambda: setting.run('blog', 'SELECT my_video__file_type FROM blogs'))
    ok(error and error.pgcode == '42703', 'an application of 0.1 cannot read any more, by the names it knows')
    old.remove()


# How an application may import flask-file-upload, and what FileUpload is called then.
IMPORTS = {
    'first.py': ('from flask_file_upload.file_upload import FileUpload', 'FileUpload'),
    'second.py': ('from flask_file_upload import FileUpload  # uploads', 'FileUpload'),
    'alias.py': ('from flask_file_upload import FileUpload as Uploads', 'Uploads'),
    'deep/module.py': ('import flask_file_upload', 'flask_file_upload.FileUpload'),
    'module_alias.py': ('import flask_file_upload as fu', 'fu.FileUpload'),
    'deep/submodule_alias.py': ('import flask_file_upload.file_upload as fu', 'fu.FileUpload'),
    'indented.py': ('def extension():\n    from flask_file_upload import FileUpload\n    return FileUpload', 'extension()'),
    'tabs.py': ('if True:\n\tfrom flask_file_upload.file_upload import FileUpload', 'FileUpload'),
    'guarded.py': ('try: import flask_file_upload\nexcept ImportError: flask_file_upload = None', 'flask_file_upload.FileUpload'),
    'several.py': ('import flask_file_upload, os', 'flask_file_upload.FileUpload'),
    'brackets.py': ('from flask_file_upload import (\n    FileUpload,\n)', 'FileUpload'),
}
LEFT = {
    'left.py': 'import os, flask_file_upload',
    'left_column.py': 'from flask_file_upload.column import Column',
    'left_string.py': 'module = __import__("flask_file_upload")',
    'left_submodule.py': 'import flask_file_upload.file_upload',
}
OTHERS = {
    'other.py': 'from flask_file_uploads import FileUpload\nimport flask_file_upload_s3\n# flask_file_upload was here\n',
    'venv/lib/python3/site-packages/flask_file_upload/__init__.py': 'from flask_file_upload.file_upload import FileUpload\n',
}


def check_imports(work):
    """The commands of the page change every import, and tell which they left."""
    script = moving.blocks('sh')[1]
    top = os.path.join(work, 'imports')
    for name, text in {**{name: text for name, (text, _) in IMPORTS.items()}, **LEFT, **OTHERS}.items():
        os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
        with open(os.path.join(top, name), 'w') as f:
            f.write(text)
    done = subprocess.run(['sh', '-ec', script.replace('/srv/blog', top)], cwd=os.path.join(HERE, '../..'),
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    listed = sorted(os.path.relpath(line.split(':')[0], top) for line in done.stdout.splitlines())
    ok(listed == sorted(LEFT), 'the imports that are left are listed, and nothing else', done.stdout)
    ok(all(os.path.exists(os.path.join(top, name)) for name in ('flask_ffu.py', 'sqlalchemy_ffu.py')), 'the modules are there')
    for name, (_, expression) in IMPORTS.items():
        with open(os.path.join(top, name)) as f:
            source = f.read()
        names = {}
        error = raises(Exception, lambda: exec(source, names))
        ok(error is None and eval(expression, names) is readme.flask_ffu.FileUpload, f'{name}: {expression} is the module\'s', repr(error), source)
    for name, text in {**LEFT, **OTHERS}.items():
        with open(os.path.join(top, name)) as f:
            ok(f.read() == text, f'{name} is left as it is')


def main():
    warnings.filterwarnings('error', category=sa.exc.SAWarning)
    work = servers.work_directory('versions')
    setting = None
    try:
        check_imports(work)
        setting = module.Setting(work)
        setting.run('blog', 'CREATE EXTENSION ffu_flask')
        for version in VERSIONS:
            check_version(setting, work, version)
        check_readers(setting, os.path.join(work, 'readers'))
    finally:
        if setting:
            setting.server.remove()
        shutil.rmtree(work, ignore_errors=True)
    tap.done()


if __name__ == '__main__':
    main()
