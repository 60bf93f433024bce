"""How long does it take to say where the next facilities should stand, and how far is that from spopt's time?

Three services, five sites each, on the whole of Las Palmas; then single changes, measured again.
"""

import argparse
import importlib.util
import resource
import time
import warnings
from pathlib import Path

import numpy as np

import lifecircle as lc
from lifecircle.candidates import street_sites
from lifecircle.coverage import Coverage
from lifecircle.siting_search import People

_KB = 1024.0
LAS_PALMAS = Path("data/las_palmas")


def main() -> None:
    """Measure, choose, and print a line for each service."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.siting", description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="folder that holds data/las_palmas")
    parser.add_argument("--sites", type=int, default=5)
    parser.add_argument("--apart", type=float, default=75.0, help="metres between candidates")
    chosen = parser.parse_args()
    folder = chosen.shared / LAS_PALMAS
    city = lc.read_city(osm=folder / "las_palmas.osm.pbf", communities=folder / "catchments.geojson")
    started = time.perf_counter()
    coverage = lc.measure_coverage(city, lc.load_standard("life-circle"))
    print(f"first measurement {time.perf_counter() - started:.2f} s")
    choices = lc.SitingChoices(apart_m=chosen.apart)
    total = 0.0
    print("service        candidates       s      gap   greedy  spopt s  ratio  same")
    for service in coverage.standard.services:
        started = time.perf_counter()
        found = lc.suggest_sites(coverage, service.id, sites=chosen.sites, choices=choices)
        seconds = time.perf_counter() - started
        total += seconds
        line = f"{service.id:14}{found.candidates:11,}{seconds:8.2f}{found.gap:9.2%}"
        line += f"{found.greedy_value / found.value:9.2%}"
        if importlib.util.find_spec("spopt"):
            value, peer = with_spopt(coverage, service.id, found)
            same = "yes" if np.isclose(value, found.value, rtol=1e-6) else "NO"
            line += f"{peer:9.1f}{peer / seconds:7.1f}{same:>6}"
        print(line)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KB
    print(f"all {total:.2f} s, most memory of the process {peak_mb:,.0f} MB")
    changes(coverage)


def with_spopt(coverage: Coverage, service: str, found: lc.Suggestion) -> tuple[float, float]:
    """Return what spopt's MCLP covers with the same candidates and groups of people, and its seconds.

    The walks are ours, and the people are put in groups before: only the choice is compared.
    """
    import pulp  # noqa: PLC0415  a peer, not a dependency
    from spopt.locate import MCLP  # noqa: PLC0415 - one of the peers

    frame = street_sites(coverage, service, apart_m=found.choices.apart_m)
    people = People.of(coverage, service, found.limit, frame)
    benefit = people.benefit
    cost = np.where(benefit.toarray().T > 0, 0.0, 1.0)
    weights = np.asarray(benefit.max(axis=0).toarray()).ravel()
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MCLP.from_cost_matrix(cost, weights, service_radius=0.5, p_facilities=len(found.sites))
        model.solve(pulp.PULP_CBC_CMD(msg=False))
    return float(pulp.value(model.problem.objective)), time.perf_counter() - started


def changes(coverage: Coverage) -> None:
    """Print how long single changes take to be measured."""
    city, homes = coverage.city, coverage.city.homes.geometry.to_crs(4326)
    for name, row in (("new facility", 100), ("new facility", 9000), ("link", 9000)):
        place = homes.iloc[row]
        started = time.perf_counter()
        if name == "link":
            other = city.with_link((place.x, place.y), (place.x + 0.002, place.y + 0.001))
        else:
            other = city.with_facility("clinic", lon=place.x, lat=place.y)
        lc.remeasure(coverage, other)
        print(f"{name}: {time.perf_counter() - started:.3f} s")


if __name__ == "__main__":
    main()
