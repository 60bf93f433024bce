"""How does OSMnx write questions that our transport asks?

OSMnx's own transport asks again for ever, takes an answer that timed out half-way for a whole one and caches
what it cannot read, so the two functions that send its questions are replaced for a while. A response hook of
requests, which its public settings could carry, would not do: it hears nothing of connections that fail, and
OSMnx reads its cache before the hook and writes it after, unchecked and in place. As a gain the patch of
``socket.getaddrinfo`` that those functions apply is never made.
"""

import contextlib
import threading
import urllib.parse
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from lifecircle.errors import DataError, FetchError
from lifecircle.sources.osm_answers import nominatim_answer, overpass_answer
from lifecircle.sources.transport import QUERY_SECONDS, Transport

_WAY_TAGS = (
    "access", "area", "barrier", "bridge", "foot", "foot:backward", "foot:forward", "highway", "junction",
    "motorroad", "name", "oneway", "oneway:foot", "service", "tunnel",
)  # fmt: skip
_PART_M = 25_000.0
"""An area is asked for in squares of this side, so that a dense city stays within a server's memory."""
_OSMNX_IS_TAKEN = threading.Lock()


@contextlib.contextmanager
def borrowed_osmnx(
    transport: Transport, overpass_url: str | None, nominatim_url: str | None
) -> Iterator[tuple[Any, list[bytes]]]:
    """Lend out OSMnx with our settings and our transport, and leave it as it was.

    Parameters
    ----------
    transport
        Asks OSMnx's questions; takes over the user's ``requests_kwargs``, as a proxy or a certificate.
    overpass_url, nominatim_url
        Servers to ask, where None those of OSMnx's settings.

    Yields
    ------
    osmnx : module
        One borrower at a time.
    answers : list of bytes
        Every whole answer of Overpass, as it came.

    Raises
    ------
    DataError
        If a server's address is wrong.
    """
    import osmnx as ox  # noqa: PLC0415  takes seconds, and only who downloads needs it
    from osmnx import _nominatim, _overpass  # noqa: PLC0415 - slow to load

    answers: list[bytes] = []

    def ask_overpass(data: Mapping[str, Any], **_: object) -> dict[str, Any]:
        answer, body = transport.ask("POST", f"{overpass}/interpreter", data, overpass_answer)
        answers.append(body)
        return answer

    def ask_nominatim(params: Mapping[str, Any], *, request_type: str = "search") -> list[dict[str, Any]]:
        try:
            return transport.ask("GET", f"{nominatim}/{request_type}", params, nominatim_answer)[0]
        except FetchError as error:  # its cure is another: the outline can come from a file
            raise FetchError("fetch.no_geocoder", **error.values) from error

    with _OSMNX_IS_TAKEN, warnings.catch_warnings():
        overpass = _server_address(overpass_url or ox.settings.overpass_url).removesuffix("/interpreter")
        nominatim = _server_address(nominatim_url or ox.settings.nominatim_url)
        transport.requests_kwargs = dict(ox.settings.requests_kwargs)
        settings = {key: value for key, value in vars(ox.settings).items() if not key.startswith("_")}
        senders = _overpass._overpass_request, _nominatim._nominatim_request  # noqa: SLF001  see above
        warnings.simplefilter("ignore")  # OSMnx's own: of the size of an area, which is checked here
        try:
            ox.settings.all_oneway = False
            ox.settings.bidirectional_network_types = ["walk"]
            ox.settings.cache_only_mode = False
            ox.settings.default_crs = "epsg:4326"
            ox.settings.max_query_area_size = _PART_M**2
            ox.settings.overpass_memory = None
            ox.settings.overpass_settings = "[out:json][timeout:{timeout}]{maxsize}"
            ox.settings.requests_timeout = QUERY_SECONDS
            ox.settings.useful_tags_way = list(_WAY_TAGS)
            _overpass._overpass_request = ask_overpass  # noqa: SLF001 - on loan
            _nominatim._nominatim_request = ask_nominatim  # noqa: SLF001 - on loan
            yield ox, answers
        finally:
            _overpass._overpass_request, _nominatim._nominatim_request = senders  # noqa: SLF001 - on loan
            for key, value in settings.items():
                setattr(ox.settings, key, value)


def _server_address(url: str) -> str:
    """Return the address of a server without a slash at its end."""
    parts = urllib.parse.urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise DataError("fetch.bad_url", url=url)
    return url.strip().rstrip("/")
