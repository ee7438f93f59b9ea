#!/usr/bin/env python3
"""Makes the files of the corpus: real structures, small, the same on each run.

    make.py DIRECTORY

Each file is what a program would write, reduced to what tells its format. The
table expected.txt beside this program says what ffu must make of each. Names
with a directory say what is special: "plain" are good files, "odd" are good files
that look like something else, "wrong" contradict their name, "active" are
programs and pages under harmless names.
"""

import bz2
import gzip
import io
import lzma
import os
import sqlite3
import struct
import sys
import tarfile
import tempfile
import wave
import zipfile
import zlib

TIME = (2026, 1, 1, 0, 0, 0)
FILES = {}


def add(name, data):
    if isinstance(data, str):
        data = data.encode()
    if name in FILES:
        sys.exit(f'two files have the name {name}')
    FILES[name] = data


def be(fmt, *values):
    return struct.pack('>' + fmt, *values)


def le(fmt, *values):
    return struct.pack('<' + fmt, *values)


def noise(count, seed=1):
    """Bytes without a pattern, the same on each run."""
    out, state = bytearray(), seed
    for _ in range(count):
        state = (state * 1103515245 + 12345) & 0x7fffffff
        out.append(state >> 16 & 0xff)
    return bytes(out)


# Containers

def zipped(members, stored=(), extra=b'', comment=b''):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w') as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, TIME)
            info.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            info.extra = extra
            extra = b''
            archive.writestr(info, data)
        archive.comment = comment
    return out.getvalue()


def tarred():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as archive:
        info = tarfile.TarInfo('a.txt')
        info.size = 5
        archive.addfile(info, io.BytesIO(b'text\n'))
    return out.getvalue()


def box(kind, *parts):
    data = b''.join(parts)
    return be('I', 8 + len(data)) + kind + data


def mp4(brand, *handlers, compatible=b'isom', moov_last=False):
    tracks = [box(b'trak', box(b'mdia', box(b'hdlr', bytes(8), handler, bytes(12), b'Handler\0')))
              for handler in handlers]
    moov = box(b'moov', box(b'mvhd', bytes(100)), *tracks)
    mdat = box(b'mdat', noise(400))
    rest = (mdat, moov) if moov_last else (moov, mdat)
    return box(b'ftyp', brand, be('I', 512), brand, compatible) + b''.join(rest)


def ebml(kind, data):
    size = bytes([0x80 | len(data)]) if len(data) < 127 else be('Q', len(data) | 1 << 56)
    return kind + size + data


def matroska(doctype, *codecs):
    head = ebml(b'\x1a\x45\xdf\xa3', ebml(b'\x42\x86', b'\1') + ebml(b'\x42\xf7', b'\1') +
                ebml(b'\x42\xf2', b'\4') + ebml(b'\x42\xf3', b'\x08') + ebml(b'\x42\x82', doctype) +
                ebml(b'\x42\x87', b'\4') + ebml(b'\x42\x85', b'\2'))
    tracks = b''.join(ebml(b'\xae', ebml(b'\xd7', b'\1') + ebml(b'\x83', b'\1' if codec[:1] == b'V' else b'\2') +
                           ebml(b'\x86', codec)) for codec in codecs)
    return head + ebml(b'\x18\x53\x80\x67', ebml(b'\x16\x54\xae\x6b', tracks) + ebml(b'\x1f\x43\xb6\x75', noise(300)))


def riff(kind, *chunks):
    data = kind + b''.join(name + le('I', len(part)) + part + b'\0' * (len(part) % 2) for name, part in chunks)
    return b'RIFF' + le('I', len(data)) + data


def ogg(*packets):
    out = b''
    for number, packet in enumerate(packets):
        out += b'OggS\0' + (b'\2' if number == 0 else b'\0') + bytes(8) + le('I', 7) + le('I', number) + bytes(4) + \
            b'\1' + bytes([len(packet)]) + packet
    return out


def wav():
    out = io.BytesIO()
    with wave.open(out, 'wb') as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(noise(400))
    return out.getvalue()


def synchsafe(number):
    return bytes(number >> shift & 0x7f for shift in (21, 14, 7, 0))


def id3(frames=b'', version=4):
    return b'ID3' + bytes([version, 0, 0]) + synchsafe(len(frames)) + frames


MP3_FRAME = b'\xff\xfb\x90\x64' + bytes(413)
AAC_FRAME = bytes([0xff, 0xf1, 0x50, 0x80, 0x02, 0x1f, 0xfc]) + bytes(9)


def mp3(cover=0, version=4, frames=MP3_FRAME * 20):
    frame = b''
    if cover:
        data = b'\0image/jpeg\0\3\0' + jpeg() + noise(cover)
        frame = b'APIC' + (be('I', len(data)) if version == 3 else synchsafe(len(data))) + b'\0\0' + data
    return id3(b'TIT2' + synchsafe(6) + b'\0\0\3Title' + frame, version) + frames


