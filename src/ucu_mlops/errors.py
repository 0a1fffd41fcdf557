"""What can go wrong, in one tree, so that a caller catches as much or as little as it means.

UcuMlopsError
├── ConfigurationError      a parameter, a feature file or an environment asks for the impossible
├── DataError               a table is not what was promised
│   ├── SchemaError         a column is missing or of another type
│   ├── DuplicateKeyError   null or duplicate keys
│   └── NotEnoughDataError  too few rows, positives or days to go on
├── WarehouseError          the warehouse cannot be reached or is locked by another process
├── OnlineFeaturesError     the online features cannot be read, or not be written now
├── CloudError              Google Cloud refused, or stayed away too long
├── TaskError               a container of a compiled pipeline failed, or its job did
├── BundleError             a model bundle is damaged, foreign or of another schema version
└── ReleaseError            a release cannot be made
    └── StaleRevisionError  somebody else moved the ledger first

Every message is one line: what was needed, what came, where, and the remedy.
"""


class UcuMlopsError(Exception):
    """Anything this project raises on purpose."""


class ConfigurationError(UcuMlopsError, ValueError):
    """A parameter, a feature file or an environment asks for the impossible."""


class DataError(UcuMlopsError, ValueError):
    """A table is not what was promised."""


class SchemaError(DataError):
    """A column is missing, extra or of another type."""


class DuplicateKeyError(DataError):
    """A key is null or stands for more than one row."""


class NotEnoughDataError(DataError):
    """Too few rows, positives or days to go on."""


class WarehouseError(UcuMlopsError):
    """The warehouse cannot be reached or is locked by another process."""


class OnlineFeaturesError(UcuMlopsError):
    """The online features cannot be read, or not be written now."""


class CloudError(UcuMlopsError):
    """Google Cloud refused, or stayed away too long."""


class TaskError(UcuMlopsError):
    """A container of a compiled pipeline failed in all of its attempts, or its job did."""


class BundleError(UcuMlopsError):
    """A model bundle is damaged, foreign or of another schema version."""


class ReleaseError(UcuMlopsError):
    """A release cannot be made."""


class StaleRevisionError(ReleaseError):
    """Somebody else moved the ledger first."""
