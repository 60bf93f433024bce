import numpy as np
import pandas as pd

from lifecircle.sources.cell_values import to_numbers, to_text


def test_numbers_are_read_as_people_write_them() -> None:
    values = pd.Series(["1,200", "1 200", "", None, "12人", 3, 4.5, np.nan, "-7", "1,234,567.5", "1,23"])
    expected = [1200, np.nan, np.nan, np.nan, np.nan, 3, 4.5, np.nan, -7, 1234567.5, np.nan]
    np.testing.assert_array_equal(to_numbers(values), expected)


def test_texts_lose_the_tail_of_whole_numbers_and_line_breaks() -> None:
    values = pd.Series([331102001001.0, 7, None, np.nan, pd.NaT, " 紫金\n社区 ", 0.5], dtype=object)
    assert to_text(values).to_list() == ["331102001001", "7", "", "", "", "紫金 社区", "0.5"]