# Pictures

def png(width=2):
    def chunk(kind, data):
        return be('I', len(data)) + kind + data + be('I', zlib.crc32(kind + data))
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', be('IIBBBBB', width, 1, 8, 2, 0, 0, 0)) + \
        chunk(b'IDAT', zlib.compress(b'\0' + bytes(3 * width))) + chunk(b'IEND', b'')


def jpeg(segment=b'\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0'):
    return b'\xff\xd8' + segment + b'\xff\xdb\0\x43\0' + bytes(64) + \
        b'\xff\xc0\0\x0b\x08\0\1\0\1\1\1\x11\0\xff\xda\0\x08\1\1\0\0\x3f\0' + noise(200) + b'\xff\xd9'


EXIF = b'\xff\xe1\0\x1cExif\0\0MM\0\x2a\0\0\0\x08\0\0\0\0\0\0\0\0\0\0'


def gif(version=b'89a'):
    return b'GIF' + version + le('HHBBB', 1, 1, 0x80, 0, 0) + bytes(6) + \
        b'\x2c' + le('HHHHB', 0, 0, 1, 1, 0) + b'\2\2\x44\1\0\x3b'


def tiff(order='<'):
    mark = b'II' if order == '<' else b'MM'
    entries = [(0x100, 3, 1, 1), (0x101, 3, 1, 1), (0x106, 3, 1, 1)]
    out = mark + struct.pack(order + 'HI', 42, 8) + struct.pack(order + 'H', len(entries))
    for tag, kind, count, value in entries:
        out += struct.pack(order + 'HHI', tag, kind, count) + struct.pack(order + 'HH', value, 0)
    return out + bytes(4) + noise(100)


def heif(brand):
    return box(b'ftyp', brand, bytes(4), b'mif1', brand) + box(b'meta', bytes(4), box(b'hdlr', bytes(8), b'pict', bytes(13))) + \
        box(b'mdat', noise(200))


def bmp():
    return b'BM' + le('IHHI', 58, 0, 0, 54) + le('IiiHHIIiiII', 40, 1, 1, 1, 24, 0, 4, 2835, 2835, 0, 0) + b'\0\0\xff\0'


def ico(kind=1):
    return le('HHH', 0, kind, 1) + le('BBBBHHII', 16, 16, 0, 0, 1, 32, 40, 22) + le('IiiHH', 40, 16, 32, 1, 32) + bytes(1100)


# Documents

def pdf(head=b''):
    return head + b'%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n' \
        b'2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\nxref\n0 3\n0000000000 65535 f \n' \
        b'trailer\n<</Size 3/Root 1 0 R>>\nstartxref\n9\n%%EOF\n'


CONTENT_TYPES = ('[Content_Types].xml', '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>')
RELS = ('_rels/.rels', '<?xml version="1.0"?><Relationships/>')
PARTS = {'docx': 'word/document.xml', 'xlsx': 'xl/workbook.xml', 'pptx': 'ppt/presentation.xml'}
MACROS = {'docm': 'docx', 'dotx': 'docx', 'dotm': 'docx', 'xlsm': 'xlsx', 'xltx': 'xlsx', 'xltm': 'xlsx',
          'pptm': 'pptx', 'ppsx': 'pptx', 'ppsm': 'pptx', 'potx': 'pptx'}


def office(kind, order='word', extra=b''):
    """As Word writes it; 'js': folders and the part last, as programs in JavaScript do."""
    part = (PARTS[kind], '<?xml version="1.0"?><document/>')
    top = PARTS[kind].split('/')[0]
    if order == 'js':
        members = [(f'{top}/', ''), (f'{top}/_rels/', ''), ('_rels/', ''), ('docProps/', ''), CONTENT_TYPES, RELS,
                   ('docProps/app.xml', '<Properties/>'), part]
    elif order == 'first':
        members = [('docProps/app.xml', '<Properties/>'), part, RELS, CONTENT_TYPES]
    else:
        members = [CONTENT_TYPES, RELS, part]
    return zipped(members, extra=extra)


OPENDOCUMENT = {'odt': 'text', 'ods': 'spreadsheet', 'odp': 'presentation', 'odg': 'graphics', 'ott': 'text-template',
                'odf': 'formula', 'otp': 'presentation-template', 'ots': 'spreadsheet-template'}


def opendocument(kind, order='office'):
    mime = ('mimetype', 'application/vnd.oasis.opendocument.' + OPENDOCUMENT[kind])
    content = ('content.xml', '<?xml version="1.0"?><office:document-content/>')
    manifest = ('META-INF/manifest.xml', '<?xml version="1.0"?><manifest:manifest/>')
    if order == 'packed':
        return zipped([mime, content, manifest])
    if order == 'last':
        return zipped([content, manifest, mime], stored=('mimetype',))
    return zipped([mime, content, manifest], stored=('mimetype',))


