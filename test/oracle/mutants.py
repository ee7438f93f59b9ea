"""Is the oracle able to see a fault? Builds ffu with one, and has it looked for.

    mutants.py WORK RESULTS [PATTERN]   (called by script/soak; WORK is its directory)
    mutants.py --check SRC              does each change still apply to the source?

Each mutant undoes one thing the protocol rests on, by a change of the source
in a copy of it. The quick matrix has to fail, or else the histories; for faults
of files in the WAL, power cuts, for which root is needed. The others name what has
to see them. With a PATTERN only the mutants are built that it matches.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import model
import tap

# What it breaks, the file, what stands there, what is put instead; perhaps more of these.
MUTANTS = [
    ('I9: a staging name says its path before its transaction id is in flushed WAL',
     'transaction/publish.c', 'XLogFlush(XactLastRecEnd);', '(void) run;'),
    ('I9: an id of an earlier run of the server is believed',
     'base/xid.c', 'run == 0 || run == ffu_shared_run()', 'true'),
    ('I4b: the sweep takes a prepared transaction for an aborted one',
     'base/xid.c', '"in progress") == 0 ? FFU_FATE_OPEN', '"in progress") == 0 ? FFU_FATE_ABORTED'),
    ('I5: the sweep takes a committed transaction for an aborted one',
     'sweep/sweep.c', "staged.path[0] != '\\0' && fate == FFU_FATE_COMMITTED;", 'false;'),
    ('a doom is not undone by ROLLBACK TO SAVEPOINT: an older file',
     'transaction/finish.c', 'ffu_dooms_subabort(level);', ''),
    ('a doom is not undone by ROLLBACK TO SAVEPOINT: a file of this transaction',
     'transaction/file.c', 'while (file->levels[file->life] >= level ||', 'while (file->life != FFU_LIFE_DOOMED && file->levels[file->life] >= level ||'),
    ('I4a: a file goes at commit though a snapshot needs it',
     'transaction/finish.c', '!TransactionIdPrecedes(ffu_dooms_xid(), horizon)', 'false'),
    ('I2: a file taken back loses its staging name only',
     'store/dir/store_dir.c', 'if (staged->step == FFU_STEP_PUBLISHED)', 'if (false)'),
]

# The same, to be seen by power cuts with ffu.wal = small and with all
WAL_MUTANTS = [
    ('W3: the syncer syncs nothing',
     'wal/syncer.c', 'result = sync_folder(i, begin, end);', 'result = true ? 0 : sync_folder(i, begin, end);'),
    # Without the second change a round follows within milliseconds.
    ('W3: the syncer does not hold checkpoints',
     'wal/syncer.c', 'MyProc->delayChkptFlags |= DELAY_CHKPT_COMPLETE;', '', 'redo != synced || ', ''),
    # The pause makes the window wide enough to be hit.
    ('W1: the bytes are in the WAL before the file is in the queue',
     'transaction/publish.c', 'if (ffu_queue_add(ffu_root_id(), ffu_root_path(), file->staged->path))',
     'log_file(store, file, false); pg_usleep(100000L); if (ffu_queue_add(ffu_root_id(), ffu_root_path(), file->staged->path))',
     '		log_file(store, file, false);\n		return true;', '		return true;'),
    ('W4: a removal is not in the WAL',
     'sweep/sweep.c', 'if (ffu_queue_was_used() || ffu_setting_wal == FFU_WAL_ALL)', 'if (false)'),
    ('files in the salvage are not put back',
     'sweep/put_back.c', 'put_back(put, &staged, &file, bytes);', '(void) put_back;'),
]

# Of standbys, to be seen by standbys that are killed, cut and promoted
STANDBY_MUTANTS = [
    ('W9: a session on a standby does not deliver what has arrived',
     'sweep/put_back.c', '			ffu_deliver(store);', '			(void) store;'),
    ('W10: the inbox is not durable before a checkpoint record is replayed',
     'wal/redo.c', 'check_inbox(ffu_inbox_sync());', '(void) ffu_inbox_sync;'),
    ('W12: a removal on a standby does not wait for snapshots',
     'sweep/deliver.c', 'return removal->next_fxid <= delivery->horizon;', 'return true;'),
    ('W4: a removal is not in the WAL',
     'sweep/sweep.c', 'if (ffu_queue_was_used() || ffu_setting_wal == FFU_WAL_ALL)', 'if (false)'),
    ('a copied folder is adopted that is not durable',
     'functions/standby.c', 'ffu_prepare_sync(path, control);', '(void) path;'),
]

# To be seen by the file of test/t that they name
FILE_MUTANTS = [
    ('the staging name goes before the commit is flushed: synchronous_commit = off is obeyed', '39_flush',
     'transaction/finish.c', 'if (synchronous_commit != SYNCHRONOUS_COMMIT_OFF)', 'if (true)'),
    ('a removed staging name is not durable before its file is removed', '39_flush',
     'store/dir/remove_dir.c', '	ffu_sync_staging_parts(removal.folder);', ''),
    ('W11: a segment is removed before the folder is durable', '49_standby_crash',
     'sweep/deliver.c', 'delivery->syncing = true;\n	result = ffu_later_sync_all(delivery->store);', ''),
]

# Of the bucket: histories with a proxy that does harm, or a file of test/t, have to see them.
HARM = 'histories'
FILES, FAULTS, MULTIPART = '81_bucket_files', '82_bucket_faults', '82_bucket_multipart'
FAILOVER, MOVE = '83_bucket_failover', '84_bucket_move'
NAMED_BY_PUT = 'unconstify(char *, puts[i].key)'
BUCKET_MUTANTS = [
    ('I1: a transaction commits though the store has not answered', FAULTS,
     'store/s3/put.c', 'ffu_trouble_raise(place, &calls[i], "store object");', 'continue;'),
    ('I2: no intent', HARM,
     'store/bucket/intent.c', 'insert_rows(keys, &coming);', '(void) coming;'),
    ('I2: the intent is an ordinary row, which an abort takes back', HARM,
     'store/bucket/intent.c', 'TABLE_INSERT_FROZEN | TABLE_INSERT_NO_LOGICAL', '0',
     'simple_heap_delete(rel, &slot->tts_tid);', '{ CommandCounterIncrement(); simple_heap_delete(rel, &slot->tts_tid); }'),
    ('I9: the intent comes after the request', HARM,
     'store/bucket/publish_bucket.c', 'announce_kind(files, n, (kind & 1) != 0, (kind & 2) != 0);',
     'if (kind > 3) announce_kind(files, n, false, false);', 'FFU_FAULT("bucket-after-put");',
     f'for (i = 0; i < n; i++) ffu_intent_announce(list_make1({NAMED_BY_PUT}), false, false);'),
    ('I9: the intent is not flushed', FAULTS,
     'transaction/publish.c', 'XLogFlush(XactLastRecEnd);', '(void) run;'),
    ('I4b: the sweep removes the object of an open transaction', FILES,
     'sweep/intents.c', '		sweep->open++;',
     '	{ FfuPlace p; FfuKeyRemoval r = {.key = intent.key}; sweep->open++;'
     ' if (ffu_place_find(&p)) ffu_place_methods()->remove(&p, &r, 1); }'),
    ('I4: a batch of deletions without a look at the owner', FAILOVER,
     'store/bucket/remove_bucket.c', '!ffu_bucket_claim_fence(&place, ffu_root_id(), &why))', 'false)'),
    ('I4: a batch of intents without a look at the owner', FAILOVER,
     'sweep/intents.c', 'why != NULL || !ffu_bucket_claim_fence(&place, ffu_root_id(), &why)', 'why != NULL'),
    ('I4: the owner is read once in a session', FAILOVER,
     'store/bucket/claim.c', 'volatile bool ours = false;', 'static bool ours = false;\n\n	if (ours) return true;'),
    ('I4: a deletion does not wait for standbys', FAILOVER,
     'store/bucket/remove_bucket.c', '!ffu_standby_has_all(&why) ||', ''),
    ('I8: a key is removed that the answer does not name', FAULTS,
     'store/s3/keys.c', 'strlcpy(removals[i].error, "not in the answer",', 'strlcpy(removals[i].error, "",'),
    ('I10: a request without an answer is not noted', FAULTS,
     'store/bucket/publish_bucket.c', 'ffu_intent_note_uncertain(uncertain, false);', '(void) uncertain;'),
    ('I10: a key without a row is removed once', HARM,
     'sweep/intents.c', '(intent->removed_at != DT_NOBEGIN && !batch->keys[i].unanswered))', 'true)'),
    ('I10: a key is not removed again after the deletion of its file', FAULTS,
     'store/bucket/remove_bucket.c', 'ffu_intent_removed(removed);', ';'),
    ('I11: the store is not told the digest', FAULTS,
     'store/s3/object.c', 'call->sha256 = put->sha256;', 'call->sha256 = "UNSIGNED-PAYLOAD";'),
    ('I11: the parts of an object are not compared with its digest', MULTIPART,
     'store/s3/multipart.c', 'if (strcmp(hex, upload->put->sha256) != 0)', 'if (false)'),
    ('a multipart upload does not end', MULTIPART,
     'store/s3/keys.c', '(void) ffu_unfinished_end(place, some, count);', '(void) ffu_unfinished_end;'),
    ('M2: a removal without an answer is not noted', MOVE,
     'store/bucket/move.c', 'ffu_intent_note_removal(unanswered);', '(void) unanswered;'),
]

AS_ROOT = [] if os.getuid() == 0 else [
    'setpriv', '--reuid=0', '--regid=0', '--clear-groups', '--inh-caps=-all', '--ambient-caps=-all', '--']


def spreads(before, old, new):
    """Does the change reach into the next statement? What stands below an if without braces has to
    stay one statement: in place of nothing the if takes the statement that follows."""
    before = re.sub(r'/\*.*?\*/', '', before, flags=re.DOTALL).rstrip()
    if not old.rstrip().endswith(';') or not re.search(r'(\)|\belse|\bdo)$', before):
        return False
    statements = re.sub(r'\{.*\}', ';', new.strip(), flags=re.DOTALL)
    return not statements or ';' in statements[:-1]


def changed(src, file, *changes):
    """The source of a file with the changes. None if one does not apply, or changes more than it says."""
    with open(f'{src}/{file}') as f:
        source = f.read()
    for old, new in zip(changes[::2], changes[1::2]):
        if source.count(old) != 1 or spreads(source.partition(old)[0], old, new):
            return None
        source = source.replace(old, new)
    return source


def check(src):
    for what, *change in MUTANTS + WAL_MUTANTS + STANDBY_MUTANTS + [(what, *change) for what, _, *change in FILE_MUTANTS + BUCKET_MUTANTS]:
        tap.ok(changed(src, *change) is not None, f'applies: {what}')
    for before, old, new, wrong in (('if (a)\n	', 'b();', '', True), ('if (a)\n	', 'b();', '(void) b; c();', True),
                                    ('if (a)\n	', 'b();', '(void) b;', False), ('a();\n', 'b();', '', False)):
        tap.ok(spreads(before, old, new) == wrong, f'{"" if wrong else "not "}refused: {new!r} for {old!r} after {before!r}')
    for count, *lines in ((1, 'not ok 1 - cut', 'FATAL: killed', '#   HANGS: reader', '#   LOST FILE: 23503 notes/a', '#   ORPHAN FILE b'),
                          (0, 'ok 1 - cut', '# LOST FILE', 'not ok 2 - cut', '#   NO ANSWER: XX001 could not read block 0'),
                          (0, 'not ok 1 - cut', '#   the standby does not catch up', 'Traceback', 'KeyError')):
        tap.ok(count_verdicts(lines)[0] == count, f'{count} verdicts: {lines}', count_verdicts(lines))
    tap.done()


def build(work, file, *changes):
    """Builds a copy of the tree with the change. False if it does not apply."""
    tree = work + '/mutant'
    shutil.copytree(work + '/faults', tree, dirs_exist_ok=True)
    source = changed(tree + '/src', file, *changes)
    if source is None:
        return False
    with open(f'{tree}/src/{file}', 'w') as f:
        f.write(source)
    script = (f'. "{work}/faults/script/lib.sh"; mkdir -p "{work}/m"; copy_postgres "{work}/m"; '
              f'build_into "{tree}" "{work}/m" 1; private_bindir "{work}/m"')
    done = subprocess.run(['bash', '-c', script], stdout=subprocess.PIPE, text=True, check=True)
    os.environ['PATH'] = done.stdout.strip().splitlines()[-1] + ':' + os.environ['PATH']
    return True


def output(program, *args, prefix=()):
    here = os.path.dirname(os.path.abspath(__file__))
    return subprocess.run([*prefix, sys.executable, '-B', f'{here}/{program}.py', *args],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace').stdout


def failures(program, *args):
    """How many cases have failed, and why the first."""
    lines = output(program, *args).splitlines()
    count = sum(line.startswith('not ok') for line in lines)
    first = next((line for i, line in enumerate(lines) if i and lines[i - 1].startswith('not ok')), '')
    return count, first


def verdicts(program, *args):
    """The same of power cuts and standbys, as root, where only what is wrong with a file or a row counts: the
    server or the test may fail there for reasons of its own."""
    return count_verdicts(output(program, *args, prefix=AS_ROOT).splitlines())


def count_verdicts(lines):
    count, first, judged = 0, '', True
    for line in lines:
        if line.startswith(('ok', 'not ok')):
            judged = line.startswith('ok')
        elif line.startswith('#') and not judged and model.is_verdict(line):
            judged = True
            count += 1
            first = first or line
    return count, first or next((line for line in reversed(lines) if not re.fullmatch(r'[ok \d.#]*', line)), 'no output')


def test_failures(work, name):
    """The failures of a file of test/t, with the mutant that was built."""
    place = work + '/t'
    os.makedirs(place, exist_ok=True)
    for link, target in ('faults', 'mutant'), ('release', 'release'), ('a', 'm'), ('b', 'b'):
        if not os.path.lexists(f'{place}/{link}'):
            os.symlink(f'{work}/{target}', f'{place}/{link}')
    done = subprocess.run(['bash', f'{work}/mutant/script/test', '--inside', place, 'tap', name],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
    lines = done.stdout.splitlines()
    ran = any(line.startswith('-- TAP tests') for line in lines)
    first = next((line for line in lines if line.lstrip().startswith('not ok')), done.stdout[-500:])
    return int(lines[-1].split()[-2]) if ran else 0, first


def built(work, mutants, pattern):
    """Builds, one after the other, the mutants that match, and gives what is known of each beside its change."""
    for what, *change in mutants:
        if not re.search(pattern, what):
            continue
        # A file and pairs of texts; perhaps the seer before.
        seer = [change.pop(0)] if len(change) % 2 == 0 else []
        if build(work, *change):
            yield what, *seer
        else:
            tap.ok(False, f'{what}: the change does not apply to {change[0]} any more')


def named_mutants(work, results, pattern):
    """The mutants that name what has to see them."""
    for what, seer in built(work, FILE_MUTANTS + BUCKET_MUTANTS, pattern):
        if seer == HARM:
            count, first = failures('histories', '--place', 'bucket', '--harm', '5', '--seconds', '60', '--until-loss',
                                    '--seed', '1')
        else:
            count, first = test_failures(work, seer)
        tap.ok(count, f'seen by {seer} ({count} failures): {what}', first)
        tap.note(first)
        with open(results, 'a') as f:
            f.write(json.dumps(dict(kind='mutant', what=what, seen=seer if count else 'nothing', count=count)) + '\n')


def wal_mutants(work, results, pattern):
    """The mutants that power cuts have to see, with both settings."""
    for what, in built(work, WAL_MUTANTS, pattern):
        for wal in 'small', 'all':
            count, first = verdicts('powercut', '--wal', wal, '--cuts', '8', '--until-loss', '--fs', 'ext4', '--layout',
                                    'apart')
            tap.ok(count, f'seen by power cuts with ffu.wal = {wal}: {what}', first)
            tap.note(first)
            with open(results, 'a') as f:
                f.write(json.dumps(dict(kind='mutant', what=f'ffu.wal = {wal}: {what}', seen='powercut', count=count)) + '\n')


def standby_mutants(work, results, pattern):
    """The mutants that standbys have to see."""
    for what, in built(work, STANDBY_MUTANTS, pattern):
        count, first = verdicts('standby', '--failovers', '8', '--between', '3', '--until-loss', '--fs', 'ext4')
        tap.ok(count, f'seen by standbys: {what}', first)
        tap.note(first)
        with open(results, 'a') as f:
            f.write(json.dumps(dict(kind='mutant', what=what, seen='standby', count=count)) + '\n')


def main():
    if sys.argv[1] == '--check':
        return check(sys.argv[2])
    work, results, pattern = (*sys.argv[1:], '')[:3]
    for what, in built(work, MUTANTS, pattern):
        seen, count, first = 'nothing', 0, ''
        for program, args in (('matrix', ['--quick', '--seconds', '25', '--source', work + '/mutant/src']),
                              ('histories', ['--seconds', '20', '--seed', '1'])):
            count, first = failures(program, *args)
            if count:
                seen = program
                break
        tap.ok(count, f'seen by {seen} ({count} failures): {what}', first)
        tap.note(first)
        with open(results, 'a') as f:
            f.write(json.dumps(dict(kind='mutant', what=what, seen=seen, count=count)) + '\n')
    if subprocess.run([*AS_ROOT, 'true'], stderr=subprocess.DEVNULL).returncode:
        tap.note('mutants of files in the WAL: power cuts need root')
    else:
        wal_mutants(work, results, pattern)
        standby_mutants(work, results, pattern)
    named_mutants(work, results, pattern)
    tap.done()


if __name__ == '__main__':
    main()
