"""Indices of parts of tensors, against NumPy's."""

import random

import numpy as np
import pytest

from holotensor._index import rows_of
from holotensor._numpy_arrays import NumpyFramework

ARRAY = np.arange(7 * 5 * 3).reshape(7, 5, 3)


def taken(index):
    rows = rows_of(index, ARRAY.shape)
    part = NumpyFramework().taken(ARRAY[rows.first : rows.end].copy(), rows.rest)
    return part, rows


def random_part(chance, size):
    def bound():
        return chance.choice([None, *range(-size - 2, size + 3)])

    kind = chance.random()
    if kind < 0.3:
        return chance.randrange(-size, size)
    if kind < 0.4:
        return Ellipsis
    return slice(bound(), bound(), chance.choice([None, 1, 2, 3, -1, -3]))


def test_random_indices_are_those_of_numpy():
    chance = random.Random(1)
    for _ in range(5000):
        index = tuple(random_part(chance, ARRAY.shape[i]) for i in range(chance.randrange(4)))
        try:
            wanted = ARRAY[index]
        except IndexError:
            with pytest.raises(IndexError):
                rows_of(index, ARRAY.shape)
            continue
        found, _ = taken(index)
        assert found.shape == wanted.shape, index
        np.testing.assert_array_equal(found, wanted, err_msg=repr(index))


def test_numbers_of_numpy_are_numbers():
    np.testing.assert_array_equal(taken((np.int64(2), np.int64(-1)))[0], ARRAY[2, -1])


def test_no_more_rows_are_read_than_taken():
    assert taken(slice(5, 1, -2))[1][:2] == (3, 6)
    assert taken(slice(1, 7, 3))[1][:2] == (1, 5)
    assert taken([4, 2])[1][:2] == (2, 5)
    assert taken(-1)[1][:2] == (6, 7)
    assert taken(slice(3, 3))[1][:2] == (0, 0)
