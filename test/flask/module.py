#!/usr/bin/python3
"""Tests examples/flask/flask_ffu.py with an application that was written for flask-file-upload.

    module.py

The application is ffu_blog.py beside this file, with its import and its configuration changed.
"""

import glob
import io
import os
import shutil
import sys
import threading
import time
import types
import uuid
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../oracle'))
sys.path[:0] = [os.path.join(HERE, '../../examples/flask'), os.path.join(HERE, '../../clients/sqlalchemy')]

import psycopg2
import server as servers
import sqlalchemy as sa
import tap
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_ffu import file_columns
from sqlalchemy.exc import IntegrityError
from tap import ok
from werkzeug.datastructures import FileStorage

EXAMPLES = os.environ.get('FFU_EXAMPLES', os.path.join(HERE, '../../examples/files'))

# What somebody who moves over changes, and all of it.
CHANGES = {
    'from flask_file_upload import FileUpload': 'from flask_ffu import FileUpload',
    '"postgresql://localhost/blog"': '"postgresql:///blog?host={socket}&user=blog"',
}


def example(name):
    with open(os.path.join(EXAMPLES, name), 'rb') as f:
        return f.read()


def sent(name, content=None):
    """A file as a form sends it."""
    return FileStorage(io.BytesIO(example(name) if content is None else content), filename=name)


def raises(kind, call):
    """The error that a call raises, if it is of this kind; else None."""
    try:
        call()
    except kind as error:
        return error
    return None


class Setting:
    """The server, its folder, and the application."""

    def __init__(self, work, extension=True):
        self.server = servers.Server(os.path.join(work, 'server'),
                                     "shared_preload_libraries = 'ffu'\nautovacuum = off\nfsync = off")
        self.folder = os.path.join(work, 'folder')
        os.mkdir(self.server.work)
        self.server.init()
        self.server.start()
        self.run('postgres', 'CREATE ROLE blog LOGIN', 'CREATE DATABASE blog OWNER blog')
        if extension:
            # ffu_flask is not there: the module needs ffu alone.
            self.run('blog', 'CREATE EXTENSION ffu', f"SELECT ffu.use_folder('{self.folder}')", "SELECT ffu.grant_columns('blog')")

    def run(self, database, *statements):
        conn = psycopg2.connect(host=self.server.socket, user='postgres', dbname=database)
        conn.autocommit = True
        with conn.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            answer = cursor.fetchall() if cursor.description else None
        conn.close()
        return answer

    def ask(self, query):
        return self.run('blog', query)[0][0]

    def load(self):
        """The application, changed as CHANGES says."""
        with open(os.path.join(HERE, 'ffu_blog.py')) as f:
            source = f.read()
        for old, new in CHANGES.items():
            ok(source.count(old) == 1, f'one line has {old}')
            source = source.replace(old, new.format(socket=self.server.socket))
        module = types.ModuleType('ffu_blog')
        sys.modules['ffu_blog'] = module
        exec(compile(source, 'ffu_blog.py', 'exec'), module.__dict__)
        return module

    def files(self):
        found = []
        for top, directories, names in os.walk(self.folder):
            directories[:] = [name for name in directories if name != '.ffu']
            found += [os.path.relpath(os.path.join(top, name), self.folder) for name in names]
        return sorted(found)

    def settled(self):
        """Does what the worker will do anyway, and says whether the folder is as the rows are.

        A sweep leaves to the worker what the worker has begun, so it is asked again for a minute.
        """
        deadline = time.monotonic() + 60
        while not self.as_the_rows():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def as_the_rows(self):
        """Sweeps, and says whether the folder holds the files of the rows and nothing else."""
        self.run('blog', 'SELECT ffu.sweep()')
        rows = self.run('blog', 'SELECT path FROM ffu.paths() ORDER BY path COLLATE "C"')
        return [path for path, in rows] == self.files() and not glob.glob(self.folder + '/.ffu/staging/*/*')


