#!/usr/bin/python3
"""What nginx answers with the configuration of examples/nginx, and what a browser makes of it.

    nginx.py
"""

import base64
import hashlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, '../flask'))

import served_site as sites
import tap
from tap import ok

HOUR = 3600
RUN = 'try { localStorage.ran = 1 } catch (e) {} try { parent.ran = 1 } catch (e) {} document.title = "ran";'
HTML = f'<!DOCTYPE html><html><body>text<script>{RUN}</script></body></html>'.encode()
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>{RUN}</script><rect width="9" height="9"/></svg>'.encode()
PNG = base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')
TEXT = 'Käse\n'.encode() * 2000
GUARDED = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"


def declare(site):
    site.sql("CREATE TABLE open (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
    site.sql("SELECT ffu.add_column('open', 'f', '{*}', content_check => 'off')")
    site.sql("CREATE TABLE closed (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
    site.sql("SELECT ffu.add_column('closed', 'f', '{*}', content_check => 'off', private => true)")
    site.sql("CREATE TABLE bare (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
    site.sql("SELECT ffu.add_column('bare', 'f', '{*}', path_template => '{table}/{token}')")
    site.sql("SELECT ffu.rotate_url_secret()")


def store(site, table, name, content):
    """The path of a new file."""
    return site.sql(f'INSERT INTO {table} (f) VALUES (ffu.file(%s, %s)) RETURNING f', name, content)


def check_public(site):
    path = store(site, 'open', 'a.txt', TEXT)
    url = site.sql('SELECT ffu.url(%s)', path)
    status, headers, content = site.get(url)
    ok(status == 200 and content == TEXT, 'a public file is served')
    ok(headers['Content-Type'] == 'text/plain; charset=utf-8' and headers['X-Content-Type-Options'] == 'nosniff' and headers['Content-Security-Policy'] == GUARDED
       and headers['Cache-Control'] == 'public, max-age=31536000, immutable' and headers['Referrer-Policy'] == 'no-referrer' and headers['Content-Disposition'] is None,
       'with headers that keep a browser safe', str(headers))
    status, again, content = site.get(url, 'HEAD')
    ok(status == 200 and not content and again['Content-Length'] == str(len(TEXT)), 'HEAD gives the headers alone')
    for value, wanted, part in (('bytes=0-3', 206, TEXT[:4]), ('bytes=-5', 206, TEXT[-5:]), ('bytes=11990-', 206, TEXT[11990:]), (f'bytes={len(TEXT)}-', 416, None)):
        status, answer, content = site.get(url, Range=value)
        ok(status == wanted and (part is None or content == part), f'range {value} is {wanted}', str(status), str(answer))
    ok(site.get(url, If_None_Match=headers['ETag'])[0] == 304, 'If-None-Match is 304')
    ok(site.get(url, If_None_Match='"x"')[0] == 200, 'another ETag is 200')
    ok(site.get(url, Range='bytes=0-3', If_Range='"x"')[0] == 200, 'If-Range of another file gives the whole')
    for method in ('POST', 'PUT', 'DELETE'):
        ok(site.get(url, method)[0] == 405, f'{method} is 405')


def check_types(site):
    """Every extension that ffu allows has a type, and what ffu.headers shows nginx shows."""
    default = site.sql("SELECT reset_val FROM pg_settings WHERE name = 'ffu.allowed_extensions'").split(',')
    for ext in default + ['html', 'svg', 'js', 'xml', 'php', 'exe', 'xyzzy']:
        path = store(site, 'open', 'a.' + ext, b'content')
        _, headers, _ = site.get('/files/' + path)
        kind, disposition = headers['Content-Type'], headers['Content-Disposition']
        said = site.sql('SELECT ffu.headers(%s)', path)
        shown = said['Content-Disposition'].startswith('inline')
        ok((disposition is None) == shown and (disposition or 'attachment') == 'attachment' and headers['Content-Security-Policy'] == said.get('Content-Security-Policy')
           and headers['X-Content-Type-Options'] == 'nosniff' and (ext not in default or kind != 'application/octet-stream'),
           f'.{ext} is {"shown" if shown else "saved"} as {kind}', str(headers), str(said))
        if shown:
            ok(kind.split('/')[0] == said['Content-Type'].split('/')[0] and ('charset' in kind) == (ext == 'txt'), f'.{ext} has a type of the family of {said["Content-Type"]}', kind)


def check_names(site):
    path = store(site, 'open', 'a.txt', b'content')
    for name, wanted in (('Käse & "Brot".txt', "attachment; filename*=UTF-8''K%C3%A4se%20%26%20%22Brot%22.txt"), ('Bericht', "attachment; filename*=UTF-8''Bericht.txt"),
                         ('A.TXT', "attachment; filename*=UTF-8''A.TXT"), ('setup.bat', "attachment; filename*=UTF-8''setup.bat.txt")):
        url = site.sql('SELECT ffu.url(%s, NULL, %s)', path, name)
        status, headers, _ = site.get(url)
        ok(status == 200 and headers['Content-Disposition'] == wanted, f'{name} is a name for a download', url, str(headers))
    for forged in ('setup.bat', 'a.txt.bat', 'a', '%0d%0aSet-Cookie:x.txt', 'a;b.txt', 'a%', 'a%2.txt', 'a"b.txt', "a'b.txt", '.txt', '', 'a%20b'):
        status, headers, _ = site.get(f'/files/{path}?download={forged}')
        ok(status == 200 and headers['Content-Disposition'] is None and headers['Set-Cookie'] is None, f'{forged!r} is no name for it', str(headers))
    plain = store(site, 'bare', 'README', b'content')
    ok(site.sql('SELECT ffu.url(%s, NULL, %s)', plain, 'README.html') == f'/files/{plain}?download=README', 'a path without an extension takes it from the name')
    for name, wanted in (('README', "attachment; filename*=UTF-8''README"), ('README.html', 'attachment')):
        status, headers, _ = site.get(f'/files/{plain}?download={name}')
        ok(status == 200 and headers['Content-Disposition'] == wanted, f'without an extension: {name}', plain, str(headers))


def formula(site, uri, expires, key, name=''):
    """A URL signed by hand, with the secret of a number."""
    secret = site.sql('SELECT secret FROM ffu.url_secret WHERE number = %s', key)
    text = f'{expires}{uri}{"?download=" + name if name else ""} {secret}'
    signature = base64.urlsafe_b64encode(hashlib.md5(text.encode()).digest()).decode().rstrip('=')
    return f'{uri}?{"download=" + name + "&" if name else ""}expires={expires}&key={key}&signature={signature}'


def check_private(site):
    path = store(site, 'closed', 'a.txt', TEXT)
    other = store(site, 'closed', 'b.txt', b'other')
    url = site.sql('SELECT ffu.url(%s)', path)
    now = int(time.time())
    status, headers, content = site.get(url)
    ok(status == 200 and content == TEXT, 'a signed URL gives the private file', url, str(status))
    ok(headers['Cache-Control'].startswith('private, ') and 'immutable' in headers['Cache-Control'] and headers['Content-Security-Policy'] == GUARDED
       and headers['X-Content-Type-Options'] == 'nosniff' and headers['Content-Type'] == 'text/plain; charset=utf-8', 'with headers that keep it private', str(headers))
    ok(formula(site, '/files/' + path, re.search(r'expires=(\d+)', url)[1], 1) == url, 'the URL is what the formula of secure_link gives')
    ok(site.get(url, Range='bytes=0-3')[2] == TEXT[:4] and site.get(url, If_None_Match=headers['ETag'])[0] == 304 and site.get(url, 'HEAD')[0] == 200, 'ranges, If-None-Match and HEAD')
    named = site.sql("SELECT ffu.signed_url(%s, '10 minutes', 'Käse.txt')", path)
    ok(site.get(named)[1]['Content-Disposition'] == "attachment; filename*=UTF-8''K%C3%A4se.txt", 'a signed name for the download')
    signature = re.search(r'signature=(.*)', url)[1]
    wrong = 'B' if signature[0] == 'A' else 'A'
    for what, forged, wanted in (
            ('no signature', '/files/' + path, 403), ('expired', formula(site, '/files/' + path, now - 2, 1), 410), ('long expired', formula(site, '/files/' + path, 1, 1), 410),
            ('another path', url.replace(path, other), 403), ('another time', re.sub(r'expires=(\d+)', lambda m: f'expires={int(m[1]) + HOUR}', url), 403),
            ('an expired one made later', re.sub(r'expires=\d+', f'expires={now + HOUR}', formula(site, '/files/' + path, now - 2, 1)), 403),
            ('forged', url.replace('signature=' + signature[0], 'signature=' + wrong), 403), ('truncated', url[:-1], 403), ('half', url[:-11], 403), ('longer', url + 'AA', 403),
            ('empty', url.replace(signature, ''), 403), ('without time', re.sub(r'expires=\d+&', '', url), 403), ('a word for a time', re.sub(r'expires=\d+', 'expires=never', url), 403),
            ('a name added', url.replace('?', '?download=a.txt&'), 403), ('another name', named.replace('K%C3%A4se', 'a'), 403), ('no name', named.replace('download=K%C3%A4se.txt&', ''), 403),
            ('a second name', named + '&download=b.txt', 200), ('of an empty secret', '/files/{}?expires={}&key=77&signature={}'.format(path, now + HOUR, base64.urlsafe_b64encode(
                hashlib.md5(f'{now + HOUR}/files/{path} '.encode()).digest()).decode().rstrip('=')), 403)):
        ok(site.get(forged)[0] == wanted, f'private: {what} is {wanted}', forged, str(site.get(forged)[0]))
        if wanted != 200:
            ok(site.sql('SELECT ffu.verify_url(%s)', forged) is None, f'ffu.verify_url: {what} is NULL')
    ok(site.sql('SELECT ffu.verify_url(%s)', url) == path and site.sql('SELECT ffu.verify_url(%s)', 'http://h:1' + named) == path, 'ffu.verify_url gives the path')
    moving = store(site, 'closed', 'c.txt', b'moving')
    before = site.sql("SELECT ffu.signed_url(%s, '1 hour')", moving)
    ok(site.get(before)[0] == 200, 'a file before it moves')
    site.sql("UPDATE closed SET f = 'copy:' || f WHERE f = %s", moving)
    ok(site.get(before)[0] == 404, 'the signed URL of a file that has moved is 404')
    site.sql('DELETE FROM closed WHERE f = %s', other)
    ok(site.get(site.sql("SELECT ffu.signed_url(%s, '1 hour')", other))[0] == 404, 'a file that is gone is 404')
    return path, url


def check_rotation(site, path, url):
    site.sql('SELECT ffu.rotate_url_secret()')
    ok('key=1&' in site.sql('SELECT ffu.url(%s)', path) and site.get(site.sql('SELECT ffu.url(%s)', path))[0] == 200, 'a new secret signs nothing before its time')
    site.write_secrets()
    site.restart()
    ok(site.get(url)[0] == 200, 'nginx knows both secrets')
    site.sql("UPDATE ffu.url_secret SET sign_from = now() WHERE number = 2")
    new = site.sql('SELECT ffu.url(%s)', path)
    ok('key=2&' in new and site.get(new)[0] == 200 and site.get(url)[0] == 200, 'the new one signs, and what the old one has signed is good')
    ok(site.get(new.replace('key=2', 'key=1'))[0] == 403, 'the number of the other secret is 403')
    site.sql("SELECT ffu.rotate_url_secret('0')")
    # What an editor or a copy leaves beside the files: nginx loads none of it.
    shutil.copy(site.work + '/ffu-secrets.conf', site.work + '/ffu-secrets.conf~')
    site.write_secrets()
    with open(site.work + '/ffu-signed.conf.bak', 'w', encoding='utf-8') as file:
        file.write('location ^~ /files/ { return 204; }')
    site.restart()
    ok(site.get(url)[0] == 403 and site.get(new)[0] == 200, 'two rotations later the first is forgotten')


def check_secrecy(site):
    """Who sees no table of ffu's sees no secret: not in the log, in statistics, in a dump, in a copy."""
    connection = site.connect()
    with connection.cursor() as cursor:
        cursor.execute('SELECT secret FROM ffu.url_secret')
        secrets = [row[0] for row in cursor]
    connection.close()
    ok(len(secrets) == 2 and len(set(secrets)) == 2, 'there are two secrets')
    with open(site.server.log, encoding='utf-8') as file:
        log = file.read()
    ok('ffu.rotate_url_secret' in log and 'INSERT INTO ffu.url_secret' in log and not any(secret in log for secret in secrets), "the server's log has the statements and no secret")
    with open(site.work + '/access.log', encoding='utf-8') as file:
        access = file.read()
    ok(not any(secret in access for secret in secrets), "nor has nginx's")
    texts = site.sql("SELECT string_agg(query, ' ') FROM pg_stat_statements")
    ok('INSERT INTO ffu.url_secret' in texts and not any(secret in texts for secret in secrets), 'nor pg_stat_statements')
    dump = subprocess.run([site.server.bin + '/pg_dump', '-h', site.server.socket, '-U', 'postgres', '--inserts', 'postgres'], check=True, text=True, stdout=subprocess.PIPE).stdout
    ok('"private": true' in dump and 'url_secret' not in dump and not any(secret in dump for secret in secrets), 'nor a dump')
    site.sql('CREATE DATABASE copy')
    said = subprocess.run([site.server.bin + '/psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', site.server.socket, '-U', 'postgres', 'copy'], input=dump + '\nSELECT private FROM ffu.columns WHERE private;\nSELECT ffu.url(f) FROM public.closed;',
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    ok('\nt\n' in said and 'no secret for signed URLs is set' in said and 'ffu.rotate_url_secret()' in said, 'a restored copy has private columns and signs nothing', said)


def check_tricks(site, private):
    """Nothing but a public file is reached through /files/ without a signature."""
    tail = private[len('private/'):]
    good = store(site, 'open', 'a.txt', b'content')
    for target in (
            '/files/.ffu/owner', '/files/%2effu/owner', '/files/%2Effu/owner', '/files//.ffu/owner', '/files/./.ffu/owner', '/files/x/../.ffu/owner', '/files/.ffu', '/files/.ffu/',
            '/files/.ffu/staging', '/files/../folder/.ffu/owner', '/files../.ffu/owner', '/files/..%2f.ffu/owner', '/files/%2e%2e/folder/.ffu/owner', '/files/%252effu/owner',
            '/files/' + private, '/files//' + private, '/files///private//' + tail, '/files/./' + private, '/files/%70rivate/' + tail, '/files/open/../' + private,
            '/files/open/..%2f' + private, '/files/private%2f' + tail, '/files/private/../' + private, '/files/private/%2e%2e/' + private, '/files/PRIVATE/' + tail,
            '/files/private;/' + tail, '/files/private%00/' + tail, '/files/private\\' + tail, '/files/private/./' + tail, '/files/' + private + '/', '/files/' + private + '/.',
            '/files' + '/' * 9 + private, '/x/../files/' + private, '/ffu-internal/' + private, '/ffu-internal/.ffu/owner', '/ffu-internal/../ffu-internal/' + private,
            '/files/open', '/files/open/', '/files/', '/files', '/files/private', '/files/private/', '/files/closed', '/files/../../../../../../etc/passwd', '/files/..%5c..%5cetc/passwd',
            '/files/' + good + '%00.html', '/files/' + good + '/', '/files/' + good + '%20'):
        for host in ('site', 'raw'):
            status, _, content = site.get(target, Host=host)
            ok(status >= 400 and b'root_id' not in content, f'{target.replace(private, "<private>").replace(tail, "<tail>").replace(good, "<public>")} is {status} ({host})', content[:80].decode(errors='replace'))
    ok(site.get('/files/' + good, Host='raw')[0] == 200, 'and the public file is served')


class Page(http.server.BaseHTTPRequestHandler):
    """The application: a page of its own origin."""

    page = b''

    def do_GET(self):
        if self.path != '/page':
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header('Content-Type', 'text/html; charset=utf-8')
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_):
        pass


def check_browser(site):
    import browse
    path = {name: store(site, 'open', name, content) for name, content in (('a.html', HTML), ('a.svg', SVG), ('a.txt', TEXT), ('a.png', PNG), ('b.txt', HTML))}
    secret = store(site, 'closed', 'a.svg', SVG)
    picture = store(site, 'closed', 'a.png', PNG)
    browser = browse.Browser(site.work, os.path.join(site.work, 'shots'), f'http://127.0.0.1:{site.port}')
    saved = os.path.join(site.work, 'saved')
    os.mkdir(saved)
    browser.driver.execute_cdp_cmd('Browser.setDownloadBehavior', {'behavior': 'allow', 'downloadPath': saved})
    try:
        def show(html):
            Page.page = ('<!DOCTYPE html><meta charset="utf-8"><title>page</title>' + html).encode()
            browser.open('/page')
            browser.wait('document.readyState == "complete"')

        def ran():
            return browser.js('localStorage.ran || window.ran || document.title == "ran"')

        # What this test would see if something ran.
        show(f'<iframe src="/plain/{path["a.html"]}"></iframe>')
        ok(browser.wait('window.ran'), 'a page without the headers runs, seen from the page around it')
        browser.driver.execute_script('localStorage.clear()')
        for name, url in (('html', '/files/' + path['a.html']), ('svg', '/files/' + path['a.svg']), ('html as txt', '/files/' + path['b.txt']), ('a private svg', site.sql('SELECT ffu.url(%s)', secret))):
            show('')
            browser.open(url)
            ok(browser.js('document.title') != 'ran', f'{name}: opened, it does not run')
            for tag in (f'<iframe src="{url}"></iframe>', f'<object data="{url}"></object>', f'<embed src="{url}">', f'<img src="{url}">', f'<script src="{url}"></script>'):
                show(tag.replace('&', '&amp;'))
                ok(not ran(), f'{name}: in {tag.split()[0]}> it does not run')
        browser.open('/files/' + path['a.txt'])
        ok(browser.js('document.contentType') == 'text/plain' and browser.js('document.body.innerText').startswith('Käse'), 'a text in UTF-8 is shown')
        show(f'<img id="picture" src="{site.sql("SELECT ffu.url(%s)", picture).replace("&", "&amp;")}">')
        ok(browser.wait('document.getElementById("picture").naturalWidth') == 1, 'a private picture is shown by its signed URL')
        show(f'<img id="picture" src="/files/{picture}">')
        ok(browser.wait('document.getElementById("picture").complete') and browser.js('document.getElementById("picture").naturalWidth') == 0, 'and without a signature is not')
        show(f'<a id="save" href="{site.sql("SELECT ffu.url(%s, NULL, %s)", path["a.txt"], "Käse & Brot.txt").replace("&", "&amp;")}">save</a>')
        browser.find('#save').click()
        ok(browse.until(lambda: os.path.exists(os.path.join(saved, 'Käse & Brot.txt'))), 'a browser saves a file under the name in its URL', *os.listdir(saved))
    finally:
        browser.driver.quit()


def main():
    site = application = None
    try:
        site = sites.Site('served', "log_statement = 'all'\nlog_min_duration_statement = 0\nshared_preload_libraries = 'pg_stat_statements,auto_explain'\n"
                          "pg_stat_statements.track = 'all'\nauto_explain.log_min_duration = 0\nauto_explain.log_nested_statements = on\nauto_explain.log_analyze = on\nauto_explain.log_verbose = on")
        site.sql('CREATE EXTENSION pg_stat_statements')
        declare(site)
        application = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Page)
        threading.Thread(target=application.serve_forever, daemon=True).start()
        site.write_secrets()
        site.configure(f'http://127.0.0.1:{application.server_port};', more_server=f'location /plain/ {{ alias {site.folder}/; }}')
        # Without the secrets and signed.conf nginx starts, and private files are closed.
        os.rename(site.work + '/ffu-signed.conf', site.work + '/signed')
        site.start()
        closed = store(site, 'closed', 'a.txt', TEXT)
        ok(site.get(site.sql('SELECT ffu.url(%s)', closed))[0] == 404, 'without signed.conf nobody reads private files')
        os.rename(site.work + '/signed', site.work + '/ffu-signed.conf')
        site.restart()
        check_public(site)
        check_types(site)
        check_names(site)
        path, url = check_private(site)
        check_tricks(site, path)
        check_browser(site)
        check_rotation(site, path, url)
        check_secrecy(site)
    finally:
        if application:
            application.shutdown()
        if site:
            site.remove()
    tap.done()


if __name__ == '__main__':
    main()
