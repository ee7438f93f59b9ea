#!/usr/bin/python3
"""Runs every block of docs/guides: three web applications behind nginx, their tests, thumbnails, and a move of the folder.

    run.py

Above each block of the guides a comment, <!-- test: WORD -->, says what the block is part of. The blocks
of a word are put together, in the order of PAGES, and run as they stand there, with other directories. A
block without a word, and a word that nothing here runs, is a failure.
"""

import ast
import glob
import http.client
import io
import json
import mimetypes
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, '../..')
GUIDES = os.path.join(TOP, 'docs/guides')
PAGES = ('attachments.md', 'forms.md', 'serve.md', 'private.md', 'auth-request.md', 'postgrest.md', 'pictures.md', 'tests.md', 'move.md')
sys.path.insert(0, os.path.join(HERE, '../oracle'))

import psycopg2
import server as servers
import tap
from PIL import Image
from tap import ok

PATIENCE = 30
BOUNDARY = 'boundary-of-the-form'
FENCE = re.compile(r'^( *)(?:<!-- test: (\S+) -->\n\1)?```\w*\n(.*?)^ *```$', re.S | re.M)

# What the guides leave to the reader: who may see a picture, and who asks.
MAY_SEE = {
    'flask': 'def may_see(photo):\n    return current_user() == "alice"\n\n\ndef current_user():\n    return request.headers.get("X-User", "")\n',
    'django': 'def may_see(request, photo):\n    return current_user(request) == "alice"\n\n\ndef current_user(request):\n    return request.headers.get("X-User", "")\n',
    'express': "const currentUser = (req) => req.get('X-User') || '';\nconst maySee = (req, photo) => currentUser(req) === 'alice';\n",
}

DJANGO_SETTINGS = '''
import os
SECRET_KEY = "of the test"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["photos"]
ROOT_URLCONF = "photos.urls"
MIDDLEWARE = ["photos.views.Refusals"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "photos", "USER": "web", "HOST": os.environ["PGHOST"]}}
'''


class Blocks:
    """The blocks of the guides, by word."""

    def __init__(self):
        self.by_word, self.used, nameless = {}, set(), []
        for page in PAGES:
            with open(os.path.join(GUIDES, page), encoding='utf-8') as file:
                text = file.read()
            for indent, word, code in FENCE.findall(text):
                code = re.sub(rf'^{indent}', '', code, flags=re.M)
                if not word:
                    nameless.append(f'{page}: {code.splitlines()[0]}')
                self.by_word.setdefault(word, []).append((page, code))
        ok(not nameless, 'every block of the guides says what it is part of', *nameless)
        pages = sorted(os.path.basename(path) for path in glob.glob(GUIDES + '/*.md'))
        ok(pages == sorted(PAGES), 'every guide is known here', *pages)

    def take(self, word, *pages):
        """The blocks of a word, of these pages or all, as one text."""
        self.used.add(word)
        return '\n'.join(code for page, code in self.by_word[word] if not pages or page in pages)

    def check_used(self):
        left = sorted(str(word) for word in set(self.by_word) - self.used)
        ok(not left, 'every block was run', *left)


