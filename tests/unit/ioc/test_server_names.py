"""Which channel names stand for what."""

from __future__ import annotations

import pytest

from snapioc.ioc.server import SnapContext
from tests.helpers.small_ioc import small_ioc

PREFIXES = ["SNAP:", "XF:31{Det:1}", "{}", "A{B{C}}:", "{0}{name}:"]


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_names_with_braces_fields_and_filters(prefix: str) -> None:
    group = small_ioc(prefix)
    context = SnapContext(dict(group.pvdb), ["127.0.0.1"], None)
    for name in ("LSO", "LSO.", "LSO.VAL", "LSO.VAL$", 'LSO.VAL{"ts":{}}', 'LSO.{"ts":{}}', "LSO.VAL[0:1]"):
        assert context[f"{prefix}{name}"] is group.lso, name
    for field in ("DESC", "DESC$", 'DESC{"ts":{}}'):
        assert context[f"{prefix}LSO.{field}"] is group.lso.get_field("DESC"), field
    assert context[f'{prefix}LONGIN.{{"dbnd":{{"abs":1.5}}}}'] is group.longin


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "NOPE",
        "LSO.NOPE",
        "LSO.VAL.VAL",
        "LSO.VAL$$",
        "LONGIN.VAL$",
        "STRINGS.VAL$",
        "LSO.{",
        'LSO.{"x":1}',
        "LSO.[a:b]",
    ]
    + [
        'LSO.{"dbnd":{"abs":1}}',
        'LONGIN.{"sync":{"m":"while","s":"red"}}',
        "LSO.[0:0:3]",
        "LSO.null",
        'LSO.{"arr":5}',
        "LSO.{1:2}",
    ],
)
async def test_other_names_are_not_known(name: str) -> None:
    context = SnapContext(dict(small_ioc("T:").pvdb), ["127.0.0.1"], None)
    assert not context.knows(f"T:{name}")


async def test_asking_for_fields_adds_no_pv() -> None:
    context = SnapContext(dict(small_ioc("T:").pvdb), ["127.0.0.1"], None)
    before = set(context.pvdb)
    assert context.knows("T:LSO.DESC")
    assert set(context.pvdb) == before
