#!/usr/bin/python3
"""Tests django-ffu with Django itself: migrations, models, forms, the admin.

    run.py
"""

import io
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "../../../test/oracle")]

import django
import server as servers
import tap
from django.conf import settings
from tap import ok

MODELS = '''
from django.db import models
import django_ffu


class Shot(models.Model):
    title = models.CharField(max_length=40)
    photo = django_ffu.FileField(null=True, blank=True, allowed_extensions=[".JPG", "png", "txt"], max_size=SIZE)
    pictures = django_ffu.Attachments(allowed_extensions=["jpg", "txt"], max_size="1 MB")

    class Meta:
        db_table = "Shots of Django"


class Tree(models.Model):
    title = models.CharField(max_length=40)


class Illustrated(models.Model):
    plates = django_ffu.Attachments(table_name="the plates")

    class Meta:
        abstract = True


class Oak(Illustrated, Tree):
    leaf = django_ffu.FileField(allowed_extensions=["txt"])
'''

ADMIN = '''
import django_ffu
from django.contrib import admin
from .models import Shot


class Pictures(admin.TabularInline):
    model = Shot.pictures.field.model
    form = django_ffu.ModelForm
    extra = 1


@admin.register(Shot)
class ShotAdmin(admin.ModelAdmin):
    form = django_ffu.ModelForm
    readonly_fields = ["photo_name", "photo_size"]
    inlines = [Pictures]
'''

URLS = '''
from django.contrib import admin
from django.urls import path
urlpatterns = [path("admin/", admin.site.urls)]
'''

TEXT = b"a text\n"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def query(statement, *values):
    from django.db import connection
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else None


def files():
    """The bytes of every file in the folder."""
    found = []
    for root, _, names in os.walk(FOLDER):
        if "/.ffu" not in root:
            for name in names:
                with open(os.path.join(root, name), "rb") as file:
                    found.append(file.read())
    return sorted(found)


def raised(call, *kinds):
    """The error of a call, which is then undone; else None."""
    from django.db import transaction
    try:
        with transaction.atomic():
            call()
    except kinds as error:
        return error
    return None


def sent(name, content):
    from django.core.files.uploadedfile import SimpleUploadedFile
    return SimpleUploadedFile(name, content)


def try_migrations():
    from django.core.management import call_command
    call_command("makemigrations", "shots", verbosity=0)
    call_command("migrate", verbosity=0)
    from shots.models import Oak, Shot
    policy = query("SELECT column_name, allowed_extensions, max_size, sha256_column, complete FROM ffu.columns ORDER BY column_name, max_size")
    ok(policy == [("file", ["jpg", "txt"], 1 << 20, "file__sha256", True), ("file", None, None, "file__sha256", True),
                  ("leaf", ["txt"], None, "leaf__sha256", True), ("photo", ["jpg", "png", "txt"], 20 << 20, "photo__sha256", True)],
       "migrate declares the file columns of a model, with policy and companions", repr(policy))
    try:
        call_command("makemigrations", "--check", "--dry-run", verbosity=0)
        clean = True
    except SystemExit:
        clean = False
    ok(clean, "makemigrations then finds nothing to do")
    triggers = "SELECT tgname, xmin::text FROM pg_trigger ORDER BY 1, 2"
    before = query(triggers)
    call_command("migrate", verbosity=0)
    ok(query(triggers) == before and len(before) >= 24, "migrate a second time changes nothing")
    return Shot, Oak


