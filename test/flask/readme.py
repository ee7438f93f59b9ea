#!/usr/bin/python3
"""Runs every block of flask-file-upload's README (0.2.1) over examples/flask/flask_ffu.py, and what else its callers do.

    readme.py

A block is run as it stands there, without its comments. Where Python itself does not take it, or it
leaves something out, what was put right is said beside it.
"""

import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../oracle'))
sys.path[:0] = [os.path.join(HERE, '../../examples/flask'), os.path.join(HERE, '../../clients/sqlalchemy')]

import flask
import flask_ffu
import module
import server as servers
import sqlalchemy as sa
import tap
from flask_sqlalchemy import SQLAlchemy
from module import example, raises, sent
from sqlalchemy.exc import DataError, IntegrityError
from tap import ok
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import NotFound

# The blocks in their order: title, code, and what had to be put right.
BLOCKS = [
    ('General Flask config options', '''
from flask_file_upload.file_upload import FileUpload
from os.path import join, dirname, realpath
app.config["UPLOAD_FOLDER"] = join(dirname(realpath(__file__)), "static/uploads")
app.config["ALLOWED_EXTENSIONS"] = ["jpg", "png", "mov", "mp4", "mpg"]
app.config["MAX_CONTENT_LENGTH"] = 1000 * 1024 * 1024  # 1000mb
app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://localhost:5432/blog_db"
''', None),
    ('Setup', '''
from flask_file_upload import FileUpload
app = Flask(__name__, static_folder="static")
db = SQLAlchemy()
file_upload = FileUpload()
def create_app():
    db.init_app(app)
    file_upload.init_app(app, db)
    import model
db = SQLAlchemy(app)
file_upload = FileUpload(app, db)
app: Flask = None
''', 'from .model import * is not allowed in a function'),
    ('Decorate your SqlAlchemy models', '''
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
''', 'the class is not called SqlAlchemy'),
    ('Full example', '''
from my_app import file_upload
@file_upload.Model
class blogModel(db.Model):
    __tablename__ = "blogs"
    id = db.Column(db.Integer, primary_key=True)
    my_placeholder = file_upload.Column()
    my_video = file_upload.Column()
''', None),
    ('define files to be uploaded', '''
my_video = request.files["my_video"]
placeholder_img = request.files["placeholder_img"]
''', None),
    ('Save files: add_files', '''
file_upload.add_files(blog_post, files={
    "my_video": my_video,
    "placeholder_img": placeholder_img,
})
db.session.add(blog_post)
db.session.commit()
''', None),
    ('Save files: save_files', '''
file_upload.save_files(blog_post, files={
    "my_video": my_video,
    "placeholder_img": placeholder_img,
})
''', None),
    ('Update files', '''
blog_post = file_upload.update_files(blog_post, files={
    "my_video": new_my_video,
    "placeholder_img": new_placeholder_img,
})
''', None),
    ('Delete files', '''
blogModel = BlogModel()
blog_results = blogModel.get_one()
blog = file_upload.delete_files(blog_result, files=["my_video"])
blog_result = file_upload.delete_files(blog_result, parent=True, files=["my_video"])
blog = file_upload.delete_files(blog_result, files=["my_video"])
blog = file_upload.delete_files(blog_result, files=["my_video"], clean_up="files")
''', None),
    ('Stream a file', '''
file_upload.stream_file(blog_post, filename="my_video")
''', None),
    ('File Url paths', '''
file_upload.get_file_url(blog_post, filename="placeholder_img")
''', None),
    ('File Url paths: many', '''
for blog in blog_models:
    blog_image_url = file_upload.get_file_url(blog, filename="blog_image")
    setattr(blog, "blog_image", blog_image_url)
''', None),
    ('Set file paths to multiple objects', '''
@file_upload.Model
class BlogModel(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    blog_image = file_upload.Column()
''', 'SQLAlchemy wants a primary key'),
    ('Set file paths: add_file_urls_to_models', '''
blogs = add_file_urls_to_models(blogs, filenames="blog_image")
assert blogs[0].blog_image_url == "path/to/blogs/1/blog_image_url.png"
''', 'the path is only an example'),
    ('Set file paths: backref models', '''
@file_upload.Model
class BlogModel(db.Model):
    __tablename__ = "blogs"
    blog_id = db.Column(db.Integer, primary_key=True)
    blog_news = db.relationship("BlogNewsModel", backref="blogs")
    blog_image = file_upload.Column()
    blog_video = file_upload.Column()
@file_upload.Model
class BlogNewsModel(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    blog_id = db.Column(db.Integer, db.ForeignKey("blogs.blog_id"))
    news_image = file_upload.Column()
    news_video = file_upload.Column()
''', 'SQLAlchemy wants primary keys, and the foreign key the table "blogs"'),
    ('Set file paths: backref', '''
blogs = add_file_urls_to_models(blogs, filenames=["blog_image, blog_video"],
    backref={
        "name": "blog_news",
        "filenames": ["news_image", "news_video"],
})
''', 'a backtick too many and a quote too few; the two names in one string are left'),
    ('lazy="dynamic"', '''
blog_news = db.relationship("BlogNewsModel", backref="blog")
blog_news = db.relationship("BlogNewsModel", backref="blog", lazy="dynamic")
''', None),
    ('Running Flask-Migration', '''
flask db stamp head
flask db migrate
flask db upgrade
''', None),
    ('Upgrading from v0.1 to v0.2', 'test/flask/versions.py', None),
]
CHANGED = {'from flask_file_upload.file_upload import': 'from flask_ffu import', 'from flask_file_upload import': 'from flask_ffu import'}


