#!/usr/bin/python3
"""What stream_file of examples/flask/flask_ffu.py sends is safe and plays, in a real browser.

    served.py
"""

import os
import shutil
import threading
import warnings

import browse
import flask
import flask_ffu
import module
import server as servers
import sqlalchemy as sa
import tap
from flask_sqlalchemy import SQLAlchemy
from module import example, sent
from tap import ok
from werkzeug.serving import make_server

HTML = b'<!DOCTYPE html><html><body>text<script>document.title = "ran"</script></body></html>'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>document.title = "ran"</script></svg>'

# One second of silence: 44 frames of AAC, mono, 44.1 kHz, each with its ADTS header.
FRAME = bytes.fromhex('00c800802380')
AAC = (bytes.fromhex('fff15040') + bytes([(len(FRAME) + 7) >> 3, ((len(FRAME) + 7) & 7) << 5 | 0x1f, 0xfc]) + FRAME) * 44

# Extension, type found in the content, type that is sent.
TYPES = (
    ('txt', 'text/html', 'text/plain'), ('txt', 'text/x-c', 'text/plain'), ('txt', 'text/plain', 'text/plain'), ('txt', 'application/json', None),
    ('aac', 'audio/x-hx-aac-adts', 'audio/aac'), ('mp3', 'application/octet-stream', 'audio/mpeg'), ('m4a', 'video/mp4', 'audio/mp4'),
    ('mp4', 'video/mp4', 'video/mp4'), ('ogg', 'video/ogg', 'audio/ogg'), ('jpg', 'image/jpeg', 'image/jpeg'), ('jpg', 'image/svg+xml', 'image/jpeg'),
    ('json', 'text/plain', 'text/plain'), ('pdf', 'application/pdf', 'application/pdf'), ('pdf', 'text/html', None),
    ('jpg', 'text/html', None), ('jpg', 'text/plain', 'text/plain'), (None, 'text/html', None), (None, 'image/svg+xml', None),
    (None, 'image/png', 'image/png'), ('xyzzy', 'video/mp4', 'video/mp4'), ('xyzzy', 'application/zip', None), (None, None, None), ('txt', None, 'text/plain'),
)

# Name, content, type that is sent, and whether the browser is to save it.
FILES = (
    ('notes.txt', HTML, 'text/plain', False), ('sound.aac', AAC, 'audio/aac', False), ('pan.mp4', None, 'video/mp4', False),
    ('lake.jpg', None, 'image/jpeg', False), ('page.html', HTML, 'text/html', False), ('picture.svg', SVG, 'image/svg+xml', False),
    ('unknown.xyzzy', b'\0\1\2\3', 'application/octet-stream', True),
)


def application(setting):
    app = flask.Flask('served')
    app.config['SQLALCHEMY_DATABASE_URI'] = f'postgresql:///blog?host={setting.server.socket}&user=blog'
    db = SQLAlchemy(app)
    file_upload = flask_ffu.FileUpload(app, db, allowed_extensions=['*'])

    @file_upload.Model
    class Upload(db.Model):
        name = db.Column(db.Text, primary_key=True)
        file = file_upload.Column()

    @app.get('/<name>')
    def stream(name):
        return file_upload.stream_file(db.get_or_404(Upload, name), filename='file')

    @app.get('/')
    def page():
        return f'<title>page</title><audio id="audio" src="/{flask.request.args.get("sound")}"></audio><button>Play</button>'
    with app.app_context():
        db.create_all()
        for name, content, _, _ in FILES:
            file_upload.save_files(Upload(name=name), files={'file': sent(name, content)})
    return app


def check_answers(app):
    for name, content, kind, saved in FILES:
        answer = app.test_client().get('/' + name)
        ok(answer.status_code == 200 and answer.mimetype == kind and answer.data == (content or example(name)), f'{name} is {kind}', str(answer.headers))
        ok(answer.headers['Content-Disposition'].startswith('attachment' if saved else 'inline') and answer.headers['X-Content-Type-Options'] == 'nosniff'
           and answer.headers['Content-Security-Policy'] == ("default-src 'self'" if kind.split('/')[0] in ('audio', 'video') else 'sandbox'), f'{name} is {"saved" if saved else "shown"}, and guarded', str(answer.headers))


def check_browser(browser):
    for name, _, kind, saved in FILES:
        if saved:
            continue
        browser.open('/' + name)
        if kind.split('/')[0] in ('audio', 'video'):
            ok(browser.wait('document.querySelector("video") && document.querySelector("video").readyState > 0'), f'the browser plays {name}')
        else:
            ok(browser.js('document.contentType') == kind and browser.js('document.title') != 'ran', f'the browser shows {name} and runs nothing in it',
               browser.js('document.contentType'), browser.js('document.title'))
    browser.open('/?sound=sound.aac')
    browser.find('button').click()       # a page must not make a noise before its reader has done something
    browser.driver.execute_script('document.getElementById("audio").play().then(() => window.state = "plays", error => window.state = String(error))')
    ok(browser.wait('window.state') == 'plays' and 0.5 < browser.js('document.getElementById("audio").duration') < 2, 'an audio element plays sound.aac',
       browser.js('window.state'), str(browser.js('document.getElementById("audio").duration')))


def main():
    warnings.filterwarnings('error', category=sa.exc.SAWarning)
    for ext, found, kind in TYPES:
        said = flask_ffu.served_type(ext, found)
        ok(said == kind, f'{ext} with {found} in it goes out as {kind}', str(said))
    work = servers.work_directory('served')
    setting = server = browser = None
    try:
        setting = module.Setting(work)
        app = application(setting)
        check_answers(app)
        server = make_server('127.0.0.1', 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = browse.Browser(work, os.path.join(work, 'shots'), f'http://127.0.0.1:{server.server_port}')
        check_browser(browser)
    finally:
        if browser:
            browser.driver.quit()
        if server:
            server.shutdown()
        if setting:
            setting.server.remove()
        shutil.rmtree(work, ignore_errors=True)
    tap.done()


if __name__ == '__main__':
    main()
