"""Makes the tables of test/README.md from the results of script/soak.

    report.py RESULTS [FILE]    replaces what stands between the two marks
"""

import collections
import json
import sys
import time

BEGIN, END = '<!-- results: script/soak --write -->', '<!-- end of results -->'


def cell(group):
    """Passed of all, as a table shows it."""
    bad = sum(not r['ok'] for r in group)
    return '' if not group else str(len(group)) if not bad else f'**{len(group) - bad} of {len(group)}**'


def grid(results, row, column, columns):
    rows = list(dict.fromkeys(r[row] for r in results))
    groups = collections.defaultdict(list)
    for r in results:
        groups[(r[row], r[column])].append(r)
    yield '| ' + ' | '.join([row] + columns) + ' |'
    yield '|---' + '|--:' * len(columns) + '|'
    for name in rows:
        yield '| ' + ' | '.join([name] + [cell(groups[(name, c)]) for c in columns]) + ' |'


def matrix(results):
    met = [r for r in results if r['reached'] or r['point'] == 'none']
    bad = sum(not r['ok'] for r in results)
    yield (f'### The matrix: {len(met):,} cases, {bad} failures')
    yield ''
    yield (f'Of {len(results):,} cases tried {len(met):,} met their fault or have none; the others ended as if there '
           f'were none, rightly. {sum(r["preload"] for r in met):,} ran with `ffu` preloaded, '
           f'{sum(r["apart"] for r in met):,} with the folder on a file system of its own. In '
           f'{sum(r["reused"] for r in met):,} cases the transaction id was given to a stranger after the crash.')
    yield ''
    endings = list(dict.fromkeys(r['ending'] for r in met))
    operations = list(dict.fromkeys(r['operation'] for r in met))
    yield 'Operation by ending, all fault points together; a number is that of cases, all passed:'
    yield ''
    short = {e: str(i + 1) for i, e in enumerate(endings)}
    for r in met:
        r['e'] = short[r['ending']]
    met.sort(key=lambda r: operations.index(r['operation']))
    yield from grid(met, 'operation', 'e', list(short.values()))
    yield ''
    yield 'Endings: ' + '; '.join(f'{n} {e}' for e, n in short.items()) + '.'
    yield ''
    yield 'Fault point by action ("none": no fault point; the sessions are killed from outside, or not at all):'
    yield ''
    yield from grid(met, 'point', 'action', list(dict.fromkeys(r['action'] for r in met)))


def histories(results):
    kills = collections.Counter()
    for r in results:
        kills.update(r['kills'])
    rounds, bad = sum(r['rounds'] for r in results), sum(r['failed'] for r in results)
    yield f'### Random histories: {rounds:,} rounds, {bad} failures'
    yield ''
    yield (f'{sum(r["transactions"] for r in results):,} transactions; the server was killed {kills["server"]:,} times, '
           f'a backend {kills["backend"]:,} times. Readers held the files of their '
           f'snapshot against it {sum(r["looks"] for r in results):,} times. Seeds: {", ".join(str(r["seed"]) for r in results)}.')


def powercut(results):
    sound = [r for r in results if not r['broken']]
    yield f'### Power cuts: {sum(r["cuts"] for r in sound)} cuts, {sum(r["failed"] for r in sound)} failures'
    yield ''
    yield '| file system | folder | `ffu.fsync` | cuts | commits acknowledged before | files held against rows | files lost |'
    yield '|---|---|---|--:|--:|--:|--:|'
    for r in results:
        where = 'on another file system' if r['layout'].startswith('apart') else 'beside the data directory'
        where += ', ffu preloaded' if 'preload' in r['layout'] else ''
        where += f', `ffu.wal = {r["wal"]}`' if r.get('wal') else ''
        yield (f'| {r["fs"]} | {where} | {"off" if r["broken"] else "on"} | {r["cuts"]} | {r["acknowledged"]:,} | '
               f'{r["files"]:,} | {r["lost_files"]} |')


def standbys(results):
    yield (f'### Standbys: {sum(r["failovers"] for r in results)} failovers and {sum(r["rounds"] for r in results)} kills '
           f'and cuts before them, {sum(r["failed"] for r in results)} failures')
    yield ''
    yield (f'{sum(r["acknowledged"] for r in results):,} acknowledged commits; readers on standbys held '
           f'{sum(r["looked"] for r in results):,} files in {sum(r["looks"] for r in results):,} snapshots against rows, and '
           f'{sum(r["files"] for r in results):,} files of folders. Seeds: {", ".join(str(r["seed"]) for r in results)}.')


def mutants(results):
    yield f'### Faults built in: {sum(r["count"] > 0 for r in results)} of {len(results)} seen'
    yield ''
    yield '| what is broken | seen by | failures |'
    yield '|---|---|--:|'
    for r in results:
        yield f'| {r["what"]} | {r["seen"]} | {r["count"]} |'


def others(results):
    names = {'memory': 'memory of one backend is flat', 'check': 'ffu.check reports nothing in flight',
             'bucket': 'every fault of an object store', 'objects': 'many objects: stored, checked, moved, removed',
             'ddl': 'every form of DDL', 'fuzz': 'libFuzzer on the grammars',
             'types': 'what libmagic says of files of the machine, with its own limits and with those of ffu', 'ubsan-sql': 'undefined behaviour sanitizer',
             'ubsan-spec': 'undefined behaviour sanitizer', 'ubsan-tap': 'undefined behaviour sanitizer',
             'assert-sql': 'server with assertions', 'assert-spec': 'server with assertions',
             'assert-tap': 'server with assertions', 'jit': 'every query compiled',
             'discard': 'caches discarded all the time', 'valgrind': 'valgrind memcheck'}
    yield '### Check, types, memory and sanitizers'
    yield ''
    yield '| what | on | passed | failed |'
    yield '|---|---|--:|--:|'
    for r in results:
        yield f'| {names[r["kind"]]} | {r["note"]} | {r["passed"]:,} | {r["failed"]} |'


def main():
    with open(sys.argv[1]) as f:
        results = [json.loads(line) for line in f]
    lines = [f'Made on {time.strftime("%Y-%m-%d")}.', '']
    parts = (('matrix', matrix), ('histories', histories), ('powercut', powercut), ('standby', standbys), ('mutant', mutants))
    for kind, write in parts:
        chosen = [r for r in results if r['kind'] == kind]
        if chosen:
            lines += [*write(chosen), '']
    rest = [r for r in results if r['kind'] not in dict(parts)]
    if rest:
        lines += [*others(rest), '']
    text = '\n'.join(lines)
    if len(sys.argv) < 3:
        print(text)
        return
    with open(sys.argv[2]) as f:
        page = f.read()
    before, after = page[:page.index(BEGIN) + len(BEGIN)], page[page.index(END):]
    with open(sys.argv[2], 'w') as f:
        f.write(before + '\n' + text + '\n' + after)


if __name__ == '__main__':
    main()
