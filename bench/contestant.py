"""One measured run: ``python -m bench.contestant MODULE:FUNCTION FOLDER RESULT``.

Prints ``seconds`` and ``peak_mb`` as JSON. Imports are over before the clock starts; the result is
written after it has stopped and the memory was read.
"""

import json
import re
import resource
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter


def main(run: str, folder: str, result: str) -> None:
    """Run a contestant's function on a folder of data and store the frame that it returns."""
    module, name = run.split(":")
    function = getattr(import_module(module), name)
    start = perf_counter()
    frame = function(Path(folder))
    seconds = perf_counter() - start
    peak_mb = peak_of_this_process()
    frame.to_parquet(result)
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb}))  # noqa: T201


def peak_of_this_process() -> float:
    """Return the peak resident memory in megabytes.

    Linux's ``ru_maxrss`` is no less than what the process that started this one held.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
        return int(peak) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts in bytes


if __name__ == "__main__":
    main(*sys.argv[1:])