def check_tables(s, m):
    """create_all() makes file columns; SQLAlchemy and Alembic have nothing to say about them."""
    with m.app.app_context():
        m.db.create_all()
        with m.db.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={'compare_type': True, 'compare_server_default': True})
            found = [change for change in compare_metadata(context, m.db.metadata)]
    ok(found == [], 'a migration finds nothing to do', *map(str, found))
    s.run('blog', 'CREATE TABLE plain (id int PRIMARY KEY)', "SELECT ffu.add_column('plain', 'photo')")
    plain = sa.MetaData()
    sa.Table('plain', plain, sa.Column('id', sa.Integer, primary_key=True), *file_columns('photo').values())
    with m.app.app_context(), m.db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={'compare_type': True, 'include_name': lambda name, kind, parents: kind != 'table' or name == 'plain'})
        found = compare_metadata(context, plain)
    ok(found == [], 'nor in a table that ffu.add_column has changed', *map(str, found))
    s.run('blog', 'DROP TABLE plain')
    columns = s.run('blog', "SELECT relation::text, column_name::text, complete, allowed_extensions FROM ffu.columns ORDER BY 1, 2")
    allowed = ['jpg', 'png', 'mp4', 'pdf', 'txt']
    ok(columns == [('blogs', 'my_placeholder', True, allowed), ('blogs', 'my_video', True, allowed),
                   ('news', 'news_image', True, allowed), ('news', 'news_video', True, allowed)],
       'create_all makes file columns, with ALLOWED_EXTENSIONS', str(columns))


def check_save(s, m, client):
    said = client.post('/blogs', data={'name': 'Hello', 'my_video': (io.BytesIO(example('pan.mp4')), 'my holiday.v2.mp4'),
                                       'my_placeholder': (io.BytesIO(example('lake.jpg')), 'LAKE.JPG')})
    ok(said.json == {'id': 1, 'name': 'Hello', 'my_placeholder': {'file_name': 'LAKE.JPG'},
                     'my_video': {'file_name': 'my holiday.v2.mp4', 'mime_type': 'video/mp4', 'ext': 'mp4'}},
       'save_files stores, and the model knows the facts', str(said.json))
    said = client.post('/blogs/1/news', data={'title': 'News', 'news_image': (io.BytesIO(example('lake.jpg')), '日本語.jpg')})
    ok(said.json == {'news_id': 1, 'file_name': '日本語.jpg'}, 'add_files to a new model, and a commit by the caller', str(said.json))
    ok(s.settled() and len(s.files()) == 3 and not [path for path in s.files() if 'None' in path],
       'each file is in the directory of its row', *s.files())


def check_urls(s, m, client):
    client.post('/blogs', data={'name': 'No files', 'my_video': (io.BytesIO(b''), ''), 'my_placeholder': (io.BytesIO(b''), '')})
    listed = client.get('/blogs').json
    first = listed[0]
    ok(first['my_video_url'] == s.ask('SELECT ffu.url(my_video) FROM blogs WHERE id = 1')
       and first['news'] == [s.ask('SELECT ffu.url(news_image) FROM news')], 'add_file_urls_to_models sets them, and those of the children')
    ok(listed[1] == {'id': 2, 'my_video_url': None, 'my_placeholder_url': None, 'news': []}, 'there is no URL where there is no file')
    ok(client.get('/blogs/1/my_video/url').json['url'] == first['my_video_url'], 'get_file_url gives the same')
    s.run('blog', "ALTER DATABASE blog SET ffu.base_url = 'https://example.org/media/'")
    with m.app.app_context():
        m.db.engine.dispose()
    url = client.get('/blogs/1/my_video/url', headers={'Host': 'evil.test'}).json['url']
    ok(url.startswith('https://example.org/media/blogs/1/my_video-'), 'by ffu.base_url, whatever host the client says', url)

    # As many statements for fifty as for one.
    with m.app.app_context():
        for number in range(50):
            blog = m.Blog(name=f'b{number}', news=[m.News(title='n'), m.News(title='m')])
            m.db.session.add(blog)
        m.db.session.commit()
        counts = []
        for limit in (2, 50):
            m.db.session.expunge_all()
            blogs = m.db.session.query(m.Blog).order_by(m.Blog.id).limit(limit).all()
            statements = []
            listen = (m.db.engine, 'before_cursor_execute', lambda *args: statements.append(args[2]))
            sa.event.listen(*listen)
            m.file_upload.add_file_urls_to_models(blogs, filenames='my_video', backref={'name': 'news', 'filenames': ['news_image', 'news_video']})
            sa.event.remove(*listen)
            counts.append(len(statements))
        ok(counts[0] == counts[1] == 3, 'URLs of fifty models with children take as many statements as of two', str(counts))
        one = m.file_upload.add_file_urls_to_models(m.db.session.get(m.News, 1), filenames='news_image',
                                                    backref={'name': 'blog', 'filenames': 'my_video', 'backref': {'name': 'news', 'filenames': 'news_video'}})
        ok(one.news_image_url and one.blog.my_video_url and one.blog.news[0].news_video_url is None,
           'one model gives one, and a backref leads on to others')
        query = m.db.session.query(m.Blog).filter(m.Blog.id <= 2).order_by(m.Blog.id)
        for models in (query, query.all(), tuple(query)):
            same = m.file_upload.add_file_urls_to_models(models, filenames=['my_video'])
            ok([blog.my_video_url is None for blog in same] == [False, True], f'{type(models).__name__} gives {type(same).__name__}')
        ok(m.file_upload.add_file_urls_to_models([], filenames=['my_video']) == [], 'none gives none')
        m.db.session.query(m.News).filter(m.News.news_id > 1).delete()
        m.db.session.query(m.Blog).filter(m.Blog.id > 1).delete()
        m.db.session.commit()


