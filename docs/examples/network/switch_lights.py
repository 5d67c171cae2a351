"""Lights in the house, through Home Assistant."""

# mcpbox: hosts=*

import re
from typing import Literal, TypedDict

import httpx

LIGHT = re.compile(r"light\.[a-z0-9_]+")


class Light(TypedDict):
    """A light as it is now; `brightness` is in percent, and only of one that is on."""

    name: str
    state: str
    brightness: int | None


async def main(
    lights: list[str],
    action: Literal["on", "off", "look"] = "look",
    brightness: int | None = None,
    address: str = "http://homeassistant.local:8123",
    token: str | None = None,
) -> list[Light]:
    """Switch lights on or off, or look which are on.

    Args:
        lights: The lights as Home Assistant names them, such as "light.kitchen".
        action: What to do with them.
        brightness: How bright, 1 to 100 percent, where they are switched on.
        address: Where Home Assistant is in the network of the house.
        token: A long-lived access token, made on the profile page of Home Assistant;
            without it, the server's secret HOME_ASSISTANT_TOKEN.
    """
    for light in lights:
        if not LIGHT.fullmatch(light):
            raise ValueError(
                f"{light!r} is no light: one is named like 'light.kitchen'"
            )
    token = token or secrets.get("HOME_ASSISTANT_TOKEN")
    if not token:
        raise ValueError("give `token`, or have the secret HOME_ASSISTANT_TOKEN set")
    async with httpx.AsyncClient(
        base_url=f"{address}/api/",
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    ) as home:
        # Before anything is switched, so that a wrong name leaves all as it was.
        states = [await state(home, light) for light in lights]
        if action == "look":
            return states
        wanted: dict = {"entity_id": lights}
        if action == "on" and brightness is not None:
            wanted["brightness_pct"] = brightness
        response = await home.post(f"services/light/turn_{action}", json=wanted)
        check(response)
        return [await state(home, light) for light in lights]


async def state(home: httpx.AsyncClient, light: str) -> Light:
    """Ask how a light is."""
    response = await home.get(f"states/{light}")
    if response.status_code == 404:
        raise ValueError(f"Home Assistant knows no {light!r}")
    found = check(response).json()
    level = found["attributes"].get("brightness")
    return {
        "name": found["attributes"].get("friendly_name", light),
        "state": found["state"],
        "brightness": None if level is None else round(level / 255 * 100),
    }


def check(response: httpx.Response) -> httpx.Response:
    """Say what is wrong with the token, or what else went wrong."""
    if response.status_code == 401:
        raise PermissionError("Home Assistant refuses the token: make another one")
    return response.raise_for_status()
