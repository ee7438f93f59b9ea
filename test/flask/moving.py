#!/usr/bin/python3
"""Moves a blog from flask-file-upload to ffu, by docs/from-flask-file-upload.md.

    moving.py

The SQL of that page is run as it stands there, in its order, with other paths; then the
application that was written for flask-file-upload goes on with the rows and files it had.
"""

import base64
import io
import os
import re
import shutil
import subprocess
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, '../../docs/from-flask-file-upload.md')

import module
import server as servers
import sqlalchemy as sa
import tap
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from module import example
from tap import ok

GIF = base64.b64decode('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7')
PNG = base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==')

# What flask-file-upload 0.2 makes of the models in ffu_blog.py, and three blogs with two news.
TABLES = """
CREATE TABLE blogs (
    id serial PRIMARY KEY,
    name character varying(100) NOT NULL,
    my_placeholder__mime_type character varying(1025),
    my_placeholder__ext character varying(1019),
    my_placeholder__file_name character varying(1025),
    my_video__mime_type character varying(1019),
    my_video__ext character varying(1013),
    my_video__file_name character varying(1019)
);
CREATE TABLE news (
    news_id serial PRIMARY KEY,
    title character varying(100),
    blog_id integer REFERENCES blogs (id),
    news_image__mime_type character varying(1021),
    news_image__ext character varying(1015),
    news_image__file_name character varying(1021),
    news_video__mime_type character varying(1021),
    news_video__ext character varying(1015),
    news_video__file_name character varying(1021)
);
INSERT INTO blogs (name, my_placeholder__mime_type, my_placeholder__ext, my_placeholder__file_name,
                   my_video__mime_type, my_video__ext, my_video__file_name)
VALUES ('one', 'image/png', 'png', 'my_placeholder.png', 'video/mp4', 'mp4', 'my_video.mp4'),
       ('two', 'image/gif', 'GIF', 'My_Holiday_Photo_1.GIF', NULL, NULL, NULL),
       ('three', 'image/png; foo=bar', 'v2', 'new.v2.png', 'video/mp4', 'mp4', 'lost.mp4');
INSERT INTO news (title, blog_id, news_image__mime_type, news_image__ext, news_image__file_name)
VALUES ('n1', 1, 'image/jpeg', 'jpg', 'lake.jpg'), ('n2', 1, NULL, NULL, NULL);
"""

COLUMNS = (('blogs', 'my_video'), ('blogs', 'my_placeholder'), ('news', 'news_image'), ('news', 'news_video'))


def tree():
    return {
        'blogs/1/my_placeholder.png': PNG,
        'blogs/1/my_video.mp4': example('pan.mp4'),
        'blogs/2/My_Holiday_Photo_1.GIF': GIF,
        'blogs/3/new.v2.png': PNG,
        'blogs/None/stray.png': PNG,
        'news/1/lake.jpg': example('lake.jpg'),
    }


def blocks(language):
    """The code blocks of the page that are in this language."""
    with open(PAGE) as f:
        return re.findall(rf'^```{language}\n(.*?)^```$', f.read(), re.MULTILINE | re.DOTALL)


