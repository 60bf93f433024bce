"""What does this table of a TOML file say, key by key, and what in it is wrong?"""

import errno
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lifecircle.errors import DataError, FileError, LifecircleError

_MOST_BYTES = 1_000_000
"""Nobody writes that much by hand."""


class Table:
    """One table of a TOML file, read key by key; `close` refuses the keys nobody asked for.

    Parameters
    ----------
    file
        The file, for messages.
    values
        The parsed table.
    at
        Where in the file the table stands, such as ``"services[1]."``.
    """

    def __init__(self, file: Path, values: Mapping[str, Any], at: str = "") -> None:
        self.file = file
        self._at = at
        self.values = values
        self._asked: list[str] = []

    @classmethod
    def read(cls, file: Path) -> "Table":
        """Return the whole of `file`; BOMs, as Windows editors write them, are fine."""
        try:
            if not file.is_file():  # a pipe or a device would be waited for without end
                raise FileError("catalog.unreadable", file=file, cause=os.strerror(errno.ENOENT))
            if file.stat().st_size > _MOST_BYTES:
                raise DataError("catalog.bad_toml", file=file, cause=f"> {_MOST_BYTES // 1000} kB")
            return cls(file, tomllib.loads(file.read_text(encoding="utf-8-sig")))
        except LifecircleError:
            raise
        except OSError as error:
            raise FileError("catalog.unreadable", file=file, cause=error.strerror) from error
        except (ValueError, RecursionError) as error:
            raise DataError("catalog.bad_toml", file=file, cause=error) from error

    def place(self, key: str) -> str:
        """Return where in the file a key stands, for messages."""
        return self._at + key

    def value(self, key: str) -> object:
        """Return whatever stands there."""
        return self._get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; without `default` the key must be there."""
        return self._checked_text(key, self._get(key, default))

    def optional_text(self, key: str) -> str | None:
        """Return a text, or None where the key is missing."""
        return self.text(key) if key in self else None

    def named(self, key: str, value: object, known: Mapping[str, Any]) -> Any:
        """Return what `value`, a text found at `key`, names among the known."""
        name = self._checked_text(key, value)
        if name not in known:
            raise DataError(
                "catalog.not_known", file=self.file, field=self._at + key, value=name, known=", ".join(known)
            )
        return known[name]

    def number(self, key: str) -> float:
        """Return a number."""
        return self._checked_number(key, self._get(key))

    def numbers(self, key: str) -> tuple[float, ...]:
        """Return a list of numbers."""
        return tuple(self._checked_number(key, value) for value in self.items(key))

    def number_or_numbers(self, key: str) -> tuple[float, ...]:
        """Return a list of numbers, which may be a single number."""
        return self.numbers(key) if isinstance(self._get(key), list) else (self.number(key),)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.values[key] if key in self else default
        if not isinstance(value, bool):
            raise self._wrong("catalog.not_flag", key, value)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where the key is missing."""
        return tuple(self._checked_text(key, value) for value in self.items(key, ()))

    def items(self, key: str, default: tuple[()] | None = None) -> list[Any]:
        """Return a list of anything."""
        value = self._get(key, default)
        if not isinstance(value, list | tuple):
            raise self._wrong("catalog.not_list", key, value)
        return list(value)

    def table(self, key: str) -> "Table":
        """Return a table in this one."""
        return self.as_table(key, self._get(key))

    def as_table(self, key: str, value: object) -> "Table":
        """Return `value`, found at `key`, as a table."""
        if not isinstance(value, dict):
            raise self._wrong("catalog.not_table", key, value)
        return Table(self.file, value, f"{self._at}{key}.")

    def tables(self) -> dict[str, "Table"]:
        """Return the tables in this one, every value of which must be one."""
        return {key: self.table(key) for key in self.values}

    def text_map(self, key: str) -> dict[str, str]:
        """Return a table of texts, empty where the key is missing."""
        return self.table(key).all_texts() if key in self else {}

    def all_texts(self) -> dict[str, str]:
        """Return this whole table, every value of which must be a text."""
        return {key: self.text(key) for key in self.values}

    def names(self, key: str) -> dict[str, str]:
        """Return a name in both languages."""
        return self.table(key).all_names()

    def all_names(self) -> dict[str, str]:
        """Return this whole table, which is a text in both languages."""
        names = {"zh": self.text("zh"), "en": self.text("en")}
        self.close()
        return names

    def close(self) -> None:
        """Refuse keys that nobody asked for: a misspelt setting must not be passed over in silence."""
        for key in self.values:
            if key not in self._asked:
                known = ", ".join(sorted(self._asked))
                raise DataError("catalog.unknown_key", file=self.file, field=self._at + key, known=known)

    def __contains__(self, key: str) -> bool:
        """Say whether the key is there (a null of a JSON record is not); asking makes it a known key."""
        self._asked.append(key)
        return self.values.get(key) is not None

    def _get(self, key: str, default: object = None) -> object:
        if key in self:
            return self.values[key]
        if default is None:
            raise DataError("catalog.missing_key", file=self.file, field=self._at + key)
        return default

    def _checked_text(self, key: str, value: object) -> str:
        if not isinstance(value, str):
            raise self._wrong("catalog.not_text", key, value)
        return value

    def _checked_number(self, key: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong("catalog.not_number", key, value)
        return float(value)

    def _wrong(self, message: str, key: str, value: object) -> DataError:
        return DataError(message, file=self.file, field=self._at + key, value=repr(value))