def check_stream(s, m, client):
    video = example('pan.mp4')
    said = client.get('/blogs/1/my_video')
    ok(said.status_code == 200 and said.data == video and said.mimetype == 'video/mp4'
       and said.headers['Content-Disposition'] == "inline; filename*=UTF-8''my%20holiday.v2.mp4", 'stream_file gives the file', str(said.headers))
    for ranges, want in (('bytes=8-', video[8:]), ('bytes=-3', video[-3:]), ('bytes=100-199', video[100:200])):
        part = client.get('/blogs/1/my_video', headers={'Range': ranges})
        ok(part.status_code == 206 and part.data == want, f'and the range {ranges}', str(part.headers))
    ok(client.get('/blogs/1/my_video', headers={'Range': 'bytes=99999999-'}).status_code == 416, 'not one beyond its end')
    again = client.get('/blogs/1/my_video', headers={'If-None-Match': said.headers['ETag']})
    ok(again.status_code == 304 and again.data == b'', 'and not again what the client has')
    m.app.config['FFU_INTERNAL_URL'] = '/ffu-internal/'
    said = client.get('/blogs/1/my_video')
    ok(said.headers['X-Accel-Redirect'] == '/ffu-internal/' + s.ask('SELECT my_video FROM blogs WHERE id = 1') and said.data == b'',
       'with FFU_INTERNAL_URL nginx is told to send it')
    del m.app.config['FFU_INTERNAL_URL']


def check_update(s, m, client):
    old = s.ask('SELECT my_video FROM blogs WHERE id = 1')
    said = client.put('/blogs/1', data={'my_video': (io.BytesIO(example('pan.mp4') + b'\0'), 'my holiday.v2.mp4')})
    ok(said.status_code == 200 and s.settled() and old not in s.files()
       and client.get('/blogs/1/my_video').data == example('pan.mp4') + b'\0', 'update_files replaces a file, by one of the same name too')
    before = s.files()
    with m.app.app_context():
        blog = m.db.session.get(m.Blog, 1)
        m.file_upload.update_files(blog, files={'my_video': sent('lake.jpg')}, commit=False)
        m.db.session.flush()
        ok(blog.my_video__mime_type == 'image/jpeg' and blog.my_video__size == len(example('lake.jpg')), 'commit=False: the session sees the new file')
        m.db.session.rollback()
        ok(blog.my_video__mime_type == 'video/mp4', 'and can take it back')
        m.file_upload.save_files(m.Blog(name='never'), files={'my_video': sent('pan.mp4')}, commit_session=False)
        m.db.session.flush()
        m.db.session.rollback()
        m.file_upload.delete_files(blog, files=['my_video'], commit=False)
        ok(blog.my_video is None, 'so with delete_files')
        m.db.session.rollback()
    ok(s.settled() and s.files() == before and s.ask('SELECT count(*) FROM blogs') == 1, 'and nothing has changed, in the table or on the disk')


