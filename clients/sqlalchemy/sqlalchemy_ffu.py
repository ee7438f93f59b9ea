"""File columns of ffu for SQLAlchemy 1.4 and 2.

    @sqlalchemy_ffu.files(photo={"allowed_extensions": ["jpg", "png"], "max_size": "10 MB"})
    class Post(Base):
        ...

    session.add(Post(photo=request.files["photo"]))
    session.commit()                                # post.photo_url, post.photo__file_name, ...

A file that is assigned is sent when its object is flushed, and stored by the INSERT or UPDATE of the row, in
its transaction. The module opens no file and writes none. Importing it lets tables with file columns be
reflected with the type Text, by every version of SQLAlchemy.
"""

import os
import re
import weakref

import sqlalchemy as sa
from sqlalchemy import func, orm
from sqlalchemy.dialects import postgresql

PIECE = 1024 * 1024     # psycopg2 sends bytes as text: two megabytes on the wire
LARGE = 8 * PIECE       # a larger file goes in pieces
FACTS = {"file_name": sa.Text, "mime_type": sa.Text, "ext": sa.Text, "size": sa.BigInteger, "sha256": sa.Text}
POLICY = {"allowed_extensions": "text[]", "allowed_mime_types": "text[]", "max_size": "text", "path_template": "text",
          "content_check": "text", "private": "boolean", "table_name": "name"}      # the last one only of attachments
ATTACHMENTS = weakref.WeakKeyDictionary()       # by table; its info would be in migrations
BYTES = (bytes, bytearray, memoryview)
dialect = postgresql.dialect()
relation = dialect.identifier_preparer.format_table     # a table's name, quoted where it has to be


class Filled(sa.FetchedValue):
    """What the database fills in, as Alembic can write it."""

    def __repr__(self):
        return "sa.FetchedValue()"


def file_columns(name):
    """The columns of file column `name`: the path, which is assigned, and what the database fills in."""
    columns = {name: sa.Column(name, sa.Text)}
    for fact, kind in FACTS.items():
        columns[f"{name}__{fact}"] = sa.Column(f"{name}__{fact}", kind, Filled(), Filled(for_update=True))
    return columns


def file(content, name=None):
    """The SQL expression that stores bytes, or what an object with read() has; for insert(Post).values(photo=file(...))."""
    content, name = content if isinstance(content, BYTES) else content.read(), name or name_of(content)
    return func.ffu.file(sa.cast(name, sa.Text), sa.cast(bytes(content), sa.LargeBinary))


def name_of(source):
    """The name of an uploaded file, without directories; None if it has none."""
    name = getattr(source, "filename", None) or getattr(source, "name", None)
    return os.path.basename(name) or None if isinstance(name, str) else None


def upload(session, source, max_size=None, name=None, **options):
    """Sends a file piece by piece, in the session's transaction, and returns the SQL expression to assign in it."""
    if hasattr(source, "seek") and getattr(source, "seekable", lambda: True)():
        source.seek(0)
    with session.no_autoflush:
        begun = session.scalar(sa.select(func.ffu.upload_begin(name or name_of(source), False, max_size)), **options)
        while piece := source.read(PIECE):
            session.execute(sa.select(func.ffu.upload_append(begun, piece)), **options)
    return sa.cast(begun, sa.Text)      # an expression, and not a parameter: the ORM reads back what became of it


class Pending:
    """A file that was assigned to an object. Each flush that finds it there sends it anew, so one that a rollback took back comes again."""

    def __init__(self, source, name=None):
        self.source, self.name, self.expression = source, name or name_of(source), None

    def send(self, session, **options):
        """Makes the expression that the statement of the row has in the place of the file."""
        if isinstance(self.source, BYTES):
            self.expression = file(self.source, self.name)
        else:
            self.expression = upload(session, self.source, name=self.name, **options)

    def __clause_element__(self):
        return self.expression


