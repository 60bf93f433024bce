"""Which OpenStreetMap ways may a person walk, in which direction, and who?

The rules follow the access page of the OpenStreetMap wiki (``Key:access``, ``Key:foot``) and its default
access restrictions for pedestrians. Trunk roads count: in China they carry pavements unless tagged otherwise.
"""

from collections.abc import Mapping
from enum import IntEnum, IntFlag

KINDS = frozenset(
    {
        "bridleway", "corridor", "crossing", "elevator", "footway", "living_street", "path", "pedestrian",
        "primary", "primary_link", "residential", "road", "secondary", "secondary_link", "service", "steps",
        "tertiary", "tertiary_link", "track", "trunk", "trunk_link", "unclassified",
    }
)  # fmt: skip
_SQUARES = frozenset({"footway", "living_street", "path", "pedestrian"})
ACROSS = "lifecircle:across"
"""Tag of a way that no map draws: across a square, or over a hurdle."""
HURDLE = "lifecircle:hurdle"
"""Tag of a way without length over what some avoid, as words of `AVOIDABLE`."""
_ON_REQUEST = frozenset({"busway", "bus_guideway", "cycleway", "motorway", "motorway_link"})
_FOOT_YES = frozenset({"yes", "designated", "permissive", "destination", "customers", "official", "public"})
_PRIVATE = frozenset(
    {
        "private",
        "residents",
        "permit",
        "employees",
        "delivery",
        "agricultural",
        "forestry",
        "members",
        "staff",
    }
)
_UNPAVED = frozenset(
    {
        *("compacted", "dirt", "earth", "fine_gravel", "grass", "gravel", "ground", "mud", "pebblestone"),
        *("rock", "sand", "unpaved", "woodchips"),
    }
)  # fmt: skip
_CLOSED = frozenset({"no", "use_sidepath", "military", "emergency", "never"})
_SOLID = frozenset({"wall", "city_wall", "retaining_wall", "fence", "hedge", "jersey_barrier", "debris"})


class Walk(IntEnum):
    """Who may walk a way, or pass a gate."""

    CLOSED = 0
    PUBLIC = 1
    PRIVATE = 2


class Trait(IntFlag):
    """What makes a way hard for some walkers, lifts it off the ground, or that no map draws it."""

    STEPS = 1
    UNPAVED = 2
    NO_WHEELCHAIR = 4
    OFF_GROUND = 8
    ACROSS = 16
    STILE = 32
    KISSING_GATE = 64
    TURNSTILE = 128
    CYCLE_BARRIER = 256
    KERB = 512


AVOIDABLE = {
    "steps": Trait.STEPS,
    "unpaved": Trait.UNPAVED,
    "no_wheelchair": Trait.NO_WHEELCHAIR,
    "stile": Trait.STILE,
    "kissing_gate": Trait.KISSING_GATE,
    "turnstile": Trait.TURNSTILE,
    "cycle_barrier": Trait.CYCLE_BARRIER,
    "kerb": Trait.KERB,
}
"""What a standard may say its walkers cannot use, by the word it says it with."""
_HURDLES = {
    "stile": Trait.STILE,
    "kissing_gate": Trait.KISSING_GATE,
    "turnstile": Trait.TURNSTILE,
    "full-height_turnstile": Trait.TURNSTILE,
    "cycle_barrier": Trait.CYCLE_BARRIER,
}
_HIGH_KERBS = frozenset({"raised", "regular"})


def who_may_walk(tags: Mapping[str, str]) -> Walk:
    """Return who may walk a way with these OpenStreetMap tags.

    ``foot`` is heard before ``access``. A private way is walked by those who live on it and is no short cut.

    Examples
    --------
    >>> who_may_walk({"highway": "service", "access": "private"}).name
    'PRIVATE'
    >>> who_may_walk({"highway": "service", "access": "private", "foot": "yes"}).name
    'PUBLIC'
    """
    kind, foot = tags.get("highway"), tags.get("foot")
    if kind in _ON_REQUEST or tags.get("motorroad") == "yes":
        return Walk.PUBLIC if foot in _FOOT_YES else Walk.CLOSED
    if kind not in KINDS:
        return Walk.CLOSED
    return _who(tags, Walk.PUBLIC)


