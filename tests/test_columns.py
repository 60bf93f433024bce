import pytest

from lifecircle.sources.columns import find_column, table_words, whole_name


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("lon", "经度"), ("lon", "LNG"), ("lon", " Longitude "), ("lon", "Ｘ"), ("lon", "经 度（°）"),
        ("lat", "纬度"), ("lat", "Lat"), ("lat", "y"), ("id", "编号"), ("name", "名称"), ("name", "Name:ZH"),
        ("type", "类别"), ("type", "Service"), ("community", "社区"), ("street", "街道"), ("address", "地址"),
        ("population", "常住人口（人）"), ("population", "Residents"), ("floor_m2", "建筑面积(㎡)"),
        ("floor_m2", "Floor Area"), ("levels", "层数"),
    ],
)  # fmt: skip
def test_columns_are_found_by_their_aliases(field: str, column: str) -> None:
    assert find_column(["别的", column, "other"], field) == column


def test_the_first_alias_wins_and_no_alias_stands_for_two_fields() -> None:
    assert find_column(["y", "lat", "x", "经度"], "lon") == "经度"
    assert find_column(["colour"], "lon") is None
    aliases = [alias for field in table_words()["columns"].values() for alias in field]
    assert len(aliases) == len(set(aliases))


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_names_that_a_shapefile_cuts_stand_for_one_field_or_none(encoding: str) -> None:
    fields: dict[bytes, set[str]] = {}
    for field, aliases in table_words()["columns"].items():
        for alias in aliases:
            raw = alias.encode(encoding, errors="ignore")
            if len(raw) > 10:
                fields.setdefault(raw[:10], set()).add(field)
    assert len(fields) > 10
    for raw, named in fields.items():
        whole = whole_name(raw, encoding)
        assert (whole is None) == (len(named) > 1)  # "residents_" may be of three ages
        if whole is not None:
            assert find_column([whole], *named) == whole
    assert whole_name(b"community_", encoding) is None
    assert whole_name("名称".encode(encoding), encoding) is None
