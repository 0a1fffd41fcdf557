"""The online features, wherever the configuration puts them."""

from ucu_mlops.adapters.sqlite_features import SqliteFeatures
from ucu_mlops.errors import ConfigurationError


def open_online(address: str) -> SqliteFeatures:
    """Open the online features; nothing is read yet.

    Args:
        address: The path of a SQLite file.

    Raises:
        ConfigurationError: It is no such place.
    """
    if "://" in address:
        raise ConfigurationError(f"online features in {address}: only a local file can hold them")
    return SqliteFeatures(address)