def try_models(Shot):
    import django_ffu
    from django.core.files.base import ContentFile
    from django.db import IntegrityError, transaction
    shot = Shot.objects.create(title="one", photo=sent("Käse.txt", TEXT))
    ok(files() == [TEXT] and shot.photo.read() == TEXT, "create() stores a file")
    ok((shot.photo_name, shot.photo_size, shot.photo_ext, shot.photo_type) == ("Käse.txt", 7, "txt", "text/plain"), "and the companions are there",
       repr((shot.photo_name, shot.photo_size, shot.photo_ext, shot.photo_type)))
    ok(shot.photo.url.endswith(str(shot.photo)) and Shot.objects.annotate(link=django_ffu.Url("photo")).get().link == shot.photo.url, "a URL, alone and in a query")
    path = str(shot.photo)
    shot.title = "two"
    shot.save()
    ok(str(Shot.objects.get().photo) == path and str(shot.photo) == path, "saving another field leaves the file")

    stale = Shot.objects.get()
    refreshed = Shot.objects.get()
    shot.photo = ContentFile(TEXT * 2, name="b.txt")
    shot.save()
    ok(files() == [TEXT * 2] and shot.photo_name == "b.txt" and str(shot.photo) != path, "another file replaces the first", repr(files()), str(shot.photo_name))
    stale.title = "stale"
    stale.save()
    ok(files() == [TEXT * 2] and Shot.objects.get().photo_name == "b.txt" and Shot.objects.get().title == "stale", "a stale save changes neither file nor name")
    refreshed.refresh_from_db()
    shot.photo = b"bytes"
    shot.save()
    ok(files() == [b"bytes"] and shot.photo_ext == "txt", "bytes have no name, and an extension by their content")
    shot.photo = django_ffu.Upload(b"bytes", "c.txt")
    shot.save()
    refreshed.save()
    ok(files() == [b"bytes"] and shot.photo.read() == b"bytes" and shot.photo_name == "c.txt", "an Upload of bytes, and a refreshed object that is stale again")

    copy = Shot.objects.create(title="copy", photo=shot.photo)
    ok(files() == [b"bytes"] * 2 and str(copy.photo) != str(shot.photo), "the value of another row is copied")
    copy.photo = sent("d.txt", b"d")
    copy.save()
    copy.photo = shot.photo
    copy.save()
    ok(files() == [b"bytes"] * 2 and copy.photo.read() == b"bytes" and str(copy.photo) != str(shot.photo), "also into a row that has a file")
    shot.photo = None
    shot.save()
    ok(files() == [b"bytes"] and not Shot.objects.get(pk=shot.pk).photo and not shot.photo, "None removes the file")
    empty = Shot.objects.get(pk=shot.pk)
    Shot.objects.filter(pk=shot.pk).update(photo=django_ffu.Upload(sent("e.txt", b"e")))
    empty.save()
    ok(files() == [b"bytes", b"e"], "a stale save of an object that had no file removes none", repr(files()))
    ok(raised(lambda: Shot.objects.update(photo=sent("e.txt", b"e")), TypeError) is not None, "update() refuses a file that is not in an Upload")

    Shot.objects.bulk_create([Shot(title="x", photo=sent("x.txt", b"x")), Shot(title="y", photo=sent("y.txt", b"y"))])
    ok(files() == [b"bytes", b"e", b"x", b"y"], "bulk_create() stores files")
    try:
        with transaction.atomic():
            Shot.objects.create(title="z", photo=sent("z.txt", b"z"))
            Shot.objects.get(title="x").delete()
            raise LookupError
    except LookupError:
        pass
    ok(files() == [b"bytes", b"e", b"x", b"y"], "a rollback takes all of it back")
    error = raised(lambda: Shot.objects.create(title="t", photo=sent("t.jpg", TEXT)), IntegrityError)
    ok(error is not None and django_ffu.refusal(error).code == "ffu_content", "a content that contradicts the name is an IntegrityError, which refusal() tells")
    Shot.objects.all().delete()
    ok(files() == [], "rows take their files along")


