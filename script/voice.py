#!/usr/bin/env python3
"""Counts the words that hide what a sentence is about, and prints its sentences.

    script/voice.py [FILE...]      counts for each file, and in all (default: the C of src)
    script/voice.py --say [FILE...] also prints every sentence with an idiom, and every
                                sentence in which a third of the words are pronouns
    script/voice.py --check        fails if all files together are above the limits, or
                                one file is above twice the limits

In C files the comments are read, in Markdown the paragraphs, in SQL the comments
and the texts of COMMENT ON. A pronoun is one of PRONOUNS below, in any sense: a
reader has to find out what each stands for. PostgreSQL's fd.c has 4.0 in a hundred
words, SQLite's pager 2.4, pgvector 0.9.
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
        yield ''.join(re.findall(r"'((?:[^']|'')*)'", literal)).replace("''", "'")


def paragraphs(text):
    """Markdown without code."""
    text = re.sub(r'^```.*?^```', '', text, flags=re.S | re.M)
    yield from re.split(r'\n\s*\n', re.sub(r'`[^`]*`', 'X', text))


def texts(path):
    text = path.read_text(encoding='utf-8')
    if path.suffix in ('.c', '.h'):
        return c_comments(text)
    if path.suffix == '.sql':
        return sql_comments(text)
    return paragraphs(text)


def words(text):
    return re.findall(r"[A-Za-z][A-Za-z'_.]*[A-Za-z_]|[A-Za-z]", text)


def sentences(text):
    for part in re.split(r'(?<=[.:?!])\s+(?=[A-Z"*])|\n\s*\n', text):
        if words(part):
            yield ' '.join(part.split())


def count(path, say):
    """(words, pronouns, idioms) of a file."""
    total = pronouns = idioms = 0
    for text in texts(path):
        for sentence in sentences(text):
            all_words = words(sentence)
            here = sum(word.lower() in PRONOUNS for word in all_words)
            found = [m for idiom in IDIOMS for m in re.findall(rf'\b{idiom}\b', sentence, re.I)]
            total += len(all_words)
            pronouns += here
            idioms += len(found)
            if say and (found or (here >= 2 and here * 3 > len(all_words)) or here >= 4):
                print(f'{path}: {sentence}' + (f'  [{", ".join(found)}]' if found else ''))
    return total, pronouns, idioms


def rates(total, pronouns, idioms):
    return 100 * pronouns / max(total, 1), 1000 * idioms / max(total, 1)


def main():
    parser = argparse.ArgumentParser(description='Count pronouns and idioms of comments and documents.')
    parser.add_argument('--say', action='store_true')
    parser.add_argument('--check', action='store_true')
    parser.add_argument('files', nargs='*', type=pathlib.Path)
    args = parser.parse_args()
    top = pathlib.Path(__file__).resolve().parent.parent
    files = args.files or sorted(path.relative_to(pathlib.Path.cwd()) if path.is_relative_to(pathlib.Path.cwd()) else path
                                 for path in (top / 'src').rglob('*.[ch]'))
    sums = [0, 0, 0]
    bad = []
    print(f'{"words":>7} {"pronouns/100":>13} {"idioms/1000":>12}')
    for path in files:
        counts = count(path, args.say)
        sums = [a + b for a, b in zip(sums, counts)]
        of_100, of_1000 = rates(*counts)
        if counts[0] >= 100 and (of_100 > 2 * PRONOUNS_IN_100 or of_1000 > 4 * IDIOMS_IN_1000):
            bad.append(str(path))
        print(f'{counts[0]:7} {of_100:13.1f} {of_1000:12.1f}  {path}')
    of_100, of_1000 = rates(*sums)
    print(f'{sums[0]:7} {of_100:13.1f} {of_1000:12.1f}  in all')
    if args.check and (of_100 > PRONOUNS_IN_100 or of_1000 > IDIOMS_IN_1000 or bad):
        print(f'limits: {PRONOUNS_IN_100} and {IDIOMS_IN_1000} in all; twice and four times as much in a file: {" ".join(bad)}')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
