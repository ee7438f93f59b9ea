"""flask-file-upload's API over ffu: the same names, and the database keeps the files.

It is built on sqlalchemy_ffu (clients/sqlalchemy), which stands beside it.

    from flask_ffu import FileUpload            # was: from flask_file_upload import FileUpload

Models and views stay as they are. A file is sent when its model is flushed, and stored by the INSERT
or UPDATE of its row, in its transaction; a file of a model that is never flushed is never sent.
Refused files are IntegrityErrors, with the reason in e.orig.diag. nginx serves the files.

ALLOWED_EXTENSIONS counts when create_all() makes a table. UPLOAD_FOLDER is not read: the folder
is the database's (ffu.use_folder). FFU_INTERNAL_URL, nginx's internal location, is for stream_file.
"""

import mimetypes
import os
import tempfile
import types
from urllib.parse import quote

import sqlalchemy as sa
from flask import Response, abort, current_app, request
from sqlalchemy import func, orm
from sqlalchemy_ffu import FACTS, PIECE, Pending, declaration, file_columns
from werkzeug.wsgi import wrap_file

VERBS = ("copy:", "detach:", "dangle:")     # what ffu understands before the path of a row
HARMLESS = ("audio/", "image/", "video/", "application/pdf", "text/plain")      # nothing in it runs in a browser


class Url(str):
    """A URL that knows the path of its file."""

    def __new__(cls, url, path):
        self = super().__new__(cls, url)
        self.path = path
        return self


class Column:
    """Marks an attribute of a model as a file column. `allowed_extensions` and `max_size` ("1 GB") may be given."""

    def __init__(self, db=None, **policy):
        self.policy = policy

    def create(self, name, table, connection, **_):
        """Makes a file column of one that create_all() has just made."""
        allowed = self.policy.get("allowed_extensions") or current_app.config.get("ALLOWED_EXTENSIONS")
        policy = {"allowed_extensions": allowed and list(allowed), "max_size": self.policy.get("max_size")}
        connection.execute(sa.text(declaration(table, name, policy)))


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
    app = None

    def __init__(self, app=None, db=None, **options):
        self.db, self.options, self.Column = db, options, Column
        if app and db:
            self.init_app(app)

    def init_app(self, app, db=None, **options):
        self.app, self.db = app, db or self.db or app.extensions["sqlalchemy"]
        app.config.update({key.upper(): value for key, value in {**self.options, **options}.items()})
        app.extensions["file_upload"] = {"db": self.db}
        self.config = types.SimpleNamespace(**{
            key: app.config.get(key.upper()) for key in ("upload_folder", "allowed_extensions", "max_content_length")})

    @staticmethod
    def Model(cls):
        """Gives a model the columns of its file columns, those of mixins too."""
        files = {name: value for base in reversed(cls.__mro__)
                 for name, value in vars(base).items() if isinstance(value, Column)}
        for name, marker in files.items():
            for key, column in file_columns(name).items():
                if key[len(name):] in ("__mime_type", "__ext", "__file_name"):
                    column.type = sa.String()       # Alembic takes it for flask-file-upload's varchar of any version and length
                setattr(cls, key, column)
            sa.event.listen(cls.__table__, "after_create", lambda *args, name=name, marker=marker, **_: marker.create(name, *args))
        cls.file_column_names = getattr(cls, "file_column_names", ()) + tuple(files)
        return cls

    def add_files(self, model, *, files):
        """Assigns files, to be stored with the row. No commit. A field of a form that was left empty changes nothing."""
        _check(model, files)
        for name, storage in files.items():
            if storage.filename:
                setattr(model, name, Pending(_keep_open(storage), storage.filename))
        return model

    def save_files(self, model, *, files, commit_session=True):
        """The same, and adds the model to the session and commits."""
        self.add_files(model, files=files)
        self._session(model).add(model)
        return self._end(model, commit_session)

    def update_files(self, model, db=None, *, files, commit=True):
        """Replaces files. The old ones go with the commit."""
        return self._end(self.add_files(model, files=files), commit)

    def delete_files(self, model, db=None, *, files, clean_up=None, commit=True, parent=False):
        """Deletes files; with clean_up "files" the row keeps its text, with "model" the file stays. parent: all of the row's."""
        _check(model, files or parent and model.file_column_names)
        if clean_up not in (None, "files", "model"):
            raise ValueError(f'clean_up is None, "files" or "model", and not {clean_up!r}')
        verb = {"files": "dangle:", "model": "detach:"}.get(clean_up)
        for name in model.file_column_names if parent else files:
            old = verb and sa.inspect(model).has_identity       # a new row has no file yet
            setattr(model, name, sa.literal(verb) + getattr(type(model), name) if old else None)
        return self._end(model, commit)

    def stream_file(self, model, *, filename):
        """A response with the file, with ranges and ETag; nginx sends it if FFU_INTERNAL_URL is set."""
        _check(model, [filename])
        session = self._session(model)
        session.flush()
        path, fact = _path(model, filename) or abort(404), {fact: getattr(model, f"{filename}__{fact}") for fact in FACTS}
        kind = served_type(fact["ext"], fact["mime_type"])
        response = Response(mimetype=kind or "application/octet-stream", headers={
            "Content-Disposition": ("inline" if kind else "attachment") + "; filename*=UTF-8''" + quote(fact["file_name"] or filename, safe=""),
            # Chromium's own page around a sound, a video or a PDF cannot load it in a sandbox; nosniff keeps it from being another page.
            "Content-Security-Policy": "default-src 'self'" if (kind or "").startswith(("application/pdf", "audio/", "video/")) else "sandbox",
            "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"})
        if current_app.config.get("FFU_INTERNAL_URL"):
            response.headers["X-Accel-Redirect"] = current_app.config["FFU_INTERNAL_URL"] + path
            return response
        # Only the session's own connection is asked while the request holds it: the pool may have no other.
        try:
            with session.begin_nested():
                response.content_length = session.scalar(sa.select(func.ffu.size(path)), **_bind(model))
        except sa.exc.IntegrityError:       # clean_up="files": the row names a file that is gone
            abort(404)
        response.response = wrap_file(request.environ, Content(session.get_bind(sa.inspect(type(model))).engine, path), PIECE)
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
        paths = [_path(*item) for item in found]
        query = sa.text("SELECT ffu.url(p) FROM unnest(CAST(:paths AS text[])) WITH ORDINALITY AS u(p, n) ORDER BY n")
        for (model, name), path, url in zip(found, paths, self.db.session.scalars(query, {"paths": paths})):
            setattr(model, name + "_url", Url(url, path) if url else None)
        return models

    def _collect(self, models, names, backref):
        # flask-file-upload's page has ["blog_image, blog_video"], and means two.
        names = [name.strip() for given in _as_list(names) for name in given.split(",")]
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

    def _session(self, model):
        return orm.object_session(model) or self.db.session()

    def _end(self, model, commit):
        """Commits what the caller does not; the model may be new, or have lost its session."""
        session = self._session(model)
        if commit:
            session.add(model)
            session.commit()
        elif model in session:
            session.flush()
        return model


