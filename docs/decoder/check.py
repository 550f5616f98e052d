#!/usr/bin/env python3
"""Decodes the committed files of crates/hct-core/tests/vectors with hct_decode.py and compares.

    check.py [FOLDER]

The manifest in the folder says what every tensor decodes to (examples/vectors in hct-core writes
it). Files that are carried have to unpack, and the recovery blocks of every file to say what its index says; one
file has none. Exits with 1 if anything differs.
"""

import hashlib
import struct
import sys
from pathlib import Path

from hct_decode import Bad, File
from recovery import Recovered

VECTORS = Path(__file__).resolve().parents[2] / 'crates/hct-core/tests/vectors'


def from_dtype(data, dtype):
    if dtype == 'BF16':
        data = b''.join(b'\0\0' + data[i:i + 2] for i in range(0, len(data), 2))
    kind = 'e' if dtype == 'F16' else 'f'
    return [v[0] for v in struct.iter_unpack('<' + kind, data)]


def near(got, want, dtype):
    """Equal up to the rounding of an inverse DCT, and then to the dtype."""
    got, want = from_dtype(got, dtype), from_dtype(want, dtype)
    limit = {'F32': 1e-5, 'F16': 2.0**-10, 'BF16': 2.0**-7}[dtype] * max(map(abs, want))
    return len(got) == len(want) and all(abs(a - b) <= limit for a, b in zip(got, want))


def check(folder):
    """Decodes every line of the manifest; returns how many agree and how many do not."""
    passed = failed = 0
    base = File(folder / 'base.hct')
    second = File(folder / 'second_base.hct', base)
    for line in (folder / 'manifest.txt').read_text().splitlines():
        file, number, fragments, dtype, what, value = line.split(' ')
        try:
            opened = File(folder / file, second if file.startswith('on_second_base') else base)
            got = opened.decode(list(opened.tensors)[int(number)], int(fragments))
            if what == 'near':
                ok = near(got, (folder / value).read_bytes(), dtype)
            else:
                ok = what == 'sha256' and hashlib.sha256(got).hexdigest() == value
        except Bad as why:
            ok, what = False, f'{what}: {why}'
        passed, failed = passed + ok, failed + (not ok)
        if not ok:
            print(f'{file}, tensor {number} from {fragments} fragments, {dtype}: differs ({what})')
    for path in sorted(folder.glob('*.hct')):
        try:
            file, again = File(path), Recovered(path)
            for _, carried, *_ in file.files:
                file.carried(carried)
            said = [(f.provenance, f.hint, f.files, f.file_hashes, f.tensors) for f in (file, again)]
            empty = not file.files and not file.tensors
            without = empty or path.stem == 'files_without_recovery_blocks'
            ok = not (again.files or again.tensors) if without else again.last and said[0] == said[1]
        except Bad as why:
            ok = False
            print(why)
        passed, failed = passed + ok, failed + (not ok)
        if not ok:
            print(f'{path.name}: the recovery blocks are not those of the index')
    return passed, failed


if __name__ == '__main__':
    passed, failed = check(Path(sys.argv[1]) if len(sys.argv) > 1 else VECTORS)
    print(f'{passed} passed, {failed} failed')
    sys.exit(0 if passed and not failed else 1)
