#!/usr/bin/python3
"""Drives the blog of examples/flask in a real browser.

    browse.py SCREENSHOTS

The application is started as examples/flask/run does it, nginx in front, beside a
private server; Chromium is Debian's. Screenshots of the pages are left in the
directory that is named.
"""

import base64
import glob
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../oracle'))
sys.path[:0] = [os.path.join(HERE, '../../examples/flask'), os.path.join(HERE, '../../clients/sqlalchemy')]

import psycopg2
import server as servers
import tap
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from tap import ok

PATIENCE = 60
EXAMPLES = os.environ.get('FFU_EXAMPLES', os.path.join(HERE, '../../examples/files'))
RUN = os.path.join(HERE, '../../examples/flask/run')
FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync',
         '--disable-dev-shm-usage', '--window-size=1200,900')


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def example(name):
    return os.path.abspath(os.path.join(EXAMPLES, name))


def until(condition):
    """Waits for something that comes by itself; false if it does not."""
    end = time.time() + PATIENCE
    while not condition():
        if time.time() > end:
            return False
        time.sleep(0.05)
    return True


class Application:
    """The blog, as examples/flask/run starts it, beside a server of ours."""

    def __init__(self, work, server):
        self.folder = os.path.join(work, 'folder')
        self.dsn = f'postgresql:///blog?host={server.socket}&user=blog'
        self.server = server
        self.process = subprocess.Popen([RUN, '--serve', work, server.socket], text=True,
                                        env=dict(os.environ, FFU_PORT=str(free_port())),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line.startswith('The blog is at http://127.0.0.1:'):
            raise RuntimeError('examples/flask/run did not come up: ' + line)
        self.url = line.split()[4].rstrip('/')

    def stop(self):
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def sql(self, statement):
        with psycopg2.connect(host=self.server.socket, user='postgres', dbname='blog') as conn:
            with conn.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchone()[0]

    def files(self):
        found = []
        for top, directories, names in os.walk(self.folder):
            directories[:] = [name for name in directories if name != '.ffu']
            found += [os.path.relpath(os.path.join(top, name), self.folder) for name in names]
        return sorted(found)

    def staged(self):
        return glob.glob(os.path.join(self.folder, '.ffu/staging/*/*'))

    def fetch(self, url, **headers):
        """Status, headers and bytes of a URL, without the browser."""
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + url, headers=headers), timeout=PATIENCE) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()


class Browser:
    def __init__(self, work, shots, url):
        options = webdriver.ChromeOptions()
        options.binary_location = '/usr/bin/chromium'
        for flag in FLAGS + ('--user-data-dir=' + os.path.join(work, 'chromium'),):
            options.add_argument(flag)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        self.driver = webdriver.Chrome(service=Service('/usr/bin/chromedriver'), options=options)
        self.shots, self.url, self.number, self.wide = shots, url, 0, []
        os.makedirs(shots, exist_ok=True)

    def open(self, path):
        self.driver.get(self.url + path)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def js(self, expression, *arguments):
        return self.driver.execute_script('return ' + expression, *arguments)

    def wait(self, expression):
        """Waits until an expression of JavaScript is true, and returns it."""
        return WebDriverWait(self.driver, PATIENCE, 0.05).until(lambda driver: self.js(expression))

    def path(self):
        return self.js('location.pathname')

    def fill(self, **fields):
        for name, value in fields.items():
            self.find(f'[name={name}]').send_keys(value)

    def save(self):
        self.find('form[data-upload] .controls button').click()

    def shot(self, name):
        """Takes the page as a desktop shows it and as a phone does, and notes pages that a phone has to scroll sideways."""
        self.number += 1
        for kind, width, height in (('desktop', 1200, 900), ('phone', 390, 844)):
            self.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
                'width': width, 'height': height, 'deviceScaleFactor': 1, 'mobile': kind == 'phone'})
            if self.js('document.documentElement.scrollWidth > innerWidth'):
                self.wide.append(f'{name}: {self.js("document.documentElement.scrollWidth")} of {width}')
            height = min(max(height, self.js('document.documentElement.scrollHeight')), 3000)
            self.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
                'width': width, 'height': height, 'deviceScaleFactor': 1, 'mobile': kind == 'phone'})
            self.driver.save_screenshot(f'{self.shots}/{self.number:02}-{name}-{kind}.png')
        self.driver.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})

    def dark(self, on):
        self.driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {
            'features': [{'name': 'prefers-color-scheme', 'value': 'dark' if on else 'light'}]})