def try_attachments(Shot, Oak):
    import django_ffu
    from django.db import IntegrityError, transaction
    shot, other = Shot.objects.create(title="several"), Shot.objects.create(title="other")
    a, b = shot.pictures.attach(sent("a.txt", b"a"), sent("b.txt", b"bb"))
    c, = shot.pictures.attach(b"ccc")
    other.pictures.create(file=sent("o.txt", b"o"))
    ok([(each.file_name, each.file_size, each.file.read()) for each in shot.pictures.all()] == [("a.txt", 1, b"a"), ("b.txt", 2, b"bb"), (c.file_name, 3, b"ccc")],
       "attach() adds files at the end")
    ok(a.position < b.position < c.position and a.parent == shot and a.file.url.endswith(".txt"), "and returns them with position and URL")
    shot.pictures.reorder([c.pk, a.pk])
    ok(list(shot.pictures.values_list("pk", flat=True)) == [c.pk, a.pk, b.pk], "reorder() puts some of them first")
    urls = json.loads(query('SELECT t.pictures_urls::text FROM "Shots of Django" t WHERE id = %s', shot.pk)[0][0])
    ok([each["file_name"] for each in urls] == [c.file_name, "a.txt", "b.txt"],
       "the computed field has the same order")
    error = raised(lambda: shot.pictures.attach(sent("d.txt", b"d"), sent("d.exe", b"d")), IntegrityError)
    ok(error is not None and django_ffu.refusal(error).code == "ffu_allowed_extensions" and files() == [b"a", b"bb", b"ccc", b"o"], "a refused file lets none be attached")
    first = shot.pictures.get(pk=a.pk)
    first.file = sent("e.txt", b"e")
    first.save()
    ok(files() == [b"bb", b"ccc", b"e", b"o"] and first.file_name == "e.txt" and list(shot.pictures.values_list("pk", flat=True))[1] == a.pk,
       "another file takes its place")
    first.delete()
    ok(files() == [b"bb", b"ccc", b"o"], "delete() removes one")
    with transaction.atomic():
        shot.pictures.attach(sent("f.txt", b"f"))
        transaction.set_rollback(True)
    shot.delete()
    ok(files() == [b"o"], "a row takes its attachments along", repr(files()))
    query('DELETE FROM "Shots of Django"')
    ok(files() == [], "also one that the database deletes")
    oak = Oak.objects.create(title="o", leaf=sent("l.txt", TEXT))
    oak.plates.attach(sent("p.txt", b"p"))
    ok(Oak.plates.field.model._meta.db_table == "the plates" and files() == [TEXT, b"p"], "an abstract model gives its attachments to those that inherit")
    Oak.objects.all().delete()
    ok(files() == [], "and they go with their row")


def try_large(Shot, superuser):
    from django.db import transaction
    text = os.urandom(1 << 19).hex().encode() * 9 + b"end"
    for within in (False, True):
        file = io.BytesIO(text)
        file.name = "/tmp/large.txt"
        if within:
            with transaction.atomic():
                shot = Shot.objects.create(title="large", photo=file)
        else:
            shot = Shot.objects.create(title="large", photo=file)
        ok(files() == [text] and shot.photo_name == "large.txt", f"a large file goes in pieces, {'within' if within else 'without'} a transaction")
        shot.delete()
    superuser.execute("SELECT count(*) FROM ffu.upload")
    ok(superuser.fetchone()[0] == 0, "and no upload is left")


