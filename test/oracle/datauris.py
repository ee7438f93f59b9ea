"""Data: URIs and what a simple reading of the rules makes of each.

    datauris.py [--random N] [--seed N]

Prints a line for each URI, as JSON: the URI, and the file's name and bytes (in hex),
or null and null where it must be refused. First all headers of up to three attributes
from a list, with each of some payloads; then N random ones. The program shares
nothing with ffu but the documents: it works with regular expressions.
"""

import argparse
import base64
import itertools
import json
import random
import re
import urllib.parse

TYPES = ['', 'text/plain', 'IMAGE/PNG', 'text', 'a/b ', 'x;']
ATTRIBUTES = ['name=a.txt', 'NAME=b.txt', 'filename=c.txt', 'name="d,e;f.txt"', 'name=g,h.txt', 'name=i;j.txt', 'name=k=l.txt', 'name=m+n.txt',
              'name=', 'name', 'name="o', 'name="p"q', 'name=r%2Cs%3Bt.txt', 'name=%zz', 'name=../u.txt', 'charset=utf-8', 'utf8', 'base64', 'Base64', ' base64 ',
              'base64=', 'base64=x', 'x', 'x=y', 'x="y,z"', '']
PAYLOADS = ['', 'QUJD', 'QUI=', 'QUI', 'Q', 'QUI%3D', 'Q UJD', 'plain%20text', 'a,b', 'x.txt;base64,QUJD', 'x.txt;BASE64,QUI=', 'x.txt; base64 ,QUJD', 'x;base64,not base64!', '%', 'data:;base64,QUJD', 'x\n;base64,QUJD', '-_-_', '=']
SPACE = ' \t\n\v\f\r'
ENDING = re.compile(r'(?:\s*"[^"]*"\s*(?=[;,])|[^;,]*)(?=[;,])', re.A)


class Refused(Exception):
    pass


def decode_percent(text):
    if re.search('%(?![0-9a-fA-F]{2})', text):
        raise Refused
    return urllib.parse.unquote_to_bytes(text)


def read_name(value):
    raw = decode_percent(value)
    if b'\0' in raw:
        raise Refused
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise Refused from None
    name = re.split(r'[/\\]', name)[-1]
    name = re.sub('[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]', '', name)
    return name.lstrip(' ').rstrip(' .') or None


def read_attributes(rest):
    """The attributes as pairs, and the payload."""
    attributes = []
    while rest[:1] == ';':
        rest = rest[1:]
        name = re.match('[^=;,]*', rest).group()
        rest = rest[len(name):]
        value = None
        if rest[:1] == '=':
            rest = rest[1:]
            if rest.lstrip(SPACE)[:1] == '"':
                found = re.match(r'\s*"([^"]*)"\s*(?=[;,])', rest, re.A)
                if not found:
                    raise Refused
                value, rest = found.group(1), rest[found.end():]
            else:
                value = re.match('[^;,]*', rest).group()
                rest = rest[len(value):]
                value = value.strip(SPACE)
        if not rest:
            raise Refused
        attributes.append((name.strip(SPACE), value))
    return attributes, rest[1:]


def read_base64(payload):
    if re.search('%(?![0-9a-fA-F]{2})', payload):
        raise Refused
    text = re.sub('%([0-9a-fA-F]{2})', lambda m: chr(int(m.group(1), 16)), payload)
    text = re.sub('[ \t\n\v\f\r]', '', text)
    if not re.fullmatch('[A-Za-z0-9+/_-]*={0,2}', text):
        raise Refused
    digits = text.rstrip('=')
    pads = len(text) - len(digits)
    if len(digits) % 4 == 1 or (pads and (len(digits) + pads) % 4):
        raise Refused
    return base64.urlsafe_b64decode(digits.replace('+', '-').replace('/', '_') + '=' * (-len(digits) % 4))


def read(uri):
    kind = re.match('[^;,]*', uri[5:]).group()
    rest = uri[5 + len(kind):]
    if not rest or (kind.strip(SPACE) and '/' not in kind):
        raise Refused
    attributes, payload = read_attributes(rest)
    file_name, is_base64, after_name = None, False, False
    for name, value in attributes:
        if is_base64:
            raise Refused
        if name.lower() == 'base64':
            if value is not None:
                raise Refused
            is_base64 = True
            continue
        if after_name and value is None and name and name.lower() not in ('utf8', 'utf-8'):
            raise Refused
        after_name = name.lower() in ('name', 'filename')
        if after_name and file_name is None and value:
            file_name = read_name(value)
    if is_base64:
        return file_name, read_base64(payload)
    word = ';[ \\t\\n\\v\\f\\r]*base64[ \\t\\n\\v\\f\\r]*,'
    early = re.fullmatch(f'(?is)((?:(?!{word})[^\\n])*){word}([A-Za-z0-9+/_=% \\t\\n\\v\\f\\r-]*)', payload)
    if early and 'data:' not in early.group(1).lower():
        raise Refused
    return file_name, decode_percent(payload)


def everything():
    for count in range(3):
        for kind in TYPES:
            for attributes in itertools.product(ATTRIBUTES, repeat=count):
                header = 'data:' + kind + ''.join(';' + a for a in attributes)
                payloads = PAYLOADS if count < 2 else PAYLOADS[:4] + PAYLOADS[9:10] if kind in TYPES[:2] else PAYLOADS[1:2]
                for payload in payloads:
                    yield f'{header},{payload}'
        yield 'data:' + 'x/y' * count


def anything(count, seed):
    chance = random.Random(seed)
    pieces = ['data:', ';', ',', '=', '"', '%', '%2C', '%41', '%zz', 'name', 'name=', 'base64', ';base64,', 'QUJD', 'QQ', '==', ' ', '\n', 'a.txt', '/', 'é', '%C3%A9', '%C3', '+', 'text/plain', '.', 'x']
    for _ in range(count):
        yield 'data:' + ''.join(chance.choice(pieces) for _ in range(chance.randint(1, 12)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--random', type=int, default=20000)
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()
    for uri in itertools.chain(everything(), anything(args.random, args.seed)):
        try:
            name, data = read(uri)
            print(json.dumps([uri, name, data.hex()]))
        except Refused:
            print(json.dumps([uri, None, None]))


if __name__ == '__main__':
    main()
