"""What a caller may be told: a status and one line, never a stack trace.

Problem
├── BadRequestProblem   400  the body is not what the schema says
├── UnauthorizedProblem 401  no key, or none that is known
├── NotServedProblem    404  another model or version than the one that is served
├── NoFeaturesProblem   404  a user of whom nothing is published
├── TooLargeProblem     413  the body exceeds the limit
├── MediaProblem        415  no media type that is read
├── PictureProblem      422  the picture was refused, with the reason
├── BusyProblem         429  the queue is full; Retry-After says when to come back
├── NotReadyProblem     503  no version is loaded yet
├── OnlineProblem       503  the published features are too old, of another definition or away
└── TimeoutProblem      504  the answer took too long
"""

MESSAGE = 500  # characters: what a caller sent may be repeated, but not at length


class Problem(Exception):  # noqa: N818 (a caller's, not the program's error)
    """What goes wrong for a caller.

    Attributes:
        status: HTTP's.
        headers: Of the answer.
    """

    status = 500

    def __init__(self, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(" ".join(message.split())[:MESSAGE])
        self.headers = headers or {}


class BadRequestProblem(Problem):
    """The body is not what the schema says."""

    status = 400


class UnauthorizedProblem(Problem):
    """No key, or none that is known."""

    status = 401


class NotServedProblem(Problem):
    """Another model or version than the one that is served."""

    status = 404


class NoFeaturesProblem(Problem):
    """Of this user nothing is published."""

    status = 404


class TooLargeProblem(Problem):
    """The body exceeds the limit."""

    status = 413


class MediaProblem(Problem):
    """The body has no media type that is read."""

    status = 415


class PictureProblem(Problem):
    """The picture was refused, with the reason."""

    status = 422


class BusyProblem(Problem):
    """The queue is full."""

    status = 429

    def __init__(self, wait_s: float) -> None:
        super().__init__(
            "as much as can be answered in time is waiting already; try again later",
            {"Retry-After": str(max(1, round(wait_s + 0.5)))},
        )


class NotReadyProblem(Problem):
    """No version is loaded yet."""

    status = 503


class OnlineProblem(Problem):
    """The published features cannot be used: too old, of another definition, or away."""

    status = 503


class TimeoutProblem(Problem):
    """The answer took too long."""

    status = 504
