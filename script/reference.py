#!/usr/bin/env python3
"""Writes into the documents what the catalog knows of ffu's functions, views, tables and types.

    script/reference.py [--check] FILE...

A document asks for an entry by a pair of lines; what stands between is replaced:

    <!-- function ffu.file -->
    <!-- end -->

The kinds are function (also a procedure; all of the name), view, table and type. An entry
has the signature, the COMMENT and the rights, of a view or table also the columns. Together the
documents must have one entry for each object that is for users: all but names that begin with
an underscore and comments that begin with "Internal:". --check changes nothing, and fails where
a document is not as it would be written.

psql must reach a server, as a superuser, in a database with the extension. script/reference
makes one. Nothing is left in it.
"""

import argparse
import difflib
import json
import pathlib
import re
import subprocess
import sys
import textwrap

WIDTH = 80
ENTRY = re.compile(r'(?P<head><!-- (?P<kind>function|view|table|type) (?P<name>\w+\.\w+) -->\n).*?(?P<tail><!-- end -->\n)', re.S)

# Who may use an object is asked of three roles that this transaction makes: one with no
# right but PUBLIC's, and one for each grant of ffu.
QUERY = r'''
BEGIN;
CREATE ROLE ffu_reference_public;
CREATE ROLE ffu_reference_columns;
CREATE ROLE ffu_reference_operations;
DO $$ BEGIN
	PERFORM ffu.grant_columns('ffu_reference_columns'), ffu.grant_operations('ffu_reference_operations');
END $$;
WITH member AS (
	SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
	 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname ~ '^ffu'
), object AS (
	SELECT CASE WHEN typname IS NOT NULL THEN 'type' ELSE 'function' END AS kind,
		   n.nspname || '.' || coalesce(p.proname, t.typname) AS name,
		   CASE WHEN typname IS NOT NULL THEN format('%s over %s', t.oid::regtype, format_type(t.typbasetype, t.typtypmod))
				ELSE concat(n.nspname, '.', p.proname) END AS signature,
		   pg_get_function_arguments(p.oid) AS arguments,
		   pg_get_function_result(p.oid) AS result,
		   p.prokind = 'p' AS procedure,
		   obj_description(m.objid, CASE WHEN t.oid IS NULL THEN 'pg_proc' ELSE 'pg_type' END) AS comment,
		   NULL::json AS columns,
		   (SELECT array_agg(r ORDER BY r) FROM unnest('{public,columns,operations}'::text[]) r
			 WHERE has_function_privilege('ffu_reference_' || r, p.oid, 'execute')) AS rights,
		   (SELECT array_agg(grantee::regrole::text ORDER BY grantee) FROM aclexplode(p.proacl)
			 WHERE grantee::regrole::text LIKE 'pg\_%') AS roles,
		   p.proargnames AS names,
		   concat(p.pronargs, p.oid::regprocedure) AS place
	  FROM member m
	  LEFT JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
	  LEFT JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid AND t.typtype = 'd'
	  JOIN pg_namespace n ON n.oid = coalesce(p.pronamespace, t.typnamespace)
	 WHERE p.oid IS NULL OR p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
	UNION ALL
	SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, n.nspname || '.' || c.relname, NULL, NULL, NULL, false,
		   obj_description(c.oid, 'pg_class'),
		   (SELECT json_agg(json_build_array(attname, format_type(atttypid, atttypmod), col_description(c.oid, attnum)) ORDER BY attnum)
			  FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
		   (SELECT array_agg(r ORDER BY r) FROM unnest('{public,columns,operations}'::text[]) r
			 WHERE has_table_privilege('ffu_reference_' || r, c.oid, 'select')), NULL, NULL, c.relname
	  FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid AND c.relkind IN ('v', 'r')
	  JOIN pg_namespace n ON n.oid = c.relnamespace
)
SELECT json_agg(o ORDER BY place COLLATE "C") FROM object o WHERE name !~ '\._' AND comment !~ '^Internal:';
ROLLBACK;
'''

# What is code in a COMMENT, which is plain text.
CODE = re.compile(r'''
      (?:\w*<\w+>)+\w*(?:\(<\w+>\))?            # <table>_<name>_urls(<table>)
    | \{[^\s{}]*\}                              # {*}
    | \*/\*
    | (?<!\w)'[^'\s]+(?:[ ][^'\s]+)?'(?!\w)     # 'files', '1 GB'
    | \w+\ =>\ [\w']+                           # clean_up => 'model'
    | \bffu\.\w+(?:\.\w+)*(?:\([^)]*\))?
    | (?<![\w.])\.ffu\b(?:/\w+)*
    | \b\w+\([\w, .]*\)
    | [\w.]*[a-z0-9]_\w+(?:\.\w+)* | (?<!\w)__\w+   # a_name, pg_class.oid
    ''', re.X)

RIGHTS = {'columns': '`ffu.grant_columns`', 'operations': '`ffu.grant_operations`'}


def ask():
    said = subprocess.run(['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1'], input=QUERY, text=True, check=True, stdout=subprocess.PIPE)
    return json.loads(said.stdout)


def wrap(text, first='', rest=''):
    """Prose at 80 columns; a piece of code is never cut, nor begins a line as something else."""
    glued = re.sub(r'`[^`]*`', lambda m: m[0].replace(' ', '\0'), text)
    lines = textwrap.wrap(glued, WIDTH, initial_indent=first, subsequent_indent=rest,
                          break_long_words=False, break_on_hyphens=False)
    # A line of a paragraph that would begin a list: of numbers only 1 does.
    return '\n'.join(lines[:1] + [re.sub(r'^(1(?=[.)] )|(?=[-+>#] ))', r'\1\\', line) for line in lines[1:]]).replace('\0', ' ') + '\n'


