#!/usr/bin/python3
"""Tests sqlalchemy-ffu with SQLAlchemy and Alembic themselves.

    run.py
"""

import io
import os
import subprocess
import sys
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "../../../test/oracle")]

import psycopg2
import server as servers
import sqlalchemy as sa
import sqlalchemy_ffu as ffu
import tap
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import orm
from tap import ok

TEXT = b"a text\n"
MODELS = '''
import sqlalchemy as sa
import sqlalchemy_ffu as ffu
from sqlalchemy import orm

Base = orm.declarative_base()


@ffu.files(photo={"allowed_extensions": [".JPG", "txt"], "max_size": "20 MB", "path_template": "own/{table}-{token}{ext}"}, scan=None)
class Post(Base):
    __tablename__ = "Posts :all"
    id = sa.Column(sa.Integer, primary_key=True)
    title = sa.Column(sa.Text)


Picture = ffu.attachments(Post, "pictures", allowed_extensions=["txt"], table_name="pictures")
'''

ENV = '''
from alembic import context
import models
import sqlalchemy as sa
import sqlalchemy_ffu

with sa.create_engine(context.config.get_main_option("url")).connect() as connection:
    context.configure(connection=connection, target_metadata=models.Base.metadata, compare_type=True, include_schemas=True,
                      include_name=sqlalchemy_ffu.include_name, include_object=sqlalchemy_ffu.include_object,
                      process_revision_directives=sqlalchemy_ffu.process_revision_directives)
    with context.begin_transaction():
        context.run_migrations()
    connection.connection.commit()
'''

MAKO = '''"""${message}"""
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision, down_revision = ${repr(up_revision)}, ${repr(down_revision)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
'''


class Sent(io.BytesIO):
    """A file as a form sends it; an empty name stands for a field without a file."""

    def __init__(self, content, filename):
        super().__init__(content)
        self.filename = filename


class Setting:
    def __init__(self, work):
        self.work = work
        self.folder = os.path.join(work, "folder")
        self.server = servers.Server(os.path.join(work, "server"), "autovacuum = off\nfsync = off")
        os.mkdir(self.server.work)
        self.server.init()
        self.server.start()
        for name in ("models", "migrated"):
            self.run("postgres", f"CREATE DATABASE {name}")
            self.run(name, "CREATE EXTENSION ffu", f"SELECT ffu.use_folder('{self.folder}-{name}')")

    def run(self, database, *statements):
        connection = psycopg2.connect(host=self.server.socket, user="postgres", dbname=database)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else None
        connection.close()
        return rows

    def url(self, database):
        return f"postgresql+psycopg2:///{database}?host={self.server.socket}&user=postgres"

    def files(self):
        found = []
        for root, _, names in os.walk(self.folder + "-models"):
            if "/.ffu" not in root:
                for name in names:
                    with open(os.path.join(root, name), "rb") as file:
                        found.append(file.read())
        return sorted(found)


def refused(session, call):
    """The refusal of the statements of a call, which are undone."""
    try:
        with session.begin_nested():
            call()
            session.flush()
    except sa.exc.IntegrityError as error:
        return ffu.refusal(error)
    return None