def files(**columns):
    """Gives a mapped class file columns, each with its policy, or with None or {} for none of its own.

    Besides the companions an object has <name>_url, which the database computes in the SELECT of the row.
    """
    def decorate(cls):
        for name, policy in columns.items():
            add_file_column(cls, name, policy or {})
        return cls
    return decorate


def add_file_column(cls, name, policy):
    """Makes a file column of an attribute; create_all() declares it with the table."""
    if unknown := set(policy) - set(POLICY):
        raise TypeError(f"{sorted(unknown)[0]!r} is no part of a policy; known are " + ", ".join(POLICY))
    for key, column in file_columns(name).items():
        setattr(cls, key, column)
    column = cls.__table__.c[name]
    column.info["ffu"] = policy
    setattr(cls, name + "_url", orm.column_property(func.ffu.url(column), expire_on_flush=True))
    watch(cls, name)
    declared = sa.text(declaration(cls.__table__, name, policy))
    sa.event.listen(cls.__table__, "after_create", lambda table, connection, **_: connection.execute(declared))


def watch(cls, *names):
    """Lets files be assigned to these attributes of a class."""
    cls.file_column_names = getattr(cls, "file_column_names", ()) + names
    for name in names:
        sa.event.listen(getattr(cls, name), "set", assigned, retval=True, propagate=True)


def assigned(target, value, old, initiator):
    """What an attribute gets instead of a file. The field of a form that was left empty changes nothing."""
    if isinstance(value, BYTES) or hasattr(value, "read"):
        return getattr(target, initiator.key) if getattr(value, "filename", None) == "" else Pending(value)
    return value


def declaration(table, name, policy, function="manage_column"):
    """The statement that makes a file column of a column, as text."""
    given = "".join(f", {key} => {literal(value)}::{POLICY[key]}" for key, value in policy.items() if value is not None)
    statement = f"SELECT ffu.{function}({literal(relation(table))}, {literal(name)}{given})"
    return re.sub(r"(?<![:\\])(:\w)", r"\\\1", statement)       # no bound parameter in text()


def literal(value):
    if isinstance(value, (list, tuple)):
        return "ARRAY[" + ", ".join(literal(each) for each in value) + "]"
    return "'" + str(value).replace("'", "''") + "'"


@sa.event.listens_for(orm.Session, "before_flush")
def before_flush(session, context, instances):
    """Sends the files of the objects that are about to be written."""
    for model in [*session.new, *session.dirty]:
        for name in getattr(type(model), "file_column_names", ()):
            value = sa.inspect(model).dict.get(name)
            if isinstance(value, Pending) and (not instances or model in instances):
                value.send(session, bind_arguments={"mapper": sa.inspect(type(model))})


class Refusal(str):
    """What ffu says of a refused file, for people; with the names of the column and of the constraint."""

    column = constraint = None


def refusal(error):
    """The Refusal of an IntegrityError by which ffu refused a file, else None: the error of a form's field."""
    diag = getattr(error.orig, "diag", None) or getattr(error.orig, "__cause__", None) or error.orig      # asyncpg's is the cause
    constraint = getattr(diag, "constraint_name", None) or ""
    if not constraint.startswith("ffu_"):
        return None
    found = Refusal(getattr(diag, "message_primary", None) or getattr(diag, "message", None) or str(diag))
    found.column, found.constraint = diag.column_name, constraint
    return found


