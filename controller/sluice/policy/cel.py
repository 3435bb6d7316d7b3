r"""Conditions that a policy writes in CEL (the Common Expression Language), over verified facts.

Only the boolean `true` means yes. Whatever else comes of an expression is a `CelFault`: the library
*returns* what goes wrong while it evaluates, as a value whose text is as true as any in Python.

What an expression is refused for when it is compiled, in the order of the code:
(1) it is empty, too long, or not text;
(2) its syntax; nesting beyond 32 levels (the library's limit);
(3) a message, or a map key that is no literal: `.map(x, {x: x})` makes a type that doubles with
    each step, and checking twenty of them never ends;
(4) its types, and names that are not in `VARIABLES`;
(5) functions that are not in `cel_cost.FUNCTIONS`, the two-argument `getHours(zone)` and its like
    (the library would open the zone as a file, whichever is named), and a regular expression that
    is not written in the expression;
(6) what gives neither a boolean nor a value whose type only the data tells.

What data is refused for, before the library sees it:
(7) U+0000 in a text or key: the library cuts text there, so `alice\0` would equal `alice`;
(8) lone surrogates, numbers beyond 64 bits, NaN, nesting beyond 64 levels: some end the process;
(9) more than `INPUT_BYTES_MAX`, or work beyond `cel_cost.WORK_MAX`.

There is no `now`: time is for windows, so that a verdict changes only when something does.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from cel_expr_python import cel  # type: ignore[import-untyped]  # it has stubs, but no py.typed
from cel_expr_python.ext import (  # type: ignore[import-untyped]  # it has stubs, but no py.typed
    ext_math,
    ext_optional,
    ext_strings,
)

from sluice.errors import Refused
from sluice.policy.cel_cost import FUNCTIONS, GATHERED, TooCostlyError, bound_work
from sluice.policy.cel_syntax import (
    Call,
    Constant,
    Identifier,
    ListOf,
    Loop,
    MapOf,
    Node,
    SyntaxUnreadableError,
    children,
    read_tree,
)
from sluice.policy.semver import compare
from sluice.resources.text import plain

__all__ = [
    "EXPRESSION_CHARS_MAX",
    "INPUT_BYTES_MAX",
    "VARIABLES",
    "CelFault",
    "Expression",
    "compile_expression",
    "evaluate_expression",
]

EXPRESSION_CHARS_MAX: Final = 4096
"""Longest expression: a page of text. Compiling as much takes 10 ms."""

INPUT_BYTES_MAX: Final = 4 * 1024 * 1024
"""Most data of one evaluation, about as many bytes as its JSON: one largest attestation."""

INPUT_DEPTH_MAX: Final = 64
"""Deepest nesting of data; as in attestations (`sluice.verify.json_strict`)."""

COMPILED_MAX: Final = 256
"""Expressions kept compiled, each some 100 KB at most: more than the policies of a cluster have."""

MESSAGE_CHARS_MAX: Final = 300

_INTEGERS: Final = range(-(2**63), 2**63)

_TEXT_MAP: Final = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)

VARIABLES: Final[Mapping[str, Any]] = {
    "release": _TEXT_MAP,
    "channel": _TEXT_MAP,
    "predicate": cel.Type.DYN,
    "statement": _TEXT_MAP,
    "findings": cel.Type.List(_TEXT_MAP),
    "packages": cel.Type.List(_TEXT_MAP),
    "bundle": _TEXT_MAP,
    "live": _TEXT_MAP,
}
"""What an expression may speak of, each with its type."""

_GETTER: Final = re.compile(r"get[A-Z]")
_PLACE: Final = re.compile(r"<input>:(-?\d+):(-?\d+): ([^\n]*)")
_UNDECLARED: Final = re.compile(r"undeclared reference to '([^']*)'")
_NESTED: Final = re.compile(r"recursion (limit|depth)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A compiled expression."""

    text: str
    tree: Node
    """What `cel_cost` bounds the work of."""

    names: frozenset[str]
    """The variables that it speaks of."""

    program: Any
    """The library's own form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CelFault:
    """An expression that gave no answer."""

    reason: str
    """CelInputInvalid, CelInputTooLarge, CelTooCostly, CelFailed or CelNotBoolean."""

    message: str


@lru_cache(maxsize=COMPILED_MAX)
def compile_expression(text: str) -> Expression:
    """Return an expression, checked as far as it can be without data.

    Raises:
        Refused: `CelInvalid`, with line and column where there is one.
    """
    if not text.strip():
        raise _invalid("it is empty")
    if len(text) > EXPRESSION_CHARS_MAX:
        raise _invalid(f"it is longer than {EXPRESSION_CHARS_MAX} characters")
    try:
        environment = _environment()
        # Type checking comes second: it may take for ever over what parsing finds (3).
        for node in _nodes(read_tree(environment.compile(text, disable_check=True).serialize())):
            _refuse_map(node)
        program = environment.compile(text)
        tree = read_tree(program.serialize())
    except SyntaxUnreadableError as error:
        raise _invalid("it is nested too deeply; split it into several requirements") from error
    except (RuntimeError, TypeError, ValueError, MemoryError) as error:
        raise _invalid(_explained(str(error))) from error
    for node in _nodes(tree):
        _refuse_call(node)
    if program.return_type() not in (cel.Type.BOOL, cel.Type.DYN):
        kind = plain(str(program.return_type()), MESSAGE_CHARS_MAX)
        raise _invalid(f"it gives {kind}, and must give true or false: compare it with something")
    names = {node.name for node in _nodes(tree) if isinstance(node, Identifier)}
    return Expression(
        text=text, tree=tree, names=frozenset(names & VARIABLES.keys()), program=program
    )


def evaluate_expression(
    expression: Expression, variables: Mapping[str, Any]
) -> Literal[True, False] | CelFault:
    """Return what an expression says of these variables; True only if it is the boolean true.

    Args:
        expression: from `compile_expression`.
        variables: JSON values by the names of `VARIABLES`; those that are not spoken of are not
            looked at. They must not change meanwhile.
    """
    data = {name: variables[name] for name in expression.names if name in variables}
    if fault := _data_fault(data):
        return fault
    try:
        bound_work(expression.tree, data)
        value = expression.program.eval(data=data)
        # Only these two kinds may be turned into Python: for each null in a value the library gives
        # away a reference to None that it does not own, and some thousand of them end the process.
        kind = value.type()
        if kind == cel.Type.BOOL:
            return value.plain_value() is True
        if kind == cel.Type.ERROR:
            return _failed(str(value.plain_value()))
    except TooCostlyError:
        return CelFault(
            reason="CelTooCostly",
            message="The expression could take too long over this data: look at fewer things in it,"
            " or use exists() and all() in place of map() and filter().",
        )
    except Exception as error:  # noqa: BLE001 - foreign code must not get past this line
        return _failed(str(error))
    return CelFault(
        reason="CelNotBoolean",
        message=f"The expression gave {plain(str(kind), MESSAGE_CHARS_MAX)}, and must give true or"
        " false: compare it with something.",
    )


@lru_cache(maxsize=1)
def _environment() -> Any:
    versions = cel.CelExtension(
        "sluice",
        [
            cel.FunctionDecl(
                "semverCompare",
                [
                    cel.Overload(
                        "semver_compare",
                        return_type=cel.Type.INT,
                        parameters=[cel.Type.STRING, cel.Type.STRING],
                        impl=compare,
                    )
                ],
            )
        ],
    )
    return cel.NewEnv(
        variables=dict(VARIABLES),
        extensions=[
            ext_strings.ExtStrings(),
            ext_math.ExtMath(),
            ext_optional.ExtOptional(),
            versions,
        ],
    )


def _nodes(tree: Node) -> Iterator[Node]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += children(node)


def _refuse_map(node: Node) -> None:
    if not isinstance(node, MapOf):
        return
    if node.message:
        name = plain(node.message, MESSAGE_CHARS_MAX)
        raise _invalid(f"it makes a message ({name}): use a map, as in {{'name': value}}")
    if not all(isinstance(key, Constant) for key in node.keys):
        raise _invalid("the keys of a map must be literals, as in {'name': value}")


def _refuse_call(node: Node) -> None:
    if isinstance(node, Loop) and node.accumulator != GATHERED and node.range != ListOf(()):
        raise _invalid("it holds a loop of an unknown kind")
    if not isinstance(node, Call):
        return
    name = plain(node.function, MESSAGE_CHARS_MAX)
    if node.function not in FUNCTIONS:
        raise _invalid(f"{name}() may not be called here")
    if _GETTER.match(node.function) and len(node.arguments) > 1:
        raise _invalid(f"{name}() takes no time zone here: times are in UTC")
    if node.function == "matches" and not isinstance(node.arguments[-1], Constant):
        raise _invalid("matches() wants its pattern written out, as in matches('^v[0-9]+$')")


def _data_fault(data: Mapping[str, Any]) -> CelFault | None:
    try:
        size = sum(_size(value, name, INPUT_DEPTH_MAX) for name, value in data.items())
    except _UnfitError as unfit:
        return CelFault(
            reason="CelInputInvalid",
            message=f"The expression can't be asked about this data: {unfit}.",
        )
    if size > INPUT_BYTES_MAX:
        return CelFault(
            reason="CelInputTooLarge",
            message=f"The expression speaks of more than {INPUT_BYTES_MAX} bytes of data:"
            " attest less in one statement.",
        )
    return None


class _UnfitError(ValueError):
    """A value that the library would misread, or not survive."""


def _size(value: Any, name: str, depth: int) -> int:
    """Return about how many bytes of JSON a value is.

    Raises:
        _UnfitError: for anything but JSON that the library reads as it is written (7) (8).
    """
    kind = type(value)
    if kind is str:
        return _text_size(value, name)
    if kind is dict or kind is list:
        if depth <= 0:
            msg = f"{name} is nested deeper than {INPUT_DEPTH_MAX} levels"
            raise _UnfitError(msg)
        if kind is list:
            return 2 + sum([_size(each, name, depth - 1) + 1 for each in value])
        return 2 + sum(
            [_key_size(key, name) + _size(item, name, depth - 1) + 2 for key, item in value.items()]
        )
    if value is None or kind is bool:
        return len("false")
    if kind is int and value in _INTEGERS:
        return len(str(_INTEGERS.start))
    if kind is float and math.isfinite(value):
        return len(str(_INTEGERS.start))
    msg = f"{name} holds a {kind.__name__} that JSON has no word for"
    raise _UnfitError(msg)


def _key_size(key: Any, name: str) -> int:
    if type(key) is not str:
        msg = f"{name} holds a key that is no text"
        raise _UnfitError(msg)
    return _text_size(key, name)


def _text_size(text: str, name: str) -> int:
    if "\0" in text:
        msg = f"{name} holds text with a zero character (U+0000)"
        raise _UnfitError(msg)
    if text.isascii():
        return len(text) + 2
    try:
        return len(text.encode()) + 2
    except UnicodeEncodeError as error:
        msg = f"{name} holds text that is not valid Unicode"
        raise _UnfitError(msg) from error


def _failed(said: str) -> CelFault:
    text = plain(said.partition(": ")[2] or said, MESSAGE_CHARS_MAX)
    hint = ""
    if "Key not found" in said:
        hint = " Ask has(a.b) first, or write a.?b.orValue(...) for what may be absent."
    elif "Iteration budget" in said:
        hint = " It loops over too much: look at fewer things."
    return CelFault(reason="CelFailed", message=f"The expression failed: {text}.{hint}")


def _invalid(why: str) -> Refused:
    return Refused("CelInvalid", f"The CEL expression is refused: {why}.")


def _explained(said: str) -> str:
    """Return what the library says of a faulty expression, as the end of a sentence."""
    if _NESTED.search(said):
        return "it is nested too deeply; split it into several requirements"
    place = _PLACE.search(said)
    if place is None:
        return plain(said.partition(": ")[2] or said, MESSAGE_CHARS_MAX)
    line, column, text = place.groups()
    if unknown := _UNDECLARED.search(text):
        name = plain(unknown[1], MESSAGE_CHARS_MAX)
        text = f"{name!r} is not known here; there are {', '.join(VARIABLES)}"
    return f"line {line}, column {column}: {plain(text.strip(), MESSAGE_CHARS_MAX)}"
