"""Where names stand beside their points so that they hide neither each other nor a point. Pixels, y upwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Placed", "place"]

Box = tuple[float, float, float, float]  # left, bottom, right, top

_RADIUS = 4.0  # points around a mark that stay free
_DISTANCES = (6.0, 14.0, 24.0, 36.0, 50.0, 66.0)  # points from the mark
_SIDES = ((1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


@dataclass(frozen=True, slots=True)
class Placed:
    """A name's lower left corner; `far` asks for a line from the mark to `end`, the name's nearest edge."""

    x: float
    y: float
    far: bool
    end: tuple[float, float]


def place(
    anchors: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    marks: Sequence[tuple[float, float]],
    frame: Box,
    *,
    unit: float = 1.0,
) -> list[Placed]:
    """The first free place around each anchor, near before far; where none is free, the one that hides least.

    Args:
        anchors: the named marks.
        sizes: width and height of each name.
        marks: all marks, which stay visible.
        frame: what names should stay within.
        unit: pixels of a point.
    """
    radius = _RADIUS * unit
    taken: list[Box] = [(x - radius, y - radius, x + radius, y + radius) for x, y in marks]
    found = []
    for anchor, size in zip(anchors, sizes, strict=True):
        best: tuple[float, Box, bool] | None = None
        for box, far in _candidates(anchor, size, unit):
            hidden = sum(_overlap(box, other) for other in taken) + _outside(box, frame)
            if best is None or hidden < best[0]:
                best = (hidden, box, far)
            if hidden == 0:
                break
        assert best is not None  # noqa: S101 - there are candidates
        _, box, far = best
        taken.append(box)
        end = (min(max(anchor[0], box[0]), box[2]), min(max(anchor[1], box[1]), box[3]))
        found.append(Placed(box[0], box[1], far, end))
    return found


def _candidates(anchor: tuple[float, float], size: tuple[float, float], unit: float) -> Iterator[tuple[Box, bool]]:
    (x, y), (width, height) = anchor, size
    for distance in _DISTANCES:
        for right, up in _SIDES:
            gap = distance * unit * (0.7 if right and up else 1.0)
            left = x + right * gap - (width if right < 0 else 0 if right else width / 2)
            bottom = y + up * gap - (height if up < 0 else 0 if up else height / 2)
            yield (left, bottom, left + width, bottom + height), distance > _DISTANCES[0]


def _overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


def _outside(box: Box, frame: Box) -> float:
    whole = (box[2] - box[0]) * (box[3] - box[1])
    return whole - _overlap(box, frame)