def try_models(setting, models, session):
    Post = models.Post
    policy = setting.run("models", "SELECT column_name, allowed_extensions, max_size, path_template FROM ffu.columns ORDER BY 1")
    ok(policy == [("file", ["txt"], None, None), ("photo", ["jpg", "txt"], 20 << 20, "own/{table}-{token}{ext}"), ("scan", None, None, None)],
       "create_all() declares the columns and the attachments, with their policies", repr(policy))
    post = Post(title="one", photo=Sent(TEXT, "dir/Käse.txt"))
    session.add(post)
    session.flush()
    ok(setting.files() == [], "nothing is in the folder before the commit")
    session.commit()
    ok(setting.files() == [TEXT], "a file is stored with its row")
    ok((post.photo__file_name, post.photo__size, post.photo__ext, post.photo__mime_type) == ("Käse.txt", 7, "txt", "text/plain"),
       "and its facts are read back", post.photo__file_name, post.photo__size)
    ok(post.photo_url.endswith(post.photo.split("/")[-1]), "and its URL", post.photo_url)
    path = post.photo
    post.title = "two"
    post.photo = Sent(b"", "")
    session.commit()
    ok(post.photo == path, "a field that was left empty changes nothing")
    post.photo = b"bytes"
    post.scan = io.BytesIO(b"from a stream")
    session.commit()
    ok(setting.files() == [b"bytes", b"from a stream"] and post.photo_url.endswith(post.photo.split("/")[-1]), "bytes replace it, and a stream is a file", *setting.files())
    large = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6" + bytes(range(256)) * 8192
    for name, constraint in (("scan.bin", "ffu_allowed_extensions"), ("scan.pdf", "ffu_content")):
        refusal = refused(session, lambda: setattr(post, "scan", Sent(large, name)))
        ok(refusal is not None and (refusal.column, refusal.constraint) == ("scan", constraint), f"a refused file is told: {name}", repr(refusal), repr(refusal and refusal.constraint))
    ok(refused(session, lambda: session.execute(sa.insert(Post.__table__).values(id=post.id))) is None, "and no other error")
    session.rollback()

    again = Post(photo=Sent(b"again", "a.txt"))
    session.add(again)
    session.flush()
    session.rollback()
    ok(setting.files() == [b"bytes", b"from a stream"], "a rollback leaves no file")
    again = Post(photo=again.__dict__.get("photo") or Sent(b"again", "a.txt"))
    session.add(again)
    session.commit()
    ok(b"again" in setting.files(), "and the file can be stored then")
    session.execute(sa.insert(Post.__table__).values(title="core", photo=ffu.file(Sent(b"core", "c.txt"))))
    session.execute(sa.update(Post.__table__).where(Post.id == again.id).values(photo=ffu.file(b"core too")))
    session.commit()
    ok(setting.files() == [b"bytes", b"core", b"core too", b"from a stream"], "Core stores files as well", *setting.files())
    post.scan = None
    for other in session.scalars(sa.select(Post).where(Post.id != post.id)):
        session.delete(other)
    session.commit()
    ok(setting.files() == [b"bytes"], "None and a deletion remove them", *setting.files())
    return post


def try_attachments(setting, models, session, post):
    Picture = models.Picture
    post.pictures.extend(Picture(file=Sent(name.encode(), name + ".txt")) for name in "abc")
    session.commit()
    ok([each.file__file_name for each in post.pictures] == ["a.txt", "b.txt", "c.txt"] and len(setting.files()) == 4, "attachments are stored, in order")
    ok(all(each.file_url.endswith(each.file.split("/")[-1]) for each in post.pictures), "each with its URL")
    refusal = refused(session, lambda: post.pictures.append(Picture(file=Sent(b"x", "x.jpg"))))
    ok(refusal is not None and (refusal.column, refusal.constraint) == ("file", "ffu_allowed_extensions"), "a refused attachment is told", repr(refusal))
    session.rollback()
    ids = [each.id for each in post.pictures]
    session.execute(sa.text("SELECT ffu.reorder('pictures', :row, :ids)"), {"row": post.id, "ids": ids[::-1]})
    session.expire(post)
    ok([each.id for each in post.pictures] == ids[::-1], "ffu.reorder changes the order of the list")
    post.pictures.remove(post.pictures[0])
    session.commit()
    ok(setting.files() == [b"a", b"b", b"bytes"], "one that is removed from the list goes", *setting.files())
    session.delete(post)
    session.commit()
    ok(setting.files() == [] and setting.run("models", "SELECT count(*) FROM pictures") == [(0,)], "and all go with their object", *setting.files())


