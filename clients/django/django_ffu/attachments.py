"""Any number of files of a row: a list of rows of a child table, which ffu.add_attachments makes."""

from django.db import connections, models, router, transaction
from django.db.models.signals import class_prepared

from .fields import FileField


class Default(models.Expression):
    """Lets the database choose the value of an INSERT."""

    def as_sql(self, compiler, connection):
        return "DEFAULT", []


class PositionField(models.BigIntegerField):
    """The order of attachments. The database places a new one at the end."""

    db_returning = True

    def deconstruct(self):
        name, _path, args, kwargs = super().deconstruct()
        return name, "django_ffu.PositionField", args, kwargs

    def pre_save(self, instance, add):
        value = getattr(instance, self.attname)
        return Default(output_field=self) if add and value is None else value


class ParentKey(models.ForeignKey):
    """The row that attachments belong to; the related name is the name of the attachments."""

    def deconstruct(self):
        name, _path, args, kwargs = super().deconstruct()
        return name, "django_ffu.ParentKey", args, kwargs


class AttachmentManager(models.Manager):
    """What post.pictures is, besides a manager of Django."""

    def attach(self, *files):
        """Attach files at the end, all or none. Returns their objects. IntegrityError for a refused file."""
        with transaction.atomic(router.db_for_write(self.model, instance=self.instance)):
            return [self.create(file=file) for file in files]

    def reorder(self, ids):
        """Place the attachments with these ids first, in this order; the others follow."""
        connection = connections[router.db_for_write(self.model, instance=self.instance)]
        with connection.cursor() as cursor:
            cursor.execute("SELECT ffu.reorder(%s, %s, %s::bigint[])",
                           [connection.ops.quote_name(self.model._meta.db_table), self.instance.pk, list(ids)])


class Attachments:
    """Gives a model a list of files. Takes the arguments of a policy, as FileField does, and table_name.

        class Post(models.Model):
            pictures = django_ffu.Attachments(max_size="10 MB")

    The class of the attachments is Post.pictures.field.model, with parent, position and the FileField file.
    """

    def __init__(self, table_name=None, **policy):
        self.table_name = table_name
        self.policy = policy

    def contribute_to_class(self, cls, name):
        def make(sender, **kwargs):
            inherits = cls._meta.abstract and issubclass(sender, cls) and not any(issubclass(each, cls) for each in sender._meta.parents)
            if (sender is cls or inherits) and not sender._meta.proxy:
                self.make_model(sender, name)
        class_prepared.connect(make, weak=False)

    def make_model(self, parent, name):
        """Make the class of the attachments. Migrations make its table, and django_ffu what the table needs."""
        key = parent._meta.pk.column
        column = "parent_" + ("1" if len(key.encode()) > 56 else key)
        meta = type("Meta", (), {"app_label": parent._meta.app_label, "ordering": ["position", "id"],
                                 "db_table": self.table_name or f"{parent._meta.db_table}_{name}"})
        type(f"{parent.__name__}_{name}", (models.Model,), {
            "__module__": parent.__module__, "Meta": meta, "objects": AttachmentManager(),
            "id": models.BigAutoField(primary_key=True),
            "parent": ParentKey(parent, models.CASCADE, related_name=name, db_column=column, db_index=False),
            "position": PositionField(editable=False),
            "file": FileField(**self.policy)})


def parent_key(model):
    """The key of a model of attachments; None of another model."""
    return next((field for field in model._meta.local_fields if isinstance(field, ParentKey)), None)


def declare_attachments(cursor, quote, key):
    """Let ffu make the table of attachments in the place of the empty one of a migration."""
    child, parent = key.model._meta.db_table, key.related_model._meta.db_table
    cursor.execute("SELECT to_regclass(%s)::oid, EXISTS (SELECT FROM ffu.columns WHERE relation = to_regclass(%s))", [quote(child)] * 2)
    table, declared = cursor.fetchone()
    if table is None or declared:
        return
    cursor.execute(f"LOCK TABLE {quote(child)}")
    cursor.execute(f"SELECT EXISTS (SELECT FROM {quote(child)})")
    if cursor.fetchone()[0]:
        raise ValueError(f"Table {child} has rows that are no attachments of ffu. A data migration that attaches files belongs in a later migrate.")
    cursor.execute(f"DROP TABLE {quote(child)}")
    cursor.execute("SELECT ffu.add_attachments(%s::regclass, %s, table_name => %s)", [quote(parent), key.remote_field.related_name, child])