def epub(stored=True):
    return zipped([('mimetype', 'application/epub+zip'), ('META-INF/container.xml', '<container/>'), ('a.xhtml', '<html/>')],
                  stored=('mimetype',) if stored else ())


def ole(streams, before=0):
    """A compound file; 'before' bytes of a stream come before the directory."""
    blank = (before + 511) // 512
    sectors = 4 + blank
    fat_sectors = (sectors + 200 + 127) // 128
    directory = fat_sectors + blank
    fat = [-3] * fat_sectors
    fat += [n + 1 for n in range(fat_sectors, fat_sectors + blank - 1)] + ([-2] if blank else [])
    fat += [directory + 1, -2]
    first_data = len(fat)
    names = ['Root Entry'] + streams
    entries = b''
    for number, name in enumerate(names):
        raw = name.encode('utf-16-le') + b'\0\0'
        is_big = number == 1 and blank
        size = before if is_big else 4096 if number else 0
        start = fat_sectors if is_big else first_data if number else -2
        if number and not is_big:
            fat += [n + 1 for n in range(first_data, first_data + 7)] + [-2]
            first_data += 8
        entries += raw.ljust(64, b'\0') + le('HBBiii', len(raw), 5 if number == 0 else 2, 1, -1,
                                             number + 1 if 0 < number < len(names) - 1 else -1, 1 if number == 0 else -1) + \
            bytes(36) + le('iQ', start, size)
    entries = entries.ljust(1024, b'\0')
    fat += [-1] * (128 * fat_sectors - len(fat))
    header = bytes.fromhex('d0cf11e0a1b11ae1') + bytes(16) + le('HHHHH', 0x3e, 3, 0xfffe, 9, 6) + bytes(6) + \
        le('IIiIIiIiI', 0, fat_sectors, directory, 0, 4096, -2, 0, -2, 0)
    header += b''.join(le('i', n if n < fat_sectors else -1) for n in range(109))
    body = b''.join(le('i', n) for n in fat) + bytes(512 * blank) + entries[:1024]
    return header + body + bytes(4096) * (len(streams) - (1 if blank else 0))


def database():
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, 'a.db')
        with sqlite3.connect(path) as db:
            db.execute('CREATE TABLE t (a)')
        db.close()
        with open(path, 'rb') as f:
            data = bytearray(f.read())
    data[24:28] = data[92:96] = be('I', 1)
    data[96:100] = be('I', 3040001)
    return bytes(data)


# Programs

def program():
    return b'MZ' + le('29H', 0x90, 3, 0, 4, 0, 0xffff, 0, 0xb8, 0, 0, 0, 0x40, *([0] * 17)) + le('I', 128) + \
        b'\x0e\x1f\xba\x0e\0\xb4\x09\xcd\x21\xb8\1\x4c\xcd\x21This program cannot be run in DOS mode.\r\r\n$'.ljust(64, b'\0') + \
        b'PE\0\0' + le('HHIIIHH', 0x8664, 1, 0, 0, 0, 240, 0x22) + le('H', 0x20b) + bytes(66) + le('H', 3) + bytes(170) + \
        b'.text\0\0\0' + bytes(32) + noise(400)


def elf():
    return b'\x7fELF\2\1\1' + bytes(9) + le('HHIQQQIHHHHHH', 2, 62, 1, 0x400000, 64, 0, 0, 64, 56, 1, 64, 0, 0) + \
        le('IIQQQQQQ', 1, 5, 0, 0x400000, 0x400000, 200, 200, 4096) + noise(100)


HTML = '<!DOCTYPE html>\n<html><head><title>x</title><script>alert(1)</script></head><body>x</body></html>\n'
SVG = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><rect width="1"/></svg>\n'
PHP = '<?php system($_GET["c"]); ?>\n'
SHELL = '#!/bin/sh\nrm -rf /\n'