def try_reflection(setting, models, engine):
    with engine.connect() as connection:
        table = sa.Table("Posts :all", sa.MetaData(), autoload_with=connection)
        ok(isinstance(table.c.photo.type, sa.Text), "a file column is reflected as Text", repr(table.c.photo.type))
        setting.run("models", "CREATE TABLE own (id int PRIMARY KEY, title text)", "SELECT ffu.add_column('own', 'photo')")
        metadata = sa.MetaData()
        sa.Table("own", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("title", sa.Text), sa.Column("photo", sa.Text))
        for each in models.Base.metadata.tables.values():
            getattr(each, "to_metadata")(metadata)
        context = MigrationContext.configure(connection, opts={
            "include_name": ffu.include_name, "include_object": ffu.include_object, "include_schemas": True, "compare_type": True, "target_metadata": metadata})
        ok(compare_metadata(context, metadata) == [], "Alembic finds no difference, also where a model names no companion", repr(compare_metadata(context, metadata)))


def try_migrations(setting):
    directory = os.path.join(setting.work, "alembic")
    os.makedirs(directory + "/scripts/versions")
    for name, text in {"alembic.ini": f"[alembic]\nscript_location = {directory}/scripts\nurl = {setting.url('migrated')}\n",
                       "models.py": MODELS, "scripts/env.py": ENV, "scripts/script.py.mako": MAKO}.items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(text)

    def alembic(*words):
        said = subprocess.run([sys.executable, "-m", "alembic", *words], cwd=directory, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, "PYTHONPATH": ":".join([directory, os.path.join(HERE, ".."), os.environ.get("PYTHONPATH", "")])})
        return said.returncode == 0, said.stdout

    def scripts():
        found = sorted(os.listdir(directory + "/scripts/versions"))
        return [open(os.path.join(directory, "scripts/versions", name), encoding="utf-8").read() for name in found if name.endswith(".py")]

    for words in (["revision", "--autogenerate", "-m", "first", "--rev-id", "1"], ["upgrade", "head"]):
        good, said = alembic(*words)
        ok(good, "alembic " + " ".join(words), said, *scripts())
    declared = "SELECT relation::text, column_name, allowed_extensions, complete FROM ffu.columns ORDER BY 1, 2"
    ok(setting.run("migrated", declared) == [('"Posts :all"', "photo", ["jpg", "txt"], True), ('"Posts :all"', "scan", None, True), ("pictures", "file", ["txt"], True)],
       "the migration declares columns and attachments", repr(setting.run("migrated", declared)), *scripts())
    good, said = alembic("revision", "--autogenerate", "-m", "none", "--rev-id", "2")
    ok(good and scripts()[-1].count("    pass\n") == 2, "the next one is empty", said, scripts()[-1])
    with open(directory + "/models.py", "a", encoding="utf-8") as file:
        file.write('\nffu.files(cover={"max_size": "1 MB"})(Post)\n')
    for words in (["upgrade", "head"], ["revision", "--autogenerate", "-m", "cover", "--rev-id", "3"], ["upgrade", "head"]):
        good, said = alembic(*words)
        ok(good, "alembic " + " ".join(words), said)
    ok(("cover", 1 << 20) in setting.run("migrated", "SELECT column_name, max_size FROM ffu.columns"), "a new column is declared by its migration", scripts()[-1])
    good, said = alembic("downgrade", "2")
    ok(good and len(setting.run("migrated", declared)) == 3, "and the downgrade removes it", said)
    good, said = alembic("downgrade", "base")
    ok(good and setting.run("migrated", declared) == [], "the downgrade of all leaves nothing", said, *scripts())


def main():
    warnings.filterwarnings("error", category=sa.exc.SAWarning)
    work = servers.work_directory("sqlalchemy")
    setting = None
    try:
        setting = Setting(work)
        with open(work + "/models.py", "w", encoding="utf-8") as file:
            file.write(MODELS)
        sys.path.insert(0, work)
        import models
        engine = sa.create_engine(setting.url("models"))
        models.Base.metadata.create_all(engine)
        with orm.Session(engine) as session:
            post = try_models(setting, models, session)
            try_attachments(setting, models, session, post)
        try_reflection(setting, models, engine)
        ok(setting.run("models", "SELECT * FROM ffu.check()") == [], "and ffu.check finds nothing wrong")
        engine.dispose()
        try_migrations(setting)
        tap.note(f"SQLAlchemy {sa.__version__}")
    finally:
        if setting:
            setting.server.remove()
    tap.done()


if __name__ == "__main__":
    main()