def prose(comment):
    """The text of a COMMENT as Markdown, in one line."""
    marked, at = '', 0
    for found in CODE.finditer(comment):
        marked += re.sub(r'([*<>|])', r'\\\1', comment[at:found.start()]) + f'`{found[0]}`'
        at = found.end()
    return marked + re.sub(r'([*<>|])', r'\\\1', comment[at:])


def split_list(text):
    """The parts of a list of arguments."""
    return [part.strip() for part in re.split(r',(?![^()]*\))', text or '') if part.strip()]


def signature(one):
    """A signature in lines of at most 80 columns, with the words that a user reads."""
    short = lambda text: re.sub(r'(DEFAULT .*?)::[\w \[\]]+', r'\1', text).replace('character varying', 'varchar')
    given = [short(part).removeprefix('IN ') for part in split_list(one['arguments']) if not part.startswith('OUT ')]
    given = [part.replace(' anycompatiblearray', ' array').replace(' anycompatible', '') for part in given]
    made = [part.removeprefix('OUT ') for part in split_list(one['arguments']) if part.startswith('OUT ')]
    result = one['result'] or ''
    columns = re.fullmatch(r'TABLE\((.*)\)', result)
    if columns:
        result = 'setof (' + ', '.join(split_list(columns[1])) + ')'
    elif made:
        result = ('setof (' if result.startswith('SETOF') else '(') + ', '.join(made) + ')'
    text = f'{one["signature"]}({", ".join(given)})'
    text = 'CALL ' + text if one['procedure'] else f'{text} → {result.replace("SETOF", "setof")}'
    text = re.sub(r'(?<!,) (?!→)', '\0', text)      # an argument stays in one line
    lines = textwrap.wrap(text, WIDTH, subsequent_indent='    ', break_long_words=False, break_on_hyphens=False)
    return '\n'.join(lines).replace('\0', ' ')


def rights(one):
    if 'public' in (one['rights'] or []):
        return 'Rights: PUBLIC.'
    granted = [RIGHTS[right] for right in one['rights'] or []]
    return ('Rights: superusers' + ''.join(f', `{role}`' for role in one['roles'] or [])
            + (f', and roles that {" or ".join(granted)} has named' if granted else '') + '.')


def said(one):
    """A COMMENT as paragraphs: what is raised has its own, and what is said of an argument is an item."""
    whole, *raised = re.split(r' (?=Raises )', one['comment'], 1)
    names = '|'.join(one['names'] or ['-'])
    text, items = '', []
    for sentence in re.split(r'(?<=\.) (?=\S)', whole):
        if re.match(rf'(?:{names}): ', sentence):
            items.append(re.sub(r'^(\w+)', r'`\1`', prose(sentence)) if '_' not in sentence.split(':')[0] else prose(sentence))
        elif items and '\n' not in text:
            text += '\n' + sentence
        else:
            text += ' ' + sentence
    parts = [wrap(prose(part.strip())) for part in text.split('\n') if part.strip()]
    if items:
        parts.insert(1, ''.join(wrap(item, '- ', '  ') for item in items))
    return '\n'.join(parts + [wrap(prose(part)) for part in raised])


def entry(kind, name, objects):
    text = ''
    for one in objects:
        if kind == 'function':
            text += f'```\n{signature(one)}\n```\n\n{said(one)}\n{wrap(rights(one))}\n'
        elif kind == 'type':
            text += wrap(f'A domain over {one["signature"].split()[-1]}. '
                         + prose(re.sub(r'^@.*\n', '', one['comment']))) + '\n'
        else:
            text += f'{said(one)}\n{wrap(rights(one))}\n| column | type | |\n|---|---|---|\n'
            text += ''.join(f'| `{column}` | `{kind_of}` | {prose(what)} |\n' for column, kind_of, what in one['columns']) + '\n'
    return text


class Reference:
    def __init__(self):
        self.objects, self.asked = {}, []
        for one in ask():
            self.objects.setdefault((one['kind'], one['name']), []).append(one)

    def fill(self, text):
        def one(found):
            key = found['kind'], found['name']
            self.asked.append(key)
            if key not in self.objects:
                return found[0]
            return found['head'] + '\n' + entry(*key, self.objects[key]) + found['tail']
        return ENTRY.sub(one, text)

    def complaints(self):
        for key in sorted(set(self.asked) | set(self.objects)):
            if key not in self.objects:
                yield f'there is no {key[0]} {key[1]} for users'
            elif self.asked.count(key) != 1:
                yield f'{key[0]} {key[1]} has {self.asked.count(key)} entries in the documents'


def main():
    parser = argparse.ArgumentParser(description="Write what the catalog knows of ffu's objects into the documents.")
    parser.add_argument('--check', action='store_true')
    parser.add_argument('files', nargs='+', type=pathlib.Path)
    args = parser.parse_args()
    reference = Reference()
    bad = False
    for path in args.files:
        old = path.read_text(encoding='utf-8')
        new = reference.fill(old)
        if new == old:
            continue
        if args.check:
            bad = True
            sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), str(path), 'from the catalog'))
        else:
            path.write_text(new, encoding='utf-8')
            print(f'written: {path}')
    for complaint in reference.complaints():
        bad = True
        print(complaint)
    return bad


if __name__ == '__main__':
    sys.exit(main())