def served_type(ext, found):
    """The type to send a file as, by its extension and by what was found in its content; None if it should only be saved.

    The extension counts where the content is of its family: text in notes.txt is text/plain, whatever its markup, and .aac is
    audio/aac. Else the content counts, if nothing in it can run. Sound and moving pictures are one family, and a content that
    could not be told is of any.
    """
    named = mimetypes.guess_type("file." + ext)[0] if ext else None
    family = [kind.split("/")[0].replace("audio", "video") for kind in (named or "", found or "application/octet-stream")]
    if named and (family[0] == family[1] or found in (None, "application/octet-stream")):
        return named
    return found if found and found.startswith(HARMLESS) and found != "image/svg+xml" else None


@sa.event.listens_for(orm.Session, "before_flush")
def _before_flush(session, context, instances):
    """Finds URLs that were assigned to the models that are about to be written."""
    for model in [*session.new, *session.dirty]:
        for name in getattr(type(model), "file_column_names", ()):
            value = sa.inspect(model).dict.get(name)
            if isinstance(value, str) and (not instances or model in instances):
                _keep_file(session, model, name, value)


def _keep_file(session, model, name, value):
    """Makes the assignment of the URL of the row's own file one that changes nothing, as with flask-file-upload.

    That is done here and not in the database: a view that gives each model its URL must not write, or lock, their rows.
    Whatever stands before the path is taken for the beginning of a URL, since nothing but the file itself has its token.
    """
    state = sa.inspect(model)
    if not state.has_identity or name not in state.committed_state:
        return
    path = _path(model, name)
    if path is None:        # it was not loaded
        cls = type(model)
        path = session.scalar(sa.select(cls.__table__.c[name]).where(
            *(column == key for column, key in zip(sa.inspect(cls).primary_key, state.identity))), **_bind(model))
    if path and value != path and value.endswith(path) and value[:-len(path)] not in VERBS:
        orm.attributes.set_committed_value(model, name, Url(value, path))


def _path(model, name):
    """The path that the row in the database has, whatever has been assigned since."""
    value = getattr(model, name)
    value = sa.inspect(model).committed_state.get(name, value)
    return getattr(value, "path", value) if isinstance(value, str) else None


def _bind(model):
    return {"bind_arguments": {"mapper": sa.inspect(type(model))}}


def _keep_open(storage):
    """The bytes of a FileStorage, readable until they are sent even if the caller closes it; a file on the disk is not copied."""
    try:
        storage.seek(0)
        return os.fdopen(os.dup(storage.fileno()), "rb")
    except (AttributeError, OSError):       # it is in memory, or comes from a pipe
        copy = tempfile.TemporaryFile()
        storage.save(copy, PIECE)
        return copy


def _check(model, names):
    known = getattr(type(model), "file_column_names", ())
    if not names:
        raise ValueError("no files are named; the model has " + ", ".join(known))
    if unknown := [name for name in names if name not in known]:
        raise AttributeError(f"{type(model).__name__} has no file column {unknown[0]!r}; it has {', '.join(known)}")


def _as_list(models):
    return list(models) if isinstance(models, (list, tuple, set, orm.Query)) else [] if models is None else [models]
