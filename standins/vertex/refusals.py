"""How a method refuses: a status code and a sentence."""

import grpc


class RefusalError(Exception):
    """What the caller gets instead of an answer.

    Attributes:
        code: gRPC's status.
        sentence: Its details.
    """

    def __init__(self, code: grpc.StatusCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def invalid(sentence: str) -> RefusalError:
    """INVALID_ARGUMENT."""
    return RefusalError(grpc.StatusCode.INVALID_ARGUMENT, sentence)


def not_found(name: str) -> RefusalError:
    """NOT_FOUND."""
    return RefusalError(grpc.StatusCode.NOT_FOUND, f"{name} is not found")


def exists(name: str) -> RefusalError:
    """ALREADY_EXISTS."""
    return RefusalError(grpc.StatusCode.ALREADY_EXISTS, f"{name} already exists")


def precondition(sentence: str) -> RefusalError:
    """FAILED_PRECONDITION."""
    return RefusalError(grpc.StatusCode.FAILED_PRECONDITION, sentence)


def aborted(sentence: str) -> RefusalError:
    """ABORTED."""
    return RefusalError(grpc.StatusCode.ABORTED, sentence)


def unimplemented(what: str) -> RefusalError:
    """UNIMPLEMENTED: the documentation does not settle it, or nobody needed it yet."""
    return RefusalError(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in does not model {what}")