class Readme:
    """Runs blocks, each once, and knows which were not."""

    def __init__(self, setting):
        self.setting, self.left, self.apps = setting, [title for title, _, _ in BLOCKS], 0

    def code(self, title):
        self.left.remove(title)
        code = next(code for name, code, _ in BLOCKS if name == title)
        for old, new in CHANGED.items():
            code = code.replace(old, new)
        return code

    def run(self, title, names, replace=()):
        """Runs a block over these names."""
        code = self.code(title)
        for old, new in replace:
            assert old in code
            code = code.replace(old, new)
        error = raises(Exception, lambda: exec(compile(code, title, 'exec'), names))
        ok(error is None, f'{title}: the block runs', repr(error))

    def app(self, *args, **options):
        """An application on the test's database."""
        self.apps += 1
        app = flask.Flask(f'app{self.apps}')
        app.config['SQLALCHEMY_DATABASE_URI'] = f'postgresql:///blog?host={self.setting.server.socket}&user=blog'
        return app

    def fresh(self):
        app = self.app()
        db = SQLAlchemy(app)
        return app, db, flask_ffu.FileUpload(app, db)


def post_model(db, file_upload, name='Post'):
    """The model that the README's views have: blog_post."""
    class Post(db.Model):
        __tablename__ = name.lower() + 's'
        id = db.Column(db.Integer, primary_key=True)
        title = db.Column(db.Text, unique=True)
        my_video = file_upload.Column()
        placeholder_img = file_upload.Column()

        def get_one(self):
            return db.session.query(type(self)).first()
    return file_upload.Model(Post)


def check_setup(readme):
    names = {'app': readme.app(), '__file__': __file__}
    readme.run('General Flask config options', names)
    ok(names['FileUpload'] is flask_ffu.FileUpload, 'and names the class')
    sys.modules['model'] = flask
    names = {'Flask': readme.app, 'SQLAlchemy': SQLAlchemy, '__name__': 'readme'}
    readme.run('Setup', names)
    direct = names['file_upload']
    ok(direct.app.extensions['file_upload'] == {'db': direct.db} and names['db'] is direct.db, 'file_upload.app is the application, which knows its database')
    names.update(app=readme.app(), db=SQLAlchemy(), file_upload=flask_ffu.FileUpload())
    ok(names['file_upload'].app is None, 'there is none before init_app')
    names['create_app']()
    ok(names['file_upload'].app is names['app'] and names['file_upload'].db is names['db'], 'and so with a factory')
    app = flask_ffu.FileUpload(names['app'], names['db'], allowed_extensions=['jpg']).app
    ok(app.config['ALLOWED_EXTENSIONS'] == ['jpg'], 'arguments are configuration')
    names = {}
    readme.run('Decorate your SqlAlchemy models', names)
    names.update(db=direct.db)
    sys.modules['my_app'] = flask_ffu
    flask_ffu.file_upload = direct
    readme.run('Full example', names)
    del flask_ffu.file_upload
    with direct.app.app_context():
        direct.db.create_all()
        model = direct.save_files(names['blogModel'](), files={'my_video': sent('pan.mp4')})
        ok(model.my_video__file_name == 'pan.mp4', 'a file is stored in such a model')
        direct.db.session.delete(model)
        direct.db.session.commit()
        direct.db.drop_all()