class Move:
    def __init__(self, work):
        self.setting = module.Setting(work, extension=False)
        self.old = os.path.join(work, 'uploads')
        for path, content in tree().items():
            os.makedirs(os.path.dirname(os.path.join(self.old, path)), exist_ok=True)
            with open(os.path.join(self.old, path), 'wb') as f:
                f.write(content)
        self.psql(TABLES, 'blog')

    def here(self, text):
        """What the page says, with the directories of this test."""
        return text.replace('/srv/blog/static/uploads', self.old).replace('/srv/ffu', self.setting.folder)

    def psql(self, script, user='postgres'):
        """Runs a script as psql does, and returns what it said."""
        done = subprocess.run(['psql', '-X', '-v', 'ON_ERROR_STOP=1', '-h', self.setting.server.socket, '-U', user, '-d', 'blog'],
                              input=script, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        ok(done.returncode == 0, 'run: ' + ' '.join(script.split())[:70], *done.stdout.splitlines())
        return done.stdout

    def snapshot(self):
        """The table as a dump has it, and every file of the old folder with its content and inode."""
        dump = subprocess.run(['pg_dump', '-h', self.setting.server.socket, '-U', 'postgres', '-d', 'blog', '-t', 'blogs', '-t', 'news'],
                              stdout=subprocess.PIPE, check=True).stdout
        dump = re.sub(rb'^\\(un)?restrict .*$', b'', dump, flags=re.MULTILINE)
        files = {}
        for top, _, names in os.walk(self.old):
            for name in names:
                path = os.path.join(top, name)
                with open(path, 'rb') as f:
                    files[path] = (os.stat(path).st_ino, f.read())
        return dump, files


def check_page(move):
    """Runs the page: install, look, adopt, settings."""
    s = move.setting
    install, look, adopt, url = (move.here(block) for block in blocks('sql'))
    move.psql(install)
    before = move.snapshot()
    said = move.psql(look)
    ok(move.snapshot() == before and s.files() == [], 'looking changes nothing')
    problems = [tuple(cell.strip() for cell in line.split('|')[:4]) for line in said.splitlines() if line.count('|') == 4]
    for problem in (('left', 'missing', '3', 'blogs/3/lost.mp4'), ('left', 'unnamed', '', 'blogs/None/stray.png'),
                    ('would adopt', 'ext', '3', 'blogs/3/new.v2.png')):
        ok(problem in problems, f'it reports {problem[1]}', said)
    move.psql(adopt.replace('COMMIT;', 'ROLLBACK;'))
    ok(move.snapshot() == before and s.settled() and s.files() == [], 'rolled back, nothing has changed')
    said = move.psql(adopt)
    ok(said.rstrip().endswith('(0 rows)'), 'ffu.check finds nothing', said)
    ok(s.settled() and len(s.files()) == 5, 'five files have been adopted', *s.files())
    ok(move.snapshot()[1] == before[1], 'and the old ones are where they were')
    move.psql(url)


def check_migration(move, m):
    """Alembic has nothing to do; the migration of the page neither, but in an empty database it makes the columns."""
    source, = blocks('python')
    with m.app.app_context(), m.db.engine.begin() as connection:
        def differences():
            context = MigrationContext.configure(connection, opts={'compare_type': True, 'compare_server_default': True})
            return compare_metadata(context, m.db.metadata)
        found = differences()
        ok(found == [], 'a migration finds nothing to do', *map(str, found))

        def migrate():
            names = {'op': Operations(MigrationContext.configure(connection))}
            exec(source, names)
            names['upgrade']()
        migrate()
        ok(differences() == [], 'nor does the migration of the page')
    move.psql('CREATE SCHEMA fresh; CREATE TABLE fresh.blogs AS SELECT * FROM blogs; CREATE TABLE fresh.news AS SELECT * FROM news;'
              + ''.join(f'ALTER TABLE fresh.{table} DROP COLUMN {column}, DROP COLUMN {column}__size, DROP COLUMN {column}__sha256;'
                        for table, column in COLUMNS), 'postgres')
    move.psql('ALTER TABLE fresh.blogs OWNER TO blog; ALTER TABLE fresh.news OWNER TO blog; GRANT ALL ON SCHEMA fresh TO blog;')
    with m.app.app_context(), m.db.engine.begin() as connection:
        connection.execute(sa.text('SET LOCAL search_path = fresh'))
        migrate()
    made = move.setting.ask("SELECT count(*) FROM ffu.columns WHERE relation::text LIKE 'fresh.%' AND complete")
    ok(made == 4, 'in a new database it makes the columns', str(made))
    move.psql('DROP SCHEMA fresh CASCADE')


def check_application(move, m):
    """The application goes on where it was."""
    s, client = move.setting, m.app.test_client()
    listed = client.get('/blogs').json
    ok([blog['my_video_url'] is not None for blog in listed] == [True, False, False]
       and all(blog['my_placeholder_url'].startswith('https://blog.example.org/files/blogs/') for blog in listed)
       and [url is not None for url in listed[0]['news']] == [True, False], 'the list has the URLs of the files that are there', str(listed))
    said = client.get('/blogs/1/my_video')
    ok(said.data == example('pan.mp4') and said.headers['Content-Disposition'].endswith("''my_video.mp4"), 'a file is streamed under its old name')
    ok(client.get('/blogs/3/my_video').status_code == 404, 'one that was lost is not found')
    said = client.put('/blogs/3', data={'my_video': (io.BytesIO(example('pan.mp4')), 'found.mp4')}).json
    ok(said['my_video'] == {'file_name': 'found.mp4', 'mime_type': 'video/mp4', 'ext': 'mp4'}, 'and can be given again', str(said))
    said = client.put('/blogs/1', data={'my_video': (io.BytesIO(example('pan.mp4')), 'my_video.mp4')}).json
    ok(said['my_video']['file_name'] == 'my_video.mp4', 'a file is replaced by one of the same name')
    said = client.post('/blogs', data={'name': 'four', 'my_video': (io.BytesIO(example('pan.mp4')), 'four.mp4'),
                                       'my_placeholder': (io.BytesIO(example('lake.jpg')), 'four.jpg')}).json
    ok(said['id'] == 4, 'a new blog is stored')
    ok(s.settled() and len(s.files()) == 8 and s.ask('SELECT count(*) FROM ffu.check()') == 0, 'ffu.check finds nothing', *s.files())


def check_back(move):
    """What the page says of going back."""
    move.psql("SELECT ffu.drop_column('news', 'news_image', keep_companions => true)")
    kept = move.setting.run('blog', 'SELECT news_image__file_name, news_image__mime_type, news_image__ext FROM news WHERE news_id = 1')
    ok(kept == [('lake.jpg', 'image/jpeg', 'jpg')] and os.path.exists(move.old + '/news/1/lake.jpg'),
       'dropping the file column leaves what flask-file-upload had', str(kept))


def main():
    warnings.filterwarnings('error', category=sa.exc.SAWarning)
    work = servers.work_directory('moving')
    move = None
    try:
        move = Move(work)
        check_page(move)
        m = move.setting.load()
        check_migration(move, m)
        check_application(move, m)
        check_back(move)
    finally:
        if move:
            move.setting.server.remove()
        shutil.rmtree(work, ignore_errors=True)
    tap.done()


if __name__ == '__main__':
    main()
