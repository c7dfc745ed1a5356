"""The one place the versions are written: of the package, of the table of columns, of a fitted model's files."""

__version__ = "0.1.0"
SCHEMA_VERSION = 1
MODEL_FORMAT = 17
