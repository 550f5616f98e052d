"""A file without its index, by the recovery blocks of docs/FORMAT.md, §20."""

import struct
import zlib
from pathlib import Path

from entropy import Reader, need
from hct_decode import VERSION, File

MAGIC = b'HCT3REC\n'


class Recovered(File):
    """What the blocks say of a file from which none is missing; header, index and trailer are not looked at."""

    def __init__(self, path, base=None):
        self.base, self.data = base, Path(path).read_bytes()
        self.provenance, self.hint, self.files, self.tensors = None, None, [], {}
        self.file_hashes = []
        self.first, self.last, at = None, False, 0
        while (at := self.data.find(MAGIC, at)) >= 0:
            at = self.block(at)

    def block(self, at):
        """Reads the block at a magic, if it is one; returns where to look for the next."""
        if len(self.data) < at + 24:
            return at + 1
        offset, length, crc = struct.unpack_from('<QII', self.data, at + 8)
        body = self.data[at + 24:at + 24 + length]
        if offset != at or len(body) != length or zlib.crc32(self.data[at + 8:at + 20] + body) != crc:
            return at + 1
        r = Reader(body)
        first, self.minor = r.number('I'), r.number('H')
        need(self.minor <= VERSION[1], 'a block of a later version')
        need(not self.last, 'a block after the last')
        need(first == (self.first or 0), 'a block of another file')
        self.first = crc if self.first is None else self.first
        self.last = bool(r.code(0, 1))
        need(r.varint() == len(self.files) and r.varint() == len(self.tensors), 'a block is missing')
        self.end = at
        self.read_entries(r)
        r.finish()
        return at + 24 + length