def loaded(selector):
    return f"(i => i && i.complete && i.naturalWidth)(document.querySelector('{selector}'))"


def check_create(app, b):
    b.open('/')
    b.shot('empty')
    b.find('.empty .button').click()
    b.fill(title='A morning at the lake', body='Nobody was there but us and a heron.\n\nWe took the boat out at six.',
           my_placeholder=example('lake.jpg'), my_video=example('pan.mp4'))
    ok(b.wait(loaded('.preview')) == 640, 'a chosen picture is shown before it is sent')
    b.shot('form')
    b.save()
    b.wait("location.pathname == '/blogs/1'")
    ok('Saved.' in b.find('.note').text, 'the post is saved')
    b.wait("document.querySelector('#my_video').readyState >= 1")
    video = b.js("(v => [v.duration, v.videoWidth, v.videoHeight, new URL(v.src).pathname, new URL(v.poster).pathname])(document.querySelector('#my_video'))")
    ok(abs(video[0] - 2) < 0.1 and video[1:3] == [320, 210], 'the browser knows how long and how large the video is', str(video))
    for url, name, kind in ((video[3], 'pan.mp4', 'video/mp4'), (video[4], 'lake.jpg', 'image/jpeg')):
        status, headers, body = app.fetch(url)
        ok(status == 200 and body == open(example(name), 'rb').read(), f'nginx serves the bytes of {name}')
        ok((headers['Content-Type'], headers['X-Content-Type-Options']) == (kind, 'nosniff')
           and 'immutable' in headers['Cache-Control'] and "default-src 'none'" in headers['Content-Security-Policy']
           and ('sandbox' in headers['Content-Security-Policy']) == kind.startswith('image/'),
           'with its type, for ever, and nothing in it can run', str(headers))
    b.open(video[3])
    ok(b.wait("document.querySelector('video') && document.querySelector('video').readyState >= 1"), 'the video plays when its URL is opened')
    b.open('/blogs/1')
    b.wait("document.querySelector('#my_video').readyState >= 1")
    ok(len(app.files()) == 2 and not app.staged(), 'there are two files', *app.files())
    b.shot('post')
    return video[3:]


def check_list(app, b):
    b.open('/')
    ok(b.wait(loaded('.cover img')) == 640, 'the list shows the picture')
    b.shot('list')
    blog, = json.loads(app.fetch('/blogs.json')[2])
    ok(blog['my_video_url'].startswith('/files/blogs/1/my_video-') and blog['news'] == [], 'the list for programs has the URLs')


def check_news(app, b):
    b.open('/blogs/1')
    b.find('section .button').click()
    b.fill(title='The heron is back', news_image=example('lake.jpg'))
    b.save()
    b.wait("location.hash == '#news-1'")
    b.driver.execute_script("document.querySelector('#news-1').scrollIntoView()")
    ok(b.wait(loaded('#news-1 img')) == 640, 'news has a picture of its own')
    b.shot('news')
    b.dark(True)
    b.shot('news-dark')
    b.dark(False)
    blog, = json.loads(app.fetch('/blogs.json')[2])
    ok(blog['news'][0]['news_image_url'].startswith('/files/news/1/') and blog['news'][0]['news_video_url'] is None,
       'the list for programs has those of the news, and null where there is no file')


# A PNG made of the picture that the page shows.
DRAW = """(i => {
    const c = document.createElement('canvas'), p = c.getContext('2d');
    [c.width, c.height] = [800, 525];
    p.filter = 'sepia(.7) hue-rotate(-25deg) saturate(1.6)';
    p.drawImage(i, 0, 0, 800, 525);
    return c.toDataURL('image/png');
})(document.querySelector('.current img'))"""