def attachments(cls, name, table_name=None, **policy):
    """Lets an object have any number of files: a list of objects of the class that this function returns.

        Picture = attachments(Post, "pictures", max_size="10 MB")
        post.pictures.append(Picture(file=upload))

    The database makes the table (ffu.add_attachments) with create_all(), and the files go with their object.
    """
    parent = cls.__table__
    table = sa.Table(table_name or f"{parent.name}_{name}", sa.MetaData(), sa.Column("id", sa.BigInteger, primary_key=True),
                     sa.Column("position", sa.BigInteger, Filled()), *file_columns("file").values(), schema=parent.schema)
    conditions = []
    for number, key in enumerate(parent.primary_key, 1):
        child = sa.Column("parent_" + (str(number) if len(key.name.encode()) > 56 else key.name), key.type)
        table.append_column(child)
        conditions.append(orm.foreign(child) == key)
    attachment = type(f"{cls.__name__}_{name}", (object,), {"__init__": set_all, "__table__": table})
    cls.registry.map_imperatively(attachment, table, properties={"file_url": orm.column_property(func.ffu.url(table.c.file), expire_on_flush=True)})
    watch(attachment, "file")
    setattr(cls, name, orm.relationship(attachment, primaryjoin=sa.and_(*conditions), order_by=[table.c.position, table.c.id],
                                        cascade="all, delete-orphan", passive_deletes=True))
    extra = {} if table_name is None else {"table_name": table_name}
    ATTACHMENTS.setdefault(parent, []).append((name, table, {**policy, **extra}))
    declared = sa.text(declaration(parent, name, {**policy, **extra}, "add_attachments"))
    sa.event.listen(parent, "after_create", lambda table, connection, **_: connection.execute(declared))
    return attachment


def set_all(self, **values):
    for name, value in values.items():
        setattr(self, name, value)


# Reflection and Alembic


@sa.event.listens_for(sa.Table, "column_reflect")
def reflect_as_text(inspector, table, column):
    """Reflects a file column as Text, as SQLAlchemy 1.4 does. SQLAlchemy 2 has a type for domains, which
    Alembic would compare with the Text of the model, and write with names that no migration knows."""
    kind = column["type"]
    if isinstance(kind, getattr(postgresql, "DOMAIN", ())) and kind.name == "file" and isinstance(kind.data_type, sa.Text):
        column["type"] = sa.Text()


def include_name(name, kind, parents):
    """For context.configure(include_name=...) where include_schemas is true: leaves out ffu's own schema."""
    return not (kind == "schema" and name == "ffu")


def include_object(item, name, kind, reflected, compare_to):
    """For context.configure(include_object=...): leaves out the tables of attachments, and companions
    that a model does not name, which Alembic would drop."""
    if not reflected or compare_to is not None:
        return True
    if kind == "table":
        return all(key.name != "ffu_parent" for key in item.foreign_key_constraints)
    column, _, fact = (name or "").rpartition("__")
    return not (kind == "column" and fact in FACTS and column in item.table.c)


def process_revision_directives(context, revision, directives):
    """For context.configure(process_revision_directives=...): declares new file columns and attachments in the
    migration that makes them. Their removal needs no word of ffu."""
    from alembic.operations import ops

    def key(operation):
        return f"{operation.schema}.{operation.table_name}" if operation.schema else operation.table_name

    def statements(operation, tables):
        table = tables.get(key(operation)) if hasattr(operation, "table_name") else None
        if table is None:
            return []
        if isinstance(operation, ops.CreateTableOp):
            return [*columns_of(table.c), *attachments_of(table)]
        added = table.c.get(operation.column.name) if isinstance(operation, ops.AddColumnOp) else None
        return [] if added is None else columns_of([added])

    def declare(container, tables):
        done = []
        for operation in container.ops:
            if isinstance(operation, ops.ModifyTableOps):
                declare(operation, tables)
            if isinstance(operation, ops.DropTableOp) and key(operation) in tables:
                children = ATTACHMENTS.get(tables[key(operation)], ())
                done += [ops.DropTableOp(child.name, schema=child.schema) for _, child, _ in children]
            done += [operation, *map(ops.ExecuteSQLOp, statements(operation, tables))]
        container.ops[:] = done

    for directive in directives:
        metadata = context.opts["target_metadata"]
        for each in metadata if isinstance(metadata, (list, tuple)) else [metadata]:
            declare(directive.upgrade_ops, each.tables)
            declare(directive.downgrade_ops, each.tables)


def columns_of(columns):
    return [declaration(column.table, column.name, column.info["ffu"]) for column in columns if "ffu" in column.info]


def attachments_of(table):
    return [declaration(table, name, policy, "add_attachments") for name, _, policy in ATTACHMENTS.get(table, ())]
