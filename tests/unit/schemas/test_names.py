"""Names that are made of other names, and taken apart again."""

import pytest

from schemas.names import network_of_set, split_network_of_set


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("shop_default", ("shop_default", "")),
        ("shop_default_r000000007", ("shop_default", "r7")),
        ("shop_a_r000000007_r999999999", ("shop_a_r000000007", "r999999999")),
        ("shop_r7", ("shop_r7", "")),
        ("shop_r000000000", ("shop_r000000000", "")),
    ],
)
def test_a_networks_name_tells_the_set_that_it_was_made_for(
    name: str, split: tuple[str, str]
) -> None:
    assert split_network_of_set(name) == split
    assert network_of_set(*split) == name
