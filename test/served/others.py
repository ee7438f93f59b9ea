#!/usr/bin/python3
"""What Caddy and Apache answer with the configurations of examples, which ask examples/verify.

    others.py
"""

import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, '../flask'))

import served_site as sites
import tap
from tap import ok

TEXT = 'Käse\n'.encode() * 2000
GUARDED = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
APACHE = '''
ServerRoot /usr/lib/apache2
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {work}/apache.pid
ErrorLog {work}/apache.log
Mutex file:{work}
DefaultRuntimeDir {work}
{user}
{modules}
TypesConfig /etc/mime.types
DocumentRoot {work}/empty
'''
MODULES = ('mpm_event', 'authz_core', 'alias', 'mime', 'dir', 'headers', 'proxy', 'proxy_http', 'xsendfile')


def example(site, name, verify_port):
    with open(os.path.join(sites.TOP, 'examples', name), encoding='utf-8') as file:
        return file.read().replace('/srv/ffu', site.folder).replace('127.0.0.1:8001', f'127.0.0.1:{verify_port}')


def caddy(site, verify_port):
    conf = '{\n\tadmin off\n\tauto_https off\n}\n' + example(site, 'caddy/Caddyfile', verify_port).replace(':80 {', f'http://127.0.0.1:{site.port} {{')
    with open(site.work + '/Caddyfile', 'w', encoding='utf-8') as file:
        file.write(conf)
    return ['/usr/bin/caddy', 'run', '--adapter', 'caddyfile', '--config', site.work + '/Caddyfile']


def apache(site, verify_port):
    user = 'User www-data\nGroup www-data' if os.getuid() == 0 else ''
    modules = '\n'.join(f'LoadModule {name}_module modules/mod_{name}.so' for name in MODULES)
    with open(site.work + '/apache.conf', 'w', encoding='utf-8') as file:
        file.write(APACHE.format(port=site.port, work=site.work, user=user, modules=modules) + example(site, 'apache/ffu.conf', verify_port))
    os.makedirs(site.work + '/empty', exist_ok=True)
    return ['/usr/sbin/apache2', '-X', '-f', site.work + '/apache.conf']


def wait(site, port, process, log):
    end = time.time() + sites.PATIENCE
    while True:
        try:
            sites.socket.create_connection(('127.0.0.1', port)).close()
            return
        except OSError:
            if time.time() > end or process.poll() is not None:
                with open(log, encoding='utf-8') as file:
                    raise RuntimeError(file.read()) from None
            time.sleep(0.05)


def start(site, command, port, name):
    log = os.path.join(site.work, name + '.out')
    environment = {**os.environ, 'FFU_FOLDER': site.folder, 'HOME': site.work, 'XDG_DATA_HOME': site.work, 'XDG_CONFIG_HOME': site.work}
    with open(log, 'wb') as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
    try:
        wait(site, port, process, log)
    except RuntimeError:
        stop(process)
        raise
    return process


def stop(process):
    if process.poll() is None:
        process.terminate()
        process.wait(sites.PATIENCE)


def store(site, table, name, content):
    return site.sql(f'INSERT INTO {table} (f) VALUES (ffu.file(%s, %s)) RETURNING f', name, content)


def check_headers(site, name, url, cache):
    status, headers, content = site.get(url)
    ok(status == 200 and content == TEXT, f'{name}: the file is served', str(status), str(headers))
    ok(headers['Content-Type'].split(';')[0] == 'text/plain' and headers['X-Content-Type-Options'] == 'nosniff' and headers['Content-Security-Policy'] == GUARDED
       and headers['Cache-Control'].startswith(cache) and 'immutable' in headers['Cache-Control'] and headers['Referrer-Policy'] == 'no-referrer',
       f'{name}: with headers that keep a browser safe', str(headers))
    ok(not (headers['Content-Disposition'] or 'inline').startswith('attachment'), f'{name}: a text is shown', str(headers))
    ok(site.get(url, Range='bytes=0-3')[2] == TEXT[:4] and site.get(url, 'HEAD')[0] == 200, f'{name}: ranges and HEAD')
    ok(headers['ETag'] and site.get(url, If_None_Match=headers['ETag'])[0] == 304, f'{name}: If-None-Match is 304', str(headers))


