"""An upper bound on what evaluating a CEL expression takes, from its syntax tree and its data.

The library stops after 10,000 turns of loops and at 32 levels of nesting, but `x + x` in twenty
chained `map`s makes a million times the text, `replace('', s)` multiplies, comparing such values
takes as long as they are large, and a regular expression may take a hundred nanoseconds a
character for each state it can be in. One such evaluation stops or kills the whole process. So
each is bounded before it begins, by walking its tree once with sizes in place of values.

Words: a *weight* is the size of a value, written out, in bytes; *work* is about a nanosecond.
`known` values are those that can be read off the data, which keeps the bound close to the truth
for what policies really say (`findings.all(f, f.severity != "high")`).
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final

from sluice.policy.cel_pattern import states
from sluice.policy.cel_syntax import (
    Call,
    Constant,
    Identifier,
    ListOf,
    Loop,
    MapOf,
    Node,
    Select,
    children,
)

__all__ = [
    "FUNCTIONS",
    "GATHERED",
    "TURNS_MAX",
    "WORK_MAX",
    "TooCostlyError",
    "bound_work",
    "weight_of",
]

TURNS_MAX: Final = 10_000
"""Turns of all loops of one evaluation, after which the library gives up."""

WORK_MAX: Final = 400_000_000
"""Most work of one evaluation: what takes as much takes under half a second, measured."""

GATHERED: Final = "@result"
"""The variable in which a macro gathers what it gives; no expression can name it."""

KNOWN_MAX: Final = 50_000
"""Values followed one by one; of more, only their size is."""

SCALAR: Final = 8
"""Weight of a number or boolean, and of a string or container beside what is in it."""

NUMBER_CHARS_MAX: Final = 330
"""Longest text of a number: the greatest double has 309 digits."""

PRECISION_MAX: Final = 1_000
"""Most digits that `%.1000f` may ask of the library's `format`."""

_STEP: Final = 60
"""Work of any one step, whatever it does."""

_APPEND: Final = 20
"""Work to copy half an element, when a list made by `map` or `filter` grows by one."""

_COMPARED_AT_ONCE: Final = 16
"""Bytes that a search compares in one go, at least."""

_SEMVER: Final = 4_000
"""Work of calling back into Python."""

_COMPILE: Final = 150
_MATCH: Final = 3
"""Work to compile a state of a regular expression, and to take a character through it."""


class TooCostlyError(ValueError):
    """Evaluating might take too long or too much memory."""


class Size:
    """What is known of a value before there is one."""

    __slots__ = ("_weight", "known")

    def __init__(self, weight: int | None, known: tuple[Any, ...] | None = None) -> None:
        self._weight = weight
        self.known = known
        """Every value it can be; None when there is no telling."""

    @property
    def weight(self) -> int:
        """The most it may weigh; of known values, found when first asked for."""
        if self._weight is None:
            self._weight = max(map(weight_of, self.known or ()), default=SCALAR)
        return self._weight


def weight_of(value: Any) -> int:
    """Return the weight of a JSON value."""
    if isinstance(value, str):
        return SCALAR + len(value) * (1 if value.isascii() else 4)
    if isinstance(value, list):
        return SCALAR + sum(map(weight_of, value))
    if isinstance(value, dict):
        return SCALAR + sum(weight_of(key) + weight_of(item) for key, item in value.items())
    return SCALAR


def bound_work(tree: Node, variables: Mapping[str, Any]) -> int:
    """Return an upper bound on the work of evaluating an expression over these variables.

    Raises:
        TooCostlyError: when it is above `WORK_MAX`.
        KeyError: for a function that is not in `FUNCTIONS`.
    """
    meter = _Meter(variables)
    meter.size(tree, {}, 1)
    return meter.work


