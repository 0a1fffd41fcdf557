"""``python -m standins.vertex``: serve until interrupted; a job runs as ``kedro vertex run-local``.

The address is printed first; VERTEX_EMULATOR_HOST takes it.
"""

import argparse
import sys
import threading
from pathlib import Path

from standins.vertex.here import run_here
from standins.vertex.server import StandIn


def main() -> None:
    """Serve on the port that is asked for, or on any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--work", type=Path, required=True, help="folder for jobs' files and logs")
    given = parser.parse_args()
    stand_in = StandIn(run_here(given.work.absolute()))
    sys.stdout.write(f"{stand_in.start(given.port)}\n")
    sys.stdout.flush()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        stand_in.stop()


if __name__ == "__main__":
    main()