def who_may_pass(tags: Mapping[str, str]) -> Walk:
    """Return who may pass the node of a way with these OpenStreetMap tags.

    ``foot`` is heard before ``access``. Where neither is said, walkers pass gates, bollards, stiles and all
    else that a way leads through, but no wall, fence, hedge or debris, as in OSRM's profile for walkers; a
    locked gate is passed by those who have the key.

    Examples
    --------
    >>> who_may_pass({"barrier": "gate"}).name
    'PUBLIC'
    >>> who_may_pass({"barrier": "gate", "access": "private"}).name
    'PRIVATE'
    >>> who_may_pass({"barrier": "wall"}).name
    'CLOSED'
    """
    if tags.get("barrier") in _SOLID:
        return _who(tags, Walk.CLOSED)
    return _who(tags, Walk.PRIVATE if tags.get("locked") == "yes" else Walk.PUBLIC)


def _who(tags: Mapping[str, str], unsaid: Walk) -> Walk:
    """Return whom ``foot``, else ``access``, lets in; `unsaid` where neither says."""
    foot, access = tags.get("foot"), tags.get("access")
    said = foot if foot in _FOOT_YES or foot in _PRIVATE or foot in _CLOSED else access
    if said in _CLOSED:
        return Walk.CLOSED
    if said in _PRIVATE:
        return Walk.PRIVATE
    return Walk.PUBLIC if said in _FOOT_YES else unsaid


def walk_directions(tags: Mapping[str, str]) -> tuple[bool, bool]:
    """Return whether a walker may follow the way (along, against) its drawn direction.

    Only tags that speak of walkers count: ``oneway=yes`` alone binds vehicles.
    """
    oneway = tags.get("oneway:foot")
    along = oneway != "-1" and tags.get("foot:forward") != "no"
    against = oneway not in {"yes", "1", "true"} and tags.get("foot:backward") != "no"
    return along, against


def traits(tags: Mapping[str, str]) -> Trait:
    """Return the traits of a way by its tags.

    Examples
    --------
    >>> traits({"highway": "path", "surface": "gravel"})
    <Trait.UNPAVED: 2>
    """
    found = Trait(0)
    if tags.get("highway") == "steps":
        found |= Trait.STEPS
    if tags.get("surface") in _UNPAVED:
        found |= Trait.UNPAVED
    if tags.get("wheelchair") == "no":
        found |= Trait.NO_WHEELCHAIR
    if tags.get("bridge", "no") != "no" or tags.get("tunnel", "no") not in {"no", "building_passage"}:
        found |= Trait.OFF_GROUND
    if ACROSS in tags:
        found |= Trait.ACROSS
    for word in filter(None, tags.get(HURDLE, "").split(";")):
        found |= AVOIDABLE[word]
    return found


def hurdles(tags: Mapping[str, str]) -> Trait:
    """Return what makes the node of a way with these tags hard for some: stiles, kerbs and the like.

    ``wheelchair=yes`` there says that it is none. A kerb counts where it is raised, or of unknown height but
    mapped as a barrier.

    Examples
    --------
    >>> hurdles({"barrier": "stile"})
    <Trait.STILE: 32>
    >>> hurdles({"kerb": "lowered"}), hurdles({"barrier": "kissing_gate", "wheelchair": "yes"})
    (<Trait: 0>, <Trait: 0>)
    """
    barrier, kerb = tags.get("barrier"), tags.get("kerb")
    if (barrier is None and kerb is None) or tags.get("wheelchair") in {"yes", "designated"}:
        return Trait(0)
    found = _HURDLES.get(barrier or "", Trait(0))
    if kerb in _HIGH_KERBS or (barrier == "kerb" and kerb is None):
        found |= Trait.KERB
    if tags.get("wheelchair") == "no":
        found |= Trait.NO_WHEELCHAIR
    return found


def is_square(tags: Mapping[str, str]) -> bool:
    """Return whether a ring with these tags is the outline of ground that people walk all over.

    Examples
    --------
    >>> is_square({"highway": "pedestrian", "area": "yes"}), is_square({"highway": "pedestrian"})
    (True, False)
    """
    return tags.get("highway") in _SQUARES and tags.get("area") == "yes"
