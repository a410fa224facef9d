"""What holds for a set as a whole, whatever its files look like."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapioc.formats import SetFile, read_set
from snapioc.model import ConfigError
from tests.unit.formats.folder import Folder

DB = Path(__file__).parents[3] / "db"


def test_files_follow_one_another_with_macros_of_their_own(folder: Folder) -> None:
    first, second = folder.write("a.req", "$(P)1\n"), folder.write("b.csv", "pv\n$(P)2\n")
    pv_set = read_set("SET", [SetFile(first.path, {"P": "A:"}), SetFile(second.path, {"P": "B:"})])
    assert (pv_set.name, pv_set.pvs) == ("SET", ("A:1", "B:2"))


def test_duplicates_name_both_places(folder: Folder) -> None:
    folder.write("a.req", "X\nA\nA\n")
    folder.write("b.csv", "pv\nB\nX\n")
    folder.write("c.req", "!sub.req\n")
    folder.write("sub.req", "\nB\n")
    assert folder.faults("a.req", "b.csv", "c.req") == [
        "a.req:3: A stands in the set already, at a.req:2",
        "b.csv:3: X stands in the set already, at a.req:1",
        "sub.req:2: B stands in the set already, at b.csv:2 (included at c.req:1)",
    ]


def test_the_same_file_twice_is_a_duplicate_unless_macros_differ(folder: Folder) -> None:
    file = folder.write("a.req", "$(P)1\n")
    assert read_set("SET", [SetFile(file.path, {"P": "A"}), SetFile(file.path, {"P": "B"})]).pvs == ("A1", "B1")
    with pytest.raises(ConfigError, match="A1 stands in the set already"):
        read_set("SET", [SetFile(file.path, {"P": "A"})] * 2)


def test_a_readback_may_be_a_member_or_shared(folder: Folder) -> None:
    folder.write("t.csv", "pv,readback\nA,R\nB,R\nR,\n")
    assert folder.pvs("t.csv") == ["A", "B", "R"]


def test_names_that_cannot_be_pv_names(folder: Folder) -> None:
    folder.write("a.req", 'A\nB\'\n"C"\n#D\nE#\n$F\n' + "x" * 501)
    assert folder.faults("a.req") == [
        "a.req:2: B': \"'\" cannot stand in a PV name",
        'a.req:3: "C": \'"\' cannot stand in a PV name',
        "a.req:5: E#: '#' cannot stand in a PV name",
        "a.req:6: $F: '$' cannot stand in a PV name",
        f"a.req:7: {'x' * 501}: the PV name has more than 500 bytes",
    ]


def test_all_faults_of_all_files_are_found(folder: Folder) -> None:
    folder.write("a.req", "$(X)\nA\n!gone.req\n$(Y)\n")
    folder.write("b.csv", "pv,order\nB,x\nC,1\nD,y\n")
    found = folder.faults("a.req", "gone.csv", "b.csv")
    assert [fault.split(": ")[0] for fault in found] == ["a.req:1", "a.req:3", "a.req:4", "gone.csv", "b.csv:2", "b.csv:4"]


def test_a_flood_of_faults_is_cut_with_their_number(folder: Folder) -> None:
    folder.write("a.req", "$(P)\n" * 1000)
    found = folder.faults("a.req")
    assert len(found) == 51
    assert found[-2:] == ["a.req:50: macro $(P) is not defined", "and 950 more faults"]


def test_the_caller_may_refuse_names(folder: Folder) -> None:
    file = folder.write("t.csv", "pv,readback\nA,B\nC,A\n")
    with pytest.raises(ConfigError) as caught:
        read_set("SET", [file], lambda pv: "is not wanted" if pv == "A" else None)
    assert str(caught.value).splitlines() == [
        f"{file.path}:2: A: is not wanted",
        f"{file.path}:3: readback A: is not wanted",
    ]


def test_an_empty_set_is_a_set(folder: Folder) -> None:
    folder.write("a.req", "# nothing\n")
    assert folder.members("a.req") == ()
    assert read_set("SET", []).members == ()


def test_many_lines(folder: Folder) -> None:
    rows = range(20_000)
    folder.write("a.req", "".join(f"$(P)A{row:06}.VAL, tail\n" for row in rows))
    folder.write("b.csv", "pv,readback,abs_tol\n" + "".join(f"$(P)B{row},$(P)R{row},0.5\n" for row in rows))
    assert len(folder.members("a.req", "b.csv", macros={"P": "SR:"})) == 40_000


@given(name=st.sampled_from(["a.req", "a.csv"]), content=st.binary(max_size=200), header=st.booleans())
def test_any_bytes_give_a_set_or_an_error_that_names_the_file(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes, header: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes((b"pv,abs_tol,tags\n" if header else b"") + content)
    try:
        read_set("SET", [SetFile(path)])
    except ConfigError as error:
        assert all(str(path) in line or line.startswith("and ") for line in str(error).split("\n"))


LINES = st.lists(
    st.sampled_from(["A", "$(P)B", "!a.req", '!b.req, "P=x"', "file b.req P=$(P)", "{", "}", "data{", "#", "$(", "C,D", '"'])
    | st.text("AB$(){}=,!#\"' file.req", max_size=20),
    max_size=6,
).map("\n".join)


@given(top=LINES, sub=LINES)
def test_any_pair_of_request_files_gives_a_set_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, top: str, sub: str
) -> None:
    folder = Folder(tmp_path_factory.mktemp("pair"))
    file = folder.write("a.req", top)
    folder.write("b.req", sub)
    try:
        pv_set = read_set("SET", [SetFile(file.path, {"P": "SR:"})])
    except ConfigError as error:
        assert all(line.startswith(str(folder.path)) or line.startswith("and ") for line in str(error).split("\n"))
    else:
        assert len(set(pv_set.pvs)) == len(pv_set.members)


def test_the_examples_for_people() -> None:
    common = read_set("COMMON", [SetFile(DB / "common.csv")])
    assert common.pvs[0] == "SR:MODE:SET"
    assert [member.order for member in common.members] == [-10, 0, 1, 0, 20]
    magnets = read_set("MAGNETS", [SetFile(DB / "magnets.req", {"P": "SR:"})])
    assert "SR:MAG:QD1:A:I-SET" in magnets.pvs and "SR:MAG:BEND:MODE" in magnets.pvs
    assert len(magnets.members) == 11
    assert len(read_set("BOTH", [SetFile(DB / "common.csv"), SetFile(DB / "magnets.req", {"P": "SR:"})]).pvs) == 20
