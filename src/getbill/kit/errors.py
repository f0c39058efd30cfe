"""RFC 9457 problems: a stable type, every invalid field, and what the caller does next.

Each problem type is one class; its `code` is the last part of the problem's `type` and never changes once
published. Domain packages derive their own, named as sentences (`CompanyHasDebts`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, Final, TypeVar

from getbill.kit.messages import DEFAULT, Message, joined, message, translated

# More invalid fields than this at once are of no use to a reader.
ERRORS_MAX: Final = 100

S = TypeVar("S", bound=str)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One invalid field: its place (RFC 6901 pointer, or a parameter's name), and what would be valid."""

    pointer: str
    code: str
    detail: Message


class WrongValue(ValueError):
    """An invalid value of a field, with the sentence that states what would be valid.

    The field's name replaces `{subject}` in the message as soon as it is known.
    """

    def __init__(self, detail: Message) -> None:
        super().__init__(detail)
        self.detail = detail


class Problem(Exception):
    """A refusal that the caller can read and act on."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[Message] = message("An internal error occurred")
    # What the caller does next; a derived problem inherits it or replaces it with something more specific.
    way_out: ClassVar[str] = (
        "Repeat the request, with the same Idempotency-Key if it changes data. If the error persists, report the X-Request-Id of the response."
    )

    def __init__(
        self,
        detail: Message,
        *,
        errors: Sequence[FieldError] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors[:ERRORS_MAX])
        self.errors_total = len(errors)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def document(self, language: str = DEFAULT) -> dict[str, Any]:
        """Return the members of the problem document, in one language."""
        members: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": translated(self.title, language),
            "status": self.status,
            "detail": translated(self.detail, language),
        }
        if self.errors:
            members["errors"] = [
                {"pointer": error.pointer, "code": error.code, "detail": translated(error.detail, language)}
                for error in self.errors
            ]
        if self.errors_total > len(self.errors):
            members["errors_total"] = self.errors_total
        return members | self.extra


class BadRequest(Problem):
    """The request is malformed."""

    status = 400
    code = "bad-request"
    title = message("The request could not be read")
    way_out = "Correct the error in `detail`. The body must be JSON; unknown query parameters are refused."


class Unauthenticated(Problem):
    """The request has no valid credential."""

    status = 401
    code = "unauthenticated"
    title = message("Authentication credentials are missing or invalid")
    way_out = "Send a sandbox key, or an access token from `/token`, as `Authorization: Bearer ...`."


class Forbidden(Problem):
    """The credential is valid but lacks the permission for this request."""

    status = 403
    code = "forbidden"
    title = message("This credential lacks the required permission")
    way_out = "Use a credential with this permission, or have the permission in `detail` granted to this one."


class NotFound(Problem):
    """The resource does not exist in the caller's workspace."""

    status = 404
    code = "not-found"
    title = message("Not Found")
    way_out = "Check the id: the object belongs to another workspace (live and sandbox are separate), was erased or never existed."


class MethodNotAllowed(Problem):
    """The resource does not support this method; `Allow` lists the supported methods."""

    status = 405
    code = "method-not-allowed"
    title = message("Method Not Allowed")
    way_out = "Use one of the methods in the header `Allow`."


class TooSlow(Problem):
    """The request did not arrive within the time limit."""

    status = 408
    code = "request-timeout"
    title = message("The request arrived too slowly")
    way_out = "Send the request, including its body, without pauses. The connection is closed."


class Conflict(Problem):
    """The request conflicts with the current state of the resource."""

    status = 409
    code = "conflict"
    title = message("The request conflicts with existing data")
    way_out = "Read the existing object (`id`, if present), then decide which version is correct."


class PreconditionFailed(Problem):
    """The resource has changed since the caller read it (RFC 9110, If-Match)."""

    status = 412
    code = "precondition-failed"
    title = message("The object has changed since it was read")
    way_out = (
        "Read the object again, apply the change to its current version, and send its new ETag as If-Match."
    )


class TooLarge(Problem):
    """The body exceeds the limit of this call."""

    status = 413
    code = "too-large"
    title = message("The body is too large")
    way_out = "Split the request into smaller ones."


class UnsupportedMediaType(Problem):
    """The media type or the charset of the body is not supported by this call."""

    status = 415
    code = "unsupported-media-type"
    title = message("This media type is not supported here")
    way_out = "Send `Content-Type: application/json`, in UTF-8."


class Invalid(Problem):
    """The request is well formed, but at least one of its fields is invalid."""

    status = 422
    code = "invalid"
    title = message("Some fields are invalid")
    way_out = "Correct every field listed in `errors`, then repeat the request."


class HeadTooLarge(Problem):
    """The headers of the request exceed the limit of this installation."""

    status = 431
    code = "request-header-fields-too-large"
    title = message("The head of the request is too large")
    way_out = "Send fewer or shorter headers, or a shorter URL. The connection is closed."


class TooManyRequests(Problem):
    """The credential has reached its rate limit."""

    status = 429
    code = "rate-limited"
    title = message("Too many requests")
    way_out = "Wait for the number of seconds in `Retry-After`, and observe `X-RateLimit-Remaining`."


class Unavailable(Problem):
    """A component that this call requires is unavailable."""

    status = 503
    code = "unavailable"
    title = message("Temporarily unavailable")
    way_out = "Wait for the number of seconds in `Retry-After`, or a few seconds without that header, then repeat the request."


class OtherStatus(Problem):
    """A refusal by the HTTP layer itself, of the general type of its status if there is one."""

    def __init__(self, status: int, detail: Message, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail, headers=headers)
        self._status = status

    def document(self, language: str = DEFAULT) -> dict[str, Any]:
        """Return the problem document; a status without a type of its own is named by its phrase."""
        kind = _PLAIN.get(self._status)
        code = kind.code if kind else HTTPStatus(self._status).phrase.lower().replace(" ", "-")
        return {
            "type": f"/problems/{code}",
            "title": translated(kind.title if kind else _REFUSED, language),
            "status": self._status,
            "detail": translated(self.detail, language),
        }


_REFUSED: Final = message("The request was refused")
_PLAIN: Final[Mapping[int, type[Problem]]] = {
    kind.status: kind
    for kind in (BadRequest, NotFound, MethodNotAllowed, TooSlow, TooLarge, HeadTooLarge, Unavailable)
}


def one_field(pointer: str, code: str, detail: Message) -> Invalid:
    """Return the refusal of a single invalid field."""
    return Invalid(detail, errors=[FieldError(pointer, code, detail)])


def one_parameter(name: str, code: str, detail: Message) -> BadRequest:
    """Return the refusal of a single invalid parameter."""
    return BadRequest(detail, errors=[FieldError(name, code, detail)])


def refusal(errors: Sequence[FieldError]) -> Invalid:
    """Return the refusal of several invalid fields."""
    return Invalid(summary(errors), errors=errors)


def summary(errors: Sequence[FieldError]) -> Message:
    """Return the messages of the first invalid fields, as one text."""
    return joined([error.detail for error in errors[:3]])


class MoveNotAllowed(AssertionError):
    """A table of moves has no such move: a defect of the caller."""


def require_move(moves: Mapping[S, Collection[S]], before: S, after: S) -> S:
    """Return the state after a move; raise MoveNotAllowed unless the table of moves has it.

    A state may always be kept.
    """
    if after != before and after not in moves[before]:
        raise MoveNotAllowed(f"Nothing moves from {before} to {after}.")
    return after
