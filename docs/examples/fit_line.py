"""A straight line through points."""

import statistics
from dataclasses import dataclass
from typing import NamedTuple


class Point(NamedTuple):
    """A pair of measurements."""

    x: float
    y: float


@dataclass
class Fit:
    """The line y = slope * x + intercept.

    Attributes:
        slope: How much y grows when x grows by 1.
        intercept: The value of y where x is 0.
        r_squared: The share of the variation of y that the line explains, 0 to 1.
        residual: The standard deviation of the points from the line, in y.
        predictions: The points on the line that were asked for.
        outliers: The points more than three residuals away from the line.
    """

    slope: float
    intercept: float
    r_squared: float
    residual: float
    predictions: list[Point]
    outliers: list[Point]


async def main(
    points: list[Point], predict: list[float] | None = None, digits: int = 6
) -> Fit:
    """Fit a straight line to points by least squares.

    Args:
        points: The measurements as pairs [x, y], at least three of them.
        predict: Values of x to work out y for.
        digits: To how many digits after the point to round.
    """
    if len(points) < 3:
        raise ValueError(f"a fit needs at least 3 points, there are {len(points)}")
    xs, ys = zip(*points, strict=True)
    if len(set(xs)) == 1:
        raise ValueError("all points have the same x: no line fits better than others")
    slope, intercept = statistics.linear_regression(xs, ys)
    misses = [point.y - (slope * point.x + intercept) for point in points]
    squared = sum(miss * miss for miss in misses)
    residual = (squared / (len(points) - 2)) ** 0.5
    variation = statistics.variance(ys) * (len(ys) - 1)
    return Fit(
        slope=round(slope, digits),
        intercept=round(intercept, digits),
        r_squared=round(1 - squared / variation, digits) if variation else 1.0,
        residual=round(residual, digits),
        predictions=[
            Point(x, round(slope * x + intercept, digits)) for x in predict or []
        ],
        outliers=[
            point
            for point, miss in zip(points, misses, strict=True)
            if abs(miss) > 3 * residual
        ],
    )
