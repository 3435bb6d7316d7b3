"""The syntax tree of a parsed CEL expression, read from the library's serialized form.

The library bounds how often loops turn, but neither how large values grow nor how long comparing
them takes (`sluice.policy.cel_cost` does), and it shows its syntax tree in one way only: as the
protocol buffer messages `cel.expr.ParsedExpr` and `cel.expr.CheckedExpr`, inside a
`google.protobuf.Any`. Reading those few messages takes no protocol buffer library.

Source: cel-spec, proto/cel/expr/syntax.proto and checked.proto.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = [
    "Call",
    "Constant",
    "Identifier",
    "ListOf",
    "Loop",
    "MapOf",
    "Node",
    "Select",
    "SyntaxUnreadableError",
    "children",
    "read_tree",
]

NODES_DEEP_MAX: Final = 256
"""Deepest tree that is read. The library stops at 32 levels of source text; macros add to that."""

_ID: Final = 2
"""Field of an `Expr` that is no kind."""

_NULL: Final = 1
_STRING: Final = 6
_BYTES: Final = 7
"""Fields of a `Constant`."""

_KEY: Final = 3
_VALUE: Final = 4
"""Fields of a map's entry; a message's has a name (2) in place of the key."""

_MORE: Final = 0x80
_BITS: Final = 0x7F
_VARINT_BITS: Final = 64
"""A number is written in groups of seven bits; the eighth says that there are more."""

_LENGTH_FIRST: Final = 2
_WIDTHS: Final = {1: 8, 5: 4}
"""Bytes of a field by its wire type; 0 is a number."""


class SyntaxUnreadableError(ValueError):
    """The serialized expression is not what this module can read."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal."""

    value: str | bytes | int | None
    """Text and bytes as they are; None for null; a number or boolean only as some integer."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.field`, or whether there is one (`has(operand.field)`)."""

    operand: "Node"
    field: str
    test_only: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator (`_+_`), with its receiver as the first argument."""

    function: str
    arguments: tuple["Node", ...]
    is_member: bool


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list literal."""

    elements: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map literal; `message` is the name of the type when it makes a message instead."""

    message: str
    keys: tuple["Node", ...]
    values: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """What a macro (`all`, `exists`, `map`, `filter`, ...) stands for: a fold over a range."""

    variables: tuple[str, ...]
    range: "Node"
    accumulator: str
    start: "Node"
    condition: "Node"
    step: "Node"
    result: "Node"


Node = Constant | Identifier | Select | Call | ListOf | MapOf | Loop


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes straight below a node."""
    match node:
        case Constant() | Identifier():
            return ()
        case Select():
            return (node.operand,)
        case Call():
            return node.arguments
        case ListOf():
            return node.elements
        case MapOf():
            return (*node.keys, *node.values)
        case Loop():
            return (node.range, node.start, node.condition, node.step, node.result)


def read_tree(serialized: bytes) -> Node:
    """Return the syntax tree of a serialized expression, parsed or checked.

    Raises:
        SyntaxUnreadableError: when it is anything else, or too deep.
    """
    message = _Message(serialized)
    name = message.text(1).rpartition("/")[2]
    field = {"cel.expr.ParsedExpr": 2, "cel.expr.CheckedExpr": 4}.get(name)
    if field is None:
        msg = f"not an expression: {name!r}"
        raise SyntaxUnreadableError(msg)
    return _node(_Message(message.bytes(2)).message(field), NODES_DEEP_MAX)


class _Message:
    """The fields of one message, by number."""

    def __init__(self, data: bytes) -> None:
        self.fields: dict[int, list[int | bytes]] = {}
        for number, value in _fields(data):
            self.fields.setdefault(number, []).append(value)

    def bytes(self, number: int) -> bytes:
        value = self.fields.get(number, [b""])[-1]
        if not isinstance(value, bytes):
            raise SyntaxUnreadableError(number)
        return value

    def text(self, number: int) -> str:
        try:
            return self.bytes(number).decode()
        except UnicodeDecodeError as error:
            raise SyntaxUnreadableError(number) from error

    def number(self, number: int) -> int:
        value = self.fields.get(number, [0])[-1]
        if not isinstance(value, int):
            raise SyntaxUnreadableError(number)
        return value

    def message(self, number: int) -> "_Message":
        return _Message(self.bytes(number))

    def messages(self, number: int) -> "list[_Message]":
        values = self.fields.get(number, [])
        return [_Message(each) for each in values if isinstance(each, bytes)]


def _node(expr: _Message, depth: int) -> Node:
    """Return an `Expr` as a node. Its only field but the id says of which kind it is."""
    kinds = [number for number in expr.fields if number != _ID]
    if len(kinds) != 1 or kinds[0] not in _KINDS or depth <= 0:
        msg = f"kinds {kinds} at depth {NODES_DEEP_MAX - depth}"
        raise SyntaxUnreadableError(msg)
    return _KINDS[kinds[0]](expr.message(kinds[0]), depth - 1)


def _constant(body: _Message, _depth: int) -> Constant:
    if _STRING in body.fields:
        return Constant(body.text(_STRING))
    if _BYTES in body.fields:
        return Constant(body.bytes(_BYTES))
    return Constant(None if _NULL in body.fields else 0)


def _identifier(body: _Message, _depth: int) -> Identifier:
    return Identifier(body.text(1))


def _select(body: _Message, depth: int) -> Select:
    return Select(_node(body.message(1), depth), body.text(2), bool(body.number(3)))


def _call(body: _Message, depth: int) -> Call:
    receiver = body.messages(1)
    arguments = tuple(_node(each, depth) for each in receiver + body.messages(3))
    return Call(body.text(2), arguments, bool(receiver))


def _list(body: _Message, depth: int) -> ListOf:
    return ListOf(tuple(_node(each, depth) for each in body.messages(1)))


def _map(body: _Message, depth: int) -> MapOf:
    entries = body.messages(2)
    keys = tuple(_node(each.message(_KEY), depth) for each in entries if _KEY in each.fields)
    values = tuple(_node(each.message(_VALUE), depth) for each in entries)
    return MapOf(message=body.text(1), keys=keys, values=values)


def _loop(body: _Message, depth: int) -> Loop:
    return Loop(
        variables=tuple(name for name in (body.text(1), body.text(8)) if name),
        range=_node(body.message(2), depth),
        accumulator=body.text(3),
        start=_node(body.message(4), depth),
        condition=_node(body.message(5), depth),
        step=_node(body.message(6), depth),
        result=_node(body.message(7), depth),
    )


_KINDS: Final[Mapping[int, Callable[[_Message, int], Node]]] = {
    3: _constant,
    4: _identifier,
    5: _select,
    6: _call,
    7: _list,
    8: _map,
    9: _loop,
}


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        length = _WIDTHS.get(wire_type, -1)
        if wire_type == _LENGTH_FIRST:
            length, at = _varint(data, at)
        if not 0 <= length <= len(data) - at:
            msg = f"field {number} of wire type {wire_type}"
            raise SyntaxUnreadableError(msg)
        yield number, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < _VARINT_BITS:
        byte = data[at]
        value |= (byte & _BITS) << shift
        at, shift = at + 1, shift + 7
        if byte < _MORE:
            return value, at
    msg = "a number has no end"
    raise SyntaxUnreadableError(msg)
