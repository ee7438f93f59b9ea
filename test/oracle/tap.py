"""Says what was tested, in the words of the Test Anything Protocol."""

import sys
import threading

_lock = threading.Lock()
passed = 0
failed = 0


def ok(good, label, *why):
    global passed, failed
    with _lock:
        passed, failed = passed + bool(good), failed + (not good)
        print(f"{'ok' if good else 'not ok'} {passed + failed} - {label}")
        if not good:
            for line in why:
                print(f'#   {line}')
        sys.stdout.flush()
    return good


def note(text):
    with _lock:
        print('# ' + text, flush=True)


def skip_all(why):
    print('1..0 # SKIP ' + why, flush=True)
    sys.exit(0)


def done():
    print(f'1..{passed + failed}', flush=True)
    sys.exit(1 if failed or not passed else 0)