def add_texts():
    table = {
        'txt': 'Just some text.\n', 'text': 'Just some text.\n', 'log': '2026-01-01 12:00:00 INFO started\n' * 5,
        'md': '# Title\n\n* one\n* two\n', 'csv': 'a,b,c\n1,2,3\n4,5,6\n', 'tsv': 'a\tb\tc\n1\t2\t3\n', 'json': '{"a": [1, 2, {"b": null}]}\n',
        'ndjson': '{"a": 1}\n{"a": 2}\n', 'geojson': '{"type": "FeatureCollection", "features": []}\n', 'yaml': 'a: 1\nb:\n  - 2\n', 'yml': 'a: 1\n',
        'toml': '[a]\nb = 1\n', 'ini': '[section]\nkey=value\n', 'cfg': 'key = value\n', 'conf': 'key value\n', 'properties': 'a.b=c\n',
        'xml': '<?xml version="1.0"?>\n<a><b/></a>\n', 'html': HTML, 'htm': HTML, 'xhtml': '<?xml version="1.0"?>\n' + HTML, 'svg': SVG,
        'css': 'body { color: red; }\n', 'js': 'function f(a) { return a + 1; }\n', 'mjs': 'export const a = 1;\n', 'ts': 'export const a: number = 1;\n',
        'tsx': 'export const A = () => <b/>;\n', 'jsx': 'export const A = () => <b/>;\n', 'py': '#!/usr/bin/env python3\nimport os\n\ndef f():\n    return os\n',
        'rb': '#!/usr/bin/env ruby\nputs 1\n', 'pl': '#!/usr/bin/perl\nuse strict;\nprint 1;\n', 'php': PHP, 'sh': SHELL, 'bat': '@echo off\r\necho x\r\n',
        'sql': 'CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\n', 'c': '#include <stdio.h>\nint main(void)\n{\n\treturn 0;\n}\n', 'h': '#ifndef A_H\n#define A_H\nint f(void);\n#endif\n',
        'cpp': '#include <vector>\nclass A {\npublic:\n\tvirtual void f();\n};\n', 'java': 'package a;\nimport java.util.List;\npublic class A {\n}\n', 'go': 'package main\n\nfunc main() {}\n',
        'rs': 'fn main() {}\n', 'swift': 'import Foundation\nlet a = 1\n', 'kt': 'package a\nfun main() {}\n', 'r': 'x <- c(1, 2)\n', 'm': 'function y = f(x)\ny = x;\nend\n',
        'tex': '\\documentclass{article}\n\\begin{document}\nx\n\\end{document}\n', 'bib': '@book{a,\n  title = {b}\n}\n', 'rst': 'Title\n=====\n\nText.\n', 'adoc': '= Title\n\nText.\n',
        'org': '* Title\nText.\n', 'rtf': '{\\rtf1\\ansi\\deff0 {\\fonttbl{\\f0 Times;}}\nText\\par\n}\n', 'srt': '1\n00:00:01,000 --> 00:00:02,000\nText\n\n',
        'vtt': 'WEBVTT\n\n00:01.000 --> 00:02.000\nText\n', 'ass': '[Script Info]\nScriptType: v4.00+\n', 'lrc': '[00:01.00]Text\n', 'm3u': '#EXTM3U\n#EXTINF:1,a\na.mp3\n',
        'm3u8': '#EXTM3U\n#EXT-X-VERSION:3\na.ts\n', 'pls': '[playlist]\nFile1=a.mp3\n', 'cue': 'FILE "a.wav" WAVE\n  TRACK 01 AUDIO\n',
        'ics': 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:a\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n', 'vcf': 'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\nEND:VCARD\r\n',
        'eml': 'Received: from a\r\nFrom: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\nText\r\n',
        'mbox': 'From a@example.com Thu Jan  1 00:00:00 2026\nFrom: a@example.com\n\nText\n', 'ps': '%!PS-Adobe-3.0\n%%Pages: 1\nshowpage\n%%EOF\n',
        'eps': '%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\nshowpage\n', 'ai': '%!PS-Adobe-3.0\n%%Creator: Adobe Illustrator\nshowpage\n',
        'dxf': '  0\nSECTION\n  2\nHEADER\n  0\nENDSEC\n  0\nEOF\n', 'obj': '# o\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n', 'stl': 'solid a\nfacet normal 0 0 0\nendsolid a\n',
        'gpx': '<?xml version="1.0"?>\n<gpx version="1.1"><trk/></gpx>\n', 'kml': '<?xml version="1.0"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"/>\n',
        'rss': '<?xml version="1.0"?>\n<rss version="2.0"><channel/></rss>\n', 'atom': '<?xml version="1.0"?>\n<feed xmlns="http://www.w3.org/2005/Atom"/>\n',
        'opml': '<?xml version="1.0"?>\n<opml version="2.0"/>\n', 'fb2': '<?xml version="1.0"?>\n<FictionBook/>\n', 'musicxml': '<?xml version="1.0"?>\n<score-partwise/>\n',
        'diff': '--- a\n+++ b\n@@ -1 +1 @@\n-a\n+b\n', 'patch': 'diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n', 'asc': '-----BEGIN PGP MESSAGE-----\n\nabcd\n-----END PGP MESSAGE-----\n',
        'pem': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n', 'crt': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n', 'ipynb': '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n',
        'map': '{"version": 3, "sources": [], "mappings": ""}\n', 'webmanifest': '{"name": "a"}\n', 'vue': '<template><b/></template>\n', 'scss': '$a: red;\nb { color: $a; }\n', 'less': '@a: red;\n',
        'lua': 'local a = 1\n', 'ps1': 'Write-Host "x"\n', 'dot': 'digraph a { b -> c }\n', 'gitignore': '*.o\n', 'url': '[InternetShortcut]\r\nURL=https://example.com/\r\n',
    }
    for extension, text in table.items():
        add(f'plain/text.{extension}', text)
    for encoding, text in {'latin1': 'Größe;Preis\nÄpfel;1\n', 'utf-8-sig': 'Größe;Preis\nÄpfel;1\n', 'utf-16': 'Größe;Preis\nÄpfel;1\n',
                           'cp1252': '„Größe“;Preis €\n', 'shift_jis': '名前;値段\nりんご;1\n', 'gb18030': '名称;价格\n', 'koi8-r': 'Имя;Цена\n'}.items():
        for extension in ('txt', 'csv', 'md', 'log'):
            add(f'plain/{encoding}.{extension}', text.encode(encoding))
    for name, text in {'semicolon': 'Name;Preis;Datum\nA;1,5;1.1.2026\nB;2,5;2.1.2026\n', 'quoted': '"a","b"\n"1","x, y"\n', 'one-line': 'a,b,c\n',
                       'crlf': 'a,b\r\n1,2\r\n', 'no-newline': 'a,b\n1,2', 'pipe': 'a|b\n1|2\n', 'long': 'Name;Wert\n' + 'abc;123\n' * 20000}.items():
        add(f'plain/{name}.csv', text)
    # A text is a text, also if it begins as another format does.
    for head in ('Stammdaten;Name;Ort', 'OTTO,GmbH', 'BZh', 'fLaC', 'MThd', 'wOFF', 'wOF2', 'GIF8', 'GIF89a', 'GIF87a', 'BM', 'MZ', 'II*', 'MM', 'ID3', 'RIFF',
                 'OggS', 'FORM', 'PK', 'Rar!', '8BPS', 'FLV', 'CWS', 'FWS', 'true', 'ttcf', 'SQLite format 3', '7z', 'P1', 'P6', 'LZIP', 'SIMPLE  =', 'ISc(',
                 'Cr24', 'MSCF', 'DICM', 'PAR1', 'Obj', 'glTF', 'JASC-PAL', 'Extended Module:', 'IMPM', 'SCRM', 'MAC ', 'wvpk', 'TTA1', 'caff', 'AT&TFORM', 'ITSF', 'dex', 'BLENDER', '#!AMR',
                 '.snd', 'begin 644 a', 'Exif', 'hsi1', 'NES', 'PSID', 'PMOC', 'DDS ', 'RE~^', 'SIT!', 'zPQ', 'LHA', 'ARC', 'XPCOM', 'MSG', 'KWAJ', 'SZDD', 'Kaydara'):
        name = ''.join(c for c in head if c.isalnum())
        add(f'odd/begins-{name}.txt', head + ' is how this text begins\nand this is how it goes on.\n')
        add(f'odd/begins-{name}.csv', head + ';Name;Ort\n1;Meier;Ulm\n2;Müller;Köln\n')