class _Meter:
    """Adds up the work of one evaluation."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.variables = variables
        self.work = 0

    def size(self, node: Node, scope: Mapping[str, Size], times: int) -> Size:
        """Return the size of a node's value, and count its work, done `times` times."""
        work, size = _STEP, Size(SCALAR)
        match node:
            case Constant():
                size = _of_constant(node)
            case Identifier():
                size = self._variable(node.name, scope)
            case Select():
                operand = self.size(node.operand, scope, times)
                size = size if node.test_only else _member(operand, node.field)
            case Call():
                sizes = [self.size(each, scope, times) for each in node.arguments]
                size, work = FUNCTIONS[node.function](node, sizes)
            case ListOf() | MapOf():
                parts = [self.size(each, scope, times).weight for each in children(node)]
                size = Size(SCALAR + sum(parts))
                work += len(parts) * _STEP
            case Loop():
                return self._loop(node, scope, times)
        self._spend(times, work + _STEP)
        return size

    def _variable(self, name: str, scope: Mapping[str, Size]) -> Size:
        if name in scope:
            return scope[name]
        if name in self.variables:
            return Size(None, (self.variables[name],))
        # A type's name, or a variable that was not given: neither weighs anything.
        return Size(SCALAR)

    def _loop(self, loop: Loop, scope: Mapping[str, Size], times: int) -> Size:
        over = self.size(loop.range, scope, times)
        start = self.size(loop.start, scope, times)
        if loop.range == ListOf(()):
            # `optMap` names a value in this way: nothing turns.
            return self.size(loop.result, {**scope, loop.accumulator: start}, times)
        turns = min(_length(over), TURNS_MAX)
        all_turns = min(times * turns, TURNS_MAX)
        inside = {**scope, **dict.fromkeys(loop.variables, _element(over))}
        # What a macro gathers is named once in its step, and added to: its weight may be added too.
        inside[loop.accumulator] = Size(0)
        self.size(loop.condition, inside, all_turns)
        grown = self.size(loop.step, inside, all_turns).weight
        if isinstance(loop.start, ListOf):
            self._spend(all_turns, turns * _APPEND)
        gathered = Size(start.weight + turns * grown)
        self._spend(times, gathered.weight)
        return self.size(loop.result, {**scope, loop.accumulator: gathered}, times)

    def _spend(self, times: int, work: int) -> None:
        self.work += times * work
        if self.work > WORK_MAX:
            msg = f"more than {WORK_MAX} steps"
            raise TooCostlyError(msg)


def _of_constant(node: Constant) -> Size:
    if isinstance(node.value, bytes):
        return Size(SCALAR + len(node.value))
    return Size(None, (node.value,)) if isinstance(node.value, str) else Size(SCALAR)


def _followed(values: Iterator[Any], *sources: Size) -> Size:
    """Return the size of a value that is one of these, all taken from the sources."""
    known = tuple(islice(values, KNOWN_MAX + 1))
    if len(known) > KNOWN_MAX:
        return Size(max(each.weight for each in sources))
    return Size(None, known)


def _member(container: Size, name: str) -> Size:
    if container.known is None:
        return Size(container.weight)
    found = (each[name] for each in container.known if isinstance(each, dict) and name in each)
    return _followed(found, container)


def _element(container: Size) -> Size:
    """Return the size of what a loop's variable is: an element, a key or a position."""
    if container.known is None:
        return Size(container.weight)
    # A map's keys and a list's elements: what iterating over either gives in Python too.
    within = (each for each in container.known if isinstance(each, list | dict))
    return _followed(chain.from_iterable(within), container)


def _item(container: Size) -> Size:
    """Return the size of what `container[...]` may be."""
    if container.known is None:
        return Size(container.weight)
    within = (
        each.values() if isinstance(each, dict) else each
        for each in container.known
        if isinstance(each, list | dict)
    )
    return _followed(chain.from_iterable(within), container)


def _length(container: Size) -> int:
    if container.known is None:
        return container.weight // SCALAR
    return max((len(each) for each in container.known if isinstance(each, list | dict)), default=0)


Rule = Callable[[Call, list[Size]], tuple[Size, int]]
"""The size of a function's value and the work to get it, from those of its arguments."""


def _total(sizes: list[Size]) -> int:
    return sum(each.weight for each in sizes)


def _scalar(_call: Call, sizes: list[Size]) -> tuple[Size, int]:
    """A number, boolean or type, made by reading every argument once."""
    return Size(SCALAR), _total(sizes)


def _logic(_call: Call, _sizes: list[Size]) -> tuple[Size, int]:
    return Size(SCALAR), 0


def _compared(_call: Call, sizes: list[Size]) -> tuple[Size, int]:
    """A comparison ends with the shorter side."""
    return Size(SCALAR), min(each.weight for each in sizes)


