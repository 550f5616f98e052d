"""Primitive fields and entropy coding of HCT V3: §1 and §7 to §9 of docs/FORMAT.md."""

import math
import struct


class Bad(Exception):
    """The file is damaged, or of a version this decoder does not know."""


def need(ok, why):
    if not ok:
        raise Bad(why)


# §1 Conventions

def f32(x):
    """x, a result of one operation in f64, in f32. (Rounding + and · twice is harmless.)"""
    try:
        return struct.unpack('<f', struct.pack('<f', x))[0]
    except OverflowError:
        raise Bad('a value is out of range') from None


F32_MAX = (2 - 2.0**-23) * 2.0**127


def finite_f32(x):
    try:
        return struct.unpack('<f', struct.pack('<f', x))[0]
    except OverflowError:
        return math.copysign(F32_MAX, x)


def unzigzag(u):
    return -(u >> 1) - 1 if u & 1 else u >> 1


class Reader:
    def __init__(self, data):
        self.data, self.pos = data, 0

    def take(self, n):
        need(n <= len(self.data) - self.pos, 'the data end early')
        self.pos += n
        return self.data[self.pos - n:self.pos]

    def number(self, kind):
        return struct.unpack('<' + kind, self.take(struct.calcsize(kind)))[0]

    def u8(self):
        return self.take(1)[0]

    def varint(self):
        value = 0
        for shift in range(0, 64, 7):
            byte = self.u8()
            value |= (byte & 127) << shift
            if byte < 128:
                need(value < 1 << 64 and (byte or not shift), 'a varint is misspelled')
                return value
        raise Bad('a varint is too long')

    def up_to(self, most, least=0):
        value = self.varint()
        need(least <= value <= most, f'{value} is not within {least}..{most}')
        return value

    def code(self, *known):
        value = self.u8()
        need(value in known, f'{value} is a reserved value')
        return value

    def blob(self):
        return self.take(self.varint())

    def string(self):
        try:
            return self.blob().decode('utf-8')
        except UnicodeDecodeError:
            raise Bad('a string is not UTF-8') from None

    def rest(self):
        return self.take(len(self.data) - self.pos)

    def finish(self):
        need(self.pos == len(self.data), 'bytes are left over')


# §7 Adaptive binary coder

class Binary:
    def __init__(self, data):
        self.data, self.pos, self.range, self.code = data, 0, 0xffffffff, 0
        for _ in range(4):
            self.next_byte()

    def next_byte(self):
        byte = self.data[self.pos] if self.pos < len(self.data) else 0
        self.pos += 1
        need(self.pos <= len(self.data) + 8, 'a binary stream ends early')
        self.code = self.code << 8 | byte

    def bit(self, model):
        """model is [p, n]"""
        p, n = model
        bound = (self.range >> 16) * p
        shift = min((n + 1).bit_length(), 6)
        model[1] = min(n + 1, 255)
        bit = self.code >= bound
        if bit:
            self.code -= bound
            self.range -= bound
            model[0] = max(p - (p >> shift), 64)
        else:
            self.range = bound
            model[0] = min(p + ((65535 - p) >> shift), 65472)
        self.normalize()
        return int(bit)

    def raw(self):
        self.range >>= 1
        bit = self.code >= self.range
        if bit:
            self.code -= self.range
        self.normalize()
        return int(bit)

    def normalize(self):
        while self.range < 1 << 24:
            self.range <<= 8
            self.next_byte()

    def finish(self):
        need(self.pos >= len(self.data), 'a binary stream has bytes left over')


class Uint:
    """§7.1"""

    def __init__(self):
        self.length = [[32768, 0] for _ in range(65)]
        self.mantissa = {}

    def get(self, dec):
        n = 0
        while n < 63 and dec.bit(self.length[n]):
            n += 1
        v = node = 1
        for _ in range(n):
            if node < 8:
                bit = dec.bit(self.mantissa.setdefault((n, node), [32768, 0]))
                node = 2 * node + bit
            else:
                bit = dec.raw()
            v = 2 * v + bit
        return v - 1

    def signed(self, dec):
        return unzigzag(self.get(dec))


# §8 Frequency tables, as 4096 slots of (symbol, frequency, start)

def slots(freqs):
    out, start = [], 0
    for symbol, f in enumerate(freqs):
        out += [(symbol, f, start)] * f
        start += f
    assert start == 4096
    return out


class TableModels:
    """§8.1: the models of tables that are stored one after another."""

    def __init__(self):
        self.length, self.freqs = Uint(), [Uint() for _ in range(14)]

    def table(self, dec, symbols):
        n = self.length.get(dec)
        need(1 <= n <= symbols, 'a table has a bad length')
        freqs = []
        while len(freqs) < n and sum(freqs) < 4096:
            previous = freqs[-1] if freqs else 0
            freqs.append(self.freqs[previous.bit_length()].get(dec))
            need(sum(freqs) <= 4096, 'frequencies sum to too much')
        need(sum(freqs) == 4096, 'frequencies sum to too little')
        return slots(freqs)


def stored_table(data, symbols):
    """§8.1: a table by itself."""
    dec = Binary(data)
    table = TableModels().table(dec, symbols)
    dec.finish()
    return table


def table_of_weights(weights):
    """§8.2"""
    total = sum(weights)
    freqs = [max(1, 4096 * w // total) if w else 0 for w in weights]
    surplus = 4096 - sum(freqs)
    while surplus:
        most = freqs.index(max(freqs))
        change = surplus if surplus > 0 else -min(-surplus, freqs[most] // 2)
        freqs[most] += change
        surplus -= change
    return slots(freqs)


# §9 rANS streams

def rans(data, n, lanes, table_of):
    """n symbols; table_of(i, symbols before i) is the table of symbol i."""
    need(len(data) >= 4 * lanes and len(data) % 2 == 0, 'a rANS stream is cut short')
    states = list(struct.unpack_from(f'<{lanes}I', data))
    words = struct.unpack_from(f'<{len(data) // 2 - 2 * lanes}H', data, 4 * lanes)
    need(min(states) >= 65536, 'a rANS state is out of range')
    out, word = [], 0
    for i in range(n):
        x = states[i % lanes]
        slot = x & 4095
        symbol, freq, start = table_of(i, out)[slot]
        x = freq * (x >> 12) + slot - start
        if x < 65536:
            need(word < len(words), 'a rANS stream is cut short')
            x = x << 16 | words[word]
            word += 1
        states[i % lanes] = x
        out.append(symbol)
    need(word == len(words) and all(x == 65536 for x in states), 'a rANS stream ends wrongly')
    return out