def check_views(readme):
    """The blocks of a view, in a request."""
    s = readme.setting
    app, db, file_upload = readme.fresh()
    Post = post_model(db, file_upload)
    with app.app_context():
        db.create_all()
    form = {'my_video': (io.BytesIO(example('pan.mp4')), 'pan.mp4'), 'placeholder_img': (io.BytesIO(example('lake.jpg')), 'lake.jpg')}
    with app.test_request_context(method='POST', data=form):
        names = {'request': flask.request, 'file_upload': file_upload, 'db': db, 'blog_post': Post(title='added')}
        readme.run('define files to be uploaded', names)
        readme.run('Save files: add_files', names)
        ok(names['blog_post'].my_video__file_name == 'pan.mp4', 'and stores the file')
        names['blog_post'] = Post(title='saved')
        readme.run('Save files: save_files', names)
        saved = names['blog_post']
        ok(saved.placeholder_img__file_name == 'lake.jpg' and saved.id == 2, 'and stores the files', str(saved.id))
        old = saved.my_video
        names.update(new_my_video=sent('pan.mp4', example('pan.mp4') + b'\0'), new_placeholder_img=sent('lake.jpg'))
        readme.run('Update files', names)
        ok(names['blog_post'] is saved and saved.my_video != old and saved.my_video__size == len(example('pan.mp4')) + 1, 'and replaces them')
        readme.run('Stream a file', names)
        answer = file_upload.stream_file(saved, filename='my_video')
        answer.direct_passthrough = False
        ok(answer.get_data() == example('pan.mp4') + b'\0', 'and the file is there')
        readme.run('File Url paths', names)
        names.update(BlogModel=Post, blog_result=saved)
        readme.run('Delete files', names)
        ok(saved.my_video is None and saved.placeholder_img is None and s.settled() and len(s.files()) == 2, 'and takes the files', *s.files())
    with app.app_context():
        db.session.query(Post).delete()
        db.session.commit()
    return app, db, file_upload, Post


