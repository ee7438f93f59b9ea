"""flask-file-upload's API over ffu: the same names, and the database keeps the files.

    from flask_ffu import FileUpload            # was: from flask_file_upload import FileUpload

Models and views stay as they are. Files are stored by the INSERT or UPDATE of their row, in its
transaction; refused ones are IntegrityErrors, with the reason in e.orig.diag. nginx serves them.

ALLOWED_EXTENSIONS counts when create_all() makes a table. UPLOAD_FOLDER is not read: the folder
is the database's (ffu.use_folder). FFU_INTERNAL_URL, nginx's internal location, is for stream_file.
"""

import json
from urllib.parse import quote

import sqlalchemy as sa
from flask import Response, abort, current_app, request
from sqlalchemy import func, orm
from sqlalchemy.dialects import postgresql
from werkzeug.wsgi import wrap_file

PIECE = 1024 * 1024     # psycopg2 sends bytes as text: two megabytes on the wire
relation = postgresql.dialect().identifier_preparer.format_table     # a table's name, quoted where it has to be
COMMENT = "File column (ffu): assign ffu.file(name, bytes) or a data: URI; reads as the path of the file."
FACTS = {"file_name": sa.Text, "mime_type": sa.Text, "ext": sa.Text, "size": sa.BigInteger, "sha256": sa.Text}


def file_columns(name):
    """The columns of file column `name`: the path, which is assigned, and what the database fills in."""
    columns = {name: sa.Column(name, sa.Text, comment=COMMENT)}
    for fact, kind in FACTS.items():
        columns[f"{name}__{fact}"] = sa.Column(f"{name}__{fact}", kind, sa.FetchedValue(), sa.FetchedValue(for_update=True))
    return columns


def upload(session, storage, max_size=None):
    """Sends a FileStorage piece by piece, in the session's transaction, and returns the SQL expression to assign in it."""
    if storage.seekable():
        storage.seek(0)
    with session.no_autoflush:
        begun = session.scalar(sa.select(func.ffu.upload_begin(storage.filename, False, max_size)))
        while piece := storage.read(PIECE):
            session.execute(sa.select(func.ffu.upload_append(begun, piece)))
    return sa.literal(begun)


class Column:
    """Marks an attribute of a model as a file column. `allowed_extensions` and `max_size` ("1 GB") may be given."""

    def __init__(self, db=None, **policy):
        self.policy = policy

    def create(self, name, table, connection, **_):
        """Makes a file column of one that create_all() has just made."""
        allowed = self.policy.get("allowed_extensions") or current_app.config.get("ALLOWED_EXTENSIONS")
        connection.execute(sa.text("SELECT ffu.manage_column(:t, :c, allowed_extensions => :e, max_size => CAST(:s AS text))"), {
            "t": relation(table), "c": name, "e": allowed and list(allowed), "s": self.policy.get("max_size")})


class Content:
    """The bytes of a file as something to be read, from any place, in short transactions."""

    def __init__(self, engine, path):
        self.engine, self.path, self.at = engine, path, 0

    def ask(self, function, *arguments):
        with self.engine.connect() as connection:
            return connection.scalar(sa.select(function(self.path, *arguments)))

    def seekable(self):
        return True

    def seek(self, at):
        self.at = at

    def tell(self):
        return self.at

    def read(self, count):
        piece = bytes(self.ask(func.ffu.content, self.at, count))
        self.at += len(piece)
        return piece


