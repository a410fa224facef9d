"""Sets as CSV tables."""

import pytest

from snapioc.model import Member, Mode, OnInvalid
from tests.unit.formats.folder import Folder

HEADER = "pv,readback,abs_tol,rel_tol,mode,order,wait,timeout,ramp,always,required,invalid,tags\n"


def test_every_column(folder: Folder) -> None:
    folder.write("t.csv", HEADER + "A,A:RB,0.5,1e-3,RO,-2,yes,7200,0.25,1,true,write,a b;c; b\nB,,,,,,,,,,,,\n")
    full = Member(
        pv="A",
        readback="A:RB",
        abs_tol=0.5,
        rel_tol=1e-3,
        mode=Mode.READ_ONLY,
        order=-2,
        wait=True,
        timeout=7200.0,
        ramp=0.25,
        always=True,
        required=True,
        invalid=OnInvalid.WRITE,
        tags=("a", "b", "c"),
    )
    assert folder.members("t.csv") == (full, Member("B"))


@pytest.mark.parametrize(
    "content",
    [
        "pv,order\nA,3\n",
        "\ufeffpv,order\r\nA,3\r\n",
        '\n# comment, with "quotes\n\npv,order\n#,"\n\nA,3\n,\n',
        " pv , order \n A , 3 \n",
        "order,pv\n3,A\n",
        '"pv","order"\n"A","3"\n',
        "pv,order,,\nA,3,,\n,,,\n",
        "pv,order\nA,3,,\n",
        "pv,order,mode,tags\nA,3\n",
        "pv,order\n$(P=A),$(N=3)\n",
        'pv,order\n"$(P=A)",$(N=$(M=3))\n',
    ],
)
def test_ways_of_writing_one_row(folder: Folder, content: str) -> None:
    folder.write("t.csv", content)
    assert folder.members("t.csv") == (Member("A", order=3),)


def test_macros_expand_in_every_cell(folder: Folder) -> None:
    folder.write("t.CSV", HEADER + "$(A),$(B),$(C),$(C),$(D),$(E),$(F),$(C),$(C),$(F),$(F),$(G),$(H)\n")
    macros = {"A": "PV", "B": "RB", "C": "2", "D": "RO", "E": "7", "F": "yes", "G": "write", "H": "x y"}
    (member,) = folder.members("t.CSV", macros=macros)
    assert member == Member("PV", "RB", 2.0, 2.0, Mode.READ_ONLY, 7, True, 2.0, 2.0, True, True, OnInvalid.WRITE, ("x", "y"))


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1", True), ("0", False), ("yes", True), ("no", False), ("true", True), ("FALSE", False), ("Yes", True), ("", False)],
)
def test_booleans(folder: Folder, cell: str, value: bool) -> None:
    folder.write("t.csv", f"pv,always\nA,{cell}\n")
    assert folder.members("t.csv")[0].always is value


def test_zero_has_one_form(folder: Folder) -> None:
    folder.write("t.csv", "pv,abs_tol\nA,-0.0\n")
    assert folder.members("t.csv")[0].to_json() == Member("A").to_json()


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("A,,-1", "abs_tol: '-1' is no finite number of at least 0"),
        ("A,,nan", "abs_tol: 'nan' is no finite number of at least 0"),
        ("A,,inf", "abs_tol: 'inf' is no finite number of at least 0"),
        ("A,,1e999", "abs_tol: '1e999' is no finite number of at least 0"),
        ('A,,"1,5"', "abs_tol: '1,5' is no finite number of at least 0"),
        ("A,,,-1e-9", "rel_tol: '-1e-9' is no finite number of at least 0"),
        ("A,,,,WO", "mode: 'WO' is none of rw, ro"),
        ("A,,,,,1.5", "order: '1.5' is no integer"),
        ("A,,,,,,maybe", "wait: 'maybe' is none of 1, 0, yes, no, true, false"),
        ("A,,,,,,,-5", "timeout: '-5' is no finite number of at least 0"),
        ("A,,,,,,,,x", "ramp: 'x' is no finite number of at least 0"),
        ("A,,,,,,,,,2", "always: '2' is none of 1, 0, yes, no, true, false"),
        ("A,,,,,,,,,,on", "required: 'on' is none of 1, 0, yes, no, true, false"),
        ("A,,,,,,,,,,,keep", "invalid: 'keep' is none of skip, write"),
        ("A,,$(X)", "macro $(X) is not defined"),
        ("A,$(X", "the macro reference '$(X' is not closed"),
        ("A,,,,,,,,,,,,,x", "the row has 14 cells, but the header only 13"),
        ('A,"B', "the line is no CSV: unexpected end of data"),
        ('A,"B"C', "the line is no CSV: ',' expected after '\"'"),
        (",B", "the PV name is empty"),
        ("A B", "A B: ' ' cannot stand in a PV name"),
        ("A,B C", "readback B C: ' ' cannot stand in a PV name"),
        ("A,A", "A is its own readback"),
    ],
)
def test_wrong_rows(folder: Folder, row: str, fault: str) -> None:
    folder.write("t.csv", f"{HEADER}GOOD\n\n{row}\n")
    assert folder.faults("t.csv") == [f"t.csv:4: {fault}"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "t.csv:1: there is no header row; it has at least the column pv"),
        ("# pv\n\n", "t.csv:1: there is no header row; it has at least the column pv"),
        (",,\n", "t.csv:1: there is no column pv"),
        ("\nreadback,mode\n", "t.csv:2: there is no column pv"),
        ("pv,order,pv\n", "t.csv:1: the column pv stands here twice"),
        ("pv,,order\n", "t.csv:1: unknown column ''; known are "),
        ("PV\n", "t.csv:1: unknown column 'PV'; known are "),
        ("pv;order\nA;3\n", "t.csv:1: unknown column 'pv;order'; known are "),
        ("SR:A\nSR:B\n", "t.csv:1: unknown column 'SR:A'; known are "),
        ('"pv\n', "t.csv:1: the line is no CSV: unexpected end of data"),
    ],
)
def test_wrong_headers(folder: Folder, content: str, fault: str) -> None:
    folder.write("t.csv", content)
    (found,) = folder.faults("t.csv")
    assert found.startswith(fault)
    assert not fault.startswith("t.csv:1: unknown") or "known are pv, readback, abs_tol, rel_tol, mode, order" in found


def test_a_file_that_is_no_utf8_names_the_line(folder: Folder) -> None:
    folder.write("t.csv", b"pv,tags\nA,ok\nB,caf\xe9\n")
    assert folder.faults("t.csv") == ["t.csv:3: not UTF-8: byte 0xe9 (a file of set SET)"]
