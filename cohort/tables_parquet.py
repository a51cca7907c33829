"""The rows of a Parquet table, by DuckDB: in batches, with bounded memory and one thread, nothing of it installed or
fetched. The one module that knows DuckDB; it is imported only where a Parquet file is read.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from cohort.csv_columns import Fault
from cohort.tables_files import OpenTable, Row, cell_text
from domain.errors import ConfigError

_BATCH = 2_000
_MEMORY = "512MB"


def open_parquet(path: Path) -> OpenTable:
    """The Parquet table at `path`. Raises ConfigError where it is none."""
    with tempfile.TemporaryDirectory() as place, _connection() as connection:
        columns = tuple(
            name
            for name, *_ in _run(connection, path, Path(place), "SELECT * FROM read_parquet(?) LIMIT 0").description
        )

    def rows() -> Iterator[Row | Fault]:
        with tempfile.TemporaryDirectory() as place, _connection() as connection:
            reading = _run(connection, path, Path(place), "SELECT * FROM read_parquet(?)")
            number = 0
            while batch := _batch(reading):
                for cells in batch:
                    number += 1
                    yield number, {name: cell_text(cell) for name, cell in zip(columns, cells, strict=True)}

    return OpenTable(columns, rows)


def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": _MEMORY,
            "preserve_insertion_order": True,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )


def _run(connection: duckdb.DuckDBPyConnection, path: Path, place: Path, query: str) -> duckdb.DuckDBPyConnection:
    """DuckDB reads `*`, `?` and `[` in a file name as patterns; a link with a plain name holds none."""
    link = place / "table.parquet"
    link.symlink_to(path.resolve(strict=True))
    try:
        return connection.execute(query, [str(link)])
    except duckdb.Error:  # its words quote the file's content
        raise ConfigError(f"{path.name} cannot be read as Parquet.") from None


def _batch(reading: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    try:
        return reading.fetchmany(_BATCH)
    except duckdb.Error:
        raise ConfigError("The Parquet file is damaged: its rows cannot be read.") from None
