"""The weather of the next days, from Open-Meteo."""

from datetime import date
from typing import TypedDict

PLACES = "https://geocoding-api.open-meteo.com/v1/search"
FORECAST = "https://api.open-meteo.com/v1/forecast"
DAILY = "weather_code,temperature_2m_max,temperature_2m_min,precipitation_sum"

# The first code of each group of the WMO's table 4677 that forecasts use.
WORDS = {
    0: "clear",
    1: "mostly clear",
    2: "partly cloudy",
    3: "overcast",
    45: "fog",
    51: "drizzle",
    61: "rain",
    71: "snow",
    80: "showers",
    85: "snow showers",
    95: "thunderstorm",
}


class Day(TypedDict):
    """The weather of a day: degrees Celsius, and millimetres of rain."""

    day: date
    weather: str
    high: float
    low: float
    rain: float


class Forecast(TypedDict):
    """A place and its next days."""

    place: str
    time_zone: str
    days: list[Day]


async def main(city: str, days: int = 3, country: str | None = None) -> Forecast:
    """Forecast the weather of a city, today included.

    Args:
        city: The name of the city, such as "Lund".
        days: How many days, 1 to 16.
        country: Its two letters, such as "SE", where several cities have the name.
    """
    if not 1 <= days <= 16:
        raise ValueError(f"days must be 1 to 16, not {days}")
    place = await find(city, country)
    response = await http.get(
        FORECAST,
        params={
            "latitude": place["latitude"],
            "longitude": place["longitude"],
            "daily": DAILY,
            "timezone": "auto",
            "forecast_days": days,
        },
        timeout=10,
    )
    found = response.raise_for_status().json()
    columns = [found["daily"][name] for name in ("time", *DAILY.split(","))]
    return {
        "place": ", ".join(filter(None, (place["name"], place.get("country")))),
        "time_zone": found["timezone"],
        "days": [
            {
                "day": date.fromisoformat(day),
                "weather": in_words(code),
                "high": high,
                "low": low,
                "rain": rain,
            }
            for day, code, high, low, rain in zip(*columns, strict=True)
        ],
    }


async def find(city: str, country: str | None) -> dict:
    """Look up where a city is."""
    params = {"name": city, "count": 1, "language": "en", "format": "json"}
    if country is not None:
        params["countryCode"] = country.upper()
    response = await http.get(PLACES, params=params, timeout=10)
    # Without a match the answer has no list at all.
    places = response.raise_for_status().json().get("results", [])
    if not places:
        where = f" in {country}" if country else ""
        raise ValueError(f"there is no city {city!r}{where}: check the spelling")
    return places[0]


def in_words(code: int) -> str:
    """Say what a code of the WMO means."""
    return WORDS[max(known for known in WORDS if known <= code)]