def try_forms(Shot, Oak, superuser):
    import django_ffu
    from django.db import connection
    from django.forms import modelform_factory
    form_class = modelform_factory(Shot, form=django_ffu.ModelForm, fields=["title", "photo"])

    def form(name, content, instance=None):
        return form_class({"title": "f"}, {"photo": sent(name, content)}, instance=instance)
    stored = form("f.txt", TEXT)
    ok(stored.is_valid(), "a form takes a file", str(stored.errors))
    ok(files() == [], "and stores nothing before it is saved")
    shot = stored.save()
    ok(files() == [TEXT], "and then the file")
    for name, content, code in (("f.exe", TEXT, "ffu_extension"), ("f.jpg", TEXT, "ffu_content"), ("big.txt", b"x" * ((20 << 20) + 1), "ffu_size")):
        for instance in (None, shot):
            refused = form(name, content, instance)
            codes = [error.code for error in refused.errors.as_data().get("photo", [])]
            ok(codes == [code], f"a refused file is an error of the form: {code}, {'another' if instance else 'a new'} row", repr(codes), str(refused.errors))
        shot = Shot.objects.get()
    query("SELECT ffu.alter_column('\"Shots of Django\"', 'photo', allowed_extensions => '{png}')")
    codes = [error.code for error in form("f.txt", TEXT).errors.as_data().get("photo", [])]
    ok(codes == ["ffu_extension"], "the form knows the policy of the database, not of the model alone")
    from django.core.management import call_command
    call_command("migrate", verbosity=0)
    ok(query("SELECT allowed_extensions FROM ffu.columns WHERE column_name = 'photo'")[0][0] == ["jpg", "png", "txt"], "and migrate brings the policy of the model back")
    query("SELECT ffu.alter_column('\"Shots of Django\"', 'photo', reset => '{allowed_extensions}')")
    superuser.execute("ALTER ROLE web SET ffu.allowed_extensions = '.TXT, png'")
    connection.close()
    codes = [[error.code for error in form(name, TEXT).errors.as_data().get("photo", [])] for name in ("f.txt", "f.jpg")]
    ok(codes == [[], ["ffu_extension"]], "without a list of the column the setting counts", repr(codes))
    superuser.execute("ALTER ROLE web RESET ffu.allowed_extensions")
    connection.close()
    kept = form_class({"title": "kept"}, {}, instance=shot)
    kept.save()
    ok(files() == [TEXT] and Shot.objects.get().title == "kept", "a form without a file keeps the file")
    cleared = form_class({"title": "kept", "photo-clear": "on"}, {}, instance=shot)
    cleared.save()
    ok(files() == [], "the check box clears")
    Shot.objects.all().delete()
    oak = modelform_factory(Oak, form=django_ffu.ModelForm, fields=["title", "leaf"])({"title": "o"}, {"leaf": sent("l.txt", TEXT)})
    ok(oak.is_valid(), "a model that inherits has forms as well", str(oak.errors))
    oak.save()
    ok(files() == [TEXT] and Oak.objects.get().leaf_size == 7, "and files")
    Oak.objects.all().delete()
    missing = modelform_factory(Oak, form=django_ffu.ModelForm, fields=["title", "leaf"])({"title": "o"}, {})
    ok([error.code for error in missing.errors.as_data()["leaf"]] == ["required"], "a field that is not blank is required")


def try_admin(Shot):
    from django.contrib.auth.models import User
    from django.test import Client
    User.objects.create_superuser("alice", password="secret")
    client = Client()
    client.login(username="alice", password="secret")
    add = "/admin/shots/shot/add/"
    none = {"pictures-TOTAL_FORMS": 0, "pictures-INITIAL_FORMS": 0}
    ok(client.post(add, {"title": "a", **none, "photo": sent("a.txt", TEXT)}).status_code == 302 and files() == [TEXT], "the admin adds a file")
    shot = Shot.objects.get()
    change = f"/admin/shots/shot/{shot.pk}/change/"
    page = client.get(change).content.decode()
    ok(f'href="{shot.photo.url}"' in page and "a.txt" in page, "shows the file and the name")
    rows = {"pictures-TOTAL_FORMS": 1, "pictures-INITIAL_FORMS": 0, "pictures-0-id": "", "pictures-0-parent": shot.pk}
    answer = client.post(change, {"title": "a", **rows, "pictures-0-file": sent("p.jpg", TEXT)})
    ok(answer.status_code == 200 and b"errorlist" in answer.content and not shot.pictures.exists(), "shows why an attachment is refused")
    answer = client.post(change, {"title": "a", **rows, "pictures-0-file": sent("p.txt", b"p")})
    ok(answer.status_code == 302 and files() == [TEXT, b"p"], "attaches", answer.content.decode()[:300])
    shot.pictures.all().delete()
    answer = client.post(add, {"title": "b", **none, "photo": sent("b.jpg", TEXT)})
    ok(answer.status_code == 200 and b"errorlist" in answer.content and Shot.objects.count() == 1, "shows why a file is refused", answer.content.decode()[:300])
    ok(client.post(change, {"title": "c", **none}).status_code == 302 and files() == [TEXT], "keeps a file")
    ok(client.post(change, {"title": "c", **none, "photo-clear": "on"}).status_code == 302 and files() == [], "clears a file")
    ok(client.post(change, {"title": "c", **none, "photo": sent("c.txt", b"c")}).status_code == 302 and files() == [b"c"], "replaces a file")
    Shot.objects.all().delete()