def _searched(_call: Call, sizes: list[Size]) -> tuple[Size, int]:
    text, part = sizes[0].weight, sizes[1].weight
    return Size(SCALAR), text + text * (part // _COMPARED_AT_ONCE)


def _among(_call: Call, sizes: list[Size]) -> tuple[Size, int]:
    """`x in list` looks at every element, at most for as long as x is; at two for a map's key."""
    return Size(SCALAR), _length(sizes[1]) * _APPEND + min(
        sizes[1].weight, _length(sizes[1]) * sizes[0].weight
    )


def _matched(call: Call, sizes: list[Size]) -> tuple[Size, int]:
    pattern = call.arguments[-1]
    literal = pattern.value if isinstance(pattern, Constant) else None
    size = states(literal) if isinstance(literal, str) else WORK_MAX
    return Size(SCALAR), size * (_COMPILE + sizes[0].weight * _MATCH)


def _made(factor: int) -> Rule:
    """A value made of all arguments, some times as long."""

    def rule(_call: Call, sizes: list[Size]) -> tuple[Size, int]:
        weight = factor * _total(sizes) + NUMBER_CHARS_MAX
        return Size(weight), weight

    return rule


def _joined(_call: Call, sizes: list[Size]) -> tuple[Size, int]:
    """`+`: no number is made longer by it, so that sums of sums stay small."""
    weight = _total(sizes)
    return Size(weight), weight


def _replaced(_call: Call, sizes: list[Size]) -> tuple[Size, int]:
    """The empty text is found before every character and after the last."""
    text, new = sizes[0].weight, sizes[2].weight
    weight = text + (text + 1) * new
    return Size(weight), weight


def _listed(_call: Call, sizes: list[Size]) -> tuple[Size, int]:
    """`list.join(separator)`."""
    separator = sizes[1].weight if sizes[1:] else 0
    weight = sizes[0].weight + _length(sizes[0]) * separator
    return Size(weight), weight


def _formatted(call: Call, sizes: list[Size]) -> tuple[Size, int]:
    """Each % may stand for a number with as many digits as may be asked for."""
    form, arguments = sizes[0].weight, sizes[1].weight
    head = call.arguments[0]
    places = (
        head.value.count("%")
        if isinstance(head, Constant) and isinstance(head.value, str)
        else form
    )
    weight = (
        form
        + arguments * (NUMBER_CHARS_MAX // SCALAR)
        + places * (PRECISION_MAX + NUMBER_CHARS_MAX)
    )
    return Size(weight), weight


def _one_of(_call: Call, sizes: list[Size]) -> tuple[Size, int]:
    """One of the arguments, as it is."""
    if all(each.known is not None for each in sizes):
        values = chain.from_iterable(each.known or () for each in sizes)
        return _followed(values, *sizes), 0
    return Size(max(each.weight for each in sizes)), 0


def _chosen(_call: Call, sizes: list[Size]) -> tuple[Size, int]:
    return _one_of(_call, sizes[1:])


def _indexed(call: Call, sizes: list[Size]) -> tuple[Size, int]:
    key = call.arguments[1]
    if isinstance(key, Constant) and isinstance(key.value, str):
        return _member(sizes[0], key.value), sizes[1].weight
    return _item(sizes[0]), sizes[1].weight


def _measured(_call: Call, sizes: list[Size]) -> tuple[Size, int]:
    """A text's size is counted, a list's is known."""
    known = sizes[0].known
    if known is not None and all(isinstance(each, list | dict) for each in known):
        return Size(SCALAR), 0
    return Size(SCALAR), sizes[0].weight


def _versions(_call: Call, sizes: list[Size]) -> tuple[Size, int]:
    return Size(SCALAR), _total(sizes) + _SEMVER


def _named(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


FUNCTIONS: Final[Mapping[str, Rule]] = {
    **_named(_logic, "_&&_ _||_ !_ @not_strictly_false hasValue optional.none"),
    **_named(_scalar, "-_ _-_ _*_ _/_ _%_ bool int uint double timestamp duration type"),
    **_named(_scalar, "getFullYear getMonth getDayOfYear getDayOfMonth getDate getDayOfWeek"),
    **_named(_scalar, "getHours getMinutes getSeconds getMilliseconds"),
    **_named(_scalar, "math.@max math.@min math.ceil math.floor math.round math.trunc math.abs"),
    **_named(_scalar, "math.sign math.isNaN math.isInf math.isFinite math.sqrt math.bitAnd"),
    **_named(_scalar, "math.bitOr math.bitXor math.bitNot math.bitShiftLeft math.bitShiftRight"),
    **_named(_compared, "_==_ _!=_ _<_ _<=_ _>_ _>=_ startsWith endsWith"),
    **_named(_searched, "contains indexOf lastIndexOf"),
    **_named(_among, "@in"),
    **_named(_matched, "matches"),
    **_named(_joined, "_+_"),
    **_named(_made(1), "string bytes charAt substring trim lowerAscii upperAscii reverse"),
    **_named(_made(10), "strings.quote split"),
    **_named(_replaced, "replace"),
    **_named(_listed, "join"),
    **_named(_formatted, "format"),
    **_named(_one_of, "dyn value optional.of optional.ofNonZeroValue or orValue"),
    **_named(_chosen, "_?_:_"),
    **_named(_indexed, "_[_] _?._ _[?_]"),
    **_named(_measured, "size"),
    **_named(_versions, "semverCompare"),
}
"""Every function and operator that an expression may call."""