def check_replace(app, b, work, old):
    picture = os.path.join(work, 'an evening.png')
    b.open('/blogs/1/edit')
    b.wait(loaded('.current img'))
    with open(picture, 'wb') as f:
        f.write(base64.b64decode(b.js(DRAW).split(',')[1]))
    b.fill(my_placeholder=picture)
    b.shot('edit')
    b.save()
    b.wait("location.pathname == '/blogs/1'")
    new = b.js("new URL(document.querySelector('#my_video').poster).pathname")
    b.driver.execute_script("const i = new Image(); i.id = 'probe'; i.src = arguments[0]; document.body.append(i)", new)
    ok(new != old and b.wait(loaded('#probe')) == 800, 'a picture is replaced by another, under another URL')
    ok('an evening.png' in b.find('.files').text, 'which is offered for saving under its own name')
    ok(until(lambda: app.fetch(old)[0] == 404), 'the old URL is gone')
    ok(not os.path.exists(app.folder + '/' + old.removeprefix('/files/')), 'and the old file from the disk')


def check_refused(app, b, work):
    before = app.files()

    def nothing_left(label):
        ok(until(lambda: not app.staged()) and app.files() == before, label + ': and nothing is left behind', *app.staged())

    def attempt(file, reason, label):
        b.open('/blogs/1/edit')
        b.fill(my_placeholder=file)
        b.save()
        b.wait("document.querySelector('[data-field=my_placeholder] .reason').textContent")
        said = b.find('[data-field=my_placeholder] .reason').text
        ok(reason in said and b.path() == '/blogs/1/edit', f'{label}: the reason is at the field', said)
        nothing_left(label)

    disguised, large = os.path.join(work, 'holiday.jpg'), os.path.join(work, 'large.jpg')
    shutil.copy(example('book.pdf'), disguised)
    with open(large, 'wb') as f:
        f.write(open(example('lake.jpg'), 'rb').read() + bytes(6 * 1024 ** 2))
    attempt(example('book.pdf'), 'Allowed are: jpg, jpeg, png, gif, webp', 'a PDF')
    attempt(disguised, 'its content is application/pdf', 'a PDF that is called a picture')
    b.shot('refused')
    attempt(large, 'too large', 'too large')

    # A browser without the script sends it all, and has a page as the answer.
    b.open('/blogs/1/edit')
    b.fill(my_placeholder=large)
    b.driver.execute_script("document.querySelector('[name=title]').value = 'Another title'; document.querySelector('form').submit()")
    b.wait("document.querySelector('.wrong .reason') && document.querySelector('[name=title]').value == 'Another title'")
    ok('This file is too large. At most 5 MB are allowed.' == b.find('.wrong .reason').text
       and b.js("performance.getEntriesByType('navigation')[0].responseStatus") == 413,
       'without the script the form comes back with the reason, and what had been typed')
    b.shot('refused-without-script')
    nothing_left('too large for the server')
    ok(app.sql('SELECT title FROM blogs') == 'A morning at the lake', 'and the row has not changed')


def check_cancel(app, b, work):
    before = app.files()
    slow = os.path.join(work, 'slow.mp4')
    with open(slow, 'wb') as f:
        f.write(open(example('pan.mp4'), 'rb').read() + bytes(4 * 1024 ** 2))
    b.open('/blogs/1/edit')
    b.driver.execute_cdp_cmd('Network.enable', {})
    b.driver.execute_cdp_cmd('Network.emulateNetworkConditions', {
        'offline': False, 'latency': 0, 'downloadThroughput': -1, 'uploadThroughput': 60_000})
    b.fill(my_video=slow)
    b.save()
    b.wait("(p => p.value > 0 && p.value < p.max)(document.querySelector('progress'))")
    ok(' of 4 MB' in b.find('.progress output').text, 'the bar says how far the upload is', b.find('.progress').text)
    b.shot('uploading')
    b.find('[data-cancel]').click()
    ok(b.wait("document.querySelector('.progress').hidden && !document.querySelector('.controls button').disabled"),
       'an upload can be cancelled')
    b.driver.execute_cdp_cmd('Network.disable', {})
    ok(until(lambda: not app.staged()) and app.files() == before, 'and leaves nothing')


