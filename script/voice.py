#!/usr/bin/env python3
"""Counts the words that hide what a sentence is about, and prints its sentences.

    script/voice.py [FILE...]      counts for each file, and in all
    script/voice.py --say [FILE...] also prints every sentence with an idiom, and every
                                sentence with many pronouns
    script/voice.py --check        fails if a kind of text is above the limits, or a file
                                is above twice the limits, and prints the sentences

Without files the C and SQL of the extensions are read. In C files these are the
comments, in Markdown the paragraphs, in SQL the comments and the texts of COMMENT
ON. The messages of C and SQL (ereport, RAISE, ffu._refuse) are a kind of their own.
A pronoun is a word of PRONOUNS below, in any sense: a reader has to find out what
each stands for; "It" at the begin of a message stands for the subject of the error,
as in PostgreSQL's own, and is not counted. PostgreSQL's fd.c has 4.0 in a hundred words, SQLite's pager 2.4,
pgvector 0.9.
"""

import argparse
import pathlib
import re
import sys

PRONOUNS = set('it its they them that those what one ones such'.split())
IDIOMS = [r'so many', r'so much', r'that of', r'those of', r'what is', r'what was', r'but for', r'has got', r'have got',
          r'at it', r'is to be', r'are to be', r'is none', r'are none', r'is let be', r'are let be', r'by whomever',
          r'whoever', r'in vain', r'of (?:its|their) own', r'came here', r'is let go', r'by wish', r'for good']
PRONOUNS_IN_100 = 4.0
IDIOMS_IN_1000 = 1.5


def c_comments(text):
    """Comments of C code, each as running text; their frames and tables are left out."""
    for comment in re.findall(r'/\*(.*?)\*/', text, re.S):
        lines = [re.sub(r'^\s*\*? ?', '', line) for line in comment.splitlines()]
        lines = [line for line in lines if not re.match(r'^-+$|^\t\S+\.[ch]$|^Copyright', line.strip('*'))]
        yield '\n'.join(lines)


def sql_comments(text):
    """Comments of SQL, and what COMMENT ON tells the user."""
    for comment in re.findall(r'(?:^[ \t]*--.*\n)+', text, re.M):
        yield re.sub(r'^[ \t]*--+ ?', '', comment, flags=re.M)
    for literal in re.findall(r"COMMENT ON [^;]*? IS\s+((?:'(?:[^']|'')*'\s*)+);", text):
        yield sql_string(literal)


def sql_string(literal):
    """The value of a literal, which may go on over lines."""
    return ''.join(re.findall(r"'((?:[^']|'')*)'", literal)).replace("''", "'")


def phrase(message):
    """A message of more than a word, without a reference to its subject."""
    if ' ' in message:
        yield re.sub(r'^Its? ', '', message)


