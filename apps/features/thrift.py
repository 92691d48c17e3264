"""Thrift's compact protocol, as far as Parquet's footers and page headers use it.

Read here because pyarrow ends the process on some broken footers when it is asked for their columns.
"""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 12  # a footer's deepest: file, group, column, its data, statistics, a box of them
_TRUE, _FALSE, _BYTE, _I16, I32, I64, _DOUBLE, BINARY, _LIST, _STRUCT = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12)

Fields = dict[int, tuple[int, Any]]  # number of the field to its kind and value


def struct(body: bytes, at: int, depth: int = 0) -> tuple[Fields, int]:
    """The fields of the struct at `at`, and where it ends.

    Raises:
        ValueError: not a struct, or one that Parquet has not.
        IndexError: the bytes end within it.
    """
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    fields: Fields = {}
    number = 0
    while True:
        kind, step = body[at] & 15, body[at] >> 4
        at += 1
        if not kind:
            return fields, at
        if step:
            number += step
        else:
            number, at = _whole(body, at)
        if number in fields:
            raise ValueError("a field stands twice")
        value, at = _value(body, at, kind, depth)
        fields[number] = (kind, value)


def whole(fields: Fields, number: int, kind: int = I32) -> int:
    """A number that has to be there and not below zero.

    Raises:
        ValueError: it is not.
    """
    found = fields.get(number)
    if found is None or found[0] != kind or found[1] < 0:
        raise ValueError(f"field {number} is missing or no size")
    return int(found[1])


def structs(fields: Fields, number: int) -> list[Fields]:
    """A list of structs that has to be there.

    Raises:
        ValueError: it is not.
    """
    kind, found = fields.get(number, (0, []))
    if kind != _LIST or not all(isinstance(one, dict) for one in found):
        raise ValueError(f"field {number} is no list")
    return list(found)


def inner(fields: Fields, number: int) -> Fields | None:
    """The struct in field `number`, None if there is none."""
    kind, found = fields.get(number, (0, None))
    return dict(found) if kind == _STRUCT else None


def _value(body: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in {_TRUE, _FALSE}:
        return None, at
    if kind in {_I16, I32, I64}:
        return _whole(body, at)
    if kind == BINARY:
        length, at = _varint(body, at)
        if at + length > len(body):
            raise IndexError("text ends too early")
        return body[at : at + length], at + length
    if kind == _LIST:
        return _list(body, at, depth)
    if kind == _STRUCT:
        return struct(body, at, depth + 1)
    if kind in {_BYTE, _DOUBLE}:
        return None, at + (1 if kind == _BYTE else 8)
    raise ValueError("a kind of field that Parquet has not")


def _list(body: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    kind, size = body[at] & 15, body[at] >> 4
    at += 1
    if size == 15:  # noqa: PLR2004  # then the size follows
        size, at = _varint(body, at)
    if kind in {_TRUE, _FALSE}:
        kind = _BYTE  # in a list, each takes a byte
    values = []
    for _ in range(size):
        if at >= len(body):
            raise IndexError("a list ends too early")
        value, at = _value(body, at, kind, depth + 1)
        values.append(value)
    return values, at


def _whole(body: bytes, at: int) -> tuple[int, int]:
    coded, at = _varint(body, at)
    return (coded >> 1) ^ -(coded & 1), at


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        value |= (body[at] & 127) << shift
        at += 1
        if body[at - 1] < 128:  # noqa: PLR2004  # the highest bit says that more follows
            return value, at
    raise ValueError("an endless number")
