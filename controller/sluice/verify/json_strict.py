"""JSON read so that it can mean one thing only.

Refused: more than the size allowed, anything but UTF-8, duplicate keys (readers differ in which one
they keep: attacks 48 and 49), NaN and infinities, numbers beyond what every reader keeps exactly,
lone surrogates, and nesting that exhausts a stack.
"""

import json
import math
from collections.abc import Iterable
from typing import Any, Final

from sluice.resources.canonical import INTEGER_MAX
from sluice.verify.json_place import place_of_duplicate, place_of_number
from sluice.verify.reasons import Reason, refusal

__all__ = ["JSON_BYTES_MAX", "JSON_DEPTH_MAX", "canonical_text", "parse"]

JSON_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest document; a full SBOM of a large app has some MB, and everything else less."""

JSON_DEPTH_MAX: Final = 64
"""Deepest nesting; SARIF and CycloneDX stay under 20."""

_INTEGER_CHARS_MAX: Final = len(str(-INTEGER_MAX))


class _DuplicateKeyError(ValueError):
    """A key occurs twice in one object."""


class _NumberError(ValueError):
    """A number that not every reader keeps; the message is how it begins."""


def parse(data: bytes, *, what: str, reason: Reason, bytes_max: int = JSON_BYTES_MAX) -> Any:
    """Return the value of a JSON document.

    Args:
        data: the document, UTF-8.
        what: what it is, for the message, e.g. `approval`.
        reason: the code under which to refuse it.
        bytes_max: largest size in bytes.

    Raises:
        VerificationError: with `reason`, when the document is not strict JSON.
    """
    if len(data) > bytes_max:
        raise refusal(reason, f"The {what} is larger than {bytes_max} bytes; make it smaller.")
    text = ""
    try:
        text = data.decode()
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
        if "\\u" in text:
            _refuse_lone_surrogates(value)
        _refuse_depth(value)
    except RecursionError as error:
        raise refusal(
            reason, f"The {what} is nested deeper than {JSON_DEPTH_MAX} levels; flatten it."
        ) from error
    except UnicodeError as error:
        raise refusal(reason, f"The {what} is not valid UTF-8; write it again as UTF-8.") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise refusal(reason, f"The {what} is not valid JSON ({place}); write it again.") from error
    except _DuplicateKeyError as error:
        place = _in_brackets(place_of_duplicate(text))
        raise refusal(reason, f"The {what} gives a key twice{place}; keep one of them.") from error
    except _NumberError as error:
        place = _in_brackets(place_of_number(text, str(error)))
        raise refusal(
            reason,
            f"The {what} holds a number that readers disagree on{place}; write it as a string.",
        ) from error
    return value


def canonical_text(value: Any) -> str:
    """Return one text for a parsed JSON value: keys sorted, no white space.

    Unlike `sluice.resources.canonical` it takes floating point numbers, in Python's shortest form:
    scanners report scores such as 7.5. It is for comparing and keeping, never for signing.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def _refuse_depth(value: Any) -> None:
    level = _containers([value])
    for _ in range(JSON_DEPTH_MAX):
        level = _containers(
            child for node in level for child in (node.values() if isinstance(node, dict) else node)
        )
        if not level:
            return
    raise RecursionError


def _containers(nodes: Iterable[Any]) -> list[dict[str, Any] | list[Any]]:
    return [node for node in nodes if isinstance(node, dict | list)]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _DuplicateKeyError
    return value


def _integer(digits: str) -> int:
    if len(digits) > _INTEGER_CHARS_MAX or abs(number := int(digits)) > INTEGER_MAX:
        raise _NumberError(digits[:_INTEGER_CHARS_MAX])
    return number


def _number(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise _NumberError(digits[:_INTEGER_CHARS_MAX])
    return number


def _constant(name: str) -> float:
    raise _NumberError(name)


def _in_brackets(place: str) -> str:
    return f" ({place})" if place else ""


def _refuse_lone_surrogates(value: Any) -> None:
    # Encoding fails on a surrogate that is not half of a pair, wherever in the value it is.
    json.dumps(value, ensure_ascii=False).encode()