class Setting:
    """A server with database photos and a folder, made anew for each application."""

    def __init__(self, work, blocks, conf='autovacuum = off\nfsync = off'):
        self.work = work
        self.server = servers.Server(os.path.join(work, 'server'), conf)
        os.makedirs(self.server.work)
        self.server.init()
        self.server.start()
        # Django makes a database for its tests.
        self.psql(blocks.take('role-sql'), 'ALTER ROLE web CREATEDB', database='postgres')
        # node-pg of Debian takes no user from the query of a URL.
        self.environment = {**os.environ, 'PGHOST': self.server.socket, 'PGUSER': 'web', 'PYTHONDONTWRITEBYTECODE': '1',
                            'NODE_PATH': '/usr/share/nodejs:/usr/lib/nodejs:/usr/local/lib/node_modules',
                            'DATABASE_URL': f'postgresql:///photos?host={self.server.socket}&user=web'}

    def begin(self, name, owner='postgres'):
        self.folder = os.path.join(self.work, 'folder-' + name)
        self.psql('DROP DATABASE IF EXISTS photos', f'CREATE DATABASE photos OWNER {owner}', database='postgres')
        self.psql('CREATE EXTENSION ffu', f"SELECT ffu.use_folder('{self.folder}')", "SELECT ffu.grant_columns('web')")

    def psql(self, *statements, database='photos', user='postgres'):
        """Runs statements as they stand in a document, and returns what they print."""
        said = subprocess.run([self.server.bin + '/psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', self.server.socket, '-U', user, '-d', database],
                              input=';\n'.join(statements), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if said.returncode:
            raise RuntimeError(said.stdout)
        return said.stdout.strip()

    def files(self):
        """The files of the folder, below it."""
        return sorted(os.path.relpath(os.path.join(root, name), self.folder)
                      for root, _, names in os.walk(self.folder) for name in names if '/.ffu' not in root)

    def is_clean(self, label):
        found = self.psql('SELECT * FROM ffu.check()')
        ok(found == '' and not self.files(), label, found, *self.files())


class Site:
    """An application on a socket, and nginx before it."""

    def __init__(self, setting, blocks, name, command, directory):
        self.socket = os.path.join(setting.server.socket, name)
        self.log = os.path.join(setting.work, name + '.log')
        with open(self.log, 'wb') as log:
            self.application = subprocess.Popen(command, cwd=directory, env={**setting.environment, 'PORT': self.socket}, stdout=log, stderr=log)
        self.nginx = self.port = None
        try:
            self.start_nginx(setting, blocks, name)
            self.wait()
        except Exception:
            self.stop()
            raise

    def start_nginx(self, setting, blocks, name):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        work = os.path.join(setting.work, 'nginx-' + name)
        os.mkdir(work)
        temporary = ' '.join(f'{what}_temp_path {work}/{what};' for what in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
        with open(os.path.join(TOP, 'examples/nginx/nginx.conf'), encoding='utf-8') as file:
            conf = file.read()
        for old, new in ((r'(?m)^user .*', ''), (r'(?m)^pid .*', f'pid {work}/pid; daemon off; error_log {work}/error.log;'),
                         (r'(?m)^http \{', f'http {{ access_log {work}/access.log; {temporary}'), ('listen 80;', f'listen 127.0.0.1:{self.port};'),
                         ('/srv/ffu/;', setting.folder + '/;'), ('http://127.0.0.1:8000;', f'http://unix:{self.socket};'),
                         ('/etc/nginx/ffu-', work + '/ffu-'),
                         ('location / \\{', lambda m: blocks.take('nginx-auth').replace('/srv/ffu/', setting.folder + '/').replace('http://127.0.0.1:8000;', f'http://unix:{self.socket};') + m[0]),
                         # The private way, with no second door, is tried under a host of its own.
                         (r'(?s)(    server \{.*\n    \})', lambda m: m[1] + '\n' + m[1].replace(
                             'location ^~ /files/ {', blocks.take('nginx') + 'location ^~ /files/ {').replace('listen', 'server_name private;\nlisten'))):
            conf = re.sub(old, new, conf)
        with open(work + '/nginx.conf', 'w', encoding='utf-8') as file:
            file.write(conf)
        script = blocks.take('secrets-sh')
        # A test need not be root: then who asks is the server's user already.
        for old, new in (('examples/nginx/', os.path.join(TOP, 'examples/nginx/')), ('/etc/nginx/ffu-', work + '/ffu-'), (' && nginx -t && nginx -s reload', ''),
                         ('runuser -u postgres -- psql ', f'PGUSER=postgres {setting.server.bin}/psql -h {setting.server.socket} ')):
            ok(old in script, f'{name}: the commands for the secrets have {old.strip()}')
            script = script.replace(old, new)
        subprocess.run(['sh', '-e', '-c', script], check=True)
        secrets = read(work + '/ffu-secrets.conf')
        failed = subprocess.run(['sh', '-c', script.replace('-d photos', '-d none')], stderr=subprocess.DEVNULL).returncode
        ok(failed and 'ffu_secret' in secrets and read(work + '/ffu-secrets.conf') == secrets, f'{name}: where the query fails the secrets stay')
        ok(os.stat(work + '/ffu-secrets.conf').st_mode & 0o777 == 0o600, f'{name}: and nobody else may read them')
        with open(work + '/ffu-signed.conf', 'r+', encoding='utf-8') as file:
            signed = file.read().replace('/srv/ffu/', setting.folder + '/')
            file.seek(0)
            file.write(signed)
        self.nginx = subprocess.Popen(['/usr/sbin/nginx', '-e', work + '/error.log', '-c', work + '/nginx.conf'])

    def wait(self):
        end = time.time() + PATIENCE
        while True:
            try:
                if self.get('/photos/0')[0] == 404:
                    return
            except OSError:
                pass
            if time.time() > end or self.application.poll() is not None or self.nginx.poll() is not None:
                with open(self.log, encoding='utf-8') as log:
                    raise RuntimeError(log.read())
            time.sleep(0.05)

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content, answer.headers

    def get(self, path, **headers):
        return self.ask('GET', path, **headers)

    def post(self, path, **fields):
        """Sends a form; a file is a pair of bytes and name."""
        return self.ask('POST', path, form_of(fields), **{'Content-Type': f'multipart/form-data; boundary={BOUNDARY}'})

    def stop(self):
        for process in (self.nginx, self.application):
            if process and process.poll() is None:
                process.terminate()
                process.wait(PATIENCE)


def form_of(fields):
    """A form as browsers send it. Werkzeug's own leaves out the line break after an empty
    file, and later versions of busboy refuse that."""
    body = b''
    for name, value in fields.items():
        content, filename = value if isinstance(value, tuple) else (value.encode(), None)
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if filename is not None:
            mime_type = mimetypes.guess_type(filename)[0] or 'application/octet-stream'
            body += f'; filename="{filename}"\r\nContent-Type: {mime_type}'.encode()
        body += b'\r\n\r\n' + content + b'\r\n'
    return body + f'--{BOUNDARY}--\r\n'.encode()


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def example(name):
    with open(os.path.join(os.environ.get('FFU_EXAMPLES', TOP + '/examples/files'), name), 'rb') as file:
        return file.read()


def source(page):
    """The path of the picture in a page."""
    found = re.search(rb'<img src="([^"]*)"', page)
    return found and found[1].decode()


def drive(setting, site, name):
    """What a browser does with an application, and what has to come of it."""
    lake = example('lake.jpg')
    small = io.BytesIO()
    Image.new('RGB', (4, 4), 'red').save(small, 'PNG')
    small = small.getvalue()

    status, _, headers = site.post('/photos', title='Lake & <hill>', picture=(lake, 'Wörther See.jpg'))
    page = headers['Location'] and urllib.parse.urlparse(headers['Location']).path
    ok(status == 302 and re.fullmatch(r'/photos/\d+', page or ''), f'{name}: a form attaches a file', str(status))
    status, body, _ = site.get(page)
    first = source(body)
    ok(status == 200 and b'<h1>Lake &' in body and b'<hill>' not in body and first, f'{name}: the page shows it', body.decode())
    ok(site.get(first)[:2] == (200, lake), f'{name}: nginx sends the bytes')
    ok(setting.psql('SELECT picture__file_name FROM photos') == 'Wörther See.jpg', f'{name}: the name for downloads is the client\'s')

    ok(site.post(page + '/picture', picture=(small, 'red.png'))[0] == 302, f'{name}: another file replaces it')
    second = source(site.get(page)[1])
    ok(second != first and site.get(second)[:2] == (200, small) and site.get(first)[0] == 404, f'{name}: the new file is there, and the old one is gone')

    status, body, _ = site.post(page + '/picture', picture=(example('book.pdf'), 'book.jpg'))
    ok(status == 422 and b'book.jpg' not in body and body and source(site.get(page)[1]) == second, f'{name}: a refused file is told, and changes nothing', str(status), body.decode())

    status, body, headers = site.get(page + '/picture', **{'X-User': 'alice'})
    ok((status, body, headers['Content-Type']) == (200, small, 'image/png') and 'red.png' in headers['Content-Disposition'], f'{name}: who may see it gets a private file', str(status), str(headers))
    ok(site.get(page + '/picture')[0] == 404, f'{name}: and nobody else')
    ok(site.get(second, Host='private')[0] == 404 and site.get(page + '/picture', **{'X-User': 'alice', 'Host': 'private'})[1] == small, f'{name}: not by a second door either')
    return page, small


def try_contracts(setting, site, name):
    """Files that only the owner of a row may see."""
    scan = example('book.pdf')
    path = setting.psql(f"INSERT INTO contracts (owner, scan) VALUES ('alice', ffu.file('Vertrag für alle.pdf', '\\x{scan.hex()}')) RETURNING scan")
    alice, bob = {'X-User': 'alice'}, {'X-User': 'bob'}
    status, body, headers = site.get('/contracts/' + path, **alice)
    ok((status, body, headers['Content-Type'], headers['Cache-Control']) == (200, scan, 'application/pdf', 'private, no-cache')
       and headers['Content-Disposition'] == "inline; filename=\"Vertrag f_r alle.pdf\"; filename*=UTF-8''Vertrag%20f%C3%BCr%20alle.pdf", f'{name}: the owner of the row gets its file', str(status), str(headers))
    ok(site.get('/contracts/' + path, Range='bytes=0-3', **alice)[:2] == (206, scan[:4]), f'{name}: with ranges')
    etag = setting.psql(f"SELECT ffu.headers(scan, sha256 => scan__sha256) ->> 'ETag' FROM contracts WHERE scan = '{path}'")
    ok(site.get('/contracts/' + path, **alice, **{'If-None-Match': etag})[:2] == (304, b''), f'{name}: a browser that has the file is told so')
    ok(headers['ETag'] == etag and headers.get_all('Cache-Control') == ['private, no-cache'] and headers['Referrer-Policy'] == 'no-referrer' and headers['Content-Disposition'],
       f'{name}: nginx keeps the headers of ffu.serve', str(headers))
    ok([site.get('/contracts/' + path, Range='bytes=0-3', **{'If-Range': match}, **alice)[0] for match in (etag, '"x"')] == [206, 200], f'{name}: and knows the file by its ETag')
    setting.psql('REVOKE EXECUTE ON FUNCTION ffu.serve FROM PUBLIC')
    ok(site.get('/contracts/' + path, **alice)[0] == 500, f'{name}: an error is one')
    setting.psql('GRANT EXECUTE ON FUNCTION ffu.serve TO PUBLIC')
    ok(site.get('/contracts/' + path, **alice)[0] == 200, f'{name}: and leaves no broken transaction')
    for other, user in ((path, bob), (path, {}), (path[:-5] + 'x.pdf', alice), ('private/x', alice), ('.ffu/owner', alice)):
        ok(site.get('/contracts/' + other, **user)[0] == 404, f'{name}: 404 for {other.split("-")[0]} and {user.get("X-User")}')
    ok(site.get('/files/' + path)[0] == 403, f'{name}: nginx serves it with a signature only')
    return path, scan, alice, bob


def try_signed(setting, site, path, scan, alice, bob):
    page = f"/contracts/{setting.psql('SELECT id FROM contracts')}/link"
    status, _, headers = site.get(page, **alice)
    url = headers['Location'] or ''
    url = url[url.find('/files/'):]
    status, body, headers = site.get(url)
    ok((status, body) == (200, scan) and headers['Content-Disposition'] == "attachment; filename*=UTF-8''Vertrag%20f%C3%BCr%20alle.pdf", 'a signed URL gives the file under its name', url, str(headers))
    ok(site.get(page, **bob)[0] == 404, 'who does not see the row gets no URL')
    ok(site.get('/verified?url=' + urllib.parse.quote(url))[:2] == (200, path.encode()) and site.get('/verified?url=' + urllib.parse.quote(url[:-1]))[0] == 403, 'the application verifies a URL')
    ok(site.get('/scans/' + path, **alice)[:2] == (200, scan), 'auth_request: the owner of the row gets its file')
    for target in ('/scans/' + path, '/scans/x/../' + path, '/scans/.ffu/owner', '/scans/private/../.ffu/owner', '/may-see', '/none'):
        ok(site.get(target, **bob)[0] == 404, f'auth_request: {target.split("-")[0]} is 404 for another')
    ok(site.get('/scans/.ffu/owner', **alice)[0] == 404 and site.get('/scans/private/../.ffu/owner', **alice)[0] == 404, 'auth_request: what has no row is 404')
    asked = read(site.log).count('/may-see')
    for target in (path + '%0d%0aX-User:%20alice', 'x%0d%0a%0d%0aPOST%20/photos/1/delete%20HTTP/1.1%0d%0aX-User:%20alice%0d%0a%0d%0a', path + '%0a', path + '%0d', path + '%20', path + '%00'):
        ok(site.get('/scans/' + target)[0] >= 400 and read(site.log).count('/may-see') == asked, f'auth_request: {target.replace(path, "<path>")} becomes no header of the question')
    named = site.get('/scans/' + path, **alice)[2]
    ok(named['Content-Disposition'].endswith("filename*=UTF-8''Vertrag%20f%C3%BCr%20alle.pdf") and named['X-Content-Type-Options'] == 'nosniff', 'auth_request: with its name', str(named))


def try_postgrest(setting, blocks, path, scan):
    setting.psql(blocks.take('postgrest-sql'))

    def call(function, user, match=None):
        """As PostgREST answers GET /rpc/function?path=..."""
        said = setting.psql('BEGIN READ ONLY', 'SET LOCAL ROLE web', f"SET LOCAL app.\"user\" = '{user}'", 'SET LOCAL request.headers = \'' + json.dumps({'if-none-match': match} if match else {}) + "'",
                            f"SELECT '=' || encode(files.{function}(path => '{path}'), 'hex')", "SELECT current_setting('response.status')", "SELECT current_setting('response.headers')", 'COMMIT').split('\n')
        body, status, headers = [bytes.fromhex(said[0][1:]), *said[1:]]
        pairs = json.loads(headers)
        ok(all(len(pair) == 1 for pair in pairs), 'PostgREST: headers are objects of one key')
        return int(status), body, {key: value for pair in pairs for key, value in pair.items()}
    status, body, headers = call('contract', 'alice')
    ok((status, body, headers['Content-Type']) == (200, scan, 'application/pdf') and headers['X-Content-Type-Options'] == 'nosniff', 'PostgREST: the owner of the row gets its file', str(status), str(headers))
    ok(call('contract', 'alice', headers['ETag'])[:2] == (304, b''), 'PostgREST: 304')
    ok(call('contract', 'bob')[:2] == (404, b''), 'PostgREST: 404 for another')
    status, body, headers = call('contract_by_nginx', 'alice')
    ok((status, body, headers.get('X-Accel-Redirect')) == (200, b'', '/ffu-internal/' + path), 'PostgREST: nginx is told to send it', str(headers))
    ok('X-Accel-Redirect' not in call('contract_by_nginx', 'bob')[2], 'PostgREST: and not for another')
    ok('signature=' in setting.psql('BEGIN', 'SET LOCAL ROLE web', "SET LOCAL app.\"user\" = 'alice'", 'SELECT c.scan_url FROM contracts c', 'COMMIT'), 'PostgREST: the computed field is signed')


def end(setting, site, name, page):
    setting.psql('DELETE FROM contracts')
    ok(site.post(page + '/picture/delete')[0] == 302 and source(site.get(page)[1]) is None and not setting.files(), f'{name}: a file is removed, the row stays', *setting.files())
    status, _, headers = site.post('/photos', title='none', picture=(b'', ''))
    other = urllib.parse.urlparse(headers['Location'] or '').path
    ok(status == 302 and source(site.get(other)[1]) is None, f'{name}: a form without a file')
    site.post(other + '/picture', picture=(example('lake.jpg'), 'lake.jpg'))
    ok(len(setting.files()) == 1, f'{name}: such a row gets a file later')
    ok([site.post(path + '/delete')[0] for path in (page, other)] == [302, 302], f'{name}: rows are deleted')
    setting.is_clean(f'{name}: and nothing is left')


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def run(setting, *command, directory):
    said = subprocess.run(command, cwd=directory, env=setting.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=10 * PATIENCE)
    return said.returncode == 0, said.stdout


def try_flask(setting, blocks):
    setting.begin('flask')
    setting.psql(blocks.take('sql'))
    code = MAY_SEE['flask'] + blocks.take('flask')
    write(setting.work + '/flask/app.py', code)
    site = Site(setting, blocks, 'flask', ['/usr/bin/python3', '-m', 'flask', 'run', '--host', 'unix://' + os.path.join(setting.server.socket, 'flask')], setting.work + '/flask')
    try:
        ok('<form method="post"' in blocks.take('html'), 'the form is one')
        page, small = drive(setting, site, 'flask')
        named = site.get(page + '/download')[2]['Location']
        status, _, headers = site.get(named[named.find('/files/'):])
        ok(status == 200 and headers['Content-Disposition'] == "attachment; filename*=UTF-8''red.png", 'flask: a URL has the name for downloads', named, str(headers))
        ok(b'download="red.png"' in site.get(page + '/link')[1], 'flask: a link has the name for downloads')
        ok(site.get(page + '/bytes', **{'X-User': 'alice'})[:2] == (200, small) and site.get(page + '/bytes')[0] == 404, 'flask: the bytes come from the database')
        try_sizes(setting, site, blocks, page)
        contract = try_contracts(setting, site, 'flask')
        setting.psql(blocks.take('right-sql'))
        try_signed(setting, site, *contract)
        try_postgrest(setting, blocks, *contract[:2])
        end(setting, site, 'flask', page)
    finally:
        site.stop()
    test = 'import io, os, sys, unittest\nimport psycopg2\nfrom app import app, db\n\n' + blocks.take('unittest-head') + blocks.take('unittest') + '\n\n' + blocks.take('flask-test')
    write(setting.work + '/flask/test_app.py', test)
    good, said = run(setting, '/usr/bin/python3', '-m', 'unittest', '-v', 'test_app', directory=setting.work + '/flask')
    ok(good and 'Ran 2 tests' in said, 'the tests of the guide pass', said)
    setting.is_clean('and leave nothing')
    try_attachments(setting, blocks)
    # ffu.paths() refuses tables whose rows are hidden from the caller.
    setting.psql("SELECT ffu.grant_operations('web')", 'DROP TABLE contracts')
    ok(setting.psql(blocks.take('left-sql'), user='web') == '0\n0', 'as the queries of the guide say')


def try_attachments(setting, blocks):
    said = setting.psql(blocks.take('attachments')).split('\n')
    shown = [line for line in said if line.startswith('The lake|')]
    ok(len(shown) == 1 and [photo['file_name'] for photo in json.loads(shown[0][9:])] == ['a.png', 'b.png'], 'attachments are shown in order', *said)
    ok(setting.psql('SELECT file__file_name FROM posts_photos') == 'a.png' and said[-1] == 't', 'and one is detached', *said)
    setting.psql('DELETE FROM posts')
    setting.is_clean('attachments go with their row')
    setting.psql('DROP TABLE posts_photos, posts')


def try_sizes(setting, site, blocks, page):
    ok(site.post(page + '/sizes', picture=(example('lake.jpg'), 'lake.jpg'))[0] == 302, 'a picture comes in two sizes')
    body = site.get(page + '/sizes')[1]
    picture = Image.open(io.BytesIO(site.get(source(body))[1]))
    ok(max(picture.size) <= 320 and picture.format == 'JPEG' and b'srcset=' in body, 'the small one is small', str(picture.size))
    # The functions of the page, without its application.
    tree = ast.parse(blocks.take('flask', 'pictures.md'))
    names = {}
    exec(compile(ast.Module([node for node in tree.body if not getattr(node, 'decorator_list', None)], []), 'pictures.md', 'exec'), names)
    connection = psycopg2.connect(host=setting.server.socket, dbname='photos', user='web')
    names.update(connection=connection, psycopg2=psycopg2)
    for _ in range(2):
        setting.psql('UPDATE photos SET small = NULL')
        exec(compile(blocks.take('backfill'), 'pictures.md', 'exec'), names)
    ok(setting.psql("SELECT count(*) FROM photos WHERE picture IS NOT NULL AND small IS NULL") == '0', 'sizes are made of pictures that are there')
    with connection, connection.cursor() as cursor:
        names.update(cursor=cursor, id=int(page.rsplit('/', 1)[1]), data=example('lake.jpg'))
        exec(compile(blocks.take('sizes'), 'pictures.md', 'exec'), names)
    connection.close()
    ok(setting.psql('SELECT count(picture) FROM sizes') == '3', 'and any number of sizes')
    setting.psql('UPDATE photos SET small = NULL', 'DELETE FROM sizes')


def try_django(setting, blocks):
    setting.begin('django', owner='web')
    directory = setting.work + '/django'
    folder = setting.work + '/folder-django-test'
    for word in ('models.py', 'views.py', 'urls.py'):
        write(f'{directory}/photos/{word}', (MAY_SEE['django'] if word == 'views.py' else '') + blocks.take('django/' + word))
    write(directory + '/photos/runner.py', blocks.take('django/runner.py').replace('/srv/ffu-test', folder))
    write(directory + '/photos/tests.py', blocks.take('unittest-head') + blocks.take('django/tests.py'))
    write(directory + '/photos/migrations/__init__.py', '')
    write(directory + '/photos/__init__.py', '')
    write(directory + '/settings.py', DJANGO_SETTINGS + blocks.take('django/settings'))
    setting.environment['DJANGO_SETTINGS_MODULE'] = 'settings'
    setting.environment['PYTHONPATH'] = directory
    manage = ['/usr/bin/python3', '-m', 'django']
    good, said = run(setting, *manage, 'makemigrations', 'photos', directory=directory)
    write(directory + '/photos/migrations/0002_picture.py', blocks.take('django/migrations/0002_picture.py'))
    also, more = run(setting, *manage, 'migrate', directory=directory)
    ok(good and also, 'django: the migrations run', said, more)
    good, said = run(setting, *manage, 'makemigrations', '--check', directory=directory)
    ok(good, 'django: and nothing is left to migrate', said)
    setting.psql(blocks.take('sql', 'private.md'))
    serve = f'from django.core.wsgi import get_wsgi_application as a; from werkzeug.serving import run_simple as r; r("unix://{os.path.join(setting.server.socket, "django")}", 0, a())'
    site = Site(setting, blocks, 'django', ['/usr/bin/python3', '-c', serve], directory)
    try:
        page, _ = drive(setting, site, 'django')
        try_contracts(setting, site, 'django')
        end(setting, site, 'django', page)
    finally:
        site.stop()
    setting.psql(blocks.take('template-sql'), database='postgres')
    good, said = run(setting, *manage, 'test', 'photos', directory=directory)
    ok(good and 'Ran 1 test' in said, 'django: the test of the guide passes', said)
    left = [name for root, _, names in os.walk(folder) for name in names if '/.ffu' not in root]
    ok(os.path.isdir(folder + '/.ffu') and not left, 'django: and leaves no file in the folder of the tests', *left)
    setting.psql('CREATE DATABASE another TEMPLATE photos_template', database='postgres')
    setting.psql(blocks.take('claim-sql').replace('/srv/ffu-test', folder), database='another', user='web')
    ok(True, 'django: another database takes the folder over')


PYTEST = '''
import secrets

import psycopg2
import pytest

SCHEMA = "CREATE TABLE photos (id int); SELECT ffu.add_column('photos', 'picture')"


BLOCKS

@pytest.mark.parametrize("content", [b"one", b"two"])
def test_photo(connection, content):
    cursor = connection.cursor()
    cursor.execute("INSERT INTO photos (picture) VALUES (ffu.file('a.txt', %s))", (content,))
    connection.commit()
    cursor.execute("SELECT ffu.content(picture), (SELECT count(*) FROM photos) FROM photos")
    found, count = cursor.fetchone()
    assert (bytes(found), count) == (content, 1)
'''


def try_parent(setting, blocks, work):
    """Test databases that come and go with their folders, as Django makes them."""
    parent = os.path.join(work, 'databases')
    os.mkdir(parent, 0o750)
    conf = blocks.take('parent-conf').replace('/srv/ffu-databases', parent).replace("'1h'", "0\nffu.naptime = 1\nautovacuum = off\nfsync = off")
    other = Setting(os.path.join(work, 'parent'), blocks, conf)
    try:
        other.psql(blocks.take('template-sql'), 'CREATE DATABASE photos TEMPLATE photos_template', database='postgres')
        directory = setting.work + '/django'
        # Django 5.2 copies no database in parallel when Python starts processes as 3.14 does.
        write(directory + '/parent.py', 'import multiprocessing\nfrom settings import *\ndel TEST_RUNNER\n'
              "multiprocessing.set_start_method('fork', force=True)\n")
        write(directory + '/photos/test_again.py', 'from . import tests\n\n\nclass AgainTest(tests.PhotoTest):\n    pass\n')
        other.environment.update(DJANGO_SETTINGS_MODULE='parent', PYTHONPATH=directory)
        for words in ([], [], ['--parallel', '2'], ['--parallel', '2'], ['--keepdb'], ['--keepdb']):
            good, said = run(other, '/usr/bin/python3', '-m', 'django', 'test', 'photos', *words, directory=directory)
            ok(good and 'Ran 2 tests' in said, 'manage.py test ' + ' '.join(words), said)
        write(directory + '/test_pytest.py', PYTEST.replace('BLOCKS', blocks.take('pytest')))
        good, said = run(other, '/usr/bin/python3', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test_pytest.py', directory=directory)
        ok(good and '2 passed' in said, 'pytest, with a database for each test', said)
        left = other.psql("SELECT datname FROM pg_database WHERE datname LIKE 'test%'", database='postgres')
        ok(left == 'test_photos', 'and none of them is left', left)
        kept = other.psql("SELECT (pg_control_system()).system_identifier || '-' || oid FROM pg_database WHERE datname = 'test_photos'", database='postgres')
        end = time.monotonic() + servers.PATIENCE
        while os.listdir(parent) != [kept] and time.monotonic() < end:
            time.sleep(0.05)
        ok(os.listdir(parent) == [kept], 'only the database that was kept has a folder', *os.listdir(parent))
    finally:
        other.server.remove()


def try_express(setting, blocks):
    setting.begin('express')
    setting.psql(blocks.take('sql', 'forms.md', 'serve.md', 'private.md'))
    write(setting.work + '/express/app.js', blocks.take('express') + MAY_SEE['express'] + blocks.take('express-end'))
    site = Site(setting, blocks, 'express', ['node', 'app.js'], setting.work + '/express')
    try:
        page, _ = drive(setting, site, 'express')
        try_contracts(setting, site, 'express')
        before = source(site.get(page)[1])
        ok(site.get(before)[0] == 200, 'a column is public', before)
        setting.psql(blocks.take('private-sql'))
        ok(site.get(before)[0] == 404, 'its URL from before is 404', before)
        shown = source(site.get(page)[1])
        ok('/private/' in shown and site.get(shown.replace('&amp;', '&').replace('&#38;', '&'))[0] == 200 and site.get(shown.split('?')[0])[0] == 403, 'a column becomes private', shown)
        end(setting, site, 'express', page)
    finally:
        site.stop()


def try_move(setting, blocks):
    """With rows from one copy to the next, as where the application goes on meanwhile."""
    new = setting.work + '/new'
    os.mkdir(new)

    def shell(script):
        script = script.replace('/srv/ffu/', setting.folder + '/').replace('/mnt/new/ffu', new + '/ffu')
        subprocess.run(['sh', '-e', '-c', script], check=True)
    first, second = (code for _, code in blocks.by_word['move-sh'])
    blocks.used.add('move-sh')
    store = "INSERT INTO photos (title, picture) SELECT 't', ffu.file('p.jpg', pg_read_binary_file('{}')) FROM generate_series(1, 3)".format(
        os.path.abspath(os.path.join(os.environ.get('FFU_EXAMPLES', TOP + '/examples/files'), 'lake.jpg')))
    setting.psql(store)
    shell(first)
    setting.psql(store, 'DELETE FROM photos WHERE id = (SELECT min(id) FROM photos)')
    shell(second)
    setting.psql(blocks.take('move-sql').replace('/mnt/new/ffu', new + '/ffu'))
    shutil.rmtree(setting.folder)
    setting.folder = new + '/ffu'
    ok(setting.psql(blocks.take('move-check-sql')) == '' and len(setting.files()) == 5, 'the folder has moved, and every row has its file', *setting.files())


def main():
    blocks = Blocks()
    work = servers.work_directory('guides')
    os.chmod(work, 0o711)
    setting = None
    try:
        setting = Setting(work, blocks)
        try_flask(setting, blocks)
        try_django(setting, blocks)
        try_parent(setting, blocks, work)
        try_express(setting, blocks)
        try_move(setting, blocks)
        blocks.check_used()
    finally:
        if setting:
            setting.server.remove()
    tap.done()


if __name__ == '__main__':
    main()