def add_media():
    pictures = {'png': png(), 'jpg': jpeg(), 'gif': gif(), 'bmp': bmp(), 'tif': tiff(), 'ico': ico(), 'cur': ico(2),
                'webp': riff(b'WEBP', (b'VP8 ', noise(60))), 'heic': heif(b'heic'), 'heif': heif(b'mif1'), 'avif': heif(b'avif'),
                'psd': b'8BPS' + be('H', 1) + bytes(6) + be('HIIHH', 3, 1, 1, 8, 3) + bytes(20), 'jp2': box(b'jP  ', b'\r\n\x87\n') + box(b'ftyp', b'jp2 ', bytes(4), b'jp2 ') + noise(90),
                'pbm': b'P4\n1 1\n\x80', 'pgm': b'P5\n1 1\n255\n\x80', 'ppm': b'P6\n1 1\n255\n\x80\x80\x80', 'tga': bytes([0, 0, 2]) + bytes(9) + le('HHBB', 1, 1, 24, 32) + bytes(3) + bytes(8) + b'TRUEVISION-XFILE.\0',
                'pcx': bytes([10, 5, 1, 8]) + le('HHHH', 0, 0, 1, 1) + bytes(120), 'dds': b'DDS ' + le('I', 124) + bytes(120), 'exr': b'\x76\x2f\x31\1\2\0\0\0' + noise(60),
                'hdr': b'#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\n\x80\x80\x80\x80', 'xcf': b'gimp xcf file\0' + bytes(60), 'wmf': b'\xd7\xcd\xc6\x9a' + bytes(60), 'emf': le('II', 1, 88) + bytes(32) + b' EMF' + bytes(60),
                'djvu': b'AT&TFORM' + be('I', 20) + b'DJVUINFO' + bytes(20), 'jxl': b'\xff\x0a' + noise(60), 'xpm': '/* XPM */\nstatic char *a[] = {"1 1 1 1", "a c red", "a"};\n'}
    for extension, data in pictures.items():
        add(f'plain/picture.{extension}', data)
    for extension in ('jpeg', 'jpe', 'jfif', 'thm', 'mpo'):
        add(f'plain/photo.{extension}', jpeg())
    add('plain/exif.jpg', jpeg(EXIF))
    add('plain/raw.jpg', jpeg(b''))
    add('plain/old.gif', gif(b'87a'))
    add('plain/favicon.ico', png())
    add('plain/big-endian.tiff', tiff('>'))
    for extension in ('dng', 'nef', 'arw', 'cr2', 'pef'):
        add(f'plain/camera.{extension}', tiff())
    for brand, extension, handlers in ((b'isom', 'mp4', (b'vide', b'soun')), (b'mp42', 'mp4', (b'vide',)), (b'M4V ', 'm4v', (b'vide',)), (b'M4A ', 'm4a', (b'soun',)),
                                       (b'M4B ', 'm4b', (b'soun',)), (b'qt  ', 'mov', (b'vide',)), (b'3gp5', '3gp', (b'vide',)), (b'3g2a', '3g2', (b'vide',)), (b'avc1', 'mp4', (b'vide',)),
                                       (b'iso5', 'mp4', (b'vide',)), (b'dash', 'mp4', (b'vide',)), (b'mp41', 'mp4', (b'vide',))):
        add(f'plain/brand-{brand.decode().strip()}.{extension}', mp4(brand, *handlers))
    add('plain/moov-last.mp4', mp4(b'isom', b'vide', b'soun', moov_last=True))
    add('plain/brand-isom.mov', mp4(b'isom', b'vide'))
    for brand in (b'isom', b'mp42', b'iso5', b'M4A '):
        add(f'odd/audio-only-{brand.decode().strip()}.mp4', mp4(brand, b'soun'))
        add(f'odd/audio-only-{brand.decode().strip()}.m4a', mp4(brand, b'soun'))
        add(f'odd/mp4-{brand.decode().strip()}.aac', mp4(brand, b'soun'))
    add('plain/video.webm', matroska(b'webm', b'V_VP9', b'A_OPUS'))
    add('plain/video.mkv', matroska(b'matroska', b'V_MPEG4/ISO/AVC', b'A_AAC'))
    add('odd/audio-only.webm', matroska(b'webm', b'A_OPUS'))
    add('odd/audio-only.weba', matroska(b'webm', b'A_OPUS'))
    add('odd/audio-only.mka', matroska(b'matroska', b'A_FLAC'))
    sounds = {'wav': wav(), 'mp3': mp3(), 'aac': AAC_FRAME * 30, 'flac': b'fLaC\x80\0\0\x22' + le('HH', 4096, 4096) + noise(80),
              'ogg': ogg(b'\1vorbis' + le('IBI', 0, 2, 44100) + bytes(14), b'\3vorbis'), 'oga': ogg(b'\x7fFLAC\1\0\0\1fLaC' + bytes(40)),
              'opus': ogg(b'OpusHead\1\2' + bytes(9), b'OpusTags'), 'ogv': ogg(b'\x80theora\3\2\1' + bytes(40)), 'spx': ogg(b'Speex   1.2' + bytes(60)),
              'mid': b'MThd' + be('IHHH', 6, 0, 1, 96) + b'MTrk' + be('I', 4) + b'\0\xff\x2f\0', 'aiff': b'FORM' + be('I', 40) + b'AIFFCOMM' + be('I', 18) + bytes(30),
              'amr': b'#!AMR\n' + noise(60), 'au': b'.snd' + be('IIIII', 24, 60, 1, 8000, 1) + noise(60), 'ac3': b'\x0b\x77' + noise(60), 'wma': bytes.fromhex('3026b2758e66cf11a6d900aa0062ce6c') + noise(60),
              'ape': b'MAC ' + le('H', 3990) + noise(60), 'wv': b'wvpk' + noise(60), 'caf': b'caff\0\1\0\0desc' + bytes(40), 'mod': b'title'.ljust(1080, b'\0') + b'M.K.' + noise(60)}
    for extension, data in sounds.items():
        add(f'plain/sound.{extension}', data)
    add('plain/bare.mp3', MP3_FRAME * 20)
    add('plain/cover.mp3', mp3(50000))
    add('odd/large-cover.mp3', mp3(1300000))
    add('odd/large-cover-3.mp3', mp3(1300000, 3))
    add('odd/large-cover.aac', mp3(1300000, 4, AAC_FRAME * 30))
    add('plain/cover.aac', mp3(50000, 4, AAC_FRAME * 30))
    add('odd/id3.aac', id3(b'TIT2' + synchsafe(6) + b'\0\0\3Title') + AAC_FRAME * 30)
    films = {'avi': riff(b'AVI ', (b'LIST', b'hdrlavih' + le('I', 56) + bytes(56))), 'flv': b'FLV\1\5' + be('I', 9) + bytes(60), 'wmv': bytes.fromhex('3026b2758e66cf11a6d900aa0062ce6c') + noise(60),
             'mpg': b'\0\0\1\xba\x44\0\4\0\4\1\0\0\3\xf8' + b'\0\0\1\xbb' + noise(200), 'ts': (b'\x47\x40\0\x10' + bytes(184)) * 20, 'm2ts': (bytes(4) + b'\x47\x40\0\x10' + bytes(184)) * 20, 'swf': b'FWS\x08' + le('I', 60) + noise(60)}
    for extension, data in films.items():
        add(f'plain/film.{extension}', data)
    fonts = {'ttf': be('IHHHH', 0x10000, 4, 64, 2, 0) + b'cmap' + bytes(60), 'otf': b'OTTO' + be('HHHH', 4, 64, 2, 0) + b'CFF ' + bytes(60), 'ttc': b'ttcf' + be('II', 0x10000, 1) + bytes(60),
             'woff': b'wOFF' + be('IIHH', 0x10000, 100, 4, 0) + bytes(60), 'woff2': b'wOF2' + be('IIHH', 0x10000, 100, 4, 0) + bytes(60), 'eot': le('IIII', 100, 60, 0x20001, 0) + bytes(18) + b'LP' + bytes(64)}
    for extension, data in fonts.items():
        add(f'plain/font.{extension}', data)