def c_messages(text):
    """What ereport() says: message, detail and hint."""
    for call in re.findall(r'\b(?:errmsg|errdetail|errhint)(?:_\w+)?\(((?:[^()"]|"(?:[^"\\]|\\.)*")*)', text):
        yield from phrase(''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', call)).replace('\\"', '"'))


def sql_messages(text):
    """What RAISE and ffu._refuse() say: message, detail and hint, of more than a word."""
    text = re.sub(r'--.*', '', text)
    for statement in re.findall(r"\b(?:RAISE|ffu\._refuse\()((?:[^';]|'(?:[^']|'')*')*);", text):
        for literal in re.findall(r"(?:'(?:[^']|'')*'\s*)+", statement):
            yield from phrase(sql_string(literal))


def paragraphs(text):
    """Markdown without code, targets of links and comments; each cell of a table is a text."""
    text = re.sub(r'^ *```.*?^ *```|<!--.*?-->', '', text, flags=re.S | re.M)
    text = re.sub(r'`[^`]*`', 'X', re.sub(r'\]\([^)\s]*\)', ']', text))
    for part in re.split(r'\n\s*\n', text):
        yield from re.split(r'\s*(?<!\\)\|\s*', part) if part.startswith('|') else [part]


# Kinds of text: which files have some, and where.
KINDS = {'comments in C': (('.c', '.h'), c_comments), 'comments in SQL': (('.sql',), sql_comments),
         'messages in C': (('.c', '.h'), c_messages), 'messages in SQL': (('.sql',), sql_messages),
         'documents': (('.md', ''), paragraphs)}


def words(text):
    return re.findall(r"[A-Za-z][A-Za-z'_.]*[A-Za-z_]|[A-Za-z]", text)


def sentences(text):
    for part in re.split(r'(?<=[.:?!])\s+(?=[A-Z"*])|\n\s*\n', text):
        if words(part):
            yield ' '.join(part.split())


def count(path, texts, say):
    """[words, pronouns, idioms] of the texts of a file, and the sentences to look at."""
    counts = [0, 0, 0]
    found = []
    for text in texts(path.read_text(encoding='utf-8')):
        for sentence in sentences(text):
            all_words = words(sentence)
            pronouns = sum(word.lower() in PRONOUNS for word in all_words)
            idioms = [m for idiom in IDIOMS for m in re.findall(rf'\b{idiom}\b', sentence, re.I)]
            counts = [a + b for a, b in zip(counts, (len(all_words), pronouns, len(idioms)))]
            if say and (idioms or (pronouns >= 2 and pronouns * 3 > len(all_words)) or pronouns >= 4):
                found.append(f'{path}: {sentence}' + (f'  [{", ".join(idioms)}]' if idioms else ''))
    return counts, found


def rates(total, pronouns, idioms):
    return 100 * pronouns / max(total, 1), 1000 * idioms / max(total, 1)


def over(counts, times=1):
    """Is a count above the limits, the pronouns by so much, the idioms by twice that?"""
    of_100, of_1000 = rates(*counts)
    return of_100 > times * PRONOUNS_IN_100 or of_1000 > (2 * times if times > 1 else 1) * IDIOMS_IN_1000


def line(counts, label):
    of_100, of_1000 = rates(*counts)
    return f'{counts[0]:7} {of_100:13.1f} {of_1000:12.1f}  {label}'


def default_files():
    """The sources of the extensions, from the directory in which the caller is."""
    top = pathlib.Path(__file__).resolve().parent.parent
    here = pathlib.Path.cwd()
    for path in sorted(path for room in ('src', 'flask') for path in (top / room).rglob('*.[chs]*')):
        if path.suffix in ('.c', '.h') or path.suffix == '.sql' and not {'expected', 'test'} & set(path.parts):
            yield path.relative_to(here) if path.is_relative_to(here) else path


def main():
    parser = argparse.ArgumentParser(description='Count pronouns and idioms of comments, messages and documents.')
    parser.add_argument('--say', action='store_true')
    parser.add_argument('--check', action='store_true')
    parser.add_argument('files', nargs='*', type=pathlib.Path)
    args = parser.parse_args()
    files = args.files or list(default_files())
    bad = []
    print(f'{"words":>7} {"pronouns/100":>13} {"idioms/1000":>12}')
    for kind, (suffixes, texts) in KINDS.items():
        total, said = [0, 0, 0], []
        for path in (path for path in files if path.suffix in suffixes):
            counts, found = count(path, texts, args.say or args.check)
            total = [a + b for a, b in zip(total, counts)]
            said += found
            if counts[0] >= 100 and over(counts, 2):
                bad.append(f'{kind} of {path}')
            if counts[0]:
                print(line(counts, path))
        if total[0]:
            print(line(total, f'{kind}, in all'))
            if over(total):
                bad.append(f'{kind}, in all')
            if args.say or over(total):
                print(''.join(f'{sentence}\n' for sentence in said), end='')
    if args.check and bad:
        print(f'above {PRONOUNS_IN_100} and {IDIOMS_IN_1000}, or a file above twice and four times as much: {"; ".join(bad)}')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
