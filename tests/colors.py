"""How does a reader see a colour: in grey print, or with one kind of cone missing?"""

import re
from collections.abc import Sequence
from importlib import resources
from typing import Any, Final

import numpy as np

# Machado, Oliveira and Fernandes 2009, severity 1.0: what each eye makes of linear red, green and blue.
CONES: Final = {
    "all": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def seen_colors(colors: Sequence[str], eyes: str = "all") -> Any:
    """Return colours ``#rrggbb`` in CIELAB, shape (n, 3); lightness is first: grey print keeps that alone."""
    coded = np.array([[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in colors]) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ CONES[eyes].T, 0, 1) @ _TO_XYZ.T / _TO_XYZ.sum(axis=1)
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.column_stack(
        [116 * root[:, 1] - 16, 500 * (root[:, 0] - root[:, 1]), 200 * (root[:, 1] - root[:, 2])]
    )


def palette(script: str, name: str) -> list[str]:
    """Return the colours that a page's script calls `name`, in their order."""
    text = (resources.files("lifecircle.render") / script).read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if f"const {name} = " in line)
    return re.findall("#[0-9a-f]{6}", line)


def distances(colors: Sequence[str], eyes: str = "all") -> Any:
    """Return how far apart every two of the colours are (CIE 1976); 2.3 is just noticeable."""
    lab = seen_colors(colors, eyes)
    first, second = np.triu_indices(len(lab), 1)
    return np.linalg.norm(lab[first] - lab[second], axis=1)
