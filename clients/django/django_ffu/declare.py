"""Makes the file columns of migrated models, and gives each the policy of its field."""

from django.apps import apps as current_apps
from django.db import connections, router, transaction

from .attachments import declare_attachments, parent_key
from .fields import POLICY, FileField, normal


def declare(sender, using="default", apps=current_apps, **kwargs):
    """After a migration, declare the file columns of an application that are not declared yet or differ."""
    if connections[using].vendor != "postgresql":
        return
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        if meta.app_label != sender.label or meta.proxy or not meta.managed or not router.allow_migrate_model(using, model):
            continue
        with transaction.atomic(using), connections[using].cursor() as cursor:
            declare_model(cursor, connections[using].ops.quote_name, model)


def declare_model(cursor, quote, model):
    """Declare the file columns of a model, and its table if it is one of attachments."""
    key = parent_key(model)
    if key is not None:
        declare_attachments(cursor, quote, key)
    for field in model._meta.local_fields:
        if isinstance(field, FileField):
            declare_column(cursor, quote(model._meta.db_table), field)


def declare_column(cursor, table, field):
    """Declare one column, or change the policy of a declared one. A table that is not there is left out."""
    cursor.execute("SELECT to_regclass(%s)::oid", [table])
    if cursor.fetchone()[0] is None:
        return
    wanted = {name: getattr(field, name) for name in POLICY}
    cursor.execute("SELECT " + ", ".join(POLICY) + " FROM ffu.columns WHERE relation = %s::regclass AND column_name = %s",
                   [table, field.column])
    row = cursor.fetchone()
    if row is None:
        cursor.execute("SELECT ffu.manage_column(%s::regclass, %s, " + given(wanted) + ")", [table, field.column, *wanted.values()])
        return
    cursor.execute("SELECT pg_size_bytes(%s)", [None if field.max_size is None else str(field.max_size)])
    comparable = {**wanted, "max_size": cursor.fetchone()[0]}
    if any(plain(comparable[name]) != plain(there) for name, there in zip(POLICY, row)):
        reset = [name for name in POLICY if wanted[name] is None]
        cursor.execute("SELECT ffu.alter_column(%s::regclass, %s, reset => %s, " + given(wanted) + ")",
                       [table, field.column, reset, *wanted.values()])


def given(policy):
    """The arguments of a policy, by name; the largest size is a text to ffu, as in '10 MB'."""
    casts = {"allowed_extensions": "::text[]", "allowed_mime_types": "::text[]"}
    return ", ".join(f"{name} => %s{casts.get(name, '::text')}" for name in policy)


def plain(value):
    return normal(value) if isinstance(value, (list, tuple)) else value