def add_documents():
    add('plain/page.pdf', pdf())
    add('odd/after-crlf.pdf', pdf(b'\r\n'))
    add('odd/after-newlines.pdf', pdf(b'\n\n\n'))
    add('odd/after-bom.pdf', pdf(b'\xef\xbb\xbf'))
    add('odd/after-text.pdf', pdf(b'Content-Type: application/pdf\r\n\r\n'))
    add('odd/after-postscript.pdf', pdf(b'%!PS-Adobe-3.0 PDF-1.4\n'))
    add('plain/illustrator.ai', pdf())
    for kind in PARTS:
        add(f'plain/office.{kind}', office(kind))
        for order in ('js', 'first'):
            add(f'odd/{order}.{kind}', office(kind, order))
        for order in ('word', 'js', 'first'):
            add(f'odd/jar-marker-{order}.{kind}', office(kind, order, extra=b'\xfe\xca\0\0'))
        old = {'docx': 'doc', 'xlsx': 'xls', 'pptx': 'ppt'}[kind]
        for order in ('word', 'js', 'first'):
            add(f'odd/new-{order}.{old}', office(kind, order))
    for extension, kind in MACROS.items():
        add(f'plain/office.{extension}', office(kind))
    for kind in OPENDOCUMENT:
        add(f'plain/open.{kind}', opendocument(kind))
        add(f'odd/packed.{kind}', opendocument(kind, 'packed'))
        add(f'odd/last.{kind}', opendocument(kind, 'last'))
    add('plain/book.epub', epub())
    add('odd/packed.epub', epub(False))
    streams = {'doc': ['WordDocument', '1Table'], 'xls': ['Workbook'], 'ppt': ['PowerPoint Document', 'Current User'], 'vsd': ['VisioDocument'], 'msg': ['__nameid_version1.0', '__properties_version1.0']}
    for extension, names in streams.items():
        add(f'plain/ole.{extension}', ole(names))
        add(f'odd/large.{extension}', ole(names, 1200000))
    add('plain/html.xls', '<html><body><table><tr><td>1</td></tr></table></body></html>\n')
    add('plain/tab.xls', 'a\tb\n1\t2\n')
    add('plain/rich.doc', '{\\rtf1\\ansi Text}\n')


