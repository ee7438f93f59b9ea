"""The field, what a field reads as, and the expression that stores a file."""

import os

from django import forms
from django.core.exceptions import ValidationError
from django.db import connections, models
from django.db.models import F, Func, TextField
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext_lazy as _

POLICY = ("allowed_extensions", "allowed_mime_types", "max_size", "path_template", "content_check")
LARGE = 8 * 1024 * 1024
PIECE = 1024 * 1024
BYTES = (bytes, bytearray, memoryview)


class Url(Func):
    """The URL of a file column within a query: Shot.objects.annotate(link=Url("photo"))."""

    function = "ffu.url"
    output_field = TextField()


class Upload(models.Expression):
    """A file to be stored by the statement that has this expression.

    Takes an object with chunks() or read(), as of request.FILES, or bytes. A file of more than 8 MB goes in
    pieces of 1 MB: within a transaction as an upload of the transaction, else as a resumable upload, which
    the statement finishes. An upload whose statement fails expires by itself.
    """

    def __init__(self, file, name=None):
        super().__init__(output_field=TextField())
        self.file = file
        self.name = name if name is not None else getattr(file, "name", None)
        self.name = self.name and os.path.basename(self.name)

    def as_sql(self, compiler, connection):
        pieces = self.pieces()
        first = b""
        for piece in pieces:
            first += piece
            if len(first) > LARGE:
                break
        else:
            return "ffu.file(%s::text, %s::bytea)", [self.name, connection.Database.Binary(first)]
        return self.send(connection, first, pieces)

    def pieces(self):
        """The bytes from the begin, in pieces."""
        if isinstance(self.file, BYTES):
            content = memoryview(self.file)
            return (bytes(content[at:at + PIECE]) for at in range(0, len(content), PIECE))
        if hasattr(self.file, "seek"):
            self.file.seek(0)
        if hasattr(self.file, "chunks"):
            return iter(self.file.chunks(PIECE))
        return iter(lambda: self.file.read(PIECE), b"")

    def send(self, connection, first, pieces):
        """Send a large file before its statement, and return the SQL that assigns it."""
        resumable = not connection.in_atomic_block
        with connection.cursor() as cursor:
            cursor.execute("SELECT ffu.upload_begin(%s::text, %s)", [self.name, resumable])
            upload, = cursor.fetchone()
            size = 0
            for piece in self.all_of(first, pieces):
                at = [size] if resumable else []
                cursor.execute("SELECT ffu.upload_append(%s" + ", %s" * len(at) + ", %s::bytea)",
                               [upload, *at, connection.Database.Binary(piece)])
                size, = cursor.fetchone()
        return ("ffu.upload_finish(%s)" if resumable else "%s"), [upload]

    @staticmethod
    def all_of(first, pieces):
        for at in range(0, len(first), PIECE):
            yield first[at:at + PIECE]
        yield from pieces


class Stored(str):
    """The path of a stored file; the empty string where the row has none. Remembers the row it was read from."""

    owner = None
    using = "default"

    def ask(self, function):
        with connections[self.using].cursor() as cursor:
            cursor.execute(f"SELECT ffu.{function}(%s)", [str(self)])
            return cursor.fetchone()[0]

    @property
    def url(self):
        """The URL; a query each time, for lists see Url. ValueError without a file, as Django's own field."""
        if not self:
            raise ValueError("The row has no file.")
        return self.ask("url")

    def read(self):
        """The bytes of the file, in memory."""
        return bytes(self.ask("content")) if self else b""


class FileAttribute(DeferredAttribute):
    """Tells a value that was read for a row from a value that was assigned."""

    def __set__(self, instance, value):
        if isinstance(value, Stored) and value.owner is None:
            value.owner = owner_of(instance)
        instance.__dict__[self.field.attname] = value


def owner_of(instance):
    meta = instance._meta.concrete_model._meta
    return meta.label, instance.__dict__.get(meta.pk.attname)


