"""What does who asks put in the place of what a ``city.toml`` says?"""

import dataclasses
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypedDict

from lifecircle.catalog.city_files import AnyFile, AnyLevel, CityFiles, LayerFile, LevelFile


@dataclasses.dataclass(frozen=True)
class Counted:
    """Which facilities count beside those that stand and are full ones; and what is checked beside walks.

    Attributes
    ----------
    statuses
        Such as ``"planned"`` or ``"在建"``: facilities of these statuses count, too; where empty those of the
        ``city.toml``, and where that names none, only what stands.
    supplementary
        Whether what supplements a service, such as a cloud clinic (云诊室), counts; else as ``city.toml``
        says.
    indicators
        Table of indicators with their targets and values (CSV, XLSX); where None the city file's own.
    """

    statuses: tuple[str, ...] = ()
    supplementary: bool = False
    indicators: Path | None = None

    def of(self, files: CityFiles) -> CityFiles:
        """Return the files of a city as this says."""
        return dataclasses.replace(
            files,
            statuses=self.statuses or files.statuses,
            supplementary=self.supplementary or files.supplementary,
            indicators=self.indicators or files.indicators,
        )


AS_FILED = Counted()
"""As the ``city.toml`` says."""


class Overriding(TypedDict, total=False):
    """What `Overrides` is made of, for functions that take it word by word."""

    elevation: str | PathLike[str] | None
    population: str | PathLike[str] | None
    barriers: AnyFile | None
    levels: Sequence[AnyLevel]
    columns: Mapping[str, str] | None
    counted: Counted


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overrides:
    """What is put in the place of a city's own files; None, or nothing, leaves its own.

    Attributes
    ----------
    elevation
        GeoTIFF of heights in metres, so that slopes count; with none at all everything is level.
    population
        GeoTIFF of residents per cell, such as WorldPop's: where in a community its people live, and how many
        where it does not say.
    barriers
        Layer of lines and areas that nobody walks across but on a street, besides OpenStreetMap's.
    levels
        Layers of units in which people are counted together, such as planning units.
    columns
        What columns of the communities are called, beside those that the city file names: see
        `lifecircle.sources.layers.read_communities`.
    counted
        Which facilities count beside those that stand, and what is checked beside walks.
    """

    elevation: str | PathLike[str] | None = None
    population: str | PathLike[str] | None = None
    barriers: AnyFile | None = None
    levels: Sequence[AnyLevel] = dataclasses.field(default=(), hash=False)
    columns: Mapping[str, str] | None = dataclasses.field(default=None, hash=False)
    counted: Counted = AS_FILED

    def of(self, files: CityFiles) -> CityFiles:
        """Return a city's files with these in the place of its own."""
        if self.elevation is not None:
            files = dataclasses.replace(files, elevation=Path(self.elevation))
        if self.population is not None:
            files = dataclasses.replace(files, population=Path(self.population))
        if self.barriers is not None:
            files = dataclasses.replace(files, barriers=LayerFile.of(self.barriers))
        if self.levels:
            units = tuple(LevelFile.of(file, number) for number, file in enumerate(self.levels, start=1))
            files = dataclasses.replace(files, levels=units)
        if self.columns:
            files = dataclasses.replace(files, columns={**files.columns, **self.columns})
        return self.counted.of(files)

    def as_settings(self) -> dict[str, Any]:
        """Return them as plain values, for the record of a run."""
        barriers, indicators = self.barriers, self.counted.indicators
        return {
            "elevation": None if self.elevation is None else str(self.elevation),
            "population": None if self.population is None else str(self.population),
            "barriers": None if barriers is None else str(LayerFile.of(barriers).path),
            "levels": [str(LevelFile.of(level, 1).file.path) for level in self.levels],
            "columns": dict(self.columns or {}),
            "statuses": list(self.counted.statuses),
            "supplementary": self.counted.supplementary,
            "indicators": None if indicators is None else str(indicators),
        }