def add_archives():
    add('plain/archive.zip', zipped([('a.txt', 'text')]))
    add('plain/empty.zip', zipped([]))
    add('plain/stored.zip', zipped([('a.txt', 'text')], stored=('a.txt',)))
    add('odd/extracts-itself.zip', program() + zipped([('a.txt', 'text')]))
    add('odd/large-extracts-itself.zip', program() + zipped([('a.bin', noise(1000000))], stored=('a.bin',)) + b'')
    add('odd/extracts-itself-elf.zip', elf() + zipped([('a.txt', 'text')]))
    add('odd/extracts-itself-comment.zip', program() + zipped([('a.txt', 'text')], comment=b'made by hand'))
    java = [('META-INF/MANIFEST.MF', 'Manifest-Version: 1.0\n'), ('A.class', b'\xca\xfe\xba\xbe\0\0\0\x34')]
    for extension in ('jar', 'war', 'ear'):
        add(f'plain/java.{extension}', zipped(java))
    add('plain/marked.jar', zipped(java, extra=b'\xfe\xca\0\0'))
    add('plain/android.apk', zipped([('AndroidManifest.xml', noise(60)), ('classes.dex', noise(60))]))
    add('plain/phone.ipa', zipped([('Payload/', ''), ('Payload/A.app/', ''), ('Payload/A.app/Info.plist', '<plist/>')]))
    add('odd/payload-first.ipa', zipped([('Payload/A.app/Info.plist', '<plist/>')]))
    for extension in ('kmz', 'cbz', 'xpi', 'whl', '3mf', 'usdz', 'nupkg', 'vsix', 'pages', 'numbers', 'key', 'sketch', 'xps', 'kra', 'ora'):
        add(f'plain/package.{extension}', zipped([('doc.xml', '<a/>')]))
    add('plain/archive.tar', tarred())
    add('plain/archive.gz', gzip.compress(b'text\n', mtime=0))
    add('plain/archive.tgz', gzip.compress(tarred(), mtime=0))
    add('plain/picture.svgz', gzip.compress(SVG.encode(), mtime=0))
    add('plain/archive.bz2', bz2.compress(b'text\n'))
    add('plain/archive.xz', lzma.compress(b'text\n'))
    add('plain/archive.lzma', lzma.compress(b'text\n', format=lzma.FORMAT_ALONE))
    add('plain/archive.zst', bytes.fromhex('28b52ffd0405290000746578740a') + bytes(4))
    add('plain/archive.7z', b'7z\xbc\xaf\x27\x1c\0\4' + noise(60))
    add('plain/archive.rar', b'Rar!\x1a\x07\1\0' + noise(60))
    add('plain/comic.cbr', b'Rar!\x1a\x07\0' + noise(60))
    add('plain/data.sqlite', database())
    add('plain/data.db', database())
    add('plain/data.parquet', b'PAR1' + noise(60) + b'PAR1')
    add('plain/data.bin', noise(200))
    add('plain/data.dat', noise(200, 2))
    add('plain/data.npy', b'\x93NUMPY\1\0\x46\0{}'.ljust(80) + noise(40))
    add('plain/module.wasm', b'\0asm\1\0\0\0')
    add('plain/disk.iso', bytes(32768) + b'\1CD001\1' + bytes(3000))
    add('plain/package.deb', b'!<arch>\ndebian-binary   1700000000  0     0     100644  4         `\n2.0\n')
    add('plain/a.torrent', 'd8:announce20:http://example.com/x4:infod4:name1:aee')
    add('plain/empty.txt', b'')
    add('plain/empty.pdf', b'')


