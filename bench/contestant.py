"""One measured run: ``python -m bench.contestant MODULE:FUNCTION FOLDER RESULT``.

Prints ``seconds`` and ``peak_mb`` as JSON. Imports are over before the clock starts; the result is
written after it has stopped and the memory was read.
"""

import json
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
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000  # Linux counts in KB
    frame.to_parquet(result)
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
