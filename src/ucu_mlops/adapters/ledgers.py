"""The ledger, wherever the configuration puts it."""

from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.release.ledger import Ledger


def open_ledger(address: str) -> Ledger:
    """Open a ledger.

    Args:
        address: ``gs://BUCKET/FOLDER``, or the path of a SQLite file.
    """
    if address.startswith("gs://"):
        from ucu_mlops.adapters.gcs_ledger import GcsLedger  # noqa: PLC0415 (an extra's client)

        return GcsLedger(address)
    return SqliteLedger(address)