def check_delete(app, b, video):
    files = app.files()
    b.open('/blogs/1')
    b.find('article .delete summary').click()
    b.shot('delete')
    b.find('article .delete .danger').click()
    b.wait("location.pathname == '/' && document.querySelector('.note')")
    ok(len(files) == 3 and until(lambda: not app.files()), 'the post is deleted: its files go, and the one of its news', *app.files())
    ok(app.fetch(video)[0] == 404, 'the URL of the video is gone')
    b.open('/blogs/1')
    ok(b.find('.status').text == '404', 'so is the page')
    b.shot('not-found')


def check_errors(app, b):
    severe = [entry['message'] for entry in b.driver.get_log('browser')
              if entry['level'] == 'SEVERE' and 'responded with a status of 4' not in entry['message']]
    ok(not severe, 'the browser has nothing to complain of', *severe)
    ok(not b.wide, 'no page is wider than a phone', *b.wide)
    request = urllib.request.Request(app.url + '/blogs/new', data=b'title=x', headers={'Sec-Fetch-Site': 'cross-site'})
    try:
        status = urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        status = error.code
    ok(status == 403, 'a form of another site is refused')
    ok(app.fetch('/files/.ffu/owner')[0] == 404, "ffu's own directory is not served")


def check_schema(app):
    """SQLAlchemy reads the tables without a warning, and a migration finds nothing to do."""
    os.environ['DATABASE_URL'] = app.dsn
    import blog
    import sqlalchemy as sa
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        application = blog.create_app()
        with application.app_context():
            engine = blog.db.engine
            table = sa.Table('blogs', sa.MetaData(), autoload_with=engine)
            kinds = {name: str(table.c[name].type) for name in ('my_video', 'my_video__size', 'my_video__ext')}
            with engine.connect() as connection:
                context = MigrationContext.configure(connection, opts={'compare_type': True, 'compare_server_default': True})
                found = compare_metadata(context, blog.db.metadata)
    found = [change for change in found if change[0][0] != 'remove_table' and getattr(change[1], 'name', '') != 'alembic_version']
    ok(kinds == {'my_video': 'TEXT', 'my_video__size': 'BIGINT', 'my_video__ext': 'TEXT'}, 'SQLAlchemy knows the columns', str(kinds))
    ok(found == [], 'a migration finds nothing to do', *map(str, found))
    ours = [str(w.message) for w in said if 'sqlalchemy' in w.category.__module__]
    ok(ours == [], 'and nobody warns', *ours)


def main():
    shots, = sys.argv[1:]
    work = servers.work_directory('flask')
    server = servers.Server(os.path.join(work, 'server'), "shared_preload_libraries = 'ffu'\nautovacuum = off\nfsync = off")
    app = browser = None
    try:
        os.mkdir(server.work)
        server.init()
        server.start()
        app = Application(work, server)
        browser = Browser(work, shots, app.url)
        video, picture = check_create(app, browser)
        check_list(app, browser)
        check_news(app, browser)
        check_replace(app, browser, work, picture)
        check_refused(app, browser, work)
        check_cancel(app, browser, work)
        check_delete(app, browser, video)
        check_errors(app, browser)
        check_schema(app)
        ok(app.sql('SELECT count(*) FROM ffu.check()') == 0, 'ffu.check finds nothing')
        tap.note(f'screenshots are in {shots}')
    finally:
        if browser:
            browser.driver.quit()
        if app:
            ok(app.stop() == 0, 'examples/flask/run ends when it is told to')
        server.remove()
        shutil.rmtree(work, ignore_errors=True)
    tap.done()


if __name__ == '__main__':
    main()
