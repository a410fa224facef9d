"""An empty array is on the wire what a C IOC makes of it, whatever is asked for."""

from __future__ import annotations

import pytest

from tests.helpers.iocs import SoftIoc
from tests.helpers.raw_client import RawClient
from tests.helpers.server import ServerProcess

EMPTY = """
record(waveform, "C:LONGS") { field(FTVL, "LONG") field(NELM, "100") }
record(waveform, "C:DOUBLES") { field(FTVL, "DOUBLE") field(NELM, "100") }
"""


@pytest.mark.parametrize("name", ["LONGS", "DOUBLES"])
def test_it_is_as_that_of_a_c_ioc(server: ServerProcess, client: RawClient, name: str) -> None:
    with SoftIoc(EMPTY) as c_ioc, RawClient(int(c_ioc.address.partition(":")[2])) as c_client:
        ours, theirs = client.create(server.pv(name)), c_client.create(f"C:{name}")
        assert (ours.data_type, ours.data_count) == (theirs.data_type, theirs.data_count)
        for data_type in (0, 1, 2, 4, 5, 6, 14, 16, 17, 18, 19, 20, 34):
            for count in (0, 1, 5, 100):
                answers = [each.read(channel, data_type, count) for each, channel in ((client, ours), (c_client, theirs))]
                found = [(answer.data_count, answer.header.payload_size) for answer in answers]
                assert found[0] == found[1], (data_type, count)
                subscribed = client.update(client.subscribe(ours, data_type, count))
                assert subscribed.data_count == count