class FileField(models.Field):
    """A file column. Takes the arguments of a policy, all optional: allowed_extensions and allowed_mime_types
    (lists), max_size (a number of bytes, or a text such as "10 MB"), path_template, content_check.

    Assign a file of request.FILES, any django.core.files.File, bytes, an Upload, a data: URI, the value of
    another row (a copy), or None. A field photo comes with photo_name, photo_type, photo_ext, photo_size and
    photo_sha256, which the database fills in.
    """

    description = _("File column of ffu")
    descriptor_class = FileAttribute
    db_returning = True

    def __init__(self, *args, companions=True, **kwargs):
        for name in POLICY:
            setattr(self, name, kwargs.pop(name, None))
        self.companions = companions
        super().__init__(*args, **kwargs)

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        kwargs.update({option: getattr(self, option) for option in POLICY if getattr(self, option) is not None})
        # The companions are fields of the migration already.
        return name, "django_ffu.FileField", args, {**kwargs, "companions": False}

    def get_internal_type(self):
        return "TextField"

    def contribute_to_class(self, cls, name, **kwargs):
        super().contribute_to_class(cls, name, **kwargs)
        if self.companions and not cls._meta.abstract:
            for suffix, companion in COMPANIONS.items():
                kind = SizeField if suffix == "size" else TextFactField
                kind(null=True, blank=True, editable=False, db_column=f"{self.column}__{companion}").contribute_to_class(cls, f"{name}_{suffix}")

    def from_db_value(self, value, expression, connection):
        stored = Stored(value or "")
        stored.using = connection.alias
        return stored

    def is_unchanged(self, instance):
        """Whether the field has what was read for this row. The attribute may be deferred."""
        value = instance.__dict__.get(self.attname, ...)
        return value is ... or isinstance(value, Stored) and value.owner == owner_of(instance)

    def pre_save(self, instance, add):
        if not add and self.is_unchanged(instance):
            return F(self.name)
        value = getattr(instance, self.attname)
        return Upload(value) if is_sent(value) else value

    def get_prep_value(self, value):
        if is_sent(value):
            raise TypeError("A query takes a file as django_ffu.Upload(file).")
        return str(value) if value else None

    def value_to_string(self, obj):
        return str(self.value_from_object(obj) or "")

    def save_form_data(self, instance, data):
        if data is not None:
            setattr(instance, self.name, data or None)

    def formfield(self, **kwargs):
        return super().formfield(**{"form_class": forms.FileField, **kwargs})

    def validate(self, value, instance):
        super().validate(value, instance)
        if is_sent(value):
            self.check_policy(value, instance)

    def check_policy(self, file, instance):
        """Refuse a file by its name and size, as ffu.columns and the settings of the database would."""
        connection = connections[instance._state.db or "default"]
        with connection.cursor() as cursor:
            cursor.execute("""SELECT coalesce(allowed_extensions, string_to_array(current_setting('ffu.allowed_extensions', true), ',')),
                                     coalesce(max_size, pg_size_bytes(current_setting('ffu.max_content_length', true)))
                                FROM ffu.columns WHERE relation = to_regclass(%s) AND column_name = %s""",
                           [connection.ops.quote_name(self.model._meta.db_table), self.column])
            extensions, largest = cursor.fetchone() or (None, None)
        extensions = normal(extensions or [])
        extension = os.path.splitext(getattr(file, "name", None) or "")[1][1:].lower()
        if extension and extensions and "*" not in extensions and extension not in extensions:
            raise ValidationError(_("A file of type .%(extension)s is not allowed here. Allowed are: %(allowed)s."), "ffu_extension",
                                  {"extension": extension, "allowed": ", ".join(extensions)})
        size = getattr(file, "size", None)
        if size is not None and largest is not None and size > largest:
            raise ValidationError(_("The file has %(size)s bytes, and at most %(largest)s are allowed."), "ffu_size",
                                  {"size": size, "largest": largest})


def normal(extensions):
    """Extensions as the database compares them: .JPG and jpg are the same."""
    return sorted(extension.strip().lower().lstrip(".") for extension in extensions)


def is_sent(value):
    """Whether a value is a file that the row does not have yet."""
    return isinstance(value, BYTES) or hasattr(value, "read") and not isinstance(value, str)


class FactMixin:
    """A companion: read from the row, never written by save(). To rename a download, update() the name."""

    db_returning = True

    def pre_save(self, instance, add):
        return None if add else F(self.name)

    def deconstruct(self):
        name, _path, args, kwargs = super().deconstruct()
        return name, "django_ffu." + type(self).__name__, args, kwargs


class TextFactField(FactMixin, models.TextField):
    """A companion that is a text."""


class SizeField(FactMixin, models.BigIntegerField):
    """The companion with the size in bytes."""


COMPANIONS = {"name": "file_name", "type": "mime_type", "ext": "ext", "size": "size", "sha256": "sha256"}


def after_save(sender, instance, created, raw, using, update_fields, **kwargs):
    """Give an instance what the database made of an assigned file: at once after an INSERT, which returns
    the path, else when the attribute is read next."""
    for field in sender._meta.concrete_fields:
        if not isinstance(field, FileField) or field.is_unchanged(instance) or update_fields is not None and field.name not in update_fields:
            continue
        value = instance.__dict__[field.attname]
        if created and not raw and (value is None or type(value) is str):
            stored = Stored(value or "")
            stored.using = using
            setattr(instance, field.attname, stored)
            continue
        columns = {f"{field.column}__{companion}" for companion in COMPANIONS.values()}
        for stale in sender._meta.concrete_fields:
            if stale is field or stale.column in columns:
                instance.__dict__.pop(stale.attname, None)
