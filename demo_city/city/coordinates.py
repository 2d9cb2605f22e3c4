"""The coordinate systems departments write in, besides longitude and latitude of CGCS2000 (as good as WGS 84 here).

GCJ-02 is what phones and commercial maps of China show: longitude and latitude moved by some 300 to 600 m. Surveyors
write metres of the Gauss-Krüger projection in zones of three degrees, the zone's number before the easting.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from demo_city.chance import Floats

_A = 6378137.0
_F = 1 / 298.257222101
"""CGCS2000's ellipsoid (that of GRS 80)."""
_KRASOVSKY_A, _KRASOVSKY_E2 = 6378245.0, 0.00669342162296594323


def to_gcj02(lng: Any, lat: Any) -> tuple[Floats, Floats]:
    """Longitude and latitude as GCJ-02 has them (degrees), by the formula everybody uses, which was never published."""
    lng, lat = np.asarray(lng, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    x, y = lng - 105.0, lat - 35.0
    wave = 20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    north += (wave + 20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    east += (wave + 20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    sine = np.sin(np.radians(lat))
    bend = 1 - _KRASOVSKY_E2 * sine * sine
    meridian = _KRASOVSKY_A * (1 - _KRASOVSKY_E2) / (bend * np.sqrt(bend))
    parallel = _KRASOVSKY_A / np.sqrt(bend) * np.cos(np.radians(lat))
    return lng + np.degrees(east / parallel), lat + np.degrees(north / meridian)


def to_cgcs2000_zone(lng: Any, lat: Any, zone: int) -> tuple[Floats, Floats]:
    """Easting (the zone's number before it) and northing in metres, Gauss-Krüger in zones of three degrees.

    Zone 41 is that of Linlan (central meridian 123°, EPSG:4529), zone 40 its western neighbour (120°, EPSG:4528).
    Krüger's series to the fourth power of the third flattening: exact to less than a millimetre in and beyond the zone.
    """
    lng, lat = np.asarray(lng, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    n = _F / (2 - _F)
    radius = _A / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    terms = (
        n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16 + 41 * n**4 / 180,
        13 * n**2 / 48 - 3 * n**3 / 5 + 557 * n**4 / 1440,
        61 * n**3 / 240 - 103 * n**4 / 140,
        49561 * n**4 / 161280,
    )
    eccentricity = 2 * np.sqrt(n) / (1 + n)
    sine, turn = np.sin(np.radians(lat)), np.radians(lng - 3 * zone)
    t = np.sinh(np.arctanh(sine) - eccentricity * np.arctanh(eccentricity * sine))
    xi, eta = np.arctan2(t, np.cos(turn)), np.arctanh(np.sin(turn) / np.sqrt(1 + t * t))
    north, east = xi.copy(), eta.copy()
    for k, term in enumerate(terms, 1):
        north += term * np.sin(2 * k * xi) * np.cosh(2 * k * eta)
        east += term * np.cos(2 * k * xi) * np.sinh(2 * k * eta)
    return zone * 1e6 + 500_000 + radius * east, radius * north


def distance_m(lng: Any, lat: Any, other_lng: Any, other_lat: Any) -> Floats:
    """Metres between points a few kilometres apart (plane of the first point's latitude)."""
    scale = np.cos(np.radians(np.asarray(lat, dtype=np.float64)))
    return np.asarray(111_195.0 * np.hypot((np.asarray(other_lng) - lng) * scale, np.asarray(other_lat) - lat))