def add_wrong():
    good = {'png': png(), 'jpg': jpeg(), 'gif': gif(), 'pdf': pdf(), 'zip': zipped([('a.txt', 'text')]), 'mp3': mp3(), 'mp4': mp4(b'isom', b'vide'),
            'txt': b'Just some text.\n', 'docx': office('docx'), 'exe': program(), 'gz': gzip.compress(b'text\n', mtime=0), 'wav': wav(), 'webm': matroska(b'webm', b'V_VP9')}
    for kind, data in good.items():
        for extension in ('png', 'jpg', 'gif', 'pdf', 'mp3', 'mp4', 'txt', 'csv'):
            if kind != extension and not (kind == 'txt' and extension == 'csv'):
                add(f'wrong/{kind}.{extension}', data)
    add('wrong/docx.xlsx', office('docx'))
    add('wrong/truncated-program.zip', program())
    add('wrong/program-says-zip.zip', program() + b'PK\5\6')
    add('wrong/text-after-kilobyte.pdf', b'x' * 2000 + pdf())


def add_active():
    contents = {'html': HTML, 'svg': SVG, 'php': PHP, 'sh': SHELL, 'xhtml': '<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>\n',
                'xml': '<?xml version="1.0"?>\n<?xml-stylesheet href="javascript:alert(1)"?>\n<a/>\n', 'exe': program(), 'elf': elf()}
    for kind, data in contents.items():
        for extension in ('txt', 'csv', 'md', 'jpg', 'png', 'gif', 'pdf', 'mp3', 'mp4', 'zip', 'docx'):
            add(f'active/{kind}.{extension}', data)
    for head in ('GIF89a', 'GIF8', 'BZh', 'fLaC', 'MThd', 'wOFF', 'Stammdaten'):
        for extension in ('txt', 'csv', 'jpg'):
            add(f'active/{head}-html.{extension}', head + ' ' + HTML)
            add(f'active/{head}-svg.{extension}', head + '\n' + SVG)
    add('active/html-then.pdf', HTML.encode() + pdf())
    add('active/svg-then.pdf', SVG.encode() + pdf())
    add('active/html-then-zip.zip', HTML.encode() + zipped([('a.txt', 'text')]))
    add('active/html-then-zip.docx', HTML.encode() + office('docx'))
    add('active/png-then-html.html', png() + HTML.encode())
    add('active/program-then-pdf.pdf', program()[:300] + pdf())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for part in (add_texts, add_media, add_documents, add_archives, add_wrong, add_active):
        part()
    for name, data in sorted(FILES.items()):
        path = os.path.join(sys.argv[1], name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(data)


if __name__ == '__main__':
    main()