def check_forged(site, name, path, url):
    now = int(time.time())
    other = store(site, 'closed', 'b.txt', b'other')
    named = site.sql("SELECT ffu.signed_url(%s, '10 minutes', 'Käse.txt')", path)
    status, headers, _ = site.get(named)
    ok(status == 200 and headers['Content-Disposition'].startswith('attachment') and "filename*=UTF-8''K%C3%A4se.txt" in headers['Content-Disposition'], f'{name}: a signed name for the download', str(status), str(headers))
    signature = re.search(r'signature=(.*)', url)[1]
    wrong = 'B' if signature[0] == 'A' else 'A'
    tail = path[len('private/'):]
    for what, forged in (
            ('no signature', '/files/' + path), ('another path', url.replace(path, other)), ('another time', re.sub(r'expires=\d+', f'expires={now + 7200}', url)),
            ('forged', url.replace('signature=' + signature[0], 'signature=' + wrong)), ('truncated', url[:-1]), ('a name added', url.replace('?', '?download=a.txt&')),
            ('no name', named.replace('download=K%C3%A4se.txt&', '')), ('a directory', '/files/private/'), ('a null character', url + '&download=%00'),
            *((trick, trick) for trick in ('/files//' + path, '/files/%70rivate/' + tail, '/files/PRIVATE/' + tail, '/files/./' + path, '/files/open/../' + path,
                                           '/files/open/%2e%2e/' + path, '/files/private%2f' + tail, '/files//private//' + tail, '//files/' + path, '/files/private/../' + path,
                                           '/files/.ffu/owner', '/files/%2effu/owner', '/files//.ffu/owner', '/files/.%66fu/owner', '/files/private/../.ffu/owner', '/files/', '/files/open'))):
        status, headers, content = site.get(forged)
        ok(status in (301, 308, 400, 403, 404, 502) and TEXT not in content and b'ffu 1' not in content, f'{name}: {what} gives nothing', str(status), str(content[:80]))
        ok(status not in (301, 308) or site.get(headers['Location'])[0] in (400, 403, 404, 502), f'{name}: {what} leads nowhere', str(headers))
    site.sql("UPDATE ffu.url_secret SET secret = secret || 'x'")
    ok(site.get(url)[0] == 403, f'{name}: what a secret of before has signed is 403')
    site.sql('DELETE FROM closed WHERE f = %s', other)
    ok(site.get(site.sql("SELECT ffu.signed_url(%s, '1 hour')", other))[0] == 404, f'{name}: a file that is gone is 404')


def check(site, name, public, private):
    check_headers(site, name + ', public', site.sql('SELECT ffu.url(%s)', public), 'public, ')
    html = store(site, 'open', 'a.html', b'<script>1</script>')
    ok(site.get('/files/' + html)[1]['Content-Disposition'] == 'attachment', f'{name}: a page is saved')
    url = site.sql('SELECT ffu.url(%s)', private)
    check_headers(site, name + ', private', url, 'private, ')
    status, headers, _ = site.get('/files/open/none.txt')
    ok(status == 404 and headers['Cache-Control'] is None, f'{name}: no file is 404, and not for ever', str(status), str(headers))
    check_forged(site, name, private, url)


def main():
    site = sites.Site('others')
    processes = []
    try:
        site.sql("CREATE TABLE open (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
        site.sql("SELECT ffu.add_column('open', 'f', '{*}', content_check => 'off')")
        site.sql("CREATE TABLE closed (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
        site.sql("SELECT ffu.add_column('closed', 'f', '{*}', content_check => 'off', private => true)")
        site.sql("SELECT ffu.rotate_url_secret()")
        site.sql("CREATE ROLE web LOGIN")
        verify_port = sites.free_port()
        processes.append(start(site, ['/usr/bin/python3', '-B', os.path.join(sites.TOP, 'examples/verify/verify.py'), str(verify_port), f'host={site.server.socket} user=web dbname=postgres'],
                               verify_port, 'verify'))
        public, private = store(site, 'open', 'a.txt', TEXT), store(site, 'closed', 'a.txt', TEXT)
        for name, command in (('Caddy', caddy), ('Apache', apache)):
            site.port = sites.free_port()
            server = start(site, command(site, verify_port), site.port, name)
            processes.append(server)
            check(site, name, public, private)
            stop(server)
    finally:
        for process in processes:
            stop(process)
        site.remove()
    tap.done()


if __name__ == '__main__':
    main()
