"""What was logged and is still to be written: a run goes on while metadata is away.

Changes wait in memory and are written in the background, all that wait for a node in one request.
A change may be applied twice (its first answer was lost), so it must not matter.
"""

import atexit
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.api_core import exceptions as google_errors

from ucu_mlops.adapters.vertex_mlflow.nodes import ATTEMPTS, Node, Nodes

logger = logging.getLogger(__name__)

Change = Callable[[Any], None]
# Of a node and its waiting changes makes the node with them.
Apply = Callable[[Node, Sequence[Change]], Node]


@dataclass
class Waiting:
    """Changes to one node.

    Attributes:
        nodes: Where the node is.
        node: As it was last read or written.
        apply: Applies changes to it.
    """

    nodes: Nodes
    node: Node
    apply: Apply
    changes: list[Change] = field(default_factory=list)
    _adding: threading.Lock = field(default_factory=threading.Lock)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def add(self, change: Change) -> None:
        """Let a change wait."""
        with self._adding:
            self.changes.append(change)

    def write(self) -> Node:
        """Write all that waits, and return the node.

        Raises:
            GoogleAPICallError: Vertex AI refused or stayed away; what waits goes on waiting.
        """
        with self._writing:
            with self._adding:
                batch = list(self.changes)
            if batch:
                self._write(batch)
                with self._adding:
                    del self.changes[: len(batch)]
            return self.node

    def _write(self, batch: Sequence[Change]) -> None:
        for attempt in range(ATTEMPTS):
            done = self.nodes.replace(self.apply(self.node, batch))
            if done is not None:
                self.node = done
                return
            # Somebody else wrote, or our own answer was lost.
            if attempt:
                self.nodes.pause(attempt)
            found = self.nodes.find(self.node.id)
            if found is None:
                raise google_errors.NotFound(f"{self.nodes.name(self.node.id)} was deleted")
            self.node = found
        raise google_errors.Aborted(f"{self.nodes.name(self.node.id)} is written by others")


class Outbox:
    """All nodes with waiting changes, and the thread that writes them.

    Args:
        interval_s: How long changes may gather before they are written.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._waiting: dict[str, Waiting] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        atexit.register(self.flush)

    def of(self, node_id: str) -> Waiting | None:
        """Return what waits for a node, None if it is not known here."""
        return self._waiting.get(node_id)

    def keep(self, waiting: Waiting) -> Waiting:
        """Know a node from here on."""
        with self._lock:
            return self._waiting.setdefault(waiting.node.id, waiting)

    def forget(self, node_id: str) -> None:
        """Know a node no longer; it must have been written."""
        with self._lock:
            self._waiting.pop(node_id, None)

    def post(self, waiting: Waiting, change: Change) -> None:
        """Let a change wait, and see to it that it is written soon."""
        waiting.add(change)
        with self._lock:
            # After a fork the thread is the parent's, and not alive here.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="vertex-mlflow-outbox", daemon=True
                )
                self._thread.start()
        self._wake.set()

    def flush(self) -> None:
        """Write all that waits.

        Raises:
            GoogleAPICallError: Vertex AI refused or stayed away; the others were written.
        """
        failure: google_errors.GoogleAPIError | None = None
        for waiting in list(self._waiting.values()):
            try:
                waiting.write()
            except google_errors.GoogleAPIError as error:
                failure = error
        if failure is not None:
            raise failure

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._wake.wait()
            self._wake.clear()
            try:
                self.flush()
            except google_errors.GoogleAPIError as error:
                # What is asked for next says it too; here a run must go on.
                logger.warning("what was logged waits: %s", " ".join(str(error).split()))
                self._wake.set()
            pause.wait(self._interval_s)