def check_refused(s, m, client):
    before = s.files()
    with m.app.app_context():
        for name, content, constraint, why in (
                ('evil.exe', b'MZ', 'ffu_allowed_extensions', 'an extension that is not allowed'),
                ('photo.jpg', example('book.pdf'), 'ffu_content', 'a name that the content contradicts')):
            error = raises(IntegrityError, lambda: m.file_upload.save_files(m.Blog(name='x'), files={'my_video': sent(name, content)}))
            ok(error and error.orig.diag.constraint_name == constraint, f'{why}: an integrity error with the reason', str(error))
            m.db.session.rollback()
        # psycopg2 sends parameters within the statement, and the server logs statements that fail.
        size = os.path.getsize(s.server.log)
        large = example('lake.jpg') + bytes(3_000_000)
        error = raises(IntegrityError, lambda: m.file_upload.save_files(m.Blog(name='x'), files={'my_video': sent('a.mp4', large)}))
        ok(error and os.path.getsize(s.server.log) - size < 10_000, 'the bytes of a refused file are not written to the log',
           str(os.path.getsize(s.server.log) - size))
        m.db.session.rollback()

        blog = m.db.session.get(m.Blog, 1)
        known = 'my_placeholder, my_video'
        for call in (lambda: m.file_upload.save_files(blog, files={'placeholder_img': sent('lake.jpg')}),
                     lambda: m.file_upload.update_files(blog, files={'name': sent('lake.jpg')}),
                     lambda: m.file_upload.delete_files(blog, files=['zzz']),
                     lambda: m.file_upload.stream_file(blog, filename='zzz'),
                     lambda: m.file_upload.get_file_url(blog, filename='zzz'),
                     lambda: m.file_upload.add_file_urls_to_models([blog], filenames=['zzz'])):
            error = raises(AttributeError, call)
            ok(error and known in str(error), 'an unknown name: an error that lists the known ones', str(error))
        for call in (lambda: m.file_upload.save_files(blog), lambda: m.file_upload.update_files(blog), lambda: m.file_upload.delete_files(blog),
                     lambda: m.file_upload.stream_file(blog), lambda: m.file_upload.get_file_url(blog)):
            ok(raises(TypeError, call), 'a missing argument is an error')
        for call in (lambda: m.file_upload.add_files(blog, files={}), lambda: m.file_upload.delete_files(blog, files=[])):
            ok(raises(ValueError, call), 'so is an empty one')
    ok(s.settled() and s.files() == before, 'and nothing is left behind')


def check_threads(s, m):
    """What two requests send at the same time is not mixed up, nor what one request sends twice."""
    wrong = []
    start = threading.Barrier(6)

    def work(number):
        client = m.app.test_client()
        start.wait()
        for turn in range(4):
            content = f'{number} {turn}\n'.encode() * 1000
            blog = client.post('/blogs', data={'name': 't', 'my_video': (io.BytesIO(content), f'{number}-{turn}.txt'),
                                               'my_placeholder': (io.BytesIO(content), 'same.txt')}).json
            for name in ('my_video', 'my_placeholder'):
                if client.get(f"/blogs/{blog['id']}/{name}").data != content:
                    wrong.append((number, turn, name))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ok(not wrong and s.ask("SELECT count(*) FROM blogs WHERE name = 't'") == 24, 'what many send at once is not mixed up', str(wrong))
    with m.app.app_context():
        one = sent('lake.jpg')
        first = m.file_upload.save_files(m.Blog(name='t'), files={'my_video': one, 'my_placeholder': one})
        second = m.file_upload.save_files(m.Blog(name='t'), files={'my_video': one})
        sizes = {first.my_video__size, first.my_placeholder__size, second.my_video__size}
        ok(sizes == {len(example('lake.jpg'))}, 'one file can be stored more than once', str(sizes))
        m.db.session.query(m.Blog).filter(m.Blog.name == 't').delete()
        m.db.session.commit()
    ok(s.settled() and len(s.files()) == 3, 'rows that go take their files with them', *s.files())


def check_large(s, m, client):
    """A file of many pieces, in little memory of the statement."""
    content = example('pan.mp4') + bytes(10_000_000)
    longest = 0

    def note(conn, cursor, statement, *_):
        nonlocal longest
        longest = max(longest, len(cursor.query or b''))

    with m.app.app_context():
        sa.event.listen(m.db.engine, 'after_cursor_execute', note)
        client.put('/blogs/1', data={'my_video': (io.BytesIO(content), 'long.mp4')})
        sa.event.remove(m.db.engine, 'after_cursor_execute', note)
    ok(1_000_000 < longest < 2_200_000, 'ten megabytes are sent in pieces of one', str(longest))
    ok(client.get('/blogs/1/my_video').data == content, 'and come back')
    part = client.get('/blogs/1/my_video', headers={'Range': 'bytes=5000000-5000009'})
    ok(part.status_code == 206 and part.data == content[5000000:5000010], 'from the middle too')