class FileUpload:
    def __init__(self, app=None, db=None, **config):
        self.db, self.config, self.Column = db, config, Column
        if app and db:
            self.init_app(app)

    def init_app(self, app, db=None, **config):
        self.db = db or self.db or app.extensions["sqlalchemy"]
        app.config.update({key.upper(): value for key, value in {**self.config, **config}.items()})

    @staticmethod
    def Model(cls):
        """Gives a model the columns of its file columns, those of mixins too."""
        files = {name: value for base in reversed(cls.__mro__)
                 for name, value in vars(base).items() if isinstance(value, Column)}
        for name, marker in files.items():
            for key, column in file_columns(name).items():
                if key[len(name):] in ("__mime_type", "__ext", "__file_name"):
                    column.type = sa.String(1000 + len(key))    # as flask-file-upload has them, for Alembic
                setattr(cls, key, column)
            sa.event.listen(cls.__table__, "after_create", lambda *args, name=name, marker=marker, **_: marker.create(name, *args))
        cls.file_column_names = getattr(cls, "file_column_names", ()) + tuple(files)
        return cls

    def add_files(self, model, *, files):
        """Assigns files, to be stored with the row. No commit. A field of a form that was left empty changes nothing."""
        _check(model, files)
        session = orm.object_session(model) or self.db.session()
        for name, storage in files.items():
            if storage.filename:
                setattr(model, name, upload(session, storage))
        return model

    def save_files(self, model, *, files, commit_session=True):
        """The same, and adds the model to the session and commits."""
        self.add_files(model, files=files)
        self.db.session.add(model)
        return self._end(model, commit_session)

    def update_files(self, model, db=None, *, files, commit=True):
        """Replaces files. The old ones go with the commit."""
        return self._end(self.add_files(model, files=files), commit)

    def delete_files(self, model, db=None, *, files, clean_up=None, commit=True, parent=False):
        """Deletes files; with clean_up "files" the row keeps its text, with "model" the file stays. parent: all of the row's."""
        _check(model, files or parent and model.file_column_names)
        (session := orm.object_session(model)).flush()
        key = {column.name: str(value) for column, value in zip(sa.inspect(type(model)).primary_key, sa.inspect(model).identity)}
        key = json.dumps(key) if len(key) > 1 else next(iter(key.values()))
        session.execute(sa.select(func.ffu.delete_files(relation(model.__table__), key, list(files), clean_up, parent)))
        session.expire(model)
        return self._end(model, commit)

    def stream_file(self, model, *, filename):
        """A response with the file, with ranges and ETag; nginx sends it if FFU_INTERNAL_URL is set."""
        _check(model, [filename])
        path, fact = getattr(model, filename) or abort(404), {fact: getattr(model, f"{filename}__{fact}") for fact in FACTS}
        response = Response(mimetype=fact["mime_type"] or "application/octet-stream", headers={
            "Content-Disposition": "inline; filename*=UTF-8''" + quote(fact["file_name"] or filename, safe=""),
            "Content-Security-Policy": "default-src 'self'" if fact["mime_type"] == "application/pdf" else "sandbox",
            "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"})
        if current_app.config.get("FFU_INTERNAL_URL"):
            response.headers["X-Accel-Redirect"] = current_app.config["FFU_INTERNAL_URL"] + path
            return response
        content = Content(self.db.engine, path)
        try:
            response.content_length = content.ask(func.ffu.size)
        except sa.exc.IntegrityError:       # clean_up="files": the row names a file that is gone
            abort(404)
        response.response = wrap_file(request.environ, content, PIECE)
        response.set_etag(fact["sha256"])
        return response.make_conditional(request, accept_ranges=True, complete_length=response.content_length)

    def get_file_url(self, model, *, filename):
        """The URL of a file; None if there is none."""
        return getattr(self.add_file_urls_to_models(model, filenames=filename), filename + "_url")

    def add_file_urls_to_models(self, models, *, filenames, backref=None):
        """Sets <name>_url, on a model or many, and on what `backref`, {"name", "filenames", "backref"}, leads to."""
        self.db.session.flush()
        models = models.all() if hasattr(models, "all") else models
        found = list(self._collect(_as_list(models), filenames, backref))
        query = sa.text("SELECT ffu.url(p) FROM unnest(CAST(:paths AS text[])) WITH ORDINALITY AS u(p, n) ORDER BY n")
        for (model, name), url in zip(found, self.db.session.scalars(query, {"paths": [getattr(*item) for item in found]})):
            setattr(model, name + "_url", url)
        return models

    def _collect(self, models, names, backref):
        names = [names] if isinstance(names, str) else names
        for model in models:
            _check(model, names)
            yield from ((model, name) for name in names)
        if models and backref:
            cls, name = type(models[0]), backref["name"]
            if sa.inspect(cls).relationships[name].lazy != "dynamic":       # loads those of all models in one query
                key = sa.tuple_(*sa.inspect(cls).primary_key).in_([sa.inspect(model).identity for model in models])
                self.db.session.query(cls).filter(key).options(orm.selectinload(getattr(cls, name))).all()
            children = [child for model in models for child in _as_list(getattr(model, name))]
            yield from self._collect(children, backref["filenames"], backref.get("backref"))

    def _end(self, model, commit):
        if commit:
            self.db.session.commit()
        return model


def _check(model, names):
    known = getattr(type(model), "file_column_names", ())
    if not names:
        raise ValueError("no files are named; the model has " + ", ".join(known))
    if unknown := [name for name in names if name not in known]:
        raise AttributeError(f"{type(model).__name__} has no file column {unknown[0]!r}; it has {', '.join(known)}")


def _as_list(models):
    return list(models) if isinstance(models, (list, tuple, set, orm.Query)) else [] if models is None else [models]