def try_removal(Shot):
    """What makemigrations writes when the field is taken out of the model, there and back."""
    from django.apps import apps
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.state import ProjectState
    from django_ffu import Upload
    Shot.objects.create(title="r", photo=sent("r.txt", TEXT))
    with_field = ProjectState.from_apps(apps)
    without = with_field.clone()
    fields = without.models["shots", "shot"].fields
    for name in [name for name in fields if name.startswith("photo")]:
        del fields[name]
    migration, = MigrationAutodetector(with_field, without).changes(graph=MigrationLoader(connection).graph)["shots"]
    with connection.schema_editor() as editor:
        migration.apply(with_field.clone(), editor)
    left = query("SELECT column_name FROM information_schema.columns WHERE table_name = 'Shots of Django' ORDER BY 1")
    ok(left == [("id",), ("title",)] and files() == [], "a field that is removed takes its companions and files along", repr(left), repr(files()))
    with connection.schema_editor() as editor:
        migration.unapply(with_field.clone(), editor)
    call_command("migrate", verbosity=0)
    Shot.objects.update(photo=Upload(TEXT, "r.txt"))
    ok(files() == [TEXT] and Shot.objects.get().photo_size == 7, "and one that is added to a table with rows is a file column")
    Shot.objects.all().delete()
    call_command("migrate", "shots", "zero", verbosity=0)
    ok(query("SELECT count(*) FROM ffu.columns")[0][0] == 0, "migrate back to zero leaves no file column")


def main():
    global FOLDER
    work = servers.work_directory("django")
    server = servers.Server(os.path.join(work, "server"), "autovacuum = off\nfsync = off")
    os.mkdir(server.work)
    FOLDER = os.path.join(work, "folder")
    try:
        server.init()
        server.start()
        connection = server.connect()
        cursor = connection.cursor()
        cursor.execute("CREATE EXTENSION ffu")
        cursor.execute("SELECT ffu.use_folder(%s)", [FOLDER])
        cursor.execute("CREATE ROLE web LOGIN")
        cursor.execute("GRANT CREATE ON SCHEMA public TO web")
        cursor.execute("SELECT ffu.grant_columns('web'), ffu.grant_operations('web')")
        site = os.path.join(work, "site")
        write(site + "/shots/__init__.py", "")
        write(site + "/shots/migrations/__init__.py", "")
        write(site + "/shots/models.py", MODELS.replace("SIZE", '"20 MB"'))
        write(site + "/shots/admin.py", ADMIN)
        write(site + "/urls.py", URLS)
        sys.path.insert(0, site)
        contrib = ["admin", "auth", "contenttypes", "sessions", "messages"]
        middleware = ["sessions.middleware.SessionMiddleware", "auth.middleware.AuthenticationMiddleware", "messages.middleware.MessageMiddleware"]
        settings.configure(
            SECRET_KEY="of the test", ALLOWED_HOSTS=["*"], ROOT_URLCONF="urls", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
            INSTALLED_APPS=["django.contrib." + name for name in contrib] + ["django_ffu", "shots"],
            MIDDLEWARE=["django.contrib." + name for name in middleware], STATIC_URL="/static/",
            TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
                "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages"]}}],
            DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "web", "HOST": server.socket}})
        django.setup()
        Shot, Oak = try_migrations()
        try_models(Shot)
        try_attachments(Shot, Oak)
        try_large(Shot, cursor)
        try_forms(Shot, Oak, cursor)
        try_admin(Shot)
        try_removal(Shot)
        ok(query("SELECT * FROM ffu.check()") == [] and files() == [], "and ffu.check finds nothing wrong")
        from django.db import connection as own
        own.close()
        connection.close()
    finally:
        server.remove()
    tap.done()


if __name__ == "__main__":
    main()