def check_urls(readme):
    s = readme.setting
    app, db, file_upload = readme.fresh()
    names = {'db': db, 'file_upload': file_upload, 'add_file_urls_to_models': file_upload.add_file_urls_to_models}
    readme.run('Set file paths to multiple objects', names)
    BlogModel = names['BlogModel']
    with app.app_context():
        db.create_all()
        for number in range(3):
            file_upload.save_files(BlogModel(), files={'blog_image': sent('lake.jpg', example('lake.jpg') + bytes([number]))})
        db.session.add(BlogModel())
        db.session.commit()
        before = s.run('blog', 'SELECT xmin, * FROM blog_model ORDER BY id')
        blogs = names['blogs'] = names['blog_models'] = db.session.query(BlogModel).order_by(BlogModel.id).all()
        urls = [file_upload.get_file_url(blog, filename='blog_image') for blog in blogs]
        readme.run('Set file paths: add_file_urls_to_models', names, [('"path/to/blogs/1/blog_image_url.png"', repr(str(urls[0])))])
        statements = []
        listen = (db.engine, 'before_cursor_execute', lambda *args: statements.append(args[2]))
        sa.event.listen(*listen)
        readme.run('File Url paths: many', names)
        ok([blog.blog_image for blog in blogs] == urls and urls[3] is None, 'and the attribute has the URL', str(urls))
        ok(flask.json.loads(app.json.dumps([blog.blog_image for blog in blogs])) == urls, 'which is JSON')
        error = raises(Exception, db.session.commit)
        sa.event.remove(*listen)
        ok(error is None and not [text for text in statements if text.startswith('UPDATE')], 'the flush after it writes nothing', repr(error), *statements)
        ok(s.run('blog', 'SELECT xmin, * FROM blog_model ORDER BY id') == before and s.settled() and len(s.files()) == 3, 'the rows are what they were')

        # The same URL, given as any text, loaded or not, from whatever host; and what the model does then.
        for blog, url in ((blogs[0], str(urls[0])), (blogs[1], 'https://cdn.example/x' + urls[1]), (db.session.get(BlogModel, blogs[2].id), urls[2])):
            db.session.expire_all()
            blog.blog_image = url
            db.session.flush()
            with app.test_request_context():
                answer = file_upload.stream_file(blog, filename='blog_image')
                answer.direct_passthrough = False
                ok(len(answer.get_data()) == len(example('lake.jpg')) + 1, 'a model that has its URL streams its file')
            ok(blog.blog_image == url and file_upload.get_file_url(blog, filename='blog_image').endswith(url[-40:]), 'and gives its URL')
            blog.blog_image = url
            with app.test_request_context():
                ok(file_upload.stream_file(blog, filename='blog_image').status_code == 200, 'also before a flush')
            db.session.rollback()
        for wrong, why in ((urls[1], "another row's URL"), ('https://example.org/a.jpg', 'a URL of something else')):
            blogs[0].blog_image = wrong
            ok(raises(DataError, db.session.flush), f'{why} is refused, as in SQL')
            db.session.rollback()
        detached = blogs[0]
        ok(detached.blog_image and s.run('blog', 'SELECT xmin, * FROM blog_model ORDER BY id') == before, 'and nothing has changed')
        db.session.expunge(detached)
        detached.blog_image = urls[0]
        db.session.add(detached)
        ok(raises(Exception, db.session.commit) is None and s.settled() and len(s.files()) == 3, 'a detached model that got its URL can come back')
        error = raises(Exception, lambda: s.run('blog', f"UPDATE blog_model SET blog_image = '{urls[0]}' WHERE id = {detached.id}"))
        ok(error is not None and error.pgcode == '22023', 'in SQL a URL is no value of a file column, not even the own one', repr(error))
        db.session.close()
        db.drop_all()

    app, db, file_upload = readme.fresh()
    names = {'db': db, 'file_upload': file_upload, 'add_file_urls_to_models': file_upload.add_file_urls_to_models}
    readme.run('Set file paths: backref models', names)
    readme.run('lazy="dynamic"', names)
    with app.app_context():
        db.create_all()
        news = names['BlogNewsModel']()
        db.session.add(names['BlogModel'](blog_news=[news]))
        file_upload.add_files(news, files={'news_image': sent('lake.jpg')})
        file_upload.save_files(news.blogs, files={'blog_image': sent('lake.jpg'), 'blog_video': sent('pan.mp4')})
        names['blogs'] = db.session.query(names['BlogModel']).all()
        readme.run('Set file paths: backref', names)
        blog, = names['blogs']
        ok(blog.blog_image_url and blog.blog_video_url and blog.blog_news[0].news_image_url and blog.blog_news[0].news_video_url is None,
           'and sets what it means')
        db.session.close()
        db.drop_all()


