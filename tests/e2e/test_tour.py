"""The notebook runs from top to bottom and draws what it promises."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

TOUR = Path(__file__).parents[2] / "notebooks" / "tour.ipynb"

pytestmark = pytest.mark.filterwarnings(
    "ignore:Passing a schema to Validator:FutureWarning",  # nbformat's, on reading any notebook
    "ignore:unclosed:ResourceWarning",  # the kernel client's sockets, closed as its process ends
)


def test_the_tour_runs(checkout):
    """Every cell runs in a tiny checkout, and at least four of them end in a plot."""
    notebook = nbformat.read(TOUR, as_version=4)
    parameters = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    parameters.source = 'ENV = "test"'
    folder = checkout / "notebooks"  # where Jupyter starts a kernel: beside the notebook
    folder.mkdir()
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    assert list(folder.iterdir()) == []
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    drawn = [each for each in outputs if "application/vnd.plotly.v1+json" in each.get("data", {})]
    assert len(drawn) >= 4


def test_the_tour_defines_nothing_for_others():
    """Code that others use lives in the package, not in a notebook: no class, no wide function."""
    notebook = nbformat.read(TOUR, as_version=4)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(source.lstrip().startswith("class ") for source in sources)
    assert all(cell.get("outputs", []) == [] for cell in notebook.cells)
