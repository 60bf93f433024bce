"""Does every combination of tags say who may walk, and which way?"""

import pytest

from lifecircle.walkable import KINDS, Walk, walk_directions, who_may_walk


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_plain_street_is_for_everybody(kind: str) -> None:
    assert who_may_walk({"highway": kind}) is Walk.PUBLIC


@pytest.mark.parametrize(
    ("tags", "who"),
    [
        ({}, Walk.CLOSED),
        ({"railway": "rail"}, Walk.CLOSED),
        ({"highway": "motorway"}, Walk.CLOSED),
        ({"highway": "motorway", "foot": "yes"}, Walk.PUBLIC),
        ({"highway": "motorway_link"}, Walk.CLOSED),
        ({"highway": "cycleway"}, Walk.CLOSED),
        ({"highway": "cycleway", "foot": "designated"}, Walk.PUBLIC),
        ({"highway": "trunk", "motorroad": "yes"}, Walk.CLOSED),
        ({"highway": "trunk", "motorroad": "yes", "foot": "yes"}, Walk.PUBLIC),
        ({"highway": "construction"}, Walk.CLOSED),
        ({"highway": "proposed", "foot": "yes"}, Walk.CLOSED),
        ({"highway": "bus_stop"}, Walk.CLOSED),
        # foot is heard before access
        ({"highway": "service", "access": "no"}, Walk.CLOSED),
        ({"highway": "service", "access": "no", "foot": "yes"}, Walk.PUBLIC),
        ({"highway": "service", "access": "private"}, Walk.PRIVATE),
        ({"highway": "service", "access": "private", "foot": "permissive"}, Walk.PUBLIC),
        ({"highway": "residential", "access": "yes", "foot": "no"}, Walk.CLOSED),
        ({"highway": "residential", "foot": "private"}, Walk.PRIVATE),
        ({"highway": "secondary", "foot": "use_sidepath"}, Walk.CLOSED),
        ({"highway": "track", "access": "agricultural"}, Walk.PRIVATE),
        # what binds vehicles binds no walker, and customers and visitors are let in
        ({"highway": "residential", "motor_vehicle": "no"}, Walk.PUBLIC),
        ({"highway": "service", "access": "customers"}, Walk.PUBLIC),
        ({"highway": "residential", "access": "destination"}, Walk.PUBLIC),
        # a value nobody knows says nothing
        ({"highway": "path", "foot": "discouraged"}, Walk.PUBLIC),
        ({"highway": "path", "foot": "unknown", "access": "no"}, Walk.CLOSED),
    ],
)
def test_tags_say_who_may_walk(tags: dict[str, str], who: Walk) -> None:
    assert who_may_walk(tags) is who


@pytest.mark.parametrize(
    ("tags", "along_against"),
    [
        ({}, (True, True)),
        ({"oneway": "yes"}, (True, True)),
        ({"oneway": "-1"}, (True, True)),
        ({"oneway:foot": "yes"}, (True, False)),
        ({"oneway:foot": "1"}, (True, False)),
        ({"oneway:foot": "true"}, (True, False)),
        ({"oneway:foot": "-1"}, (False, True)),
        ({"oneway": "yes", "oneway:foot": "no"}, (True, True)),
        ({"foot:backward": "no"}, (True, False)),
        ({"foot:forward": "no"}, (False, True)),
    ],
)
def test_only_tags_for_walkers_make_a_walk_one_way(
    tags: dict[str, str], along_against: tuple[bool, bool]
) -> None:
    assert walk_directions({"highway": "path"} | tags) == along_against