class Migrations:
    """An application with models, and its commands "flask db"."""

    def __init__(self, directory, socket, models):
        os.mkdir(directory)
        self.directory = directory
        self.environment = dict(os.environ, FLASK_APP='flask_app.py', PYTHONDONTWRITEBYTECODE='1',
                                PYTHONPATH=':'.join(os.path.join(HERE, '../..', each) for each in ('examples/flask', 'clients/sqlalchemy')))
        with open(os.path.join(directory, 'flask_app.py'), 'w') as f:
            f.write(f'''
from flask import Flask
from flask_ffu import FileUpload
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql:///blog?host={socket}&user=blog"
db = SQLAlchemy(app)
migrate = Migrate(app, db, compare_type=True)
file_upload = FileUpload(app, db)
{models}''')

    def run(self, *words):
        """Runs a command of python3's, and returns what it says."""
        done = subprocess.run(['/usr/bin/python3', *words], cwd=self.directory, env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        ok(done.returncode == 0, ' '.join(words[1:])[:70], done.stdout)
        return done.stdout


def check_migration(readme, work):
    """flask db stamp, migrate and upgrade find nothing to do after create_all()."""
    migrations = Migrations(os.path.join(work, 'migrated'), readme.setting.server.socket, '''
@file_upload.Model
class Migrated(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    my_video = file_upload.Column()
''')
    migrations.run('-m', 'flask', 'db', 'init')
    migrations.run('-c', 'from flask_app import *\nwith app.app_context(): db.create_all()')
    said = [migrations.run('-m', *command.split()) for command in readme.code('Running Flask-Migration').split('\n') if command]
    ok('No changes in schema detected' in said[1], 'the migration finds nothing to do', said[1])
    readme.setting.run('blog', 'DROP TABLE migrated, alembic_version')


def check_models(readme, app, db, file_upload, Post):
    """New models, models that have lost their session, files that are given twice or never used."""
    s = readme.setting
    with app.app_context():
        new = file_upload.update_files(Post(title='new'), files={'my_video': sent('pan.mp4')})
        ok(new.id and new.my_video__file_name == 'pan.mp4', 'update_files stores a new model')
        db.session.expunge(new)
        detached = file_upload.update_files(new, files={'my_video': sent('lake.mp4', example('pan.mp4') + b'1')})
        ok(detached in db.session and detached.my_video__size == len(example('pan.mp4')) + 1 and s.settled() and len(s.files()) == 1,
           'and takes up one that has lost its session', *s.files())
        db.session.expunge(detached)
        file_upload.delete_files(detached, files=['my_video'], clean_up='files')
        ok(detached.my_video__file_name == 'lake.mp4' and s.settled_but_dangling(), 'delete_files of one, clean_up="files"')
        file_upload.update_files(detached, files={'my_video': sent('pan.mp4')})
        db.session.expunge(detached)
        file_upload.delete_files(detached, files=['my_video'])
        ok(detached.my_video is None and detached.my_video__file_name is None and s.settled() and s.files() == [], 'and without')
        db.session.expunge(detached)
        file_upload.delete_files(detached, files=['my_video'], commit=False)
        ok(detached not in db.session and raises(ValueError, lambda: file_upload.delete_files(detached, files=['my_video'], clean_up='x')),
           'commit=False leaves it to the caller to add the model')
        unsaved = file_upload.delete_files(file_upload.add_files(Post(title='unsaved'), files={'my_video': sent('pan.mp4')}),
                                           files=['my_video'], clean_up='files', commit=False)
        db.session.add(unsaved)
        db.session.commit()
        ok(unsaved.my_video is None and s.files() == [], 'delete_files takes back what add_files gave a new model')

        twice = Post(title='twice')
        file_upload.add_files(twice, files={'my_video': sent('first.mp4', example('pan.mp4'))})
        file_upload.add_files(twice, files={'my_video': sent('second.mp4', example('pan.mp4')), 'placeholder_img': sent('lake.jpg')})
        db.session.add(twice)
        db.session.commit()
        ok(twice.my_video__file_name == 'second.mp4' and s.settled() and len(s.files()) == 2, 'add_files twice: the last file counts')
        file_upload.add_files(twice, files={'my_video': sent('third.mp4', example('pan.mp4'))})
        file_upload.add_files(twice, files={'my_video': sent('fourth.mp4', example('pan.mp4'))})
        db.session.commit()
        ok(twice.my_video__file_name == 'fourth.mp4' and s.settled() and len(s.files()) == 2, 'of a row that is there as well')

        file_upload.add_files(Post(title='never'), files={'my_video': sent('pan.mp4')})
        expunged = Post(title='expunged')
        db.session.add(expunged)
        file_upload.add_files(expunged, files={'my_video': sent('pan.mp4')})
        db.session.expunge(expunged)
        ok(raises(Exception, db.session.commit) is None and s.settled() and len(s.files()) == 2, 'a model that is never added leaves nothing')
        ok(file_upload.get_file_url(Post(), filename='my_video') is None
           and file_upload.get_file_url(file_upload.add_files(Post(), files={'my_video': sent('pan.mp4')}), filename='my_video') is None,
           'nor has it a URL')

        # A commit that fails, and the same model once more
        again = Post(title='twice')
        file_upload.add_files(again, files={'my_video': sent('again.mp4', example('pan.mp4'))})
        db.session.add(again)
        ok(raises(IntegrityError, db.session.commit), 'a row that is refused')
        db.session.rollback()
        again.title = 'again'
        db.session.add(again)
        db.session.commit()
        ok(again.my_video__size == len(example('pan.mp4')) and s.settled() and len(s.files()) == 3, 'has its file when it is added again')

        # A caller that closes its file, or has read it
        with tempfile.NamedTemporaryFile() as f:
            f.write(example('pan.mp4'))
            f.seek(7)
            closed = file_upload.add_files(Post(title='closed'), files={'my_video': FileStorage(f, filename='closed.mp4')})
        with io.BytesIO(example('lake.jpg')) as f:
            file_upload.add_files(closed, files={'placeholder_img': FileStorage(f, filename='closed.jpg')})
        db.session.add(closed)
        db.session.commit()
        ok(closed.my_video__size == len(example('pan.mp4')) and closed.placeholder_img__size == len(example('lake.jpg')), 'a file that its caller closes before the commit is whole')
        read, write = os.pipe()
        os.write(write, b'\xff\xd8\xff' + b'x' * 100)
        os.close(write)
        with os.fdopen(read, 'rb') as f:
            file_upload.add_files(closed, files={'placeholder_img': FileStorage(f, filename='pipe.jpg')})
        db.session.commit()
        ok(closed.placeholder_img__size == 103, 'so is one from a pipe')

        # A flush of some models sends the files of these only.
        one, two = (file_upload.add_files(Post(title=title), files={'my_video': sent('pan.mp4')}) for title in ('one', 'two'))
        db.session.add_all([one, two])
        db.session.flush([one])
        db.session.expunge(two)
        ok(raises(Exception, db.session.commit) is None and one.my_video__size, 'a flush of one model sends its file alone')
        with db.session.no_autoflush:
            ok(db.session.merge(file_upload.add_files(Post(id=one.id, title='merged'), files={'my_video': sent('lake.mp4', example('pan.mp4') + b'2')})) is one, 'a model is merged')
        db.session.commit()
        ok(one.my_video__file_name == 'lake.mp4' and one.my_video__size == len(example('pan.mp4')) + 1, 'with its file')
        db.session.query(Post).delete()
        db.session.commit()
        ok(s.settled() and s.files() == [], 'and nothing is left')


def check_pool(readme, app, db, file_upload, Post):
    """stream_file asks the session's own connection: requests that hold all of the pool's do not wait for another."""
    with app.app_context():
        blog_id = file_upload.save_files(Post(title='streamed'), files={'my_video': sent('pan.mp4')}).id
        gone = file_upload.save_files(Post(title='gone'), files={'my_video': sent('pan.mp4')})
        file_upload.delete_files(gone, files=['my_video'], clean_up='files')
        gone_id, size = gone.id, db.engine.pool.size() + db.engine.pool._max_overflow
    start = threading.Barrier(size)
    said = []

    @app.get('/<int:blog_id>')
    def stream(blog_id):
        blog = db.session.get(Post, blog_id)
        if flask.request.args:
            start.wait(60)      # now the requests hold every connection there is
        return file_upload.stream_file(blog, filename='my_video')

    def ask(query):
        answer = app.test_client().get(f'/{blog_id}{query}')
        said.append((answer.status_code, answer.data == example('pan.mp4')))

    for count, query in ((size, '?all'), (40, '')):
        said.clear()
        threads = [threading.Thread(target=ask, args=(query,)) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ok(said == [(200, True)] * count, f'{count} threads stream a file over a pool of {size} connections', str(said))
    with app.test_request_context():
        blog = db.session.get(Post, gone_id)
        ok(raises(NotFound, lambda: file_upload.stream_file(blog, filename='my_video')), 'a file that is gone is not found')
        ok(db.session.query(Post).count() == 2, "and the request's transaction goes on")
        fresh = file_upload.add_files(Post(title='fresh'), files={'my_video': sent('pan.mp4')})
        db.session.add(fresh)
        answer = file_upload.stream_file(fresh, filename='my_video')
        ok(answer.content_length == len(example('pan.mp4')), 'a file of this transaction is known before its commit')
        db.session.rollback()


def main():
    warnings.filterwarnings('error', category=sa.exc.SAWarning)
    work = servers.work_directory('readme')
    setting = None
    try:
        setting = module.Setting(work)

        def settled_but_dangling():
            setting.run('blog', 'SELECT ffu.sweep()')
            return setting.files() == [] and setting.ask('SELECT count(*) FROM ffu.check()') == 0
        setting.settled_but_dangling = settled_but_dangling
        readme = Readme(setting)
        check_setup(readme)
        check_migration(readme, work)
        views = check_views(readme)
        check_urls(readme)
        check_models(readme, *views)
        check_pool(readme, *views)
        ok(readme.left == ['Upgrading from v0.1 to v0.2'], 'every block was run; the last is of test/flask/versions.py', *readme.left)
    finally:
        if setting:
            setting.server.remove()
        shutil.rmtree(work, ignore_errors=True)
    tap.done()


if __name__ == '__main__':
    main()