def check_delete(s, m, client):
    said = client.delete('/blogs/1/files?name=my_video')
    ok(said.json['my_video']['file_name'] is None and s.settled() and len(s.files()) == 2, 'delete_files takes the file and its facts')
    ok(client.get('/blogs/1/my_video').status_code == 404, 'and there is nothing to stream')
    ok(client.delete('/blogs/1/files?name=my_video').status_code == 200, 'once more does no harm')
    client.put('/blogs/1', data={'my_video': (io.BytesIO(example('pan.mp4')), 'pan.mp4')})
    said = client.delete('/blogs/1/files?name=my_video&clean_up=files')
    s.run('blog', 'SELECT ffu.sweep()')
    ok(said.json['my_video']['file_name'] == 'pan.mp4' and len(s.files()) == 2, 'clean_up="files": the file goes, the row keeps its text')
    ok(client.get('/blogs/1/my_video').status_code == 404, 'which leads nowhere')
    client.put('/blogs/1', data={'my_video': (io.BytesIO(example('pan.mp4')), 'pan.mp4')})
    said = client.delete('/blogs/1/files?name=my_video&clean_up=model')
    s.run('blog', 'SELECT ffu.sweep()')
    ok(said.json['my_video']['file_name'] is None and len(s.files()) == 3, 'clean_up="model": the row lets go, the file stays')
    ok(s.ask('SELECT count(*) FROM ffu.check()') == 0, 'and ffu.check knows of both')
    client.delete('/blogs/1/files?parent=1')
    s.run('blog', 'SELECT ffu.sweep()')
    ok(s.run('blog', 'SELECT my_video, my_placeholder FROM blogs') == [(None, None)], 'parent=True: all files of the row')


def check_keys(s, m):
    """Keys of all kinds, names that need quotes, and columns from a mixin."""
    class Attached:
        doc = m.file_upload.Column(allowed_extensions=['pdf'], max_size='1 MB')

    @m.file_upload.Model
    class UserFile(Attached, m.db.Model):
        __tablename__ = 'User Files'
        key = m.db.Column(sa.Uuid if hasattr(sa, 'Uuid') else sa.dialects.postgresql.UUID(as_uuid=True), primary_key=True)
        userFile = m.file_upload.Column()

    @m.file_upload.Model
    class Part(m.db.Model):
        __tablename__ = 'parts'
        name = m.db.Column('the name', m.db.Text, primary_key=True)
        number = m.db.Column(m.db.Integer, primary_key=True)
        part = m.file_upload.Column()

    with m.app.app_context():
        m.db.create_all()
        for model, column in ((UserFile(key=uuid.uuid4()), 'userFile'), (Part(name='../../escaped', number=7), 'part'),
                              (Part(name='a/b "c"', number=8), 'part')):
            m.file_upload.save_files(model, files={column: sent('lake.jpg')})
            m.file_upload.delete_files(model, files=[column])
            ok(getattr(model, column) is None, f'files of {type(model).__name__} are deleted')
        model = m.file_upload.save_files(UserFile(key=uuid.uuid4()), files={'doc': sent('book.pdf')})
        ok(model.doc__size == len(example('book.pdf')) and UserFile.file_column_names == ('doc', 'userFile'), 'a mixin brings its columns')
        error = raises(IntegrityError, lambda: m.file_upload.update_files(model, files={'doc': sent('lake.jpg')}))
        ok(error and error.orig.diag.constraint_name == 'ffu_allowed_extensions', 'with what they allow')
        m.db.session.rollback()
    ok(s.ask('SELECT count(*) FROM ffu.check()') == 0 and not os.path.exists(os.path.join(s.folder, '../../escaped')),
       'ffu.check finds nothing')


def main():
    warnings.filterwarnings('error', category=sa.exc.SAWarning)
    work = servers.work_directory('module')
    setting = None
    try:
        setting = Setting(work)
        m = setting.load()
        client = m.app.test_client()
        check_tables(setting, m)
        check_save(setting, m, client)
        check_urls(setting, m, client)
        check_stream(setting, m, client)
        check_update(setting, m, client)
        check_refused(setting, m, client)
        check_threads(setting, m)
        check_large(setting, m, client)
        check_delete(setting, m, client)
        check_keys(setting, m)
    finally:
        if setting:
            setting.server.remove()
        shutil.rmtree(work, ignore_errors=True)
    tap.done()


if __name__ == '__main__':
    main()
