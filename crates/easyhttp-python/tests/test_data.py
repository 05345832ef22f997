"""Any JSON value, both ways, and what JSON cannot say."""

import enum
import json
import math

import pytest
from support import post

#: What travels, unchanged.
VALUES = [
    None,
    True,
    42,
    -(2**63),
    2**64 - 1,
    0.1,
    -1.5e300,
    5e-324,
    "",
    "grün 🌡 \u0000 \"quoted\" \\ \n",
    [],
    {},
    [1, [2, [3, [None, {"deep": [False, 0, ""]}]]]],
    {"": 1, "with space": {"a": [{"b": {"c": 1.25}}]}, "ключ": "значение"},
    list(range(1000)),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
def test_any_json_travels_both_ways(start, value):
    given = []
    peer = start(
        on_fetch=lambda query: given.append(query) or query,
        on_data=lambda data: given.append(data),
        on_push=lambda data: given.append(data) or True,
    )
    asker = start(knows=peer)
    assert same(asker.fetch_data(peer.id, value), value)
    assert asker.push(peer.id, value) is True
    asker.send(peer.id, asker.commands.DATA, value)
    assert all(same(got, value) for got in given) and len(given) == 3


def same(one, other):
    """Equal, and of the same types: 1 is neither 1.0 nor True."""
    return repr(one) == repr(other)


def test_numbers_that_others_send_are_read_as_json_does(start):
    given = []
    peer = start(on_data=lambda data: given.append(data))
    post(peer, {"type": 4, "data": [1e2, -0.0, 2**53 + 1, 10**15]})
    assert same(given, [[1e2, -0.0, 2**53 + 1, 10**15]])


#: JSON in all of its forms, also those that Python's own `json` does not write.
TEXTS = [
    ' { "a" : [ 1 , 2 ] ,\r\n\t"b":{ } , "c" : [ ] } ',
    '{"twice": 1, "once": 2, "twice": 3}',
    r'["\"", "\\", "\/", "\b\f\n\r\t", "\u0041\u00e9\u0000", "a\u20acb", "\ud83c\udf21"]',
    r'{"k\u0065y \n": "ключ", "plain": "x\ty"}',
    r'["half \ud800", "\udc00 and \ud800\u0041"]',
    "[0, -0, -1, 9007199254740993, 9223372036854775807, -9223372036854775808]",
    "[9223372036854775808, 18446744073709551616, -123456789012345678901234567890]",
    "[0.0, -0.0, 1e2, 1E+2, 25e-1, 0.1, 1.7976931348623157e308, 5e-324, 1e-400]",
    "[true, false, null, [true], {\"x\": null}]",
    "[" * 100 + "]" * 100,
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:30])
def test_json_that_others_send_is_read_as_python_does(start, text):
    given = []
    peer = start(on_data=lambda data: given.append(data))
    post(peer, '{"type": 4, "data": ' + text + "}")
    assert same(given, [json.loads(text)])


def test_what_json_has_a_word_for(start):
    """Tuples, subclasses, and keys that are not texts: as `json.dumps` writes them."""

    class Colour(str, enum.Enum):
        RED = "red"

    class Level(enum.IntEnum):
        HIGH = 3

    class Names(dict):
        pass

    peer = start(on_fetch=lambda query: query)
    asker = start(knows=peer)
    for value in [
        (1, (2, 3)),
        Names(a=1),
        Level.HIGH,
        [Colour.RED],
        {1: "one", 2.5: "x", True: "yes", None: "none", -(10**9): "many"},
    ]:
        assert asker.fetch_data(peer.id, value) == json.loads(json.dumps(value))


#: What cannot travel: the value, the exception, and what its text says.
BAD = [
    ({"readings": [1, 2, 3, {4}]}, TypeError, "data.readings[3]: set is not JSON-serialisable"),
    (object(), TypeError, "data: object is not JSON-serialisable"),
    (b"bytes", TypeError, "data: bytes is not JSON-serialisable"),
    ([{"when": 1j}], TypeError, "data[0].when: complex is not JSON-serialisable"),
    ({"two words": {1: {2}}}, TypeError, "data['two words'][1]: set is not JSON-serialisable"),
    ({(1, 2): 3}, TypeError, "data: a key is a tuple, and JSON's keys are texts"),
    ({"n": 2**64}, ValueError, "data.n: a whole number beyond 64 bits"),
    (-(2**63) - 1, ValueError, "data: a whole number beyond 64 bits"),
    ({2**70: 1}, ValueError, "data: a whole number beyond 64 bits"),
    ([math.nan], ValueError, "data[0]: JSON has no word for nan"),
    ({"a": [math.inf]}, ValueError, "data.a[0]: JSON has no word for an infinite number"),
    ({"a": "half \ud800"}, ValueError, "data.a: a text with half a character"),
    ({"\udfff": 1}, ValueError, "data: a text with half a character"),
]


@pytest.mark.parametrize(("value", "error", "text"), BAD, ids=[text for _, _, text in BAD])
def test_what_json_cannot_say_names_its_path(start, value, error, text):
    peer = start(on_push=lambda: pytest.fail("it was sent"))
    asker = start(knows=peer)
    with pytest.raises(error) as wrong:
        asker.push(peer.id, value)
    assert type(wrong.value) is error
    assert text in str(wrong.value)
    with pytest.raises(error) as wrong:
        asker.send(peer.id, asker.commands.PUSH, value)
    assert text in str(wrong.value)
    # The name is that of the argument.
    for fetch in (asker.fetch, asker.fetch_data):
        with pytest.raises(error) as wrong:
            fetch(peer.id, value)
        assert text.replace("data", "query", 1) in str(wrong.value)


def test_what_is_too_deep(start):
    deep = nested(126)
    peer = start(on_fetch=lambda query: query)
    asker = start(knows=peer)
    assert asker.fetch_data(peer.id, deep) == deep
    with pytest.raises(ValueError, match="deeper than 127 levels"):
        asker.push(peer.id, nested(100_000))


def test_what_holds_itself(start):
    ring = {"name": "ring"}
    ring["self"] = ring
    with pytest.raises(ValueError, match="holding itself"):
        start().push("ZZZZZZ", ring)


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value
