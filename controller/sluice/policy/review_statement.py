"""Statements of type https://sluice.dev/review/v1: what a forge knows of the reviews of a change.

A pipeline makes one after the build, from the forge's own records, and signs it as it signs the
provenance. Its subject is the bundle's digest, as of every attestation. Its predicate, exactly:

    {
      "repository": "https://github.com/acme/shop",
      "change": "https://github.com/acme/shop/pull/7",
      "revision": "<commit that was built: 40 or 64 lower-case hexadecimal digits>",
      "author": "octocat",
      "reviews": [
        {
          "reviewer": "hubot",
          "state": "approved",
          "revision": "<commit that was reviewed>",
          "submittedAt": "2026-01-31T12:00:00Z"
        }
      ]
    }

`author` is whoever wrote or opened the change. `state` is one of approved, changesRequested,
dismissed and commented. A forge that merges by a commit of its own (a squash, say) makes another
revision than the one that was reviewed: build what was reviewed, or state the merged commit as the
reviews' revision where the forge proves that the trees are the same.
"""

from functools import lru_cache
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from sluice.errors import VerificationError
from sluice.resources.fields import Revision, Timestamp
from sluice.verify.facts import IDENTITY_CHARS_MAX, Statement
from sluice.verify.reasons import unprintable

__all__ = ["REVIEW_TYPE", "ReviewGiven", "ReviewStatement", "read_review"]

REVIEW_TYPE: Final = "https://sluice.dev/review/v1"

REVIEW_CHARS_MAX: Final = 256 * 1024
"""Longest predicate that is read: room for REVIEWS_MAX reviews."""

REVIEWS_MAX: Final = 512
"""Most reviews of one change; the longest discussions have about 200."""

REVIEWS_KEPT: Final = 64
"""Statements remembered, so that judging again costs little."""

Login = Annotated[str, Field(min_length=1, max_length=IDENTITY_CHARS_MAX)]
Address = Annotated[str, Field(min_length=1, max_length=512)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class ReviewGiven(_Form):
    """One review."""

    reviewer: Login
    """Name that the reviewer has on the forge."""

    state: Literal["approved", "changesRequested", "dismissed", "commented"]
    revision: Revision
    """The commit that was looked at."""
    submitted_at: Timestamp


class ReviewStatement(_Form):
    """All reviews of one change."""

    repository: Address
    change: Address
    """Address of the change, e.g. of a pull request."""
    revision: Revision
    """The commit that was built."""
    author: Login
    reviews: Annotated[tuple[ReviewGiven, ...], Field(max_length=REVIEWS_MAX)]


def read_review(statement: Statement) -> ReviewStatement:
    """Return what a review statement says, read once.

    Raises:
        VerificationError: ReviewUnreadable, when its predicate is not exactly of the form above.
    """
    found = _read(statement.predicate_json)
    if isinstance(found, str):
        message = f"The review statement {found}; write it in the form of {REVIEW_TYPE}."
        raise VerificationError("ReviewUnreadable", message)
    return found


@lru_cache(maxsize=REVIEWS_KEPT)
def _read(text: str) -> ReviewStatement | str:
    """Return the statement, or what is wrong with it."""
    if len(text) > REVIEW_CHARS_MAX:
        return f"is longer than {REVIEW_CHARS_MAX} characters"
    try:
        found = ReviewStatement.model_validate_json(text, by_alias=True, by_name=False)
    except ValidationError as error:
        fields = sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]})
        known = [each for each in fields if each in ReviewStatement.model_fields]
        return f"has a bad {', '.join(known)}" if known else "has fields that none of its type has"
    # What is not shown as it is would deceive whoever reads the verdict (row 47 of the attacks).
    names = [found.repository, found.change, found.author, *(r.reviewer for r in found.reviews)]
    if any(unprintable(each) for each in names):
        return "contains control or invisible characters"
    return found
