"""Bytes assigned to a file column by psycopg2, psycopg 3 and SQLAlchemy, as their users write it.

    bytes.py CONNECTION      prints a line for each client: name, the file's name and size, the same bytes
"""
import sys

import psycopg
import psycopg2
import sqlalchemy as sa
from sqlalchemy import orm

CONTENT = b'PK\x03\x04\x0a\x00\x00\x00' + bytes(range(256)) * 10
INSERT = 'INSERT INTO blogs (title, photo, photo__file_name) VALUES (%s, %s, %s) RETURNING id'
Base = orm.declarative_base()


class Blog(Base):
    __tablename__ = 'blogs'
    id = sa.Column(sa.Integer, primary_key=True)
    title = sa.Column(sa.Text)
    photo = sa.Column(sa.Text)     # reads as the path, which LargeBinary would not take
    photo__file_name = sa.Column(sa.Text)


def say(cursor, client, blog):
    cursor.execute('SELECT photo__file_name, photo__size, ffu.content(photo) FROM blogs WHERE id = %s', (blog,))
    name, size, content = cursor.fetchone()
    print(client, name, size, bytes(content) == CONTENT)


def main():
    connection = psycopg2.connect(sys.argv[1])
    cursor = connection.cursor()
    for client, content in (('psycopg2', CONTENT), ('psycopg2.Binary', psycopg2.Binary(CONTENT))):
        cursor.execute(INSERT, (client, content, 'lake.bin'))
        say(cursor, client, cursor.fetchone()[0])
    cursor.execute('UPDATE blogs SET photo = %s', (b'',))
    cursor.execute('SELECT DISTINCT photo__file_name, photo__size FROM blogs')
    print('nameless', *cursor.fetchone())
    connection.commit()
    with psycopg.connect(sys.argv[1]) as three:
        for prepare in (False, True):
            cursor = three.execute(INSERT, ('psycopg', CONTENT, 'lake.bin'), prepare=prepare)
            say(cursor, 'psycopg', cursor.fetchone()[0])
    with orm.Session(sa.create_engine('postgresql+psycopg2://', creator=lambda: psycopg2.connect(sys.argv[1]))) as session:
        blog = Blog(title='SQLAlchemy', photo=CONTENT, photo__file_name='lake.bin')
        session.add(blog)
        session.commit()
        say(session.connection().connection.cursor(), 'sqlalchemy', blog.id)


if __name__ == '__main__':
    main()
